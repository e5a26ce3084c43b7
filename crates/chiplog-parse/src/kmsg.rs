//! Kernel messages: the forms of dmesg, and the records of `/dev/kmsg`.
//!
//! ```text
//! dmesg   = [ "<" pri ">" / facility ":" level ": " ] clock [ caller ] SP message
//! clock   = "[" seconds "." 6DIGIT [ SP "<" seconds "." 6DIGIT ">" ] "]"
//!         / "[" weekday SP month SP day SP hh:mm:ss SP year [ SP "<" ... ">" ] "]"
//!         / YYYY-MM-DDThh:mm:ss "," 6DIGIT offset
//! caller  = [ SP ] "[" *SP ( "T" task / "C" cpu ) "]"
//! kmsg    = pri "," seq "," micros "," flag *( "," more ) ";" message *( LF SP KEY "=" value )
//! ```
//!
//! A caller is printed by kernels built with `CONFIG_PRINTK_CALLER` (5.1 and later): glued to the
//! clock on the console, after a blank by dmesg. `-T` converts with the clock of today and is
//! wrong after a suspend. The forms of `dmesg -H`, `-e` and `--time-format delta` have
//! only differences of times, and are refused.
//!
//! Sources: Linux 6.1 `kernel/printk/printk.c`; util-linux 2.38 `sys-utils/dmesg.c`.

use memchr::memchr;
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_while, take_while1};
use nom::character::complete::{char, one_of, u64};
use nom::combinator::{map, map_opt, opt, recognize, rest, verify};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};

use crate::bytes::{decimal, digit, month_from_english};
use crate::{Civil, Escape, ParseError, Severity, Text, Time, rfc3339};

/// Which form a kernel message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Form {
    /// `dmesg`, the console, and the kernel lines of some syslog files: time since boot.
    Dmesg,
    /// `dmesg --raw`: the priority in front.
    DmesgRaw,
    /// `dmesg -T`: a wall-clock reading.
    DmesgCtime,
    /// `dmesg --time-format iso`: an instant.
    DmesgIso,
    /// `dmesg -x`: facility and level by name in front of any of the clocks.
    DmesgDecode,
    /// `dmesg -d`: time and the difference to the line before.
    DmesgDelta,
    /// A record of `/dev/kmsg`.
    DevKmsg,
}

/// One kernel message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kmsg<'a> {
    /// The form.
    pub form: Form,
    /// syslog facility: 0 for the kernel itself. `None` if the form does not say.
    pub facility: Option<u8>,
    /// 0 (emergency) to 7 (debug). `None` if the form does not say.
    pub level: Option<u8>,
    /// Time since boot, except with `-T` (wall clock) and iso (instant).
    pub time: Time,
    /// Task (`T4321`) or CPU (`C3`) that printed the message.
    pub caller: Option<&'a [u8]>,
    /// Sequence number; only in `/dev/kmsg`.
    pub sequence: Option<u64>,
    /// The message. Escaped in `/dev/kmsg`, where bytes outside printable ASCII, and the backslash,
    /// are `\xNN`; [`Escape::Go`] has that escape.
    pub message: Text<'a>,
    dictionary: &'a [u8],
}

impl<'a> Kmsg<'a> {
    /// The severity that the level says.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        Severity::from_syslog(self.level?)
    }

    /// The lines ` KEY=value` after the message, if the record was given with them. Values are
    /// escaped like the message.
    pub fn dictionary(&self) -> impl Iterator<Item = (&'a [u8], Text<'a>)> + use<'a> {
        crate::lines(self.dictionary).filter_map(dictionary_line)
    }
}

