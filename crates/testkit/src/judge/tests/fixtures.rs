//! Recorded streams. They were scripted as small as the clients allow, so the judge complains of
//! what they leave out, and of nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::listed;
use crate::judge::{Rule, responses_stream};

fn frames(text: &str) -> Vec<(String, String)> {
    text.split("\n\n")
        .filter_map(|block| {
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            let data = field("data: ")?;
            Some((field("event: ").unwrap_or_default().to_owned(), data.to_owned()))
        })
        .collect()
}

fn recordings() -> Vec<PathBuf> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let folders = fs::read_dir(clients).expect("the fixtures are in the repository");
    let files =
        folders.flatten().flat_map(|folder| fs::read_dir(folder.path())).flatten().flatten();
    let mut files: Vec<_> = files
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sse"))
        .collect();
    files.sort();
    files
}

/// A recorded Responses stream that runs to its end.
fn is_whole(text: &str) -> bool {
    text.contains("event: response.completed") && !text.contains(": connection aborted")
}

#[test]
fn recorded_streams_lack_members_but_break_no_order() {
    // What the scripts leave out: members of the response, `logprobs`, cache writes, the second
    // opening event, the parts and ends of text, the echo of the output, `[DONE]`.
    let left_out = [
        Rule::Missing,
        Rule::Opening,
        Rule::Status,
        Rule::Lifecycle,
        Rule::Sum,
        Rule::Identity,
        Rule::Output,
        Rule::Done,
    ];
    let mut judged = 0;
    for path in recordings() {
        let text = fs::read_to_string(&path).expect("a recording is text");
        if !is_whole(&text) {
            continue;
        }
        judged += 1;
        let complaints = responses_stream(&frames(&text)).expect_err("the scripts are small");
        let others: Vec<_> = complaints
            .into_iter()
            .filter(|complaint| !left_out.contains(&complaint.rule))
            .collect();
        assert!(others.is_empty(), "{}:{}", path.display(), listed(&others));
    }
    assert!(judged > 20, "only {judged} recordings were judged");
}

#[test]
fn a_full_recorded_stream_breaks_no_rule_of_order_or_sum() {
    let full: Vec<_> = recordings()
        .into_iter()
        .filter(|path| path.parent().is_some_and(|folder| folder.ends_with("sdks")))
        .collect();
    let mut judged = 0;
    for path in full {
        let text = fs::read_to_string(&path).expect("a recording is text");
        if !is_whole(&text) || !text.contains("event: response.in_progress") {
            continue;
        }
        judged += 1;
        let complaints = responses_stream(&frames(&text)).expect_err("members are left out");
        for complaint in &complaints {
            let left_out = matches!(complaint.rule, Rule::Missing | Rule::Done)
                || complaint.message.contains("completed_at");
            assert!(left_out, "{}: {complaint}", path.display());
        }
    }
    assert!(judged >= 2, "only {judged} recordings were judged");
}
