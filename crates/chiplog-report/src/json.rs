//! Findings as JSON.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chiplog_engine::{
    Archive, ClockStep, Evidence, Finding, Gap, Incident, InputClock, InputSummary, Peak, Quantity,
    RuleTotals, ScanSummary, State, Transition, Unit, ValueSummary, Warning,
};
use chiplog_parse::{Format, UnixNanos};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::LikelyCause;
use crate::human::Offset;
use crate::incident::IncidentJson;
use crate::unknown::UnknownJson;

/// Writes a finding as one line of JSON, `chiplog.finding.v1`.
///
/// | field | meaning |
/// |---|---|
/// | `schema` | `chiplog.finding.v1` |
/// | `state` | `open`, `worse`, `close` for a change; `open`, `closed` at the end of the input |
/// | `rule_id`, `title` | the rule |
/// | `severity_text`, `severity_number` | OpenTelemetry's names and numbers |
/// | `time` | of the change |
/// | `first_time`, `last_time` | of the hits in this stretch |
/// | `opened_time`, `closed_time` | when the conditions came true |
/// | `source` | name of the input |
/// | `host` | the label `host`, repeated from `group` |
/// | `component` | program that wrote the first line |
/// | `group` | labels that the rule groups by |
/// | `hits` | hits in this stretch: lines |
/// | `occurrences` | what the hits stand for, as a line may say that it was repeated |
/// | `window_seconds` | the window that the rule looks at |
/// | `value` | the worst measure: `name`; `seconds`, `bytes`, `count`, `per_second` or `ratio`; the same with `limit_` |
/// | `values` | per numeric capture: `count`, then `sum`, `min`, `max`, `p50`, `p90`, `p99` with the unit appended (`sum_seconds`) |
/// | `complete` | false when input is known to be missing: counts are lower bounds |
/// | `evidence` | lines: `source`, `line` (from 1), `offset` (of the first byte), `time`, `origin`, `values`, `body` |
///
/// Fields without a value are left out. `body` is always text; if the log's bytes were not UTF-8
/// it has U+FFFD in their place, and `body_base64` holds the bytes.
///
/// # Errors
///
/// Those of the writer.
pub fn write_finding_json(out: &mut dyn Write, finding: &Finding) -> io::Result<()> {
    write_line(out, &FindingJson { finding, cause: None })
}

/// Writes a change of a finding like [`write_finding_json`], with what probably led to it in
/// `likely_cause`: `rule_id`, `host` if it is another one, `earlier_seconds` and `root`, which is false for
/// the first symptom of something that was not seen.
///
/// # Errors
///
/// Those of the writer.
pub fn write_transition_json(
    out: &mut dyn Write,
    finding: &Finding,
    cause: Option<&LikelyCause>,
) -> io::Result<()> {
    write_line(out, &FindingJson { finding, cause })
}

/// Writes that lines are missing as one line of JSON, `chiplog.gap.v1`: who dropped (`by`), of what
/// (`of`), how many `lines` if that is known, from when on (`since_time`), and where it is told
/// (`source`, `line`, `time`, `host`).
///
/// # Errors
///
/// Those of the writer.
pub fn write_gap_json(out: &mut dyn Write, gap: &Gap) -> io::Result<()> {
    write_line(out, &GapJson { gap, schema: Some("chiplog.gap.v1") })
}

/// Writes that a clock jumped as one line of JSON, `chiplog.clock_step.v1`: `from_time`, `to_time`, and
/// whether it `lasts` or was some `stray_lines` alone.
///
/// # Errors
///
/// Those of the writer.
pub fn write_clock_step_json(out: &mut dyn Write, step: &ClockStep) -> io::Result<()> {
    write_line(out, &StepJson { step, schema: Some("chiplog.clock_step.v1") })
}

/// Writes the outcome of a scan as one line of JSON, `chiplog.scan.v1`.
///
/// `findings` holds objects as [`write_finding_json`] writes them (those for which `show` is
/// true) and `incidents` objects as [`write_incident_json`](crate::write_incident_json) writes them,
/// whose findings are counted before any is left out; `rules` maps every rule of the set to its `hits`,
/// `occurrences`, `late` and `values`; `inputs` says
/// what was read (`formats` maps chains such as `journal_text>klog` to lines); `archives`, if there are any,
/// how many of their `files` are `logs`, `duplicates` of such and `others`; `unknown` lists
/// warnings and errors that no rule knows, by template (`lines`, and the share of all lines in the
/// first and the second half of the inputs); `gaps`, `clock_steps` and `warnings` say
/// what is missing or was assumed; `interrupted` that only part was read.
///
/// # Errors
///
/// Those of the writer.
pub fn write_scan_json(
    out: &mut dyn Write,
    summary: &ScanSummary,
    incidents: &[Incident],
    show: &dyn Fn(&Finding) -> bool,
) -> io::Result<()> {
    write_line(out, &ScanJson { summary, incidents, show })
}

