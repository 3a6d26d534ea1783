//! What quire writes to Chat Completions servers.

use crate::carrier::Carrier;
use crate::surroundings::{Surroundings, TestVault, bare, rich, translate};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use wire::chat::written::{ROWS, find};
use wire::chat::{Decoder, read};
use wire::responses::fates;
use wire::sse::Frame;
use wire::target::{MaxTokens, Replay};
use wire::turn::Event;
use wire::written::{Section, Use};

const CHAT: &str = include_str!("../../../../corpus/world/chat.txt");

/// Rows about members that no source of the world lists, and who has them.
const BEYOND: &[(Section, &str, &str)] = &[
    (Section::Role, "assistant.reasoning", "Ollama, vLLM and OpenRouter take reasoning back in it"),
    (Section::Role, "assistant.reasoning_details", "MiniMax takes reasoning back in it"),
];

fn lines() -> Vec<(Section, &'static str)> {
    CHAT.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let name = line.split('\t').next().unwrap_or(line);
            let (kind, path) = name.split_once(' ').expect("a line has a kind and a name");
            Some((ROWS.iter().map(|row| row.section).find(|section| section.name() == kind)?, path))
        })
        .collect()
}

#[test]
fn every_line_of_the_chat_world_is_written_or_not_for_a_reason() {
    let open: Vec<_> =
        lines().into_iter().filter(|(section, path)| find(*section, path).is_none()).collect();
    assert!(open.is_empty(), "no row decides about {open:?}");
    let dead: Vec<_> = ROWS
        .iter()
        .filter(|row| {
            let beyond =
                BEYOND.iter().any(|&(section, path, _)| (section, path) == (row.section, row.path));
            lines().contains(&(row.section, row.path)) == beyond
        })
        .collect();
    assert!(dead.is_empty(), "rows about nothing, or listed after all: {dead:?}");
}

/// Everything that one body says, as lines of the world.
fn said(body: &Value) -> BTreeSet<(&'static str, String)> {
    let mut out = BTreeSet::new();
    for (name, value) in body.as_object().expect("a body is an object") {
        match name.as_str() {
            "messages" => {
                for message in value.as_array().expect("a list") {
                    let role = message["role"].as_str().expect("a role");
                    // Reasoning parts and the contents of parts are decided elsewhere.
                    paths(
                        Section::Role,
                        role,
                        message,
                        &["content", "reasoning_details"],
                        &mut out,
                    );
                    for part in message["content"].as_array().into_iter().flatten() {
                        paths(
                            Section::Part,
                            part["type"].as_str().expect("a type"),
                            part,
                            &[],
                            &mut out,
                        );
                    }
                }
            }
            "tools" => {
                for tool in value.as_array().expect("a list") {
                    paths(
                        Section::Tool,
                        tool["type"].as_str().expect("a type"),
                        tool,
                        &["parameters"],
                        &mut out,
                    );
                }
            }
            _ => paths(Section::Field, name, value, &["schema"], &mut out),
        }
        out.insert((Section::Field.name(), name.clone()));
    }
    out
}

fn paths(
    section: Section,
    at: &str,
    value: &Value,
    closed: &[&str],
    out: &mut BTreeSet<(&'static str, String)>,
) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{at}.{name}");
                if !closed.contains(&name.as_str()) {
                    paths(section, &path, value, closed, out);
                }
                out.insert((section.name(), path));
            }
        }
        Value::Array(list) => list.iter().for_each(|value| paths(section, at, value, closed, out)),
        _ => {}
    }
}

/// Every request of the tests: the carriers of all rows, and what clients were recorded sending.
fn requests() -> Vec<Value> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let mut requests: Vec<Value> = fates::ROWS
        .iter()
        .filter(|row| !row.path.contains('*'))
        .map(|row| Carrier::of(row.section, row.path).request)
        .collect();
    for client in ["codex", "opencode", "pi", "sdks"] {
        for entry in std::fs::read_dir(clients.join(client)).expect("the fixtures are there") {
            let path = entry.expect("the fixtures are there").path();
            if path.to_string_lossy().ends_with(".request.json") {
                let text = std::fs::read_to_string(&path).expect("the fixture can be read");
                let recorded: Value = serde_json::from_str(&text).expect("a fixture is JSON");
                let sent = recorded["requests"].as_array().into_iter().flatten();
                requests.extend(
                    sent.map(|request| request["body"].clone())
                        .filter(|body| body.get("input").is_some()),
                );
            }
        }
    }
    requests
}

