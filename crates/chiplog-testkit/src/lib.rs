//! chiplog-testkit
