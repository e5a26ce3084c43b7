//! One view over every format: the record.

use crate::capnslog::Capnslog;
use crate::events::oom::OomEvent;
use crate::events::utiltrace::TraceLine;
use crate::klog::{self, Klog};
use crate::klog_json::{self, KlogJson};
use crate::logrus::{self, Logrus};
use crate::zap::{self, Zap};
use crate::{Event, Severity, Stream, Text, Time, Value};

/// A layer of a line: an envelope, a payload, or a typed event inside a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Format {
    /// `journalctl -o short` and its family.
    JournalText,
    /// `journalctl -o json`.
    JournalJson,
    /// An entry of a journal file or of `journalctl -o export`, see [`crate::journal_entry`].
    Journal,
    /// RFC 3164, RFC 5424, or a file that rsyslog wrote.
    Syslog,
    /// The container log envelope of containerd and CRI-O.
    Cri,
    /// docker's json-file envelope.
    DockerJson,
    /// A bare RFC 3339 time in front: `kubectl logs --timestamps`, `docker logs -t`.
    Timestamp,
    /// `[pod/NAME/CONTAINER]`, of `kubectl logs --prefix`.
    KubectlPrefix,
    /// `SERVICE_1  |`, of docker compose.
    ComposePrefix,
    /// klog or glog text.
    Klog,
    /// Kubernetes JSON logging.
    KlogJson,
    /// capnslog: etcd's text format up to 3.4.
    Capnslog,
    /// zap's JSON encoder.
    ZapJson,
    /// zap's console encoder.
    ZapConsole,
    /// logrus text.
    Logrus,
    /// logrus on a terminal.
    LogrusTty,
    /// logrus JSON.
    LogrusJson,
    /// A kernel message with its own prefix.
    Kmsg,
    /// A kernel out-of-memory message.
    Oom,
    /// A trace of k8s.io/utils/trace.
    Utiltrace,
    /// Text of no known format.
    Text,
}

impl Format {
    /// Every format, in a fixed order.
    pub const ALL: [Self; 21] = [
        Self::JournalText,
        Self::JournalJson,
        Self::Journal,
        Self::Syslog,
        Self::Cri,
        Self::DockerJson,
        Self::Timestamp,
        Self::KubectlPrefix,
        Self::ComposePrefix,
        Self::Klog,
        Self::KlogJson,
        Self::Capnslog,
        Self::ZapJson,
        Self::ZapConsole,
        Self::Logrus,
        Self::LogrusTty,
        Self::LogrusJson,
        Self::Kmsg,
        Self::Oom,
        Self::Utiltrace,
        Self::Text,
    ];

    /// Whether the layer has another inside it, and says nothing of its own but whose it is.
    #[must_use]
    pub const fn is_envelope(self) -> bool {
        matches!(
            self,
            Self::JournalText
                | Self::JournalJson
                | Self::Journal
                | Self::Syslog
                | Self::Cri
                | Self::DockerJson
                | Self::Timestamp
                | Self::KubectlPrefix
                | Self::ComposePrefix
                | Self::Kmsg
        )
    }

    /// The name in snake case: `journal_text`, `klog_json`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JournalText => "journal_text",
            Self::JournalJson => "journal_json",
            Self::Journal => "journal",
            Self::Syslog => "syslog",
            Self::Cri => "cri",
            Self::DockerJson => "docker_json",
            Self::Timestamp => "timestamp",
            Self::KubectlPrefix => "kubectl_prefix",
            Self::ComposePrefix => "compose_prefix",
            Self::Klog => "klog",
            Self::KlogJson => "klog_json",
            Self::Capnslog => "capnslog",
            Self::ZapJson => "zap_json",
            Self::ZapConsole => "zap_console",
            Self::Logrus => "logrus",
            Self::LogrusTty => "logrus_tty",
            Self::LogrusJson => "logrus_json",
            Self::Kmsg => "kmsg",
            Self::Oom => "oom",
            Self::Utiltrace => "utiltrace",
            Self::Text => "text",
        }
    }
}

/// The layers of a line, outermost first. At most [`Layers::MAX`]; deeper ones are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Layers {
    formats: [Format; Self::MAX],
    length: u8,
}

impl Layers {
    /// How many layers are peeled at most.
    pub const MAX: usize = 6;