/// Reads a kernel message of any form.
///
/// ```
/// use chiplog_parse::{Time, kmsg::{self, Form}};
/// let line = kmsg::parse(b"[12345.678901][ T4321] flanneld invoked oom-killer: order=0").unwrap();
/// assert_eq!(line.form, Form::Dmesg);
/// assert_eq!(line.time, Time::SinceBoot { micros: 12_345_678_901 });
/// assert_eq!(line.caller, Some(&b"T4321"[..]));
/// assert_eq!(line.message.raw(), b"flanneld invoked oom-killer: order=0");
/// ```
///
/// # Errors
///
/// When the line has none of the forms, or no absolute time.
pub fn parse(line: &[u8]) -> Result<Kmsg<'_>, ParseError> {
    let (_, kmsg) = match line.first() {
        Some(b'[') => dmesg.parse(line),
        Some(b'<') => dmesg_raw(line),
        Some(b'0'..=b'9') if line.get(4) == Some(&b'-') => dmesg.parse(line),
        Some(b'0'..=b'9') => dev_kmsg(line),
        _ => dmesg_decode(line),
    }
    .map_err(|_| ParseError::new("a kernel message", 0))?;
    Ok(kmsg)
}

/// Reads a line ` KEY=value`, as it follows a message of `/dev/kmsg`.
///
/// ```
/// let (key, value) = chiplog_parse::kmsg::dictionary_line(b" SUBSYSTEM=usb").unwrap();
/// assert_eq!((key, value.raw()), (&b"SUBSYSTEM"[..], &b"usb"[..]));
/// ```
#[must_use]
pub fn dictionary_line(line: &[u8]) -> Option<(&[u8], Text<'_>)> {
    let pair = line.strip_prefix(b" ")?;
    let equals = memchr(b'=', pair)?;
    Some((pair.get(..equals)?, Text::new(pair.get(equals + 1..)?, Escape::Go)))
}

fn dmesg(input: &[u8]) -> IResult<&[u8], Kmsg<'_>> {
    let (input, (form, time)) = alt((bracketed, iso)).parse(input)?;
    let (input, caller) = opt(caller).parse(input)?;
    // The blank is missing where something cut blanks off the end of an empty message.
    let (input, message) = alt((preceded(char(' '), rest), verify(rest, <[u8]>::is_empty))).parse(input)?;
    let message = Text::plain(message);
    Ok((
        input,
        Kmsg { form, facility: None, level: None, time, caller, sequence: None, message, dictionary: b"" },
    ))
}

fn bracketed(input: &[u8]) -> IResult<&[u8], (Form, Time)> {
    let clock =
        alt((map(since_boot, |time| (Form::Dmesg, time)), map(ctime, |time| (Form::DmesgCtime, time))));
    let (input, ((form, time), delta)) = delimited(char('['), (clock, opt(delta)), char(']')).parse(input)?;
    Ok((input, (if delta.is_some() { Form::DmesgDelta } else { form }, time)))
}

/// Seconds, padded with blanks, and six digits of microseconds.
pub(crate) fn since_boot(input: &[u8]) -> IResult<&[u8], Time> {
    let parts = separated_pair(preceded(blanks, u64), char('.'), micros);
    map_opt(parts, |(seconds, micros)| {
        Some(Time::SinceBoot { micros: seconds.checked_mul(1_000_000)?.checked_add(micros)? })
    })
    .parse(input)
}

fn blanks(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(|byte| byte == b' ').parse(input)
}

/// Exactly six digits.
fn micros(input: &[u8]) -> IResult<&[u8], u64> {
    map_opt(take(6usize), |digits: &[u8]| decimal(digits).filter(|(_, length)| *length == 6).map(|(n, _)| n))
        .parse(input)
}

/// ` <    0.000012>`
fn delta(input: &[u8]) -> IResult<&[u8], Time> {
    delimited(tag(" <"), since_boot, char('>')).parse(input)
}

/// `Tue Mar  5 14:07:08 2024`
fn ctime(input: &[u8]) -> IResult<&[u8], Time> {
    map_opt(take(24usize), |text: &[u8]| {
        let (weekday, rest) = text.split_at_checked(4)?;
        let (date, rest) = rest.split_at_checked(7)?;
        let (time, year) = rest.split_at_checked(9)?;
        if !is_weekday(weekday.get(..3)?) || weekday.get(3) != Some(&b' ') {
            return None;
        }
        let &[a, b, c, b' ', tens, units, b' '] = date else { return None };
        let tens = if tens == b' ' { 0 } else { digit(tens)? };
        let day = tens * 10 + digit(units)?;
        let (year, length) = decimal(year.get(..4)?)?;
        if length != 4 || time.get(8) != Some(&b' ') {
            return None;
        }
        let month = month_from_english(&[a, b, c])?;
        let year = i16::try_from(year).ok()?;
        Civil::new(Some(year), (month, day), rfc3339::time_of_day(time)?, 0).map(Time::Civil)
    })
    .parse(input)
}

