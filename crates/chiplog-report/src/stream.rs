//! Changes of findings as they happen, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

use chiplog_engine::{ClockStep, Evidence, Finding, Gap, Peak, Quantity, Transition, Unit};
use chiplog_parse::UnixNanos;

use crate::human::{Exactly, Roughly, Span, Thousands};
use crate::layout::{cut, pad, width, wrap};
use crate::scan::full_time;
use crate::{Ink, Style};

/// What a rule says about the problem it finds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Advice<'a> {
    /// The likely cause; empty for none.
    pub because: &'a str,
    /// What to look at, one entry per check.
    pub checks: &'a [String],
    /// What a hasty remedy would destroy; empty for none.
    pub danger: &'a str,
}

/// What probably led to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LikelyCause {
    /// Id of the rule that found it.
    pub rule_id: Arc<str>,
    /// Its host, if it is another one.
    pub host: Option<Arc<str>>,
    /// How much earlier its first line was, in nanoseconds; below zero if it was reported later.
    pub earlier_nanos: Option<i64>,
    /// Whether it may have started the trouble; else it is the first symptom of something unseen.
    pub is_root: bool,
}

/// Rules and places for which advice was given are remembered up to this number; beyond it,
/// advice is no longer printed. Groups come from the log, so their number has no other limit.
const ADVISED_AT_MOST: usize = 10_000;

/// Checks that are printed; `chiplog explain` has all.
const CHECKS_AT_MOST: usize = 3;

/// Column at which everything after the time starts.
const INDENT: usize = 13;

/// Writes one line per change, and under the first `OPEN` of a rule at a place the line from the
/// log, the likely cause, the first checks and the danger.
///
/// ```text
/// 2024-05-14 UTC
/// 03:12:44.120 OPEN  ERROR    etcd-slow-apply cp-1
///              p99(took) 1.20 s over 60 s (limit 500 ms), 31 hits
///              etcd[1893] apply request took too long  took=1.203s
///              likely  disk under etcd is slow or shared
///              check   backend commit p99 (want < 25 ms)
/// 03:16:50.002 CLOSE ERROR    etcd-slow-apply cp-1  open 4 m 06 s, 212 hits
/// ```
///
/// No line is longer than [`Style::columns`]: what a line has no room for stands below it, where
/// it cannot be said shorter. Times are UTC; the date is a line of its own whenever it changes.
#[derive(Debug)]
pub struct StreamText {
    style: Style,
    first_lines_only: bool,
    advised: BTreeSet<(Arc<str>, String)>,
    /// The cause that was told of what is open, by rule and place.
    causes: BTreeMap<(Arc<str>, String), Arc<str>>,
    day: Option<i64>,
}

impl StreamText {
    /// Text in the given style. With `first_lines_only`, no evidence and no advice is written.
    #[must_use]
    pub const fn new(style: Style, first_lines_only: bool) -> Self {
        Self { style, first_lines_only, advised: BTreeSet::new(), causes: BTreeMap::new(), day: None }
    }

