//! chiplog-rules
