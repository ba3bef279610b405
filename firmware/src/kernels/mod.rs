//! The operators, one file each. Every kernel trusts its arguments: `Model::parse` proved them.

#[cfg(feature = "conv2d")]
pub mod conv2d;
#[cfg(feature = "linear")]
pub mod linear;
#[cfg(feature = "max-pool2d")]
pub mod max_pool2d;

#[cfg(feature = "conv2d")]
pub use conv2d::conv2d;
#[cfg(feature = "linear")]
pub use linear::linear;
#[cfg(feature = "max-pool2d")]
pub use max_pool2d::max_pool2d;

use secateur_shared::layer::Layer;

/// Whether this build has the layer's operator.
pub fn built_in(layer: &Layer) -> bool {
    match layer {
        Layer::Conv2d(_) => cfg!(feature = "conv2d"),
        Layer::MaxPool2d(_) => cfg!(feature = "max-pool2d"),
        Layer::Linear(_) => cfg!(feature = "linear"),
    }
}

/// sum (x - z_in) * w over two runs of equal length.
#[cfg(any(feature = "conv2d", feature = "linear"))]
#[inline(always)]
fn dot(input: &[i8], weights: &[i8], offset: secateur_shared::quant::InputOffset) -> i32 {
    let products = input.iter().zip(weights).map(|(x, w)| offset.shift(*x) * i32::from(*w));
    products.fold(0, i32::wrapping_add)
}
