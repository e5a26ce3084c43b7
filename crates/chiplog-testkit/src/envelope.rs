//! What is written around the line of a program.

use std::io::Write;

use crate::Envelope;
use crate::calendar::MONTHS;
use crate::payload::Program;
use crate::world::Now;

/// Writes a line with its LF.
pub(crate) fn wrap(envelope: Envelope, now: &Now, program: Program, payload: &[u8], out: &mut Vec<u8>) {
    let result = match envelope {
        Envelope::JournalShort => journal_short(now, program, payload, out),
        Envelope::Cri => cri(now, payload, out),
        Envelope::DockerJson => docker_json(now, payload, out),
        Envelope::None => out.write_all(payload),
    };
    debug_assert!(result.is_ok(), "a vector takes everything");
    out.push(b'\n');
}

fn journal_short(now: &Now, program: Program, payload: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    let t = &now.local;
    let month = MONTHS[t.month as usize - 1];
    write!(out, "{month} {:02} {:02}:{:02}:{:02} node-a ", t.day, t.hour, t.minute, t.second)?;
    match program.process_id() {
        Some(id) => write!(out, "{}[{id}]: ", program.name())?,
        None => write!(out, "{}: ", program.name())?,
    }
    out.write_all(payload)
}

fn cri(now: &Now, payload: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    instant(now, out)?;
    out.write_all(b" stderr F ")?;
    out.write_all(payload)
}

fn docker_json(now: &Now, payload: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
    out.write_all(b"{\"log\":\"")?;
    for chunk in payload.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' | b'\\' => out.extend([b'\\', byte]),
                b'\r' => out.extend(b"\\r"),
                0..0x20 | b'<' | b'>' | b'&' => write!(out, "\\u{byte:04x}")?,
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend("\u{fffd}".as_bytes());
        }
    }
    out.write_all(b"\\n\",\"stream\":\"stderr\",\"time\":\"")?;
    instant(now, out)?;
    out.write_all(b"\"}")
}

/// The time in UTC, with as many digits of the second as it takes.
fn instant(now: &Now, out: &mut Vec<u8>) -> std::io::Result<()> {
    let t = &now.utc;
    let date = (t.year, t.month, t.day);
    write!(out, "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", date.0, date.1, date.2, t.hour, t.minute, t.second)?;
    if now.micros > 0 {
        write!(out, ".{:06}", now.micros)?;
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
    out.write_all(b"Z")
}