    /// Writes a change. A finding without a transition is written like its state.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn transition(
        &mut self,
        out: &mut dyn Write,
        finding: &Finding,
        advice: Option<Advice<'_>>,
        cause: Option<&LikelyCause>,
    ) -> io::Result<()> {
        let transition = finding.transition.unwrap_or(match finding.state {
            chiplog_engine::State::Open => Transition::Open,
            chiplog_engine::State::Closed => Transition::Close,
        });
        let (word, ink) = match transition {
            Transition::Open => ("OPEN", Ink::None),
            Transition::Worse => ("WORSE", Ink::None),
            Transition::Close => ("CLOSE", Ink::Good),
        };
        let severity = finding.severity.to_string();
        let place = place(&finding.group, &self.style);
        self.head(out, finding.time, word, ink, (&severity, Ink::of(finding.severity)))?;
        let is_news = transition == Transition::Open
            && !self.first_lines_only
            && self.first_time(&finding.rule_id, &place);
        let measure = measure(finding, transition);
        // What a first opening measures is its point. Later lines had better stay single lines.
        let shorter = if is_news { measure.clone() } else { brief_measure(finding, transition) };
        self.tail(out, &finding.rule_id, &place, [&measure, &shorter])?;
        if let Some(cause) = cause.filter(|_| !self.first_lines_only)
            && self.is_new_cause(finding, &place, transition, cause)
        {
            self.paragraph(out, "after", &after(cause, &self.style))?;
        }

        if is_news {
            if let Some(evidence) = finding.evidence.first() {
                let text = evidence_text(evidence, self.room(0), &self.style);
                writeln!(out, "{:INDENT$}{text}", "")?;
            }
            let advice = advice.unwrap_or_default();
            if !advice.because.is_empty() {
                self.paragraph(out, "likely", advice.because)?;
            }
            for check in advice.checks.iter().take(CHECKS_AT_MOST) {
                self.paragraph(out, "check", check)?;
            }
            if !advice.danger.is_empty() {
                self.paragraph(out, "DANGER", advice.danger)?;
            }
        }
        Ok(())
    }

    /// Writes that lines are missing.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn gap(&mut self, out: &mut dyn Write, gap: &Gap) -> io::Result<()> {
        let host =
            gap.host.as_deref().map_or_else(|| "-".to_owned(), |host| self.style.escape(host.as_bytes()));
        self.head(out, gap.time, "GAP", Ink::Gap, ("WARN", Ink::Warning))?;
        let text = format!("{}; counts are lower bounds", lost_lines(gap, &self.style));
        self.tail(out, gap.by, &host, [&text, &text])
    }

    /// Writes that the clock of a host has jumped.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn clock_step(&mut self, out: &mut dyn Write, step: &ClockStep) -> io::Result<()> {
        let host =
            step.host.as_deref().map_or_else(|| "-".to_owned(), |host| self.style.escape(host.as_bytes()));
        self.head(out, step.from_time, "CLOCK", Ink::Gap, ("WARN", Ink::Warning))?;
        let text = format!("{}, at line {}", step_words(step, &self.style), Thousands(step.line));
        self.tail(out, "clock", &host, [&text, &text])
    }

    fn head(
        &mut self,
        out: &mut dyn Write,
        time: Option<UnixNanos>,
        word: &str,
        ink: Ink,
        (severity, severity_ink): (&str, Ink),
    ) -> io::Result<()> {
        if let Some(time) = time {
            let day = time.0.div_euclid(86_400_000_000_000);
            if self.day.replace(day) != Some(day) {
                let date = time.to_civil();
                writeln!(out, "{:04}-{:02}-{:02} UTC", date.year.unwrap_or(0), date.month, date.day)?;
            }
        }
        let word = self.style.paint(ink, word);
        let severity = self.style.paint(severity_ink, severity);
        write!(out, "{} {word:5} {severity:8} ", time_of_day(time))
    }

    /// The rest of a line: the longest form that fits, else the text on lines of its own.
    fn tail(&self, out: &mut dyn Write, subject: &str, place: &str, texts: [&str; 2]) -> io::Result<()> {
        // "03:12:44.120 CLOSE CRITICAL " stands before it.
        let room = self.style.columns().saturating_sub(INDENT + 15);
        let [full, shorter] = texts;
        let place = if place == "-" { "" } else { place };
        let aligned = format!("{} {}", pad(subject, 26), pad(place, 5));
        let close = if place.is_empty() { subject.to_owned() } else { format!("{subject} {place}") };
        let one_line = [(&aligned, full), (&close, full), (&close, shorter)]
            .into_iter()
            .map(|(head, text)| format!("{head}  {text}"))
            .find(|line| width(line) <= room);
        if let Some(line) = one_line {
            return writeln!(out, "{line}");
        }
        if width(&close) <= room {
            writeln!(out, "{close}")?;
            return self.paragraph(out, "", full);
        }
        writeln!(out, "{}", cut(subject, room, &self.style))?;
        writeln!(out, "{:INDENT$}{}", "", cut(place, self.room(0), &self.style))?;
        self.paragraph(out, "", full)
    }

    /// Indented text, wrapped.
    fn paragraph(&self, out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
        let label_width = if label.is_empty() { 0 } else { 8 };
        for (index, line) in wrap(text, self.room(label_width)).iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            writeln!(out, "{:INDENT$}{label:label_width$}{line}", "")?;
        }
        Ok(())
    }

    fn room(&self, label_width: usize) -> usize {
        self.style.columns().saturating_sub(INDENT + label_width)
    }

    /// Whether a cause is to be told: at each opening, and later if it was not known then.
    fn is_new_cause(
        &mut self,
        finding: &Finding,
        place: &str,
        transition: Transition,
        cause: &LikelyCause,
    ) -> bool {
        let key = (Arc::clone(&finding.rule_id), place.to_owned());
        let is_known = self.causes.get(&key) == Some(&cause.rule_id);
        if transition == Transition::Close {
            self.causes.remove(&key);
        } else if is_known || self.causes.len() < ADVISED_AT_MOST {
            self.causes.insert(key, Arc::clone(&cause.rule_id));
        }
        transition == Transition::Open || !is_known
    }

    fn first_time(&mut self, rule_id: &Arc<str>, place: &str) -> bool {
        self.advised.len() < ADVISED_AT_MOST && self.advised.insert((Arc::clone(rule_id), place.to_owned()))
    }
}

