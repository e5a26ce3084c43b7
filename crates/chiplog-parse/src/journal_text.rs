//! journalctl's text family: `short` and its variants, `cat`, `verbose`.
//!
//! ```text
//! line   = clock SP [ host SP ] ident [ "[" pid "]" ] ": " message
//!
//! short, short-precise      month SP 2DIGIT SP hh:mm:ss [ "." 6DIGIT ]
//! short-iso[-precise]       YYYY-MM-DDThh:mm:ss [ "." 6DIGIT ] offset
//! short-full, with-unit     weekday SP YYYY-MM-DD SP hh:mm:ss SP zone
//! short-monotonic           "[" seconds "." 6DIGIT "]"
//! short-delta               "[" seconds "." 6DIGIT ( " <" seconds "." 6DIGIT ( SP / "*" ) ">" / 16SP ) "]"
//! short-unix                seconds "." 6DIGIT
//! verbose                   weekday SP YYYY-MM-DD SP hh:mm:ss [ "." 6DIGIT ] SP zone SP "[" cursor "]"
//! ```
//!
//! - `month` follows the locale of whoever ran journalctl. Read are English, the digits of Chinese,
//!   Japanese and Korean (`3月`, ` 3월`), and glibc's names in eighteen European languages, Turkish
//!   and Indonesian. The day is padded with a zero (files of rsyslog pad with a blank).
//! - `offset` is `+0800`, since systemd 255 `+08:00`; never `Z`.
//! - `zone` is letters, which do not name an offset (`CST` is four of them), or digits (`-03`). Only
//!   `UTC` and digits make an instant.
//! - `ident` may hold blanks and parentheses. It ends at the first colon that a blank follows. With
//!   `--no-hostname` there is no host; such a line whose ident has a blank is read wrongly.
//! - Further lines of a message are indented by the width of what stands before its first line, in
//!   bytes (`with-unit` miscounts entries of user units); [`Entries`] puts them together.
//!
//! The text modes lose data. A message with control bytes or bad UTF-8 prints as `[15B blob data]`
//! ([`blob`]), a TAB as eight blanks, and colours and a final CR are taken out, unless `--all` is
//! given. Priority and unit are not printed. Prefer JSON or export where there is a choice.
//!
//! Sources: systemd 252 and 255 `src/shared/logs-show.c`, `src/basic/time-util.c`; glibc 2.36
//! `localedata/locales` (`abmon`).

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

use memchr::memchr;

use crate::bytes::{decimal, two_digits};
use crate::{Civil, ParseError, Time, UnixNanos, kmsg, rfc3339, syslog, tag};

/// An output mode of journalctl (`-o`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// `short`, the default.
    Short,
    /// `short-precise`
    ShortPrecise,
    /// `short-iso`
    ShortIso,
    /// `short-iso-precise`
    ShortIsoPrecise,
    /// `short-full`
    ShortFull,
    /// `with-unit`: as `short-full`, with the unit in place of the identifier.
    WithUnit,
    /// `short-monotonic`
    ShortMonotonic,
    /// `short-delta`
    ShortDelta,
    /// `short-unix`
    ShortUnix,
    /// `cat`: nothing but messages.
    Cat,
    /// `verbose`: a line with time and cursor, then a line for each field.
    Verbose,
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 11] = [
        Self::Short,
        Self::ShortPrecise,
        Self::ShortIso,
        Self::ShortIsoPrecise,
        Self::ShortFull,
        Self::WithUnit,
        Self::ShortMonotonic,
        Self::ShortDelta,
        Self::ShortUnix,
        Self::Cat,
        Self::Verbose,
    ];

    /// The name, as `journalctl -o` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::ShortPrecise => "short-precise",
            Self::ShortIso => "short-iso",
            Self::ShortIsoPrecise => "short-iso-precise",
            Self::ShortFull => "short-full",
            Self::WithUnit => "with-unit",
            Self::ShortMonotonic => "short-monotonic",
            Self::ShortDelta => "short-delta",
            Self::ShortUnix => "short-unix",
            Self::Cat => "cat",
            Self::Verbose => "verbose",
        }
    }
}

