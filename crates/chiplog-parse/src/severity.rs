//! Severity, on the scale of OpenTelemetry.

use core::fmt;

/// How severe the emitter says a record is.
///
/// The order is that of the OpenTelemetry severity numbers (OpenTelemetry specification,
/// logs data model, "Severity fields").
///
/// ```
/// use chiplog_parse::Severity;
/// assert!(Severity::Warning < Severity::Error);
/// assert_eq!(Severity::Error.number(), 17);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Severity {
    /// logrus and capnslog trace.
    Trace,
    /// Debugging detail.
    Debug,
    /// Normal operation.
    Info,
    /// Normal but significant (syslog 5, capnslog N).
    Notice,
    /// Something may be wrong.
    Warning,
    /// Something failed.
    Error,
    /// syslog 2, capnslog C, zap dpanic.
    Critical,
    /// syslog 1, zap and logrus panic: the operation was abandoned. Named `critical`.
    Alert,
    /// syslog 0, klog F, zap and logrus fatal: the process ends.
    Fatal,
}

impl Severity {
    /// The OpenTelemetry severity number, 1 to 24.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Trace => 1,
            Self::Debug => 5,
            Self::Info => 9,
            Self::Notice => 10,
            Self::Warning => 13,
            Self::Error => 17,
            Self::Critical => 18,
            Self::Alert => 19,
            Self::Fatal => 21,
        }
    }

    /// The name in lower case, one of `trace debug info notice warning error critical fatal`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical | Self::Alert => "critical",
            Self::Fatal => "fatal",
        }
    }

    /// A syslog or journal priority, 0 (emergency) to 7 (debug); `None` above 7.
    #[must_use]
    pub const fn from_syslog(priority: u8) -> Option<Self> {
        Some(match priority {
            0 => Self::Fatal,
            1 => Self::Alert,
            2 => Self::Critical,
            3 => Self::Error,
            4 => Self::Warning,
            5 => Self::Notice,
            6 => Self::Info,
            7 => Self::Debug,
            _ => return None,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARN",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
            Self::Alert => "ALERT",
            Self::Fatal => "FATAL",
        })
    }
}
