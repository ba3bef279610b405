//! The image: firmware and model in one ELF file, and what it really occupies.

use super::firmware::Firmware;
use crate::report::Bytes;
use anyhow::{Context, Result, ensure};
use object::build::elf::{Builder, SectionData};
use object::elf::{PF_R, PT_GNU_STACK, PT_LOAD, SHF_ALLOC, SHF_WRITE, SHT_NOBITS, SHT_PROGBITS};
use object::read::elf::{FileHeader as _, ProgramHeader as _, SectionHeader as _};
use object::{Object as _, ObjectSection as _};
use secateur_boards::BoardSpec;
use secateur_shared::Model;
use secateur_shared::header::ALIGNMENT;
use secateur_shared::memory::MemoryPlan;

/// What an image takes of RAM between static variables and stack.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// The copy of hot weights, on a multiple of 16.
    pub weights_bytes: u32,
    /// The tensors.
    pub arena_bytes: u32,
}

impl Taken {
    /// By this model on this board.
    pub fn by(model: &Model, board: &BoardSpec) -> Self {
        let weights_bytes = model.hot_bytes(board.weights_in_ram_bytes).next_multiple_of(ALIGNMENT as u32);
        Self { weights_bytes, arena_bytes: model.arena_bytes() }
    }
}

impl From<&MemoryPlan> for Taken {
    fn from(plan: &MemoryPlan) -> Self {
        Self { weights_bytes: plan.weights_in_ram_bytes, arena_bytes: plan.arena_bytes }
    }
}

/// Firmware, blob and RAM as one ELF file: section `.model` on its erase sector, and after the static variables `.weights`,
/// where hot ones are copied, and `.arena`.
///
/// # Errors
/// Where the file cannot be extended.
pub fn link(firmware: &Firmware, blob: &[u8], taken: Taken) -> Result<Vec<u8>> {
    let mut image = Builder::read32(&*firmware.elf).context("the firmware is not an ELF file")?;
    for segment in &mut image.segments {
        // A chip has no use for it, and the model's program header needs its place.
        segment.delete |= segment.p_type == PT_GNU_STACK;
    }
    let ends = image.segments.iter().map(|segment| segment.p_offset + segment.p_filesz);
    let offset = ends.max().unwrap_or(0).next_multiple_of(ALIGNMENT as u64);
    add_model(&mut image, firmware.model_start, offset, blob);
    let (ram, offset) = (firmware.arena_start, offset + blob.len() as u64);
    if taken.weights_bytes > 0 {
        add_ram(&mut image, b".weights", ram, offset, taken.weights_bytes);
    }
    add_ram(&mut image, b".arena", ram + taken.weights_bytes, offset, taken.arena_bytes);
    let mut bytes = Vec::new();
    image.write(&mut bytes).context("writing the image")?;
    Ok(bytes)
}

fn add_model<'b>(image: &mut Builder<'b>, address: u32, offset: u64, blob: &'b [u8]) {
    let section = image.sections.add();
    section.name = b".model".as_slice().into();
    section.sh_type = SHT_PROGBITS;
    section.sh_flags = SHF_ALLOC;
    section.sh_addr = address.into();
    section.sh_offset = offset;
    section.sh_size = blob.len() as u64;
    section.sh_addralign = ALIGNMENT as u64;
    section.data = SectionData::Data(blob.into());
    let segment = image.segments.add();
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R;
    segment.p_align = ALIGNMENT as u64;
    segment.append_section_range(section);
    segment.sections.push(section.id());
}

fn add_ram(image: &mut Builder, name: &'static [u8], address: u32, offset: u64, bytes: u32) {
    let section = image.sections.add();
    section.name = name.into();
    section.sh_type = SHT_NOBITS;
    section.sh_flags = SHF_ALLOC | SHF_WRITE;
    section.sh_addr = address.into();
    section.sh_offset = offset;
    section.sh_size = bytes.into();
    section.sh_addralign = ALIGNMENT as u64;
    section.data = SectionData::UninitializedData(bytes.into());
}

/// What an image loads: addresses in flash, and the bytes that go there.
///
/// # Errors
/// Where it is not an ELF file, or is cut off.
pub fn loaded(image: &[u8]) -> Result<Vec<(u32, &[u8])>> {
    let header =
        object::elf::FileHeader32::<object::Endianness>::parse(image).context("the image is not an ELF file")?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, image)?.iter();
    let segments = segments.filter(|segment| segment.p_type(endian) == PT_LOAD && segment.p_filesz(endian) > 0);
    let bytes = segments.map(|segment| {
        let bytes = segment.data(endian, image).ok().context("the image is cut off: link it again")?;
        Ok((segment.p_paddr(endian), bytes))
    });
    bytes.collect()
}

/// Where an image has its model.
///
/// # Errors
/// Where it is not an ELF file, or has none.
pub fn model_address(image: &[u8]) -> Result<u32> {
    let file = object::File::parse(image).context("the image is not an ELF file")?;
    let section = file.section_by_name(".model").context("the image has no model: link it again")?;
    Ok(section.address() as u32)
}

/// Measures an image by its program headers (flash) and sections (RAM).
///
/// # Errors
/// Where it is not an ELF file, or loads something outside the board's flash.
pub fn measure(image: &[u8], board: &BoardSpec) -> Result<Bytes> {
    let header = object::elf::FileHeader32::<object::Endianness>::parse(image)?;
    let endian = header.endian()?;
    let flash = board.flash.origin..board.flash.origin + board.flash.bytes;
    let mut flash_end = flash.start;
    for (start, bytes) in loaded(image)? {
        let end = start.saturating_add(bytes.len() as u32);
        ensure!(
            flash.contains(&start) && end <= flash.end,
            "the image loads {start:#010x}..{end:#010x}, {}'s flash is {:#010x}..{:#010x}: use a smaller --budget",
            board.name,
            flash.start,
            flash.end,
        );
        flash_end = flash_end.max(end);
    }
    let sections = header.sections(endian, image)?;
    let ram = board.ram.origin..board.ram.origin + board.ram.bytes;
    let ends = sections.iter().filter(|section| ram.contains(&section.sh_addr(endian)));
    let ram_end = ends.map(|section| section.sh_addr(endian) + section.sh_size(endian)).max().unwrap_or(ram.start);
    Ok(Bytes { flash_bytes: flash_end - flash.start, ram_bytes: ram_end - ram.start + board.stack_reserve_bytes })
}
