//! Requests of a Responses client: made up, and recorded.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z \n\"\\\\é😀]{0,12}", Just("answer in JSON".to_owned())]
}

/// Few ids, so that calls, results and repetitions meet.
fn id() -> impl Strategy<Value = &'static str> {
    select(vec!["call_1", "call_2", "call_2_2", "call_3", "call:4.é"])
}

fn part() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => text().prop_map(|text| json!({"type": "input_text", "text": text})),
        1 => text().prop_map(|text| json!({"type": "output_text", "text": text, "annotations": []})),
        1 => text().prop_map(|text| json!({"type": "refusal", "refusal": text})),
        1 => select(vec!["auto", "low", "high", "original"]).prop_map(|detail| {
            json!({"type": "input_image", "detail": detail, "image_url": "data:image/png;base64,iVBORw0KGgo="})
        }),
        1 => Just(json!({"type": "input_image", "file_id": "file_1"})),
        1 => Just(json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0x"})),
        1 => Just(json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})),
        1 => Just(json!({"type": "hologram", "shape": "cube"})),
        1 => text().prop_map(|text| json!({"type": "encrypted_content", "encrypted_content": text})),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(Value::String),
        prop::collection::vec(part(), 0..4).prop_map(Value::Array),
    ]
}

fn reasoning() -> impl Strategy<Value = Value> {
    let sealed = select(vec![
        "sealed-reasoning:I thought",
        "sealed-reasoning:\u{1}{\"text\":\"I \\\"thought\\\"\",\"signature\":\"sig-testkit\"}",
        "sealed-reasoning:\u{1}{\"text\":\"\",\"redacted\":\"sig-testkit\"}",
        "gAAAA",
        "",
    ]);
    (text(), sealed, any::<bool>()).prop_map(|(text, sealed, shown)| {
        let content = if shown { json!([{"type": "reasoning_text", "text": text}]) } else { Value::Null };
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "content": content, "encrypted_content": sealed})
    })
}

fn item() -> impl Strategy<Value = Value> {
    let role = select(vec!["user", "assistant", "developer", "system"]);
    let name = select(vec!["exec_command", "add_two", "größe.messen", "gone"]);
    let arguments = prop_oneof![
        Just("{\"a\":1}".to_owned()),
        Just(" {\"a\":\"\\n\"}".to_owned()),
        Just(String::new()),
        Just("{\"cut\":".to_owned()),
        Just("[1]".to_owned()),
        text(),
    ];
    let output = content();
    prop_oneof![
        4 => (role, content()).prop_map(|(role, content)| json!({"type": "message", "role": role, "content": content})),
        2 => reasoning(),
        4 => (id(), name, arguments, any::<bool>()).prop_map(|(id, name, arguments, space)| {
            let namespace = if space { json!("mcp__toy") } else { Value::Null };
            json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": name, "namespace": namespace, "arguments": arguments})
        }),
        2 => (id(), text()).prop_map(|(id, input)| {
            json!({"type": "custom_tool_call", "call_id": id, "name": "apply_patch", "input": input, "status": "completed"})
        }),
        1 => id().prop_map(|id| json!({"type": "local_shell_call", "call_id": id, "action": {"type": "exec", "command": ["ls"], "env": {}}})),
        1 => id().prop_map(|id| json!({"type": "tool_search_call", "call_id": id, "execution": "client", "arguments": {"query": "x"}})),
        4 => (id(), output).prop_map(|(id, output)| json!({"type": "function_call_output", "call_id": id, "output": output})),
        1 => (id(), text()).prop_map(|(id, output)| json!({"type": "custom_tool_call_output", "call_id": id, "output": output})),
        1 => id().prop_map(|id| json!({"type": "tool_search_output", "call_id": id, "execution": "client", "status": "completed", "tools": [
            {"type": "namespace", "name": "mcp__late", "description": "", "tools": [{"type": "function", "name": "go", "parameters": {"type": "array"}}]}]})),
        1 => content().prop_map(|content| json!({"type": "agent_message", "author": "<root-agent>", "recipient": "<root-agent>/a", "content": content})),
        1 => Just(json!({"type": "compaction", "encrypted_content": "sealed-compaction:so far"})),
        1 => Just(json!({"type": "compaction", "encrypted_content": "gAAAA"})),
        1 => Just(json!({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}})),
        1 => Just(json!({"type": "telepathy", "thought": 1})),
    ]
}

