//! The permutation test on layers whose informative filters are known.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::cmi::layer_grams;
use super::super::{Classes, Condition, Criterion, Maps, Mode, PermutationTest, Tested, rank};

const SAMPLES: usize = 120;
const CLASSES: usize = 4;

/// Filter i < `telling` answers one class, i mod 4; the others answer noise of the same strength.
fn layer(telling: usize, filters: usize, seed: u64) -> (Maps, Vec<u8>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let labels: Vec<u8> = (0..SAMPLES).map(|sample| (sample * 7 % CLASSES) as u8).collect();
    let mut values = Vec::new();
    for filter in 0..filters {
        for &label in &labels {
            let is_own = usize::from(label) == filter % CLASSES;
            let strength = if filter < telling { f32::from(u8::from(is_own)) } else { random.random::<f32>() };
            values.push(strength + 0.2 * random.random::<f32>());
        }
    }
    (Maps::new(SAMPLES, filters, 1, values).expect("maps"), labels)
}

fn tested(maps: &Maps, labels: &[u8], test: PermutationTest) -> Tested {
    let criterion = Criterion { width: 1.0, ..Criterion::default() };
    let order = rank(maps, labels, &criterion, &[], &|_| ()).expect("ranked").order;
    test.run(maps, labels, &criterion, &order, &[]).expect("tested")
}

/// The search offers the luckiest of the noise first, which may pass once or twice.
#[test]
fn filters_that_carry_the_label_are_kept_and_noise_is_not() {
    for telling in 1..=3 {
        let (maps, labels) = layer(telling, 10, 3);
        let tested = tested(&maps, &labels, PermutationTest::default());
        assert!((telling..=telling + 2).contains(&tested.kept), "{telling}: {tested:?}");
        assert_eq!(tested.p_values.len(), tested.kept + 1);
        assert!(tested.p_values[..telling].iter().all(|p| *p == 0.0) && tested.p_values[tested.kept] >= 0.05);
    }
}

#[test]
fn noise_alone_and_silence_keep_nothing() {
    let (maps, labels) = layer(0, 6, 4);
    assert!(tested(&maps, &labels, PermutationTest::default()).kept <= 2);
    let silent = Maps::new(SAMPLES, 2, 1, vec![0.5; 2 * SAMPLES]).expect("maps");
    let silent = tested(&silent, &labels, PermutationTest::default());
    assert_eq!((silent.kept, silent.p_values), (0, vec![0.1]));
}

#[test]
fn the_same_seed_gives_the_same_p_values() {
    let (maps, labels) = layer(2, 6, 5);
    let test = PermutationTest { seed: 7, ..PermutationTest::default() };
    assert_eq!(tested(&maps, &labels, test), tested(&maps, &labels, test));
}

#[test]
fn what_is_given_leaves_a_copy_nothing_to_tell() {
    let (maps, labels) = layer(1, 2, 6);
    let criterion = Criterion { width: 0.3, ..Criterion::default() };
    let given = Condition::new(&maps, &[0, 0, 0], &labels, &criterion).expect("a condition");
    let run =
        |given: &[Condition]| PermutationTest::default().run(&maps, &labels, &criterion, &[0], given).expect("tested");
    assert_eq!(run(&[]).kept, 1);
    assert_eq!(run(&[given]).kept, 0);
}

#[test]
fn the_published_kernels_tell_a_label_from_noise_too() {
    let (maps, labels) = layer(1, 2, 9);
    let strong = (0..2).flat_map(|filter| maps.channel(filter)).map(|value| 20.0 * value).collect();
    let strong = Maps::new(SAMPLES, 2, 1, strong).expect("maps");
    let criterion = Criterion { mode: Mode::Faithful, ..Criterion::default() };
    let run =
        |order: &[usize]| PermutationTest::default().run(&strong, &labels, &criterion, order, &[]).expect("tested");
    assert_eq!((run(&[0]).kept, run(&[1]).kept), (1, 0));
}

#[test]
fn a_permuted_kernel_is_that_of_permuted_samples() {
    let (maps, _) = layer(1, 1, 8);
    let places: Vec<usize> = (0..SAMPLES).map(|place| (place * 49 + 5) % SAMPLES).collect();
    let moved = places.iter().map(|&place| maps.channel(0)[place]).collect();
    let moved = Maps::new(SAMPLES, 1, 1, moved).expect("maps");
    let classes = Classes::new(&[0; SAMPLES]).expect("labels");
    let gram = |maps: &Maps| layer_grams(maps, &classes, &Criterion::default(), 1).1.remove(0);
    let (permuted, expected) = (gram(&maps).permuted(&places), gram(&moved));
    let pairs = permuted.packed().values().iter().zip(expected.packed().values());
    pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-12));
}