/// `docker-daemon-hung, 41.0 s earlier: probably the cause`.
fn after(cause: &LikelyCause, style: &Style) -> String {
    let host =
        cause.host.as_ref().map_or_else(String::new, |host| format!(" on {}", style.escape(host.as_bytes())));
    let when = match cause.earlier_nanos {
        None | Some(0) => String::new(),
        Some(nanos) => {
            let lag = Roughly(Quantity { amount: i128::from(nanos).abs(), unit: Unit::Nanoseconds });
            format!(", {lag} {}", if nanos > 0 { "earlier" } else { "later" })
        }
    };
    let what =
        if cause.is_root { "probably the cause" } else { "the first symptom; what led to it was not seen" };
    format!("{}{host}{when}: {what}", cause.rule_id)
}

/// `03:12:44.120` in UTC.
fn time_of_day(time: Option<UnixNanos>) -> String {
    match time {
        None => "--:--:--.---".to_owned(),
        Some(time) => {
            let civil = time.to_civil();
            let millis = civil.nanosecond / 1_000_000;
            format!("{:02}:{:02}:{:02}.{millis:03}", civil.hour, civil.minute, civil.second)
        }
    }
}

/// Where: the host alone, other labels with their names, `-` if there is no label.
pub(crate) fn place(group: &[(Arc<str>, Arc<str>)], style: &Style) -> String {
    let labels: Vec<String> = group
        .iter()
        .map(|(name, value)| match &**name {
            "host" => style.escape(value.as_bytes()),
            name => format!("{name}={}", style.escape(value.as_bytes())),
        })
        .collect();
    if labels.is_empty() { "-".to_owned() } else { labels.join(" ") }
}

/// `31 hits`, or `at least 31 hits` when some input is missing.
pub(crate) fn hits(finding: &Finding) -> String {
    let at_least = if finding.complete { "" } else { "at least " };
    let plural = if finding.hits == 1 { "" } else { "s" };
    format!("{at_least}{} hit{plural}", Thousands(finding.hits))
}

pub(crate) fn peak_amount(peak: &Peak) -> Roughly {
    Roughly(Quantity { amount: peak.amount.into(), unit: peak.unit })
}

pub(crate) fn peak_limit(peak: &Peak) -> Exactly {
    Exactly(Quantity { amount: peak.limit.into(), unit: peak.unit })
}

/// Whether a measure is taken over the window; times between lines are not.
fn is_over_window(peak: &Peak) -> bool {
    !(matches!(&*peak.name, "lasting" | "absent") || peak.name.starts_with("since("))
}

