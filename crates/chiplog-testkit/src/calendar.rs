//! Seconds since 1970 as a date and a time of day.

/// A date and time of day in some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u32,
    /// 1 to 31.
    pub(crate) day: u32,
    pub(crate) hour: u32,
    pub(crate) minute: u32,
    pub(crate) second: u32,
}

pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Civil {
    /// Counts years and months from 1970 on, which is plain, and done once for each second of log.
    pub(crate) fn of(seconds: u64) -> Civil {
        let (mut days, of_day) = (seconds / 86_400, (seconds % 86_400) as u32);
        let mut year = 1970;
        while days >= days_in_year(year) {
            days -= days_in_year(year);
            year += 1;
        }
        let mut month = 1;
        while days >= days_in_month(year, month) {
            days -= days_in_month(year, month);
            month += 1;
        }
        let day = days as u32 + 1;
        Civil { year, month, day, hour: of_day / 3600, minute: of_day / 60 % 60, second: of_day % 60 }
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_year(year: i64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_in_month(year: i64, month: u32) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_dates() {
        let civil = |seconds| {
            let c = Civil::of(seconds);
            (c.year, c.month, c.day, c.hour, c.minute, c.second)
        };
        assert_eq!(civil(0), (1970, 1, 1, 0, 0, 0));
        assert_eq!(civil(1_558_428_328), (2019, 5, 21, 8, 45, 28));
        assert_eq!(civil(1_582_934_400), (2020, 2, 29, 0, 0, 0));
        assert_eq!(civil(1_577_836_799), (2019, 12, 31, 23, 59, 59));
    }
}