/// English three-letter names, as systemd and the C locale print them.
pub(crate) fn is_weekday(name: &[u8]) -> bool {
    matches!(name, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

/// `2024-03-05T14:07:08,120034+08:00`
fn iso(input: &[u8]) -> IResult<&[u8], (Form, Time)> {
    let instant = |text: &[u8]| {
        let after = text.get(rfc3339::DATE_TIME_LENGTH..)?;
        let (nanosecond, length) = rfc3339::fraction(after, b',').filter(|(_, length)| *length == 7)?;
        let (offset_seconds, _) = rfc3339::offset(after.get(length..)?).filter(|(_, length)| *length == 6)?;
        let civil = rfc3339::date_time(text, b'T', nanosecond)?;
        Some((Form::DmesgIso, Time::Instant(civil.at(civil.year?, offset_seconds)?)))
    };
    map_opt(take(rfc3339::DATE_TIME_LENGTH + 13), instant).parse(input)
}

/// `[ T4321]`, glued or after a blank.
fn caller(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let id = recognize((one_of("TC"), take_while1(|byte: u8| byte.is_ascii_digit())));
    delimited((opt(char(' ')), char('['), blanks), id, char(']')).parse(input)
}

/// `<30>` in front.
fn dmesg_raw(input: &[u8]) -> IResult<&[u8], Kmsg<'_>> {
    let (input, (facility, level)) = delimited(char('<'), priority, char('>')).parse(input)?;
    let (input, kmsg) = verify(dmesg, |kmsg: &Kmsg<'_>| kmsg.form == Form::Dmesg).parse(input)?;
    Ok((input, Kmsg { form: Form::DmesgRaw, facility: Some(facility), level: Some(level), ..kmsg }))
}

/// Facility and level; `/dev/kmsg` lets programs choose any facility up to 255.
fn priority(input: &[u8]) -> IResult<&[u8], (u8, u8)> {
    map_opt(u64, |number| Some((u8::try_from(number >> 3).ok()?, (number & 7) as u8))).parse(input)
}

/// `kern  :err   : ` in front: names padded to six.
fn dmesg_decode(input: &[u8]) -> IResult<&[u8], Kmsg<'_>> {
    const FACILITIES: &[&[u8]] = &[
        b"kern",
        b"user",
        b"mail",
        b"daemon",
        b"auth",
        b"syslog",
        b"lpr",
        b"news",
        b"uucp",
        b"cron",
        b"authpriv",
        b"ftp",
    ];
    const LEVELS: &[&[u8]] = &[b"emerg", b"alert", b"crit", b"err", b"warn", b"notice", b"info", b"debug"];
    fn name<'a>(
        names: &'static [&'static [u8]],
    ) -> impl Parser<&'a [u8], Output = u8, Error = nom::error::Error<&'a [u8]>> {
        let name = terminated(take_while1(|byte: u8| byte.is_ascii_lowercase()), (blanks, char(':')));
        map_opt(name, |name: &[u8]| Some(names.iter().position(|known| *known == name)? as u8))
    }
    let (input, (facility, level, _)) = (name(FACILITIES), name(LEVELS), char(' ')).parse(input)?;
    let (input, kmsg) = dmesg(input)?;
    Ok((input, Kmsg { form: Form::DmesgDecode, facility: Some(facility), level: Some(level), ..kmsg }))
}