    pub(crate) const fn new() -> Self {
        Self { formats: [Format::Text; Self::MAX], length: 0 }
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.length as usize == Self::MAX
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The layers around the payload.
    pub(crate) fn envelopes(self) -> Self {
        let mut envelopes = Self::new();
        for format in self.as_slice().iter().take_while(|format| format.is_envelope()) {
            envelopes.push(*format);
        }
        envelopes
    }

    pub(crate) fn push(&mut self, format: Format) {
        if let Some(slot) = self.formats.get_mut(usize::from(self.length)) {
            *slot = format;
            self.length += 1;
        }
    }

    /// The layers, outermost first.
    #[must_use]
    pub fn as_slice(&self) -> &[Format] {
        self.formats.get(..usize::from(self.length)).unwrap_or(&[])
    }
}

/// What one line says, whatever its format: the outer layers peeled, the payload read.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The best time of the line: the payload's if it is an instant, else the envelope's if that
    /// is one, else the payload's reading of a wall clock, else the envelope's.
    pub time: Option<Time>,
    /// The time that the outermost envelope with a time gives.
    pub envelope_time: Option<Time>,
    /// The time that the payload gives.
    pub payload_time: Option<Time>,
    /// The payload's severity, else the envelope's. journald files every line that a service
    /// prints under priority 6, so the envelope's alone would hide most errors.
    pub severity: Option<Severity>,
    /// The envelope's severity (syslog or journal priority, kernel level).
    pub envelope_severity: Option<Severity>,
    /// The payload's own text for its severity (`E`, `warn`), or empty.
    pub severity_text: &'a [u8],
    /// The host that the envelope names.
    pub host: Option<&'a [u8]>,
    /// The program: syslog identifier, `kernel`, container of a kubectl prefix, compose service.
    pub component: Option<&'a [u8]>,
    /// The systemd unit.
    pub unit: Option<&'a [u8]>,
    /// The pod that a kubectl prefix names.
    pub pod: Option<&'a [u8]>,
    /// The container that a kubectl prefix names, or the service of docker compose.
    pub container: Option<&'a [u8]>,
    /// Process id, the payload's before the envelope's.
    pub pid: Option<u64>,
    /// The output the line was written to.
    pub stream: Option<Stream>,
    /// The line is a fragment of a longer one that the container runtime cut.
    pub partial: bool,
    /// Source file that wrote the message.
    pub file: Option<&'a [u8]>,
    /// Line in [`Record::file`].
    pub line_number: Option<u32>,
    /// Logger or package name.
    pub logger: Option<Text<'a>>,
    /// The message. For klog the whole body, key/values included; for JSON and logrus the `msg`.
    pub message: Text<'a>,
    /// The payload as the emitter wrote it: all envelopes peeled and their escapes undone.
    pub content: &'a [u8],
    pub(crate) payload: Payload<'a>,
    pub(crate) layers: Layers,
}

/// The innermost format with a structure of its own.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Payload<'a> {
    /// Text of no known format, the kernel's included: the message itself.
    Text(&'a [u8]),
    /// klog or glog text.
    Klog(Klog<'a>),
    /// Kubernetes JSON logging.
    KlogJson(KlogJson<'a>),
    /// capnslog.
    Capnslog(Capnslog<'a>),
    /// zap, JSON or console.
    Zap(Zap<'a>),
    /// logrus in any of its forms.
    Logrus(Logrus<'a>),
    /// A line of a k8s.io/utils trace.
    Utiltrace(TraceLine<'a>),
    /// A kernel out-of-memory message.
    Oom(OomEvent<'a>),
}

impl<'a> Record<'a> {
    /// A record of text in which nothing was recognised.
    #[must_use]
    pub const fn of_text(text: &'a [u8]) -> Self {
        Self {
            time: None,
            envelope_time: None,
            payload_time: None,
            severity: None,
            envelope_severity: None,
            severity_text: b"",
            host: None,
            component: None,
            unit: None,
            pod: None,
            container: None,
            pid: None,
            stream: None,
            partial: false,
            file: None,
            line_number: None,
            logger: None,
            message: Text::plain(text),
            content: text,
            payload: Payload::Text(text),
            layers: Layers::new(),
        }
    }

    /// The payload in its own type.
    #[must_use]
    pub const fn payload(&self) -> &Payload<'a> {
        &self.payload
    }

    /// The layers of the line, outermost first; never empty for a record that a detector made.
    #[must_use]
    pub fn layers(&self) -> &[Format] {
        self.layers.as_slice()
    }

    /// [`Record::layers`] as a value that can be kept and compared.
    #[must_use]
    pub const fn chain(&self) -> Layers {
        self.layers
    }

    /// The innermost layer.
    #[must_use]
    pub fn format(&self) -> Format {
        self.layers().last().copied().unwrap_or(Format::Text)
    }

    /// Whether any layer was recognised.
    #[must_use]
    pub fn is_recognised(&self) -> bool {
        self.layers().iter().any(|format| *format != Format::Text)
    }

    /// The constant part of a structured message: klog's quoted `msg`, else the message.
    #[must_use]
    pub fn msg(&self) -> Text<'a> {
        match &self.payload {
            Payload::Klog(klog) => klog.structured().map_or(self.message, |body| body.msg),
            _ => self.message,
        }
    }

    /// Key/value pairs of the payload in order of appearance, decoded lazily. Those that have a
    /// field of their own in the record (time, severity, message, caller) are left out.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        Fields(match &self.payload {
            Payload::Klog(klog) => match klog.structured() {
                Some(body) => Inner::Klog(body.fields()),
                None => Inner::None,
            },
            Payload::KlogJson(entry) => Inner::KlogJson(entry.error, entry.fields()),
            Payload::Zap(entry) => Inner::Zap(entry.fields()),
            Payload::Logrus(entry) => Inner::Logrus(entry.fields()),
            _ => Inner::None,
        })
    }

    /// The typed event in the message, if it is one that this crate knows.
    #[must_use]
    pub fn event(&self) -> Option<Event<'a>> {
        Event::of(self)
    }
}

/// The key/value pairs of a record; see [`Record::fields`].
#[derive(Clone, Debug)]
pub struct Fields<'a>(Inner<'a>);

#[derive(Clone, Debug)]
enum Inner<'a> {
    None,
    Klog(klog::Fields<'a>),
    /// `err` is read apart from the rest, and comes first as in klog text.
    KlogJson(Option<Value<'a>>, klog_json::Fields<'a>),
    Zap(zap::Fields<'a>),
    Logrus(logrus::Fields<'a>),
}

impl<'a> Iterator for Fields<'a> {
    type Item = (Text<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::None => None,
            Inner::Klog(fields) => fields.next().map(|(key, value)| (Text::plain(key), value)),
            Inner::KlogJson(error, fields) => match error.take() {
                Some(error) => Some((Text::plain(b"err"), error)),
                None => fields.next(),
            },
            Inner::Zap(fields) => fields.next(),
            Inner::Logrus(fields) => fields.next(),
        }
    }
}
