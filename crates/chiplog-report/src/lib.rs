//! chiplog-report
