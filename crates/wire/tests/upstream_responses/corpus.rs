//! The corpus of this direction. `corpus/responses-to-responses` shows what any client may say, in the
//! words of Responses: `requests/<case>` holds what is asked (`request.json`) and what a Responses server
//! gets (`expect.request.json`, `expect.notes`); `streams/<case>` holds what the server answers
//! (`stream.sse` or `answer.json`) and what happens then, one event a line (`expect.events`).
//! `corpus/messages-to-responses` holds the same for clients of that dialect, whose answers are theirs
//! as well (`expect.sse`, `expect.json`); `corpus_chat.rs` drives `corpus/chat-to-responses`.
//!
//! `UPDATE=1 cargo test -p wire --test upstream_responses` writes what is; read the difference
//! before you commit it.

use super::clients::{Arrives, Sent, answer, complaints, request};
use super::requests::refusals;
use super::targets::{PAIRS, target};
use serde_json::Value;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive;
use wire::note::{Code, Notes};
use wire::responses::Decoder;
use wire::turn::Event;

/// The folders, and the dialect of their clients.
const FOLDERS: [(&str, Dialect); 2] =
    [("responses-to-responses", Dialect::Responses), ("messages-to-responses", Dialect::Messages)];

fn cases(folder: &str, kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus").join(folder).join(kind);
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

/// The request of a case, and the name of its target.
fn asked(case: &Path) -> (Value, String) {
    let text = fs::read_to_string(case.join("request.json")).expect("a case has a request");
    let base = fs::read_to_string(case.join("target")).unwrap_or_else(|_| "openai".to_owned());
    (serde_json::from_str(&text).expect("a request is JSON"), base.trim().to_owned())
}

fn sent(client: Dialect, case: &Path) -> (Sent, String) {
    let (body, base) = asked(case);
    let sent = request(client, &body, &target(&base))
        .unwrap_or_else(|fault| unreachable!("{}: {fault}", case.display()));
    (sent, base)
}

fn laid_out(json: &Value) -> String {
    let mut text = serde_json::to_string_pretty(json).expect("it was JSON");
    text.push('\n');
    text
}

fn request_case(client: Dialect, case: &Path, wrong: &mut Vec<String>) -> Notes {
    let (sent, base) = sent(client, case);
    expect(case, "expect.request.json", &laid_out(&sent.body), wrong);
    expect(case, "expect.notes", &listed(&sent.notes), wrong);
    for (profile, _) in PAIRS.iter().filter(|(_, name)| *name == base) {
        let refusals = refusals(*profile, &sent.body);
        if !refusals.is_empty() {
            wrong.push(format!("{}: {refusals:?}", case.display()));
        }
    }
    sent.notes
}

fn stream_case(client: Dialect, case: &Path, wrong: &mut Vec<String>) {
    let target = target("openai");
    let body = fs::read_to_string(case.join("answer.json"));
    let stream = fs::read(case.join("stream.sse")).unwrap_or_default();
    if client == Dialect::Responses {
        let mut events = String::new();
        let mut hear = |event: Event<'_>| line(&event, &mut events);
        match body {
            Ok(body) => Decoder::new(&target, "call_t_").answer(&body, &mut hear),
            Err(_) => {
                drive::events(
                    [stream.as_slice()],
                    Ending::Closed,
                    Dialect::Responses,
                    &target,
                    &mut hear,
                );
            }
        }
        return expect(case, "expect.events", &events, wrong);
    }
    let (sent, _) = sent(client, case);
    let from = match &body {
        Ok(body) => Arrives::Whole(body),
        Err(_) => Arrives::Streamed(&stream),
    };
    let got = answer(client, &sent, &target, from);
    let object: Value = serde_json::from_str(&got.object).unwrap_or_default();
    expect(case, "expect.sse", &got.stream, wrong);
    if !object.is_null() {
        expect(case, "expect.json", &laid_out(&object), wrong);
    }
    // An error adds up to no answer.
    if object.get("error").is_none() && !object.is_null() {
        let found = complaints(client, &sent, &got);
        wrong.extend(found.into_iter().map(|found| format!("{}: {found}", case.display())));
    }
}

#[test]
fn every_case_comes_out_as_its_files_say() {
    let mut wrong = Vec::new();
    let mut shown: HashSet<Code> = HashSet::new();
    for (folder, client) in FOLDERS {
        for case in cases(folder, "requests") {
            let notes = request_case(client, &case, &mut wrong);
            shown.extend(notes.list().iter().map(|note| note.code));
        }
        for case in cases(folder, "streams") {
            stream_case(client, &case, &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What only this direction can raise.
    for code in [Code::MaxTokensRaised, Code::IdShortened] {
        assert!(shown.contains(&code), "no case shows `{}`", code.name());
    }
}