/// The first line of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalText<'a> {
    /// The mode the line was read in.
    pub mode: Mode,
    /// The time. `None` in `cat`.
    pub time: Option<Time>,
    /// The zone as letters, where the time is a reading of a wall clock in that zone.
    pub zone: Option<&'a [u8]>,
    /// The host. `None` with `--no-hostname`, in `cat` and `verbose`.
    pub host: Option<&'a [u8]>,
    /// The syslog identifier, else the name of the process, else `unknown`; in `with-unit` the unit.
    /// `None` in `cat` and `verbose`.
    pub identifier: Option<&'a [u8]>,
    /// The process id.
    pub pid: Option<u32>,
    /// The message; in `verbose` the cursor.
    pub message: &'a [u8],
}

/// Reads the first line of an entry, or a record of [`Entries`], as printed in `mode`.
///
/// ```
/// use chiplog_parse::journal_text::{self, Mode};
/// let line = journal_text::parse(b"Mar 05 14:07:08 node-1 kubelet[1234]: hello", Mode::Short).unwrap();
/// assert_eq!(line.host, Some(&b"node-1"[..]));
/// assert_eq!((line.identifier, line.pid), (Some(&b"kubelet"[..]), Some(1234)));
/// assert_eq!(line.message, b"hello");
/// ```
///
/// # Errors
///
/// When the line does not start as the mode prints; markers ([`marker`]) and further lines of a
/// message do not. In `cat` every line is a message.
#[inline]
pub fn parse(line: &[u8], mode: Mode) -> Result<JournalText<'_>, ParseError> {
    if mode == Mode::Cat {
        return Ok(JournalText {
            mode,
            time: None,
            zone: None,
            host: None,
            identifier: None,
            pid: None,
            message: line,
        });
    }
    let Clock { time, zone, length } =
        clock(line, mode).ok_or_else(|| ParseError::new("a time as journalctl prints it", 0))?;
    let Some([b' ', rest @ ..]) = line.get(length..) else {
        return Err(ParseError::new("a blank after the time", length));
    };
    if mode == Mode::Verbose {
        let cursor = rest.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        let message = cursor.ok_or_else(|| ParseError::new("a cursor in brackets", length + 1))?;
        let time = Some(time);
        return Ok(JournalText { mode, time, zone, host: None, identifier: None, pid: None, message });
    }
    let tag::Tagged { host, ident, message } =
        tag::split(rest).ok_or_else(|| ParseError::new("an identifier and a colon", length + 1))?;
    let (identifier, pid) = tag::split_pid(ident)
        .and_then(|(name, pid)| Some((name, Some(whole_number(pid)?))))
        .unwrap_or((ident, None));
    Ok(JournalText { mode, time: Some(time), zone, host, identifier: Some(identifier), pid, message })
}

fn whole_number(digits: &[u8]) -> Option<u32> {
    let (number, length) = decimal(digits)?;
    if length == digits.len() { u32::try_from(number).ok() } else { None }
}

