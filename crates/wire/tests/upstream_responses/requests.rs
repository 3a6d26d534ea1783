//! Whatever a client sends, a strict Responses server accepts what it gets.

use super::targets::{PAIRS, target};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use testkit::strict::{self, Profile};
use wire::dialect::Dialect;
use wire::drive;
use wire::json::Tape;
use wire::note::{Code, Notes};
use wire::target::Target;
use wire::turn::{Opened, Sealed, Vault};

/// Opens what begins with `sealed:`: the rest came encrypted from its server. What begins with
/// `open:` was thought in the open.
pub(super) struct TestVault;

impl Vault for TestVault {
    fn seal(&self, _: Sealed, plain: &str) -> String {
        plain.to_owned()
    }

    fn open(&self, what: Sealed, sealed: &str) -> Opened {
        if let Some(data) = sealed.strip_prefix("sealed:") {
            let packed = match what {
                Sealed::Reasoning => {
                    format!("\u{1}{{\"text\":\"I see\",\"encrypted\":\"sig-testkit-{data}\"}}")
                }
                Sealed::Compaction => data.to_owned(),
            };
            return Opened::Text(packed);
        }
        match sealed.strip_prefix("open:") {
            Some(text) => Opened::Text(text.to_owned()),
            None => Opened::Foreign,
        }
    }
}

/// What becomes of a request: the body, or the member that the fault names.
pub(super) fn rendered(request: &Value, target: &Target) -> (Result<Value, String>, Notes) {
    let mut notes = Notes::default();
    let text = request.to_string();
    let mut tape = Tape::default();
    let done = wire::responses::parse(tape.read(&text).expect("JSON"), &mut notes)
        .and_then(|turn| {
            wire::responses::render(&turn, target, &TestVault, String::new(), &mut notes)
        })
        .map(|rendered| serde_json::from_str(&rendered.body).expect("quire writes JSON"))
        .map_err(|fault| fault.param.unwrap_or_default());
    (done, notes)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \n\"\\\\é😀]{0,12}", Just("answer in JSON".to_owned()), Just(String::new())]
}

/// Few ids, so that calls, results and repetitions meet; one is too long.
fn id() -> impl Strategy<Value = &'static str> {
    select(vec!["call_1", "call_2", "call_2_2", "x".repeat(90).leak()])
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => text().prop_map(|text| json!({"type": "input_text", "text": text})),
        1 => text().prop_map(|text| json!({"type": "refusal", "refusal": text})),
        1 => select(vec!["auto", "low", "original", "sharp"]).prop_map(|detail| {
            json!({"type": "input_image", "detail": detail, "image_url": "data:image/png;base64,iVBORw0KGgo="})
        }),
        1 => select(vec!["https://example.com/a.png", "file:///a.png", "data:application/pdf;base64,AAAA", ""])
            .prop_map(|url| json!({"type": "input_image", "image_url": url})),
        1 => Just(json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"})),
        1 => Just(json!({"type": "input_file", "file_data": "AAAA"})),
        1 => Just(json!({"type": "input_file", "file_url": "https://example.com/a.pdf"})),
        1 => Just(json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::String),
        prop::collection::vec(part(), 0..4).prop_map(Value::Array),
    ]
}

fn item() -> impl Strategy<Value = Value> {
    let role = select(vec!["user", "assistant", "developer", "system"]);
    let name = select(vec!["exec_command", "add_two", "größe.messen", "gone"]);
    let arguments = prop_oneof![
        Just("{\"a\":1}".to_owned()),
        Just(String::new()),
        Just("{\"cut\":".to_owned()),
        text(),
    ];
    let sealed = select(vec!["sealed:1", "open:hm", "gAAAA", ""]);
    prop_oneof![
        4 => (role, content()).prop_map(|(role, content)| json!({"type": "message", "role": role, "content": content})),
        3 => (sealed, text()).prop_map(|(sealed, text)| json!({"type": "reasoning",
            "summary": [{"type": "summary_text", "text": text}], "encrypted_content": sealed})),
        4 => (id(), name, arguments).prop_map(|(id, name, arguments)| {
            json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments})
        }),
        2 => (id(), text()).prop_map(|(id, input)| {
            json!({"type": "custom_tool_call", "call_id": id, "name": "apply_patch", "input": input})
        }),
        1 => id().prop_map(|id| json!({"type": "tool_search_call", "call_id": id, "execution": "client", "arguments": {"query": "x"}})),
        4 => (id(), content()).prop_map(|(id, output)| json!({"type": "function_call_output", "call_id": id, "output": output})),
        1 => (id(), text()).prop_map(|(id, output)| json!({"type": "custom_tool_call_output", "call_id": id, "output": output})),
        1 => Just(json!({"type": "compaction", "encrypted_content": "sealed:so far"})),
        1 => Just(json!({"type": "compaction", "encrypted_content": "gAAAA"})),
        1 => Just(json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}})),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    select(vec![
        Value::Null,
        json!({}),
        json!(true),
        json!({"type": "array", "items": {}}),
        json!({"properties": {"a": {"type": "array"}}}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": [], "additionalProperties": false}),
        json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}),
        json!({"anyOf": [{"type": "object"}]}),
    ])
}

