//! Images and weights in; a report, a model and an image out, that agree with each other and with the board.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use secateur::network::{BatchNorm, Conv, Layer};
use secateur::prune::across::{Direction, Formulation, Walk};
use secateur::prune::cutoff::Cutoff;
use secateur::prune::drop_layers::Limits;
use secateur::prune::verb::{Request, run};
use secateur::prune::{Budget, Plan, Work, budget, surgery};
use secateur::report::{self as figures, html};
use secateur::rig::target::Target;
use secateur::rig::{image, verb as rig};
use secateur_tests::small::{Small, tight};
use serde_json::Value;

/// What a key of the report holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Count,
    Fraction,
    Seconds,
    Flag,
}
use Kind::{Count, Flag, Fraction, Seconds, Text};

/// The keys that scripts rely on.
const KEYS: [(&str, Kind); 33] = [
    ("/board", Text),
    ("/kind", Text),
    ("/budget/flash_bytes", Count),
    ("/budget/ram_bytes", Count),
    ("/planned/flash_bytes", Count),
    ("/planned/ram_bytes", Count),
    ("/linked/flash_bytes", Count),
    ("/linked/ram_bytes", Count),
    ("/blob_bytes", Count),
    ("/gap_bytes", Count),
    ("/arena_bytes", Count),
    ("/stack_reserve_bytes", Count),
    ("/stack_high_water_bytes", Count),
    ("/accuracy/baseline_float", Fraction),
    ("/accuracy/pruned_float", Fraction),
    ("/accuracy/pruned_int8", Fraction),
    ("/accuracy/device", Fraction),
    ("/images/host", Count),
    ("/images/device", Count),
    ("/bit_exact", Flag),
    ("/filters/before", Count),
    ("/filters/after", Count),
    ("/params/before", Count),
    ("/params/after", Count),
    ("/macs/before", Count),
    ("/macs/after", Count),
    ("/seconds/survey", Seconds),
    ("/seconds/search", Seconds),
    ("/seconds/fine_tune", Seconds),
    ("/seconds/total", Seconds),
    ("/seed", Count),
    ("/layers/0/name", Text),
    ("/layers/0/cmi_kept", Fraction),
];

/// The keys that stay null until a board has run the images.
const DEVICE_KEYS: [&str; 3] = ["/stack_high_water_bytes", "/accuracy/device", "/bit_exact"];

impl Kind {
    fn holds(self, value: &Value) -> bool {
        match self {
            Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Count => value.is_u64(),
            Fraction => value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)),
            Seconds => value.as_f64().is_some_and(|seconds| seconds >= 0.0),
            Flag => value.is_boolean(),
        }
    }
}

fn report(folder: &Path) -> Result<Value> {
    let path = folder.join("report.json");
    serde_json::from_slice(&std::fs::read(&path)?).with_context(|| path.display().to_string())
}

fn value<'r>(report: &'r Value, key: &str) -> &'r Value {
    report.pointer(key).unwrap_or_else(|| panic!("no key {key} in {report:#}"))
}

fn count(report: &Value, key: &str) -> u64 {
    value(report, key).as_u64().unwrap_or_else(|| panic!("{key} is {}", value(report, key)))
}

#[test]
fn a_network_is_pruned_to_the_byte_and_runs_on_the_board() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = Small::make(folder.path())?;
    let request =
        Request { json: Some(folder.path().join("copy.json")), ..small.request("first", tight(&small.whole()?)) };
    run(&request)?;
    let results = small.out.join("first");
    let report = report(&results)?;
    for (key, kind) in KEYS {
        assert!(kind.holds(value(&report, key)), "{key} is {}, expected a {kind:?}", value(&report, key));
    }
    assert_eq!(std::fs::read(folder.path().join("copy.json"))?, std::fs::read(results.join("report.json"))?);
    let page = html::page(&figures::read(&results.join("report.json"))?)?;
    assert!(std::fs::read_to_string(results.join("report.html"))? == page, "the page is not report.json's");
    check_bytes(&report, &results, &small)?;
    check_layers(&report, &small);
    assert_eq!(value(&report, "/bit_exact"), true);
    assert_eq!((count(&report, "/images/device"), count(&report, "/images/host")), (5, 300));
    assert_eq!((count(&report, "/seed"), value(&report, "/kind")), (7, &"emulated".into()));
    assert!(value(&report, "/accuracy/pruned_int8").as_f64() > Some(0.5), "worse than half");
    Ok(())
}

