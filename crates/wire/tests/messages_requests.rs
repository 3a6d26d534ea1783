//! Whatever a Messages client sends, the upstream gets a request that a strict server accepts, or
//! the client gets a fault that names the member.

mod common;

use common::{PAIRS, target};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use testkit::strict::{self, Profile};
use wire::dialect::Dialect;
use wire::drive::request as translate;
use wire::note::Code;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \n\"\\\\é😀]{0,12}", Just("answer in JSON".to_owned())]
}

/// Few ids, so that calls, results and repetitions meet.
fn id() -> impl Strategy<Value = &'static str> {
    select(vec!["toolu_1", "toolu_2", "toolu_2_2", "toolx_f_3a0", "srvtoolu_1"])
}

fn media() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text().prop_map(|text| json!({"type": "text", "text": text, "citations": null})),
        1 => Just(json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}})),
        1 => Just(json!({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})),
        1 => Just(json!({"type": "image", "source": {"type": "file", "file_id": "file_1"}})),
        1 => Just(json!({"type": "document", "title": "t", "context": "c", "source":
            {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}})),
        1 => text().prop_map(|text| json!({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": text}})),
        1 => Just(json!({"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}})),
        1 => text().prop_map(|text| json!({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": text}]})),
        1 => Just(json!({"type": "hologram", "shape": "cube"})),
        1 => text().prop_map(|text| json!({"type": "sound", "text": text})),
        1 => Just(json!({"type": "container_upload", "file_id": "f", "cache_control": {"type": "ephemeral"}})),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    let block = prop_oneof![
        5 => media(),
        1 => Just(json!({"type": "tool_reference", "tool_name": "later"})),
    ];
    prop_oneof![
        text().prop_map(Value::String),
        prop::collection::vec(block, 0..4).prop_map(Value::Array),
    ]
}

fn block() -> impl Strategy<Value = Value> {
    let name = select(vec!["Bash", "größe.messen", "later", "gone"]);
    let signature = select(vec!["sealed-reasoning:I thought", "EqQB", ""]);
    prop_oneof![
        4 => media(),
        2 => (text(), signature).prop_map(|(text, signature)| json!({"type": "thinking", "thinking": text, "signature": signature})),
        1 => Just(json!({"type": "redacted_thinking", "data": "EqQB"})),
        4 => (id(), name, text()).prop_map(|(id, name, text)| json!({"type": "tool_use", "id": id, "name": name, "input": {"a": text}})),
        4 => (id(), content(), any::<Option<bool>>()).prop_map(|(id, content, error)| {
            json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": error})
        }),
        1 => id().prop_map(|id| json!({"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": "q"}})),
        1 => id().prop_map(|id| json!({"type": "web_search_tool_result", "tool_use_id": id, "content": [
            {"type": "web_search_result", "url": "https://example.com", "title": "T", "encrypted_content": "E", "page_age": null}]})),
        1 => id().prop_map(|id| json!({"type": "web_search_tool_result", "tool_use_id": id, "content":
            {"type": "web_search_tool_result_error", "error_code": "unavailable"}})),
        1 => id().prop_map(|id| json!({"type": "web_fetch_tool_result", "tool_use_id": id, "content": {"type": "web_fetch_result", "url": "u",
            "content": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "page"}}}})),
        1 => id().prop_map(|id| json!({"type": "mcp_tool_use", "id": id, "name": "do", "server_name": "srv", "input": {}})),
        1 => (id(), content()).prop_map(|(id, content)| json!({"type": "mcp_tool_result", "tool_use_id": id, "is_error": true, "content": content})),
        1 => id().prop_map(|id| json!({"type": "code_execution_tool_result", "tool_use_id": id, "content":
            {"type": "code_execution_result", "stdout": "\n", "stderr": "", "return_code": 0, "content": []}})),
        1 => Just(json!({"type": "compaction", "content": "so far"})),
        1 => Just(json!({"type": "compaction", "content": null})),
        1 => Just(json!({"type": "tool_removal", "tool": {"type": "tool_reference", "name": "Bash"}})),
        1 => Just(json!({"type": "tool_addition", "tool": {"type": "tool_definition", "definition":
            {"name": "new", "input_schema": {"type": "object"}}}})),
        1 => Just(json!({"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}})),
    ]
}

fn message() -> impl Strategy<Value = Value> {
    let role = select(vec!["user", "assistant", "assistant", "system"]);
    let blocks = prop_oneof![
        1 => text().prop_map(Value::String),
        4 => prop::collection::vec(block(), 0..5).prop_map(Value::Array),
    ];
    (role, blocks).prop_map(|(role, content)| json!({"role": role, "content": content}))
}

fn tool() -> impl Strategy<Value = Value> {
    let schema = select(vec![
        json!({}),
        json!({"type": "object"}),
        json!({"type": "object", "properties": {"a": {"type": "array"}}, "required": ["a"]}),
        json!({"type": "object", "properties": null}),
        json!({"anyOf": [{"type": "object"}]}),
    ]);
    let name = select(vec!["Bash", "größe.messen", "later", "x".repeat(128).leak()]);
    let function = (name, schema, any::<[Option<bool>; 2]>()).prop_map(|(name, schema, [strict, deferred])| {
        json!({"name": name, "description": "d", "input_schema": schema, "strict": strict, "defer_loading": deferred,
            "input_examples": [{}], "cache_control": {"type": "ephemeral"}})
    });
    prop_oneof![
        5 => function,
        1 => Just(json!({"type": "web_search_20250305", "name": "web_search", "max_uses": 8})),
        1 => Just(json!({"type": "bash_20250124", "name": "bash"})),
        1 => Just(json!({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 10})),
        1 => Just(json!({"type": "computer_20251124", "name": "computer", "display_width_px": 800, "display_height_px": 600})),
        1 => Just(json!({"type": "memory_20250818", "name": "memory"})),
        1 => Just(json!({"type": "code_execution_20260521", "name": "code_execution"})),
        1 => Just(json!({"type": "tool_search_tool_bm25", "name": "tool_search"})),
        1 => Just(json!({"type": "mcp_toolset", "mcp_server_name": "s"})),
        1 => Just(json!({"type": "teleport_20270101", "name": "x"})),
    ]
}

fn settings() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let setting = select(vec![
        ("stream", json!(true)),
        ("system", json!("be brief")),
        (
            "system",
            json!([{"type": "text", "text": "x-anthropic-billing-header: cc_version=1;"}, {"type": "text", "text": "be brief"}]),
        ),
        ("tool_choice", json!({"type": "none"})),
        ("tool_choice", json!({"type": "any", "disable_parallel_tool_use": true})),
        ("tool_choice", json!({"type": "tool", "name": "Bash"})),
        ("tool_choice", json!({"type": "auto", "disable_parallel_tool_use": false})),
        ("thinking", json!({"type": "disabled"})),
        ("thinking", json!({"type": "adaptive", "display": "omitted"})),
        ("thinking", json!({"type": "enabled", "budget_tokens": 31999})),
        ("output_config", json!({"effort": "max"})),
        (
            "output_config",
            json!({"format": {"type": "json_schema", "schema":
            {"type": "object", "properties": {}, "required": [], "additionalProperties": false}}}),
        ),
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("top_k", json!(5)),
        ("stop_sequences", json!(["END", "\n\n"])),
        ("stop_sequences", json!([])),
        ("metadata", json!({"user_id": "ada"})),
        ("metadata", json!({"user_id": "{\"device_id\":\"d\"}"})),
        ("service_tier", json!("standard_only")),
        ("speed", json!("fast")),
        (
            "context_management",
            json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
        ),
        ("cache_control", json!({"type": "ephemeral"})),
        ("mcp_servers", json!([])),
        ("invented", json!([1, 2])),
    ]);
    prop::collection::vec(setting, 0..6)
}

fn request() -> impl Strategy<Value = Value> {
    (prop::collection::vec(message(), 0..7), prop::collection::vec(tool(), 0..6), settings())
        .prop_map(|(messages, tools, settings)| {
            let mut request =
                json!({"model": "m", "max_tokens": 100_000, "messages": messages, "tools": tools});
            for (name, value) in settings {
                request[name] = value;
            }
            request
        })
}

/// What a strict server says against the request, if anything.
fn refusals(profile: Profile, body: &str) -> Vec<String> {
    let body: Value = serde_json::from_str(body).expect("a request is JSON");
    let refusals = strict::check_all(profile, &body);
    refusals
        .into_iter()
        .map(|refusal| format!("{}: {} at {}", refusal.rule, refusal.message, refusal.at))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn strict_servers_accept_whatever_a_messages_client_sends(mut request in request()) {
        // Some servers demand that a user speaks.
        let messages = request["messages"].as_array_mut().expect("it is a list");
        messages.push(json!({"role": "user", "content": "go on"}));
        for (profile, name) in PAIRS {
            let sent = translate(&request.to_string(), Dialect::Messages, Dialect::Chat, &target(name));
            let sent = sent.map_err(|fault| TestCaseError::fail(format!("{name}: {fault}")))?;
            let refusals = refusals(profile, &sent.body);
            prop_assert!(refusals.is_empty(), "{name}: {refusals:#?}\n{}", sent.body);
        }
    }

    #[test]
    fn any_json_in_any_place_is_accepted_or_refused_by_name(
        mut request in request(),
        place in "(/messages/0|/messages/1|/tools/0|/system|/thinking|/output_config|/tool_choice|/metadata)?(/content|/role|/type|/name|/input_schema|/effort|/format)?(/0|/1)?(/type|/text|/source|/id|/input|/content|/tool|/tool_use_id)?",
        value in select(vec![json!(null), json!(1.5), json!("x"), json!([]), json!({}), json!([{}]), json!([null]), json!(true)]),
    ) {
        if let Some(member) = request.pointer_mut(&place) {
            *member = value;
        }
        for (_, name) in PAIRS {
            match translate(&request.to_string(), Dialect::Messages, Dialect::Chat, &target(name)) {
                Ok(sent) => prop_assert!(serde_json::from_str::<Value>(&sent.body).is_ok()),
                Err(fault) => prop_assert!(fault.param.is_some() || place.is_empty(), "{fault}"),
            }
        }
    }

    #[test]
    fn arbitrary_text_is_refused_without_harm(text in any::<String>(), json in r#"[\[\]{}":,a-c0-9 ]{0,40}"#) {
        for text in [text, json] {
            let _ = translate(&text, Dialect::Messages, Dialect::Chat, &target("careful"));
        }
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_where_it_stands() {
    let good = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "o"}]}]},
    ], "tools": [{"name": "f", "input_schema": {"type": "object"}}], "thinking": {"type": "adaptive"}});
    let cases = [
        ("/max_tokens", json!(null), "max_tokens", "max_tokens: Field required"),
        ("/max_tokens", json!(0), "max_tokens", ""),
        ("/messages", json!(null), "messages", "messages: Field required"),
        ("/messages", json!([]), "messages", "messages: at least one message is required"),
        ("/messages/0/role", json!("tool"), "messages.0.role", ""),
        ("/messages/0/role", json!(null), "messages.0.role", "messages.0.role: Field required"),
        ("/messages/1/content", json!(7), "messages.1.content", ""),
        ("/messages/0/content/0", json!("x"), "messages.0.content.0", ""),
        ("/messages/0/content/0/type", json!(null), "messages.0.content.0.type", ""),
        ("/messages/0/content/0/source", json!(null), "messages.0.content.0.source", ""),
        ("/messages/0/content/0/source/data", json!(1), "messages.0.content.0.source.data", ""),
        ("/messages/1/content/0/input", json!("{}"), "messages.1.content.0.input", ""),
        ("/messages/2/content/0/tool_use_id", json!(null), "messages.2.content.0.tool_use_id", ""),
        (
            "/messages/2/content/0/content/0/text",
            json!(1),
            "messages.2.content.0.content.0.text",
            "",
        ),
        ("/tools/0/input_schema", json!(null), "tools.0.input_schema", ""),
        ("/tools/0/name", json!(""), "tools.0.name", ""),
        ("/thinking/type", json!("much"), "thinking.type", ""),
        ("/thinking", json!({"type": "enabled"}), "thinking.budget_tokens", ""),
        ("/output_config", json!({"effort": "huge"}), "output_config.effort", ""),
        ("/output_config", json!({"format": {"type": "grammar"}}), "output_config.format.type", ""),
        ("/tool_choice", json!({"type": "tool"}), "tool_choice.name", ""),
        ("/stop_sequences", json!(["a", 1]), "stop_sequences.1", ""),
        ("/thread", json!({"type": "continue", "previous_message_id": "x"}), "thread", ""),
        ("/compaction", json!({"type": "compaction"}), "compaction", ""),
    ];
    for (place, value, param, words) in cases {
        let mut request = good.clone();
        match request.pointer_mut(place) {
            Some(member) => *member = value,
            None => request[place.trim_start_matches('/')] = value,
        }
        let fault =
            translate(&request.to_string(), Dialect::Messages, Dialect::Chat, &target("careful"))
                .expect_err(place);
        assert_eq!(fault.param.as_deref(), Some(param), "{fault}");
        assert!(words.is_empty() || fault.message == words, "{fault}");
    }
}

/// The bodies of the Messages requests that real clients were recorded to send.
fn recorded() -> Vec<(String, Value)> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let mut bodies = Vec::new();
    for client in ["claude-code", "opencode", "pi", "sdks"] {
        let folder = std::fs::read_dir(clients.join(client));
        for file in folder.expect("the fixtures are in the repository").flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".request.json") {
                continue;
            }
            let text = std::fs::read_to_string(file.path()).expect("a fixture is text");
            let recording: Value = serde_json::from_str(&text).expect("a fixture is JSON");
            for request in recording["requests"].as_array().into_iter().flatten() {
                let path = request["path"].as_str().unwrap_or_default();
                let path = path.split('?').next().unwrap_or_default();
                if path.ends_with("/messages") && request["body"]["messages"].is_array() {
                    bodies.push((format!("{client}/{name}"), request["body"].clone()));
                }
            }
        }
    }
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    bodies
}