pub(crate) fn write_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")
}

/// An exact decimal.
pub(crate) struct Exact(pub(crate) Quantity);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

pub(crate) fn exact(amount: impl Into<i128>, unit: Unit) -> Exact {
    Exact(Quantity { amount: amount.into(), unit })
}

pub(crate) fn entry<M: SerializeMap>(
    map: &mut M,
    key: &str,
    value: Option<impl Serialize>,
) -> Result<(), M::Error> {
    match value {
        Some(value) => map.serialize_entry(key, &value),
        None => Ok(()),
    }
}

pub(crate) fn time(time: Option<UnixNanos>) -> Option<String> {
    time.map(|time| time.to_string())
}

pub(crate) struct Labels<'a>(pub(crate) &'a [(Arc<str>, Arc<str>)]);

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (&**name, &**value)))
    }
}

struct FindingJson<'a> {
    finding: &'a Finding,
    cause: Option<&'a LikelyCause>,
}

impl Serialize for FindingJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let finding = self.finding;
        let state = match (finding.transition, finding.state) {
            (Some(Transition::Open), _) | (None, State::Open) => "open",
            (Some(Transition::Worse), _) => "worse",
            (Some(Transition::Close), _) => "close",
            (None, State::Closed) => "closed",
        };
        let host = finding.group.iter().find(|(name, _)| &**name == "host").map(|(_, host)| &**host);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", "chiplog.finding.v1")?;
        map.serialize_entry("state", state)?;
        map.serialize_entry("rule_id", &*finding.rule_id)?;
        map.serialize_entry("title", &*finding.title)?;
        map.serialize_entry("severity_text", &finding.severity.to_string())?;
        map.serialize_entry("severity_number", &finding.severity.number())?;
        entry(&mut map, "time", time(finding.time))?;
        entry(&mut map, "first_time", time(finding.first_time))?;
        entry(&mut map, "last_time", time(finding.last_time))?;
        entry(&mut map, "opened_time", time(finding.opened_time))?;
        entry(&mut map, "closed_time", time(finding.closed_time))?;
        map.serialize_entry("source", &*finding.source)?;
        entry(&mut map, "host", host)?;
        entry(&mut map, "component", finding.component.as_deref())?;
        map.serialize_entry("group", &Labels(&finding.group))?;
        map.serialize_entry("hits", &finding.hits)?;
        map.serialize_entry("occurrences", &finding.occurrences)?;
        map.serialize_entry("window_seconds", &exact(finding.window_nanos, Unit::Nanoseconds))?;
        entry(&mut map, "value", finding.peak.as_ref().map(PeakJson))?;
        map.serialize_entry("values", &Values(&finding.values))?;
        map.serialize_entry("complete", &finding.complete)?;
        entry(&mut map, "likely_cause", self.cause.map(LikelyJson))?;
        let evidence =
            finding.evidence.iter().map(|evidence| EvidenceJson { source: &finding.source, evidence });
        map.serialize_entry("evidence", &evidence.collect::<Vec<_>>())?;
        map.end()
    }
}

struct LikelyJson<'a>(&'a LikelyCause);

impl Serialize for LikelyJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rule_id", &*self.0.rule_id)?;
        entry(&mut map, "host", self.0.host.as_deref())?;
        entry(
            &mut map,
            "earlier_seconds",
            self.0.earlier_nanos.map(|nanos| exact(nanos, Unit::Nanoseconds)),
        )?;
        map.serialize_entry("root", &self.0.is_root)?;
        map.end()
    }
}

struct PeakJson<'a>(&'a Peak);

impl Serialize for PeakJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let peak = self.0;
        let unit = match peak.unit {
            Unit::Count => "count",
            Unit::Nanoseconds => "seconds",
            Unit::Bytes => "bytes",
            Unit::MicrosPerSecond => "per_second",
            Unit::PartsPerMillion => "ratio",
        };
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", &*peak.name)?;
        map.serialize_entry(unit, &exact(peak.amount, peak.unit))?;
        map.serialize_entry(&format!("limit_{unit}"), &exact(peak.limit, peak.unit))?;
        map.end()
    }
}

