//! Pixels to what the network eats.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

use super::weights::Normalization;
use crate::data::{Images, Shape};

/// Normalized images `[n][channel][row][column]` from pixels `[n][row][column][channel]`.
pub fn normalized_nchw(pixels_nhwc: &[u8], shape: Shape, normalization: Normalization) -> Vec<f32> {
    let number: Vec<f32> = (0..=255).map(|pixel| normalization.apply(pixel)).collect();
    let (size, plane) = (shape.values(), shape.height * shape.width);
    let mut values = vec![0.0; pixels_nhwc.len()];
    values.par_chunks_mut(size).zip(pixels_nhwc.par_chunks(size)).for_each(|(chw, hwc)| {
        for (at, &pixel) in hwc.iter().enumerate() {
            chw[at % shape.channels * plane + at / shape.channels] = number[usize::from(pixel)];
        }
    });
    values
}

/// The images `from..to` as a tensor `[n, channels, height, width]` on `device`.
pub fn tensor(images: &Images, from: usize, to: usize, normalization: Normalization, device: &Device) -> Tensor<4> {
    let size = images.shape.values();
    nchw_tensor(&images.pixels[from * size..to * size], images.shape, normalization, device)
}

/// Pixels `[n][row][column][channel]` as a tensor `[n, channels, height, width]` on `device`.
pub fn nchw_tensor(pixels: &[u8], shape: Shape, normalization: Normalization, device: &Device) -> Tensor<4> {
    let values = normalized_nchw(pixels, shape, normalization);
    let count = pixels.len() / shape.values();
    Tensor::from_data(TensorData::new(values, [count, shape.channels, shape.height, shape.width]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_normalized_and_planar() {
        let shape = Shape { height: 1, width: 2, channels: 3 };
        let values = normalized_nchw(&[10, 20, 30, 40, 50, 60], shape, Normalization { mean: 10, deviation: 10.0 });
        assert_eq!(values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