/// `6,1234,12345678901,-;message` and dictionary lines.
fn dev_kmsg(input: &[u8]) -> IResult<&[u8], Kmsg<'_>> {
    let comma = || char(',');
    let (input, ((facility, level), _, sequence, _, micros, _)) =
        (priority, comma(), u64, comma(), u64, comma()).parse(input)?;
    let (input, flags) =
        terminated(take_while1(|byte| byte != b';' && byte != b'\n'), char(';')).parse(input)?;
    let (message, dictionary) = match memchr(b'\n', input) {
        Some(end) => (input.get(..end).unwrap_or_default(), input.get(end + 1..).unwrap_or_default()),
        None => (input, &b""[..]),
    };
    let caller = flags.split(|byte| *byte == b',').find_map(|field| field.strip_prefix(b"caller="));
    let kmsg = Kmsg {
        form: Form::DevKmsg,
        facility: Some(facility),
        level: Some(level),
        time: Time::SinceBoot { micros },
        caller,
        sequence: Some(sequence),
        message: Text::new(message, Escape::Go),
        dictionary,
    };
    Ok((b"", kmsg))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const LINES: [(&str, Form); 9] = [
        ("[    5.000001] m", Form::Dmesg),
        ("[12345.678902] [ T4321] m", Form::Dmesg),
        ("[12345.678901 <    0.000012>] m", Form::DmesgDelta),
        ("[Tue Mar  5 14:07:08 2024] m", Form::DmesgCtime),
        ("2024-03-05T14:07:08,120034+08:00 m", Form::DmesgIso),
        ("<30>[12346.000000] m", Form::DmesgRaw),
        ("kern  :err   : [Tue Mar 15 14:07:08 2024] m", Form::DmesgDecode),
        ("authpriv:notice: 2024-03-05T14:07:08,120034+08:00 m", Form::DmesgDecode),
        ("3,1235,12345678902,c,caller=T4321;m", Form::DevKmsg),
    ];

    #[test]
    fn every_form_and_cut_anywhere() {
        for (line, form) in LINES {
            let kmsg = parse(line.as_bytes()).unwrap();
            assert_eq!((kmsg.form, kmsg.message.raw()), (form, &b"m"[..]), "{line}");
            // Without the message and its blank there still is an (empty) message.
            let shortest = line.len() - if form == Form::DevKmsg { 1 } else { 2 };
            for end in 0..line.len() {
                // A cut caller is a message.
                let whole = end >= shortest || (line.contains("[ T") && end >= "[12345.678902]".len());
                assert_eq!(parse(&line.as_bytes()[..end]).is_ok(), whole, "{line} at {end}");
            }
        }
    }

    #[test]
    fn near_misses() {
        for line in [
            "[12345.678901]m",
            "[12345.6789012] m",
            "[12345.67890] m",
            "[-1.000000] m",
            "[18446744073709551615.000000] m",
            "[Tue Mar 32 14:07:08 2024] m",
            "[Tue Mrz  5 14:07:08 2024] m",
            "2024-03-05T14:07:08.120034+08:00 m",
            "2024-03-05T14:07:08,120034+0800 m",
            "2024-03-05T14:07:08,120034Z m",
            "<30>2024-03-05T14:07:08,120034+08:00 m",
            "<2048>[12346.000000] m",
            "kern  :bad   : [12345.678901] m",
            "kern  :err   :[12345.678901] m",
            "6,1,7;m",
            "6,1,7,-\nm;",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn dictionary_lines() {
        let kmsg = parse(b"6,1,7,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=+usb:1-1\n").unwrap();
        let mut pairs = kmsg.dictionary().map(|(key, value)| (key, value.raw()));
        assert_eq!(pairs.next(), Some((&b"SUBSYSTEM"[..], &b"usb"[..])));
        assert_eq!(pairs.next(), Some((&b"DEVICE"[..], &b"+usb:1-1"[..])));
        assert_eq!(pairs.next(), None);
        assert_eq!(kmsg.message.raw(), b"usb 1-1: new device");
    }

    proptest! {
        #[test]
        fn any_bytes(at in 0..LINES.len(), cut in 0usize..48, tail in any::<Vec<u8>>()) {
            let mut line = LINES[at].0.as_bytes().to_vec();
            line.truncate(cut);
            line.extend(tail);
            let _ = parse(&line);
        }
    }
}
