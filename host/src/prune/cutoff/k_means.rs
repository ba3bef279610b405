//! k-means in the plane.

use rand::Rng;

/// A place in the plane.
pub(super) type Point = [f64; 2];

/// Lloyd's iteration settles far earlier on the few points of a curve.
const MOST_ROUNDS: usize = 100;

/// Points that belong together, by index; never empty.
pub(super) type Cluster = Vec<usize>;

/// Two start centers by k-means++: the second drawn by its squared distance to the first. Arthur and Vassilvitskii
/// 2007.
pub(super) fn start(points: &[Point], random: &mut impl Rng) -> Vec<Point> {
    let first = points[random.random_range(0..points.len())];
    let weights: Vec<f64> = points.iter().map(|point| squared_distance(*point, first)).collect();
    let mut left = random.random::<f64>() * weights.iter().sum::<f64>();
    let drawn = weights.iter().position(|weight| {
        left -= weight;
        left < 0.0
    });
    vec![first, drawn.map_or(first, |drawn| points[drawn])]
}

/// Lloyd 1982: points go to the nearest center (of equal ones the first), centers to their points' mean, until none
/// moves.
///
/// Centers that no point is nearest to are dropped.
pub(super) fn settle(points: &[Point], mut centers: Vec<Point>) -> Vec<Cluster> {
    let mut clusters = assign(points, &centers);
    for _ in 0..MOST_ROUNDS {
        centers = clusters.iter().map(|cluster| mean(points, cluster)).collect();
        let moved = assign(points, &centers);
        if moved == clusters {
            break;
        }
        clusters = moved;
    }
    clusters
}

fn assign(points: &[Point], centers: &[Point]) -> Vec<Cluster> {
    let mut clusters = vec![Cluster::new(); centers.len()];
    for (index, point) in points.iter().enumerate() {
        let distance = |center: &usize| squared_distance(*point, centers[*center]);
        let nearest = (0..centers.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.into_iter().for_each(|nearest| clusters[nearest].push(index));
    }
    clusters.retain(|cluster| !cluster.is_empty());
    clusters
}

/// The center of a cluster's points.
pub(super) fn mean(points: &[Point], cluster: &Cluster) -> Point {
    let sum = |axis: usize| cluster.iter().map(|&index| points[index][axis]).sum::<f64>();
    [0, 1].map(|axis| sum(axis) / cluster.len() as f64)
}

/// ||a - b||^2.
pub(super) fn squared_distance(a: Point, b: Point) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)
}