#[test]
fn recorded_requests_reach_every_strict_server_and_nothing_of_them_is_unknown() {
    let bodies = recorded();
    assert!(bodies.len() >= 20, "only {} bodies were found", bodies.len());
    let mut wrong = BTreeSet::new();
    for (file, body) in &bodies {
        for (profile, name) in PAIRS {
            let sent =
                match translate(&body.to_string(), Dialect::Messages, Dialect::Chat, &target(name))
                {
                    Ok(sent) => sent,
                    Err(fault) => {
                        wrong.insert(format!("{file} for {name}: {fault}"));
                        continue;
                    }
                };
            let refusals = refusals(profile, &sent.body);
            if !refusals.is_empty() {
                wrong.insert(format!("{file} for {name}: {refusals:?}"));
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
            // Ids of the user's machine go nowhere, nor does the line that changes every time.
            for secret in ["device_id", "x-anthropic-billing-header"] {
                if sent.body.contains(secret) {
                    wrong.insert(format!("{file} for {name}: {secret} is sent on"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
}

#[test]
fn claude_codes_deferred_tools_are_offered_once_they_were_found() {
    let offered = |body: &Value| -> Vec<String> {
        let sent =
            translate(&body.to_string(), Dialect::Messages, Dialect::Chat, &target("generous"))
                .expect("it is good");
        let body: Value = serde_json::from_str(&sent.body).expect("JSON");
        let tools = body["tools"].as_array().into_iter().flatten();
        tools.filter_map(|tool| tool["function"]["name"].as_str().map(str::to_owned)).collect()
    };
    let searched = recorded().into_iter().filter(|(file, _)| file.contains("toolsearch"));
    let seen: Vec<(bool, bool)> = searched
        .filter(|(_, body)| body["tools"].as_array().is_some_and(|tools| tools.len() > 2))
        .map(|(_, body)| {
            let names = offered(&body);
            assert!(!names.contains(&"DeferredToolPlaceholder".to_owned()));
            let found = body["messages"].to_string().contains("tool_reference");
            (found, names.contains(&"WebSearch".to_owned()))
        })
        .collect();
    assert!(
        seen.contains(&(true, true)) && seen.iter().all(|(found, there)| found == there),
        "{seen:?}"
    );
}
