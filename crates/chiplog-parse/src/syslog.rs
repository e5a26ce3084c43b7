//! Syslog: RFC 3164, RFC 5424, rsyslog files.
