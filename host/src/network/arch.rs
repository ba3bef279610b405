//! A network's architecture as a line of text: `24,24,P,48,48,P,F256`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Result, bail, ensure};

use crate::data::Shape;
use crate::failure::Failure;

/// The architecture that is taken where none is named.
pub const DEFAULT: &str = "vgg-small";

/// The architectures that have a name. VGG11, 13 and 16 are the CIFAR variants: one linear layer after the pools.
const NAMED: [(&str, &str); 4] = [
    (DEFAULT, "20,20,P,40,40,P,64,64,F192"),
    ("vgg11", "64,P,128,P,256,256,P,512,512,P,512,512,P"),
    ("vgg13", "64,64,P,128,128,P,256,256,P,512,512,P,512,512,P"),
    ("vgg16", "64,64,P,128,128,P,256,256,256,P,512,512,512,P,512,512,512,P"),
];

/// The widest layer that a specification may ask for.
const WIDEST: usize = 16_384;

/// One step of a VGG-style network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// 3x3 convolution, stride 1, padding 1, with so many output channels; batch norm; ReLU.
    Conv(usize),
    /// 2x2 max pool, stride 2; an odd last row or column is dropped.
    Pool,
    /// Fully connected layer with so many outputs; batch norm; ReLU.
    Hidden(usize),
}

impl Item {
    /// Of what has filters or units, how many.
    pub fn width(&self) -> Option<usize> {
        match self {
            Item::Conv(width) | Item::Hidden(width) => Some(*width),
            Item::Pool => None,
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Conv(width) => write!(f, "{width}"),
            Item::Pool => f.write_str("P"),
            Item::Hidden(width) => write!(f, "F{width}"),
        }
    }
}

impl FromStr for Item {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Item> {
        let text = text.trim();
        let width = |digits: &str| digits.parse::<usize>().ok().filter(|width| (1..=WIDEST).contains(width));
        let item = match text.strip_prefix(['F', 'f']) {
            _ if text.eq_ignore_ascii_case("p") => Some(Item::Pool),
            Some(digits) => width(digits).map(Item::Hidden),
            None => width(text).map(Item::Conv),
        };
        item.ok_or_else(|| {
            anyhow::anyhow!(
                "`{text}` is no layer: write a number (3x3 convolution), P (2x2 max pool) or F and a number (fully connected), numbers from 1 to {WIDEST}"
            )
        })
    }
}

/// A VGG-style network: convolutions and pools, then hidden layers; a linear layer to the classes is implied at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arch {
    items: Vec<Item>,
}

impl Arch {
    /// An architecture from its steps.
    ///
    /// # Errors
    /// No step at all, or a convolution or pool after a hidden layer.
    pub fn new(items: Vec<Item>) -> Result<Arch> {
        ensure!(!items.is_empty(), "an architecture needs at least one layer, for example 16,P,32,P");
        let flat = items.iter().position(|item| matches!(item, Item::Hidden(_))).unwrap_or(items.len());
        if let Some(after) = items[flat..].iter().find(|item| !matches!(item, Item::Hidden(_))) {
            bail!("`{after}` stands after {}: put all convolutions and pools before the first F layer", items[flat]);
        }
        Ok(Arch { items })
    }

    /// The steps in order.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The name of a named architecture, otherwise its specification with `-` for `,`: fit for a file name.
    pub fn name(&self) -> String {
        let spec = self.to_string();
        match NAMED.iter().find(|(_, named)| *named == spec) {
            Some((name, _)) => (*name).to_owned(),
            None => spec.replace(',', "-"),
        }
    }

    /// The map that enters each step, and last the one that enters the classes' layer. A hidden layer's output is
    /// a map of 1x1.
    ///
    /// # Errors
    /// A pool that would leave nothing of a map.
    pub fn maps(&self, input: Shape) -> Result<Vec<Shape>> {
        let mut maps = vec![input];
        let mut map = input;
        for (index, item) in self.items.iter().enumerate() {
            map = match *item {
                Item::Conv(channels) => Shape { channels, ..map },
                Item::Hidden(channels) => Shape { height: 1, width: 1, channels },
                Item::Pool => self.pooled(map, index, input)?,
            };
            maps.push(map);
        }
        Ok(maps)
    }

