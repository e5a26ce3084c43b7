//! chiplog-source