/// Captures by name.
pub(crate) struct Values<'a>(pub(crate) &'a [ValueSummary]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|value| (&*value.name, ValueJson(value))))
    }
}

struct ValueJson<'a>(&'a ValueSummary);

impl Serialize for ValueJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &self.0.count)?;
        for (name, amount) in statistics(self.0) {
            let key = format!("{name}{}", self.0.unit.field_suffix());
            entry(&mut map, &key, amount.map(|amount| exact(amount, self.0.unit)))?;
        }
        map.end()
    }
}

/// The statistics of a capture by name, in the order of columns.
pub(crate) fn statistics(value: &ValueSummary) -> [(&'static str, Option<i128>); 6] {
    [
        ("sum", Some(value.sum)),
        ("min", value.min.map(Into::into)),
        ("max", value.max.map(Into::into)),
        ("p50", value.p50.map(Into::into)),
        ("p90", value.p90.map(Into::into)),
        ("p99", value.p99.map(Into::into)),
    ]
}

pub(crate) struct EvidenceJson<'a> {
    pub(crate) source: &'a str,
    pub(crate) evidence: &'a Evidence,
}

impl Serialize for EvidenceJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let evidence = self.evidence;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", self.source)?;
        map.serialize_entry("line", &evidence.line)?;
        map.serialize_entry("offset", &evidence.offset)?;
        entry(&mut map, "time", time(evidence.time))?;
        entry(&mut map, "origin", evidence.origin.as_deref())?;
        if !evidence.values.is_empty() {
            let values: BTreeMap<String, Exact> = evidence
                .values
                .iter()
                .map(|(name, unit, amount)| (format!("{name}{}", unit.field_suffix()), exact(*amount, *unit)))
                .collect();
            map.serialize_entry("values", &values)?;
        }
        map.serialize_entry("body", &String::from_utf8_lossy(&evidence.body))?;
        entry(&mut map, "body_base64", base64_unless_utf8(&evidence.body))?;
        map.end()
    }
}

/// The bytes in base64, if text cannot hold them.
pub(crate) fn base64_unless_utf8(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).is_err().then(|| STANDARD.encode(bytes))
}

struct ScanJson<'a> {
    summary: &'a ScanSummary,
    incidents: &'a [Incident],
    show: &'a dyn Fn(&Finding) -> bool,
}

impl Serialize for ScanJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let summary = self.summary;
        let findings = summary
            .findings
            .iter()
            .filter(|finding| (self.show)(finding))
            .map(|finding| FindingJson { finding, cause: None });
        let rules: BTreeMap<&str, TotalsJson<'_>> =
            summary.rules.iter().map(|(id, totals)| (&**id, TotalsJson(totals))).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", "chiplog.scan.v1")?;
        map.serialize_entry("findings", &findings.collect::<Vec<_>>())?;
        map.serialize_entry("incidents", &List(self.incidents, IncidentJson))?;
        map.serialize_entry("rules", &rules)?;
        map.serialize_entry("inputs", &List(&summary.inputs, InputJson))?;
        if !summary.archives.is_empty() {
            map.serialize_entry("archives", &List(&summary.archives, ArchiveJson))?;
        }
        map.serialize_entry("unknown", &List(&summary.unknown, UnknownJson))?;
        map.serialize_entry("gaps", &List(&summary.gaps, |gap| GapJson { gap, schema: None }))?;
        map.serialize_entry(
            "clock_steps",
            &List(&summary.clock_steps, |step| StepJson { step, schema: None }),
        )?;
        map.serialize_entry("warnings", &List(&summary.warnings, WarningJson))?;
        map.serialize_entry("interrupted", &summary.interrupted)?;
        map.end()
    }
}

/// A list of items, each in its wrapper.
struct List<'a, T, F>(&'a [T], F);

impl<'a, T, W: Serialize, F: Fn(&'a T) -> W> Serialize for List<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for item in self.0 {
            list.serialize_element(&(self.1)(item))?;
        }
        list.end()
    }
}

struct TotalsJson<'a>(&'a RuleTotals);

impl Serialize for TotalsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("hits", &self.0.hits)?;
        map.serialize_entry("occurrences", &self.0.occurrences)?;
        map.serialize_entry("late", &self.0.late)?;
        map.serialize_entry("values", &Values(&self.0.values))?;
        map.end()
    }
}

