//! Which tensor the rule puts where.

use crate::data::Shape;
use crate::network::import::names::{Names, by_rule};
use crate::network::import::source::Shapes;
use crate::network::{Network, Normalization};

/// Modules, each by what it is: c, f or n.
fn shapes(modules: &str) -> Shapes {
    let mut shapes = Shapes::new();
    for module in modules.split(' ') {
        let (kind, name) = module.split_once(':').expect("kind:name");
        let mut add = |leaf: &str, dimensions: usize| {
            shapes.insert(format!("{name}.{leaf}"), vec![2; dimensions]);
        };
        match kind {
            "c" => add("weight", 4),
            "f" => add("weight", 2),
            _ => ["weight", "running_mean", "running_var"].into_iter().for_each(|leaf| add(leaf, 1)),
        }
        add("bias", 1);
    }
    shapes
}

fn network(arch: &str) -> Network {
    let input = Shape { height: 32, width: 32, channels: 2 };
    let normalization = Normalization { mean: 0, deviation: 1.0 };
    Network::random(arch.parse().expect("an architecture"), input, 2, normalization, 1).expect("fits")
}

fn rule(modules: &str, arch: &str) -> anyhow::Result<Vec<Names>> {
    by_rule(&shapes(modules), &network(arch))
}

/// What the rule finds, as `layer+norm` for each layer.
fn check(modules: &str, arch: &str, expected: &str) {
    let module = |name: &str| name.rsplit_once('.').expect("a module's tensor").0.to_owned();
    let found: Vec<String> = rule(modules, arch)
        .expect("a rule fits")
        .iter()
        .map(|names| {
            let norm = names.norm.as_ref().map_or(String::new(), |norm| format!("+{}", module(&norm.mean)));
            module(&names.weight) + &norm
        })
        .collect();
    assert_eq!(found.join(" "), expected);
}

fn refused(modules: &str, arch: &str, with: &str) {
    let message = rule(modules, arch).expect_err("refused").to_string();
    assert!(message.contains(with), "{message}");
}

#[test]
fn torchvision_names_with_and_without_batch_norm() {
    check(
        "c:features.0 c:features.3 f:classifier.0 f:classifier.3",
        "2,P,2,F2",
        "features.0 features.3 classifier.0 classifier.3",
    );
    check(
        "c:features.0 n:features.1 c:features.3 n:features.4 f:classifier.0 f:classifier.6",
        "2,2,F2",
        "features.0+features.1 features.3+features.4 classifier.0 classifier.6",
    );
}

#[test]
fn the_order_is_that_of_numbers() {
    check("c:features.10 c:features.9 c:features.2 f:fc", "2,2,2", "features.2 features.9 features.10 fc");
    check("c:a1.0 c:a.1 f:fc", "2,2", "a.1 a1.0 fc");
}

/// As a training loop saves it: the state_dict under a key, the optimizer's beside it, `module.` before every name.
#[test]
fn a_key_around_the_weights_changes_nothing() {
    let mut shapes = shapes("c:model.module.features.0 c:model.module.features.10 f:model.module.classifier");
    shapes.insert("optimizer.state.0.exp_avg".to_owned(), vec![2; 4]);
    let found = by_rule(&shapes, &network("2,2")).expect("a rule fits");
    assert_eq!(found[1].weight, "model.module.features.10.weight");
}

#[test]
fn a_sequence_may_have_batch_norms_here_and_there() {
    check("c:0 c:2 n:3 f:6 n:7 f:9", "2,2,F2", "0 2+3 6+7 9");
    check(
        "c:features.0.0 n:features.0.1 c:features.0.3 n:features.0.4 f:out",
        "2,2",
        "features.0.0+features.0.1 features.0.3+features.0.4 out",
    );
}

#[test]
fn elsewhere_batch_norms_count() {
    check("c:conv1 c:conv2 n:bn1 n:bn2 f:fc1 f:fc2", "2,2,F2", "conv1+bn1 conv2+bn2 fc1 fc2");
    check("c:conv1 c:conv2 n:bn1 n:bn2 n:bn3 f:fc1 f:fc2", "2,2,F2", "conv1+bn1 conv2+bn2 fc1+bn3 fc2");
    check("c:b1.conv n:b1.bn c:b2.conv n:b2.bn f:fc", "2,2", "b1.conv+b1.bn b2.conv+b2.bn fc");
    refused("c:conv1 c:conv2 n:bn2 f:fc1 f:fc2", "2,2,F2", "1 batch norms (bn2)");
}

#[test]
fn another_number_of_layers_is_refused_with_their_names() {
    refused("c:conv1 c:conv2 f:fc", "2", "2 convolutions (conv1, conv2), 2 has 1: correct --arch");
    refused("c:conv1 f:fc", "2,F2", "1 fully connected layers, the classes' included, (fc), 2,F2 has 2");
    refused("f:fc", "2", "0 convolutions (none)");
}

#[test]
fn layers_of_other_kinds_are_refused() {
    refused("c:0 f:1 n:2", "2", "2 is a batch norm on the last layer, 1");
    let extra = |name: &str, dimensions: usize, with: &str| {
        let mut shapes = shapes("c:conv f:fc");
        shapes.insert(format!("{name}.weight"), vec![2; dimensions]);
        let message = by_rule(&shapes, &network("2")).expect_err("refused").to_string();
        assert!(message.contains(with), "{message}");
    };
    extra("prelu", 1, "prelu has a weight of one dimension and no running_mean");
    extra("deep", 5, "deep has a weight of 5 dimensions");
}
