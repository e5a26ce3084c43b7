//! Trouble that no rule knows.

use std::io::{self, Write};

use chiplog_engine::{Half, Quantity, Unit, UnknownTemplate};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Style;
use crate::human::Thousands;
use crate::json::{EvidenceJson, Exact, entry, time};
use crate::layout::{cut, pad_left};
use crate::style::Ink;

/// Templates that are shown as text.
const SHOWN: usize = 5;

/// Writes the most frequent templates: how many lines, of what, where it changes, and one line to look up.
pub(crate) fn write_unknown(
    out: &mut dyn Write,
    unknown: &[UnknownTemplate],
    style: &Style,
) -> io::Result<()> {
    const INDENT: usize = 9;
    let Some(most) = unknown.first() else { return Ok(()) };
    writeln!(out, "new      warnings and errors that no rule knows, by what they say")?;
    let room = style.columns().saturating_sub(INDENT);
    let width = Thousands(most.lines).to_string().len();
    for template in unknown.iter().take(SHOWN) {
        let severity = template.severity.to_string();
        let who = [template.component.as_deref(), template.code.as_deref()];
        let who: Vec<String> = who.into_iter().flatten().map(|part| style.escape(part.as_bytes())).collect();
        let example = format!("{}:{}", style.escape(template.source.as_bytes()), template.example.line);
        let parts = [who.join(" "), trend(template.halves, style), example];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let lines = pad_left(&Thousands(template.lines).to_string(), width);
        let rest = cut(&parts.join("  "), room.saturating_sub(width + severity.len() + 2), style);
        writeln!(out, "{:INDENT$}{lines} {} {rest}", "", style.paint(Ink::of(template.severity), &severity))?;
        let text = style.escape(template.template.as_bytes());
        writeln!(out, "{:indent$}{}", "", cut(&text, room - width - 1, style), indent = INDENT + width + 1)?;
    }
    if unknown.len() > SHOWN {
        writeln!(out, "{:INDENT$}and {} more: --format json", "", unknown.len() - SHOWN)?;
    }
    Ok(())
}

/// `0.10 to 4.0 in 1,000 lines`, if there are two halves to compare.
fn trend(halves: [Half; 2], style: &Style) -> String {
    let [Some(first), Some(second)] = halves.map(per_thousand) else { return String::new() };
    let arrow = if style.unicode { "\u{2192}" } else { "->" };
    let text = |tenths: u64| format!("{}.{}", Thousands(tenths / 10), tenths % 10);
    format!("{} {arrow} {} in 1,000 lines", text(first), text(second))
}

/// Lines of the template in a thousand, in tenths.
fn per_thousand(half: Half) -> Option<u64> {
    let tenths = u128::from(half.lines) * 10_000 / u128::from(half.looked_at.max(1));
    (half.looked_at > 0).then(|| u64::try_from(tenths).unwrap_or(u64::MAX))
}

/// An entry of `unknown` in the outcome of a scan.
pub(crate) struct UnknownJson<'a>(pub(crate) &'a UnknownTemplate);

impl Serialize for UnknownJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let template = self.0;
        let share = |half: Half| {
            let millionths = i128::from(half.lines) * 1_000_000 / i128::from(half.looked_at.max(1));
            (half.looked_at > 0)
                .then_some(Exact(Quantity { amount: millionths, unit: Unit::MicrosPerSecond }))
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("template", &template.template)?;
        map.serialize_entry("severity_text", &template.severity.to_string())?;
        map.serialize_entry("severity_number", &template.severity.number())?;
        entry(&mut map, "component", template.component.as_deref())?;
        entry(&mut map, "code", template.code.as_deref())?;
        map.serialize_entry("lines", &template.lines)?;
        entry(&mut map, "share_first_half", share(template.halves[0]))?;
        entry(&mut map, "share_second_half", share(template.halves[1]))?;
        entry(&mut map, "first_time", time(template.first_time))?;
        entry(&mut map, "last_time", time(template.last_time))?;
        map.serialize_entry(
            "example",
            &EvidenceJson { source: &template.source, evidence: &template.example },
        )?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::unknown;

    #[test]
    fn the_first_few_are_shown_within_the_columns() {
        let mut out = vec![];
        write_unknown(&mut out, &vec![unknown(); 7], &Style::plain()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..3],
            [
                "new      warnings and errors that no rule knows, by what they say",
                "         1,204 ERROR kubelet pod.go:12  0.4 \u{2192} 120.0 in 1,000 lines  w-07.log:7",
                "               Failed to sync pod <*> back-off",
            ]
        );
        assert_eq!((lines.len(), lines[11]), (12, "         and 2 more: --format json"));
        assert!(lines.iter().all(|line| crate::layout::width(line) <= 80), "{text}");
    }
}
