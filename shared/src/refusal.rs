//! Why a blob is not run.

use crate::wire::{REFUSAL_BYTES, state};

/// Why a blob is refused, on the desk or on the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Fewer bytes than a header, or than the header's length says.
    CutOff,
    /// The first four bytes are not the magic: no blob was flashed here.
    NoModel,
    /// The format version is another one than this build reads.
    FormatVersion(u16),
    /// The weights are packed for other kernels.
    KernelAbi(u16),
    /// The CRC-32 differs: some byte is wrong.
    Checksum,
    /// The blob does not start on a multiple of 16 bytes.
    Misaligned,
    /// The layer table does not decode.
    Table,
    /// Layer `n` has a size of zero, too large a tensor, or a window larger than its input.
    Geometry(u8),
    /// Layer `n` names parameters outside the payload, or not where the format puts them.
    Parameters(u8),
    /// Layer `n` has a multiplier, an exponent or an activation range outside its bounds.
    Quantization(u8),
    /// Layer `n`'s accumulator could overflow 32 bits.
    Overflow(u8),
    /// Layer `n` needs an operator that this firmware was built without.
    Operator(u8),
    /// The arena is smaller than the network's tensors need.
    Arena {
        /// What the network needs.
        needed_bytes: u32,
        /// What there is.
        available_bytes: u32,
    },
    /// The last layer has more outputs than one frame carries.
    Outputs,
    /// The input has another length than the network's.
    Input,
    /// The tensors' places are not one a pass, not on words, or overlap where a pass still reads.
    Places,
    /// A run used the image up: its tensors lie over it.
    Image,
    /// A model sent to RAM does not fit there, or one came before it.
    Room {
        /// What the model needs.
        needed_bytes: u32,
        /// What there is.
        available_bytes: u32,
    },
}

impl Refusal {
    /// Its number, in the order of the variants, and its two values or zeros.
    pub fn to_bytes(self) -> [u8; REFUSAL_BYTES] {
        let (number, first, second) = match self {
            Refusal::CutOff => (0, 0, 0),
            Refusal::NoModel => (1, 0, 0),
            Refusal::FormatVersion(found) => (2, found.into(), 0),
            Refusal::KernelAbi(found) => (3, found.into(), 0),
            Refusal::Checksum => (4, 0, 0),
            Refusal::Misaligned => (5, 0, 0),
            Refusal::Table => (6, 0, 0),
            Refusal::Geometry(layer) => (7, layer.into(), 0),
            Refusal::Parameters(layer) => (8, layer.into(), 0),
            Refusal::Quantization(layer) => (9, layer.into(), 0),
            Refusal::Overflow(layer) => (10, layer.into(), 0),
            Refusal::Operator(layer) => (11, layer.into(), 0),
            Refusal::Arena { needed_bytes, available_bytes } => (12, needed_bytes, available_bytes),
            Refusal::Outputs => (13, 0, 0),
            Refusal::Input => (14, 0, 0),
            Refusal::Places => (15, 0, 0),
            Refusal::Image => (16, 0, 0),
            Refusal::Room { needed_bytes, available_bytes } => (17, needed_bytes, available_bytes),
        };
        state(number, first, second)
    }

    /// The refusal of these bytes; `None` where no build says them.
    pub fn from_bytes([number, a, b, c, d, e, f, g, h]: [u8; REFUSAL_BYTES]) -> Option<Self> {
        let (first, second) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        let (needed_bytes, available_bytes) = (first, second);
        let refusal = match number {
            0 => Refusal::CutOff,
            1 => Refusal::NoModel,
            2 => Refusal::FormatVersion(u16::from_le_bytes([a, b])),
            3 => Refusal::KernelAbi(u16::from_le_bytes([a, b])),
            4 => Refusal::Checksum,
            5 => Refusal::Misaligned,
            6 => Refusal::Table,
            7 => Refusal::Geometry(a),
            8 => Refusal::Parameters(a),
            9 => Refusal::Quantization(a),
            10 => Refusal::Overflow(a),
            11 => Refusal::Operator(a),
            12 => Refusal::Arena { needed_bytes, available_bytes },
            13 => Refusal::Outputs,
            14 => Refusal::Input,
            15 => Refusal::Places,
            16 => Refusal::Image,
            17 => Refusal::Room { needed_bytes, available_bytes },
            _ => return None,
        };
        // A value too large for its place, or one where none belongs, is damage.
        (refusal.to_bytes() == state(number, first, second)).then_some(refusal)
    }
}

impl core::fmt::Display for Refusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Refusal::CutOff => f.write_str("the blob is cut off: export it again"),
            Refusal::NoModel => f.write_str("no model here: the magic bytes are missing; flash one"),
            Refusal::FormatVersion(found) => write!(
                f,
                "blob format {found}, this build reads format {}: export the network again",
                crate::header::FORMAT_VERSION
            ),
            Refusal::KernelAbi(found) => write!(
                f,
                "weights packed for kernel ABI {found}, this build has {}: export for this board",
                crate::header::KERNEL_ABI
            ),
            Refusal::Checksum => f.write_str("the blob's CRC-32 is wrong: flash it again"),
            Refusal::Misaligned => f.write_str("the blob does not start on a multiple of 16 bytes"),
            Refusal::Table => f.write_str("the layer table does not decode: export the network again"),
            Refusal::Geometry(n) => write!(f, "layer {n} has an impossible size"),
            Refusal::Parameters(n) => write!(f, "layer {n} names parameters outside the payload"),
            Refusal::Quantization(n) => write!(f, "layer {n} has a multiplier or range out of bounds"),
            Refusal::Overflow(n) => write!(f, "layer {n} could overflow its 32-bit accumulator"),
            Refusal::Places => f.write_str("the tensors' places in the arena overlap: export the network again"),
            Refusal::Operator(n) => write!(
                f,
                "layer {n} needs an operator this firmware was built without: rebuild the firmware for this network"
            ),
            Refusal::Arena { needed_bytes, available_bytes } => write!(
                f,
                "the network needs an arena of {needed_bytes} B, there are {available_bytes} B: prune to less --ram"
            ),
            Refusal::Outputs => f.write_str("the network has more outputs than one frame carries"),
            Refusal::Input => f.write_str("the input's length is not the network's"),
            Refusal::Image => f.write_str("the image was used up by a run: send it again"),
            Refusal::Room { needed_bytes, available_bytes } => write!(
                f,
                "the model and its tensors need {needed_bytes} B of RAM, {available_bytes} B are free: flash it, or restart \
                 the board where a model was loaded before"
            ),
        }
    }
}

impl core::error::Error for Refusal {}
