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
    const NAMES: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    NAMES.iter().position(|month| *month == name).map(|index| index as u8 + 1)
}