struct InputJson<'a>(&'a InputSummary);

impl Serialize for InputJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let input = self.0;
        let formats: BTreeMap<String, u64> =
            input.formats.iter().map(|(chain, lines)| (chain_name(chain), *lines)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &*input.name)?;
        map.serialize_entry("bytes", &input.bytes)?;
        map.serialize_entry("lines", &input.lines)?;
        map.serialize_entry("formats", &formats)?;
        map.serialize_entry("census_lines", &input.census_lines)?;
        map.serialize_entry("unparsed", &input.unparsed)?;
        map.serialize_entry("cut_lines", &input.cut_lines)?;
        entry(&mut map, "first_time", time(input.first_time))?;
        entry(&mut map, "last_time", time(input.last_time))?;
        map.serialize_entry("year_guessed", &input.year_was_guessed)?;
        map.serialize_entry("zone_assumed", &input.zone_was_assumed)?;
        entry(&mut map, "year_from", input.year_rests_on.as_deref())?;
        map.serialize_entry("clocks", &List(&input.clocks, ClockJson))?;
        map.serialize_entry("hosts", &List(&input.hosts, |host: &Arc<str>| host.to_string()))?;
        map.end()
    }
}

struct ArchiveJson<'a>(&'a Archive);

impl Serialize for ArchiveJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let archive = self.0;
        let mut map = serializer.serialize_map(Some(5))?;
        map.serialize_entry("name", &*archive.name)?;
        map.serialize_entry("files", &archive.files())?;
        map.serialize_entry("logs", &archive.logs)?;
        map.serialize_entry("duplicates", &archive.duplicates)?;
        map.serialize_entry("others", &archive.others)?;
        map.end()
    }
}

/// `journal_text>klog`, outermost first.
pub(crate) fn chain_name(chain: &[Format]) -> String {
    chain.iter().map(|format| format.name()).collect::<Vec<_>>().join(">")
}

struct ClockJson<'a>(&'a InputClock);

impl Serialize for ClockJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let clock = self.0;
        let offset = |seconds: Option<i32>| seconds.map(|seconds| Offset(seconds).to_string());
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "host", clock.host.as_deref())?;
        map.serialize_entry("year", clock.year.name())?;
        map.serialize_entry("zone", clock.zone.name())?;
        entry(&mut map, "utc_offset", offset(clock.utc_offset_seconds))?;
        entry(&mut map, "klog_utc_offset", offset(clock.payload_utc_offset_seconds))?;
        map.end()
    }
}

struct StepJson<'a> {
    step: &'a ClockStep,
    schema: Option<&'static str>,
}

impl Serialize for StepJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = self.step;
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "schema", self.schema)?;
        map.serialize_entry("source", &*step.source)?;
        entry(&mut map, "host", step.host.as_deref())?;
        map.serialize_entry("line", &step.line)?;
        map.serialize_entry("offset", &step.offset)?;
        entry(&mut map, "from_time", time(step.from_time))?;
        entry(&mut map, "to_time", time(step.to_time))?;
        map.serialize_entry("lasts", &step.lasts)?;
        entry(&mut map, "stray_lines", Some(step.stray_lines).filter(|_| !step.lasts))?;
        map.end()
    }
}

struct GapJson<'a> {
    gap: &'a Gap,
    schema: Option<&'static str>,
}

impl Serialize for GapJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let gap = self.gap;
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "schema", self.schema)?;
        map.serialize_entry("source", &*gap.source)?;
        entry(&mut map, "line", gap.line)?;
        entry(&mut map, "time", time(gap.time))?;
        entry(&mut map, "since_time", time(gap.since_time))?;
        entry(&mut map, "host", gap.host.as_deref())?;
        map.serialize_entry("by", gap.by)?;
        entry(&mut map, "of", gap.of.as_deref())?;
        entry(&mut map, "lines", gap.lines)?;
        map.end()
    }
}

struct WarningJson<'a>(&'a Warning);

