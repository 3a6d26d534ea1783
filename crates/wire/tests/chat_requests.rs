//! Chat Completions requests of clients: what they come to, what is noted, and what is refused.

mod common;

use common::shown::shown;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use std::path::Path;
use wire::chat::parse;
use wire::fault::Fault;
use wire::json::Document;
use wire::note::{Code, Notes};

/// What a request comes to, and its notes as `code at place`.
fn read(request: &Value) -> Result<(Vec<String>, Vec<String>), Fault> {
    let document = Document::parse(request.to_string()).expect("a request is JSON");
    let mut notes = Notes::default();
    let turn = parse(document.root(), &mut notes)?;
    let note = |note: &wire::note::Note| format!("{} at {}", note.code.name(), note.at);
    Ok((shown(&turn), notes.list().iter().map(note).collect()))
}

/// A request with these messages.
fn saying(messages: &Value) -> Value {
    json!({"model": "m", "messages": messages})
}

/// A request that only asks, with this member.
fn asking(name: &str, value: Value) -> Value {
    let mut request = saying(&json!([{"role": "user", "content": "hi"}]));
    request[name] = value;
    request
}

#[track_caller]
fn assert_read(request: &Value, lines: &[&str], notes: &[&str]) {
    let (is, noted) = read(request).expect("the request is good");
    let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
    assert_eq!(is, lines, "{request}");
    assert_eq!(noted, notes, "{request}");
}

/// That the request comes to a greeting and this line.
#[track_caller]
fn assert_sets(name: &str, value: Value, line: &str) {
    let request = asking(name, value);
    let (is, noted) = read(&request).expect("the request is good");
    let mut lines = vec!["user: \"hi\""];
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    assert_eq!((is, noted), (lines.into_iter().map(String::from).collect(), vec![]), "{request}");
}

#[track_caller]
fn assert_noted(name: &str, value: Value, note: &str) {
    assert_read(&asking(name, value), &["user: \"hi\""], &[note]);
}

#[track_caller]
fn assert_refused(request: &Value, param: &str, words: &str) {
    let fault = read(request).expect_err("the request is bad");
    assert_eq!(fault.param.as_deref(), Some(param), "{}", fault.message);
    assert!(fault.message.contains(words), "{}", fault.message);
}

#[test]
fn every_role_speaks_in_its_place() {
    let messages = json!([
        {"role": "system", "content": [{"type": "text", "text": "be"}, {"type": "text", "text": "brief"}]},
        {"role": "developer", "content": "é\n"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": ["two", {"type": "text", "text": "three"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "so"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": null, "refusal": "never"},
        {"role": "system", "content": "late"},
        {"role": "user", "content": ""},
    ]);
    let lines = [
        "system: \"be\" + \"brief\"",
        "developer: \"é\\n\"",
        "user: \"one\"",
        "user: \"two\" + \"three\"",
        "assistant: \"so\" + refusal \"no\"",
        "assistant: refusal \"never\"",
        "system: \"late\"",
        "user: \"\"",
    ];
    assert_read(&saying(&messages), &lines, &[]);
}

#[test]
fn messages_that_say_nothing_are_left_out_and_a_request_of_them_alone_is_refused() {
    let silent = json!([
        {"role": "system", "content": ""},
        {"role": "assistant", "content": ""},
        {"role": "assistant", "content": null, "tool_calls": [], "annotations": [], "refusal": null},
        {"role": "assistant", "content": []},
        {"role": "assistant", "reasoning_content": "", "reasoning_details": []},
        {"role": "user", "content": []},
    ]);
    let mut messages = silent.clone();
    messages.as_array_mut().unwrap().push(json!({"role": "user", "content": "hi"}));
    assert_read(&saying(&messages), &["user: \"hi\""], &[]);
    assert_refused(&saying(&silent), "messages", "says nothing");
    assert_refused(&saying(&json!([])), "messages", "says nothing");
}

