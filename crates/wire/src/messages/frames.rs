//! The events of a Messages stream as text. It keeps no order and decides nothing: the encoder does.

use super::block::Block;
use crate::answer::Head;
use crate::json::quote_into;
use crate::turn::Usage;

/// The message up to its content.
pub(super) fn message(head: &Head, out: &mut String) {
    out.push_str("{\"id\":\"msg_");
    out.push_str(&head.stem);
    out.push_str("\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    quote_into(&head.model, out);
    out.push_str(",\"content\":");
}

fn index(index: Option<u32>, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(index.unwrap_or_default()));
}

pub(super) fn start(at: Option<u32>, block: &str, out: &mut String) {
    out.push_str("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":");
    index(at, out);
    out.push_str(",\"content_block\":");
    out.push_str(block);
    out.push_str("}\n\n");
}

pub(super) fn begin_block(block: &Block, out: &mut String) {
    let mut begun = String::with_capacity(96);
    block.begin(&mut begun);
    start(block.index, &begun, out);
}

const DELTA: &str =
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":";

/// Deltas differ only in their text, so the rest is written once.
pub(super) fn delta_frame(block: &Block, frame: &mut String) {
    frame.clear();
    frame.push_str(DELTA);
    index(block.index, frame);
    frame.push_str(",\"delta\":");
    frame.push_str(block.delta());
}

pub(super) fn delta(at: Option<u32>, pieces: &[&str], out: &mut String) {
    out.push_str(DELTA);
    index(at, out);
    out.push_str(",\"delta\":");
    pieces.iter().for_each(|piece| out.push_str(piece));
    out.push_str("}\n\n");
}

pub(super) fn stop(at: Option<u32>, out: &mut String) {
    out.push_str("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":");
    index(at, out);
    out.push_str("}\n\n");
}

/// Anthropic counts what it read from a cache and wrote to one apart from the input.
pub(super) fn write_usage(usage: Usage, out: &mut String) {
    let Usage { input, cached, cache_written, output, reasoning, searches } = usage;
    let fresh = input.saturating_sub(cached).saturating_sub(cache_written);
    number("{\"input_tokens\":", fresh, out);
    number(",\"cache_creation_input_tokens\":", cache_written, out);
    number(",\"cache_read_input_tokens\":", cached, out);
    number(",\"output_tokens\":", output, out);
    if reasoning > 0 {
        number(",\"output_tokens_details\":{\"thinking_tokens\":", reasoning, out);
        out.push('}');
    }
    if searches > 0 {
        number(
            ",\"server_tool_use\":{\"web_fetch_requests\":0,\"web_search_requests\":",
            searches,
            out,
        );
        out.push('}');
    }
    out.push('}');
}

fn number(before: &str, value: u64, out: &mut String) {
    out.push_str(before);
    out.push_str(itoa::Buffer::new().format(value));
}
