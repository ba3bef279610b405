//! What ranking a layer costs: by the published formula as it is written, by the identity that shortens it, and with the
//! candidates skipped that provably cannot win. Maps are those of the carried network, the order is the same each time,
//! and all runs on one thread, so that the ratios are those of the work.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use rayon::{ThreadPool, ThreadPoolBuilder};
use secateur::data;
use secateur::inform::{
    Classes, Criterion as Estimate, GaussianKernel, GramMatrix, LayerRanking, Maps, RenyiEntropy, Spectrum,
    SquaredDistances, rank,
};
use secateur::network::{Network, taps};

/// Information closer than this, in nats, is a tie; the lower index wins it.
const TIE: f64 = 1e-9;

/// Layers, how many of their first filters, on how many images.
const CASES: [(&str, usize, usize); 2] = [("conv3", 24, 64), ("conv5", 32, 128)];

/// The maps of a layer, and each image's class.
struct Layer {
    name: String,
    maps: Maps,
    labels: Vec<u8>,
}

fn main() -> Result<()> {
    let mut criterion = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).configure_from_args();
    let thread = ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut ratios = Vec::new();
    for layer in layers()? {
        assert_same_order(&layer);
        ratios.push(compare(&mut criterion, &thread, &layer));
    }
    criterion.final_summary();
    ratios.iter().flatten().for_each(|line| println!("{line}"));
    Ok(())
}

fn layers() -> Result<Vec<Layer>> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let network = Network::load(&assets.join("vgg-small-fashion-mnist.safetensors"))?;
    let (names, train) = (network.layer_names(), data::load(data::DEFAULT)?.train);
    let layer = |(name, filters, count)| {
        let images = train.head(count);
        let at = network.prunable().iter().position(|&layer| names[layer] == name);
        let at = at.with_context(|| format!("the network has no {name}"))?;
        let maps = first(&taps::maps(&network, &images)?[at], filters)?;
        Ok(Layer { name: format!("{name}, {filters} filters, {count} images"), maps, labels: images.labels })
    };
    CASES.into_iter().map(layer).collect()
}

/// The maps of the first filters.
fn first(maps: &Maps, filters: usize) -> Result<Maps> {
    let values = (0..filters).flat_map(|filter| maps.channel(filter)).copied().collect();
    Maps::new(maps.samples(), filters, maps.positions(), values)
}

/// Times the three and says how they compare; `None` where the command line leaves one out.
fn compare(criterion: &mut Criterion, thread: &ThreadPool, layer: &Layer) -> Option<String> {
    let mut group = criterion.benchmark_group(&layer.name);
    group.sampling_mode(SamplingMode::Flat);
    let plain = median_seconds(&mut group, "plain", thread, || Plain::new(layer).order());
    let identity = median_seconds(&mut group, "identity", thread, || ranking(layer, true));
    let default = median_seconds(&mut group, "default", thread, || ranking(layer, false));
    group.finish();
    let (name, plain, identity, default) = (&layer.name, plain?, identity?, default?);
    let against_plain = |seconds: f64| format!("{:.1} ms, plain / {:.1}", 1e3 * seconds, plain / seconds);
    let (identity, default) = (against_plain(identity), against_plain(default));
    Some(format!("{name}: plain {:.1} ms; identity {identity}; default {default}", 1e3 * plain))
}

/// What one round of the work took, warm-up included, which a median hardly sees.
fn median_seconds<T>(
    group: &mut BenchmarkGroup<WallTime>,
    name: &str,
    thread: &ThreadPool,
    work: impl Fn() -> T + Sync,
) -> Option<f64> {
    let mut seconds = Vec::new();
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|rounds| {
            let begun = Instant::now();
            thread.install(|| (0..rounds).for_each(|_| drop(black_box(work()))));
            let took = begun.elapsed();
            seconds.push(took.as_secs_f64() / rounds as f64);
            took
        });
    });
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn ranking(layer: &Layer, exhaustive: bool) -> LayerRanking {
    let criterion = Estimate { exhaustive, ..Estimate::default() };
    rank(&layer.maps, &layer.labels, &criterion, &[], &|_| ()).expect("maps and labels fit")
}

