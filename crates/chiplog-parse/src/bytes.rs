//! Digits and other small things, read from bytes without assuming UTF-8.

/// The value of an ASCII digit.
#[inline]
pub(crate) const fn digit(byte: u8) -> Option<u8> {
    let value = byte.wrapping_sub(b'0');
    if value < 10 { Some(value) } else { None }
}

/// Two digits at `at`: 0 to 99.
#[inline]
pub(crate) fn two_digits(bytes: &[u8], at: usize) -> Option<u8> {
    match bytes.get(at..at + 2) {
        Some(&[tens, units]) => Some(digit(tens)? * 10 + digit(units)?),
        _ => None,
    }
}

/// A run of one or more digits from the start of `bytes`, and its length in bytes.
/// `None` without a digit or beyond 64 bits.
#[inline]
pub(crate) fn decimal(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    let mut length = 0;
    while let Some(value_of_digit) = bytes.get(length).and_then(|&byte| digit(byte)) {
        value = value.checked_mul(10)?.checked_add(u64::from(value_of_digit))?;
        length += 1;
    }
    if length == 0 { None } else { Some((value, length)) }
}

/// The month of an English three-letter name, 1 to 12.
#[inline]
pub(crate) fn month_from_english(name: &[u8]) -> Option<u8> {
    Some(match name {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}