#[test]
fn calls_and_results_of_both_kinds_belong_together() {
    let messages = json!([
        {"role": "assistant", "content": "Look.", "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "read", "arguments": "{\"a\":\"b\"}"}},
            {"id": "2", "type": "custom", "custom": {"name": "patch", "input": "***"}, "function": null, "index": 1},
            {"id": "3", "function": {"name": "bare"}},
            {"id": "4", "type": "function", "function": {"name": "open", "arguments": {"x": 1}}},
        ]},
        {"role": "tool", "tool_call_id": "1", "name": "read", "content": "text"},
        {"role": "tool", "tool_call_id": "2", "content": [
            {"type": "text", "text": "seen"},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        ]},
        {"role": "tool", "tool_call_id": "3", "content": null},
        {"role": "tool", "tool_call_id": "4"},
    ]);
    let lines = [
        "assistant: \"Look.\"",
        r#"call 1 of read with "{\"a\":\"b\"}""#,
        "call 2 of patch given \"***\"",
        "call 3 of bare with \"\"",
        r#"call 4 of open with {"x":1}"#,
        "result of 1: \"text\"",
        "result of 2: \"seen\" + image data:image/png;base64,AA==",
        "result of 3: ",
        "result of 4: ",
    ];
    let notes =
        ["item-metadata at messages[].tool_calls[].index", "field-ignored at messages[].name"];
    assert_read(&saying(&messages), &lines, &notes);
}

#[test]
fn calls_in_the_older_form_are_answered_by_name() {
    let request = json!({
        "functions": [{"name": "f", "description": "d", "parameters": {"type": "object"}}, {"name": "g"}],
        "function_call": {"name": "f"},
        "messages": [
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "one"},
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "two"},
            {"role": "function", "name": "g", "content": "nobody asked"},
        ],
    });
    let lines = [
        "call call_function_1 of f with \"{}\"",
        "result of call_function_1: \"one\"",
        "call call_function_2 of f with \"{}\"",
        "result of call_function_2: \"two\"",
        "result of call_function_3: \"nobody asked\"",
        r#"tool f {"type":"object"}: "d""#,
        "tool g",
        "choose f",
    ];
    assert_read(&request, &lines, &["functions-as-tools at functions"]);
    assert_sets("function_call", json!("none"), "choose none");
    assert_sets("function_call", json!("auto"), "");
}

#[test]
fn what_was_thought_comes_back_in_any_of_its_members() {
    let said = |thought: Value| {
        let mut message = json!({"role": "assistant", "content": "so"});
        message.as_object_mut().unwrap().extend(thought.as_object().unwrap().clone());
        saying(&json!([message]))
    };
    for name in ["reasoning_content", "reasoning", "reasoning_text", "reasoning_details"] {
        let thought = said(json!({name: "hm"}));
        assert_read(&thought, &["thought \"hm\"", "assistant: \"so\""], &[]);
    }
    let sealed = json!({
        "reasoning": "hm",
        "reasoning_content": "hm",
        "reasoning_details": [
            {"type": "reasoning.encrypted", "data": "S0", "format": "quire-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "S1", "format": "quire-v1", "index": 1},
        ],
    });
    let lines = ["thought \"hm\" sealed \"S0\"", "thought sealed \"S1\"", "assistant: \"so\""];
    assert_read(&said(sealed), &lines, &[]);
    let foreign = json!({"reasoning_details": [
        {"type": "reasoning.text", "text": "a", "signature": "sig"},
        {"type": "reasoning.text", "text": "b", "signature": null},
        {"type": "reasoning.summary", "summary": "c"},
        {"type": "reasoning.dream"},
    ]});
    let notes = [
        "reasoning-foreign at messages[].reasoning_details[].signature",
        "unknown-part at messages[].reasoning_details[].reasoning.dream",
    ];
    assert_read(&said(foreign), &["thought \"a\" + \"b\"", "assistant: \"so\""], &notes);
    let summary = json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "c"}]});
    assert_read(&said(summary), &["thought in short \"c\"", "assistant: \"so\""], &[]);
}

#[test]
fn images_and_files_keep_what_they_are() {
    let messages = json!([{"role": "user", "content": [
        {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "low"}},
        {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        {"type": "file", "file": {"file_data": "https://a/b.pdf"}},
        {"type": "file", "file": {"file_id": "file_1"}},
        {"type": "video_url", "video_url": {"url": "https://a/b.mp4"}},
        {"type": "hologram", "shape": "cube"},
        {"type": "input_text", "text": "from elsewhere"},
        {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}, "prompt_cache_breakpoint": {"mode": "x"}},
        {"type": "text", "text": "u", "invented": 1},
    ]}]);
    let line = [
        "user: image https://a/b.png detail low",
        "image data:image/png;base64,AA==",
        "file name a.pdf data data:application/pdf;base64,AA==",
        "file url https://a/b.pdf",
        "file as file-omitted",
        "video_url as part-dropped",
        "hologram as unknown-part",
        "\"from elsewhere\"",
        "\"t\"",
        "\"u\"",
    ];
    let notes = [
        "unknown-part at messages[].content[].input_text",
        "field-ignored at messages[].content[].cache_control",
        "field-ignored at messages[].content[].prompt_cache_breakpoint",
        "unknown-field at messages[].content[].invented",
    ];
    assert_read(&saying(&messages), &[&line.join(" + ")], &notes);
}

