//! What quire reads of a Chat Completions answer, and what it passes over. Paths are those of a
//! stream's chunks; in a whole answer `message` stands where `delta` does. `tests/world` tries each.

use crate::read::Use;

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Dotted path; indices of arrays are left out.
    pub path: &'static str,
    pub usage: Use,
    /// A value of the member that has an effect, as raw JSON.
    pub example: &'static str,
}

const fn read(path: &'static str, becomes: &'static str, example: &'static str) -> Row {
    Row { path, usage: Use::Read(becomes), example }
}

const fn over(path: &'static str, why: &'static str, example: &'static str) -> Row {
    Row { path, usage: Use::PassedOver(why), example }
}

/// Every decision.
// A table reads best with one row on one line.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    read("choices.delta.content", "`output_text` of a message", r#""text""#),
    read("choices.delta.refusal", "`refusal` of a message", r#""no""#),
    read("choices.delta.reasoning_content", "a `reasoning` item", r#""thought""#),
    read("choices.delta.reasoning", "a `reasoning` item", r#""thought""#),
    read("choices.delta.reasoning_details", "a `reasoning` item", r#"[{"type":"reasoning.text","text":"thought"}]"#),
    read("choices.delta.tool_calls", "a call, of the kind that the client declared", r#"[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]"#),
    read("choices.delta.function_call", "a call: the older form", r#"{"name":"f","arguments":"{}"}"#),
    read("choices.index", "only choice 0 is read; one was asked for", "1"),
    read("choices.finish_reason", "the status, and why it is incomplete or failed", r#""length""#),
    read("choices.stop_reason", "which stop sequence it was, for clients of Messages (vLLM)", r#""END""#),
    read("choices.usage", "`usage`, where it does not stand outside", r#"{"prompt_tokens":5,"completion_tokens":7}"#),
    read("usage.prompt_tokens", "`usage.input_tokens`", "5"),
    read("usage.completion_tokens", "`usage.output_tokens`", "7"),
    read("usage.prompt_tokens_details.cached_tokens", "`usage.input_tokens_details.cached_tokens`", "2"),
    read("usage.prompt_tokens_details.cache_write_tokens", "`usage.input_tokens_details.cache_write_tokens`", "2"),
    read("usage.prompt_cache_hit_tokens", "`usage.input_tokens_details.cached_tokens` (DeepSeek)", "2"),
    read("usage.cached_tokens", "`usage.input_tokens_details.cached_tokens` (Moonshot)", "2"),
    read("usage.completion_tokens_details.reasoning_tokens", "`usage.output_tokens_details.reasoning_tokens`", "2"),
    read("error", "a failure", r#"{"message":"no"}"#),
    read("base_resp", "a failure, where its `status_code` is not 0 (MiniMax)", r#"{"status_code":1002,"status_msg":"slow"}"#),
    over("id", "quire's answers have ids of their own", r#""chatcmpl-1""#),
    over("object", "always the same", r#""chat.completion.chunk""#),
    over("created", "the time is quire's own", "1"),
    over("model", "the answer names the model that was asked for", r#""m""#),
    over("system_fingerprint", "no counterpart", r#""fp""#),
    over("service_tier", "the tier that was asked for is echoed", r#""default""#),
    over("choices.logprobs", "never asked for", r#"{"content":[]}"#),
    over("choices.delta.role", "always `assistant`", r#""assistant""#),
    over("choices.delta.annotations", "citations of hosted search, which is never asked for", "[]"),
    over("choices.delta.audio", "never asked for", r#"{"id":"a"}"#),
    over("usage.total_tokens", "the sum is made anew", "12"),
];