/// Planned is linked is what the files occupy, and within the budget.
fn check_bytes(report: &Value, results: &Path, small: &Small) -> Result<()> {
    let linked = image::measure(&std::fs::read(results.join("image.elf"))?, &small.board)?;
    for (name, used) in [("flash_bytes", linked.flash_bytes), ("ram_bytes", linked.ram_bytes)] {
        let of = |part: &str| count(report, &format!("/{part}/{name}"));
        assert_eq!((of("planned"), of("linked")), (used.into(), used.into()), "{name}");
        assert!(of("linked") <= of("budget"), "{name}: {} of {}", of("linked"), of("budget"));
    }
    let bytes = |key: &str| count(report, &format!("/{key}_bytes"));
    assert_eq!(bytes("blob"), std::fs::metadata(results.join("model.blob"))?.len());
    assert_eq!(bytes("code") + bytes("gap") + bytes("blob"), u64::from(linked.flash_bytes));
    assert_eq!(bytes("static_ram") + bytes("arena") + bytes("stack_reserve"), u64::from(linked.ram_bytes));
    assert!(bytes("stack_high_water") <= bytes("stack_reserve"));
    Ok(())
}

/// Both budgets bite, and the layers add up to the sums.
fn check_layers(report: &Value, small: &Small) {
    let layers = value(report, "/layers").as_array().expect("a list");
    assert_eq!(layers.len(), small.widths().len());
    let sum = |key| layers.iter().map(|layer| count(layer, key)).sum::<u64>();
    for layer in layers {
        assert!((1..=count(layer, "/of")).contains(&count(layer, "/kept")), "{layer}");
        assert!(Text.holds(value(layer, "/name")) && Fraction.holds(value(layer, "/cmi_kept")), "{layer}");
    }
    assert_eq!((sum("/of"), sum("/kept")), (count(report, "/filters/before"), count(report, "/filters/after")));
    assert!(count(&layers[0], "/kept") < count(&layers[0], "/of"), "the RAM budget is met by the widest maps");
    assert!(sum("/macs") < count(report, "/macs/after"), "the classifier is not in the list, but in the sum");
    assert!(count(report, "/params/after") < count(report, "/params/before"));
    assert!(count(report, "/macs/after") < count(report, "/macs/before"));
}

/// Layers alike or not, all that can go is tried; filters fill their widths in the light of other layers.
#[test]
fn every_choice_on_the_way_ends_in_an_image_that_fits() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = Small::make(folder.path())?;
    let budget = tight(&small.whole()?);
    let cases = [
        (Cutoff::XMeans, Formulation::Full, Direction::Bidirectional, None),
        (Cutoff::Scree, Formulation::Compact, Direction::Forward, Some(Limits { likeness: 0.0, loss: 1.0 })),
        (Cutoff::Permutation, Formulation::Full, Direction::Forward, None),
    ];
    for (cutoff, formulation, direction, drop) in cases {
        let walk = Walk { formulation, direction, start: None };
        run(&Request { cutoff, walk, drop, device_images: 2, ..small.request("choices", budget) })?;
        let results = small.out.join("choices");
        let report = report(&results)?;
        check_bytes(&report, &results, &small)?;
        assert_eq!(value(&report, "/bit_exact"), true, "{cutoff:?}");
    }
    Ok(())
}