/// The mode whose clock the line starts with.
///
/// Looks at the clock alone: [`parse`] may still refuse the line. `with-unit` prints like
/// `short-full` and is taken for it, [`Mode::Cat`] is never found. Other formats can look the same:
/// from the 10th of a month on, `short` is syslog's traditional layout; `short-iso-precise` of systemd 255 is
/// rsyslog's built-in layout; `short-monotonic` is dmesg's.
///
/// ```
/// use chiplog_parse::journal_text::{self, Mode};
/// assert_eq!(journal_text::detect(b"Mar 05 14:07:08 node-1 a: m"), Some(Mode::Short));
/// assert_eq!(journal_text::detect(b"1709618828.120034 node-1 a: m"), Some(Mode::ShortUnix));
/// assert_eq!(journal_text::detect(b"-- Reboot --"), None);
/// ```
#[must_use]
pub fn detect(line: &[u8]) -> Option<Mode> {
    let candidates: &[Mode] = match line {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..] => {
            &[Mode::ShortIso, Mode::ShortIsoPrecise]
        }
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => &[Mode::ShortUnix],
        [b'[', ..] => &[Mode::ShortMonotonic, Mode::ShortDelta],
        [_, _, _, b' ', _, _, _, _, b'-', ..] => &[Mode::Verbose, Mode::ShortFull],
        _ => &[Mode::Short, Mode::ShortPrecise],
    };
    candidates.iter().copied().find(|mode| {
        clock(line, *mode).is_some_and(|clock| match (mode, line.get(clock.length..)) {
            (Mode::Verbose, Some(rest)) => rest.starts_with(b" [") && rest.ends_with(b"]"),
            (_, Some(rest)) => rest.first() == Some(&b' '),
            _ => false,
        })
    })
}

/// The time at the start of a line.
struct Clock<'a> {
    time: Time,
    zone: Option<&'a [u8]>,
    length: usize,
}

#[inline(always)]
fn clock(line: &[u8], mode: Mode) -> Option<Clock<'_>> {
    let zoneless = |(time, length)| Clock { time, zone: None, length };
    match mode {
        Mode::Short => short(line, 0).map(zoneless),
        Mode::ShortPrecise => short(line, MICROS_LENGTH).map(zoneless),
        Mode::ShortIso => iso(line, 0).map(zoneless),
        Mode::ShortIsoPrecise => iso(line, MICROS_LENGTH).map(zoneless),
        Mode::ShortFull | Mode::WithUnit => full(line, 0),
        Mode::Verbose => full(line, MICROS_LENGTH).or_else(|| full(line, 0)),
        Mode::ShortMonotonic | Mode::ShortDelta => monotonic(line, mode).map(zoneless),
        Mode::ShortUnix => unix(line).map(zoneless),
        Mode::Cat => None,
    }
}

/// Length of `.uuuuuu`.
const MICROS_LENGTH: usize = 7;

/// The fraction at `at`, which must have the given length with its dot, or be missing for 0.
#[inline]
fn fraction(line: &[u8], at: usize, length: usize) -> Option<u32> {
    let (nanosecond, found) = rfc3339::fraction(line.get(at..)?, b'.')?;
    (found == length).then_some(nanosecond)
}

/// `%b %d %H:%M:%S`
#[inline(always)]
fn short(line: &[u8], fraction_length: usize) -> Option<(Time, usize)> {
    let (mut civil, length) = syslog::stamp(line, b'0').or_else(|| short_localized(line))?;
    civil.nanosecond = fraction(line, length, fraction_length)?;
    Some((Time::Civil(civil), length + fraction_length))
}

/// The same with a month that is not English.
#[cold]
fn short_localized(line: &[u8]) -> Option<(Civil, usize)> {
    // The longest name is `maalis`; the longest in bytes takes two for each of four letters.
    const LONGEST: usize = 12;
    // One blank pads months below 10 in Japanese, Korean and the Chinese of Taiwan.
    let start = usize::from(line.first() == Some(&b' '));
    let text = line.get(start..)?;
    let end = memchr(b' ', text.get(..text.len().min(LONGEST))?)?;
    let month = local_month(text.get(..end)?)?;
    let day = two_digits(text, end + 1)?;
    if text.get(end + 3) != Some(&b' ') {
        return None;
    }
    let time = rfc3339::time_of_day(text.get(end + 4..)?)?;
    Some((Civil::new(None, (month, day), time, 0)?, start + end + 4 + b"hh:mm:ss".len()))
}

