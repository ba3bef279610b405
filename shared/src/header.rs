//! The blob's fixed header. FORMAT.md is the written form of this page.

use crate::Refusal;

/// The first four bytes of every blob.
pub const MAGIC: [u8; 4] = *b"SCTR";
/// Bumped whenever a blob of the previous version would be read differently.
pub const FORMAT_VERSION: u16 = 3;
/// The order of the weights in the payload: 2 is that of [`crate::packing`].
pub const KERNEL_ABI: u16 = 2;
/// Magic, format version, kernel ABI, length, CRC-32.
pub const HEADER_BYTES: usize = 16;
/// The payload, and the blob itself, start on a multiple of this.
pub const ALIGNMENT: usize = 16;

const LENGTH_AT: usize = 8;
const CRC_AT: usize = 12;

/// The CRC-32 of any bytes, as blobs and frames have it.
pub fn crc32(bytes: &[u8]) -> u32 {
    !crc_after(u32::MAX, bytes)
}

/// CRC-32/ISO-HDLC (zlib's) of some more bytes, before the last inversion; without a table: bytes of flash are worth more than
/// a faster boot.
#[inline(never)]
fn crc_after(mut crc: u32, bytes: &[u8]) -> u32 {
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    crc
}

/// Writes the header of a finished blob, whose first [`HEADER_BYTES`] are still free, in place.
///
/// # Errors
/// [`Refusal::CutOff`] where `blob` has no room for a header, or is longer than 32 bits count.
pub fn seal(blob: &mut [u8]) -> Result<(), Refusal> {
    let length = u32::try_from(blob.len()).map_err(|_| Refusal::CutOff)?;
    let (header, _) = blob.split_at_mut_checked(HEADER_BYTES).ok_or(Refusal::CutOff)?;
    header[..4].copy_from_slice(&MAGIC);
    header[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[6..8].copy_from_slice(&KERNEL_ABI.to_le_bytes());
    header[LENGTH_AT..CRC_AT].copy_from_slice(&length.to_le_bytes());
    let crc = checksum(blob);
    blob[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// The blob's bytes without what follows it in flash, header and checksum proved.
///
/// # Errors
/// The first of: cut off, no magic, another version, another ABI, a wrong checksum.
pub fn open(bytes: &[u8]) -> Result<&[u8], Refusal> {
    let header = bytes.first_chunk::<HEADER_BYTES>().ok_or(Refusal::CutOff)?;
    if header[..4] != MAGIC {
        return Err(Refusal::NoModel);
    }
    let version = u16::from_le_bytes([header[4], header[5]]);
    if version != FORMAT_VERSION {
        return Err(Refusal::FormatVersion(version));
    }
    let abi = u16::from_le_bytes([header[6], header[7]]);
    if abi != KERNEL_ABI {
        return Err(Refusal::KernelAbi(abi));
    }
    let length = word(header, LENGTH_AT) as usize;
    if length < HEADER_BYTES {
        return Err(Refusal::CutOff);
    }
    let blob = bytes.get(..length).ok_or(Refusal::CutOff)?;
    if checksum(blob) != word(header, CRC_AT) {
        return Err(Refusal::Checksum);
    }
    Ok(blob)
}

/// The checksum that an opened blob carries: its identity on the wire.
pub fn identity(blob: &[u8]) -> u32 {
    blob.first_chunk::<HEADER_BYTES>().map_or(0, |header| word(header, CRC_AT))
}

fn word(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// CRC-32 over every byte but its own four.
fn checksum(blob: &[u8]) -> u32 {
    let before = crc_after(u32::MAX, blob.get(..CRC_AT).unwrap_or_default());
    !crc_after(before, blob.get(HEADER_BYTES..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_checksum_is_the_published_one() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
