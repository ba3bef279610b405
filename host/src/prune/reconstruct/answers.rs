//! What layers of the unpruned network answer, and the rows that layers are looked at in.

use std::sync::OnceLock;

use anyhow::Result;
use faer::{Mat, MatRef};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::fit::Affine;
use crate::data::{Images, Shape};
use crate::network::taps::{self, Activations, Passage};
use crate::network::{Layer, Network};

/// Positions of a map that are looked at in an image: its neighbors say the same again.
const POSITIONS: usize = 32;

/// What the layers of a network answer to images, before their ReLU: what those of pruned networks are fitted to. They are
/// computed when they are first asked for, and kept.
pub struct Answers {
    network: Network,
    images: Images,
    /// By layer and batch: a row an image or a position, a column an output. A pool has none.
    layers: OnceLock<Vec<Vec<Mat<f64>>>>,
}

impl Answers {
    /// Of a network, to these images.
    pub fn new(network: &Network, images: &Images) -> Self {
        Self { network: network.clone(), images: images.clone(), layers: OnceLock::new() }
    }

    /// Of another network, to the same images.
    pub fn of_network(&self, network: &Network) -> Self {
        Self::new(network, &self.images)
    }

    /// The images, as another network's first layer takes them.
    pub(super) fn passage(&self, network: &Network) -> Passage {
        Passage::new(network, &self.images)
    }

    /// Of a layer, batch by batch.
    pub(super) fn of(&self, layer: usize) -> Result<&[Mat<f64>]> {
        if let Some(known) = self.layers.get() {
            return Ok(&known[layer]);
        }
        let mut passage = self.passage(&self.network);
        let answers =
            (0..self.network.layers.len()).map(|layer| self.pass(layer, &mut passage)).collect::<Result<_>>()?;
        Ok(&self.layers.get_or_init(|| answers)[layer])
    }

    fn pass(&self, layer: usize, passage: &mut Passage) -> Result<Vec<Mat<f64>>> {
        if self.network.layers[layer] == Layer::Pool {
            return Ok(Vec::new());
        }
        passage.go(&self.network, layer)?;
        let (affine, windows) = (Affine::of(&self.network.layers[layer]), self.windows(layer)?);
        let answer = |batch: usize| -> Result<Mat<f64>> {
            let mut answers = rows(&passage.taken(batch)?, windows, batch).matrix() * &affine.weights;
            let columns = answers.col_iter_mut().zip(&affine.bias);
            columns.for_each(|(column, bias)| column.iter_mut().for_each(|answer| *answer += bias));
            Ok(answers)
        };
        (0..taps::batches(self.images.len()).count()).into_par_iter().map(answer).collect()
    }

    /// Of a convolution, the map that it takes windows of.
    pub(super) fn windows(&self, layer: usize) -> Result<Option<Shape>> {
        let map = self.network.arch.maps(self.network.input)?[layer];
        Ok(matches!(self.network.layers[layer], Layer::Conv(_)).then_some(map))
    }
}

/// Of what a layer takes of a batch: windows at some positions, the same ones in every network, or all that a sample has.
pub(super) fn rows(taken: &Activations, windows: Option<Shape>, batch: usize) -> Rows {
    let mut rng = ChaCha8Rng::seed_from_u64((batch * taps::BATCH) as u64);
    let Some(map) = windows else { return Rows::flat(taken) };
    let places: Vec<Vec<usize>> = (0..taken.samples).map(|_| positions(map, &mut rng)).collect();
    Rows::patches(taken, map, &places)
}

/// Of a map, to be looked at.
fn positions(map: Shape, rng: &mut ChaCha8Rng) -> Vec<usize> {
    let all = map.height * map.width;
    index::sample(rng, all, POSITIONS.min(all)).into_vec()
}

/// Numbers row by row, `x` of one row after the other.
pub(super) struct Rows {
    values: Vec<f64>,
    count: usize,
}

impl Rows {
    /// The 3x3 windows at these positions of every sample, zeros outside the map.
    fn patches(taken: &Activations, map: Shape, places: &[Vec<usize>]) -> Self {
        let samples = taken.values.par_chunks(taken.channels * taken.positions).zip(places);
        let patches = |(maps, places): (&[f32], &Vec<usize>)| {
            let padded: Vec<Vec<f64>> =
                maps.chunks(taken.positions).map(|map_values| padded(map_values, map.width)).collect();
            let mut values = Vec::with_capacity(places.len() * 9 * taken.channels);
            for position in places {
                for map_values in &padded {
                    for row in 0..3 {
                        let from = (position / map.width + row) * (map.width + 2) + position % map.width;
                        values.extend_from_slice(&map_values[from..from + 3]);
                    }
                }
            }
            values
        };
        Self { values: samples.flat_map_iter(patches).collect(), count: places.iter().map(Vec::len).sum() }
    }

    /// All that a sample has.
    fn flat(taken: &Activations) -> Self {
        Self { values: taken.values.iter().map(|value| f64::from(*value)).collect(), count: taken.samples }
    }

    pub(super) fn matrix(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.count, self.values.len() / self.count.max(1))
    }
}

/// A map with a border of zeros.
fn padded(map: &[f32], width: usize) -> Vec<f64> {
    let mut padded = vec![0.0; width + 2];
    for row in map.chunks(width) {
        padded.push(0.0);
        padded.extend(row.iter().map(|value| f64::from(*value)));
        padded.push(0.0);
    }
    padded.resize(padded.len() + width + 2, 0.0);
    padded
}
