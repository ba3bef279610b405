//! Runs a checked model over an arena.

#[allow(unused_imports, reason = "an engine without operators is built to take its size off")]
use crate::kernels::{self, Outputs};
use crate::tensors::Tensors;
use secateur_shared::arena::TENSOR_ALIGNMENT;
#[allow(unused_imports, reason = "an engine without operators is built to take its size off")]
use secateur_shared::layer::{Step, operator};
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
    /// [`Refusal::Arena`] where it is too small.
    // It runs once: compiled apart, where it is cold.
    #[inline(never)]
    pub fn new(model: Model<'a>, arena: &'a mut [i8]) -> Result<Self, Refusal> {
        let needed_bytes = model.arena_bytes();
        // Kernels load and store words.
        let skipped = arena.as_ptr().align_offset(TENSOR_ALIGNMENT as usize);
        let arena = arena.get_mut(skipped..).unwrap_or_default();
        let available_bytes = arena.len() as u32;
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
        self.arena.get_mut(self.model.input().range()).unwrap_or_default()
    }

    /// Runs the network on the input tensor; the last layer's output.
    pub fn infer(&mut self) -> &[i8] {
        self.infer_observed(|_, _| ())
    }

    /// As [`Engine::infer`], showing each layer's output to `observe` as it is made, by the layer's number.
    pub fn infer_observed(&mut self, mut observe: impl FnMut(usize, &[i8])) -> &[i8] {
        self.steps(&mut observe);
        self.output()
    }

    #[inline(never)]
    fn steps(&mut self, observe: &mut dyn FnMut(usize, &[i8])) {
        // `Model::parse` has walked the same steps: none is refused.
        let _ = self.model.walk(&mut |step, _| {
            run(&self.model, step, self.arena);
            observe(step.index, self.arena.get(step.output.range()).unwrap_or_default());
            None
        });
    }

    /// The last layer's output, as the last [`Engine::infer`] left it; filling the input overwrites it.
    pub fn output(&self) -> &[i8] {
        self.arena.get(self.model.output().range()).unwrap_or_default()
    }
}

/// Runs one layer. A function of its own, by which `cargo xtask bench` tells layers apart.
#[inline(never)]
#[allow(unused_variables, reason = "an engine without operators is built to take its size off")]
fn run(model: &Model, step: &Step, arena: &mut [i8]) {
    let Some((memory, scratch)) = arena.split_at_mut_checked(step.scratch_at as usize) else { return };
    let tensors = &mut Tensors::new(memory, step.input.range(), step.output.range());
    match step.record.operator {
        #[cfg(feature = "max-pool2d")]
        operator::MAX_POOL2D => return kernels::max_pool2d(tensors, step),
        #[cfg(feature = "average-pool2d")]
        operator::AVERAGE_POOL2D => return kernels::average_pool2d(tensors, step),
        #[cfg(feature = "reshape")]
        operator::RESHAPE => return tensors.forward(),
        _ => {}
    }
    let Some(parameters) = &model.parameters(step) else { return };
    let outputs = &Outputs::new(step, parameters);
    match step.record.operator {
        #[cfg(feature = "conv2d")]
        operator::CONV2D => kernels::conv2d(tensors, step, outputs, scratch),
        #[cfg(feature = "linear")]
        operator::LINEAR => kernels::linear(tensors, outputs),
        #[cfg(feature = "depthwise-conv2d")]
        operator::DEPTHWISE_CONV2D => kernels::depthwise_conv2d(tensors, step, outputs, scratch),
        #[cfg(feature = "add")]
        operator::ADD => kernels::add(tensors, step, outputs),
        #[cfg(feature = "softmax")]
        operator::SOFTMAX => kernels::softmax(tensors, step, outputs),
        // An absent operator was refused by `Model::parse`.
        _ => {}
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
