//! Sizes as people write them.

use anyhow::{Result, ensure};

use crate::failure::Failure;

/// Bytes from `512k` (k is 1,024 bytes), `1m`, or a plain number of bytes.
///
/// # Errors
/// [`Failure::Usage`] where it is none of these, zero, or over 32 bits.
pub fn parse(text: &str) -> Result<u32> {
    let lower = text.to_ascii_lowercase();
    let (digits, unit) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1 << 10),
        Some(b'm') => (&lower[..lower.len() - 1], 1 << 20),
        _ => (lower.as_str(), 1),
    };
    let complaint = || Failure::Usage(format!("`{text}` is no size: write bytes, or 512k, or 1m (at most 4095m)"));
    let count: u32 = digits.parse().map_err(|_| complaint())?;
    let bytes = count.checked_mul(unit).ok_or_else(complaint)?;
    ensure!(bytes > 0, Failure::Usage(format!("a size of {text} holds nothing: write for example 512k")));
    Ok(bytes)
}

/// The shortest way to write a size that `parse` reads.
pub fn short(bytes: u32) -> String {
    if bytes.is_multiple_of(1 << 10) { format!("{}k", bytes >> 10) } else { bytes.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [("512k", 524_288), ("1M", 1_048_576), ("700", 700), ("48K", 49_152)] {
            assert_eq!(parse(text).expect("a size"), expected);
        }
        for text in ["0", "0k", "", "k", "-1", "12g", "5000m", "1.5k"] {
            parse(text).expect_err(text);
        }
        assert_eq!((short(524_288), short(700)), ("512k".to_owned(), "700".to_owned()));
    }
}
