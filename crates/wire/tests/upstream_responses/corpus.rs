//! `corpus/responses-out`: `requests/<case>` holds what a client asks (`request.json`) and what a
//! Responses server gets (`expect.request.json`, `expect.notes`); `streams/<case>` holds what the
//! server answers (`stream.sse` or `answer.json`) and what happens then, one event a line
//! (`expect.events`). The client speaks Responses as well, which no translation needs, but which can
//! say whatever there is to say.
//!
//! `UPDATE=1 cargo test -p wire --test upstream_responses` writes what is; read the difference
//! before you commit it.

use super::requests::{refusals, rendered};
use super::targets::{PAIRS, target};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use wire::answer::Ending;
use wire::drive_responses;
use wire::note::{Code, Notes};
use wire::responses::Decoder;
use wire::turn::Event;

fn cases(kind: &str) -> Vec<PathBuf> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/responses-out").join(kind);
    let entries = fs::read_dir(folder).expect("the corpus is in the repository");
    let mut cases: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    cases.sort();
    cases
}

/// Compares with the file, or writes it.
fn expect(case: &Path, name: &str, is: &str, wrong: &mut Vec<String>) {
    let path = case.join(name);
    if std::env::var_os("UPDATE").is_some() {
        if is.is_empty() {
            let _ = fs::remove_file(&path);
        } else {
            fs::write(&path, is).expect("the corpus can be written");
        }
        return;
    }
    let must = fs::read_to_string(&path).unwrap_or_default();
    if must != is {
        wrong.push(format!("{}\n--- must be\n{must}\n--- is\n{is}", path.display()));
    }
}

fn listed(notes: &Notes) -> String {
    let line = |note: &wire::note::Note| {
        let count = if note.count > 1 { format!(" n={}", note.count) } else { String::new() };
        format!("{} at {}{count}\n", note.code.name(), note.at)
    };
    notes.list().iter().map(line).collect()
}

/// An event as a line.
fn line(event: &Event<'_>, out: &mut String) {
    match event {
        Event::Open { part, kind } => writeln!(out, "open {part} {kind:?}"),
        Event::Delta { part, text } => writeln!(out, "more {part} {}", text.escaped()),
        Event::Seal { part, opaque } => writeln!(out, "seal {part} {opaque:?}"),
        Event::Cite { part, citation } => writeln!(out, "cite {part} {citation:?}"),
        Event::Found { part, sources } => writeln!(out, "found {part} {sources:?}"),
        Event::Close { part } => writeln!(out, "close {part}"),
        Event::Usage(usage) => writeln!(out, "{usage:?}"),
        Event::End(end) => writeln!(out, "end {end:?}"),
    }
    .expect("a String takes every write");
}

#[test]
fn every_case_comes_out_as_its_files_say() {
    let mut wrong = Vec::new();
    let mut shown: HashSet<Code> = HashSet::new();
    for case in cases("requests") {
        let text = fs::read_to_string(case.join("request.json")).expect("a case has a request");
        let request: Value = serde_json::from_str(&text).expect("a request is JSON");
        let base = fs::read_to_string(case.join("target")).unwrap_or_else(|_| "openai".to_owned());
        let base = base.trim();
        let (done, notes) = rendered(&request, &target(base));
        shown.extend(notes.list().iter().map(|note| note.code));
        let body = done.unwrap_or_else(|param| unreachable!("{}: refused for {param}", case.display()));
        let mut laid_out = serde_json::to_string_pretty(&body).expect("it was JSON");
        laid_out.push('\n');
        expect(&case, "expect.request.json", &laid_out, &mut wrong);
        expect(&case, "expect.notes", &listed(&notes), &mut wrong);
        for (profile, name) in PAIRS {
            if name == base {
                let refusals = refusals(profile, &body);
                if !refusals.is_empty() {
                    wrong.push(format!("{}: {refusals:?}", case.display()));
                }
            }
        }
    }
    for case in cases("streams") {
        let mut events = String::new();
        let mut hear = |event: Event<'_>| line(&event, &mut events);
        match fs::read_to_string(case.join("answer.json")) {
            Ok(body) => Decoder::new(&target("openai"), "call_t_").answer(&body, &mut hear),
            Err(_) => {
                let stream =
                    fs::read(case.join("stream.sse")).expect("a case has a stream or an answer");
                let target = target("openai");
                drive_responses::events([stream.as_slice()], Ending::Closed, &target, &mut hear);
            }
        }
        expect(&case, "expect.events", &events, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What only this direction can raise.
    for code in [Code::MaxTokensRaised, Code::IdShortened] {
        assert!(shown.contains(&code), "no case shows `{}`", code.name());
    }
}
