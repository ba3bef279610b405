//! UF2: the file that a boot ROM takes as a USB drive. Blocks of 512 bytes, each with an address and 256 bytes for it.
//! Microsoft's "USB Flashing Format (UF2)", <https://github.com/microsoft/uf2>.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use secateur_boards::BoardSpec;

use crate::data::files::write_atomically;
use crate::failure::Failure;

const MAGIC: [u32; 2] = [0x0A32_4655, 0x9E5D_5157];
const MAGIC_END: u32 = 0x0AB1_6F30;
/// The header's last word is a family's number.
const FAMILY_PRESENT: u32 = 0x2000;
const BLOCK_BYTES: usize = 512;
const HEADER_BYTES: usize = 32;
/// What a block writes.
const PAGE_BYTES: usize = 256;
/// Of flash that nothing was written to.
const ERASED: u8 = 0xFF;
/// On every drive that takes such files.
const INFO: &str = "INFO_UF2.TXT";

/// The file of what an image loads. Sectors are written whole, what is not loaded as erased: the RP2040's boot ROM may
/// program a sector wrongly of which pages are missing (erratum RP2040-E14).
///
/// # Errors
/// [`Failure::Usage`] for a board whose boot ROM takes no such file.
pub fn encode(board: &BoardSpec, loaded: &[(u32, &[u8])]) -> Result<Vec<u8>> {
    let Some(family) = board.flash.uf2_family else {
        let message = format!("{} has no boot ROM that takes UF2 files: leave --uf2 out", board.name);
        return Err(Failure::Usage(message).into());
    };
    let pages = pages(board, loaded);
    let mut file = Vec::with_capacity(pages.len() * BLOCK_BYTES);
    for (number, (address, page)) in pages.iter().enumerate() {
        let [first, second] = MAGIC;
        let (number, count) = (number as u32, pages.len() as u32);
        for word in [first, second, FAMILY_PRESENT, *address, PAGE_BYTES as u32, number, count, family] {
            file.extend(word.to_le_bytes());
        }
        file.extend(page);
        file.extend([0; BLOCK_BYTES - HEADER_BYTES - PAGE_BYTES - size_of::<u32>()]);
        file.extend(MAGIC_END.to_le_bytes());
    }
    Ok(file)
}

/// Every page of every sector that something is loaded to, by its address.
fn pages(board: &BoardSpec, loaded: &[(u32, &[u8])]) -> BTreeMap<u32, [u8; PAGE_BYTES]> {
    let starts: Vec<u32> = board.sector_starts().iter().map(|start| board.flash.origin + start).collect();
    let ends = starts.iter().copied().skip(1).chain([board.flash.origin + board.flash.bytes]);
    let touched = |start: u32, end: u32| {
        loaded.iter().any(|(address, bytes)| *address < end && start < address.saturating_add(bytes.len() as u32))
    };
    let sectors = starts.iter().copied().zip(ends).filter(|(start, end)| touched(*start, *end));
    let mut pages: BTreeMap<u32, [u8; PAGE_BYTES]> = sectors
        .flat_map(|(start, end)| (start..end).step_by(PAGE_BYTES))
        .map(|page| (page, [ERASED; PAGE_BYTES]))
        .collect();
    for (address, bytes) in loaded {
        for (at, byte) in (*address..).zip(*bytes) {
            let offset = at % PAGE_BYTES as u32;
            if let Some(page) = pages.get_mut(&(at - offset)) {
                page[offset as usize] = *byte;
            }
        }
    }
    pages
}

/// Writes the file: under this name, or onto the drive that is mounted here. Where it went.
///
/// # Errors
/// A folder that is no such drive, or what cannot be written.
pub fn write(file: &[u8], to: &Path) -> Result<PathBuf> {
    if !to.is_dir() {
        return write_atomically(to, file).map(|()| to.to_owned());
    }
    if !to.join(INFO).exists() {
        let message = format!(
            "{} is a folder, and no drive of a board that waits for an image ({INFO} is not in it): hold BOOTSEL while you \
             plug the board in and name the drive that comes up, or name a file",
            to.display()
        );
        return Err(Failure::BoardMissing(message).into());
    }
    // The drive keeps no files: the boot ROM programs each block as it comes, and starts the image after the last one.
    let path = to.join("image.uf2");
    let copy = || {
        let mut drive = File::create(&path)?;
        drive.write_all(file)?;
        drive.sync_all()
    };
    copy().with_context(|| {
        format!(
            "writing {}: if the drive is gone, the board may have started; else plug it in again with BOOTSEL held",
            path.display()
        )
    })?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pico() -> BoardSpec {
        secateur_boards::find("pico").expect("a board")
    }

    fn word(block: &[u8], index: usize) -> u32 {
        u32::from_le_bytes(block[4 * index..][..4].try_into().expect("four bytes"))
    }

    #[test]
    fn blocks_are_numbered_pages_of_whole_sectors() {
        let file = encode(&pico(), &[(0x1000_0000, &[1; 256]), (0x1000_3F80, &[2; 200])]).expect("fits");
        let blocks: Vec<&[u8]> = file.chunks(BLOCK_BYTES).collect();
        // A sector has 16 pages; the second piece crosses into another.
        assert_eq!(blocks.len(), 3 * 16);
        let sectors = [0x1000_0000, 0x1000_3000, 0x1000_4000];
        let addresses = sectors.into_iter().flat_map(|sector| (0..16).map(move |page| sector + 0x100 * page));
        for (number, (block, address)) in blocks.iter().zip(addresses).enumerate() {
            let header: Vec<u32> = (0..8).map(|index| word(block, index)).collect();
            assert_eq!(header, [0x0A32_4655, 0x9E5D_5157, 0x2000, address, 256, number as u32, 48, 0xE48B_FF56]);
            assert_eq!((block.len(), word(block, 127)), (512, 0x0AB1_6F30));
            assert!(block[288..508].iter().all(|byte| *byte == 0));
        }
        assert_eq!(blocks[0][32..288], [1; 256]);
        assert_eq!(blocks[1][32..288], [0xFF; 256]);
        assert_eq!(blocks[31][32..288], [[0xFF; 128], [2; 128]].concat());
        assert_eq!(blocks[32][32..288], [&[2; 72][..], &[0xFF; 184]].concat());
    }

    #[test]
    fn only_a_drive_that_waits_or_a_file_is_written() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let error = write(&[7; 512], folder.path()).expect_err("an ordinary folder");
        assert_eq!(error.downcast_ref::<Failure>().map(Failure::exit_code), Some(5));
        assert!(error.to_string().contains("hold BOOTSEL"), "{error}");
        std::fs::write(folder.path().join(INFO), "Board-ID: RPI-RP2\r\n")?;
        assert_eq!(std::fs::read(write(&[7; 512], folder.path())?)?, [7; 512]);
        assert_eq!(std::fs::read(write(&[8; 512], &folder.path().join("a.uf2"))?)?, [8; 512]);
        Ok(())
    }

    #[test]
    fn a_board_without_such_a_boot_rom_is_refused() -> Result<()> {
        let error = encode(&secateur_boards::find("nucleo-f446re")?, &[]).expect_err("no family");
        assert_eq!(error.to_string(), "nucleo-f446re has no boot ROM that takes UF2 files: leave --uf2 out");
        Ok(())
    }
}
