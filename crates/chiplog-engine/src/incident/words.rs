//! Durations and numbers in words.

/// `1 hit`, `2 hits`.
pub(super) fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A duration as people write it: `0.2 s`, `41 s`, `4 m 06 s`, `1 h 05 m`, `2 d 3 h`.
pub(super) fn duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let millis = nanos.unsigned_abs().div_ceil(1_000_000);
    let seconds = nanos.unsigned_abs() / 1_000_000_000;
    let text = match seconds {
        _ if nanos == 0 => "0 s".to_owned(),
        0 => format!("{millis} ms"),
        1..10 if millis % 1_000 >= 100 => format!("{seconds}.{} s", millis % 1_000 / 100),
        1..60 => format!("{seconds} s"),
        60..3_600 if seconds.is_multiple_of(60) => format!("{} m", seconds / 60),
        60..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 if seconds % 3_600 < 60 => format!("{} h", seconds / 3_600),
        3_600..86_400 => format!("{} h {:02} m", seconds / 3_600, seconds % 3_600 / 60),
        _ if seconds % 86_400 < 3_600 => format!("{} d", seconds / 86_400),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let seconds = |seconds: f64| duration((seconds * 1e9) as i64);
        let shown = [0.0, 0.0001, 0.2, 1.0, 1.25, 41.9, 246.0, 300.0, 3_900.0, 183_600.0, -20.0].map(seconds);
        let expected = [
            "0 s", "1 ms", "200 ms", "1 s", "1.2 s", "41 s", "4 m 06 s", "5 m", "1 h 05 m", "2 d 3 h",
            "-20 s",
        ];
        assert_eq!(shown, expected);
    }
}