fn measure(finding: &Finding, transition: Transition) -> String {
    let hits = hits(finding);
    let window = Span(finding.window_nanos);
    match (transition, &finding.peak) {
        (Transition::Open | Transition::Worse, Some(peak)) if &*peak.name == "count" => {
            let in_window = format!("{} in {window} (limit {})", peak_amount(peak), peak_limit(peak));
            match u64::try_from(peak.amount) {
                Ok(1) if finding.hits == 1 => hits,
                // All hits of the stretch lie in the window: one number is enough.
                Ok(amount) if amount == finding.hits => {
                    format!("{hits} in {window} (limit {})", peak_limit(peak))
                }
                _ => format!("{in_window}, {hits}"),
            }
        }
        (Transition::Open, Some(peak)) => {
            let over = if is_over_window(peak) { format!(" over {window}") } else { String::new() };
            format!("{} {}{over} (limit {}), {hits}", peak.name, peak_amount(peak), peak_limit(peak))
        }
        (Transition::Worse, Some(peak)) => format!("{} {}, {hits}", peak.name, peak_amount(peak)),
        (Transition::Open | Transition::Worse, None) => hits,
        (Transition::Close, peak) => {
            let mut parts = vec![];
            if let (Some(opened), Some(closed)) = (finding.opened_time, finding.closed_time.or(finding.time))
            {
                let nanos = i128::from(closed.0) - i128::from(opened.0);
                parts.push(format!("open {}", Roughly(Quantity { amount: nanos, unit: Unit::Nanoseconds })));
            }
            parts.push(hits);
            if let Some(peak) = peak {
                let span = if &*peak.name == "count" { format!(" in {window}") } else { String::new() };
                parts.push(format!("worst {}{span}", peak_amount(peak)));
            }
            parts.join(", ")
        }
    }
}

/// [`measure`] without what a reader of the first opening knows already.
fn brief_measure(finding: &Finding, transition: Transition) -> String {
    let hits = hits(finding);
    match (transition, &finding.peak) {
        (Transition::Open | Transition::Worse, Some(peak)) if &*peak.name == "count" => {
            format!("{} in {}, {hits}", peak_amount(peak), Span(finding.window_nanos))
        }
        (Transition::Open | Transition::Worse, Some(peak)) => format!("{}, {hits}", peak_amount(peak)),
        (Transition::Open | Transition::Worse, None) => hits,
        (Transition::Close, _) => match (finding.opened_time, finding.closed_time.or(finding.time)) {
            (Some(opened), Some(closed)) => {
                let amount = i128::from(closed.0) - i128::from(opened.0);
                format!("open {}, {hits}", Roughly(Quantity { amount, unit: Unit::Nanoseconds }))
            }
            _ => hits,
        },
    }
}

/// `etcd[1893] apply request took too long  took=1.203s`, in at most so many columns. Of a long
/// line the body is cut, not the values taken from it.
pub(crate) fn evidence_text(evidence: &Evidence, columns: usize, style: &Style) -> String {
    let mut body = String::new();
    if let Some(origin) = &evidence.origin {
        body += &style.escape(origin.as_bytes());
        body.push(' ');
    }
    body += &style.escape(&evidence.body);
    let values = evidence.values.iter().map(|(name, unit, amount)| {
        let value = Exactly(Quantity { amount: (*amount).into(), unit: *unit });
        format!("{name}={}", value.to_string().replace(' ', ""))
    });
    let values = values.collect::<Vec<_>>().join(" ");
    if values.is_empty() {
        return cut(&body, columns, style);
    }
    let room = columns.saturating_sub(width(&values) + 2).max(columns / 2);
    cut(&format!("{}  {values}", cut(&body, room, style)), columns, style)
}

/// `the clock of cp-1 goes from .. to ..`, or, where that did not last, `1 line of cp-1 says ..`.
pub(crate) fn step_words(step: &ClockStep, style: &Style) -> String {
    let of = step.host.as_ref().map(|host| format!(" of {}", style.escape(host.as_bytes())));
    let of = of.unwrap_or_default();
    let time = |time: Option<UnixNanos>| time.map_or_else(|| "an unknown time".to_owned(), full_time);
    let (from, to) = (time(step.from_time), time(step.to_time));
    if step.lasts {
        return format!("the clock{of} goes from {from} to {to}");
    }
    let (plural, says) = if step.stray_lines == 1 { ("", "says") } else { ("s", "say") };
    format!("{} line{plural}{of} {says} {to}, after {from}", Thousands(step.stray_lines))
}

