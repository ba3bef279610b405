//! The network out of the file's tensors: every shape checked, every number read once.

use anyhow::{Context, Result, ensure};

use super::names::{Names, NormNames};
use super::source::Source;
use crate::data::Shape;
use crate::network::{BatchNorm, Layer, Network};

/// Fills a blank network's layers; `names` has one for each with parameters. A bias before a batch norm goes into its
/// mean, which is exact; without a batch norm, one that only adds the bias takes its place. Gives the indices of the
/// layers where that is so.
///
/// # Errors
/// A tensor that is missing, of another shape than its layer's, or of numbers that cannot be.
pub(super) fn fill(network: &mut Network, names: &[Names], source: &Source, epsilon: f32) -> Result<Vec<usize>> {
    let places = places(network)?;
    let mut without_norm = Vec::new();
    let layers = network.layers.iter_mut().enumerate().filter(|(_, layer)| !matches!(layer, Layer::Pool));
    for (((index, layer), names), place) in layers.zip(names).zip(&places) {
        let tensors = Tensors { source, place, outputs: place.shape[0] };
        match layer {
            Layer::Pool => {}
            Layer::Conv(conv) => {
                conv.weight_oihw = tensors.take(&names.weight, &place.shape)?;
                conv.norm = tensors.norm(names, epsilon)?;
            }
            Layer::Hidden(hidden) => {
                hidden.weight_oi = tensors.take(&names.weight, &place.shape)?;
                hidden.norm = tensors.norm(names, epsilon)?;
            }
            Layer::Classifier(last) => {
                last.weight_oi = tensors.take(&names.weight, &place.shape)?;
                last.bias = tensors.per_output(names.bias.as_deref(), 0.0)?;
                continue;
            }
        }
        if names.norm.is_none() {
            without_norm.push(index);
        }
    }
    Ok(without_norm)
}

/// A batch norm that only adds `bias`: with a variance of 1 - ε it divides by 1.
pub(super) fn adding(bias: Vec<f32>, epsilon: f32) -> BatchNorm {
    let channels = bias.len();
    BatchNorm { beta: bias, variance: vec![1.0 - epsilon; channels], epsilon, ..BatchNorm::identity(channels) }
}

/// What a layer's weights must be like.
struct Place {
    layer: String,
    arch: String,
    shape: Vec<usize>,
    map: Shape,
}

/// Of each layer with parameters.
fn places(network: &Network) -> Result<Vec<Place>> {
    let maps = network.arch.maps(network.input)?;
    let layers = network.layers.iter().zip(network.layer_names()).zip(maps);
    let place = |((layer, name), map): ((&Layer, String), Shape)| {
        let shape = match layer {
            Layer::Conv(conv) => vec![conv.outputs, conv.inputs, 3, 3],
            Layer::Pool => return None,
            Layer::Hidden(hidden) => vec![hidden.outputs, hidden.inputs],
            Layer::Classifier(last) => vec![last.outputs, last.inputs],
        };
        Some(Place { layer: name, arch: network.arch.to_string(), shape, map })
    };
    Ok(layers.filter_map(place).collect())
}

struct Tensors<'a> {
    source: &'a Source,
    place: &'a Place,
    outputs: usize,
}

impl Tensors<'_> {
    /// A tensor of this shape.
    fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let Place { layer, arch, map, .. } = self.place;
        let found = self.source.shapes.get(name).with_context(|| {
            format!("{name} is not in the file, {layer} of {arch} needs it: say by --map which tensor it is")
        })?;
        ensure!(
            found == shape,
            "{name} is {found:?}, {layer} of {arch} takes {shape:?} (its input is {map}): correct --arch or --data, or say by --map which tensor it is"
        );
        self.source.read(name)
    }

    /// One number per output, `otherwise` where there is no tensor.
    fn per_output(&self, name: Option<&str>, otherwise: f32) -> Result<Vec<f32>> {
        name.map_or_else(|| Ok(vec![otherwise; self.outputs]), |name| self.take(name, &[self.outputs]))
    }

    fn norm(&self, names: &Names, epsilon: f32) -> Result<BatchNorm> {
        let bias = self.per_output(names.bias.as_deref(), 0.0)?;
        let Some(NormNames { gamma, beta, mean, variance }) = &names.norm else { return Ok(adding(bias, epsilon)) };
        let running = self.per_output(Some(mean), 0.0)?;
        let norm = BatchNorm {
            gamma: self.per_output(gamma.as_deref(), 1.0)?,
            beta: self.per_output(beta.as_deref(), 0.0)?,
            mean: running.iter().zip(&bias).map(|(mean, bias)| mean - bias).collect(),
            variance: self.per_output(Some(variance), 0.0)?,
            epsilon,
        };
        let negative = norm.variance.iter().position(|value| *value < 0.0);
        ensure!(negative.is_none(), "{variance} has a number below 0, which no variance is: take an undamaged file");
        Ok(norm)
    }
}