impl Serialize for WarningJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        entry(&mut map, "source", self.0.source.as_deref())?;
        map.serialize_entry("message", &self.0.message)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::{slow_apply, slow_apply_closed, unknown};

    fn json(finding: &Finding) -> String {
        let mut out = vec![];
        write_finding_json(&mut out, finding).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_finding_has_exact_numbers_and_lossless_evidence() {
        assert_eq!(
            json(&slow_apply()),
            concat!(
                r#"{"schema":"chiplog.finding.v1","state":"open","rule_id":"etcd-slow-apply","title":"etcd answers slowly","#,
                r#""severity_text":"ERROR","severity_number":17,"time":"2024-05-14T03:12:44.120000Z","#,
                r#""first_time":"2024-05-14T03:11:54.120000Z","last_time":"2024-05-14T03:12:44.120000Z","#,
                r#""opened_time":"2024-05-14T03:12:44.120000Z","source":"masters/etcd.log","host":"cp-1","component":"etcd","#,
                r#""group":{"host":"cp-1"},"hits":31,"occurrences":31,"window_seconds":60,"#,
                r#""value":{"name":"p99(took)","seconds":1.203,"limit_seconds":0.5},"#,
                r#""values":{"took":{"count":31,"sum_seconds":9.117026891,"min_seconds":0.117026891,"max_seconds":1.203,"#,
                r#""p50_seconds":0.2,"p99_seconds":1.203}},"complete":true,"#,
                r#""evidence":[{"source":"masters/etcd.log","line":4411,"offset":900231,"time":"2024-05-14T03:12:44.120000Z","#,
                r#""origin":"etcd[1893]","values":{"took_seconds":1.203},"#,
                r#""body":"apply request took too long \u001b[31m"#,
                "\u{fffd}",
                r#"","body_base64":"YXBwbHkgcmVxdWVzdCB0b29rIHRvbyBsb25nIBtbMzFt/w=="}]}"#,
                "\n"
            )
        );
        assert!(json(&slow_apply_closed()).contains(r#""state":"closed""#));
    }

    #[test]
    fn a_scan_is_one_object_with_every_rule() {
        let mut input = InputSummary::default();
        input.name = Arc::from("a.log");
        (input.bytes, input.lines, input.census_lines, input.unparsed) = (10, 2, 2, 1);
        input.formats.insert(vec![Format::JournalText, Format::Klog], 1);
        input.hosts.push(Arc::from("cp-1"));
        input.year_rests_on = Some(Arc::from("the file's time"));
        input.clocks.push(InputClock {
            host: Some(Arc::from("cp-1")),
            year: chiplog_engine::YearSource::Guessed,
            zone: chiplog_engine::ZoneSource::Written,
            utc_offset_seconds: None,
            payload_utc_offset_seconds: Some(-14_400),
        });
        let mut summary = ScanSummary::default();
        summary.inputs.push(input);
        summary.rules.insert(Arc::from("a"), RuleTotals::default());
        summary.gaps.push(Gap {
            source: Arc::from("a.log"),
            time: None,
            since_time: None,
            line: Some(7),
            host: None,
            by: "journald",
            of: None,
            lines: Some(3),
        });
        summary.warnings.push(Warning { source: Some(Arc::from("a.log")), message: "cut".to_owned() });
        summary.findings.push(slow_apply_closed());
        summary.unknown.push(unknown());
        let mut out = vec![];
        write_scan_json(&mut out, &summary, &[], &|_| false).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"schema":"chiplog.scan.v1","findings":[],"incidents":[],"rules":{"a":{"hits":0,"occurrences":0,"late":0,"values":{}}},"#,
                r#""inputs":[{"name":"a.log","bytes":10,"lines":2,"formats":{"journal_text>klog":1},"census_lines":2,"#,
                r#""unparsed":1,"cut_lines":0,"year_guessed":false,"zone_assumed":false,"year_from":"the file's time","#,
                r#""clocks":[{"host":"cp-1","year":"guessed","zone":"written","klog_utc_offset":"-04:00"}],"hosts":["cp-1"]}],"#,
                r#""unknown":[{"template":"Failed to sync pod <*> back-off","severity_text":"ERROR","severity_number":17,"#,
                r#""component":"kubelet","code":"pod.go:12","lines":1204,"share_first_half":0.0004,"share_second_half":0.12,"#,
                r#""first_time":"2024-05-14T03:12:44.120000Z","last_time":"2024-05-14T03:13:44.120000Z","#,
                r#""example":{"source":"w-07.log","line":7,"offset":900,"time":"2024-05-14T03:12:44.120000Z","#,
                r#""body":"Failed to sync pod web-1: back-off"}}],"#,
                r#""gaps":[{"source":"a.log","line":7,"by":"journald","lines":3}],"clock_steps":[],"warnings":[{"source":"a.log","message":"cut"}],"#,
                r#""interrupted":false}"#,
                "\n"
            )
        );
    }
}
