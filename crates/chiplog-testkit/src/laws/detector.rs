//! The detector over whole lines.

use chiplog_parse::{Clock, Detector, Format, Layers, Payload, Record};

use super::borrowed::{assert_inside, check_error, check_text, check_time, check_value};
use super::events::check_event;

pub(super) fn check(data: &[u8]) {
    let mut fresh = Detector::new();
    let mut used = Detector::new();
    for line in chiplog_parse::lines(data) {
        let record = fresh.peel(line);
        check_record(&record, line);
        // A line is read the same wherever it stands.
        let first = format!("{record:?}");
        assert_eq!(first, format!("{:?}", used.peel(line)));
        check_parse(line, &record);
        fresh = Detector::new();
    }
}

fn check_parse(line: &[u8], record: &Record<'_>) {
    let error = chiplog_parse::closest(line);
    check_error(error, line);
    let mut clock = Clock::from_year(2024);
    match Detector::new().parse(line, &mut clock) {
        Ok(parsed) => {
            assert!(record.is_recognised());
            assert_eq!(parsed.layers(), record.layers());
            assert_eq!(parsed.message, record.message);
        }
        Err(found) => {
            assert!(!record.is_recognised());
            assert_eq!(found, error);
        }
    }
}

fn check_record(record: &Record<'_>, line: &[u8]) {
    let layers = record.layers();
    assert!((1..=Layers::MAX + 1).contains(&layers.len()));
    assert_eq!(layers.last(), Some(&record.format()));
    assert_eq!(record.chain().as_slice(), layers);
    let (_, outer) = layers.split_last().expect("there is a layer");
    assert!(outer.iter().all(|format| format.is_envelope()), "{layers:?}");
    for time in [record.time, record.envelope_time, record.payload_time].into_iter().flatten() {
        check_time(time);
    }
    assert!(
        record.time.is_none() || record.time == record.payload_time || record.time == record.envelope_time
    );
    assert!(record.severity.is_some() || record.envelope_severity.is_none());

    let plain = [record.host, record.component, record.unit, record.pod, record.container, record.file];
    assert!(record.severity_text.len() <= line.len());
    let is_escaped = layers.iter().any(|format| {
        matches!(format, Format::DockerJson | Format::JournalJson | Format::Journal | Format::Kmsg)
    });
    // What an escaped envelope held stands in the detector's buffers, the rest in the line.
    let whole = if is_escaped { None } else { Some(line) };
    for part in plain.into_iter().flatten() {
        match whole {
            Some(whole) if part != b"kernel" => assert_inside(part, whole),
            _ => assert!(part.len() <= line.len()),
        }
    }
    for text in [Some(record.message), Some(record.msg()), record.logger].into_iter().flatten() {
        check_text(text, whole.unwrap_or(text.raw()));
    }
    let mut fields = 0;
    for (key, value) in record.fields() {
        check_text(key, whole.filter(|_| key.raw() != b"err").unwrap_or(key.raw()));
        check_value(value, whole.unwrap_or(value.text().raw()));
        fields += 1;
    }
    assert!(fields <= line.len());
    check_event(record.event().as_ref(), None);
    if let Payload::Text(text) = record.payload() {
        assert_eq!(record.message.raw(), *text);
    }
}
