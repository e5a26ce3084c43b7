//! chiplog-engine
