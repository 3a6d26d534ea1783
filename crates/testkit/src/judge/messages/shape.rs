//! The members of what Messages answers, as tables. Where the SDK's stable types and its beta
//! types differ, the members of both are known; only those that both require are required.

use serde_json::Value;

use crate::judge::{Findings, Rule};

/// What a member may be.
#[derive(Clone, Copy, Debug)]
enum Is {
    Text,
    /// A text that is not empty.
    Filled,
    Count,
    Object,
    List,
    Any,
    /// One of these words.
    Word(&'static [&'static str]),
}

#[derive(Clone, Copy, Debug)]
struct Member {
    name: &'static str,
    required: bool,
    nullable: bool,
    is: Is,
}

/// A member that is there and not null.
const fn must(name: &'static str, is: Is) -> Member {
    Member { name, required: true, nullable: false, is }
}

/// A member that is there and may be null.
const fn null(name: &'static str, is: Is) -> Member {
    Member { name, required: true, nullable: true, is }
}

/// A member that need not be there.
const fn may(name: &'static str, is: Is) -> Member {
    Member { name, required: false, nullable: true, is }
}

/// An object's members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape(&'static [Member]);

const STOPS: Is = Is::Word(&[
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
    "compaction",
]);

pub(super) const MESSAGE: Shape = Shape(&[
    must("id", Is::Filled),
    must("type", Is::Word(&["message"])),
    must("role", Is::Word(&["assistant"])),
    must("model", Is::Filled),
    must("content", Is::List),
    null("stop_reason", STOPS),
    null("stop_sequence", Is::Text),
    must("usage", Is::Object),
    may("stop_details", Is::Object),
    may("container", Is::Object),
    may("context_management", Is::Object),
    may("diagnostics", Is::Any),
    may("input_transformations", Is::Any),
    may("quire", Is::Object),
]);

pub(super) const USAGE: Shape = Shape(&[
    must("input_tokens", Is::Count),
    must("output_tokens", Is::Count),
    may("cache_creation_input_tokens", Is::Count),
    may("cache_read_input_tokens", Is::Count),
    may("cache_creation", Is::Object),
    may("output_tokens_details", Is::Object),
    may("server_tool_use", Is::Object),
    may("service_tier", Is::Text),
    may("inference_geo", Is::Text),
    may("speed", Is::Text),
    may("iterations", Is::Any),
]);

/// As [`USAGE`], at the end of a stream: only the output count must be there.
pub(super) const LAST_USAGE: Shape = Shape(&[
    must("output_tokens", Is::Count),
    may("input_tokens", Is::Count),
    may("cache_creation_input_tokens", Is::Count),
    may("cache_read_input_tokens", Is::Count),
    may("cache_creation", Is::Object),
    may("output_tokens_details", Is::Object),
    may("server_tool_use", Is::Object),
    may("iterations", Is::Any),
]);

/// The `delta` of `message_delta`.
pub(super) const LAST: Shape = Shape(&[
    must("stop_reason", STOPS),
    null("stop_sequence", Is::Text),
    may("stop_details", Is::Object),
    may("container", Is::Object),
]);

/// `error` inside an event or a body.
pub(super) const ERROR: Shape = Shape(&[
    must(
        "type",
        Is::Word(&[
            "invalid_request_error",
            "authentication_error",
            "billing_error",
            "permission_error",
            "not_found_error",
            "request_too_large",
            "rate_limit_error",
            "timeout_error",
            "api_error",
            "overloaded_error",
        ]),
    ),
    must("message", Is::Filled),
    may("details", Is::Any),
    // quire's own: what OpenAI's clients know of an error, and what the upstream called it.
    may("code", Is::Filled),
    may("param", Is::Filled),
    may("upstream", Is::Object),
]);

const fn kind(word: &'static [&'static str]) -> Member {
    must("type", Is::Word(word))
}

