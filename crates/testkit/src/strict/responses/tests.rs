//! What real clients send passes, and good requests of every kind do.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::super::{Door, Profile, check, check_all, check_at};
use super::RULES;

const PROFILE: Profile = Profile::OpenAiResponses;

#[test]
fn the_table_has_rows_for_every_theme() {
    let rows = RULES.iter().map(|theme| theme.len()).sum::<usize>();
    assert!(rows >= 60, "{rows} rows");
    assert!(RULES.iter().all(|theme| !theme.is_empty()));
}

/// The bodies of the Responses requests in a recording.
fn recorded(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a recording is text");
    let recording: Value = serde_json::from_str(&text).expect("a recording is JSON");
    let requests = recording["requests"].as_array().cloned().unwrap_or_default();
    let asks = |request: &&Value| {
        request["method"] == "POST"
            && request["path"].as_str().is_some_and(|path| path.ends_with("/responses"))
    };
    requests.iter().filter(asks).map(|request| request["body"].clone()).collect()
}

#[test]
fn what_clients_were_recorded_to_send_is_refused_only_for_what_they_hold_of_others() {
    // The recordings replay a script's made-up reasoning and compaction, which only the script
    // could open, and one of them the raw reasoning of a server that is not OpenAI's.
    let expected = [
        "responses-sealed-by-another",
        "responses-reasoning-content-given",
        "responses-reasoning-unstored",
    ];
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let mut judged = 0;
    for folder in fs::read_dir(clients).expect("the fixtures are in the repository").flatten() {
        for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            if !file.file_name().to_string_lossy().ends_with(".request.json") {
                continue;
            }
            for body in recorded(&file.path()) {
                judged += 1;
                for refusal in check_all(PROFILE, &body) {
                    let name = file.path();
                    assert!(expected.contains(&refusal.rule), "{}: {refusal:?}", name.display());
                }
            }
        }
    }
    assert!(judged > 50, "only {judged} requests were judged");
}

fn function(name: &str) -> Value {
    json!({"type": "function", "name": name, "description": "d", "strict": false,
        "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}})
}

/// A turn with every kind of call, sealed reasoning and pictures.
fn rounds() -> Value {
    json!({"model": "gpt-5.6", "store": false, "stream": true, "instructions": "be brief",
        "include": ["reasoning.encrypted_content"], "parallel_tool_calls": true,
        "reasoning": {"effort": "high", "summary": "auto"}, "prompt_cache_key": "k",
        "tools": [function("exec_command"),
            {"type": "custom", "name": "apply_patch", "description": "d",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
            {"type": "namespace", "name": "mcp__toy", "description": "d", "tools": [function("add_two")]},
            {"type": "web_search"}],
        "tool_choice": "auto",
        "input": [
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
            {"role": "user", "content": [{"type": "input_text", "text": "what is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "high"},
                {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
                "encrypted_content": crate::seal::seal("hm")},
            {"type": "reasoning", "summary": [], "encrypted_content": crate::seal::seal("more")},
            {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "exec_command", "arguments": "{\"a\":1}"},
            {"type": "function_call", "call_id": "call_2", "name": "add_two", "namespace": "mcp__toy", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "2"}]},
            {"type": "function_call_output", "call_id": "call_1", "output": "1"},
            {"type": "custom_tool_call", "call_id": "call_3", "name": "apply_patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "call_3", "output": "done"},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final_answer",
                "content": [{"type": "output_text", "text": "ok", "annotations": []}]},
            {"role": "user", "content": "again"}]})
}

#[test]
fn good_requests_pass() {
    let ask = |members: Value| {
        let mut body = json!({"model": "m", "input": "x"});
        for (name, value) in members.as_object().expect("members").clone() {
            body[name] = value;
        }
        body
    };
    let strict = json!({"type": "object", "properties": {"a": {"type": "string"}},
        "required": ["a"], "additionalProperties": false});
    let mut forced = rounds();
    forced["tool_choice"] = json!({"type": "function", "name": "add_two"});
    let mut allowed = rounds();
    allowed["tool_choice"] = json!({"type": "allowed_tools", "mode": "required",
        "tools": [{"type": "custom", "name": "apply_patch"}, {"type": "web_search"}]});
    let good = [
        ask(json!({})),
        rounds(),
        forced,
        allowed,
        ask(json!({"temperature": 0.7, "top_p": 1, "max_output_tokens": 16, "top_logprobs": 3,
            "metadata": {"a": "b"}, "service_tier": "flex", "truncation": "auto", "user": "u"})),
        ask(json!({"model": "gpt-5.6", "temperature": 0.2, "reasoning": {"effort": "none"}})),
        ask(json!({"text": {"verbosity": "low", "format":
            {"type": "json_schema", "name": "out", "strict": true, "schema": strict}}})),
        ask(json!({"input": "answer in JSON", "text": {"format": {"type": "json_object"}}})),
        ask(json!({"previous_response_id": "resp_testkit_3", "input": [
            {"type": "function_call_output", "call_id": "call_of_before", "output": "1"}]})),
        ask(json!({"stream": true, "stream_options": {"include_obfuscation": false}})),
    ];
    for body in good {
        for profile in [PROFILE, Profile::ResponsesTolerant] {
            assert_eq!(check(profile, &body), None, "{body}");
        }
    }
}

#[test]
fn counting_takes_fewer_members() {
    let body = json!({"model": "m", "input": "x", "tools": [function("f")], "instructions": "i"});
    assert_eq!(check_at(Door::Count, PROFILE, &body), None);
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let refusal = check_at(Door::Count, PROFILE, &streamed).expect("nothing is streamed here");
    assert_eq!(refusal.rule, "count-unknown-member");
}

#[test]
fn a_tolerant_server_overlooks_what_only_openai_refuses() {
    let body = json!({"model": "m", "stop": ["y"], "max_output_tokens": 1, "input": [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}]});
    assert_eq!(check(Profile::ResponsesTolerant, &body), None);
    let refused: Vec<_> = check_all(PROFILE, &body).iter().map(|refusal| refusal.rule).collect();
    assert!(refused.len() >= 4, "{refused:?}");
}

#[test]
fn an_output_before_its_call_answers_nothing() {
    let call = json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "1"});
    let body = json!({"model": "m", "input": [output, call]});
    let refusal = check(PROFILE, &body).expect("the order is wrong");
    assert_eq!(refusal.message, "No tool output found for function call c.");
}

#[test]
fn reasoning_that_was_moved_to_another_thought_cannot_be_verified() {
    let mut body = rounds();
    body["input"][2]["encrypted_content"] = json!(crate::seal::seal("another"));
    let refusal = check(PROFILE, &body).expect("the seal is of another text");
    assert_eq!(refusal.code, Some("invalid_encrypted_content"));
}
