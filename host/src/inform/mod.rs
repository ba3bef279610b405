//! How much a layer's filters tell about the label, and in which order they tell most.
//!
//! Filters are ranked by the conditional mutual information c_t = I(Y; R | S_t) between the label Y and the filters R
//! still to come, given the t filters S_t already taken (Vu-Van et al., arXiv 2411.18578). A greedy search takes the
//! filter that leaves the least c behind; see [`rank`].
//!
//! Nothing is binned and no density is fitted. Each channel's maps over n images give a kernel K, and A = K / n has a
//! Renyi entropy by its eigenvalues, S_alpha(A) = ln(tr(A^alpha)) / (1 - alpha), in nats (Sanchez Giraldo et al., arXiv
//! 1211.2459). Several channels have the Hadamard product of their kernels (Yu et al., arXiv 1808.07912), so
//! I(Y; F) = S(Y) + S(F) - S(Y, F). The order alpha is 1.01: near Shannon's 1, where a filter never lowers what the
//! others tell (strong subadditivity), so at 1.01 it may do so by next to nothing.
//!
//! Three choices differ from the published estimator:
//!
//! - *What a filter adds to the logits beside its maps*, where time is bounded or a plan cuts even the first layer. How much of
//!   what the maps tell the rest of the network reads, they do not say. So each filter has its contributions to the logits
//!   (`network::gradients::contributions`) beside its maps ([`Maps::beside`]).
//! - *One sigma per layer.* A sigma per channel scales every channel to the same strength, and with it goes how
//!   strongly a channel responds; that ranks worse than chance. It also fills the joint entropy after a few channels,
//!   whereupon rounding decides; [`LayerRanking::saturated_after`] says where that happens. That sigma is
//!   0.5 times what typically lies between two images in all filters that are kept: it grows with the root of their number,
//!   as the exponents of their kernels add up (`Criterion::keeping`).
//! - *Delta labels.* Two images of a class are alike, two of different classes are not. Ten balanced classes then have
//!   S(Y) = ln 10; the published Gaussian kernel over label columns gives a fifth of it. Sorted by class, each product
//!   with K_Y is block diagonal, and its spectrum costs next to nothing.
//!
//! How stable an order is against the draw of the images, n, alpha and sigma is measured in the README beside this file.
//!
//! Pure: maps (or what stands for them) in, numbers out; no IO, no network, the same result for any number of threads.

mod bound;
mod cka;
mod cmi;
mod condition;
mod gram;
mod kernel;
mod label;
mod labels;
mod maps;
mod marginal;
mod packed;
mod permutation;
mod ranking;
mod renyi;
mod search;
mod spectrum;
#[cfg(test)]
mod tests;
mod tridiagonal;

pub use cka::UnitKernel;
pub use cmi::{evaluations, rank};
pub use condition::Condition;
pub use gram::GramMatrix;
pub use kernel::{GaussianKernel, SquaredDistances};
pub use labels::Classes;
pub use maps::Maps;
pub use marginal::marginal_information;
pub use permutation::{PermutationTest, Tested};
pub use ranking::{Criterion, LayerRanking, Mode, Proof, SATURATION};
pub use renyi::RenyiEntropy;
pub use spectrum::Spectrum;