/// `1,204 lines of kubelet suppressed`, `lines suppressed`, `lines of a message sampled`.
pub(crate) fn lost_lines(gap: &Gap, style: &Style) -> String {
    let number = gap.lines.map(|lines| format!("{} ", Thousands(lines))).unwrap_or_default();
    let plural = if gap.lines == Some(1) { "" } else { "s" };
    let of = gap.of.as_ref().map(|of| format!(" of {}", style.escape(of.as_bytes()))).unwrap_or_default();
    let verb = match gap.by {
        "zap" => "sampled",
        "source" => "lost",
        _ => "suppressed",
    };
    // Why a source lost lines, and not of what.
    let of = match (gap.by, &gap.of) {
        ("source", Some(why)) => format!(" ({})", style.escape(why.as_bytes())),
        _ => of,
    };
    match verb {
        "lost" => format!("{number}line{plural} {verb}{of}"),
        _ => format!("{number}line{plural}{of} {verb}"),
    }
}

#[cfg(test)]
mod tests {
    use chiplog_engine::State;

    use super::*;
    use crate::example::{after, slow_apply, slow_apply_closed};

    const PLAIN: Style = Style::plain();

    fn advice(checks: &[String]) -> Option<Advice<'_>> {
        Some(Advice {
            because: "the disk under etcd is slow or shared",
            checks,
            danger: "do not delete the WAL",
        })
    }

    fn written(style: Style, quiet: bool, findings: &[Finding]) -> String {
        let mut out = vec![];
        let mut text = StreamText::new(style, quiet);
        let checks = ["iostat -x 1 on the host".to_owned()];
        for finding in findings {
            text.transition(&mut out, finding, advice(&checks), None).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn worse() -> Finding {
        let mut finding = slow_apply();
        finding.transition = Some(Transition::Worse);
        finding.time = after(96);
        finding.hits = 118;
        finding.complete = false;
        finding
    }

    #[test]
    fn eighty_columns_get_one_line_per_change_and_advice_once() {
        let mut closed = slow_apply_closed();
        closed.transition = Some(Transition::Close);
        let mut again = slow_apply();
        again.time = after(86_400);
        assert_eq!(
            written(PLAIN, false, &[slow_apply(), worse(), closed, again]),
            r"2024-05-14 UTC
03:12:44.120 OPEN  ERROR    etcd-slow-apply cp-1
             p99(took) 1.20 s over 60 s (limit 500 ms), 31 hits
             etcd[1893] apply request took too long \x1b[31m\xff  took=1.203s
             likely  the disk under etcd is slow or shared
             check   iostat -x 1 on the host
             DANGER  do not delete the WAL
03:14:20.120 WORSE ERROR    etcd-slow-apply cp-1  1.20 s, at least 118 hits
03:16:50.120 CLOSE ERROR    etcd-slow-apply cp-1  open 4 m 06 s, 212 hits
2024-05-15 UTC
03:12:44.120 OPEN  ERROR    etcd-slow-apply cp-1  1.20 s, 31 hits
"
        );
    }

    #[test]
    fn a_wide_terminal_gets_everything_on_one_line() {
        let style = Style { colour: false, width: 120, unicode: false };
        let mut closed = slow_apply_closed();
        closed.transition = Some(Transition::Close);
        assert_eq!(
            written(style, true, &[slow_apply(), closed]),
            r"2024-05-14 UTC
03:12:44.120 OPEN  ERROR    etcd-slow-apply            cp-1   p99(took) 1.20 s over 60 s (limit 500 ms), 31 hits
03:16:50.120 CLOSE ERROR    etcd-slow-apply            cp-1   open 4 m 06 s, 212 hits, worst 1.20 s
"
        );
    }

    #[test]
    fn no_line_is_longer_than_the_device_is_wide() {
        let mut finding = slow_apply();
        finding.group.push((Arc::from("pod"), Arc::from("日本".repeat(100))));
        finding.evidence[0].body = b"took too long ".repeat(300);
        for columns in [40, 60, 80, 132, 250] {
            let text = written(Style { width: columns, ..PLAIN }, false, &[finding.clone(), finding.clone()]);
            let widest = text.lines().map(width).max();
            assert!(widest.is_some_and(|widest| widest <= columns), "{columns}\n{text}");
        }
    }

    #[test]
    fn checks_beyond_the_third_are_left_to_explain() {
        let mut out = vec![];
        let checks = ["a", "b", "c", "d"].map(ToOwned::to_owned);
        StreamText::new(PLAIN, false).transition(&mut out, &slow_apply(), advice(&checks), None).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().matches(" check   ").count(), 3);
    }

    #[test]
    fn a_count_is_not_said_twice() {
        let mut finding = slow_apply();
        finding.peak = Some(Peak { name: Arc::from("count"), unit: Unit::Count, amount: 31, limit: 30 });
        let wide = Style { width: 100, ..PLAIN };
        assert!(written(wide, true, &[finding.clone()]).ends_with(" 31 hits in 60 s (limit 30)\n"));
        finding.hits = 118;
        finding.transition = Some(Transition::Worse);
        assert!(written(wide, true, &[finding.clone()]).ends_with(" 31 in 60 s (limit 30), 118 hits\n"));
        assert!(written(PLAIN, true, &[finding]).ends_with(" cp-1  31 in 60 s, 118 hits\n"));
    }

    #[test]
    fn quiet_text_is_first_lines_and_colour_is_on_two_words() {
        let style = Style { colour: true, width: 120, unicode: true };
        let mut closed = slow_apply_closed();
        closed.transition = Some(Transition::Close);
        let text = written(style, true, &[slow_apply(), closed]);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains("120 OPEN  \u{1b}[31mERROR\u{1b}[0m    etcd"), "{text:?}");
        assert!(text.contains("120 \u{1b}[32mCLOSE\u{1b}[0m \u{1b}[31mERROR\u{1b}[0m    etcd"), "{text:?}");
    }

    #[test]
    fn what_is_not_known_is_not_invented() {
        let mut bare = Finding::new(
            Arc::from("x"),
            Arc::from("x"),
            chiplog_parse::Severity::Warning,
            Arc::from("stdin"),
        );
        bare.hits = 1;
        bare.state = State::Closed;
        assert_eq!(
            written(PLAIN, false, &[bare]),
            "--:--:--.--- CLOSE WARN     x                                 1 hit\n"
        );
    }

    #[test]
    fn a_gap_says_who_lost_what() {
        let gap = Gap {
            source: Arc::from("stdin"),
            time: after(0),
            since_time: after(-60),
            line: Some(9),
            host: Some(Arc::from("w-07")),
            by: "journald",
            of: Some(Arc::from("kubelet.service")),
            lines: Some(1_204),
        };
        let mut out = vec![];
        StreamText::new(PLAIN, false).gap(&mut out, &gap).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2024-05-14 UTC\n03:12:44.120 GAP   WARN     journald w-07\n             \
             1,204 lines of kubelet.service suppressed; counts are lower bounds\n"
        );
    }

    #[test]
    fn a_cause_is_told_at_each_opening_and_when_it_becomes_known() {
        let cause = LikelyCause {
            rule_id: Arc::from("kernel-nvme-timeout"),
            host: None,
            earlier_nanos: Some(1_200_000_000),
            is_root: true,
        };
        let mut worse = slow_apply();
        worse.transition = Some(Transition::Worse);
        let mut closed = slow_apply_closed();
        closed.transition = Some(Transition::Close);
        let mut text = StreamText::new(PLAIN, false);
        let mut lines = |finding: &Finding, cause: Option<&LikelyCause>| {
            let mut out = vec![];
            text.transition(&mut out, finding, None, cause).unwrap();
            String::from_utf8(out).unwrap().lines().filter(|line| line.contains("after ")).count()
        };
        assert_eq!(lines(&slow_apply(), None), 0);
        assert_eq!((lines(&worse, Some(&cause)), lines(&worse, Some(&cause))), (1, 0));
        assert_eq!((lines(&closed, Some(&cause)), lines(&slow_apply(), Some(&cause))), (0, 1));
        let mut out = vec![];
        StreamText::new(PLAIN, false).transition(&mut out, &slow_apply(), None, Some(&cause)).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("after   kernel-nvme-timeout, 1.20 s earlier: probably the cause"), "{text}");
    }
}
