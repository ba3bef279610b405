//! What pruning and surveying start from: a trained network, and data that fits it.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::data::{self, DataSet};
use crate::network::Network;

/// Reads both.
///
/// # Errors
/// What cannot be read; images of another size, or of other classes, than the network's.
pub fn open(network: &Path, data: &str) -> Result<(Network, DataSet)> {
    let (path, network, data) = (network.display(), Network::load(network)?, data::load(data)?);
    ensure!(
        (data.shape(), data.classes) == (network.input, network.classes),
        "{} holds images of {} in {} classes, the network {path} takes {} in {}: give the --data that it was trained on, or another --network",
        data.name,
        data.shape(),
        data.classes,
        network.input,
        network.classes
    );
    Ok((network, data))
}
