//! The order of a layer's weights in the payload, kernel ABI 2: what fast kernels of every core read word by word.
//!
//! A depthwise convolution's are those of one output after the other, row by row: see [`Order::Plain`]. All others'
//! outputs go in pairs, and a pair's weights alternate: a word holds two positions of two outputs, `[a0 b0 a1 b1]`.
//! Three parts follow each other, so that every word is aligned whatever the sizes:
//! 1. for each pair, its weights at all positions but a last odd one;
//! 2. where the number of positions is odd, for each pair its two weights at the last;
//! 3. where the number of outputs is odd, the last output's weights, position after position.

/// The order of a layer's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// That of this page.
    #[default]
    Pairs,
    /// One output after the other, position after position.
    Plain,
}

/// Where an output's weights lie among the layer's: at all positions but the last, so many apart; and at the last.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    first: usize,
    step: usize,
    count: usize,
    last: usize,
}

impl Row {
    /// Where its weight at a position lies.
    #[inline(always)]
    pub fn index(&self, position: usize) -> usize {
        if position + 1 == self.count { self.last } else { self.first + position * self.step }
    }
}

impl Order {
    /// Where an output's weights at its positions (of `per_output`: OHWI's HWI, or OI's I) lie among the layer's.
    // Firmware has it once.
    #[inline(never)]
    pub fn row(self, outputs: usize, per_output: usize, output: usize) -> Row {
        let (pairs, even) = (outputs / 2, per_output & !1);
        let (pair, lane) = (output / 2, output % 2);
        let is_alone = self == Self::Plain || pair == pairs;
        // All before it are whole, also where they are pairs.
        let (first, step) = if is_alone { (output * per_output, 1) } else { (2 * pair * even + lane, 2) };
        let is_odd = !is_alone && per_output % 2 == 1;
        let last = if is_odd { 2 * (pairs * even + pair) + lane } else { first + per_output.saturating_sub(1) * step };
        Row { first, step, count: per_output, last }
    }
}

/// Where an output's weight at a position lies, in pairs: see [`Order::row`].
pub fn index(outputs: usize, per_output: usize, output: usize, position: usize) -> usize {
    Order::Pairs.row(outputs, per_output, output).index(position)
}

/// A pair of outputs' weights.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'b> {
    /// At all positions but a last odd one: `[a0 b0 a1 b1 ..]`, whole words.
    pub words: &'b [i8],
    /// `[a b]` at the last position where their number is odd, else nothing.
    pub last: &'b [i8],
}

/// The weights of a pair of outputs; `None` past the last pair.
#[inline(always)]
pub fn pair(weights: &[i8], outputs: usize, per_output: usize, pair: usize) -> Option<Pair<'_>> {
    let (pairs, even, odd) = (outputs / 2, per_output & !1, per_output & 1);
    let words = weights.get(2 * even * pair..)?.get(..2 * even)?;
    let last = weights.get(2 * (pairs * even + odd * pair)..)?.get(..2 * odd)?;
    (pair < pairs).then_some(Pair { words, last })
}

/// The weights of the last output where their number is odd.
#[inline(always)]
pub fn single(weights: &[i8], outputs: usize, per_output: usize) -> Option<&[i8]> {
    weights.get(outputs / 2 * 2 * per_output..).filter(|_| outputs % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// Every output's weights, gathered from pairs and single.
    fn gathered(weights: &[i8], outputs: usize, per_output: usize) -> Vec<Vec<i8>> {
        let mut rows = Vec::new();
        for index in 0.. {
            let Some(pair) = pair(weights, outputs, per_output, index) else { break };
            let lane = |lane| pair.words.iter().chain(pair.last).skip(lane).step_by(2).copied().collect();
            rows.extend([lane(0), lane(1)]);
        }
        rows.extend(single(weights, outputs, per_output).map(<[i8]>::to_vec));
        rows
    }

    #[test]
    fn packing_is_a_permutation_that_pairs_undo() {
        for (outputs, per_output) in (1..=5).flat_map(|outputs| (1..=5).map(move |per_output| (outputs, per_output))) {
            let natural: Vec<i8> = (0..outputs * per_output).map(|value| value as i8).collect();
            let mut packed = std::vec![-1_i8; natural.len()];
            for (output, row) in natural.chunks(per_output).enumerate() {
                for (position, weight) in row.iter().enumerate() {
                    packed[index(outputs, per_output, output, position)] = *weight;
                }
            }
            let rows: Vec<Vec<i8>> = natural.chunks(per_output).map(<[i8]>::to_vec).collect();
            assert_eq!(gathered(&packed, outputs, per_output), rows, "{outputs} of {per_output}");
        }
    }
}
