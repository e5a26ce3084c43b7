//! Templates that differ in few words are one.

use std::sync::Arc;

use chiplog_parse::{Severity, UnixNanos};

use super::mask::WILDCARD;
use super::{FinishedTemplates, Half, UnknownTemplate, parts_of};
use crate::Evidence;

/// The share of words, in percent, that two templates must have in common to be joined when nothing else
/// says that they come from one place in a program.
const SIMILAR_PERCENT: usize = 60;

/// Templates that are reported.
const MAX_REPORTED: usize = 50;

/// A group of templates.
struct Group<'t> {
    severity: u8,
    component: &'t [u8],
    code: &'t [u8],
    /// By blanks; wildcards where members differ.
    words: Vec<&'t [u8]>,
    lines: u64,
    halves: [Half; 2],
    first_time: Option<UnixNanos>,
    last_time: Option<UnixNanos>,
    /// By number, the one that holds the example first.
    sources: Vec<usize>,
    source: Arc<str>,
    example: Evidence,
}

/// The templates of all sources, the most frequent first. No more than `most` are looked at.
pub(crate) fn join(sources: &[(Arc<str>, Arc<FinishedTemplates>)], most: usize) -> Vec<UnknownTemplate> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for (source, (_, templates)) in sources.iter().enumerate() {
        all.extend((0..templates.list.len()).map(|number| (source, number)));
    }
    // The order in which templates are joined decides what comes out: frequent ones first, as they
    // are met first in a stream.
    all.sort_by(|left, right| {
        let of = |(source, number): &(usize, usize)| &sources[*source].1.list[*number];
        let (left_template, right_template) = (of(left), of(right));
        right_template
            .spread
            .total()
            .cmp(&left_template.spread.total())
            .then_with(|| left_template.key.cmp(&right_template.key))
            .then_with(|| left.cmp(right))
    });
    all.truncate(most);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (source, number) in all {
        let (name, templates) = &sources[source];
        let template = &templates.list[number];
        let parts = parts_of(&template.key);
        let words: Vec<&[u8]> = parts.template.split(|byte| *byte == b' ').collect();
        let looked_at = templates.looked_at.halves(&templates.looked_at);
        let lines = template.spread.halves(&templates.looked_at);
        let halves = [0, 1].map(|half| Half { looked_at: looked_at[half], lines: lines[half] });
        let (first_time, last_time) = (template.first_time, template.last_time);
        let found = groups.iter_mut().find(|group| {
            group.severity == parts.severity
                && group.component == parts.component
                && group.code == parts.code
                && is_similar(&group.words, &words, !parts.code.is_empty())
        });
        match found {
            Some(group) => {
                for (word, other) in group.words.iter_mut().zip(&words) {
                    if word != other {
                        *word = WILDCARD;
                    }
                }
                group.lines += template.spread.total();
                // Halves of one source have their lines in common, those of several add up.
                let is_new_source = !group.sources.contains(&source);
                for (half, other) in group.halves.iter_mut().zip(halves) {
                    half.lines += other.lines;
                    half.looked_at += if is_new_source { other.looked_at } else { 0 };
                }
                if is_new_source {
                    group.sources.push(source);
                }
                group.first_time = [group.first_time, first_time].into_iter().flatten().min();
                group.last_time = group.last_time.max(last_time);
            }
            None => groups.push(Group {
                severity: parts.severity,
                component: parts.component,
                code: parts.code,
                words,
                lines: template.spread.total(),
                halves,
                first_time,
                last_time,
                sources: vec![source],
                source: Arc::clone(name),
                example: template.example.clone(),
            }),
        }
    }
    groups.sort_by(|left, right| {
        right
            .lines
            .cmp(&left.lines)
            .then_with(|| right.severity.cmp(&left.severity))
            .then_with(|| left.words.cmp(&right.words))
            .then_with(|| (left.component, left.code).cmp(&(right.component, right.code)))
    });
    groups.truncate(MAX_REPORTED);
    groups.into_iter().map(Group::finish).collect()
}