    fn pooled(&self, map: Shape, index: usize, input: Shape) -> Result<Shape> {
        if map.height >= 2 && map.width >= 2 {
            return Ok(Shape { height: map.height / 2, width: map.width / 2, ..map });
        }
        let without: Vec<_> =
            self.items.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, item)| *item).collect();
        bail!(Failure::Usage(format!(
            "the pool at place {} of {} would shrink a map of {}x{} below 1x1 (images are {input}): take larger images, or leave that pool out with --arch {}",
            index + 1,
            self.name(),
            map.height,
            map.width,
            Arch { items: without }
        )))
    }

    /// Multiply-accumulates for one image. Errors as `maps`.
    pub fn macs(&self, input: Shape, classes: usize) -> Result<usize> {
        let per_layer = |map: Shape, item: Item| match item {
            Item::Conv(outputs) => map.values() * 9 * outputs,
            Item::Pool => 0,
            Item::Hidden(outputs) => map.values() * outputs,
        };
        self.total(input, classes, per_layer)
    }

    /// The number of weights of convolutions and linear layers, without biases and batch norms. Errors as `maps`.
    pub fn weights(&self, input: Shape, classes: usize) -> Result<usize> {
        let per_layer = |map: Shape, item: Item| match item {
            Item::Conv(outputs) => map.channels * 9 * outputs,
            Item::Pool => 0,
            Item::Hidden(outputs) => map.values() * outputs,
        };
        self.total(input, classes, per_layer)
    }

    fn total(&self, input: Shape, classes: usize, per_layer: impl Fn(Shape, Item) -> usize) -> Result<usize> {
        let maps = self.maps(input)?;
        let last = maps[self.items.len()].values() * classes;
        Ok(maps.iter().zip(&self.items).map(|(map, item)| per_layer(*map, *item)).sum::<usize>() + last)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.items.iter().map(Item::to_string).collect();
        f.write_str(&items.join(","))
    }
}

impl FromStr for Arch {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Arch> {
        let named = NAMED.iter().find(|(name, _)| *name == text);
        let spec = named.map_or(text, |(_, spec)| spec);
        let parse = || spec.split(',').map(str::parse).collect::<Result<Vec<Item>>>().and_then(Arch::new);
        parse().map_err(|why| {
            let names = NAMED.map(|(name, _)| name).join(", ");
            Failure::Usage(format!("architecture `{text}`: {why}; named ones are {names}")).into()
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const GRAY: Shape = Shape { height: 28, width: 28, channels: 1 };

    fn refused(spec: &str, with: &str) {
        let message = spec.parse::<Arch>().unwrap_err().to_string();
        assert!(message.contains(with), "{message}");
    }

    #[test]
    fn every_name_and_its_spec_are_the_same_architecture() {
        for (name, spec) in NAMED {
            let arch: Arch = name.parse().unwrap();
            assert_eq!((arch.to_string().as_str(), arch.name().as_str()), (spec, name));
        }
        let arch: Arch = " 8, p,f32".parse().unwrap();
        assert_eq!((arch.to_string().as_str(), arch.name().as_str()), ("8,P,F32", "8-P-F32"));
    }

    #[test]
    fn nonsense_is_refused_with_advice() {
        refused("8,X", "`X` is no layer");
        refused("0,P", "from 1 to");
        refused("", "no layer");
        refused("8,F10,P", "before the first F layer");
        refused("vgg99", "vgg-small");
    }

    #[test]
    fn a_pool_too_many_is_named_with_the_way_out() {
        let message = "vgg16".parse::<Arch>().unwrap().maps(GRAY).unwrap_err().to_string();
        assert!(message.contains("512,512,512,P,512,512,512") && message.contains("1x1"), "{message}");
    }

    #[test]
    fn counts_are_those_by_hand() {
        let arch: Arch = "2,P,F3".parse().unwrap();
        assert_eq!(arch.macs(GRAY, 10).unwrap(), 28 * 28 * 9 * 2 + 14 * 14 * 2 * 3 + 30);
        assert_eq!(arch.weights(GRAY, 10).unwrap(), 18 + 14 * 14 * 2 * 3 + 30);
    }
}