/// Each event's own members.
const EVENTS: &[(&str, Shape)] = &[
    ("ping", Shape(&[kind(&["ping"])])),
    ("message_start", Shape(&[kind(&["message_start"]), must("message", Is::Object)])),
    (
        "content_block_start",
        Shape(&[
            kind(&["content_block_start"]),
            must("index", Is::Count),
            must("content_block", Is::Object),
        ]),
    ),
    (
        "content_block_delta",
        Shape(&[
            kind(&["content_block_delta"]),
            must("index", Is::Count),
            must("delta", Is::Object),
        ]),
    ),
    ("content_block_stop", Shape(&[kind(&["content_block_stop"]), must("index", Is::Count)])),
    (
        "message_delta",
        Shape(&[
            kind(&["message_delta"]),
            must("delta", Is::Object),
            must("usage", Is::Object),
            may("context_management", Is::Object),
            may("input_transformations", Is::Any),
            may("quire", Is::Object),
        ]),
    ),
    ("message_stop", Shape(&[kind(&["message_stop"])])),
    ("error", Shape(&[kind(&["error"]), must("error", Is::Object), may("request_id", Is::Text)])),
];

/// What a tool of the server answers; its content has many types of its own.
const RESULT: Shape = Shape(&[
    must("type", Is::Filled),
    must("tool_use_id", Is::Filled),
    must("content", Is::Any),
    may("caller", Is::Object),
    may("is_error", Is::Any),
]);

const CALL: Shape = Shape(&[
    must("type", Is::Filled),
    must("id", Is::Filled),
    must("name", Is::Filled),
    must("input", Is::Object),
    may("caller", Is::Object),
    may("toolset_name", Is::Text),
    may("server_name", Is::Text),
]);

/// Each content block's members.
const BLOCKS: &[(&str, Shape)] = &[
    ("text", Shape(&[kind(&["text"]), must("text", Is::Text), may("citations", Is::List)])),
    (
        "thinking",
        Shape(&[kind(&["thinking"]), must("thinking", Is::Text), must("signature", Is::Text)]),
    ),
    ("redacted_thinking", Shape(&[kind(&["redacted_thinking"]), must("data", Is::Filled)])),
    ("tool_use", CALL),
    ("server_tool_use", CALL),
    ("mcp_tool_use", CALL),
    ("mcp_tool_result", RESULT),
    ("web_search_tool_result", RESULT),
    ("web_fetch_tool_result", RESULT),
    ("code_execution_tool_result", RESULT),
    ("bash_code_execution_tool_result", RESULT),
    ("text_editor_code_execution_tool_result", RESULT),
    ("tool_search_tool_result", RESULT),
    ("advisor_tool_result", RESULT),
    ("container_upload", Shape(&[kind(&["container_upload"]), must("file_id", Is::Filled)])),
];

/// Each delta's members.
const DELTAS: &[(&str, Shape)] = &[
    ("text_delta", Shape(&[kind(&["text_delta"]), must("text", Is::Text)])),
    ("thinking_delta", {
        // The estimate comes with a beta of its own.
        Shape(&[
            kind(&["thinking_delta"]),
            must("thinking", Is::Text),
            may("estimated_tokens", Is::Count),
        ])
    }),
    ("signature_delta", Shape(&[kind(&["signature_delta"]), must("signature", Is::Filled)])),
    ("input_json_delta", Shape(&[kind(&["input_json_delta"]), must("partial_json", Is::Text)])),
    ("citations_delta", Shape(&[kind(&["citations_delta"]), must("citation", Is::Object)])),
];

const WEB: Shape = Shape(&[
    kind(&["web_search_result_location"]),
    must("url", Is::Filled),
    null("title", Is::Text),
    must("cited_text", Is::Text),
    must("encrypted_index", Is::Text),
]);

