//! Every note has a case in the corpus that shows it.

use std::fs;
use std::path::Path;
use wire::note::Code;

/// Those that only the gateway can raise.
const OF_THE_GATEWAY: [Code; 6] = [
    Code::AliasDefault,
    Code::ModelUnlisted,
    Code::DeveloperRole,
    Code::FallbackUsed,
    Code::CountEstimated,
    // Codex is told apart by its headers.
    Code::RefusalAsText,
];

/// The texts of all `expect.*` files below `folder`.
fn expected(folder: &Path, texts: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the corpus is in the repository").flatten() {
        let path = entry.path();
        if path.is_dir() {
            expected(&path, texts);
        } else if entry.file_name().to_string_lossy().starts_with("expect.") {
            texts.push(fs::read_to_string(&path).expect("it is text"));
        }
    }
}

#[test]
fn every_note_has_a_case() {
    let mut texts = Vec::new();
    expected(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus"), &mut texts);
    let is_shown = |code: &Code| {
        // A line of `expect.notes`, or a note within an answer.
        let (line, member) = (format!("{} at", code.name()), format!("\"{}\"", code.name()));
        texts.iter().any(|text| text.contains(&line) || text.contains(&member))
    };
    let missing: Vec<&str> = Code::ALL
        .iter()
        .filter(|code| !OF_THE_GATEWAY.contains(code) && !is_shown(code))
        .map(|code| code.name())
        .collect();
    assert_eq!(missing, [""; 0], "no case shows these notes");
}
