//! Runs a checked model over an arena.

use crate::kernels;
use secateur_shared::layer::{Layer, Step};
use secateur_shared::memory::{Arena, Place, TENSOR_ALIGNMENT};
use secateur_shared::quant::ZeroPoint;
use secateur_shared::{Model, Refusal};

/// A model with the memory that it runs in.
pub struct Engine<'a> {
    model: Model<'a>,
    places: Arena,
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
        let places = Arena::plan(model.table())?;
        let needed_bytes = places.bytes();
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
            Some(arena) => Ok(Self { model, places, arena }),
            None => Err(Refusal::Arena { needed_bytes, available_bytes }),
        }
    }

    /// The model that it runs.
    pub fn model(&self) -> &Model<'a> {
        &self.model
    }

    /// The input tensor, HWC, to be filled before each [`Engine::infer`]: running the network overwrites it.
    pub fn input_hwc(&mut self) -> &mut [i8] {
        let place = self.places.places().first().copied();
        place.and_then(|place| self.arena.get_mut(range(place))).unwrap_or_default()
    }

    /// Runs the network on the input tensor; the last layer's output.
    pub fn infer(&mut self) -> &[i8] {
        self.infer_observed(|_, _| ())
    }

    /// As [`Engine::infer`], showing each layer's output to `observe` as it is made.
    pub fn infer_observed(&mut self, mut observe: impl FnMut(usize, &[i8])) -> &[i8] {
        self.layers(&mut observe);
        self.output()
    }

    fn layers(&mut self, observe: &mut dyn FnMut(usize, &[i8])) {
        let mut zero_point = self.model.table().input_zero_point;
        let places = self.places.places();
        for (index, step) in self.model.table().steps().enumerate() {
            // `Model::parse` and `Arena::plan` have walked the same steps: neither ends early.
            let (Ok(step), Some([from, to])) = (step, places.get(index..index + 2)) else { break };
            let Some((input, scratch, output)) = borrow(self.arena, *from, *to) else { break };
            run(&self.model, &step, zero_point, input, scratch, output);
            zero_point = step.layer.zero_point(zero_point);
            observe(index, output);
        }
    }

    /// The last layer's output, as the last [`Engine::infer`] left it; filling the input overwrites it.
    pub fn output(&self) -> &[i8] {
        let place = self.places.places().last().copied();
        place.and_then(|place| self.arena.get(range(place))).unwrap_or_default()
    }
}

/// Runs one layer; the zero point is its input's.
#[cfg_attr(not(feature = "conv2d"), allow(unused_variables, reason = "only a convolution pads and scratches"))]
fn run(model: &Model, step: &Step, zero_point: ZeroPoint, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
    match (step.layer, model.parameters(step)) {
        #[cfg(feature = "conv2d")]
        (Layer::Conv2d(layer), Some(parameters)) => {
            let geometry = kernels::conv2d::Geometry { layer, input: step.input, output: step.output };
            kernels::conv2d(input, &geometry, zero_point, &parameters, scratch, output);
        }
        #[cfg(feature = "max-pool2d")]
        (Layer::MaxPool2d(layer), _) => kernels::max_pool2d(input, layer, step.input, output),
        #[cfg(feature = "linear")]
        (Layer::Linear(layer), Some(parameters)) => kernels::linear(input, layer, &parameters, output),
        // A layer with weights has parameters, and an absent operator was refused by `Engine::new`.
        _ => {}
    }
}

fn range(place: Place) -> core::ops::Range<usize> {
    place.offset as usize..(place.offset + place.bytes) as usize
}

/// Input, scratch and output at once: the planner put two tensors at opposite ends, and what is between them is scratch.
fn borrow(arena: &mut [i8], from: Place, to: Place) -> Option<(&[i8], &mut [i8], &mut [i8])> {
    let (low, high) = if from.offset <= to.offset { (from, to) } else { (to, from) };
    let low_end = low.bytes.next_multiple_of(TENSOR_ALIGNMENT) as usize;
    let (rest, high_tensor) = arena.split_at_mut_checked(high.offset as usize)?;
    let (low_tensor, scratch) = rest.split_at_mut_checked(low_end)?;
    let low_tensor = low_tensor.get_mut(..low.bytes as usize)?;
    let high_tensor = high_tensor.get_mut(..high.bytes as usize)?;
    if from.offset <= to.offset {
        Some((low_tensor, scratch, high_tensor))
    } else {
        Some((high_tensor, scratch, low_tensor))
    }
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
