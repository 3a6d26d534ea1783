//! Cache breakpoints: how many, of which kind, in which order. Where they may not stand at all
//! (on thinking) the list of members says.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Rule, Vendor};
use super::walk::{blocks, kind, system, tools};
use super::{QUOTED, REPORTED};

/// Every `cache_control` with its place, in the order in which the server reads them.
fn breakpoints(body: &Value) -> Vec<(String, &Value)> {
    let tools = tools(body).into_iter().map(|tool| (tool.member("cache_control"), tool.value));
    let rest = system(body).into_iter().chain(blocks(body));
    let rest = rest.map(|block| (block.member("cache_control"), block.value));
    let automatic = [("cache_control".to_owned(), body)];
    let all = tools.chain(rest).chain(automatic);
    all.filter_map(|(place, holder)| Some((place, given(holder, "cache_control")?))).collect()
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-cache-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let (place, control) =
                breakpoints(body).into_iter().find(|(_, control)| kind(control) != "ephemeral")?;
            found(place, kind(control))
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'ephemeral'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"persistent"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-cache-ttl-unknown",
        check: |body| {
            let wrong = |control: &Value| {
                given(control, "ttl").is_some_and(|ttl| ttl != "5m" && ttl != "1h")
            };
            let (place, _) = breakpoints(body).into_iter().find(|(_, control)| wrong(control))?;
            at(format!("{place}.ttl"))
        },
        words: "{at}: Input should be '5m' or '1h'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1d"}}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-cache-too-many",
        check: |body| {
            let count = breakpoints(body).len();
            if count > 4 { found("", count) } else { None }
        },
        words: "A maximum of 4 blocks with cache_control may be provided. Found {what}.",
        source: "github.com/tghamm/Anthropic.SDK/issues/50",
        example: r#"{"model":"m","max_tokens":9,"cache_control":{"type":"ephemeral"},"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},{"type":"text","text":"y","cache_control":{"type":"ephemeral"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-cache-ttl-order",
        check: |body| {
            let mut short = false;
            for (place, control) in breakpoints(body) {
                let long = control["ttl"] == "1h";
                if short && long {
                    return at(format!("{place}.ttl"));
                }
                short |= !long;
            }
            None
        },
        words: "{at}: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
        source: "github.com/kristianvast/hermes-claude-auth/issues/31",
        example: r#"{"model":"m","max_tokens":9,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}"#,
        ..QUOTED
    },
];
