//! A line between desk and board that does with the desk's frames what a test wants.

use secateur::rig::link::Link;
use secateur_shared::header::crc32;
use secateur_shared::wire::{Number, Request, decode_request};
use std::io::Write;

/// Puts a line between desk and board on which `change` says what is written in place of each of the desk's frames.
pub(crate) fn through(link: &mut Link, change: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) {
    link.send_through(|line| Box::new(Line { line, change }));
}

struct Line<F> {
    line: Box<dyn Write + Send>,
    change: F,
}

impl<F: FnMut(&[u8]) -> Vec<Vec<u8>>> Write for Line<F> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let is_frame = bytes != [0];
        let frames = if is_frame { (self.change)(bytes) } else { vec![bytes.to_vec()] };
        frames.iter().try_for_each(|frame| self.line.write_all(frame))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.line.flush()
    }
}

/// What a function makes of one of the desk's frames.
pub(crate) fn read<T>(frame: &[u8], make: impl FnOnce(Number, Request) -> T) -> T {
    let mut frame = frame[..frame.len() - 1].to_vec();
    let (number, request) = decode_request(&mut frame).expect("the desk's own frame");
    make(number, request)
}

/// The frame of any message that with number and checksum is shorter than 254 bytes.
pub(crate) fn frame(number: Number, message: &[u8]) -> Vec<u8> {
    let mut plain = [&number.session.to_le_bytes(), &number.sequence.to_le_bytes()[..], message].concat();
    plain.extend(crc32(&plain).to_le_bytes());
    let runs = plain.split(|byte| *byte == 0).flat_map(|run| [&[run.len() as u8 + 1], run].concat());
    runs.chain([0]).collect()
}

/// What a board answers to a message, in the debugger's words: the line puts it in place of a request for memory
/// figures, whose answer is not its own.
pub(crate) fn answer(link: &mut Link, message: &[u8]) -> String {
    let mut message = Some(message.to_vec());
    through(link, move |asked| match message.take() {
        Some(message) => vec![frame(read(asked, |number, _| number), &message)],
        None => vec![asked.to_vec()],
    });
    let words = link.memory().map_or_else(|error| error.to_string(), |memory| format!("{memory:?}"));
    words.trim_start_matches("the board answered a memory request with ").to_owned()
}