/// The month of an abbreviated name in the languages that [`LOCAL_MONTHS`] has.
fn local_month(name: &[u8]) -> Option<u8> {
    if let Some((number, length)) = decimal(name) {
        let suffix = name.get(length..)?;
        let is_month = suffix == "月".as_bytes() || suffix == "월".as_bytes();
        return u8::try_from(number).ok().filter(|_| is_month);
    }
    let name = name.strip_suffix(b".").unwrap_or(name);
    let known = |names: &&[&str]| names.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(name));
    Some(LOCAL_MONTHS.iter().position(known)? as u8 + 1)
}

/// Abbreviated names of each month, without a final dot: German, French, Spanish, Portuguese,
/// Italian, Dutch, Swedish, Danish, Norwegian, Finnish, Polish, Czech, Slovak, Hungarian, Romanian,
/// Russian, Ukrainian, Greek, Turkish, Indonesian. Croatian is left out: its names for June and
/// October mean July and November in Polish.
const LOCAL_MONTHS: [&[&str]; 12] = [
    &["jan", "janv", "ene", "gen", "ian", "sty", "led", "tammi", "oca", "янв", "січ", "Ιαν"],
    &["feb", "févr", "fev", "febr", "lut", "úno", "helmi", "Şub", "фев", "лют", "Φεβ"],
    &["mar", "mär", "mars", "mrt", "márc", "bře", "maalis", "мар", "бер", "Μαρ"],
    &["apr", "avril", "abr", "april", "ápr", "kwi", "dub", "huhti", "nis", "апр", "кві", "Απρ"],
    &["mai", "may", "mag", "mei", "maj", "máj", "kvě", "touko", "мая", "тра", "Μαΐ"],
    &["jun", "juin", "giu", "juni", "jún", "iun", "cze", "čen", "kesä", "haz", "июн", "чер", "Ιουν"],
    &["jul", "juil", "lug", "juli", "júl", "iul", "lip", "čec", "heinä", "tem", "июл", "лип", "Ιουλ"],
    &["aug", "août", "ago", "agu", "sie", "srp", "elo", "Ağu", "авг", "сер", "Αυγ"],
    &["sep", "sept", "set", "szept", "wrz", "zář", "syys", "eyl", "сен", "вер", "Σεπ"],
    &["okt", "oct", "out", "ott", "paź", "říj", "loka", "eki", "окт", "жов", "Οκτ"],
    &["nov", "lis", "marras", "kas", "ноя", "лис", "Νοε"],
    &["dez", "déc", "dic", "dec", "des", "gru", "pro", "joulu", "ara", "дек", "гру", "Δεκ"],
];

/// `%Y-%m-%dT%H:%M:%S%z`
fn iso(line: &[u8], fraction_length: usize) -> Option<(Time, usize)> {
    let (civil, rest) = rfc3339::civil(line, b'T')?;
    let offset_at = line.len() - rest.len();
    let (seconds, offset_length) = rfc3339::offset(rest)?;
    if offset_at != rfc3339::DATE_TIME_LENGTH + fraction_length || rest.starts_with(b"Z") {
        return None;
    }
    Some((Time::Instant(civil.at(civil.year?, seconds)?), offset_at + offset_length))
}

/// `Tue 2024-03-05 14:07:08 CST`
fn full(line: &[u8], fraction_length: usize) -> Option<Clock<'_>> {
    const DATE_AT: usize = 4;
    if !kmsg::is_weekday(line.get(..3)?) || line.get(3) != Some(&b' ') {
        return None;
    }
    let (civil, rest) = rfc3339::civil(line.get(DATE_AT..)?, b' ')?;
    if line.len() - rest.len() != DATE_AT + rfc3339::DATE_TIME_LENGTH + fraction_length {
        return None;
    }
    let zone = rest.strip_prefix(b" ")?;
    let (zone, rest) = zone.split_at(memchr(b' ', zone).unwrap_or(zone.len()));
    let length = line.len() - rest.len();
    let (time, zone) = match zone_offset_seconds(zone) {
        Some(seconds) => (Time::Instant(civil.at(civil.year?, seconds)?), None),
        None if zone.len() >= 3 && zone.iter().all(u8::is_ascii_alphabetic) => {
            (Time::Civil(civil), Some(zone))
        }
        None => return None,
    };
    Some(Clock { time, zone, length })
}