#[test]
fn blocks_of_the_messages_dialect_are_understood_where_clients_send_them() {
    let request = json!({
        "tools": [{"name": "read", "description": "d", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "read"},
        "messages": [
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "sig"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "Look."},
                {"type": "tool_use", "id": "1", "name": "read", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "1", "is_error": true, "content": [
                    {"type": "text", "text": "t"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA=="}},
                ]},
                {"type": "text", "text": "go on"},
            ]},
        ],
    });
    let lines = [
        "thought \"hm\"",
        "assistant: \"Look.\"",
        r#"call 1 of read with {"a":1}"#,
        "result of 1: \"t\" + image data:image/png;base64,AA==",
        "user: \"go on\"",
        r#"tool read {"type":"object"}: "d""#,
        "choose read",
    ];
    let notes = [
        "reasoning-foreign at messages[].content[].signature",
        "reasoning-foreign at messages[].content[].redacted_thinking",
        "field-ignored at messages[].content[].is_error",
    ];
    assert_read(&request, &lines, &notes);
}

#[test]
fn a_request_of_the_responses_shape_is_read_as_one() {
    let request = json!({
        "model": "m",
        "stream": true,
        "stream_options": {"include_usage": true},
        "input": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "custom", "name": "ApplyPatch"}, {"type": "function", "name": "f"}],
        "reasoning": {"effort": "high"},
    });
    let lines = [
        "user: \"hi\"",
        "tool ApplyPatch freeform",
        "tool f",
        "stream",
        "include usage",
        "effort high",
    ];
    assert_read(&request, &lines, &[]);
}

#[test]
fn tools_of_every_shape_are_declared() {
    let schema = json!({"type": "object", "properties": {}});
    let request = asking(
        "tools",
        json!([
            {"type": "function", "function": {"name": "a", "description": "d", "parameters": schema, "strict": true}},
            {"type": "function", "name": "b", "parameters": schema, "strict": false},
            {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}},
            {"type": "custom", "custom": {"name": "d", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /x/"}}}},
            {"type": "custom", "name": "e", "format": {"type": "grammar", "syntax": "regex", "definition": "x+"}},
            {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}},
            {"type": "builtin_function", "function": {"name": "$web_search"}},
            {"type": "function", "function": {"name": "g", "invented": 1}},
        ]),
    );
    let lines = [
        "user: \"hi\"",
        r#"tool a {"properties":{},"type":"object"} strict true: "d""#,
        r#"tool b {"properties":{},"type":"object"} strict false"#,
        "tool c freeform",
        "tool d freeform lark \"start: /x/\"",
        "tool e freeform regex \"x+\"",
        "tool f",
        "tool g",
    ];
    let notes = [
        "field-ignored at tools[].cache_control",
        "unknown-tool at tools[].builtin_function",
        "unknown-field at tools[].function.invented",
    ];
    assert_read(&request, &lines, &notes);
}

#[test]
fn tool_choices_of_every_form_are_understood() {
    let function = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (choice, line) in [
        (json!("auto"), ""),
        (json!("none"), "choose none"),
        (json!("required"), "choose any"),
        (json!("any"), "choose any"),
        (json!({"type": "auto"}), ""),
        (function("f"), "choose f"),
        (json!({"type": "function", "name": "f"}), "choose f"),
        (json!({"type": "custom", "custom": {"name": "c"}}), "choose c"),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [function("f"), {"type": "custom", "custom": {"name": "c"}}]}}),
            "choose any of f, c",
        ),
        (
            json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [function("f")]}}),
            "choose perhaps of f",
        ),
    ] {
        assert_sets("tool_choice", choice, line);
    }
    assert_noted("tool_choice", json!({"type": "web_search"}), "tool-choice at tool_choice");
}

