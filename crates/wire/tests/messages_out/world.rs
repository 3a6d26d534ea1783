//! The closed world against the tables, and the tables against what really happens: what is written
//! to Messages servers, and what is read of their answers.

use crate::common::asked::recorded;
use crate::targets::target;
use crate::turns::{self, searching};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::drive;
use wire::messages::read;
use wire::messages::written::{ROWS, find};
use wire::turn::{Event, ToolKind};
use wire::written::{Section, Use};

const WORLD: &str = include_str!("../../../../corpus/world/messages.txt");

/// Rows about members that no source of the world lists any more, and who has them.
const BEYOND: [&str; 3] = ["temperature", "top_p", "top_k"];

fn lines() -> Vec<(Section, &'static str)> {
    WORLD
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let name = line.split('\t').next().unwrap_or(line);
            let (kind, path) = name.split_once(' ').expect("a line has a kind and a name");
            Some((ROWS.iter().map(|row| row.section).find(|section| section.name() == kind)?, path))
        })
        .collect()
}

#[test]
fn every_line_of_the_messages_world_is_written_or_not_for_a_reason() {
    let lines = lines();
    assert!(lines.len() > 900, "only {} lines", lines.len());
    let open: Vec<_> =
        lines.iter().filter(|(section, path)| find(*section, path).is_none()).collect();
    assert!(open.is_empty(), "no row decides about {open:?}");
    let dead: Vec<_> = ROWS
        .iter()
        .filter(|row| lines.contains(&(row.section, row.path)) == BEYOND.contains(&row.path))
        .collect();
    assert!(dead.is_empty(), "rows about nothing, or listed after all: {dead:?}");
}

/// Everything that one body says, as lines of the world.
fn said(body: &Value) -> BTreeSet<(&'static str, String)> {
    let mut out = BTreeSet::new();
    let elements = |value: &Value| value.as_array().expect("a list").clone();
    let mut block = |block: &Value| {
        let kind = block["type"].as_str().expect("a type");
        paths(Section::Block, kind, block, &["input", "content"], &mut out);
        for nested in block["content"].as_array().into_iter().flatten() {
            paths(Section::Block, nested["type"].as_str().expect("a type"), nested, &[], &mut out);
        }
    };
    for message in elements(&body["messages"]) {
        elements(&message["content"]).iter().for_each(&mut block);
    }
    body["system"].as_array().into_iter().flatten().for_each(&mut block);
    for message in elements(&body["messages"]) {
        let role = message["role"].as_str().expect("a role");
        paths(Section::Role, role, &message, &["content"], &mut out);
    }
    for tool in body["tools"].as_array().into_iter().flatten() {
        let kind = tool["type"].as_str().unwrap_or("custom");
        paths(Section::Tool, kind, tool, &["input_schema"], &mut out);
    }
    for (name, value) in body.as_object().expect("a body is an object") {
        if !["messages", "system", "tools"].contains(&name.as_str()) {
            paths(Section::Field, name, value, &["schema"], &mut out);
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
    out.insert((section.name(), at.to_owned()));
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{at}.{name}");
                match closed.contains(&name.as_str()) {
                    true => drop(out.insert((section.name(), path))),
                    false => paths(section, &path, value, closed, out),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| paths(section, at, value, closed, out)),
        _ => {}
    }
}

/// One request that asks for everything there is.
fn everything() -> Value {
    let thought = |packed: Value| {
        let sealed = format!("sealed-reasoning:\u{1}{packed}");
        json!({"type": "reasoning", "summary": [], "encrypted_content": sealed})
    };
    let png = "data:image/png;base64,iVBORw0KGgo=";
    let call =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    json!({
        "model": "m", "stream": true, "instructions": "Be good.",
        "input": [
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "look"},
                {"type": "input_image", "image_url": png},
                {"type": "input_image", "image_url": "https://a.example/b.png"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"},
                {"type": "input_file", "filename": "a.pdf", "file_url": "https://a.example/a.pdf"},
                {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}]},
            thought(json!({"text": "hm", "signature": "sig-testkit"})),
            thought(json!({"text": "", "redacted": "sig-testkit"})),
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            call("a"), call("b"),
            {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "seen"}, {"type": "input_image", "image_url": png}]},
            {"type": "message", "role": "developer", "content": "Be quick."},
            {"type": "message", "role": "assistant", "content": "Yes."},
            {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": png}]},
            {"type": "message", "role": "assistant", "content": "Seen."},
            {"type": "message", "role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"}]},
        ],
        "tools": [
            {"type": "function", "name": "f", "description": "d", "strict": true, "parameters": {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": false}},
        ],
        "tool_choice": {"type": "function", "name": "f"},
        "parallel_tool_calls": false, "max_output_tokens": 4000, "temperature": 0.5, "top_p": 0.9,
        "service_tier": "priority", "safety_identifier": "s-1",
        "text": {"format": {"type": "json_schema", "name": "out", "schema": {"type": "object", "properties": {}, "additionalProperties": false}}},
    })
}