/// The offset of `UTC`, `-03`, `+0530`.
fn zone_offset_seconds(zone: &[u8]) -> Option<i32> {
    match *zone {
        [b'U', b'T', b'C'] => Some(0),
        [sign, a, b] => rfc3339::offset(&[sign, a, b, b'0', b'0']).map(|(seconds, _)| seconds),
        _ => rfc3339::offset(zone).filter(|(_, length)| *length == 5 && zone.len() == 5).map(|(s, _)| s),
    }
}

/// `[12345.678901]`, and in `short-delta` the difference to the entry before.
fn monotonic(line: &[u8], mode: Mode) -> Option<(Time, usize)> {
    let rest = line.strip_prefix(b"[")?;
    let (rest, time) = kmsg::since_boot(rest).ok()?;
    let rest = match mode {
        Mode::ShortDelta => match rest.strip_prefix(b" <") {
            Some(rest) => {
                let (rest, _) = kmsg::since_boot(rest).ok()?;
                rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"*"))?.strip_prefix(b">")?
            }
            None => rest.strip_prefix(&[b' '; 16])?,
        },
        _ => rest,
    };
    let rest = rest.strip_prefix(b"]")?;
    Some((time, line.len() - rest.len()))
}

/// `%10d.%06d`
fn unix(line: &[u8]) -> Option<(Time, usize)> {
    let padding = line.iter().take(9).take_while(|byte| **byte == b' ').count();
    let (seconds, digits) = decimal(line.get(padding..)?)?;
    let length = padding + digits;
    if length < 10 {
        return None;
    }
    let nanosecond = fraction(line, length, MICROS_LENGTH)?;
    let nanos = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?.checked_add(nanosecond.into())?;
    Some((Time::Instant(UnixNanos(nanos)), length + MICROS_LENGTH))
}

/// A line that journalctl prints between entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Marker<'a> {
    /// `-- Boot ID --`: the entries that follow are of another boot.
    Boot {
        /// The boot id, 32 hexadecimal digits.
        id: &'a [u8],
    },
    /// `-- Reboot --`: the same, up to systemd 244.
    Reboot,
    /// `-- Logs begin at`, `-- Journal begins at`: the range of the journal, on the first line of
    /// some releases.
    Begins,
    /// `-- No entries --`
    NoEntries,
    /// `Hint: `: the reader may not see all of the journal.
    Hint,
    /// Anything else in `-- `: a cursor, a rotation that was noticed.
    Other,
}

/// What marker a line is, if it is one.
///
/// Messages of [`Mode::Cat`] can look like markers; that mode prints none.
///
/// ```
/// use chiplog_parse::journal_text::{Marker, marker};
/// assert_eq!(marker(b"-- Reboot --"), Some(Marker::Reboot));
/// assert_eq!(marker(b"Mar 05 14:07:08 node-1 a: -- x --"), None);
/// ```
#[must_use]
pub fn marker(line: &[u8]) -> Option<Marker<'_>> {
    if line.starts_with(b"Hint: ") {
        return Some(Marker::Hint);
    }
    let text = line.strip_prefix(b"-- ")?;
    let inner = text.strip_suffix(b" --").unwrap_or(text);
    Some(match inner {
        b"Reboot" => Marker::Reboot,
        b"No entries" => Marker::NoEntries,
        _ => match inner.strip_prefix(b"Boot ") {
            Some(id) if id.len() == 32 && id.iter().all(u8::is_ascii_hexdigit) => Marker::Boot { id },
            _ if inner.starts_with(b"Logs begin") || inner.starts_with(b"Journal begins") => Marker::Begins,
            _ => Marker::Other,
        },
    })
}

