//! What training promises: the loss falls, the same seed trains the same network, an interruption changes nothing.

use anyhow::Result;

use super::{CLASSES, images, network};
use crate::network::Network;
use crate::network::evaluate::{answers, highest, logits};
use crate::network::train::{FitOptions, State, Watch, distill, fit, resume};

fn options() -> FitOptions {
    FitOptions { epochs: 3.0, batch: 16, learning_rate: 0.02, warm_up: 0.0, shifts: 1, ..FitOptions::default() }
}

/// Keeps all that a training reports.
#[derive(Default)]
struct Diary {
    losses: Vec<f64>,
    states: Vec<State>,
}

impl Watch for Diary {
    fn step(&mut self, _done: usize, loss: f64, _images: usize) {
        self.losses.push(loss);
    }

    fn epoch(&mut self, state: &State) -> Result<()> {
        self.states.push(state.clone());
        Ok(())
    }
}

fn trained(options: &FitOptions) -> (Network, Diary) {
    let mut diary = Diary::default();
    let trained = fit(network(1), &images(64), options, &mut diary).expect("trains");
    (trained, diary)
}

#[test]
fn training_lowers_the_loss() {
    let (_, diary) = trained(&FitOptions { epochs: 10.0, ..options() });
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&diary.losses[..4]), mean(&diary.losses[36..]));
    assert_eq!(diary.losses.len(), 40);
    assert!(last < 0.8 * first, "from {first} to {last}");
}

#[test]
fn a_resumed_training_ends_where_an_uninterrupted_one_does() {
    let (whole, diary) = trained(&options());
    assert_eq!(diary.states.iter().map(|state| state.steps).collect::<Vec<_>>(), [4, 8, 12]);
    for state in diary.states {
        let resumed = resume(state, &images(64), &options(), &mut ()).expect("trains");
        assert_eq!(resumed, whole);
    }
}

#[test]
fn the_seed_decides() {
    let network = |seed| trained(&FitOptions { seed, ..options() }).0;
    assert_eq!(network(1), network(1));
    assert_ne!(network(1), network(2));
}

#[test]
fn a_part_of_an_epoch_is_a_part_of_its_steps() {
    for (epochs, images, steps) in [(0.5, 64, 2), (1.25, 64, 5), (1.0, 70, 4), (1.0, 3, 1)] {
        assert_eq!(FitOptions { epochs, ..options() }.steps(images), steps, "{epochs} epochs of {images} images");
    }
    let (_, diary) = trained(&FitOptions { epochs: 1.25, ..options() });
    assert_eq!(diary.states.iter().map(|state| state.steps).collect::<Vec<_>>(), [4, 5]);
}

#[test]
fn a_loss_that_is_no_number_ends_the_training_with_advice() {
    let wild = FitOptions { learning_rate: 1e30, ..options() };
    let message = fit(network(1), &images(64), &wild, &mut ()).expect_err("diverges").to_string();
    assert!(message.contains("lower the learning rate"), "{message}");
}

#[test]
fn what_cannot_be_trained_on_is_refused() {
    let none = fit(network(1), &images(0), &options(), &mut ()).expect_err("no image").to_string();
    assert!(none.contains("choose another --data"), "{none}");
    let mut turned = images(4);
    (turned.shape.height, turned.shape.width) = (8, 9);
    let size = fit(network(1), &turned, &options(), &mut ()).expect_err("another size").to_string();
    assert!(size.contains("the images are 8x9x2, the network takes 9x8x2"), "{size}");
}

#[test]
fn a_pupil_learns_its_teachers_answers_and_not_the_labels() {
    let (teacher, _) = trained(&FitOptions { epochs: 10.0, ..options() });
    let mut unlabelled = images(64);
    unlabelled.labels.fill(0);
    let agreement = |pupil: &Network| {
        let answers = |network| logits(network, &unlabelled).expect("runs");
        let (pupil, teacher) = (answers(pupil), answers(&teacher));
        let pairs = pupil.chunks_exact(CLASSES).zip(teacher.chunks_exact(CLASSES));
        pairs.filter(|(pupil, teacher)| highest(pupil) == highest(teacher)).count()
    };
    let before = agreement(&network(2));
    let long = FitOptions { epochs: 20.0, flips: false, shifts: 0, ..options() };
    let answers = answers(&teacher, &unlabelled).expect("runs");
    let refused = distill(network(2), &answers, &unlabelled, &FitOptions { flips: true, ..long.clone() }, &mut ());
    assert!(refused.expect_err("flips").to_string().contains("neither flip nor shift"));
    let refused = distill(network(2), &answers[1..], &unlabelled, &long, &mut ());
    assert!(refused.expect_err("one too few").to_string().contains("answers for 64 images"));
    let pupil = distill(network(2), &answers, &unlabelled, &long, &mut ()).expect("trains");
    let after = agreement(&pupil);
    assert!(after > before && after > 32, "the pupil agreed on {before} of 64 images, now on {after}");
}
