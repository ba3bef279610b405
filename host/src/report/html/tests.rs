//! The page of a fixed report: well-formed, complete, on its own, and deaf to what names say.

use std::collections::BTreeSet;

use serde_json::Value;

use super::page;
use crate::report::details::Difference;
use crate::report::{Report, thousands};
use crate::rig::bench::cycles::Source;
use crate::rig::bench::figures::Runs;

/// What `prune` and `bench` wrote of a small network, `8,P,16,P,F32`.
const EXAMPLE: &str = include_str!("tests/report.json");

fn example() -> Report {
    serde_json::from_str(EXAMPLE).expect("a report of this version")
}

fn drawn(report: &Report) -> String {
    let page = page(report).expect("drawn");
    check_well_formed(&page);
    page
}

/// Every element is closed in its turn, every attribute quoted.
fn check_well_formed(page: &str) {
    let mut open = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").expect("a doctype first");
    for piece in body.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("`<{piece}` has no end"));
        assert!(!text.contains('>') || open.last() == Some(&"style") || tag.starts_with("style"), "`{text}`");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of turn");
            continue;
        }
        let tag_only = tag.trim_end_matches('/');
        let outside: String = tag_only.split('"').step_by(2).collect();
        assert_eq!(tag_only.matches('"').count() % 2, 0, "`{tag}`");
        assert_eq!(outside.matches('=').count() * 2, tag_only.matches('"').count(), "an attribute of `{tag}`");
        if !tag.ends_with('/') {
            open.push(tag.split([' ', '\n']).next().unwrap_or(tag));
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// The page's text without its tags, entities as letters.
fn text(page: &str) -> String {
    let pieces = page.split('<').filter_map(|piece| piece.split_once('>')).map(|(_, text)| text);
    let text: String = pieces.collect::<Vec<_>>().join(" ");
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(text, |text, (entity, letter)| text.replace(entity, letter))
}

#[test]
fn every_figure_is_in_the_page() {
    let report = example();
    let text = text(&drawn(&report));
    let value: Value = serde_json::from_str(EXAMPLE).expect("JSON");
    let mut missing = BTreeSet::new();
    let mut look = |key: &str, figure: String| {
        if !text.contains(&figure) {
            missing.insert(format!("{key}: {figure}"));
        }
    };
    for (key, figure) in leaves(&value, String::new()) {
        // Curves are drawn, the cycles' source has its note; times and the clock are the table for people's.
        if ["/seconds/", "/clock_hz", "/survey/curves/", "/cycles/source"].iter().any(|part| key.contains(part)) {
            continue;
        }
        match figure {
            Value::String(figure) => look(&key, figure),
            Value::Number(figure) if figure.is_u64() => look(&key, thousands(figure.as_u64().expect("a count"))),
            Value::Number(figure) if key.contains("accuracy") || key.contains("cmi_kept") => {
                look(&key, format!("{:.2} %", 100.0 * figure.as_f64().expect("a share")));
            }
            _ => {}
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

fn leaves(value: &Value, key: String) -> Vec<(String, Value)> {
    match value {
        Value::Object(map) => map.iter().flat_map(|(name, value)| leaves(value, format!("{key}/{name}"))).collect(),
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(index, value)| leaves(value, format!("{key}/{index}"))).collect()
        }
        leaf => vec![(key, leaf.clone())],
    }
}

#[test]
fn names_are_text_whatever_they_hold() {
    let hostile = "<script>alert('1')</script>\"&\u{1}";
    let mut report = example();
    for name in [&mut report.name, &mut report.board, &mut report.kind, &mut report.data, &mut report.observer] {
        hostile.clone_into(name);
    }
    for layer in &mut report.layers {
        hostile.clone_into(&mut layer.name);
    }
    let details = &mut report.details;
    details.made_by.iter_mut().for_each(|made| hostile.clone_into(&mut made.command));
    details.board.iter_mut().for_each(|board| hostile.clone_into(&mut board.chip));
    details.steps.iter_mut().for_each(|step| hostile.clone_into(&mut step.name));
    details.arena.iter_mut().for_each(|step| hostile.clone_into(&mut step.name));
    let page = drawn(&report);
    assert!(!page.contains("<script") && !page.contains('\u{1}'));
    assert!(text(&page).contains("<script>alert('1')</script>\"&\u{fffd}"));
}

#[test]
fn the_page_needs_nothing_else() {
    let page = drawn(&example());
    for outside in ["http", "src=", "href", "@import", "url(", "<script", "<link", "<img", "onload"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn the_board_has_its_say() {
    let mut report = example();
    assert!(text(&drawn(&report)).contains("Every logit equal"));
    report.bit_exact = Some(false);
    report.details.difference =
        Some(Difference { image: 3, device: vec![-7, 9], desk: vec![-7, 8], layer: "layer 2".to_owned() });
    let words = text(&drawn(&report));
    assert!(words.contains("number 3") && words.contains("[-7, 9]") && words.contains("[-7, 8]"));
    (report.bit_exact, report.accuracy.device) = (None, None);
    assert!(text(&drawn(&report)).contains("Not run on a board"));
}

#[test]
fn cycles_of_a_board_on_the_desk_are_not_called_emulated() {
    let mut report = example();
    let cycles = report.details.cycles.as_mut().expect("counted");
    assert!(text(&drawn(&example())).contains("counted on the emulated netduinoplus2"));
    let runs = Some(Runs { images: 5, clock_hz: 100_000_000 });
    (cycles.source, cycles.core, cycles.runs) = (Source::Counter, None, runs);
    cycles.layers.iter_mut().for_each(|layer| layer.instructions = None);
    let words = text(&drawn(&report));
    let (_, section) = words.split_once("Cycles of one image").expect("a section");
    for words in ["netduinoplus2 itself (hardware), images: 5", "cycles (median)", "least", "11 ms at 100 MHz"] {
        assert!(section.contains(words), "`{words}` is not in {section}");
    }
    assert!(!section.contains("not hardware") && !section.contains("estimate"), "{section}");
}

#[test]
fn a_report_without_details_has_a_page_of_what_it_knows() {
    let mut value: Value = serde_json::from_str(EXAMPLE).expect("JSON");
    value.as_object_mut().expect("an object").remove("details");
    let report: Report = serde_json::from_value(value).expect("an earlier report");
    let words = text(&drawn(&report));
    assert!(words.contains("Accuracy") && !words.contains("The arena over time") && !words.contains("Cycles"));
}

#[test]
fn what_lies_outside_a_scale_stays_inside_the_drawing() {
    let mut report = example();
    report.linked.flash_bytes = u32::MAX;
    report.memory.stack_high_water_bytes = Some(u32::MAX);
    report.memory.arena_bytes = 0;
    report.details.survey.iter_mut().for_each(|survey| survey.curves.iter_mut().for_each(Vec::clear));
    drawn(&report);
}