/// The size in `[15B blob data]`, which stands for a message that journalctl did not print; as
/// written, rounded from a kibibyte on (`4.8K`).
///
/// ```
/// use chiplog_parse::journal_text::blob;
/// assert_eq!(blob(b"[15B blob data]"), Some(&b"15B"[..]));
/// assert_eq!(blob(b"[core] blob data"), None);
/// ```
#[must_use]
pub fn blob(message: &[u8]) -> Option<&[u8]> {
    let size = message.strip_prefix(b"[")?.strip_suffix(b" blob data]")?;
    let (unit, digits) = size.split_last()?;
    let is_size = digits.first().is_some_and(u8::is_ascii_digit)
        && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && b"BKMGTPE".contains(unit);
    is_size.then_some(size)
}

/// Name and value of a line `    FIELD=value` of `verbose`. A value that was not printable is
/// `[15B blob data]`, see [`blob`]. Further lines of a value are indented by the width of the
/// blanks, the name and the equals sign, see [`continuation`].
///
/// ```
/// let field = chiplog_parse::journal_text::verbose_field(b"    _PID=1").unwrap();
/// assert_eq!(field, (&b"_PID"[..], &b"1"[..]));
/// ```
#[must_use]
pub fn verbose_field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = line.strip_prefix(b"    ")?;
    let equals = memchr(b'=', pair)?;
    let (name, value) = (pair.get(..equals)?, pair.get(equals + 1..)?);
    let is_name =
        !name.is_empty() && name.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    is_name.then_some((name, value))
}

/// The text of a further line of a message whose first line has a prefix of `width` bytes.
/// `None` if the line is not indented that far.
#[inline]
#[must_use]
pub fn continuation(line: &[u8], width: usize) -> Option<&[u8]> {
    let (indent, text) = line.split_at_checked(width)?;
    (width > 0 && indent.iter().all(|byte| *byte == b' ')).then_some(text)
}

/// Puts the lines of multi-line messages together, in the modes of the `short` family.
///
/// Takes lines and gives records: the first line of an entry with the further lines of its
/// message, their indent removed, joined by LF. [`parse`] reads a record like a line, and its
/// message has all lines. Markers are dropped. Any other line is a record of its own, which
/// [`parse`] will refuse. A record grows without limit while its lines keep coming.
///
/// ```
/// use chiplog_parse::journal_text::{Entries, Mode, parse};
/// let mut entries = Entries::new(Mode::Short);
/// assert_eq!(entries.push(b"Mar 05 14:07:08 node-1 a[1]: one"), None);
/// assert_eq!(entries.push(b"                             two"), None);
/// let record = entries.finish().unwrap();
/// assert_eq!(parse(&record, Mode::Short).unwrap().message, b"one\ntwo");
/// ```
#[cfg(feature = "alloc")]
#[derive(Clone, Debug)]
pub struct Entries {
    mode: Mode,
    record: Option<Vec<u8>>,
    /// Width of the prefix of the record; 0 if no line can continue it.
    width: usize,
}

#[cfg(feature = "alloc")]
impl Entries {
    /// For lines that journalctl printed in `mode`.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode, record: None, width: 0 }
    }

    /// Takes the next line; gives the record that ended before it, if one did.
    pub fn push(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        if let (Some(record), Some(text)) = (&mut self.record, continuation(line, self.width)) {
            record.push(b'\n');
            record.extend_from_slice(text);
            return None;
        }
        let ended = self.finish();
        if self.mode == Mode::Cat || marker(line).is_none() {
            self.width = parse(line, self.mode).ok().and_then(|entry| indent(line, &entry)).unwrap_or(0);
            self.record = Some(line.to_vec());
        }
        ended
    }

    /// The last record; the end of the input, or of patience with a live one, ends it.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        self.width = 0;
        self.record.take()
    }
}

