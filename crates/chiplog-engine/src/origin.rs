//! Where the lines of a source come from, for those that do not say.

use std::sync::Arc;

use chiplog_parse::{Detector, Record};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the place of a source tells of its lines: the folder of a node, the name of a log file.
///
/// It holds for lines that do not say it themselves.
///
/// ```
/// use chiplog_engine::Origin;
/// let of_a_pod = Origin { host: Some("w-07".into()), component: Some("coredns".into()) };
/// assert_ne!(of_a_pod, Origin::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The machine.
    pub host: Option<Arc<str>>,
    /// The program, as rules name it. A line without one could be of any program, and the
    /// conditions of all rules are tried on it; of this one, if it is known.
    pub component: Option<Arc<str>>,
}

/// Reads the lines of one source.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineReader {
    detector: Detector,
    origin: Origin,
}

impl LineReader {
    pub(crate) fn new(origin: &Origin) -> Self {
        Self { detector: Detector::new(), origin: origin.clone() }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Gives back the memory that reading took: of many sources few have something to read.
    pub(crate) fn rest(&mut self) {
        self.detector = Detector::new();
    }

    /// The line as [`Detector::peel`] reads it, with its origin.
    pub(crate) fn peel<'a>(&'a mut self, line: &'a [u8]) -> Record<'a> {
        let Self { detector, origin } = self;
        let mut record = detector.peel(line);
        if record.host.is_none() {
            record.host = origin.host.as_deref().map(str::as_bytes);
        }
        if record.component.is_none() {
            record.component = origin.component.as_deref().map(str::as_bytes);
        }
        record
    }
}

/// The rest is room to read in.
impl Serialize for LineReader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.origin.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LineReader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Origin::deserialize(deserializer).map(|origin| Self::new(&origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_says_goes_before_where_it_was_found() {
        let origin = Origin { host: Some("w-07".into()), component: Some("kubelet".into()) };
        let mut reader = LineReader::new(&origin);
        let cases: &[(&str, &str, &str)] = &[
            ("E0305 06:07:08.120034    1234 x.go:17] bad", "w-07", "kubelet"),
            ("Mar  5 06:07:08 cp-1 dockerd[7]: bad", "cp-1", "dockerd"),
            ("nothing that is known", "w-07", "kubelet"),
        ];
        for (line, host, component) in cases {
            let record = reader.peel(line.as_bytes());
            assert_eq!(record.host, Some(host.as_bytes()), "{line}");
            assert_eq!(record.component, Some(component.as_bytes()), "{line}");
        }
    }
}
