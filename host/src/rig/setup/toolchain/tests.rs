use super::*;

const LIST: &str = "\
stable-x86_64-unknown-linux-gnu (active, default) /home/ada/.rustup/toolchains/stable-x86_64-unknown-linux-gnu
thumb-old\t/opt/thumb old
thumb /home/ada/.local/share/thumb
";

#[test]
fn a_linked_toolchain_is_found_by_its_whole_name() {
    let folder = |name| linked_folder(LIST, name);
    assert_eq!(folder("thumb"), Some("/home/ada/.local/share/thumb".into()));
    assert_eq!(folder("thumb-old"), Some("/opt/thumb old".into()));
    assert_eq!(folder("thu"), None);
    assert_eq!(linked_folder("no installed toolchains\n", "thumb"), None);
}

#[test]
fn the_notes_of_an_active_toolchain_are_skipped() {
    let stable = linked_folder(LIST, "stable-x86_64-unknown-linux-gnu").expect("listed");
    assert!(stable.starts_with("/home/ada/.rustup"), "{stable:?}");
}

#[test]
fn core_is_looked_for_by_target() {
    let sysroot = tempfile::tempdir().expect("a temporary folder");
    let lib = sysroot.path().join("lib/rustlib/thumbv7m-none-eabi/lib");
    std::fs::create_dir_all(&lib).expect("a folder");
    assert!(!has_core(sysroot.path(), "thumbv7m-none-eabi"));
    std::fs::write(lib.join("libcore-0123.rlib"), "").expect("a file");
    assert!(has_core(sysroot.path(), "thumbv7m-none-eabi"));
    assert!(!has_core(sysroot.path(), "thumbv6m-none-eabi"));
}

#[test]
fn each_toolchain_has_its_own_cargo() {
    let cargo = |toolchain: Toolchain| {
        let command = toolchain.cargo();
        (command.get_program().to_owned(), command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>())
    };
    assert_eq!(cargo(Toolchain::Default), ("cargo".into(), vec![]));
    assert_eq!(cargo(Toolchain::Linked("thumb".into())), ("cargo".into(), vec!["+thumb".into()]));
    assert_eq!(cargo(Toolchain::Folder("/opt/thumb".into())), ("/opt/thumb/bin/cargo".into(), vec![]));
}
