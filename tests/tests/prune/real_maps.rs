//! Rankings of the carried network's own maps, alone and beside contributions: what is skipped never mattered.

use anyhow::Result;
use secateur::data;
use secateur::inform::{Criterion, rank};
use secateur::network::{Network, gradients, taps};

/// Few enough for every candidate of every layer to be evaluated in seconds.
const IMAGES: usize = 64;

#[test]
fn the_default_order_is_that_of_evaluating_everything() -> Result<()> {
    let network = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/assets/vgg-small-fashion-mnist.safetensors");
    let network = Network::load(network.as_ref())?;
    let images = data::load(data::DEFAULT)?.train.head(IMAGES);
    let contributions = gradients::contributions(&network, &images)?;
    let maps = taps::maps(&network, &images)?;
    let both: Vec<_> =
        maps.iter().zip(&contributions).map(|(maps, other)| maps.beside(other)).collect::<Result<_>>()?;
    for maps in maps.into_iter().chain(both) {
        let ranked = |exhaustive| {
            let criterion = Criterion { exhaustive, ..Criterion::default() };
            rank(&maps, &images.labels, &criterion, &[], &|_| ())
        };
        let (fast, whole) = (ranked(false)?, ranked(true)?);
        assert_eq!(fast.order, whole.order);
        assert_eq!(fast.information, whole.information);
        assert_eq!(fast.joint_entropy, whole.joint_entropy);
        assert!(fast.proof.skipped > 0 && whole.proof.skipped == 0, "{:?}, {:?}", fast.proof, whole.proof);
        assert!(fast.proof.margin.is_some_and(|margin| margin > 0.0), "{:?}", fast.proof);
    }
    Ok(())
}