fn tool() -> impl Strategy<Value = Value> {
    let name = select(vec!["exec_command", "add_two", "größe.messen", "x".repeat(80).leak()]);
    prop_oneof![
        3 => (name, schema(), any::<Option<bool>>()).prop_map(|(name, schema, strict)| {
            json!({"type": "function", "name": name, "parameters": schema, "strict": strict})
        }),
        1 => select(vec!["lark", "regex", "gbnf"]).prop_map(|syntax| json!({"type": "custom", "name": "apply_patch",
            "format": {"type": "grammar", "syntax": syntax, "definition": "start: \"x\"\n"}})),
        1 => Just(json!({"type": "custom", "name": "plain"})),
        1 => Just(json!({"type": "tool_search", "execution": "client", "description": "d"})),
        1 => Just(json!({"type": "local_shell"})),
        2 => select(vec![json!({}), json!({"filters": {"allowed_domains": ["example.com"]}, "search_context_size": "low"}),
            json!({"user_location": {"type": "approximate", "city": "Ulm", "country": null}, "search_context_size": "vast"})])
            .prop_map(|mut tool| { tool["type"] = json!("web_search"); tool }),
    ]
}

fn settings() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let allowed =
        |mode: &str, tools: Value| json!({"type": "allowed_tools", "mode": mode, "tools": tools});
    let schema = |strict: bool, schema: Value| json!({"format": {"type": "json_schema", "name": "my out", "strict": strict, "schema": schema}});
    let setting = select(vec![
        ("stream", json!(true)),
        ("tool_choice", json!("none")),
        ("tool_choice", json!("required")),
        ("tool_choice", json!({"type": "function", "name": "exec_command"})),
        ("tool_choice", json!({"type": "custom", "name": "apply_patch"})),
        ("tool_choice", allowed("required", json!([{"type": "function", "name": "add_two"}]))),
        ("tool_choice", allowed("auto", json!([{"type": "custom", "name": "apply_patch"}]))),
        ("tool_choice", allowed("auto", json!([]))),
        ("parallel_tool_calls", json!(false)),
        ("reasoning", json!({"effort": "ultra", "summary": "auto"})),
        ("reasoning", json!({"effort": "none", "summary": "auto"})),
        ("reasoning", json!({"summary": "detailed"})),
        ("text", json!({"verbosity": "low", "format": {"type": "json_object"}})),
        ("text", json!({"verbosity": "extreme"})),
        ("text", schema(true, json!({"type": "object", "properties": {"a": {"type": "string"}}}))),
        (
            "text",
            schema(
                true,
                json!({"type": "object", "properties": {}, "additionalProperties": false}),
            ),
        ),
        ("text", schema(false, json!({"type": "array"}))),
        ("text", schema(false, json!({"properties": {"a": {"type": "array"}}}))),
        ("max_output_tokens", json!(1_000_000)),
        ("max_output_tokens", json!(1)),
        ("temperature", json!(0.5)),
        ("service_tier", json!("priority")),
        ("service_tier", json!("standard_only")),
        ("prompt_cache_key", json!("k".repeat(100))),
        ("safety_identifier", json!("s")),
        ("user", json!("ü".repeat(65))),
        ("include", json!(["reasoning.encrypted_content"])),
    ]);
    prop::collection::vec(setting, 0..6)
}

fn request() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(item(), 0..9),
        prop::collection::vec(tool(), 0..6),
        settings(),
        prop::option::of(text()),
    )
        .prop_map(|(items, tools, settings, instructions)| {
            let mut request =
                json!({"model": "m", "input": items, "tools": tools, "instructions": instructions});
            for (name, value) in settings {
                request[name] = value;
            }
            request
        })
}

