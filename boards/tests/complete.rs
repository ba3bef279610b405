//! Every board's folder has all that boards/README.md asks for.

use secateur_boards::BoardSpec;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file of the repository; none where there is no file.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_default()
}

/// What must be in which file for a board.
fn needed(board: &BoardSpec) -> Vec<(String, String)> {
    let BoardSpec { name, chip, frames, .. } = board;
    let module = name.replace('-', "_");
    let (readme, start_up) = (format!("boards/{name}/README.md"), format!("boards/src/{module}.rs"));
    let row = if board.emulator.is_some() { "emulated" } else { "built and linked, never run on hardware" };
    let page = ["\n## Wiring\n", "\n## Flashing\n", "\n## Verified\n", "never run on hardware"].map(str::to_owned);
    let page = page.into_iter().chain([format!("--board {name}\n"), format!("--chip {chip} ")]);
    let others = [
        (start_up.clone(), format!("const NAME: &'static str = \"{name}\";")),
        (start_up, format!("const CHIP: &'static str = \"{chip}\";")),
        ("boards/src/lib.rs".to_owned(), format!("\n#[cfg(feature = \"{name}\")]\npub mod {module};\n")),
        ("boards/Cargo.toml".to_owned(), format!("\n{name} = [")),
        ("boards/README.md".to_owned(), format!("\n| [`{name}`]({name}/README.md) | {chip} | ")),
        ("boards/README.md".to_owned(), format!(" {} | {row} |\n", megahertz(board))),
        ("firmware/Cargo.toml".to_owned(), format!("\n{name} = [\"{frames}\", \"secateur-boards/{name}\"]\n")),
        ("firmware/Cargo.toml".to_owned(), format!("\nname = \"{name}\"\nrequired-features = [\"{name}\"]\n")),
        (format!("firmware/src/bin/{name}.rs"), format!("secateur_boards::{module}::")),
    ];
    page.map(|words| (readme.clone(), words)).chain(others).collect()
}

fn megahertz(board: &BoardSpec) -> String {
    format!("{} MHz", board.clock_hz / 1_000_000)
}

/// What a board lacks, as words for a person.
fn missing(board: &BoardSpec) -> Vec<String> {
    let absent = needed(board).into_iter().filter(|(path, words)| !text(path).contains(words));
    absent.map(|(path, words)| format!("{path} lacks `{}`", words.trim())).collect()
}

#[test]
fn every_board_has_its_pages_its_start_up_its_image_and_its_features() {
    for board in secateur_boards::all().expect("valid boards") {
        assert_eq!(missing(&board), Vec::<String>::new(), "boards/README.md says what a board needs");
    }
}

#[test]
fn what_a_board_lacks_is_named() {
    let mut board = secateur_boards::find("pico").expect("a board");
    board.name = "arduino".to_owned();
    let missing = missing(&board);
    assert_eq!(missing.len(), needed(&board).len() - 1, "{missing:#?}");
    assert!(
        missing.contains(&"firmware/Cargo.toml lacks `arduino = [\"serial\", \"secateur-boards/arduino\"]`".to_owned())
    );
}

#[test]
fn every_folder_is_a_board() {
    let boards = root().join("boards");
    let folders = std::fs::read_dir(&boards).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<String> = folders
        .filter(|path| path.is_dir() && !["src", "tests"].iter().any(|other| path.ends_with(other)))
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    let known: Vec<String> =
        secateur_boards::all().expect("valid boards").into_iter().map(|board| board.name).collect();
    assert_eq!(names, known, "`BOARDS` in boards/src/spec.rs lists the folders");
}
