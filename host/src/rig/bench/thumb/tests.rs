use super::*;

/// The kind of an instruction as `objdump` prints its half-words.
fn of(halves: &[u16]) -> Kind {
    assert_eq!(length(halves[0]), 2 * halves.len(), "{halves:04x?}");
    kind(halves[0], halves.get(1).copied().unwrap_or(0))
}

fn load(value: Registers, address: Registers) -> Kind {
    Kind::Load(Access { value, address, ..Access::default() })
}

fn store(address: Registers, is_slow_store: bool) -> Kind {
    Kind::Store(Access { address, is_slow_store, ..Access::default() })
}

#[test]
fn narrow_instructions() {
    let cases = [
        (0x1840, Kind::Plain, "adds r0, r0, r1"),
        (0x4348, Kind::Plain, "muls r0, r1, r0"),
        (0xBF08, Kind::IfThen, "it eq"),
        (0xBF00, Kind::Plain, "nop"),
        (0x4902, load(0b10, 0), "ldr r1, [pc, #8]"),
        (0x5C51, load(0b10, 0b110), "ldrb r1, [r2, r1]"),
        (0x5651, load(0b10, 0b110), "ldrsb r1, [r2, r1]"),
        (0x6849, load(0b10, 0b10), "ldr r1, [r1, #4]"),
        (0x9901, load(0b10, 1 << 13), "ldr r1, [sp, #4]"),
        (0x5051, store(0b110, true), "str r1, [r2, r1]"),
        (0x7011, store(0b100, false), "strb r1, [r2]"),
        (0xB510, Kind::Many(2), "push {r4, lr}"),
        (0xBC30, Kind::Many(2), "pop {r4, r5}"),
        (0xBD10, Kind::Return(2), "pop {r4, pc}"),
        (0xC80E, Kind::Many(3), "ldm r0!, {r1, r2, r3}"),
        (0xD1FE, Kind::ConditionalBranch, "bne.n"),
        (0xB108, Kind::ConditionalBranch, "cbz r0"),
        (0xE7FE, Kind::Branch, "b.n"),
        (0x4770, Kind::Branch, "bx lr"),
        (0x4697, Kind::Branch, "mov pc, r2"),
        (0x4610, Kind::Plain, "mov r0, r2"),
    ];
    for (word, kind, text) in cases {
        assert_eq!(of(&[word]), kind, "{text}");
    }
}

#[test]
fn wide_instructions() {
    let post_index = Access { value: 0b1, address: 0b10, writes_back: true, is_slow_store: false };
    let cases = [
        ([0xFB20, 0x0102], Kind::Plain, "smlad r1, r0, r2, r0"),
        ([0xFB90, 0xF0F1], Kind::Divide, "sdiv r0, r0, r1"),
        ([0xFB80, 0x0102], Kind::Plain, "smull r0, r1, r0, r2"),
        ([0xF851, 0x0B04], Kind::Load(post_index), "ldr r0, [r1], #4"),
        ([0xF8D1, 0x0104], load(0b1, 0b10), "ldr.w r0, [r1, #260]"),
        ([0xF851, 0x0022], load(0b1, 0b110), "ldr.w r0, [r1, r2, lsl #2]"),
        ([0xF8DF, 0x0104], load(0b1, 0), "ldr.w r0, [pc, #260]"),
        ([0xF991, 0x0010], load(0b1, 0b10), "ldrsb.w r0, [r1, #16]"),
        ([0xF85D, 0xFB04], Kind::LoadJump, "ldr pc, [sp], #4"),
        ([0xF891, 0xF000], Kind::Plain, "pld [r1]"),
        ([0xF841, 0x0022], store(0b110, true), "str.w r0, [r1, r2, lsl #2]"),
        ([0xE9D1, 0x0200], Kind::Pair, "ldrd r0, r2, [r1]"),
        ([0xE92D, 0x4FF0], Kind::Many(9), "stmdb sp!, {r4-r11, lr}"),
        ([0xE8BD, 0x8FF0], Kind::Return(9), "ldmia.w sp!, {r4-r11, pc}"),
        ([0xE8D0, 0xF001], Kind::TableBranch, "tbb [r0, r1]"),
        ([0xE851, 0x0F00], load(0b1, 0b10), "ldrex r0, [r1]"),
        ([0xF000, 0xF801], Kind::Call, "bl"),
        ([0xF000, 0xB801], Kind::Branch, "b.w"),
        ([0xF040, 0x8001], Kind::ConditionalBranch, "bne.w"),
        ([0xF3BF, 0x8F4F], Kind::System, "dsb sy"),
        ([0xF240, 0x1001], Kind::Plain, "movw r0, #257"),
        ([0xED90, 0x0A00], load(0, 0b1), "vldr s0, [r0]"),
        ([0xED2D, 0x8B02], Kind::Many(2), "vpush {d8}"),
        ([0xEE00, 0x0A00], Kind::FloatMultiplyAdd, "vmla.f32 s0, s0, s0"),
        ([0xEE80, 0x0A00], Kind::FloatDivide, "vdiv.f32 s0, s0, s0"),
    ];
    for (halves, kind, text) in cases {
        assert_eq!(of(&halves), kind, "{text}");
    }
}
