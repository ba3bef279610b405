//! Answers the desk's requests: the same on every board, and testable over any byte pipe.

use crate::engine::Engine;
use embedded_hal::digital::OutputPin;
use embedded_io::{Read, Write};
use secateur_shared::header::{FORMAT_VERSION, KERNEL_ABI};
use secateur_shared::layer::operator;
use secateur_shared::wire::{
    self, Admission, CHUNK_BYTES, FRAME_BYTES, Gate, Hello, Inbox, LayerFigures, Memory, Number, PROFILED_LAYERS,
    PROTOCOL_VERSION, Request, Response,
};
use secateur_shared::{Model, Refusal};

/// What a session says of the chip that it runs on.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The board's name.
    pub board: &'a str,
    /// The chip's.
    pub chip: &'a str,
    /// Where in flash its model is looked for.
    pub model_address: u32,
    /// The clock that really runs.
    pub clock_hz: u32,
    /// The core's counter of cycles, or 0.
    pub cycles: fn() -> u32,
}

/// One network, or the reason why there is none, at the desk's service.
pub struct Session<'a, Led, Stack> {
    identity: Identity<'a>,
    engine: Result<Engine<'a>, Refusal>,
    /// What the engine left of the RAM, on a multiple of 16: a model sent over the wire runs there.
    free: &'a mut [i8],
    led: Led,
    stack: Stack,
    gate: Gate,
    held: Held,
    cycles: u32,
    figures: [LayerFigures; PROFILED_LAYERS],
}

/// What the arena holds: running the network overwrites the image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    Image,
    Output,
    /// The output, and the figures of the layers from this one on.
    Profile(u8),
}

impl<'a, Led: OutputPin, Stack: Fn() -> Memory> Session<'a, Led, Stack> {
    /// A session that lights `led` while the network runs and asks `stack` for the memory figures. `free` is RAM on a
    /// multiple of 16 beside the engine's.
    pub fn new(
        identity: Identity<'a>,
        engine: Result<Engine<'a>, Refusal>,
        free: &'a mut [i8],
        led: Led,
        stack: Stack,
    ) -> Self {
        let (gate, figures) = (Gate::default(), [LayerFigures::default(); PROFILED_LAYERS]);
        Self { identity, engine, free, led, stack, gate, held: Held::Image, cycles: 0, figures }
    }

    /// Serves until the pipe ends, which a chip's never does.
    ///
    /// # Errors
    /// Those of writing to the pipe.
    pub fn serve<Port: Read + Write>(&mut self, port: &mut Port) -> Result<(), Port::Error> {
        let mut inbox = Inbox::default();
        loop {
            let mut byte = [0];
            match port.read(&mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                // A lost byte shows as a damaged frame.
                Err(_) => continue,
            }
            let Some(frame) = inbox.push(byte[0]) else { continue };
            // An empty frame is the desk clearing the line.
            if frame.is_empty() {
                continue;
            }
            self.reply(frame, port)?;
        }
    }

    fn reply<Port: Write>(&mut self, frame: &mut [u8], port: &mut Port) -> Result<(), Port::Error> {
        let (number, response) = match wire::decode_request(frame) {
            Ok((number, request)) => match self.gate.admit(number, request == Request::Hello) {
                Admission::Serve => (number, self.answer(&request)),
                Admission::Stranger => (number, Response::Stranger),
                Admission::Stale => return Ok(()),
            },
            Err(_) => (Number::default(), Response::Damaged),
        };
        let mut bytes = [0; FRAME_BYTES];
        // Every answer fits a frame: `logits` bounds the only one that grows.
        if let Ok(bytes) = wire::encode_response(number, &response, &mut bytes) {
            port.write_all(bytes)?;
        }
        port.flush()
    }