/// The same, with one thing else than [`everything`].
fn requests() -> Vec<Value> {
    let mut requests: Vec<Value> = recorded().into_iter().map(|(_, body)| body).collect();
    let with = |changes: &[(&str, Value)]| {
        let mut request = everything();
        for (name, value) in changes {
            request[*name] = value.clone();
        }
        request
    };
    requests.extend([
        everything(),
        with(&[("tool_choice", json!("required"))]),
        with(&[("tool_choice", json!("none"))]),
        with(&[("tool_choice", json!("auto"))]),
        with(&[("temperature", Value::Null)]),
        with(&[("reasoning", json!({"effort": "low"}))]),
        with(&[("reasoning", json!({"effort": "none"}))]),
        with(&[("safety_identifier", Value::Null), ("user", json!("u-1"))]),
    ]);
    requests
}

#[test]
fn nothing_is_written_that_the_table_does_not_name() {
    let world: BTreeSet<_> =
        lines().into_iter().map(|(section, path)| (section.name(), path)).collect();
    let mut written = BTreeSet::new();
    for name in ["careful", "sonnet-4-5", "opus-5-5", "deepseek"] {
        let target = target(name);
        let bodies = requests().into_iter().map(|request| {
            let sent = drive::request(
                &request.to_string(),
                Dialect::Responses,
                Dialect::Messages,
                &target,
            )
            .expect("the request is good");
            serde_json::from_str::<Value>(&sent.body).expect("a request is JSON")
        });
        let mut allowed = searching();
        if let ToolKind::WebSearch(search) = &mut allowed.tools[0].kind {
            search.allowed = None;
        }
        let by_hand = [searching(), allowed].map(|turn| turns::sent(&turn, &target).0);
        for body in bodies.chain(by_hand) {
            for (section, path) in said(&body) {
                let at = Section::ALL.into_iter().find(|known| known.name() == section);
                let row = find(at.expect("a section"), &path);
                let allowed = row.is_some_and(|row| !matches!(row.usage, Use::Never(_)));
                // `metadata` is there for what stands in it.
                let allowed = allowed || path == "metadata";
                let known =
                    world.contains(&(section, path.as_str())) || BEYOND.contains(&path.as_str());
                assert!(allowed && known, "{name}: quire writes {section} {path}: {row:?}");
                let marked = path.ends_with("cache_control");
                assert!(!marked || target.takes("cache_control"), "{name}: {path}");
                written.insert((section, path));
            }
        }
    }
    let idle: Vec<_> = ROWS
        .iter()
        .filter(|row| !matches!(row.usage, Use::Never(_)))
        .filter(|row| !written.contains(&(row.section.name(), row.path.to_owned())))
        .collect();
    assert!(idle.is_empty(), "no request makes quire write {idle:?}");
}

/// What happens in a stream of these events.
fn events(stream: &[Value]) -> Vec<String> {
    let text: String = stream
        .iter()
        .map(|event| {
            format!("event: {}\ndata: {event}\n\n", event["type"].as_str().expect("a type"))
        })
        .collect();
    let mut events = Vec::new();
    let mut sink = |event: Event<'_>| events.push(format!("{event:?}"));
    drive::events(
        [text.as_bytes()],
        Ending::Closed,
        Dialect::Messages,
        &target("careful"),
        &mut sink,
    );
    events
}

fn stream() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "X"}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn what_is_read_of_an_answer_has_an_effect_and_the_rest_has_none() {
    for row in read::ROWS {
        let mut before = stream();
        let is_it = |event: &Value| event["type"] == row.event;
        // A text whose start is missing is taken all the same; a call is not.
        let at = match row.path {
            "index" => before.iter().rposition(is_it),
            _ => before.iter().position(is_it),
        };
        let at = at.unwrap_or_else(|| {
            before.insert(4, json!({"type": row.event}));
            4
        });
        let mut after = before.clone();
        if row.path.is_empty() {
            before.remove(at);
            // What ends an answer can be seen from what follows it.
            let late = json!({"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "late"}});
            before.push(late.clone());
            after.push(late);
        } else {
            let example: Value = serde_json::from_str(row.example).expect("examples are JSON");
            let mut member = &mut after[at];
            for name in row.path.split('.') {
                if member[name].is_null() {
                    member[name] = json!({});
                }
                member = &mut member[name];
            }
            *member = example;
        }
        let changed = events(&before) != events(&after);
        let read = matches!(row.usage, wire::read::Use::Read(_));
        assert_eq!(changed, read, "{} {}: {:?}", row.event, row.path, events(&after));
    }
}

#[test]
fn every_event_of_the_world_has_a_decision_about_each_of_its_members() {
    let lines = WORLD.lines().filter_map(|line| line.split('\t').next()?.strip_prefix("event "));
    let open: Vec<&str> = lines
        .filter(|line| {
            let (event, member) = line.split_once(':').unwrap_or((line, ""));
            let decides = |row: &&read::Row| {
                let first = row.path.split('.').next().unwrap_or_default();
                row.event == event && (member.is_empty() || member == "type" || member == first)
            };
            !read::ROWS.iter().any(|row| decides(&row))
        })
        .collect();
    assert!(open.is_empty(), "no row decides about {open:?}");
}