const PLACE: Shape = Shape(&[
    kind(&["char_location", "page_location", "content_block_location", "search_result_location"]),
    must("cited_text", Is::Text),
    may("document_index", Is::Count),
    may("document_title", Is::Text),
    may("file_id", Is::Text),
    may("start_char_index", Is::Count),
    may("end_char_index", Is::Count),
    may("start_page_number", Is::Count),
    may("end_page_number", Is::Count),
    may("start_block_index", Is::Count),
    may("end_block_index", Is::Count),
    may("search_result_index", Is::Count),
    may("source", Is::Text),
    may("title", Is::Text),
]);

fn tagged(
    known: &'static [(&str, Shape)],
    what: &str,
    value: &Value,
    path: &str,
    findings: &mut Findings,
) -> Option<Shape> {
    let Some(tag) = value["type"].as_str() else {
        findings.say_in(path, Rule::Missing, format!("the {what} has no `type`"));
        return None;
    };
    let shape = known.iter().find(|(name, _)| *name == tag).map(|(_, shape)| *shape);
    if shape.is_none() {
        findings.say_in(path, Rule::UnknownType, format!("no client knows the {what} `{tag}`"));
    }
    shape
}

/// The shape of an event; a complaint where nobody knows it.
pub(super) fn event(event: &Value, findings: &mut Findings) -> Option<Shape> {
    tagged(EVENTS, "event", event, "", findings)
}

/// The shape of a block; a complaint where nobody knows it.
pub(super) fn block(block: &Value, path: &str, findings: &mut Findings) -> Option<Shape> {
    tagged(BLOCKS, "block", block, path, findings)
}

/// The shape of a delta; a complaint where nobody knows it.
pub(super) fn delta(delta: &Value, findings: &mut Findings) -> Option<Shape> {
    tagged(DELTAS, "delta", delta, "delta", findings)
}

pub(super) fn judge_citation(citation: &Value, path: &str, findings: &mut Findings) {
    let shape = if citation["type"] == "web_search_result_location" { WEB } else { PLACE };
    shape.judge(citation, path, findings);
}

/// The types of events that are known.
#[cfg(test)]
pub(super) fn events() -> impl Iterator<Item = &'static str> {
    EVENTS.iter().map(|(name, _)| *name)
}

/// The types of blocks that are known.
#[cfg(test)]
pub(super) fn blocks() -> impl Iterator<Item = &'static str> {
    BLOCKS.iter().map(|(name, _)| *name)
}

impl Shape {
    /// Judges that a value is an object with these members and no others.
    pub(super) fn judge(self, value: &Value, path: &str, findings: &mut Findings) {
        let Some(members) = value.as_object() else {
            return findings.say_in(path, Rule::Shape, "it is not an object");
        };
        for member in self.0 {
            match members.get(member.name) {
                None if member.required => {
                    let message = format!("`{}` is required", member.name);
                    findings.say_in(path, Rule::Missing, message);
                }
                None => {}
                Some(Value::Null) if member.nullable => {}
                Some(value) => member.is.judge(value, member.name, path, findings),
            }
        }
        for name in members.keys() {
            if !self.0.iter().any(|member| member.name == name) {
                let message = format!("`{name}` is known to no client");
                findings.say_in(path, Rule::UnknownMember, message);
            }
        }
    }
}

impl Is {
    fn judge(self, value: &Value, name: &str, path: &str, findings: &mut Findings) {
        let fits = match self {
            Self::Text => value.is_string(),
            Self::Filled => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Count => value.is_u64(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
            Self::Any => true,
            Self::Word(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        };
        if !fits {
            let wanted = match self {
                Self::Text => "a string".to_owned(),
                Self::Filled => "a string with something in it".to_owned(),
                Self::Count => "a count".to_owned(),
                Self::Object => "an object".to_owned(),
                Self::List => "a list".to_owned(),
                Self::Any => "anything".to_owned(),
                Self::Word(words) => format!("one of {words:?}"),
            };
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            findings.say_in(&path, Rule::Shape, format!("{value} is not {wanted}"));
        }
    }
}
