//! What quire writes to Responses servers, and what it reads of their answers.

use crate::carrier::Carrier;
use crate::surroundings::{TestVault, bare, rich};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use wire::dialect::Dialect;
use wire::fates::Section;
use wire::json::Tape;
use wire::note::Notes;
use wire::responses::read::{self, Thing};
use wire::responses::written::{ROWS, find};
use wire::responses::{Decoder, fates};
use wire::sse::Frame;
use wire::target::{EffortMap, Replay, Target};
use wire::turn::{Event, Opened, Sealed, Vault};
use wire::written::Use;

const RESPONSES: &str = include_str!("../../../../corpus/world/responses.txt");
const SECTIONS: [Section; 4] = [Section::Field, Section::Item, Section::Part, Section::Tool];

fn lines() -> BTreeSet<(&'static str, &'static str)> {
    let lines = RESPONSES.lines().filter(|line| !line.starts_with('#'));
    let split = lines.filter_map(|line| line.split('\t').next()?.split_once(' '));
    split.filter(|(kind, _)| SECTIONS.iter().any(|section| section.name() == *kind)).collect()
}

fn section(name: &str) -> Section {
    SECTIONS.into_iter().find(|section| section.name() == name).expect("a section")
}

#[test]
fn every_line_of_the_world_is_written_or_not_for_a_reason() {
    let lines = lines();
    let open: Vec<_> =
        lines.iter().filter(|(kind, path)| find(section(kind), path).is_none()).collect();
    assert!(open.is_empty(), "no row decides about {open:?}");
    let dead: Vec<_> =
        ROWS.iter().filter(|row| !lines.contains(&(row.section.name(), row.path))).collect();
    assert!(dead.is_empty(), "rows about nothing: {dead:?}");
    let unique: BTreeSet<_> = ROWS.iter().map(|row| (row.section.name(), row.path)).collect();
    assert_eq!(unique.len(), ROWS.len(), "two rows about the same thing");
}

