//! Runs a checked model over an arena.

use crate::kernels;
use crate::tensors::Tensors;
use secateur_shared::arena::{Pass, Place, TENSOR_ALIGNMENT};
use secateur_shared::layer::Layer;
use secateur_shared::quant::ZeroPoint;
use secateur_shared::{Model, Refusal};

/// A model with the memory that it runs in.
pub struct Engine<'a> {
    model: Model<'a>,
    arena: &'a mut [i8],
}

impl<'a> Engine<'a> {
    /// Puts a model into an arena of at least the planned length.
    ///
    /// # Errors
    /// [`Refusal::Arena`] where it is too small; [`Refusal::Operator`] where this build lacks one.
    // It runs once: compiled apart, where it is cold.
    #[inline(never)]
    pub fn new(model: Model<'a>, arena: &'a mut [i8]) -> Result<Self, Refusal> {
        let needed_bytes = model.arena_bytes();
        // Kernels load and store words.
        let skipped = arena.as_ptr().align_offset(TENSOR_ALIGNMENT as usize);
        let arena = arena.get_mut(skipped..).unwrap_or_default();
        let available_bytes = arena.len() as u32;
        for (index, layer) in model.table().layers.iter().enumerate() {
            if !kernels::built_in(layer) {
                return Err(Refusal::Operator(index as u8));
            }
        }
        match arena.get_mut(..needed_bytes as usize) {
            Some(arena) => Ok(Self { model, arena }),
            None => Err(Refusal::Arena { needed_bytes, available_bytes }),
        }
    }

    /// The model that it runs.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// The input tensor, HWC, to be filled before each [`Engine::infer`]: running the network overwrites it.
    pub fn input_hwc(&mut self) -> &mut [i8] {
        self.arena.get_mut(range(self.model.input())).unwrap_or_default()
    }

    /// Runs the network on the input tensor; the last layer's output.
    pub fn infer(&mut self) -> &[i8] {
        self.infer_observed(|_, _| ())
    }

    /// As [`Engine::infer`], showing each pass's output to `observe` as it is made, by the number of its last layer: a
    /// convolution's before a pool that is done with it is never made.
    pub fn infer_observed(&mut self, mut observe: impl FnMut(usize, &[i8])) -> &[i8] {
        self.passes(&mut observe);
        self.output()
    }

    fn passes(&mut self, observe: &mut dyn FnMut(usize, &[i8])) {
        let (table, mut from) = (self.model.table(), self.model.input());
        let mut zero_point = table.input_zero_point;
        for (pass, offset) in table.passes().zip(self.model.arena().outputs()) {
            // `Model::parse` has walked the same passes: none ends early.
            let Ok(pass) = pass else { break };
            let to = Place { offset: *offset, bytes: pass.output.bytes().unwrap_or(0) };
            let end = from.end().max(to.end()) as usize;
            let Some((memory, scratch)) = self.arena.split_at_mut_checked(end) else { break };
            run(&self.model, &pass, zero_point, &mut Tensors::new(memory, from, to), scratch);
            zero_point = pass.step.layer.zero_point(zero_point);
            observe(pass.index, self.arena.get(range(to)).unwrap_or_default());
            from = to;
        }
    }

    /// The last layer's output, as the last [`Engine::infer`] left it; filling the input overwrites it.
    pub fn output(&self) -> &[i8] {
        self.arena.get(range(self.model.output())).unwrap_or_default()
    }
}

/// Runs one pass; the zero point is its input's. A function of its own, by which `cargo xtask bench` tells passes apart.
#[inline(never)]
#[cfg_attr(not(feature = "conv2d"), allow(unused_variables, reason = "only a convolution pads and scratches"))]
fn run(model: &Model, pass: &Pass, zero_point: ZeroPoint, tensors: &mut Tensors, scratch: &mut [i8]) {
    let step = &pass.step;
    match (step.layer, model.parameters(step)) {
        #[cfg(feature = "conv2d")]
        (Layer::Conv2d(layer), Some(parameters)) => {
            let (input, output, is_pooled) = (step.input, pass.output, pass.pool.is_some());
            let geometry = kernels::conv2d::Geometry { layer, input, output, is_pooled };
            kernels::conv2d(tensors, &geometry, zero_point, &parameters, scratch);
        }
        #[cfg(feature = "max-pool2d")]
        (Layer::MaxPool2d(layer), _) => kernels::max_pool2d(tensors, layer, step.input, pass.output),
        #[cfg(feature = "linear")]
        (Layer::Linear(layer), Some(parameters)) => {
            if let Some((input, output)) = tensors.apart() {
                kernels::linear(input, layer, &parameters, output);
            }
        }
        // A layer with weights has parameters, and an absent operator was refused by `Engine::new`.
        _ => {}
    }
}

fn range(place: Place) -> core::ops::Range<usize> {
    place.offset as usize..(place.offset + place.bytes) as usize
}

/// The index of the largest value, the lowest of equals; 0 for none.
pub fn argmax(values: &[i8]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::argmax;

    #[test]
    fn argmax_takes_the_lowest_of_equals() {
        for (values, index) in [(&[][..], 0), (&[-128], 0), (&[-3, 7, 7], 1), (&[5, 5, 4], 0), (&[-128, -127], 1)] {
            assert_eq!(argmax(values), index, "{values:?}");
        }
    }
}
