//! Which tensor of the file belongs where: by a rule, or as `--map` says.
//!
//! The rule reads PyTorch's names, `MODULE.weight` and so on, in natural order (`features.10` after `features.9`). The
//! k-th weight of four dimensions is the k-th convolution, the k-th of two the k-th fully connected layer. A module with
//! a `running_mean` is a batch norm: in an `nn.Sequential` that of the module before it; elsewhere the k-th is that of
//! the k-th layer, where there are as many as convolutions, or as convolutions and hidden layers.

mod modules;

use anyhow::{Result, bail, ensure};

use self::modules::Modules;
use super::source::Shapes;
use crate::network::{Layer, Network};

/// The file's tensors that make one of our layers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Names {
    /// Its weights.
    pub(super) weight: String,
    /// Its bias, where there is one.
    pub(super) bias: Option<String>,
    /// Its batch norm, where there is one.
    pub(super) norm: Option<NormNames>,
}

/// The file's tensors that make a batch norm.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NormNames {
    /// γ; absent where it is 1.
    pub(super) gamma: Option<String>,
    /// β; absent where it is 0.
    pub(super) beta: Option<String>,
    /// The running mean.
    pub(super) mean: String,
    /// The running variance.
    pub(super) variance: String,
}

impl Names {
    /// All names.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        let norm = self.norm.iter().flat_map(|norm| [Some(&norm.mean), Some(&norm.variance)]);
        let affine = self.norm.iter().flat_map(|norm| [norm.gamma.as_ref(), norm.beta.as_ref()]);
        [Some(&self.weight), self.bias.as_ref()].into_iter().chain(norm).chain(affine).flatten()
    }
}

/// The names of a module's weight and bias.
pub(super) fn layer_of(module: &str, shapes: &Shapes) -> Names {
    Names { weight: join(module, "weight"), bias: present(module, "bias", shapes), norm: None }
}

/// The names of a batch norm's module.
pub(super) fn norm_of(module: &str, shapes: &Shapes) -> NormNames {
    NormNames {
        gamma: present(module, "weight", shapes),
        beta: present(module, "bias", shapes),
        mean: join(module, "running_mean"),
        variance: join(module, "running_var"),
    }
}

fn present(module: &str, leaf: &str, shapes: &Shapes) -> Option<String> {
    Some(join(module, leaf)).filter(|name| shapes.contains_key(name))
}

fn join(module: &str, leaf: &str) -> String {
    if module.is_empty() { leaf.to_owned() } else { format!("{module}.{leaf}") }
}

/// The names of each layer that has parameters, in order, by the rule.
///
/// # Errors
/// Another number of layers than the network has; batch norms that the rule cannot place; a module of another kind.
pub(super) fn by_rule(shapes: &Shapes, network: &Network) -> Result<Vec<Names>> {
    let modules = Modules::of(shapes)?;
    let wanted = |kind: fn(&Layer) -> bool| network.layers.iter().filter(|layer| kind(layer)).count();
    let convs = wanted(|layer| matches!(layer, Layer::Conv(_)));
    let dense = wanted(|layer| matches!(layer, Layer::Hidden(_) | Layer::Classifier(_)));
    agree(&modules.convs, convs, "convolutions", network)?;
    agree(&modules.dense, dense, "fully connected layers, the classes' included,", network)?;
    let norms = modules.norms_by_layer()?;
    let layers = modules.convs.iter().chain(&modules.dense).zip(norms).enumerate();
    let named = layers.map(|(index, (module, norm))| {
        if let Some(norm) = norm.filter(|_| index + 1 == convs + dense) {
            bail!("{norm} is a batch norm on the last layer, {module}, which has none here: fold it into the weights");
        }
        Ok(Names { norm: norm.map(|norm| norm_of(norm, shapes)), ..layer_of(module, shapes) })
    });
    named.collect()
}

fn agree(found: &[String], wanted: usize, what: &str, network: &Network) -> Result<()> {
    ensure!(
        found.len() == wanted,
        "the file has {} {what} ({}), {} has {wanted}: correct --arch, or say by --map which tensor goes where",
        found.len(),
        if found.is_empty() { "none".to_owned() } else { found.join(", ") },
        network.arch
    );
    Ok(())
}
