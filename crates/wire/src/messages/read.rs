//! What quire reads of a Messages answer, and what it passes over. Paths are those of a stream's
//! events, after the event's name; in a whole answer the same members stand in the message itself.
//! The tests try each.

use crate::read::Use;

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The event's name.
    pub event: &'static str,
    /// Dotted path within the event; empty for the event as a whole.
    pub path: &'static str,
    pub usage: Use,
    /// A value of the member that has an effect, as raw JSON.
    pub example: &'static str,
}

const fn read(
    event: &'static str,
    path: &'static str,
    becomes: &'static str,
    example: &'static str,
) -> Row {
    Row { event, path, usage: Use::Read(becomes), example }
}

const fn over(
    event: &'static str,
    path: &'static str,
    why: &'static str,
    example: &'static str,
) -> Row {
    Row { event, path, usage: Use::PassedOver(why), example }
}

const OWN_ID: &str = "quire's answers have ids of their own";
const HOSTED: &str = "tools that run at the upstream are not asked for, but for the search";

/// Every decision.
// A table reads best with one row on one line.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    read("message_start", "message.usage.input_tokens", "the input, with what caches had to do with", "5"),
    read("message_start", "message.usage.cache_read_input_tokens", "the input that was cached", "2"),
    read("message_start", "message.usage.cache_creation_input_tokens", "the input that was written to a cache", "2"),
    read("message_start", "message.content", "blocks, where a server puts them here", r#"[{"type":"text","text":"early"}]"#),
    over("message_start", "message.id", OWN_ID, r#""msg_1""#),
    over("message_start", "message.type", "always the same", r#""message""#),
    over("message_start", "message.role", "always `assistant`", r#""assistant""#),
    over("message_start", "message.model", "the answer names the model that was asked for", r#""m""#),
    over("message_start", "message.stop_reason", "not known before the end", r#""end_turn""#),
    over("message_start", "message.usage.service_tier", "the tier that was asked for is echoed", r#""standard""#),
    over("message_start", "message.usage.cache_creation", "the sum stands beside it", r#"{"ephemeral_5m_input_tokens":2}"#),
    read("content_block_start", "index", "the block that begins", "7"),
    read("content_block_start", "content_block.text", "`output_text` of a message", r#""text""#),
    read("content_block_start", "content_block.citations", "a citation", r#"[{"type":"web_search_result_location","url":"https://a.example"}]"#),
    over("content_block_start", "content_block.cache_control", "means nothing in an answer", r#"{"type":"ephemeral"}"#),
    read("content_block_delta", "index", "the block that goes on", "0"),
    read("content_block_delta", "delta.text", "`output_text` of a message", r#""text""#),
    read("content_block_delta", "delta", "thinking: a `reasoning` item", r#"{"type":"thinking_delta","thinking":"thought"}"#),
    read("content_block_delta", "delta", "a signature: what the upstream wants back with its thinking", r#"{"type":"signature_delta","signature":"s"}"#),
    read("content_block_delta", "delta", "a citation of a page", r#"{"type":"citations_delta","citation":{"type":"web_search_result_location","url":"https://a.example"}}"#),
    over("content_block_delta", "delta.estimated_tokens", "thinking is counted at the end", "7"),
    read("content_block_stop", "index", "the block that is over", "7"),
    read("message_delta", "delta.stop_reason", "the status, and why it is incomplete or failed", r#""max_tokens""#),
    read("message_delta", "delta.stop_sequence", "the text at which it stopped", r#""END""#),
    read("message_delta", "usage.output_tokens", "the output", "7"),
    read("message_delta", "usage.input_tokens", "the input, where it was not known before", "5"),
    read("message_delta", "usage.output_tokens_details.thinking_tokens", "the output that was reasoning", "2"),
    read("message_delta", "usage.server_tool_use.web_search_requests", "how often it searched", "1"),
    over("message_delta", "delta.container", HOSTED, r#"{"id":"c"}"#),
    over("message_delta", "delta.stop_details", "the reason alone has a counterpart", r#"{"type":"refusal"}"#),
    over("message_delta", "context_management", "never asked for", r#"{"applied_edits":[]}"#),
    over("message_delta", "input_transformations", "images are sent as they are", "[]"),
    read("message_stop", "", "the end", "{}"),
    read("error", "error", "a failure", r#"{"type":"overloaded_error","message":"no"}"#),
    over("error", "request_id", "the request has an id of quire's", r#""req_1""#),
    over("ping", "", "the connection is watched by its bytes", "{}"),
];
