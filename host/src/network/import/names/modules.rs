//! The modules of a file of PyTorch, by the shapes of their tensors.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};

use super::super::source::Shapes;

/// The names of modules in natural order, by kind.
pub(super) struct Modules {
    /// With a weight of four dimensions.
    pub(super) convs: Vec<String>,
    /// With a weight of two dimensions.
    pub(super) dense: Vec<String>,
    norms: Vec<String>,
    /// All of these.
    order: Vec<String>,
}

/// A part of a name, so that 9 comes before 10.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// Its digits without leading zeros, the shorter number first.
    Number(usize, String),
    Text(String),
}

impl Modules {
    /// Sorts a file's modules by kind. What has no `weight` and no `running_mean` is left out.
    ///
    /// # Errors
    /// A weight of another number of dimensions, which is a layer that no network here has.
    pub(super) fn of(shapes: &Shapes) -> Result<Modules> {
        let mut found = Modules { convs: Vec::new(), dense: Vec::new(), norms: Vec::new(), order: Vec::new() };
        let mut leaves: BTreeMap<(Vec<Piece>, &str), Leaves> = BTreeMap::new();
        for (name, shape) in shapes {
            let (module, leaf) = name.rsplit_once('.').unwrap_or(("", name));
            let entry = leaves.entry((natural(module), module)).or_default();
            match leaf {
                "weight" => entry.dimensions = Some(shape.len()),
                "running_mean" => entry.norm = true,
                _ => {}
            }
        }
        for ((_, module), leaves) in &leaves {
            found.add(module, leaves)?;
        }
        Ok(found)
    }

    fn add(&mut self, module: &str, leaves: &Leaves) -> Result<()> {
        let list = match leaves {
            Leaves { norm: true, .. } => &mut self.norms,
            Leaves { dimensions: Some(4), .. } => &mut self.convs,
            Leaves { dimensions: Some(2), .. } => &mut self.dense,
            Leaves { dimensions: None, .. } => return Ok(()),
            Leaves { dimensions: Some(1), .. } => bail!(
                "{module} has a weight of one dimension and no running_mean: a layer norm, a PReLU or a batch norm without statistics, none of which can be imported; where it is none of the network's, say by --map which tensors are"
            ),
            Leaves { dimensions: Some(count), .. } => bail!(
                "{module} has a weight of {count} dimensions: only 3x3 convolutions and fully connected layers can be imported; where it is none of the network's, say by --map which tensors are"
            ),
        };
        list.push(module.to_owned());
        self.order.push(module.to_owned());
        Ok(())
    }

    /// The batch norm of each convolution, then of each fully connected layer.
    ///
    /// # Errors
    /// Batch norms that neither stand behind a layer each, nor are as many as the layers.
    pub(super) fn norms_by_layer(&self) -> Result<Vec<Option<&str>>> {
        let layers: Vec<&String> = self.convs.iter().chain(&self.dense).collect();
        if let Some(before) = self.in_sequence() {
            let norm_of = |layer: &&String| self.norms.iter().zip(&before).find(|(_, before)| *before == layer);
            return Ok(layers.iter().map(|layer| norm_of(layer).map(|(norm, _)| norm.as_str())).collect());
        }
        let (count, convs) = (self.norms.len(), self.convs.len());
        ensure!(
            count == convs || count + 1 == layers.len(),
            "it is not clear which layers the {count} batch norms ({}) follow: they are neither as many as the {convs} convolutions, nor as these and the {} hidden layers: say it by --map",
            self.norms.join(", "),
            self.dense.len().saturating_sub(1)
        );
        Ok((0..layers.len()).map(|index| self.norms.get(index).map(String::as_str)).collect())
    }

    /// The layer right before each batch norm, where all stand behind one in an `nn.Sequential`.
    fn in_sequence(&self) -> Option<Vec<&String>> {
        let before = |norm: &String| {
            let at = self.order.iter().position(|module| module == norm)?;
            let layer = self.order.get(at.checked_sub(1)?)?;
            (numbered(layer)? == numbered(norm)? && !self.norms.contains(layer)).then_some(layer)
        };
        self.norms.iter().map(before).collect()
    }
}

/// What is known of a module.
#[derive(Default)]
struct Leaves {
    /// How many dimensions its weight has.
    dimensions: Option<usize>,
    /// Whether it has a running mean.
    norm: bool,
}

/// The name of the `nn.Sequential` that a module stands in.
fn numbered(module: &str) -> Option<&str> {
    let (parent, last) = module.rsplit_once('.').unwrap_or(("", module));
    (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())).then_some(parent)
}

fn natural(name: &str) -> Vec<Piece> {
    let digit = |letter: char| letter.is_ascii_digit();
    let pieces = name.split('.').flat_map(|part| {
        part.char_indices().filter(move |(at, letter)| *at == 0 || digit(*letter) != part[..*at].ends_with(digit)).map(
            move |(at, letter)| {
                let rest = &part[at..];
                rest.find(|other| digit(other) != digit(letter)).map_or(rest, |end| &rest[..end])
            },
        )
    });
    pieces.map(piece).collect()
}

fn piece(text: &str) -> Piece {
    if !text.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Piece::Text(text.to_owned());
    }
    let digits = text.trim_start_matches('0');
    Piece::Number(digits.len(), digits.to_owned())
}
