use chiplog_parse::{Clock, Detector, UnixNanos};

/// One line of text for each record of a log.
fn summary(log: &[u8]) -> String {
    let (mut detector, mut clock) = (Detector::new(), Clock::from_year(2024));
    let mut out = String::new();
    for line in chiplog_parse::lines(log) {
        let record = detector.peel(line);
        let time = record.time.and_then(|time| clock.resolve(time));
        let time = time.map_or(UnixNanos(0), |resolved| resolved.instant);
        let severity = record.severity.map_or("-", |severity| severity.name());
        let message = record.msg().decode();
        out += &format!("{time} {severity} {}\n", String::from_utf8_lossy(&message));
    }
    out
}