/// Everything that one body says, as lines of the world.
fn said(body: &Value) -> BTreeSet<(&'static str, String)> {
    let mut out = BTreeSet::new();
    for (name, value) in body.as_object().expect("a body is an object") {
        out.insert((Section::Field.name(), name.clone()));
        match name.as_str() {
            "input" => {
                for item in value.as_array().expect("a list") {
                    let kind = item["type"].as_str().expect("a type");
                    paths(Section::Item, kind, item, &["content", "output", "summary"], &mut out);
                    for list in ["content", "output", "summary"] {
                        for part in item[list].as_array().into_iter().flatten() {
                            let kind = part["type"].as_str().expect("a type");
                            paths(Section::Part, kind, part, &[], &mut out);
                        }
                    }
                }
            }
            "tools" => {
                for tool in value.as_array().expect("a list") {
                    let kind = tool["type"].as_str().expect("a type");
                    paths(Section::Tool, kind, tool, &["parameters"], &mut out);
                }
            }
            "metadata" => {}
            _ => paths(Section::Field, name, value, &["schema"], &mut out),
        }
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

/// Opens every seal: what was sealed came encrypted from its server.
struct Encrypted;

impl Vault for Encrypted {
    fn seal(&self, _: Sealed, plain: &str) -> String {
        plain.to_owned()
    }

    fn open(&self, _: Sealed, _: &str) -> Opened {
        Opened::Text("\u{1}{\"text\":\"so\",\"encrypted\":\"gAAAA\"}".to_owned())
    }
}

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
    let mut extra = requests[0].clone();
    extra["instructions"] = json!("be brief");
    extra["metadata"] = json!({"a": "b"});
    extra["input"] = json!([{"role": "user", "content": [
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_text", "text": "see"}]}]);
    requests.push(extra);
    requests
}

/// A request as it is rendered; nothing where it is refused.
fn rendered(request: &Value, target: &Target, vault: &dyn Vault) -> Option<Value> {
    let mut notes = Notes::default();
    let text = request.to_string();
    let mut tape = Tape::default();
    let root = tape.read(&text).expect("JSON");
    let mut turn = wire::responses::parse(root, &mut notes).ok()?;
    // Only other dialects have these for such a target.
    turn.settings.shared.push(("metadata", "{\"a\":\"b\"}"));
    for tool in &mut turn.tools {
        if let wire::turn::ToolKind::WebSearch(search) = &mut tool.kind {
            search.max_uses = Some(3);
        }
    }
    let done = wire::responses::render(&turn, target, vault, String::new(), &mut notes).ok()?;
    Some(serde_json::from_str(&done.body).expect("quire writes JSON"))
}

#[test]
fn nothing_is_written_that_the_table_does_not_name() {
    let all = || {
        let mut target = Target {
            custom_tools: true,
            web_search: true,
            efforts: EffortMap::responses(),
            replay: Replay::No,
            ..rich().target
        };
        let more = ["include", "max_tool_calls", "allowed_tools"];
        target.accepts.extend(more.map(str::to_owned));
        target
    };
    let sealed = TestVault { opens: false };
    let opened = TestVault { opens: true };
    let variants: [(Target, &dyn Vault); 5] = [
        (bare("").target, &sealed),
        (Target::careful(Dialect::Responses), &opened),
        (all(), &Encrypted),
        (Target { replay: Replay::Reasoning, ..all() }, &opened),
        (Target { tool_images: false, replay: Replay::Reasoning, ..all() }, &sealed),
    ];
    let requests = requests();
    assert!(requests.len() > 200, "only {} requests", requests.len());
    let world = lines();
    let mut written = BTreeSet::new();
    for (target, vault) in &variants {
        for request in &requests {
            let Some(body) = rendered(request, target, *vault) else { continue };
            for (kind, path) in said(&body) {
                let row = find(section(kind), &path);
                let allowed = row.is_some_and(|row| !matches!(row.usage, Use::Never(_)));
                let known = world.contains(&(kind, path.as_str()));
                assert!(allowed && known, "quire writes {kind} {path}: {row:?}");
                // A member of the optional kind is nowhere without the target's word for it.
                let word = match path.as_str() {
                    path if path.starts_with("tool_choice.") => "allowed_tools",
                    "text.verbosity" => "verbosity",
                    path => path.split('.').next().unwrap_or(path),
                };
                let optional = matches!(row.map(|row| row.usage), Some(Use::Accepted(_)));
                assert!(!optional || target.takes(word), "{path}");
                written.insert((kind, path));
            }
        }
    }
    let idle: Vec<_> = ROWS
        .iter()
        .filter(|row| {
            !matches!(row.usage, Use::Never(_))
                && (row.path.contains('.') || row.section == Section::Field)
        })
        .filter(|row| !written.contains(&(row.section.name(), row.path.to_owned())))
        .collect();
    assert!(idle.is_empty(), "no request makes quire write {idle:?}");
}

/// What happens in a stream of these events.
fn events(stream: &[Value]) -> Vec<String> {
    let mut decoder = Decoder::new(&rich().target, "call");
    let mut told = Vec::new();
    for event in stream {
        let text = event.to_string();
        let name = event["type"].as_str().unwrap_or_default();
        let frame = Frame { event: name, data: &text };
        decoder.push(frame, &mut |event: Event<'_>| told.push(format!("{event:?}")));
    }
    told
}

fn completed(output: Value) -> Value {
    json!({"type": "response.completed", "response": {"status": "completed", "output": output,
        "usage": {"input_tokens": 10, "output_tokens": 10, "input_tokens_details": {}, "output_tokens_details": {}}}})
}

/// What the example of a row does, and what happens without it.
fn tried(row: &read::Row) -> (Vec<String>, Vec<String>) {
    let example: Value = serde_json::from_str(row.example).expect("examples are JSON");
    match row.thing {
        Thing::Event => {
            // A text and two calls to which something may be added.
            let open = [
                json!({"type": "response.output_text.delta", "output_index": 7, "content_index": 0, "delta": "so"}),
                json!({"type": "response.output_item.added", "output_index": 8, "item": {"type": "function_call", "call_id": "a", "name": "f"}}),
                json!({"type": "response.output_item.added", "output_index": 9, "item": {"type": "custom_tool_call", "call_id": "b", "name": "c"}}),
            ];
            let mut event = example;
            event["type"] = json!(row.path);
            (events(&[&open[..], &[event]].concat()), events(&open))
        }
        Thing::Item(kind) => {
            let mut item =
                json!({"type": kind, "call_id": "c", "name": "f", "status": "completed"});
            match kind {
                "message" => item["content"] = json!([{"type": "output_text", "text": "so"}]),
                "web_search_call" => item["action"] = json!({"type": "search"}),
                _ => {}
            }
            let done = |item: &Value| {
                events(&[
                    json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
                    completed(json!([])),
                ])
            };
            let without = done(&item);
            item[row.path] = example;
            (done(&item), without)
        }
        Thing::Response => {
            let mut end = completed(json!([]));
            let without = events(&[end.clone()]);
            let pointer = format!("/response/{}", row.path.replace('.', "/"));
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a slash");
            end.pointer_mut(parent).expect("it is there")[name] = example;
            (events(&[end]), without)
        }
    }
}

#[test]
fn what_is_read_of_an_answer_has_an_effect_and_the_rest_has_none() {
    for row in read::ROWS {
        let (with, without) = tried(row);
        let is_read = matches!(row.usage, wire::read::Use::Read(_));
        assert_eq!(with != without, is_read, "{:?} {}: {with:?}", row.thing, row.path);
    }
}

/// Kinds of events that belong to tools which are never asked for, or to WebSockets.
const ELSEWHERE: [&str; 4] =
    ["response.mcp_", "response.shell_call_", "response.apply_patch_call", "response.steer."];

#[test]
fn every_event_of_the_world_has_a_decision() {
    let lines =
        RESPONSES.lines().filter_map(|line| line.split('\t').next()?.strip_prefix("event "));
    let open: Vec<_> = lines
        .filter(|name| !name.contains(':'))
        .filter(|name| !ELSEWHERE.iter().any(|elsewhere| name.starts_with(elsewhere)))
        .filter(|name| !read::ROWS.iter().any(|row| row.thing == Thing::Event && row.path == *name))
        .collect();
    assert!(open.is_empty(), "no row decides about {open:?}");
}