#[test]
fn settings_arrive() {
    assert_sets("stream", json!(true), "stream");
    assert_sets("stream_options", json!({"include_usage": true}), "include usage");
    assert_sets(
        "stream_options",
        json!({"include_usage": false, "include_obfuscation": false}),
        "",
    );
    assert_sets("parallel_tool_calls", json!(false), "parallel calls false");
    for effort in ["none", "minimal", "low", "medium", "high", "xhigh", "max"] {
        assert_sets("reasoning_effort", json!(effort), &format!("effort {effort}"));
    }
    assert_sets("reasoning", json!({"effort": "low"}), "effort low");
    assert_sets("reasoning", json!({"enabled": false}), "effort none");
    assert_sets("reasoning", json!({"enabled": true}), "");
    assert_sets("reasoning", json!({"exclude": true, "summary": "auto"}), "hide reasoning");
    assert_sets("include_reasoning", json!(false), "hide reasoning");
    assert_sets("verbosity", json!("low"), "verbosity low");
    assert_sets("max_tokens", json!(5), "at most 5 tokens");
    assert_sets("max_completion_tokens", json!(7), "at most 7 tokens");
    assert_sets("stop", json!("END"), "stop at \"END\"");
    assert_sets("response_format", json!({"type": "text"}), "");
    assert_sets("response_format", json!({"type": "json_object"}), "as any JSON object");
    assert_sets(
        "response_format",
        json!({"type": "json_schema", "json_schema": {"name": "n", "description": "d", "strict": true, "schema": {}}}),
        "as n {} Some(\"d\") Some(true)",
    );
    for name in
        ["temperature", "top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "seed"]
    {
        assert_sets(name, json!(1), &format!("{name} 1"));
    }
    for name in ["user", "safety_identifier", "prompt_cache_key"] {
        assert_sets(name, json!("x"), &format!("{name} \"x\""));
    }
    assert_sets("service_tier", json!("priority"), "service_tier \"priority\"");
    assert_sets("service_tier", json!("auto"), "");
    assert_sets("logit_bias", json!({"50256": -100}), "logit_bias {\"50256\":-100}");
    assert_sets("metadata", json!({"a": "b"}), "metadata {\"a\":\"b\"}");
    for (name, value) in [
        ("n", json!(1)),
        ("store", json!(false)),
        ("logprobs", json!(false)),
        ("modalities", json!(["text"])),
        ("temperature", Value::Null),
    ] {
        assert_sets(name, value, "");
    }
    assert_sets(
        "web_search_options",
        json!({"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Bern"}}}),
        "tool web_search searches the web {\"city\":\"Bern\"} low",
    );
}

#[test]
fn of_two_limits_the_newer_name_counts() {
    for (max_tokens, note) in [(9, vec!["duplicate-member at max_tokens"]), (7, vec![])] {
        let request = json!({"max_tokens": max_tokens, "max_completion_tokens": 7, "messages": [{"role": "user", "content": "hi"}]});
        assert_read(&request, &["user: \"hi\"", "at most 7 tokens"], &note);
    }
}

#[test]
fn what_goes_no_further_is_noted() {
    assert_noted("store", json!(true), "not-stored at store");
    assert_noted("logprobs", json!(true), "field-ignored at logprobs");
    assert_noted("top_logprobs", json!(3), "field-ignored at top_logprobs");
    assert_noted("prediction", json!({"type": "content"}), "field-ignored at prediction");
    assert_noted("provider", json!({"order": []}), "unknown-field at provider");
    assert_noted("reasoning", json!({"max_tokens": 5}), "field-ignored at reasoning.max_tokens");
    assert_noted("reasoning", json!({"depth": 5}), "unknown-field at reasoning.depth");
    let twice = r#"{"messages":[{"role":"user","content":"hi"}],"n":1,"n":1}"#;
    let document = Document::parse(twice.to_owned()).unwrap();
    let mut notes = Notes::default();
    parse(document.root(), &mut notes).unwrap();
    assert_eq!(notes.list()[0].code, Code::DuplicateMember);
}

