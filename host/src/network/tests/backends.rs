//! Each backend that was built computes what `flex` computes. Where a machine has no device for it its test fails: who
//! asks for it, as by `cargo test --release -p secateur --features wgpu backends`, wants to know.

use burn::tensor::Device;

use super::forward::assert_close;
use super::{images, network};
use crate::data::Images;
use crate::network::Network;
use crate::network::backend::Backend;
use crate::network::batch::tensor;
use crate::network::descent::Descent;
use crate::network::train::{FitOptions, State};
use crate::network::vgg::{Vgg, numbers};

#[cfg(feature = "cuda")]
#[test]
fn cuda_computes_what_flex_computes() {
    assert_as_flex(Backend::Cuda);
}

#[cfg(feature = "ndarray")]
#[test]
fn ndarray_computes_what_flex_computes() {
    assert_as_flex(Backend::Ndarray);
}

#[cfg(feature = "wgpu")]
#[test]
fn wgpu_computes_what_flex_computes() {
    assert_as_flex(Backend::Wgpu);
}

fn assert_as_flex(backend: Backend) {
    let (flex, device) = (Device::flex(), backend.open().expect("a device"));
    let (network, images) = (network(1), images(64));
    let expected = logits(&network, &images, &flex);
    assert_close(&logits(&network, &images, &device), &expected, "logits");
    let [found, expected] = [&device, &flex].map(|device| logits(&trained(&network, &images, device), &images, &flex));
    assert_close(&found, &expected, "logits of the trained network");
}

fn logits(network: &Network, images: &Images, device: &Device) -> Vec<f32> {
    let inputs = tensor(images, 0, images.len(), network.normalization, device);
    numbers(Vgg::new(network, device).expect("has a classifier").forward(inputs)).expect("reads back")
}

/// After an epoch of four steps.
fn trained(network: &Network, images: &Images, device: &Device) -> Network {
    let options = FitOptions { epochs: 1.0, batch: 16, learning_rate: 0.02, warm_up: 0.0, ..FitOptions::default() };
    let state = State { network: network.clone(), momentum: Vec::new(), steps: 0 };
    let mut descent = Descent::new(&state, None, images, &options, device).expect("begins");
    descent.epoch(0..4, &mut ()).expect("trains");
    descent.network(network).expect("reads back")
}
