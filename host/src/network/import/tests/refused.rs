//! What does not fit is refused, and named.

use super::*;
use crate::network::import::output;

fn refused(change: impl FnOnce(&mut Vec<Entry>), with: &[&str]) {
    let message = format!("{:#}", changed(change).err().expect("refused"));
    for part in with {
        assert!(message.contains(part), "{message}");
    }
}

fn tensor<'a>(entries: &'a mut [Entry], name: &str) -> &'a mut Entry {
    entries.iter_mut().find(|(found, ..)| found == name).expect("a tensor")
}

#[test]
fn a_shape_that_does_not_fit_is_named_with_its_layer() {
    refused(
        |entries| {
            let (_, shape, values) = tensor(entries, "features.4.weight");
            (*shape, *values) = (vec![4, 3, 1, 1], vec![0.0; 12]);
        },
        &["features.4.weight is [4, 3, 1, 1]", "conv2 of 3,P,4,F5 takes [4, 3, 3, 3]", "its input is 2x3x3"],
    );
    refused(
        |entries| {
            let (_, shape, values) = tensor(entries, "classifier.2.running_var");
            (*shape, *values) = (vec![1], vec![1.0]);
        },
        &["classifier.2.running_var is [1]", "hidden1 of 3,P,4,F5 takes [5]"],
    );
}

#[test]
fn a_tensor_that_is_not_there_is_named() {
    refused(
        |entries| entries.retain(|(name, ..)| name != "features.1.running_var"),
        &["features.1.running_var is not in the file, conv1"],
    );
    refused(|entries| entries.retain(|(name, ..)| name != "features.0.weight"), &["1 convolutions (features.4)"]);
    refused(Vec::clear, &["holds no tensor"]);
}

#[test]
fn numbers_that_cannot_be_are_named() {
    let set = |name: &'static str, value: f32| move |entries: &mut Vec<Entry>| tensor(entries, name).2[1] = value;
    refused(set("features.4.weight", f32::NAN), &["features.4.weight holds NaN at index 1"]);
    refused(set("classifier.4.bias", f32::INFINITY), &["classifier.4.bias holds inf"]);
    refused(set("features.1.running_var", -1.0), &["features.1.running_var has a number below 0"]);
}

#[test]
fn a_network_of_this_program_needs_no_import() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("network.safetensors");
    import(&plan(fixture("tiny.pth")), &data()).expect("imports").network.save(&path).expect("writes");
    assert!(
        refusal(&plan(path.clone())).contains("give it to the other verbs by --network"),
        "{}",
        refusal(&plan(path))
    );
}

#[test]
fn integers_are_no_weights() {
    for name in ["tiny.pth", "tiny.safetensors"] {
        let source = Source::open(&fixture(name)).expect("a fixture");
        let message = source.read("features.1.num_batches_tracked").expect_err("refused").to_string();
        assert!(message.contains("num_batches_tracked holds I64: save the float weights"), "{message}");
    }
}

#[test]
fn what_no_layer_takes_is_listed() {
    let imported = changed(|entries| entries.push(("optimizer.step".to_owned(), vec![1], vec![3.0]))).expect("imports");
    assert_eq!(imported.unused, ["optimizer.step"]);
    assert!(super::super::remarks(&imported).contains("not used: optimizer.step"));
}

#[test]
fn another_architecture_or_input_is_refused() {
    let arch = |arch: &str| Plan { arch: arch.parse().expect("fits"), ..plan(fixture("tiny.pth")) };
    assert!(
        refusal(&arch("3,P,4,F6")).contains("classifier.1.weight is [5, 24], hidden1"),
        "{}",
        refusal(&arch("3,P,4,F6"))
    );
    assert!(refusal(&arch("3,4,F5")).contains("takes [5, 120]"), "{}", refusal(&arch("3,4,F5")));
    let input = TheirInput { mean: vec![0.1; 3], std: vec![1.0] };
    let message = refusal(&Plan { input, ..plan(fixture("tiny.pth")) });
    assert!(message.contains("--mean has 3 numbers, the images 2 channels"), "{message}");
    let check = |mean: f32, std: f32| TheirInput { mean: vec![mean], std: vec![std] }.check();
    assert!(check(0.5, 0.5).is_ok());
    for (mean, std) in [(123.7, 1.0), (-0.1, 1.0), (f32::NAN, 1.0), (0.0, 0.0), (0.0, f32::NAN)] {
        assert!(check(mean, std).is_err(), "{mean} {std}");
    }
}

#[test]
fn a_map_that_does_not_fit_says_where() {
    let folder = tempfile::tempdir().expect("a folder");
    let map = folder.path().join("map");
    let all = "conv1 = features.0\nconv2 = features.4\nhidden1 = classifier.1\nclassifier = classifier.4\n";
    let cases = [
        ("conv1 features.0", "line 1 is not `ours = theirs`"),
        ("conv1 = ", "line 1 lacks a name"),
        ("conv1 = features.0\nconv1 = features.4", "line 2 names conv1 again"),
        ("conv1 = features.0", "nothing is said of conv2"),
        (&format!("{all}conv3 = features.6"), "`conv3` is no layer or tensor of 3,P,4,F5"),
        (&format!("{all}classifier.norm = classifier.2"), "`classifier.norm` is no layer"),
        (&format!("{all}conv1.norm.gamma = features.1.weight"), "conv1.norm lacks its mean"),
        (&format!("{all}conv1.norm = features.2"), "features.2.running_mean is not in the file"),
        (&format!("{all}conv1.bias = bias"), "bias is not in the file, which holds classifier.1.weight"),
    ];
    for (text, with) in cases {
        std::fs::write(&map, text).expect("writes");
        let message = refusal(&Plan { map: Some(map.clone()), ..plan(fixture("tiny.pth")) });
        assert!(message.contains(with), "{text}: {message}");
    }
}

#[test]
fn the_file_to_import_is_never_written_over() {
    let plan = |to: Option<PathBuf>| Plan { output: to, ..plan(fixture("tiny.safetensors")) };
    let message = output(&plan(Some(fixture("tiny.safetensors"))), &data()).expect_err("refused").to_string();
    assert!(message.contains("name another"), "{message}");
    let default = output(&plan(None), &data()).expect("another file");
    assert_eq!(default, Path::new("out/tiny-tiny.safetensors"));
}