    fn answer(&mut self, request: &Request) -> Response<'_> {
        match *request {
            Request::Hello => Response::Hello(self.hello()),
            Request::Memory => {
                let arena_used_bytes = self.engine.as_ref().map_or(0, |engine| engine.model().arena_bytes());
                Response::Memory(Memory { arena_used_bytes, ..(self.stack)() })
            }
            Request::Load { offset, bytes } => stored(self.load(offset, bytes)),
            Request::Start { bytes, identity } => stored(self.start(bytes, identity)),
            Request::Pixels { offset, values } => stored(self.store(offset, values)),
            Request::Infer => self.run(None),
            Request::Profile { first } => self.run(Some(first)),
        }
    }

    fn hello(&self) -> Hello<'a> {
        Hello {
            protocol: PROTOCOL_VERSION,
            format: FORMAT_VERSION,
            kernel_abi: KERNEL_ABI,
            frame_bytes: FRAME_BYTES as u16,
            operators: operator::BUILT,
            clock_hz: self.identity.clock_hz,
            arena_bytes: (self.stack)().arena_bytes,
            free_bytes: self.free.len() as u32,
            model_address: self.identity.model_address,
            model: self.engine.as_ref().map(|engine| engine.model().identity()).map_err(|refusal| *refusal),
            board: self.identity.board,
            chip: self.identity.chip,
            version: env!("CARGO_PKG_VERSION"),
        }
    }

    fn store(&mut self, offset: u32, values: &[u8]) -> Result<(), Refusal> {
        let engine = self.engine.as_mut().map_err(|refusal| *refusal)?;
        copy(engine.input_hwc(), offset, values).ok_or(Refusal::Input)?;
        self.held = Held::Image;
        Ok(())
    }

    /// Runs the network, if it has not run on this image, and answers with the output or, from a layer on, the figures. Asked
    /// again, after an answer that was lost, it answers with what it still has.
    fn run(&mut self, first: Option<u8>) -> Response<'_> {
        let engine = match &mut self.engine {
            Ok(engine) => engine,
            Err(refusal) => return Response::Refused(*refusal),
        };
        if self.held == Held::Image {
            // A pin that does not answer must not stop the network.
            let _ = self.led.set_high();
            self.cycles = run(engine, self.identity.cycles, first, &mut self.figures);
            let _ = self.led.set_low();
            self.held = first.map_or(Held::Output, Held::Profile);
        }
        let Some(first) = first else { return logits(self.cycles, engine.output()) };
        if self.held != Held::Profile(first) {
            return Response::Refused(Refusal::Image);
        }
        let layers = engine.model().layers().saturating_sub(first.into()).min(PROFILED_LAYERS);
        Response::Profile(self.figures.get(..layers).unwrap_or_default())
    }

    fn load(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Refusal> {
        let available_bytes = self.free.len() as u32;
        let needed_bytes = offset.saturating_add(bytes.len() as u32);
        copy(self.free, offset, bytes).ok_or(Refusal::Room { needed_bytes, available_bytes })
    }

    /// Runs the model that was loaded, its tensors behind it, from now on. The flash is left as it is.
    fn start(&mut self, bytes: u32, identity: u32) -> Result<(), Refusal> {
        if self.engine.as_ref().is_ok_and(|engine| engine.model().identity() == identity) && self.free.is_empty() {
            return Ok(());
        }
        let available_bytes = self.free.len() as u32;
        let arena_at = bytes.saturating_add(15) & !15;
        let (blob, _) = self
            .free
            .split_at_checked(arena_at as usize)
            .ok_or(Refusal::Room { needed_bytes: bytes, available_bytes })?;
        let model = Model::parse(bytemuck::cast_slice(blob))?;
        if model.identity() != identity {
            return Err(Refusal::Checksum);
        }
        let needed_bytes = arena_at.saturating_add(model.arena_bytes());
        if needed_bytes > available_bytes {
            return Err(Refusal::Room { needed_bytes, available_bytes });
        }
        let (blob, arena) = core::mem::take(&mut self.free).split_at_mut(arena_at as usize);
        self.engine = Ok(Engine::new(Model::parse(bytemuck::cast_slice(blob))?, arena)?);
        self.held = Held::Image;
        Ok(())
    }
}

fn stored<'r>(done: Result<(), Refusal>) -> Response<'r> {
    match done {
        Ok(()) => Response::Stored,
        Err(refusal) => Response::Refused(refusal),
    }
}

#[inline(never)]
fn copy(to: &mut [i8], offset: u32, from: &[u8]) -> Option<()> {
    let start = offset as usize;
    let to = to.get_mut(start..start.checked_add(from.len())?)?;
    to.copy_from_slice(bytemuck::cast_slice(from));
    Some(())
}

/// Runs the network: its cycles, and each layer's figures from `first` on, where that is asked for.
fn run(engine: &mut Engine, now: fn() -> u32, first: Option<u8>, figures: &mut [LayerFigures]) -> u32 {
    let (begun, mut before) = (now(), now());
    engine.infer_observed(|layer, output| {
        let after = now();
        let slot = first.and_then(|first| figures.get_mut(layer.wrapping_sub(first.into())));
        if let Some(slot) = slot {
            *slot = LayerFigures::new(after.wrapping_sub(before), output);
        }
        before = now();
    });
    now().wrapping_sub(begun)
}

fn logits(cycles: u32, logits: &[i8]) -> Response<'_> {
    if logits.len() > CHUNK_BYTES {
        return Response::Refused(Refusal::Outputs);
    }
    Response::Logits { cycles, logits: bytemuck::cast_slice(logits) }
}
