//! What must pass, so that the table refuses nothing that Anthropic takes: good requests written
//! here, what scripts say sent back, and what real clients were recorded to send.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::{Door, Profile, check_all, check_at, rows};
use super::beta;
use crate::Dialect;
use crate::script::{Citation, says};

/// Everything that the strict profile has against a body.
fn refusals(body: &Value) -> Vec<String> {
    check_all(Profile::Anthropic, body)
        .iter()
        .map(|refusal| format!("{}: {}", refusal.rule, refusal.message))
        .collect()
}

fn tool(name: &str) -> Value {
    json!({"name": name, "description": "d", "input_schema":
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}})
}

fn used(id: &str, name: &str) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": {"a": 1}})
}

fn result(id: &str, content: Value) -> Value {
    json!({"type": "tool_result", "tool_use_id": id, "content": content})
}

fn ask(messages: Value) -> Value {
    json!({"model": "claude-opus-5-5", "max_tokens": 4096, "messages": messages})
}

#[test]
fn the_table_is_long() {
    let own = rows().filter(|rule| rule.id.starts_with("anthropic-")).count();
    assert!(own >= 120, "{own} rows");
    for rule in rows().filter(|rule| rule.id.starts_with("anthropic-")) {
        assert_eq!(rule.code, None, "`{}`: errors of Anthropic have no code", rule.id);
    }
}

#[test]
fn good_requests_pass() {
    let thought = json!({"type": "thinking", "thinking": "t", "signature": crate::seal::seal("t")});
    let mut tuned = ask(json!([{"role": "user", "content": "x"}]));
    for (name, value) in [
        ("stream", json!(true)),
        ("temperature", json!(0.5)),
        ("stop_sequences", json!(["END"])),
        ("metadata", json!({"user_id": "{\"device_id\":\"me@x\"}"})),
        ("service_tier", json!("auto")),
        (
            "system",
            json!([{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]),
        ),
        (
            "tools",
            json!([tool("f"), {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]),
        ),
        ("tool_choice", json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true})),
        (
            "output_config",
            json!({"effort": "xhigh", "format": {"type": "json_schema", "schema":
            {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}}}}),
        ),
    ] {
        tuned[name] = value;
    }
    let mut loops = ask(json!([
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
        {"role": "system", "content": "be brief"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "y"}, used("toolu_1", "f"), used("toolu_2", "g")]},
        {"role": "user", "content": [
            result("toolu_2", json!([{"type": "text", "text": "2"}, {"type": "image", "source":
                {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}])),
            result("toolu_1", json!("1")),
            {"type": "text", "text": "and this"}]},
        {"role": "assistant", "content": [used("toolu_3", "f")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_3", "is_error": true, "content": "no"}]},
    ]));
    loops["tools"] = json!([tool("f"), tool("g")]);
    loops["thinking"] = json!({"type": "adaptive", "display": "omitted"});
    let mut budget = loops.clone();
    budget["model"] = json!("claude-sonnet-4-5");
    budget["thinking"] = json!({"type": "enabled", "budget_tokens": 1024});
    budget["messages"].as_array_mut().expect("a list").remove(1);
    let mut search = ask(json!([
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [used("toolu_1", "search")]},
        {"role": "user", "content": [result("toolu_1", json!([{"type": "tool_reference", "tool_name": "g"}]))]},
    ]));
    search["tools"] = json!([tool("search"), {"name": "g", "defer_loading": true, "input_schema": {"type": "object"}}]);
    let files = ask(json!([{"role": "user", "content": [
        {"type": "document", "title": "t", "context": "c", "citations": {"enabled": true},
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQ="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "d"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "d"}]}},
        {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}},
        {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "d"}]}]}]));
    let mut prefill =
        ask(json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "{"}]));
    prefill["model"] = json!("claude-haiku-4-5");
    let merged = ask(json!([{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]));
    for (name, body) in [
        ("tuned", tuned),
        ("loops", loops),
        ("budget", budget),
        ("search", search),
        ("files", files),
        ("prefill", prefill),
        ("merged", merged),
    ] {
        assert_eq!(refusals(&body), [""; 0], "{name}");
    }
}

#[test]
fn what_a_script_says_may_be_sent_back() {
    let page = Citation::new("https://a.example", "A", "words");
    let says = says()
        .reasoning("let me see")
        .redacted("sig-testkit-redacted")
        .searched("srvtoolu_1", "a", [page.clone()])
        .cited("found it", [page])
        .reasoning_sealed("more", "sig-testkit-1")
        .call("toolu_1", "f", json!({"a": 1}));
    for display in ["summarized", "omitted"] {
        let mut body = ask(json!([{"role": "user", "content": "x"}]));
        body["thinking"] = json!({"type": "adaptive", "display": display});
        body["tools"] = json!([tool("f"), {"type": "web_search_20250305", "name": "web_search"}]);
        let answer = says.answered_in(Dialect::Messages, &body);
        let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
        let messages = body["messages"].as_array_mut().expect("a list");
        messages.push(json!({"role": "assistant", "content": answer["content"]}));
        messages.push(json!({"role": "user", "content": [result("toolu_1", json!("1"))]}));
        assert_eq!(refusals(&body), [""; 0], "{display}");

        body["messages"][1]["content"][0]["signature"] = json!(crate::seal::seal("other"));
        let shown = display == "summarized";
        assert_eq!(refusals(&body).len(), usize::from(shown), "{display}");
        body["messages"][1]["content"][0]["signature"] = json!("gAAAAB");
        assert_eq!(
            refusals(&body),
            [
                "anthropic-signature-invalid: messages.1.content.0: Invalid `signature` in `thinking` block"
            ]
        );
    }
}

