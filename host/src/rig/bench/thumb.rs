//! Thumb instructions by what decides their time. Armv7-M Architecture Reference Manual (DDI 0403), chapters A5 to A7.

/// Registers, a bit each.
pub type Registers = u16;

/// What decides an instruction's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Anything of one cycle: moves, arithmetic, multiplications of 32 bits.
    Plain,
    /// `it`: conditions for what follows.
    IfThen,
    /// A division of integers.
    Divide,
    /// A float multiplication with an addition.
    FloatMultiplyAdd,
    /// A float division or square root.
    FloatDivide,
    /// A load into one register.
    Load(Access),
    /// A store of one register.
    Store(Access),
    /// A load or store of two registers.
    Pair,
    /// A load or store of so many registers.
    Many(u32),
    /// A load of so many registers of which one is the program counter.
    Return(u32),
    /// A load of the program counter.
    LoadJump,
    /// A branch that is always taken.
    Branch,
    /// `bl`.
    Call,
    /// A branch on a condition.
    ConditionalBranch,
    /// `tbb`, `tbh`: a branch by a table.
    TableBranch,
    /// Barriers and special registers.
    System,
}

/// A load's or store's registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What a load writes; none where it is a float.
    pub value: Registers,
    /// What the address is made of; none for the program counter.
    pub address: Registers,
    /// The address register is written too.
    pub writes_back: bool,
    /// A store whose offset is a register, or of a float.
    pub is_slow_store: bool,
}

const PC: u16 = 15;

/// The bits of `word` from `low`, `count` of them.
fn bits(word: u16, low: u16, count: u16) -> u16 {
    word >> low & ((1 << count) - 1)
}

fn is_set(word: u16, bit: u16) -> bool {
    bits(word, bit, 1) == 1
}

/// One register as a set; the program counter is in none.
fn register(number: u16) -> Registers {
    if number == PC { 0 } else { 1 << number }
}

/// Bytes of the instruction that begins with this half-word.
pub fn length(first: u16) -> usize {
    if first >> 11 >= 0b11101 { 4 } else { 2 }
}

/// The kind of an instruction; `second` matters where [`length`] is 4.
pub fn kind(first: u16, second: u16) -> Kind {
    match first >> 11 {
        0b11101 if is_set(first, 10) => coprocessor(first, second),
        0b11101 if is_set(first, 9) => Kind::Plain,
        0b11101 if is_set(first, 6) => dual(first, second),
        0b11101 => several(is_set(first, 4), second),
        0b11110 => wide_branch(first, second),
        0b11111 if is_set(first, 10) => coprocessor(first, second),
        0b11111 if !is_set(first, 9) => wide_access(first, second),
        // Divisions are encoded among long multiplications.
        0b11111 if first & 0xFFD0 == 0xFB90 && second & 0x00F0 == 0x00F0 => Kind::Divide,
        0b11111 => Kind::Plain,
        _ => narrow(first),
    }
}

/// 16-bit instructions.
fn narrow(word: u16) -> Kind {
    match word >> 12 {
        0b0100 if is_set(word, 11) => Kind::Load(Access { value: register(bits(word, 8, 3)), ..Access::default() }),
        0b0100 if is_set(word, 10) => high_registers(word),
        0b0101 => {
            let address = register(bits(word, 3, 3)) | register(bits(word, 6, 3));
            narrow_access(word, bits(word, 0, 3), address, bits(word, 9, 3) >= 3)
        }
        0b0110..=0b1000 => narrow_access(word, bits(word, 0, 3), register(bits(word, 3, 3)), is_set(word, 11)),
        0b1001 => narrow_access(word, bits(word, 8, 3), register(13), is_set(word, 11)),
        0b1011 => miscellaneous(word),
        0b1100 => Kind::Many(bits(word, 0, 8).count_ones()),
        // Conditions 14 and 15 are an undefined instruction and a supervisor call.
        0b1101 if bits(word, 8, 4) < 14 => Kind::ConditionalBranch,
        0b1110 => Kind::Branch,
        _ => Kind::Plain,
    }
}

fn narrow_access(word: u16, value: u16, address: Registers, is_load: bool) -> Kind {
    if is_load {
        return Kind::Load(Access { value: register(value), address, ..Access::default() });
    }
    Kind::Store(Access { address, is_slow_store: word >> 12 == 0b0101, ..Access::default() })
}

/// `add`, `cmp`, `mov`, `bx` and `blx` with any register.
fn high_registers(word: u16) -> Kind {
    let destination = bits(word, 7, 1) << 3 | bits(word, 0, 3);
    match bits(word, 8, 2) {
        0b11 => Kind::Branch,
        0b00 | 0b10 if destination == PC => Kind::Branch,
        _ => Kind::Plain,
    }
}

