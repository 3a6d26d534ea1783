//! Chat and Messages clients on Responses servers: what they were recorded to send is accepted, and
//! what the server says reaches them whole.

use super::clients::{Arrives, answer, complaints, request};
use super::requests::refusals;
use super::streams::{Form, Piece, form, piece, spoken};
use super::targets::{PAIRS, target};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wire::dialect::Dialect;
use wire::note::Code;

const CLIENTS: [Dialect; 2] = [Dialect::Chat, Dialect::Messages];

/// The bodies that clients were recorded to send in this dialect.
fn recorded(client: Dialect) -> Vec<(String, Value)> {
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/fixtures/clients");
    let end = match client {
        Dialect::Chat => "/chat/completions",
        Dialect::Messages => "/messages",
        Dialect::Responses => unreachable!("passed"),
    };
    let mut bodies = Vec::new();
    for name in ["claude-code", "opencode", "pi", "sdks"] {
        let folder = std::fs::read_dir(format!("{clients}/{name}"));
        for file in folder.expect("the fixtures are in the repository").flatten() {
            let file_name = file.file_name().to_string_lossy().into_owned();
            if !file_name.ends_with(".request.json") {
                continue;
            }
            let text = std::fs::read_to_string(file.path()).expect("a fixture is text");
            let recording: Value = serde_json::from_str(&text).expect("a fixture is JSON");
            for sent in recording["requests"].as_array().into_iter().flatten() {
                let path = sent["path"].as_str().unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                if sent["method"] == "POST" && path.ends_with(end) && sent["body"].is_object() {
                    bodies.push((format!("{name}/{file_name}"), sent["body"].clone()));
                }
            }
        }
    }
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    bodies
}

#[test]
fn recorded_turns_reach_every_strict_server_and_nothing_of_them_is_unknown() {
    let mut wrong = BTreeSet::new();
    for (client, least) in [(Dialect::Chat, 5), (Dialect::Messages, 20)] {
        let bodies = recorded(client);
        assert!(bodies.len() >= least, "only {} bodies of {}", bodies.len(), client.name());
        for (file, body) in &bodies {
            for (profile, name) in PAIRS {
                let sent = match request(client, body, &target(name)) {
                    Ok(sent) => sent,
                    Err(fault) => {
                        wrong.insert(format!("{file} for {name}: {fault}"));
                        continue;
                    }
                };
                for refusal in refusals(profile, &sent.body) {
                    wrong.insert(format!("{file} for {name}: {refusal}"));
                }
                let unknown = [
                    Code::UnknownField,
                    Code::UnknownItem,
                    Code::UnknownPart,
                    Code::UnknownTool,
                    Code::ResultOrphan,
                    Code::ResultMissing,
                    Code::MoreNotes,
                ];
                for note in sent.notes.list().iter().filter(|note| unknown.contains(&note.code)) {
                    wrong.insert(format!("{file} for {name}: {} at {}", note.code.name(), note.at));
                }
            }
        }
    }
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A request of each client that declares the tools which the scripts call.
fn asking(client: Dialect) -> Value {
    let schema = json!({"type": "object", "properties": {"cmd": {"type": "string"}}});
    let names = ["exec_command", "mcp__toy__add_two", "apply_patch"];
    match client {
        Dialect::Chat => {
            let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": schema}});
            json!({"model": "m", "stream": true, "stream_options": {"include_usage": true},
                "messages": [{"role": "user", "content": "go"}],
                "tools": names.map(tool)})
        }
        _ => {
            let tool = |name: &str| json!({"name": name, "input_schema": schema});
            let mut tools = names.map(tool).to_vec();
            tools.push(json!({"type": "web_search_20250305", "name": "web_search"}));
            json!({"model": "m", "stream": true, "max_tokens": 1000, "tools": tools,
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "messages": [{"role": "user", "content": "go"}]})
        }
    }
}

/// What the script says in words, and which tools it calls with which ids.
fn expected(pieces: &[Piece]) -> (String, Vec<String>) {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Says(said) | Piece::Cites(said) => text.push_str(said),
            Piece::Calls(name, payload) => {
                let payload: Value =
                    serde_json::from_str(payload).unwrap_or_else(|_| json!(payload));
                calls.push(format!("call_{index} {name} {payload}"));
            }
            Piece::Thinks(_) | Piece::Refuses(_) | Piece::Searches(_) => {}
        }
    }
    (text, calls)
}

/// The same from what a client got.
fn told(client: Dialect, object: &Value) -> (String, Vec<String>) {
    let (mut text, mut calls) = (String::new(), Vec::new());
    match client {
        Dialect::Chat => {
            let message = &object["choices"][0]["message"];
            text.push_str(message["content"].as_str().unwrap_or_default());
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let function = &call["function"];
                let arguments = function["arguments"].as_str().unwrap_or_default();
                let arguments: Value = serde_json::from_str(arguments).unwrap_or_default();
                calls.push(format!(
                    "{} {} {arguments}",
                    call["id"].as_str().unwrap_or_default(),
                    function["name"].as_str().unwrap_or_default()
                ));
            }
        }
        _ => {
            for block in object["content"].as_array().into_iter().flatten() {
                match block["type"].as_str().unwrap_or_default() {
                    "text" => text.push_str(block["text"].as_str().unwrap_or_default()),
                    "tool_use" => calls.push(format!(
                        "{} {} {}",
                        block["id"].as_str().unwrap_or_default(),
                        block["name"].as_str().unwrap_or_default(),
                        block["input"]
                    )),
                    _ => {}
                }
            }
        }
    }
    (text, calls)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_a_server_says_reaches_every_client(
        client in select(CLIENTS.to_vec()),
        pieces in prop::collection::vec(piece(), 1..6),
        form in form(),
    ) {
        // Custom tools are no business of these clients, and what refuses is told in other words.
        let keeps = |piece: &Piece| {
            !matches!(piece, Piece::Calls("apply_patch", _) | Piece::Refuses(_))
        };
        let pieces: Vec<Piece> = pieces.into_iter().filter(keeps).collect();
        let mut form: Form = form;
        form.interleaved = false;
        let target = target("openai");
        let sent = request(client, &asking(client), &target)
            .map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        let says = spoken(&pieces, &form);
        let bytes = says.streamed_in(testkit::Dialect::Responses, &sent.body);
        let streamed = answer(client, &sent, &target, Arrives::Streamed(&bytes));
        let found = complaints(client, &sent, &streamed);
        prop_assert!(found.is_empty(), "{}\n{}", found.join("\n"), streamed.stream);
        let object: Value = serde_json::from_str(&streamed.object).expect("JSON");
        prop_assert_eq!(told(client, &object), expected(&pieces), "{}", object);
        let body = says.answered_in(testkit::Dialect::Responses, &sent.body);
        let body = String::from_utf8(body).expect("JSON");
        let whole = answer(client, &sent, &target, Arrives::Whole(&body));
        let whole: Value = serde_json::from_str(&whole.object).expect("JSON");
        prop_assert_eq!(object, whole);
    }
}
