//! What the tests of this crate share: targets as the provider records set them, requests, and the
//! judgement of answers.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod asked;
pub(crate) mod cases;
pub(crate) mod events;
pub(crate) mod messages;
pub(crate) mod shown;
pub(crate) mod spoken;

use serde_json::{Value, json};
use testkit::judge;
use testkit::strict::Profile;
use wire::dialect::Dialect;
use wire::drive::{self, Answer, Sent};
use wire::target::Target;
use wire::target::{
    EffortMap, EffortRow, MaxTokens, Member, Quirk, Replay, Structured, ToolChoices,
};
use wire::turn::Effort;

/// What is asked, what the model makes of it, and what is sent.
pub(crate) type Row<'r> = (Effort, Effort, &'r [(&'r str, &'r str)]);

pub(crate) fn efforts(rows: &[Row<'_>]) -> EffortMap {
    let rows = rows.iter().map(|&(asked, acts_as, members)| EffortRow {
        asked,
        acts_as,
        members: members.iter().map(|&(name, json)| member(name, json)).collect(),
    });
    EffortMap::new(rows.collect()).expect("the map is good")
}

pub(crate) fn member(name: &str, json: &str) -> Member {
    Member { name: name.to_owned(), json: json.to_owned() }
}

pub(crate) fn accepts(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

const AUTO: ToolChoices = ToolChoices { none: false, required: false, named: false };
const OFF: (&str, &str) = ("thinking", r#"{"type":"disabled"}"#);
const ON: (&str, &str) = ("thinking", r#"{"type":"enabled"}"#);

/// A switch for thinking: `none` is off, everything else is on.
fn switch() -> EffortMap {
    let rows: Vec<Row<'_>> = Effort::ALL
        .into_iter()
        .map(|effort| match effort {
            Effort::None => (effort, effort, &[OFF][..]),
            _ => (effort, Effort::High, &[ON][..]),
        })
        .collect();
    efforts(&rows)
}

/// A target by its name in the corpus: as `providers/*.toml` set it for one model.
pub(crate) fn target(name: &str) -> Target {
    use Effort::{High, Low, Max, Medium, Minimal, None as No, Ultra, Xhigh};
    let careful = Target { model: "m".to_owned(), ..Target::default() };
    match name {
        "careful" => careful,
        "generous" => Target {
            images: true,
            files: true,
            developer_role: true,
            max_tokens: MaxTokens::Completion,
            structured: Structured::Schema,
            strict_tools: true,
            efforts: efforts(&[
                (No, No, &[("reasoning_effort", "\"none\"")]),
                (Minimal, Minimal, &[("reasoning_effort", "\"minimal\"")]),
                (Low, Low, &[("reasoning_effort", "\"low\"")]),
                (Medium, Medium, &[("reasoning_effort", "\"medium\"")]),
                (High, High, &[("reasoning_effort", "\"high\"")]),
                (Xhigh, Xhigh, &[("reasoning_effort", "\"xhigh\"")]),
                (Max, Xhigh, &[("reasoning_effort", "\"xhigh\"")]),
                (Ultra, Xhigh, &[("reasoning_effort", "\"xhigh\"")]),
            ]),
            accepts: accepts(&[
                "temperature",
                "top_p",
                "stop",
                "stream_options",
                "presence_penalty",
                "frequency_penalty",
                "parallel_tool_calls",
                "service_tier",
                "prompt_cache_key",
                "safety_identifier",
                "user",
                "verbosity",
            ]),
            ..careful
        },
        "deepseek" => {
            let thinking = |effort| vec![ON, ("reasoning_effort", effort)];
            let (low, high, max) = (thinking("\"low\""), thinking("\"high\""), thinking("\"max\""));
            Target {
                max_output_tokens: Some(384_000),
                max_tools: Some(128),
                structured: Structured::Object,
                tool_choice: ToolChoices { none: true, ..AUTO },
                replay: Replay::ReasoningContent,
                efforts: efforts(&[
                    (No, No, &[OFF]),
                    (Minimal, Low, &low),
                    (Low, Low, &low),
                    (Medium, High, &high),
                    (High, High, &high),
                    (Xhigh, High, &high),
                    (Max, Max, &max),
                    (Ultra, Max, &max),
                ]),
                accepts: accepts(&[
                    "temperature",
                    "top_p",
                    "stop",
                    "stream_options",
                    "top_logprobs",
                ]),
                ..careful
            }
        }
        "minimax" => Target {
            images: true,
            late_system: false,
            max_output_tokens: Some(524_288),
            max_tokens: MaxTokens::Completion,
            tool_choice: AUTO,
            replay: Replay::ReasoningDetails,
            efforts: switch(),
            accepts: accepts(&["temperature", "top_p", "stream_options"]),
            always: vec![member("reasoning_split", "true")],
            quirks: vec![Quirk::CumulativeReasoning],
            ..careful
        },
        "zhipu" => Target {
            max_output_tokens: Some(128_000),
            max_tools: Some(128),
            structured: Structured::Object,
            tool_choice: AUTO,
            replay: Replay::ReasoningContent,
            efforts: switch(),
            accepts: accepts(&["temperature", "top_p", "stop"]),
            always: vec![member("tool_stream", "true")],
            quirks: vec![Quirk::OneStop],
            ..careful
        },
        "mimo" => Target {
            images: true,
            max_output_tokens: Some(131_072),
            max_tokens: MaxTokens::Completion,
            max_tools: Some(128),
            structured: Structured::Object,
            tool_choice: AUTO,
            replay: Replay::ReasoningContent,
            efforts: switch(),
            accepts: accepts(&[
                "temperature",
                "top_p",
                "stop",
                "stream_options",
                "presence_penalty",
                "frequency_penalty",
            ]),
            ..careful
        },
        "vllm" => Target {
            images: true,
            late_system: false,
            structured: Structured::Schema,
            replay: Replay::Reasoning,
            accepts: accepts(&[
                "temperature",
                "top_p",
                "stop",
                "stream_options",
                "presence_penalty",
                "frequency_penalty",
                "parallel_tool_calls",
                "user",
            ]),
            ..careful
        },
        "ollama" => Target {
            structured: Structured::Schema,
            tool_choice: AUTO,
            replay: Replay::Reasoning,
            accepts: accepts(&[
                "temperature",
                "top_p",
                "stop",
                "stream_options",
                "presence_penalty",
                "frequency_penalty",
            ]),
            ..careful
        },
        other => unreachable!("no target is called `{other}`"),
    }
}

/// Each strict profile with the target that its provider record makes.
pub(crate) const PAIRS: [(Profile, &str); 8] = [
    (Profile::GenericStrict, "careful"),
    (Profile::OpenAi, "generous"),
    (Profile::DeepSeek, "deepseek"),
    (Profile::MiniMax, "minimax"),
    (Profile::Zhipu, "zhipu"),
    (Profile::MiMo, "mimo"),
    (Profile::Vllm, "vllm"),
    (Profile::OllamaTolerant, "ollama"),
];

/// A request that declares every kind of tool.
pub(crate) fn asking() -> Value {
    json!({
        "model": "asked/model",
        "input": "do it",
        "stream": true,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
        "tools": [
            {"type": "function", "name": "exec_command", "strict": false,
                "parameters": {"type": "object", "properties": {"cmd": {"type": "string"}}}},
            {"type": "custom", "name": "apply_patch", "description": "Patches files.",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"}},
            {"type": "namespace", "name": "mcp__toy", "description": "A toy.", "tools": [
                {"type": "function", "name": "add_two", "strict": false,
                    "parameters": {"type": "object", "properties": {}}}]},
            {"type": "namespace", "name": "functions", "description": "",
                "tools": [{"type": "custom", "name": "exec", "description": "Runs a script."}]},
            {"type": "tool_search", "execution": "client", "description": "Finds tools.",
                "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}},
            {"type": "local_shell"},
        ],
    })
}

/// What [`asking`] becomes for this target.
pub(crate) fn sent(target: &Target) -> Sent {
    drive::request(&asking().to_string(), Dialect::Responses, Dialect::Chat, target)
        .expect("the request is good")
}

/// The frames of a stream, as an independent reader sees them.
pub(crate) fn frames(events: &str) -> Vec<(String, String)> {
    let events = testkit::sse::parse(events);
    events.into_iter().map(|event| (event.name.unwrap_or_default(), event.data)).collect()
}

/// The events between the opening and the end, for messages.
pub(crate) fn told_events(events: &str) -> String {
    let data =
        events.lines().filter(|line| line.starts_with("data: ") && !line.contains("\"response\":"));
    data.collect::<Vec<_>>().join("\n")
}

/// The data of each event that carries JSON.
pub(crate) fn data(events: &str) -> Vec<Value> {
    testkit::sse::json(events)
}

/// The response object; asserts that the terminal event carries the same.
pub(crate) fn response(answer: &Answer) -> Value {
    let object: Value = serde_json::from_str(&answer.object).expect("the object is JSON");
    let events = data(&answer.events);
    assert_eq!(events.last().expect("there are events")["response"], object);
    object
}

/// What the judges say of an answer; empty where all is well.
pub(crate) fn complaints(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |what: &str, verdict: Result<(), Vec<judge::Complaint>>| {
        for complaint in verdict.err().into_iter().flatten() {
            found.push(format!("{what}: {complaint}"));
        }
    };
    say("stream", judge::responses_stream(&frames(&answer.events)));
    say("object", judge::responses_answer(&response(answer)));
    found
}

/// Asserts that the judges have nothing to say against an answer.
#[track_caller]
pub(crate) fn assert_judged(answer: &Answer) {
    let complaints = complaints(answer);
    assert!(complaints.is_empty(), "{}\n{}", complaints.join("\n"), told_events(&answer.events));
}