/// How far journalctl indents the further lines of an entry.
#[cfg(feature = "alloc")]
fn indent(line: &[u8], entry: &JournalText<'_>) -> Option<usize> {
    let identifier = entry.identifier?;
    let width = line.len() - entry.message.len();
    match memchr(b'/', identifier) {
        // `unit/userunit`: the length of the unit is counted twice, that of the user unit not at all.
        Some(slash) if entry.mode == Mode::WithUnit => {
            (width + slash).checked_sub(identifier.len() - slash - 1)
        }
        _ => Some(width),
    }
}

#[cfg(test)]
mod tests {
    use std::string::String;

    use proptest::prelude::*;

    use super::*;

    const CLOCKS: [(&str, Mode); 16] = [
        ("Mar 05 14:07:08", Mode::Short),
        (" 3월 05 14:07:08", Mode::Short),
        ("févr. 29 14:07:08", Mode::Short),
        ("Şub 29 14:07:08", Mode::Short),
        ("maalis 05 14:07:08", Mode::Short),
        ("Ιουλ 05 14:07:08.120034", Mode::ShortPrecise),
        ("Mar 05 14:07:08.120034", Mode::ShortPrecise),
        ("2024-03-05T14:07:08+0800", Mode::ShortIso),
        ("2024-03-05T14:07:08.120034-03:30", Mode::ShortIsoPrecise),
        ("Tue 2024-03-05 14:07:08 CST", Mode::ShortFull),
        ("Tue 2024-03-05 14:07:08 +0545", Mode::ShortFull),
        ("[    5.000001]", Mode::ShortMonotonic),
        ("[12345.678901 <    0.000012 >]", Mode::ShortDelta),
        ("[12345.678901 <    0.000012*>]", Mode::ShortDelta),
        ("[    5.000001                ]", Mode::ShortDelta),
        ("1709618828.120034", Mode::ShortUnix),
    ];

    #[test]
    fn every_clock_is_detected_and_read() {
        for (clock, mode) in CLOCKS {
            let line = std::format!("{clock} node-1 kubelet[1234]: m");
            assert_eq!(detect(line.as_bytes()), Some(mode), "{line}");
            let parsed = parse(line.as_bytes(), mode).unwrap();
            assert_eq!((parsed.pid, parsed.message), (Some(1234), &b"m"[..]), "{line}");
            for other in Mode::ALL.into_iter().filter(|other| *other != mode && *other != Mode::Cat) {
                let both_full = mode == Mode::ShortFull && other == Mode::WithUnit;
                assert_eq!(parse(line.as_bytes(), other).is_ok(), both_full, "{line} as {other:?}");
            }
        }
    }

    #[test]
    fn clocks_of_others_are_refused() {
        let refused = |mode, clock: &str| {
            assert!(parse(std::format!("{clock} h i: m").as_bytes(), mode).is_err(), "{clock}");
        };
        refused(Mode::Short, "Mar  5 14:07:08");
        refused(Mode::Short, "13月 05 14:07:08");
        refused(Mode::Short, "0월 05 14:07:08");
        refused(Mode::Short, "Mar 32 14:07:08");
        refused(Mode::Short, "Mar 05 14:07:60");
        refused(Mode::ShortPrecise, "Mar 05 14:07:08.12");
        refused(Mode::ShortIso, "2024-03-05T14:07:08Z");
        refused(Mode::ShortFull, "Tue 2024-03-05 14:07:08");
        refused(Mode::ShortFull, "2024-03-05 14:07:08 UTC");
        refused(Mode::ShortFull, "Tue 2024-03-05 14:07:08 C5T");
        refused(Mode::ShortUnix, "12.120034");
        refused(Mode::ShortUnix, "99999999999.120034");
        refused(Mode::ShortDelta, "[12345.678901 <    0.000012>]");
    }

