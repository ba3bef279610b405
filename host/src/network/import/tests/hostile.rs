//! A file that is cut or changed is an error or another network, never a panic.

use super::*;

fn each(name: &str, change: impl Fn(&[u8], &mut dyn FnMut(&[u8]))) -> (usize, usize) {
    let bytes = std::fs::read(fixture(name)).expect("a fixture");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    let (mut refused, mut all) = (0, 0);
    change(&bytes, &mut |bytes| {
        std::fs::write(&path, bytes).expect("writes");
        all += 1;
        refused += usize::from(import(&plan(path.clone()), &data()).is_err());
    });
    (refused, all)
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["tiny.pth", "tiny.safetensors"] {
        let (refused, all) =
            each(name, |bytes, tried| (0..bytes.len()).step_by(13).for_each(|length| tried(&bytes[..length])));
        assert_eq!(refused, all, "{name}");
    }
}

#[test]
fn a_changed_byte_never_panics() {
    for name in ["tiny.pth", "tiny.safetensors"] {
        let (refused, all) = each(name, |bytes, tried| {
            let mut bytes = bytes.to_vec();
            for at in (0..bytes.len()).step_by(3) {
                let old = std::mem::replace(&mut bytes[at], if at % 2 == 0 { 0xff } else { 0 });
                tried(&bytes);
                bytes[at] = old;
            }
        });
        assert!(refused > 0 && refused <= all, "{name}: {refused} of {all}");
    }
}

#[test]
fn another_kind_of_file_under_the_name_is_refused_with_advice() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, with) in [("text.pth", "torch.save(model.state_dict()"), ("text.safetensors", "cut or damaged")] {
        let path = folder.path().join(name);
        std::fs::write(&path, "import os\nos.system('true')\n").expect("writes");
        assert!(refusal(&plan(path.clone())).contains(with), "{}", refusal(&plan(path)));
    }
    let message = refusal(&plan(folder.path().join("absent.pth")));
    assert!(message.contains("cannot be read: No such file"), "{message}");
}

/// A pickle that asks for `os.system` is no checkpoint, and nothing runs.
#[test]
fn a_pickle_is_never_executed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, proof) = (folder.path().join("evil.pth"), folder.path().join("proof"));
    let command = format!("touch {}", proof.display());
    let mut pickle = b"\x80\x02cposix\nsystem\nq\x00X".to_vec();
    pickle.extend((command.len() as u32).to_le_bytes());
    pickle.extend(command.as_bytes());
    pickle.extend(b"\x85R.");
    std::fs::write(&path, pickle).expect("writes");
    assert!(!refusal(&plan(path)).is_empty());
    assert!(!proof.exists());
}