/// A recorded request to Messages: its file, number, path, betas and body.
fn recorded() -> Vec<(PathBuf, usize, String, String, Value)> {
    let clients = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/fixtures/clients");
    let folders = fs::read_dir(clients).expect("the fixtures are in the repository");
    let files =
        folders.flatten().flat_map(|folder| fs::read_dir(folder.path())).flatten().flatten();
    let mut all = Vec::new();
    for path in files.map(|file| file.path()) {
        if !path.to_string_lossy().ends_with(".request.json") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("a recording is text");
        let mut file: Value = serde_json::from_str(&text).expect("a recording is JSON");
        let requests = file["requests"].as_array_mut().expect("it lists its requests");
        for (number, request) in requests.iter_mut().enumerate() {
            let place = request["path"].as_str().unwrap_or_default().to_owned();
            if !place.starts_with("/v1/messages") || !request["body"].is_object() {
                continue;
            }
            let headers = request["headers"].as_array().map(Vec::as_slice).unwrap_or_default();
            let betas = headers.iter().find(|header| header[0] == "anthropic-beta");
            let betas = betas.and_then(|header| header[1].as_str()).unwrap_or_default().to_owned();
            all.push((path.clone(), number, place, betas, request["body"].take()));
        }
    }
    all
}

#[test]
fn recorded_requests_pass() {
    let recorded = recorded();
    assert!(recorded.len() > 20, "only {} requests were found", recorded.len());
    for (path, number, place, betas, body) in recorded {
        let door = if place.contains("count_tokens") { Door::Count } else { Door::Answer };
        let told: Vec<_> = Profile::Anthropic
            .rules_at(door)
            .filter_map(|rule| rule.refuse(&body))
            .chain(beta(&body, &betas))
            .collect();
        assert!(told.is_empty(), "{} {number}: {told:#?}", path.display());
    }
}

#[test]
fn a_beta_member_needs_a_beta() {
    let mut body = ask(json!([{"role": "user", "content": "x"}]));
    assert_eq!(beta(&body, ""), None);
    body["context_management"] = json!({"edits": [{"type": "clear_thinking_20251015"}]});
    assert_eq!(refusals(&body), [""; 0]);
    let refusal = beta(&body, "").expect("it is refused");
    assert_eq!(refusal.message, "context_management: Extra inputs are not permitted");
    assert_eq!(beta(&body, "context-management-2025-06-27"), None);
}

#[test]
fn a_count_needs_no_limit_and_takes_none() {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    assert_eq!(check_at(Door::Count, Profile::Anthropic, &body), None);
    let refusal = check_at(Door::Answer, Profile::Anthropic, &body).expect("it is refused");
    assert_eq!(refusal.message, "max_tokens: Field required");
    body["max_tokens"] = json!(9);
    let refusal = check_at(Door::Count, Profile::Anthropic, &body).expect("it is refused");
    assert_eq!(refusal.message, "max_tokens: Extra inputs are not permitted");
}

#[test]
fn copies_refuse_less_and_older_ones_refuse_what_is_new() {
    let mut body =
        ask(json!([{"role": "user", "content": "x"}, {"role": "system", "content": "y"}]));
    body["colour"] = json!("red");
    body["thinking"] = json!({"type": "adaptive"});
    body["output_config"] = json!({"effort": "low"});
    let rules = |profile| -> Vec<&str> {
        check_all(profile, &body).iter().map(|refusal| refusal.rule).collect()
    };
    assert_eq!(rules(Profile::MessagesTolerant), [""; 0]);
    assert_eq!(rules(Profile::Anthropic), ["anthropic-unknown-member"]);
    assert_eq!(
        rules(Profile::MessagesClassic),
        [
            "anthropic-role-system-never",
            "anthropic-thinking-adaptive-never",
            "anthropic-output-never"
        ]
    );
}

#[test]
fn refusals_have_anthropics_shape() {
    let refusal = check_at(Door::Answer, Profile::Anthropic, &json!({})).expect("it is refused");
    assert_eq!(
        refusal.body(Profile::Anthropic),
        json!({"type": "error", "request_id": "req_testkit", "error":
            {"type": "invalid_request_error", "message": "model: Field required"}})
    );
}

#[test]
fn any_json_is_judged_without_a_panic() {
    let odd = [json!(null), json!([]), json!("x"), json!(1.5), json!({"a": [{}]}), json!([[{}]])];
    for member in [
        "system",
        "messages",
        "tools",
        "tool_choice",
        "thinking",
        "output_config",
        "stop_sequences",
        "metadata",
        "cache_control",
        "context_management",
        "temperature",
    ] {
        for value in &odd {
            for kind in [
                "text",
                "image",
                "document",
                "tool_use",
                "tool_result",
                "thinking",
                "redacted_thinking",
                "server_tool_use",
                "web_search_tool_result",
            ] {
                let block = json!({"type": kind, "text": value, "source": value, "input": value,
                    "id": value, "content": value, "thinking": value, "tool_use_id": value});
                let mut body = ask(json!([{"role": "user", "content": [block]},
                    {"role": value, "content": value}, value]));
                body[member] = value.clone();
                let _ = check_all(Profile::Anthropic, &body);
                let _ = beta(&body, "");
            }
        }
    }
}