    #[test]
    fn verbose() {
        let head = b"Tue 2024-03-05 14:07:08.120034 CST [s=1;i=2]";
        assert_eq!(detect(head), Some(Mode::Verbose));
        let parsed = parse(head, Mode::Verbose).unwrap();
        assert_eq!((parsed.zone, parsed.message), (Some(&b"CST"[..]), &b"s=1;i=2"[..]));
        assert_eq!(parsed.identifier, None);
        assert_eq!(verbose_field(b"    MESSAGE=a=b"), Some((&b"MESSAGE"[..], &b"a=b"[..])));
        assert_eq!(verbose_field(b"            second line, x=y"), None);
    }

    #[test]
    fn identifiers() {
        let read = |text: &'static str| {
            let line = String::from("1709618828.120034 ") + text;
            parse(line.as_bytes(), Mode::ShortUnix)
                .map(|entry| (entry.host.map(<[u8]>::to_vec), entry.identifier.unwrap().to_vec(), entry.pid))
        };
        let host = Some(b"h".to_vec());
        assert_eq!(read("h a[1]: m").unwrap(), (host.clone(), b"a".to_vec(), Some(1)));
        assert_eq!(read("h a[b]: m").unwrap(), (host.clone(), b"a[b]".to_vec(), None));
        assert_eq!(read("h a[]: m").unwrap(), (host.clone(), b"a[]".to_vec(), None));
        assert_eq!(read("h a[99999999999]: m").unwrap(), (host.clone(), b"a[99999999999]".to_vec(), None));
        assert_eq!(read("h a::b[1]: m").unwrap(), (host.clone(), b"a::b".to_vec(), Some(1)));
        assert_eq!(read("h a:").unwrap(), (host, b"a".to_vec(), None));
        assert_eq!(read("a: m").unwrap(), (None, b"a".to_vec(), None));
        assert!(read("[h] a: m").is_err());
        assert!(read("h a").is_err());
        assert!(read(": m").is_err());
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn lines_of_nobody_are_records_of_their_own() {
        let mut entries = Entries::new(Mode::Short);
        let head: &[u8] = b"Mar 05 14:07:08 h a: one";
        assert_eq!(entries.push(b"   cut off at the start"), None);
        assert_eq!(entries.push(head), Some(b"   cut off at the start".to_vec()));
        assert_eq!(entries.push(b"  not far enough"), Some(head.to_vec()));
        assert_eq!(entries.push(b"                     x"), Some(b"  not far enough".to_vec()));
        assert_eq!(entries.push(b"-- Reboot --"), Some(b"                     x".to_vec()));
        assert_eq!(entries.finish(), None);
    }

    #[cfg(feature = "alloc")]
    #[test]
    fn user_units_are_indented_by_another_width() {
        let head = "Mon 2023-04-10 20:59:47 UTC h user@987.service/wireplumber.service[1984]: one";
        let mut entries = Entries::new(Mode::WithUnit);
        assert_eq!(entries.push(head.as_bytes()), None);
        let width = head.len() - "one".len() - "wireplumber.service".len() + "user@987.service".len();
        assert_eq!(entries.push(std::format!("{:width$}two", "").as_bytes()), None);
        assert!(entries.finish().unwrap().ends_with(b"one\ntwo"));
    }

    proptest! {
        #[test]
        fn any_bytes(clock in proptest::sample::select(&CLOCKS[..]), rest in proptest::collection::vec(
            prop_oneof![Just(b' '), Just(b':'), Just(b'['), Just(b']'), any::<u8>()], 0..24), cut in 0usize..48)
        {
            let mut line = clock.0.as_bytes().to_vec();
            line.truncate(cut);
            line.extend_from_slice(&rest);
            for mode in Mode::ALL {
                if let Ok(entry) = parse(&line, mode) {
                    prop_assert!(entry.message.len() <= line.len());
                }
            }
            let _ = (detect(&line), marker(&line), blob(&line), verbose_field(&line));
        }
    }
}
