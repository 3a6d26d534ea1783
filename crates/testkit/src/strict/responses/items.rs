//! Input items: their kinds, roles, ids and members. What their content parts hold is judged in
//! [`super::content`], and how calls and outputs fit together in [`super::state`].

use serde_json::Value;

use super::super::walk::{at, found, given, kind};
use super::super::{Rule, Vendor};
use super::walk::{items, items_of, kind_of, listed, messages};
use super::world::WORLD;
use super::{MEASURED, QUOTED, REPORTED};

/// The roles of a message.
const ROLES: [&str; 4] = ["assistant", "system", "developer", "user"];

/// The kinds of items that the server names, and one that the SDK knows since.
const KINDS: [&str; 34] = [
    "additional_tools",
    "agent_message",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "compaction_trigger",
    "computer_call",
    "computer_call_output",
    "configuration_update",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "function_call",
    "function_call_output",
    "image_generation_call",
    "item_reference",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "message",
    "multi_agent_call",
    "multi_agent_call_output",
    "program",
    "program_output",
    "reasoning",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
];

/// How the id of an item must begin. Kinds whose prefix no report names are left out.
const PREFIXES: [(&str, &str); 6] = [
    ("message", "msg"),
    ("function_call", "fc"),
    ("custom_tool_call", "ctc"),
    ("reasoning", "rs"),
    ("web_search_call", "ws"),
    ("compaction", "cmp"),
];

