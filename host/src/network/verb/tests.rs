use super::*;
use crate::data::Shape;

fn images() -> Images {
    let shape = Shape { height: 4, width: 4, channels: 1 };
    Images { shape, pixels: (0..128).collect(), labels: vec![0, 1, 0, 1, 0, 1, 0, 1] }
}

fn data() -> DataSet {
    DataSet { name: "tiny".to_owned(), classes: 2, train: images(), validation: images(), test: images() }
}

fn plan(epochs: f64) -> Plan {
    let options = FitOptions { epochs, batch: 4, ..FitOptions::default() };
    let arch = "3,P,F4".parse().expect("an architecture");
    Plan { arch, data: "tiny".to_owned(), options, output: None, resume: true, json: None }
}

/// A state after one epoch, as a file.
fn saved(path: &Path) -> State {
    let fresh = start(&Plan { resume: false, ..plan(1.0) }, &data(), path).expect("starts");
    let mut last = Last(None);
    resume(fresh, &images(), &plan(1.0).options, &mut last).expect("trains");
    let state = last.0.expect("one epoch");
    save_state(&plan(2.0).options, &state, path).expect("saves");
    state
}

struct Last(Option<State>);

impl Watch for Last {
    fn epoch(&mut self, state: &State) -> Result<()> {
        self.0 = Some(state.clone());
        Ok(())
    }
}

fn refused(plan: &Plan, path: &Path) -> String {
    format!("{:#}", start(plan, &data(), path).expect_err("refused"))
}

#[test]
fn a_state_file_holds_all_that_a_training_goes_on_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("network.resume");
    let state = saved(&path);
    let read = start(&plan(2.0), &data(), &path).expect("reads");
    assert_eq!((read.network, read.momentum, read.steps), (state.network, state.momentum, 2));
}

#[test]
fn a_state_file_that_does_not_fit_is_refused_with_advice() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("network.resume");
    assert!(refused(&plan(2.0), &path).contains("leave out --resume"));
    saved(&path);
    assert!(refused(&plan(3.0), &path).contains("give the same flags, or leave out --resume"));
    let bytes = std::fs::read(&path).expect("reads");
    for length in [0, 10, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).expect("writes");
        let message = refused(&plan(2.0), &path);
        assert!(message.contains("cut or damaged: train without --resume"), "{message}");
    }
}
