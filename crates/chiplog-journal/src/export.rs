//! The export format of journalctl.

use std::io::{self, Write};

use crate::{Journal, ReadAt};

impl<R: ReadAt> Journal<R> {
    /// Writes the entry at hand as `journalctl -o export` does: a line for each field, in file
    /// order, values that are not printable text in binary form, an empty line at the end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or `out` not be written.
    pub fn write_export(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let Some(cursor) = self.cursor() else { return Ok(()) };
        writeln!(
            out,
            "__CURSOR={cursor}\n__REALTIME_TIMESTAMP={}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={}",
            cursor.realtime_micros, cursor.monotonic_micros, cursor.boot_id
        )?;
        let mut written = Ok(());
        self.entry_fields(&mut |name, value| {
            // It stands in front.
            if name != b"_BOOT_ID" && written.is_ok() {
                written = write_field(out, name, value);
            }
        })?;
        written?;
        out.write_all(b"\n")
    }
}

fn write_field(out: &mut dyn Write, name: &[u8], value: &[u8]) -> io::Result<()> {
    out.write_all(name)?;
    if is_printable(name) && is_printable(value) {
        out.write_all(b"=")?;
    } else {
        out.write_all(b"\n")?;
        out.write_all(&(value.len() as u64).to_le_bytes())?;
    }
    out.write_all(value)?;
    out.write_all(b"\n")
}

/// Whether systemd prints a value as text: UTF-8 of one line without control characters (TAB is
/// none) or code points that are no characters (`src/basic/utf8.c`, 252).
fn is_printable(value: &[u8]) -> bool {
    let is_character = |character: char| {
        let code = u32::from(character);
        !(0xfdd0..=0xfdef).contains(&code) && code & 0xfffe != 0xfffe
    };
    if value.is_ascii() {
        return value.iter().all(|byte| *byte == b'\t' || (b' '..0x7f).contains(byte));
    }
    std::str::from_utf8(value).is_ok_and(|text| {
        text.chars()
            .all(|character| character == '\t' || (!character.is_control() && is_character(character)))
    })
}