#[test]
fn what_is_wrong_is_named() {
    let messages = |messages: Value| saying(&messages);
    let assistant = |calls: Value| saying(&json!([{"role": "assistant", "tool_calls": calls}]));
    for (request, param, words) in [
        (json!({"model": "m"}), "messages", "is missing"),
        (messages(json!("hi")), "messages", "must be an array"),
        (messages(json!(["hi"])), "messages[0]", "must be an object"),
        (messages(json!([{"content": "x"}])), "messages[0].role", "is missing"),
        (
            messages(json!([{"role": "bard", "content": "x"}])),
            "messages[0].role",
            "`bard` is not a role",
        ),
        (messages(json!([{"role": "user"}])), "messages[0].content", "is missing"),
        (
            messages(json!([{"role": "user", "content": 5}])),
            "messages[0].content",
            "must be a string or a list",
        ),
        (
            messages(
                json!([{"role": "user", "content": "x"}, {"role": "user", "content": [{"type": "image_url"}]}]),
            ),
            "messages[1].content[0].image_url",
            "is missing",
        ),
        (
            messages(
                json!([{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]),
            ),
            "messages[0].content[0].image_url.url",
            "is missing",
        ),
        (
            messages(json!([{"role": "user", "content": [{"type": "text", "text": null}]}])),
            "messages[0].content[0].text",
            "is missing",
        ),
        (
            messages(json!([{"role": "user", "content": [{"type": "file", "file": {}}]}])),
            "messages[0].content[0].file.file_data",
            "is missing",
        ),
        (
            messages(
                json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]),
            ),
            "messages[0].content[0].input_audio",
            "send a transcript",
        ),
        (
            messages(json!([{"role": "tool", "content": "x"}])),
            "messages[0].tool_call_id",
            "is missing",
        ),
        (messages(json!([{"role": "function", "content": "x"}])), "messages[0].name", "is missing"),
        (assistant(json!([{"type": "function"}])), "messages[0].tool_calls[0].id", "is missing"),
        (assistant(json!([{"id": "1"}])), "messages[0].tool_calls[0].function", "is missing"),
        (
            assistant(json!([{"id": "1", "function": {"name": "f", "arguments": 5}}])),
            "messages[0].tool_calls[0].function.arguments",
            "must be a string",
        ),
        (
            assistant(json!([{"id": "1", "type": "custom", "custom": {"name": "f"}}])),
            "messages[0].tool_calls[0].custom.input",
            "is missing",
        ),
        (asking("n", json!(2)), "n", "send the request 2 times"),
        (asking("n", json!(0)), "n", "positive"),
        (asking("modalities", json!(["text", "audio"])), "modalities", "ask for `text` alone"),
        (asking("audio", json!({"voice": "x"})), "audio", "answers are text"),
        (asking("reasoning_effort", json!("hard")), "reasoning_effort", "`hard` is not an effort"),
        (
            asking("reasoning", json!({"effort": "hard"})),
            "reasoning.effort",
            "`hard` is not an effort",
        ),
        (asking("max_tokens", json!(-1)), "max_tokens", "positive"),
        (asking("stop", json!([1])), "stop[0]", "must be a string"),
        (asking("temperature", json!("hot")), "temperature", "must be a number"),
        (asking("stream", json!("yes")), "stream", "must be a boolean"),
        (asking("tools", json!({})), "tools", "must be an array"),
        (
            asking("tools", json!([{"type": "function", "function": {}}])),
            "tools[0].function.name",
            "needs a name",
        ),
        (asking("tools", json!([{"type": "function"}])), "tools[0].name", "needs a name"),
        (
            asking(
                "tools",
                json!([{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar"}}}]),
            ),
            "tools[0].custom.format.grammar",
            "needs a `syntax`",
        ),
        (asking("tool_choice", json!("some")), "tool_choice", "`some` is not a tool choice"),
        (
            asking("tool_choice", json!({"type": "function"})),
            "tool_choice.function.name",
            "names no tool",
        ),
        (
            asking("tool_choice", json!({"type": "allowed_tools"})),
            "tool_choice.allowed_tools.tools",
            "allows no tools",
        ),
        (
            asking("response_format", json!({"type": "xml"})),
            "response_format.type",
            "`xml` is not a format",
        ),
        (
            asking("response_format", json!({"type": "json_schema"})),
            "response_format.json_schema",
            "needs a `json_schema`",
        ),
        (json!([]), "", "must be a JSON object"),
    ] {
        if param.is_empty() {
            assert!(read(&request).expect_err("it is bad").message.contains(words));
        } else {
            assert_refused(&request, param, words);
        }
    }
}

/// Every Chat Completions request that a client was recorded to send.
fn recorded() -> Vec<(String, Value)> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let mut found = Vec::new();
    for client in ["opencode", "pi", "sdks"] {
        for entry in std::fs::read_dir(clients.join(client)).expect("the fixtures are there") {
            let path = entry.expect("the fixtures are there").path();
            if !path.to_string_lossy().ends_with(".request.json") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a fixture is text");
            let recording: Value = serde_json::from_str(&text).expect("a fixture is JSON");
            for request in recording["requests"].as_array().into_iter().flatten() {
                if request["path"] == "/v1/chat/completions" {
                    found.push((client.to_owned(), request["body"].clone()));
                }
            }
        }
    }
    found
}

#[test]
fn recorded_requests_are_read_and_nothing_of_them_is_lost() {
    let recorded = recorded();
    assert_eq!(recorded.len(), 8, "there are as many as were recorded");
    for (client, request) in &recorded {
        let (lines, notes) = read(request).expect("clients send good requests");
        assert!(notes.is_empty(), "{client}: {notes:?}");
        let tools = lines.iter().filter(|line| line.starts_with("tool ")).count();
        assert_eq!(tools, request["tools"].as_array().map_or(0, Vec::len));
        let wants = |line: &str| lines.iter().any(|other| other == line);
        assert_eq!(wants("stream"), request["stream"] == true);
        assert_eq!(wants("include usage"), request["stream_options"]["include_usage"] == true);
        assert_eq!(wants("effort medium"), request["reasoning_effort"] == "medium");
        for message in request["messages"].as_array().into_iter().flatten() {
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let name = call["function"]["name"].as_str().unwrap();
                let id = call["id"].as_str().unwrap();
                let at =
                    lines.iter().position(|line| line.starts_with(&format!("call {id} of {name}")));
                let at = at.expect("the call is there");
                assert_eq!(lines[at - 1], "thought \"think\"");
                assert_eq!(lines[at + 1], format!("result of {id}: \"(no output)\""));
            }
        }
    }
    let count = |client: &str| recorded.iter().filter(|(name, _)| name == client).count();
    assert_eq!((count("opencode"), count("pi"), count("sdks")), (3, 2, 3));
}