/// The published search: from S = {}, always the filter j of the least c = I(Y; R | S), j moved from R to S.
///
/// c = S(Y, S) + S(R, S) - S(Y, R, S) - S(S), each entropy from the kernels of its whole groups and from the eigenvalues of
/// all n rows (Vu-Van et al., arXiv 2411.18578). Kernels and eigenvalues are this project's, so the formula alone differs.
struct Plain {
    entropy: RenyiEntropy,
    label: GramMatrix,
    grams: Vec<GramMatrix>,
    room: Spectrum,
}

impl Plain {
    fn new(layer: &Layer) -> Self {
        let Estimate { alpha, width, .. } = Estimate::default();
        let filters = layer.maps.channels();
        let (classes, samples) = (Classes::new(&layer.labels).expect("labels"), layer.maps.samples());
        let distances = |filter| SquaredDistances::new(&layer.maps, filter, &classes);
        let distances: Vec<_> = (0..layer.maps.channels()).map(distances).collect();
        let kernel = GaussianKernel::of_layer(&distances, width, filters);
        Self {
            entropy: RenyiEntropy::new(alpha).expect("an order over 1"),
            label: same_class(&layer.labels, &classes),
            grams: distances.into_iter().map(|distances| GramMatrix::new(distances, kernel)).collect(),
            room: Spectrum::new(samples),
        }
    }

    /// The filters, and c after each.
    fn order(mut self) -> Vec<(usize, f64)> {
        let (mut order, mut taken) = (Vec::new(), Vec::new());
        let mut rest: Vec<usize> = (0..self.grams.len()).collect();
        while !rest.is_empty() {
            let left: Vec<f64> = (0..rest.len()).map(|at| self.left_behind(&taken, &rest, at)).collect();
            let least = left.iter().copied().fold(f64::INFINITY, f64::min);
            let best = left.iter().position(|&left| left <= least + TIE).expect("a filter left");
            taken.push(rest.remove(best));
            order.push((taken[taken.len() - 1], left[best]));
        }
        order
    }

    /// c with the filter at place `moved` of R in S.
    fn left_behind(&mut self, taken: &[usize], rest: &[usize], moved: usize) -> f64 {
        let taken = self.product(taken.iter().chain([&rest[moved]]));
        let rest = self.product(rest[..moved].iter().chain(&rest[moved + 1..]));
        let nothing = GramMatrix::ones(taken.samples());
        let mut with_rest = taken.clone();
        with_rest.join(&rest);
        let mut entropy = |a: &GramMatrix, b: &GramMatrix| self.entropy.joint(a, b, &mut self.room);
        entropy(&self.label, &taken) + entropy(&rest, &taken)
            - entropy(&self.label, &with_rest)
            - entropy(&taken, &nothing)
    }

    fn product<'a>(&self, filters: impl Iterator<Item = &'a usize>) -> GramMatrix {
        let mut product = GramMatrix::ones(self.label.samples());
        filters.for_each(|&filter| product.join(&self.grams[filter]));
        product
    }
}

/// K_Y with all its rows: 1 within a class, and 0 between classes, which lie too far apart for the kernel.
fn same_class(labels: &[u8], classes: &Classes) -> GramMatrix {
    let places = labels.iter().map(|&label| 1e6 * f32::from(label)).collect();
    let places = Maps::new(labels.len(), 1, 1, places).expect("one place an image");
    GramMatrix::new(SquaredDistances::new(&places, 0, classes), GaussianKernel::published(labels.len(), 1))
}

/// All three leave as much behind at each step: they take the same filter, or one of a tie.
fn assert_same_order(layer: &Layer) {
    let plain = Plain::new(layer).order();
    for exhaustive in [true, false] {
        let ranking = ranking(layer, exhaustive);
        let others = ranking.order.iter().zip(ranking.cmi().into_iter().skip(1));
        for (step, ((filter, left), (&other, other_left))) in plain.iter().copied().zip(others).enumerate() {
            let tied = (left - other_left).abs() < TIE;
            assert!(tied, "{}, step {step}: {filter} leaves {left} nats, {other} {other_left}", layer.name);
        }
    }
}
