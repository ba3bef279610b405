// Runs an image on the RP2040 of rp2040js, its UART on this process's standard input and output.
//
//   node emulate.mjs --package=FOLDER --image=FILE [--uart=N] [--count=ADDRESS --out=FILE] [--no-crystal] [--restart-after=N]
//
// FOLDER is the package rp2040js. There is no boot ROM: the core starts at the image's vector table, as the ROM's second stage
// leaves it. With --count, each call of the function at ADDRESS appends a line to --out: its instructions and its cycles.
// With --no-crystal, the crystal oscillator never says that it is stable. With --restart-after, the chip starts anew once it got so
// many bytes.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const FLASH = 0x1000_0000, VECTOR_TABLE = FLASH + 0x100, XOSC = 0x4002_4000;
const XOSC_STATUS = 0x04, XOSC_STABLE = 0x8000_0000;
const UART_FLAGS = 0x18;
// Instructions between two looks at standard input: about 20 ms.
const SLICE = 100_000;
// So many looks in a row for a byte that is not there: the firmware waits for one.
const IDLE_POLLS = 100;

const text = { type: 'string' };
const { values: words } = parseArgs({
  args: process.argv.filter((word) => word.startsWith('--')),
  options: {
    package: text, image: text, uart: text, count: text, out: text, 'no-crystal': { type: 'boolean' }, 'restart-after': text,
  },
});
const entry = pathToFileURL(join(words.package, 'dist/esm/index.js'));
const { ConsoleLogger, LogLevel, RP2040 } = await import(entry.href);

const image = readFileSync(words.image);
let { chip, isIdle, take, run } = start();
let untilRestart = Number(words['restart-after'] ?? Infinity);
let isWaiting = false;
process.stdin.on('data', (bytes) => {
  const before = bytes.subarray(0, untilRestart);
  take(before);
  untilRestart -= before.length;
  // What is left comes when the chip is up again; what it had not read by then is lost.
  if (untilRestart === 0) {
    ({ chip, isIdle, take, run } = start());
    untilRestart = Infinity;
    take(bytes.subarray(before.length));
  }
  if (isWaiting) step();
});
process.stdin.on('end', () => process.exit(0));
step();

/** A chip at the image's start. */
function start() {
  const chip = new RP2040();
  const { core } = chip;
  chip.logger = new ConsoleLogger(LogLevel.Error, true);
  chip.onBreak = () => stop('the firmware stopped at a breakpoint: it panicked, or took a hard fault');
  load(image, chip.flash);
  core.VTOR = VECTOR_TABLE;
  core.SP = chip.readUint32(VECTOR_TABLE);
  core.PC = chip.readUint32(VECTOR_TABLE + 4) & ~1;
  if (words['no-crystal']) stopCrystal(chip.peripherals[(XOSC >>> 14) << 2]);
  const line = connect(chip.uart[Number(words.uart ?? 0)]);
  const run = words.count === undefined ? plain(chip, line) : counting(chip, line, Number(words.count), words.out);
  return { chip, run, ...line };
}

/** Runs until the firmware waits for a byte, and then again when there is one. */
function step() {
  run();
  isWaiting = isIdle();
  if (!isWaiting) setImmediate(step);
}

/** The chip's clock goes on with each instruction: its timers count the core's cycles. */
function plain(chip, { isIdle }) {
  const { core, clock } = chip;
  return () => {
    const nanos = 1e9 / chip.clkSys;
    for (let left = SLICE; left > 0 && !isIdle(); left--) clock.tick(core.executeInstruction() * nanos);
  };
}

/** As `plain`, with an eye on each call of one function, which calls itself in no way. What an interrupt runs is not the call's. */
function counting(chip, { isIdle }, address, out) {
  const { core, clock } = chip;
  let instructions = 0, cycles = 0, call = null;
  return () => {
    const nanos = 1e9 / chip.clkSys;
    for (let left = SLICE; left > 0 && !isIdle(); left--) {
      if (core.PC === address && call === null) {
        call = { returnsTo: core.LR & ~1, instructions, cycles };
      } else if (call !== null && core.PC === call.returnsTo) {
        appendFileSync(out, `${instructions - call.instructions} ${cycles - call.cycles}\n`);
        call = null;
      }
      const wasInterrupt = core.IPSR !== 0;
      const taken = core.executeInstruction();
      clock.tick(taken * nanos);
      if (wasInterrupt || core.IPSR !== 0) continue;
      instructions++;
      cycles += taken;
    }
  };
}

/** Copies what an ELF file loads to its load addresses in flash. */
function load(elf, flash) {
  const [headers, size, count] = [elf.readUInt32LE(28), elf.readUInt16LE(42), elf.readUInt16LE(44)];
  for (let header = headers; header < headers + count * size; header += size) {
    const [type, offset, , address, length] = [0, 4, 8, 12, 16].map((field) => elf.readUInt32LE(header + field));
    if (type === 1 && length > 0) flash.set(elf.subarray(offset, offset + length), address - FLASH);
  }
}

/** A byte gets to the UART when the firmware looks for one: none is lost, and no baud rate is kept. */
function connect(uart) {
  const input = [];
  let polls = 0;
  const read = uart.readUint32.bind(uart);
  uart.readUint32 = (offset) => {
    if (offset === UART_FLAGS && uart.rxFIFO.empty) {
      if (input.length > 0) uart.feedByte(input.shift());
      else polls++;
    } else if (offset !== UART_FLAGS) polls = 0;
    return read(offset);
  };
  uart.onByte = (byte) => {
    polls = 0;
    process.stdout.write(Uint8Array.of(byte));
  };
  return {
    isIdle: () => polls > IDLE_POLLS,
    take: (bytes) => {
      input.push(...bytes);
      polls = 0;
    },
  };
}

function stopCrystal(oscillator) {
  const read = oscillator.readUint32.bind(oscillator);
  oscillator.readUint32 = (offset) => (offset === XOSC_STATUS ? read(offset) & ~XOSC_STABLE : read(offset));
}

function stop(why) {
  console.error(`rp2040js: ${why}`);
  process.exit(1);
}
