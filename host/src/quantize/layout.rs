//! A float architecture as the engine's layer table.

use anyhow::{Result, ensure};
use secateur_shared::layer::{Conv2d, Layer, Linear, Pool2d, Table, Window};
use secateur_shared::quant::{Activation, ZeroPoint};

use crate::data::Shape;
use crate::network::{Arch, Item};

/// The layer of an item, with ReLU fused; the zero point is its output's, or nobody's for a pool.
pub fn layer(item: Item, zero_point: ZeroPoint) -> Result<Layer> {
    let activation = Activation::relu(zero_point);
    Ok(match item {
        Item::Conv(outputs) => Layer::Conv2d(Conv2d {
            outputs: narrow(outputs)?,
            window: Window::around(3),
            is_pooled: false,
            zero_point,
            activation,
        }),
        Item::Pool => Layer::MaxPool2d(Pool2d::HALVING),
        Item::Hidden(outputs) => Layer::Linear(Linear { outputs: narrow(outputs)?, zero_point, activation }),
    })
}

/// The layer to the logits.
pub fn classifier(classes: usize, zero_point: ZeroPoint) -> Result<Layer> {
    let outputs = narrow(classes)?;
    Ok(Layer::Linear(Linear { outputs, zero_point, activation: Activation::NONE }))
}

/// The engine's name of an image's size.
pub fn shape(shape: Shape) -> Result<secateur_shared::Shape> {
    let (height, width) = (narrow(shape.height)?, narrow(shape.width)?);
    Ok(secateur_shared::Shape { height, width, channels: narrow(shape.channels)? })
}

/// The table of an architecture, its zero points not known yet: good for counting bytes, which do not depend on them.
///
/// # Errors
/// An architecture that does not fit the images or the format.
pub fn table(arch: &Arch, input: Shape, classes: usize) -> Result<Table> {
    let unknown = ZeroPoint(0);
    let mut table = Table::new(shape(input)?, unknown);
    for item in arch.items() {
        table.push(layer(*item, unknown)?)?;
    }
    table.push(classifier(classes, unknown)?)?;
    Ok(table)
}

fn narrow(count: usize) -> Result<u16> {
    let narrow = u16::try_from(count).unwrap_or(0);
    ensure!(narrow > 0, "a size of {count} is not within the blob format's 1 to 65,535");
    Ok(narrow)
}
