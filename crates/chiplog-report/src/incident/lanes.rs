//! A timeline in characters: who was in trouble when.

use std::collections::BTreeMap;

use chiplog_parse::UnixNanos;

/// Columns of the timeline itself.
const COLUMNS: usize = 40;

/// A stretch of trouble.
pub(super) struct Stretch {
    /// The number of its row in the table.
    pub(super) row: usize,
    /// Host, or what stands for it; escaped.
    pub(super) home: String,
    pub(super) first: UnixNanos,
    pub(super) last: UnixNanos,
}

/// One line for the stretches of a home that do not overlap, and the home; by their first stretch. Empty
/// if there is no time to spread them over.
pub(super) fn lanes(stretches: &[Stretch]) -> Vec<(String, &str)> {
    let first = stretches.iter().map(|stretch| stretch.first.0).min();
    let last = stretches.iter().map(|stretch| stretch.last.0).max();
    let (Some(first), Some(last)) = (first, last) else { return vec![] };
    if last <= first {
        return vec![];
    }
    let column = |time: UnixNanos| {
        let part = (i128::from(time.0) - i128::from(first)) * (COLUMNS as i128 - 1);
        usize::try_from(part / (i128::from(last) - i128::from(first))).unwrap_or(0).min(COLUMNS - 1)
    };
    let mut sorted: Vec<&Stretch> = stretches.iter().collect();
    sorted.sort_by(|left, right| {
        left.first.cmp(&right.first).then_with(|| left.row.cmp(&right.row)).then(left.last.cmp(&right.last))
    });
    let mut homes: Vec<&str> = vec![];
    let mut lanes: BTreeMap<&str, Vec<[char; COLUMNS]>> = BTreeMap::new();
    for stretch in sorted {
        if !homes.contains(&stretch.home.as_str()) {
            homes.push(&stretch.home);
        }
        let (from, to) = (column(stretch.first), column(stretch.last));
        let own = lanes.entry(&stretch.home).or_default();
        let free = own.iter().position(|lane| lane[from..=to].iter().all(|cell| *cell == '.'));
        let lane = match free {
            Some(free) => &mut own[free],
            None => {
                own.push(['.'; COLUMNS]);
                own.last_mut().expect("a lane was pushed")
            }
        };
        lane[from..=to].fill(sign(stretch.row));
    }
    let (first, last) = (clock(UnixNanos(first)), clock(UnixNanos(last)));
    let line = |lane: &[char; COLUMNS]| {
        let lane: String = lane.iter().collect();
        format!("{first} {lane} {last}")
    };
    homes.iter().flat_map(|home| lanes[home].iter().map(|lane| (line(lane), *home))).collect()
}

/// Row 1 to 9 as digits, from 10 on as letters, beyond those `+`.
fn sign(row: usize) -> char {
    u32::try_from(row).ok().and_then(|row| char::from_digit(row, 36)).unwrap_or('+')
}

fn clock(time: UnixNanos) -> String {
    let civil = time.to_civil();
    format!("{:02}:{:02}", civil.hour, civil.minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(row: usize, home: &str, first: i64, last: i64) -> Stretch {
        let time = |seconds: i64| UnixNanos(seconds * 1_000_000_000);
        Stretch { row, home: home.to_owned(), first: time(first), last: time(last) }
    }

    #[test]
    fn what_overlaps_has_a_line_of_its_own() {
        let stretches = [
            stretch(1, "w-07", 0, 0),
            stretch(2, "w-07", 60, 2_340),
            stretch(3, "cp-1", 600, 900),
            stretch(11, "w-07", 1_200, 1_300),
        ];
        assert_eq!(
            lanes(&stretches).iter().map(|(lane, home)| format!("{lane}  {home}")).collect::<Vec<_>>(),
            [
                "00:00 12222222222222222222222222222222222222222 00:39  w-07",
                "00:00 ....................bb.................. 00:39  w-07",
                "00:00 ..........333333........................ 00:39  cp-1",
            ]
            .map(|line| line.replace(
                "12222222222222222222222222222222222222222",
                "1222222222222222222222222222222222222222"
            ))
        );
        assert!(lanes(&stretches[..1]).is_empty());
    }
}