fn awkward() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(1.5),
        json!("x"),
        json!([]),
        json!({}),
        json!([{}]),
        json!([null]),
        json!(["x"]),
        json!(true),
    ])
}

proptest! {
    #[test]
    fn anything_in_any_place_is_read_or_refused_by_name(
        place in "/(messages|messages/0|messages/1|messages/1/tool_calls|messages/1/tool_calls/0|messages/2|tools|tools/0|tool_choice|response_format|stream_options|reasoning|web_search_options)(/content|/content/0|/role|/tool_calls|/function|/custom|/reasoning_details|/name|/parameters|/arguments|/type|/id|/format|/json_schema|/user_location)?(/0|/image_url|/file|/text|/input)?",
        value in awkward(),
    ) {
        let mut request = json!({
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}, {"type": "file", "file": {"file_id": "f"}}]},
                {"role": "assistant", "content": "x", "reasoning_details": [{"type": "reasoning.text", "text": "t"}],
                    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "x"},
            ],
            "tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}, "function": {"name": "f"}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            "stream_options": {}, "reasoning": {}, "web_search_options": {"user_location": {}},
        });
        let (parent, name) = place.rsplit_once('/').expect("it begins with a slash");
        match request.pointer_mut(parent) {
            Some(Value::Object(members)) => {
                members.insert(name.to_owned(), value);
            }
            Some(Value::Array(list)) => {
                if let Some(entry) = name.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                    *entry = value;
                }
            }
            _ => {}
        }
        if let Err(fault) = read(&request) {
            let param = fault.param.expect("a fault names a member");
            prop_assert!(fault.message.is_ascii() && !param.contains(".."), "{param}: {}", fault.message);
        }
    }

    #[test]
    fn any_json_is_read_or_refused(json in r#"[\[\]{}":,a-c0-9 ]{0,40}"#) {
        if let Ok(document) = Document::parse(json) {
            let _ = parse(document.root(), &mut Notes::default());
        }
    }
}
