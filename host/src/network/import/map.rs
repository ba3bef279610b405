//! `--map FILE`: which tensor goes where, a line each, `ours = theirs`.
//!
//! On the left a layer (`conv1`, `hidden1`, `classifier`), its batch norm (`conv1.norm`), or one tensor of them
//! (`conv1.weight`, `conv1.bias`, `conv1.norm.gamma`, `.beta`, `.mean`, `.variance`). On the right the module
//! (`features.0`) or the tensor (`features.0.weight`) in the file. `#` begins a comment; names may be quoted, as in TOML.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::names::{Names, NormNames, layer_of, norm_of};
use super::source::Shapes;
use crate::network::{Layer, Network};

/// The lines that nothing has read yet: ours to theirs.
struct Lines<'a> {
    open: BTreeMap<&'a str, &'a str>,
    shapes: &'a Shapes,
}

/// The names of each layer that has parameters, in order, as the lines say.
///
/// # Errors
/// A line that is none, a name on the left that is none of the network's or is there twice, a name on the right that is
/// none of the file's, a layer without weights.
pub(super) fn by_map(text: &str, shapes: &Shapes, network: &Network) -> Result<Vec<Names>> {
    let mut lines = Lines { open: parse(text)?, shapes };
    let layers: Vec<(String, &Layer)> = network.layer_names().into_iter().zip(&network.layers).collect();
    let named = layers.iter().filter(|(_, layer)| !matches!(layer, Layer::Pool)).map(|(name, layer)| {
        let mut names = lines.layer(name)?;
        if !matches!(layer, Layer::Classifier(_)) {
            names.norm = lines.norm(&format!("{name}.norm"))?;
        }
        Ok(names)
    });
    let named = named.collect::<Result<Vec<_>>>()?;
    if let Some((ours, _)) = lines.open.first_key_value() {
        let known: Vec<&str> = layers.iter().map(|(name, _)| name.as_str()).collect();
        bail!("`{ours}` is no layer or tensor of {}: its layers are {}", network.arch, known.join(", "));
    }
    Ok(named)
}

fn parse(text: &str) -> Result<BTreeMap<&str, &str>> {
    let mut lines = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let number = number + 1;
        let (ours, theirs) =
            line.split_once('=').with_context(|| format!("line {number} is not `ours = theirs`: {line}"))?;
        let [ours, theirs] = [ours, theirs].map(|name| name.trim().trim_matches(['"', '\'']));
        ensure!(!ours.is_empty() && !theirs.is_empty(), "line {number} lacks a name beside its `=`: {line}");
        ensure!(lines.insert(ours, theirs).is_none(), "line {number} names {ours} again: leave one of the two");
    }
    Ok(lines)
}

impl Lines<'_> {
    fn layer(&mut self, name: &str) -> Result<Names> {
        let module = self.open.remove(name).map(|module| layer_of(module, self.shapes));
        let (weight, bias) = (self.tensor(name, "weight"), self.tensor(name, "bias"));
        let from_module = module.clone().map(|module| module.weight);
        let weight = weight.or(from_module).with_context(|| format!("nothing is said of {name}: add `{name} = `"))?;
        let bias = bias.or(module.and_then(|module| module.bias));
        [Some(&weight), bias.as_ref()].into_iter().flatten().try_for_each(|name| self.known(name))?;
        Ok(Names { weight, bias, norm: None })
    }

    fn norm(&mut self, name: &str) -> Result<Option<NormNames>> {
        let module = self.open.remove(name).map(|module| norm_of(module, self.shapes));
        let single = ["gamma", "beta", "mean", "variance"].map(|leaf| self.tensor(name, leaf));
        if module.is_none() && single.iter().all(Option::is_none) {
            return Ok(None);
        }
        let [gamma, beta, mean, variance] = single;
        let module = module.as_ref();
        let norm = NormNames {
            gamma: gamma.or_else(|| module?.gamma.clone()),
            beta: beta.or_else(|| module?.beta.clone()),
            mean: self.needed(mean.or_else(|| Some(module?.mean.clone())), name, "mean")?,
            variance: self.needed(variance.or_else(|| Some(module?.variance.clone())), name, "variance")?,
        };
        [norm.gamma.as_ref(), norm.beta.as_ref()].into_iter().flatten().try_for_each(|name| self.known(name))?;
        Ok(Some(norm))
    }

    /// What a line says of one tensor.
    fn tensor(&mut self, of: &str, leaf: &str) -> Option<String> {
        self.open.remove(format!("{of}.{leaf}").as_str()).map(str::to_owned)
    }

    fn needed(&self, theirs: Option<String>, norm: &str, leaf: &str) -> Result<String> {
        let theirs = theirs.with_context(|| format!("{norm} lacks its {leaf}: add `{norm}.{leaf} = `"))?;
        self.known(&theirs)?;
        Ok(theirs)
    }

    fn known(&self, theirs: &str) -> Result<()> {
        let all = || self.shapes.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        ensure!(self.shapes.contains_key(theirs), "{theirs} is not in the file, which holds {}", all());
        Ok(())
    }
}