impl Group<'_> {
    fn finish(self) -> UnknownTemplate {
        let text = |bytes: &[u8]| (!bytes.is_empty()).then(|| Arc::from(&*String::from_utf8_lossy(bytes)));
        UnknownTemplate {
            template: String::from_utf8_lossy(&self.words.join(&b' ')).into_owned(),
            severity: severity_of(self.severity),
            component: text(self.component),
            code: text(self.code),
            lines: self.lines,
            halves: self.halves,
            first_time: self.first_time,
            last_time: self.last_time,
            source: self.source,
            example: self.example,
        }
    }
}

fn severity_of(number: u8) -> Severity {
    let all = [Severity::Error, Severity::Critical, Severity::Alert, Severity::Fatal];
    all.into_iter().find(|severity| severity.number() == number).unwrap_or(Severity::Warning)
}

/// Whether two templates are one: as many words, the first the same unless it varies, and most of the others. Of
/// lines that come from one place of a program half of the words are enough.
fn is_similar(left: &[&[u8]], right: &[&[u8]], has_code: bool) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let same = left.iter().zip(right).filter(|(left, right)| left == right).count();
    let percent = if has_code { 50 } else { SIMILAR_PERCENT };
    (has_code || left.first() == right.first()) && same * 100 >= left.len() * percent
}

#[cfg(test)]
mod tests {
    use chiplog_parse::Detector;

    use super::*;
    use crate::plan::TimeRange;
    use crate::scanner::times_of;
    use crate::templates::{BlockTemplates, SourceTemplates};

    /// The templates of a source of these lines.
    fn templates(lines: &[&str]) -> Arc<FinishedTemplates> {
        let mut block = BlockTemplates::default();
        let mut detector = Detector::new();
        let mut offset = 0;
        for line in lines {
            let record = detector.peel(line.as_bytes());
            block.look(offset as u64, offset, &record, times_of(&record), true);
            offset += line.len() + 1;
        }
        let mut source = SourceTemplates::default();
        let show = |offset: usize| Evidence {
            line: 0,
            offset: offset as u64,
            time: None,
            origin: None,
            body: Vec::new(),
            values: Vec::new(),
        };
        source.absorb(&block, show);
        Arc::new(source.finish(TimeRange::default(), |_, _| None, 256))
    }

    #[test]
    fn templates_that_differ_in_few_words_are_one() {
        let lines = [
            "E1124 10:00:00.000001    2309 pod.go:12] Failed to sync pod default/web-ok: back-off",
            "E1124 10:00:01.000001    2309 pod.go:12] Failed to sync pod default/db-ok: back-off",
            "E1124 10:00:02.000001    2309 pod.go:12] Failed to sync pod default/db-ok: back-off",
            "W1124 10:00:03.000001    2309 pod.go:12] Failed to sync pod default/db-ok: back-off",
            "I1124 10:00:04.000001    2309 pod.go:12] Failed to sync pod default/db-ok: back-off",
            "E1124 10:00:05.000001    2309 pod.go:99] Other trouble",
            "E1124 10:00:06.000001    2309 pod.go:99] \"Failed to rotate\" err=\"open /var/log/x3: no such file\" n=3",
        ];
        let sources = [(Arc::from("a"), templates(&lines)), (Arc::from("b"), templates(&lines[5..]))];
        let found = join(&sources, usize::MAX);
        let found: Vec<(&str, &str, u64)> = found
            .iter()
            .map(|found| (found.template.as_str(), found.code.as_deref().unwrap_or(""), found.lines))
            .collect();
        assert_eq!(
            found,
            [
                ("Failed to sync pod <*> back-off", "pod.go:12", 3),
                ("Failed to rotate: open <*> no such file", "pod.go:99", 2),
                ("Other trouble", "pod.go:99", 2),
                ("Failed to sync pod default/db-ok: back-off", "pod.go:12", 1),
            ]
        );
    }
}
