//! Every golden case: the engine's output of every pass equals TensorFlow Lite Micro's, byte for byte.

use anyhow::{Context, Result};
use secateur_tests::case::{self, Case};

/// The first byte in which a pass's output, by the number of its last layer, is not what the case expects there.
fn difference(case: &Case, found: &[(usize, Vec<i8>)]) -> Option<String> {
    let (last, ends) = (found.last().map(|(layer, _)| layer + 1), case.expected.len());
    if last != Some(ends) {
        return Some(format!("{}: expected {ends} layers, found {}", case.name, last.unwrap_or(0)));
    }
    found.iter().find_map(|(layer, found)| {
        let expected = &case.expected[*layer];
        if expected.len() != found.len() {
            let (expected, found) = (expected.len(), found.len());
            return Some(format!("{}, layer {layer}: expected {expected} bytes, found {found}", case.name));
        }
        let index = expected.iter().zip(found).position(|(expected, found)| expected != found)?;
        let (expected, found) = (expected[index], found[index]);
        Some(format!("{}, layer {layer}, index {index}: expected {expected}, found {found}", case.name))
    })
}

#[test]
fn every_case_equals_tensorflow_lite_micro() -> Result<()> {
    let mut differences = Vec::new();
    for folder in case::folders()? {
        for case in case::cases(&folder)? {
            let found = case.outputs().with_context(|| case.name.clone())?;
            differences.extend(difference(&case, &found));
        }
    }
    assert!(differences.is_empty(), "{} cases differ:\n{}", differences.len(), differences.join("\n"));
    Ok(())
}

#[test]
fn every_operator_has_a_folder_of_cases_that_use_it() -> Result<()> {
    for folder in case::folders()? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().replace('_', "-");
        for case in case::cases(&folder)? {
            let network = case.network()?;
            let operators: Vec<_> = network.table().nodes.iter().map(|node| node.layer.operator()).collect();
            // A sum may need a second term.
            let fits = match &*name {
                "network" => operators.len() > 1,
                "add" => operators == ["add"] || operators == ["conv2d", "add"],
                name => operators == [name],
            };
            assert!(fits, "{}: a case of {operators:?}", case.name);
        }
    }
    Ok(())
}

#[test]
fn a_difference_names_case_layer_index_and_values() -> Result<()> {
    let case = case::cases_of("network")?.swap_remove(0);
    let mut found: Vec<_> = case.expected.iter().cloned().enumerate().collect();
    assert_eq!(difference(&case, &found), None);
    found[2].1[5] ^= 1;
    let (expected, wrong) = (case.expected[2][5], found[2].1[5]);
    let message = format!("{}, layer 2, index 5: expected {expected}, found {wrong}", case.name);
    assert_eq!(difference(&case, &found), Some(message));
    found.pop();
    assert_eq!(difference(&case, &found), Some(format!("{}: expected 7 layers, found 6", case.name)));
    Ok(())
}