fn schema() -> impl Strategy<Value = Value> {
    select(vec![
        Value::Null,
        json!({}),
        json!(true),
        json!({"type": "object"}),
        json!({"type": "array", "items": {}}),
        json!({"properties": {"a": {"type": "array"}, "encrypted": {"type": "string", "encrypted": true}}}),
        json!({"type": ["object", "null"], "properties": {"a": {"type": "object", "properties": {}}}, "required": ["a"]}),
        json!({"type": "object", "properties": null}),
        json!({"anyOf": [{"type": "object"}]}),
        json!({"type": "object", "properties": {"a b": {}, "c": null}, "required": ["a b"], "oneOf": [{"properties": {"d": {"type": "array", "items": [{}], "description": null}}}]}),
    ])
}

fn tool() -> impl Strategy<Value = Value> {
    let name = select(vec!["exec_command", "add_two", "größe.messen", "x".repeat(80).leak()]);
    let function = (name, schema())
        .prop_map(|(name, schema)| {
            json!({"type": "function", "name": name, "parameters": schema, "strict": false, "defer_loading": true})
        })
        .boxed();
    prop_oneof![
        3 => function.clone(),
        1 => prop::collection::vec(function, 0..3).prop_map(|tools| {
            json!({"type": "namespace", "name": "mcp__toy", "description": "d", "tools": tools})
        }),
        1 => Just(json!({"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"x\"\n"}})),
        1 => Just(json!({"type": "tool_search", "execution": "client", "description": "d", "parameters": {"type": "object", "properties": {}}})),
        1 => Just(json!({"type": "web_search", "external_web_access": true})),
        1 => Just(json!({"type": "local_shell"})),
        1 => Just(json!({"type": "image_generation"})),
        1 => Just(json!({"type": "teleport", "name": "x"})),
    ]
}

fn settings() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    let setting = select(vec![
        ("stream", json!(true)),
        ("tool_choice", json!("none")),
        ("tool_choice", json!("required")),
        ("tool_choice", json!({"type": "function", "name": "exec_command"})),
        ("tool_choice", json!({"type": "custom", "name": "apply_patch"})),
        (
            "tool_choice",
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "add_two"}]}),
        ),
        ("tool_choice", json!({"type": "mcp", "server_label": "x"})),
        ("parallel_tool_calls", json!(false)),
        ("parallel_tool_calls", json!(true)),
        ("reasoning", json!({"effort": "ultra", "summary": "auto"})),
        ("reasoning", json!({"effort": "minimal"})),
        ("reasoning", json!({"effort": "none"})),
        ("text", json!({"verbosity": "low", "format": {"type": "json_object"}})),
        (
            "text",
            json!({"format": {"type": "json_schema", "name": "out", "strict": true, "schema":
            {"type": "object", "properties": {}, "required": [], "additionalProperties": false}}}),
        ),
        ("max_output_tokens", json!(1_000_000)),
        ("temperature", json!(0.5)),
        ("top_p", json!(0.9)),
        ("presence_penalty", json!(0.1)),
        ("service_tier", json!("priority")),
        ("prompt_cache_key", json!("k")),
        ("safety_identifier", json!("s")),
        ("user", json!("u")),
        ("metadata", json!({"a": "b"})),
        ("include", json!(["reasoning.encrypted_content", "message.output_text.logprobs"])),
        ("client_metadata", json!({"x": "y"})),
        ("store", json!(true)),
        ("invented", json!([1, 2])),
    ]);
    prop::collection::vec(setting, 0..6)
}

/// A request with anything in any order, some of it wrong.
pub(crate) fn request() -> impl Strategy<Value = Value> {
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

/// The bodies of the requests that Codex was recorded to send.
pub(crate) fn recorded() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../corpus/fixtures/clients/codex");
    let mut bodies = Vec::new();
    for file in std::fs::read_dir(folder).expect("the fixtures are in the repository").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".request.json") {
            continue;
        }
        let text = std::fs::read_to_string(file.path()).expect("a fixture is text");
        let recording: Value = serde_json::from_str(&text).expect("a fixture is JSON");
        for request in recording["requests"].as_array().into_iter().flatten() {
            let is_turn = request["method"] == "POST"
                && request["path"].as_str().is_some_and(|path| path.ends_with("/responses"));
            if is_turn && request["body"]["input"].is_array() {
                bodies.push((name.clone(), request["body"].clone()));
            }
        }
    }
    bodies.sort_by(|a, b| a.0.cmp(&b.0));
    bodies
}
