//! Recorded streams that real clients accepted. They were scripted as small as the clients allow,
//! so the judge complains of what they leave out, and of nothing else.

use std::fs;
use std::path::Path;

use super::listed;
use crate::judge::{Rule, frames, messages_fold, messages_stream};

#[test]
fn recorded_streams_break_no_order() {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let folders = fs::read_dir(clients).expect("the fixtures are in the repository");
    let files =
        folders.flatten().flat_map(|folder| fs::read_dir(folder.path())).flatten().flatten();
    let mut judged = 0;
    for path in files.map(|file| file.path()) {
        if path.extension().is_none_or(|extension| extension != "sse") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a recording is text");
        if !text.contains("message_stop") || text.contains(": connection aborted") {
            continue;
        }
        judged += 1;
        let frames = frames(&text);
        let complaints = messages_stream(&frames).err().unwrap_or_default();
        let others: Vec<_> = complaints
            .into_iter()
            .filter(|complaint| !matches!(complaint.rule, Rule::Missing))
            .collect();
        assert!(others.is_empty(), "{}:{}", path.display(), listed(&others));
        assert!(messages_fold(&frames).is_ok(), "{}", path.display());
    }
    assert!(judged > 10, "only {judged} recordings were judged");
}