/// A layer that hands on what it takes is the first to go where time is short, and the chip runs what is left.
#[test]
fn a_layer_whose_time_is_wasted_is_left_out() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut small = Small::make(folder.path())?;
    let macs = small.network.macs()? as u64;
    let outputs = small.widths()[0];
    let is_middle = |at: usize| at % 9 == 4 && at / 9 / outputs == at / 9 % outputs;
    let weight_oihw = (0..outputs * outputs * 9).map(|at| f32::from(u8::from(is_middle(at)))).collect();
    let norm = BatchNorm::identity(outputs);
    small.network.layers.insert(1, Layer::Conv(Conv { inputs: outputs, outputs, weight_oihw, norm }));
    small.network.arch = small.network.arch_of_layers()?;
    small.network.save(&small.network_file)?;
    let whole = small.whole()?;
    let budget = Budget { work: Some(Work::macs(macs)), ..tight(&whole) };
    for formulation in [Formulation::PerLayer, Formulation::Compact] {
        let walk = Walk { formulation, ..Walk::default() };
        run(&Request { walk, device_images: 2, ..small.request("shallower", budget) })?;
        let report = report(&small.out.join("shallower"))?;
        let names = ["/layers/0/name", "/layers/1/name", "/layers/2/name"].map(|key| value(&report, key));
        assert_eq!(names, ["conv1", "conv3", "hidden1"], "{formulation:?}");
        assert!(report.pointer("/layers/3").is_none() && count(&report, "/macs/after") <= macs);
        assert!(count(&report, "/linked/flash_bytes") <= u64::from(budget.flash_bytes));
        assert_eq!(value(&report, "/bit_exact"), true, "{formulation:?}");
    }
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_blob_and_verify_fills_in_the_device() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = Small::make(folder.path())?;
    let budget = tight(&small.whole()?);
    let blob = |out: &str| {
        let request = Request { device_images: 0, out: folder.path().join(out), ..small.request("twice", budget) };
        run(&request)?;
        Ok::<_, anyhow::Error>(std::fs::read(folder.path().join(out).join("twice/model.blob"))?)
    };
    assert!(blob("once")? == blob("again")?, "another blob");
    let results = folder.path().join("again/twice");
    let before = report(&results)?;
    for key in DEVICE_KEYS {
        assert!(value(&before, key).is_null(), "{key} was not measured, but is {}", value(&before, key));
    }
    for images in [3, 4] {
        rig::verify(&rig::Request { folder: results.clone(), images, ..Default::default() })?;
        let after = report(&results)?;
        assert_eq!((count(&after, "/images/device"), value(&after, "/bit_exact")), (images as u64, &true.into()));
        assert!(DEVICE_KEYS.iter().all(|key| !value(&after, key).is_null()));
        assert_eq!(value(&after, "/linked"), value(&before, "/linked"));
    }
    on_another_board_too(&results)
}

/// The same model on two boards at once: each on firmware of its own, and the report is the own board's.
fn on_another_board_too(results: &Path) -> Result<()> {
    let request = |board| {
        let target = Some(Target::parse(board)?);
        Ok::<_, anyhow::Error>(rig::Request { folder: results.to_owned(), target, images: 2, ..Default::default() })
    };
    rig::verify_all(&[request("pico")?, request("netduinoplus2")?])?;
    let after = report(results)?;
    assert_eq!((value(&after, "/board"), count(&after, "/images/device")), (&"netduinoplus2".into(), 2));
    rig::verify(&request("pico")?)?;
    assert!(report(results)? == after, "another board's figures are not the report's");
    let json = results.join("pico.json");
    rig::verify(&rig::Request { json: Some(json.clone()), ..request("pico")? })?;
    let rows: Value = serde_json::from_slice(&std::fs::read(json)?)?;
    assert_eq!((&rows[0]["board"], &rows[0]["device"]["agreeing"]), (&"pico".into(), &2.into()));
    Ok(())
}

#[test]
fn a_byte_less_than_the_plan_needs_gives_a_smaller_plan() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = Small::make(folder.path())?;
    let (survey, firmware) = (small.survey()?, small.firmware()?);
    let ground = small.ground(&firmware);
    let mut budget = tight(&small.whole()?);
    for _ in 0..5 {
        let Plan { widths, memory, .. } = budget::search(&survey.orders(), &ground, budget)?;
        assert!(
            memory.flash_bytes <= budget.flash_bytes && memory.ram_bytes <= budget.ram_bytes,
            "{memory:?}, {budget:?}"
        );
        for ((layer, width), kept) in survey.layers.iter().zip(&widths).zip(surgery::kept(&survey.orders(), &widths)) {
            let first: BTreeSet<usize> = layer.ranking.order[..*width].iter().copied().collect();
            assert!(kept.iter().eq(&first), "{kept:?} of {:?}", layer.ranking.order);
        }
        budget = Budget { flash_bytes: memory.flash_bytes - 1, ..budget };
    }
    Ok(())
}
