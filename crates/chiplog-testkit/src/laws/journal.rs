//! The text and export forms of journalctl.

use chiplog_parse::journal_export::{self, Error};
use chiplog_parse::journal_text::{self, Entries, Mode};

use super::borrowed::{assert_all_inside, assert_ends, assert_inside, check_error, check_time};

pub(super) fn check_text(data: &[u8]) {
    for mode in Mode::ALL {
        check_line(data, mode);
        check_entries(data, mode);
    }
    assert!(journal_text::detect(data).is_none_or(|mode| mode != Mode::Cat));
    let _ = journal_text::marker(data);
    assert_all_inside(journal_text::blob(data), data);
    if let Some((name, value)) = journal_text::verbose_field(data) {
        assert_inside(name, data);
        assert_ends(value, data);
    }
    for width in [0, 1, data.len(), usize::MAX] {
        if let Some(text) = journal_text::continuation(data, width) {
            assert_ends(text, data);
        }
    }
}

fn check_line(data: &[u8], mode: Mode) {
    match journal_text::parse(data, mode) {
        Ok(line) => {
            assert_eq!(line.mode, mode);
            if mode == Mode::Verbose {
                assert_inside(line.message, data);
            } else {
                assert_ends(line.message, data);
            }
            assert_all_inside([line.zone, line.host, line.identifier].into_iter().flatten(), data);
            if let Some(time) = line.time {
                check_time(time);
            }
        }
        Err(error) => check_error(error, data),
    }
}

/// Records hold the lines, less the indent of those that continue one and less markers.
fn check_entries(data: &[u8], mode: Mode) {
    let mut entries = Entries::new(mode);
    let mut records: Vec<Vec<u8>> = Vec::new();
    let mut wanted = 0;
    for line in chiplog_parse::lines(data) {
        wanted += 1;
        records.extend(entries.push(line));
    }
    records.extend(entries.finish());
    assert_eq!(entries.finish(), None);
    let held: usize =
        records.iter().map(|record| record.iter().filter(|byte| **byte == b'\n').count() + 1).sum();
    let markers = chiplog_parse::lines(data).filter(|line| journal_text::marker(line).is_some()).count();
    if mode == Mode::Cat {
        assert_eq!(held, wanted);
        assert!(records.iter().map(Vec::as_slice).eq(chiplog_parse::lines(data)));
    } else {
        assert_eq!(held, wanted - markers);
    }
}

/// Entries tile the input, fields tile the entries, and cut input is told from malformed input.
pub(super) fn check_export(data: &[u8]) {
    let mut entries = journal_export::entries(data);
    let mut at = 0;
    loop {
        let rest = entries.rest();
        assert_ends(rest, data);
        match entries.next() {
            Some(Ok(entry)) => {
                let (same, length) = journal_export::entry(rest).expect("it was just read");
                assert_eq!(same, entry);
                assert_eq!(journal_export::last_entry(rest), Ok((entry, length)));
                at += length;
                assert_eq!(entries.rest(), &data[at..]);
                check_export_entry(&entry, &rest[..length]);
            }
            Some(Err(error)) => {
                check_export_error(error, rest);
                assert!(entries.next().is_none());
                break;
            }
            None => break,
        }
    }
    if let Ok((entry, length)) = journal_export::last_entry(entries.rest()) {
        check_export_entry(&entry, &entries.rest()[..length]);
    }
}

fn check_export_error(error: Error, rest: &[u8]) {
    match error {
        Error::Incomplete { needed } => assert!(needed > 0),
        Error::Malformed(error) => check_error(error, rest),
        other => panic!("{other}"),
    }
}

fn check_export_entry(entry: &journal_export::Entry<'_>, whole: &[u8]) {
    let mut again = Vec::new();
    for field in entry.fields() {
        assert_all_inside([field.name, field.value], whole);
        assert!(entry.get(field.name).is_some());
        again.extend_from_slice(field.name);
        again.push(b'\n');
        again.extend_from_slice(&(field.value.len() as u64).to_le_bytes());
        again.extend_from_slice(field.value);
        again.push(b'\n');
    }
    again.push(b'\n');
    let (same, length) = journal_export::entry(&again).expect("what was read can be written");
    assert_eq!(length, again.len());
    assert!(same.fields().eq(entry.fields()));
    for cut in (0..again.len()).step_by(1 + again.len() / 64) {
        match journal_export::entry(&again[..cut]) {
            Err(Error::Incomplete { needed }) => assert!((1..=again.len() - cut).contains(&needed)),
            other => panic!("cut at {cut}: {other:?}"),
        }
    }
}