/// What a strict server says against the request, if anything.
pub(super) fn refusals(profile: Profile, body: &Value) -> Vec<String> {
    let refusals = strict::check_all(profile, body);
    let line = |refusal: strict::Refusal| {
        format!("{}: {} at {}", refusal.rule, refusal.message, refusal.at)
    };
    refusals.into_iter().map(line).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    #[test]
    fn strict_servers_accept_whatever_is_sent(mut request in request(), speaks in any::<bool>()) {
        if speaks {
            let items = request["input"].as_array_mut().expect("it is a list");
            items.push(json!({"type": "message", "role": "user", "content": "go on"}));
        }
        for (profile, name) in PAIRS {
            match rendered(&request, &target(name)).0 {
                Ok(body) => {
                    let refusals = refusals(profile, &body);
                    prop_assert!(refusals.is_empty(), "{name}: {refusals:#?}\n{body:#}");
                }
                // Nothing but what the target cannot be told.
                Err(param) => prop_assert!(!speaks && param == "input", "{name}: `{param}`"),
            }
        }
    }

    #[test]
    fn the_same_history_is_written_the_same_way_however_it_goes_on(request in request()) {
        let target = target("openai");
        let mut longer = request.clone();
        let items = longer["input"].as_array_mut().expect("it is a list");
        for extra in [json!({"role": "assistant", "content": "so"}), json!({"role": "user", "content": "on"})] {
            items.push(extra);
        }
        let (Ok(short), Ok(long)) = (rendered(&request, &target).0, rendered(&longer, &target).0) else {
            return Ok(());
        };
        // A provider's cache of the prompt is good for an equal beginning alone. What is still open
        // at the end, a call or a thought, may go on differently.
        let settled = |body: &Value| -> Vec<Value> {
            let items = body["input"].as_array().expect("a list");
            let open = items.iter().rposition(|item| item["type"] == "message" && item["role"] == "user");
            items[..open.map_or(0, |at| at)].to_vec()
        };
        prop_assert!(long["input"].as_array().expect("a list").starts_with(&settled(&short)));
        if short.get("instructions").is_some() {
            prop_assert_eq!(&short["instructions"], &long["instructions"]);
        }
    }
}

/// The bodies that clients were recorded to send in this dialect.
fn recorded() -> Vec<(String, Value)> {
    let clients = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/fixtures/clients");
    let mut bodies = Vec::new();
    for client in ["codex", "opencode", "pi", "sdks"] {
        let folder = std::fs::read_dir(format!("{clients}/{client}"));
        for file in folder.expect("the fixtures are in the repository").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".request.json") {
                continue;
            }
            let text = std::fs::read_to_string(file.path()).expect("a fixture is text");
            let recording: Value = serde_json::from_str(&text).expect("a fixture is JSON");
            for request in recording["requests"].as_array().into_iter().flatten() {
                let is_turn = request["method"] == "POST"
                    && request["path"].as_str().is_some_and(|path| path.ends_with("/responses"));
                if is_turn && request["body"].get("input").is_some() {
                    bodies.push((format!("{client}/{name}"), request["body"].clone()));
                }
            }
        }
    }
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    bodies
}

#[test]
fn recorded_turns_reach_every_strict_server_and_nothing_of_them_is_unknown() {
    let bodies = recorded();
    assert!(bodies.len() >= 34, "only {} bodies were found", bodies.len());
    let mut wrong = BTreeSet::new();
    for (file, body) in &bodies {
        for (profile, name) in PAIRS {
            let (done, notes) = rendered(body, &target(name));
            match done {
                Ok(body) => {
                    for refusal in refusals(profile, &body) {
                        wrong.insert(format!("{file} for {name}: {refusal}"));
                    }
                }
                Err(param) => {
                    wrong.insert(format!("{file} for {name}: refused for `{param}`"));
                }
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
            for note in notes.list().iter().filter(|note| unknown.contains(&note.code)) {
                wrong.insert(format!("{file} for {name}: {} at {}", note.code.name(), note.at));
            }
        }
    }
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_ever_kept_on_the_server_nor_continued_from_it() {
    for (_, body) in recorded() {
        for name in ["openai", "careful", "open"] {
            let body = rendered(&body, &target(name)).0.expect("it is accepted");
            assert_eq!(body["store"], false);
            assert!(body.get("previous_response_id").is_none());
        }
    }
}

#[test]
fn a_request_is_rendered_with_the_drivers_vault_too() {
    let body = json!({"model": "m", "stream": true, "input": [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "summary": [], "encrypted_content": "sealed-reasoning:\u{1}{\"text\":\"\",\"encrypted\":\"gAAAA\"}"},
        {"role": "assistant", "content": "gone"},
        {"role": "user", "content": "again"}]});
    let sent = drive::request(
        &body.to_string(),
        Dialect::Responses,
        Dialect::Responses,
        &target("openai"),
    )
    .expect("it is good");
    let body: Value = serde_json::from_str(&sent.body).expect("JSON");
    assert_eq!(
        body["input"][1],
        json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"})
    );
}

use std::collections::BTreeSet;