/// The id of each item that has one.
pub(super) fn ids(body: &Value) -> impl Iterator<Item = (String, &str, &Value)> {
    items(body)
        .filter(|(_, item)| kind_of(item) != "item_reference")
        .filter_map(|(place, item)| Some((format!("{place}.id"), item["id"].as_str()?, item)))
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-item-not-object",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, item) = items(body).find(|(_, item)| !item.is_object())?;
            found(place, kind(item))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an input item, but got {what} instead.",
        example: r#"{"model":"m","input":["x"]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-item-type-unknown",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, item) = items(body).find(|(_, item)| !KINDS.contains(&kind_of(item)))?;
            found(place, format!("'{}'. Supported values are: {}", kind_of(item), listed(&KINDS)))
        },
        code: Some("invalid_value"),
        words: "Invalid value: {what}.",
        example: r#"{"model":"m","input":[{"type":"tool_result","call_id":"c","output":"x"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-item-role-unknown",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, message) = messages(body)
                .find(|(_, item)| !ROLES.contains(&item["role"].as_str().unwrap_or_default()))?;
            found(place, message["role"].as_str().unwrap_or_default())
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
        example: r#"{"model":"m","input":[{"role":"tool","content":"x"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-item-content-missing",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, _) = messages(body).find(|(_, item)| given(item, "content").is_none())?;
            at(format!("{place}.content"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-item-content-mistyped",
        vendor: Vendor::ResponsesEvery,
        check: |body| {
            let (place, item) = messages(body).find(|(_, item)| {
                let content = &item["content"];
                !content.is_string() && !content.is_array()
            })?;
            found(format!("{place}.content"), kind(&item["content"]))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected one of an array of objects or string, but got {what} instead.",
        example: r#"{"model":"m","input":[{"role":"user","content":{"type":"input_text","text":"x"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-message-phase-misplaced",
        check: |body| {
            let (place, _) = messages(body)
                .find(|(_, item)| item["role"] != "assistant" && item.get("phase").is_some())?;
            at(format!("{place}.phase"))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":"x","phase":"final_answer"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-message-phase-unknown",
        check: |body| {
            messages(body).find_map(|(place, item)| {
                let phase = given(item, "phase")?.as_str().unwrap_or_default();
                if ["commentary", "final_answer"].contains(&phase) {
                    return None;
                }
                found(format!("{place}.phase"), phase)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'commentary' and 'final_answer'.",
        example: r#"{"model":"m","input":[{"role":"assistant","content":"x","phase":"draft"}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-reasoning-status-given",
        check: |body| {
            let (place, _) =
                items_of(body, "reasoning").find(|(_, i)| i.get("status").is_some())?;
            at(format!("{place}.status"))
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        source: "github.com/1jehuang/jcode/issues/1028",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"sig-testkit","status":"completed"},{"role":"assistant","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-unknown-member",
        check: |body| {
            items(body).find_map(|(place, item)| {
                let kind = format!("item {}", kind_of(item));
                at(WORLD.knows(&kind).then(|| WORLD.stranger(&kind, item, &place))??)
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        source: "github.com/openai/openai-python/issues/2677, and measured on 2026-08-31",
        example: r#"{"model":"m","input":[{"role":"assistant","content":"x","tool_calls":[]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-id-malformed",
        check: |body| {
            let fits = |id: &str| {
                !id.is_empty()
                    && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            };
            let (place, id, _) = ids(body).find(|(_, id, _)| !fits(id))?;
            found(place, id)
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}': '{what}'. Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained additional characters.",
        source: "github.com/langchain-ai/langchainjs/issues/11044",
        example: r#"{"model":"m","input":[{"type":"message","id":"","role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-id-too-long",
        check: |body| {
            let (place, id, _) = ids(body).find(|(_, id, _)| id.len() > 64)?;
            found(place, id.len())
        },
        code: Some("string_above_max_length"),
        words: "Invalid '{at}': string too long. Expected a string with maximum length 64, but got a string with length {what} instead.",
        example: r#"{"model":"m","input":[{"type":"message","id":"msg_0123456789012345678901234567890123456789012345678901234567890123456789","role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-id-prefix",
        check: |body| {
            ids(body).find_map(|(place, id, item)| {
                let (_, prefix) = PREFIXES.iter().find(|(kind, _)| *kind == kind_of(item))?;
                if id.starts_with(prefix) {
                    return None;
                }
                found(&place, format!("'{id}'. Expected an ID that begins with '{prefix}'"))
            })
        },
        code: Some("invalid_id_prefix"),
        words: "Invalid '{at}': {what}.",
        source: "github.com/openai/codex/issues/33176, github.com/jlcodes99/cockpit-tools/issues/2090, github.com/mastra-ai/mastra/issues/10815",
        example: r#"{"model":"m","input":[{"type":"message","id":"chatcmpl-1","role":"user","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-item-status-unknown",
        check: |body| {
            let held = ["message", "function_call", "function_call_output"];
            items(body).filter(|(_, item)| held.contains(&kind_of(item))).find_map(
                |(place, item)| {
                    let status = given(item, "status")?.as_str().unwrap_or_default();
                    if ["in_progress", "completed", "incomplete"].contains(&status) {
                        return None;
                    }
                    found(format!("{place}.status"), status)
                },
            )
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'in_progress', 'completed', and 'incomplete'.",
        example: r#"{"model":"m","input":[{"type":"message","role":"user","content":"x","status":"done"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-reasoning-summary-missing",
        check: |body| {
            let (place, _) = items_of(body, "reasoning").find(|(_, i)| !i["summary"].is_array())?;
            at(format!("{place}.summary"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","encrypted_content":"sig-testkit"},{"role":"assistant","content":"x"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-reasoning-summary-part",
        check: |body| {
            items_of(body, "reasoning").find_map(|(place, item)| {
                let place = format!("{place}.summary");
                let list = item["summary"].as_array()?;
                let wrong =
                    |part: &Value| part["type"] != "summary_text" || !part["text"].is_string();
                let index = list.iter().position(wrong)?;
                found(format!("{place}[{index}]"), list[index]["type"].as_str().unwrap_or_default())
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Value must be 'summary_text'.",
        example: r#"{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[{"type":"text","text":"y"}],"encrypted_content":"sig-testkit"},{"role":"assistant","content":"x"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-reasoning-content-given",
        check: |body| {
            let length = |item: &Value| item["content"].as_array().map_or(0, Vec::len);
            let (place, item) = items_of(body, "reasoning").find(|(_, item)| length(item) > 0)?;
            found(format!("{place}.content"), length(item))
        },
        code: Some("array_above_max_length"),
        words: "Invalid '{at}': array too long. Expected an array with maximum length 0, but got an array with length {what} instead.",
        source: "github.com/musistudio/claude-code-router/issues/1783",
        example: r#"{"model":"m","input":[{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"y"}]},{"role":"assistant","content":"x"}]}"#,
        ..QUOTED
    },
];