fn miscellaneous(word: u16) -> Kind {
    let registers = bits(word, 0, 9).count_ones();
    match bits(word, 8, 4) {
        0b0100 | 0b0101 | 0b1100 => Kind::Many(registers),
        0b1101 => Kind::Return(registers),
        0b0001 | 0b0011 | 0b1001 | 0b1011 => Kind::ConditionalBranch,
        0b1111 if bits(word, 0, 4) != 0 => Kind::IfThen,
        _ => Kind::Plain,
    }
}

/// `ldm`, `stm`, `push` and `pop` of 32 bits.
fn several(is_load: bool, registers: u16) -> Kind {
    let count = registers.count_ones();
    if is_load && is_set(registers, PC) { Kind::Return(count) } else { Kind::Many(count) }
}

/// `ldrd`, `strd`, exclusive accesses and table branches.
fn dual(first: u16, second: u16) -> Kind {
    if first & 0xFFF0 == 0xE8D0 && second & 0xFFE0 == 0xF000 {
        return Kind::TableBranch;
    }
    if is_set(first, 8) || is_set(first, 5) {
        return Kind::Pair;
    }
    let address = register(bits(first, 0, 4));
    match is_set(first, 4) {
        true => Kind::Load(Access { value: register(second >> 12), address, ..Access::default() }),
        false => Kind::Store(Access { address, ..Access::default() }),
    }
}

/// Branches and system instructions, beside arithmetic with constants.
fn wide_branch(first: u16, second: u16) -> Kind {
    match (is_set(second, 15), is_set(second, 14), is_set(second, 12)) {
        (false, _, _) => Kind::Plain,
        (true, true, _) => Kind::Call,
        (true, false, true) => Kind::Branch,
        (true, false, false) if bits(first, 6, 4) < 14 => Kind::ConditionalBranch,
        // `nop.w` and its like are 0xF3AF, barriers 0xF3BF, special registers 0xF38x to 0xF3EF.
        (true, false, false) if first == 0xF3AF => Kind::Plain,
        (true, false, false) => Kind::System,
    }
}

/// Loads and stores of one register by 32 bits of instruction.
fn wide_access(first: u16, second: u16) -> Kind {
    let (base, value) = (bits(first, 0, 4), second >> 12);
    let (is_load, is_word) = (is_set(first, 4), bits(first, 5, 2) == 0b10);
    let has_long_offset = is_set(first, 7) || base == PC;
    let has_short_offset = !has_long_offset && is_set(second, 11);
    let by_register = !has_long_offset && !has_short_offset;
    let writes_back = has_short_offset && is_set(second, 8);
    let offset = if by_register { register(bits(second, 0, 4)) } else { 0 };
    let address = register(base) | offset;
    match (is_load, value) {
        (true, PC) if is_word => Kind::LoadJump,
        // Hints to a cache.
        (true, PC) => Kind::Plain,
        (true, _) => Kind::Load(Access { value: register(value), address, writes_back, is_slow_store: false }),
        (false, _) => Kind::Store(Access { value: 0, address, writes_back, is_slow_store: by_register }),
    }
}

/// The float unit's instructions, and other coprocessors' as plain ones.
fn coprocessor(first: u16, second: u16) -> Kind {
    let is_float = bits(second, 9, 3) == 0b101 && !is_set(first, 12);
    match (is_float, bits(first, 8, 2)) {
        (true, 0b00 | 0b01) => float_access(first, second),
        (true, 0b10) if !is_set(second, 4) => float_arithmetic(first, second),
        _ => Kind::Plain,
    }
}

fn float_access(first: u16, second: u16) -> Kind {
    let (before, up, writes_back) = (is_set(first, 8), is_set(first, 7), is_set(first, 5));
    let address = register(bits(first, 0, 4));
    match (before, up, writes_back) {
        // Two registers of the core to or from the float unit.
        (false, false, false) => Kind::Plain,
        (true, _, false) if is_set(first, 4) => Kind::Load(Access { address, ..Access::default() }),
        (true, _, false) => Kind::Store(Access { address, is_slow_store: true, ..Access::default() }),
        _ => Kind::Many(bits(second, 0, 8).into()),
    }
}

/// By bits 23, 21 and 20 of the instruction; bit 22 belongs to a register.
fn float_arithmetic(first: u16, second: u16) -> Kind {
    match bits(first, 4, 4) & 0b1011 {
        0b0000 | 0b0001 | 0b1001 | 0b1010 => Kind::FloatMultiplyAdd,
        0b1000 => Kind::FloatDivide,
        0b1011 if bits(first, 0, 4) == 1 && bits(second, 6, 2) == 0b11 => Kind::FloatDivide,
        _ => Kind::Plain,
    }
}

#[cfg(test)]
mod tests;
