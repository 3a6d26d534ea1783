//! What answers cost, as each dialect counts it. `Usage::input` includes what was read from a cache
//! and written to one; not every dialect counts so.

use crate::json::Value;
use crate::turn::Usage;

/// The most tokens that are believed: more is not exact in every reader of JSON.
const MAX_TOKENS: u64 = 1 << 53;

fn count(value: Value<'_, '_>, name: &str) -> Option<u64> {
    value.get(name).and_then(Value::as_u64).map(|count| count.min(MAX_TOKENS))
}

/// The counts of a Chat Completions answer; none where it counts nothing.
pub(crate) fn chat(usage: Value<'_, '_>) -> Option<Usage> {
    let detail = |of: &str, name: &str| usage.get(of).and_then(|value| count(value, name));
    let (input, output) = (count(usage, "prompt_tokens"), count(usage, "completion_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    let cached = detail("prompt_tokens_details", "cached_tokens")
        // DeepSeek and Moonshot have names of their own.
        .or_else(|| count(usage, "prompt_cache_hit_tokens"))
        .or_else(|| count(usage, "cached_tokens"))
        .unwrap_or(0)
        .min(input);
    let cache_written = detail("prompt_tokens_details", "cache_write_tokens").unwrap_or(0);
    let reasoning = detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0);
    Some(Usage {
        input,
        cached,
        cache_written: cache_written.min(input - cached),
        output,
        reasoning: reasoning.min(output),
        searches: 0,
    })
}

/// The counts of a Responses answer; none where it counts nothing.
pub(crate) fn responses(usage: Value<'_, '_>) -> Option<Usage> {
    let detail = |of: &str, name: &str| usage.get(of).and_then(|value| count(value, name));
    let (input, output) = (count(usage, "input_tokens"), count(usage, "output_tokens"));
    if input.is_none() && output.is_none() {
        return None;
    }
    let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
    let cached = detail("input_tokens_details", "cached_tokens").unwrap_or(0).min(input);
    let written = detail("input_tokens_details", "cache_write_tokens").unwrap_or(0);
    let reasoning = detail("output_tokens_details", "reasoning_tokens").unwrap_or(0);
    Some(Usage {
        input,
        cached,
        cache_written: written.min(input - cached),
        output,
        reasoning: reasoning.min(output),
        searches: 0,
    })
}

/// The counts of a Messages answer, whose `input_tokens` hold nothing that a cache had to do with.
/// A stream counts at its start and at its end: what the later count leaves out stays as it was
/// `before`.
pub(crate) fn messages(usage: Value<'_, '_>, before: Option<Usage>) -> Option<Usage> {
    let read = |name: &str| count(usage, name);
    let fresh = read("input_tokens");
    let output = read("output_tokens");
    if fresh.is_none() && output.is_none() {
        return None;
    }
    let before = before.unwrap_or_default();
    let cached = read("cache_read_input_tokens").unwrap_or(before.cached);
    let written = read("cache_creation_input_tokens").unwrap_or(before.cache_written);
    let fresh = fresh.unwrap_or_else(|| {
        before.input.saturating_sub(before.cached).saturating_sub(before.cache_written)
    });
    let output = output.unwrap_or(before.output);
    let thought = usage
        .get("output_tokens_details")
        .and_then(|details| count(details, "thinking_tokens"))
        .unwrap_or(before.reasoning);
    let searches = usage
        .get("server_tool_use")
        .and_then(|used| count(used, "web_search_requests"))
        .unwrap_or(before.searches);
    Some(Usage {
        input: fresh.saturating_add(cached).saturating_add(written),
        cached,
        cache_written: written,
        output,
        reasoning: thought.min(output),
        searches,
    })
}