#[test]
fn nothing_is_written_that_the_table_does_not_name() {
    let variants = [
        bare(""),
        rich(),
        Surroundings { vault: TestVault { opens: false }, ..rich() },
        {
            let mut at = rich();
            (at.target.replay, at.target.max_tokens) = (Replay::Reasoning, MaxTokens::Completion);
            at.target.tool_images = false;
            at
        },
        {
            let mut at = rich();
            (at.target.replay, at.target.developer_role) = (Replay::ReasoningDetails, false);
            at
        },
    ];
    let requests = requests();
    assert!(requests.len() > 200, "only {} requests", requests.len());
    let world: BTreeSet<_> =
        lines().into_iter().map(|(section, path)| (section.name(), path)).collect();
    let mut written = BTreeSet::new();
    for at in &variants {
        let from_responses =
            requests.iter().filter_map(|request| Some(translate(request, at).0.ok()?.body));
        for body in from_responses.chain(crate::messages::bodies(at)) {
            for (section, path) in said(&body) {
                let section = Section::ALL
                    .into_iter()
                    .find(|known| known.name() == section)
                    .expect("a section");
                let row = find(section, &path);
                let allowed = row.is_some_and(|row| !matches!(row.usage, Use::Never(_)));
                let known = world.contains(&(section.name(), path.as_str()))
                    || BEYOND
                        .iter()
                        .any(|&(other, beyond, _)| (other, beyond) == (section, path.as_str()));
                assert!(allowed && known, "quire writes {} {path}: {row:?}", section.name());
                // A member of the optional kind is nowhere without the target's word for it.
                let optional = matches!(row.map(|row| row.usage), Some(Use::Accepted(_)));
                assert!(
                    !optional || at.target.takes(path.split('.').next().unwrap_or(&path)),
                    "{path}"
                );
                written.insert((section.name(), path));
            }
        }
    }
    let idle: Vec<_> = ROWS
        .iter()
        .filter(|row| {
            !matches!(row.usage, Use::Never(_))
                && row.path.contains('.') | (row.section == Section::Field)
        })
        .filter(|row| !written.contains(&(row.section.name(), row.path.to_owned())))
        .collect();
    assert!(idle.is_empty(), "no request makes quire write {idle:?}");
}

/// The events of one stream: a chunk, then the end.
fn events(chunk: &Value) -> Vec<String> {
    let mut decoder = Decoder::new(&rich().target, "call");
    let mut events = Vec::new();
    let text = chunk.to_string();
    let mut sink = |event: Event<'_>| events.push(format!("{event:?}"));
    decoder.push(Frame { event: "", data: &text }, &mut sink);
    decoder.push(Frame { event: "", data: "[DONE]" }, &mut sink);
    events
}

#[test]
fn what_is_read_of_an_answer_has_an_effect_and_the_rest_has_none() {
    for row in read::ROWS {
        let mut chunk = json!({
            "choices": [{"delta": {"content": "so"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10},
        });
        if row.path == "choices.usage" {
            chunk["usage"] = Value::Null;
        }
        let before = events(&chunk);
        let pointer =
            format!("/{}", row.path.replace('.', "/")).replace("/choices/", "/choices/0/");
        let (parent, member) = pointer.rsplit_once('/').expect("a pointer has a slash");
        if chunk.pointer(parent).is_none() {
            let (above, name) = parent.rsplit_once('/').expect("a pointer has a slash");
            chunk.pointer_mut(above).expect("it is in every chunk")[name] = json!({});
        }
        let example: Value = serde_json::from_str(row.example).expect("examples are JSON");
        chunk.pointer_mut(parent).expect("it was made")[member] = example;
        let changed = events(&chunk) != before;
        assert_eq!(
            changed,
            matches!(row.usage, wire::read::Use::Read(_)),
            "{}: {:?}",
            row.path,
            events(&chunk)
        );
    }
}
