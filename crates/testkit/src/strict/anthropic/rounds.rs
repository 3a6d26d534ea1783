//! Tool uses and their results: every use answered, directly after it, once, and first of all.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Finding, Rule, Vendor};
use super::walk::{Block, blocks, content, is_name, messages, role};
use super::{INFERRED, QUOTED, REPORTED};

fn of_kind<'a>(body: &'a Value, kind: &'a str) -> impl Iterator<Item = Block<'a>> {
    blocks(body).into_iter().filter(move |block| block.kind == kind && !block.nested)
}

/// The first block of a kind without this member.
fn without(body: &Value, kind: &str, member: &str) -> Option<Finding> {
    at(of_kind(body, kind).find(|block| given(block.value, member).is_none())?.member(member))
}

/// The texts of one member of one message's blocks of a kind.
fn named<'a>(message: &'a Value, kind: &str, member: &str) -> Vec<&'a str> {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_kind = blocks.iter().filter(|block| super::walk::kind(block) == kind);
    of_kind.filter_map(|block| block[member].as_str()).collect()
}

/// The ids of the tools that a message uses.
fn uses(message: &Value) -> Vec<&str> {
    named(message, "tool_use", "id")
}

/// The ids that a message answers.
fn answers(message: &Value) -> Vec<&str> {
    named(message, "tool_result", "tool_use_id")
}

/// The ids that a message answers before it says anything else.
fn first_answers(message: &Value) -> Vec<&str> {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let results = blocks.iter().take_while(|block| super::walk::kind(block) == "tool_result");
    results.filter_map(|block| block["tool_use_id"].as_str()).collect()
}

/// Each message of the assistant that uses tools, with the message after it; none after the last.
fn rounds(body: &Value) -> Vec<(String, &Value, Option<&Value>)> {
    let messages = messages(body);
    let next = |index: usize| messages.get(index + 1).map(|(_, message)| *message);
    messages
        .iter()
        .enumerate()
        .filter(|(_, (_, message))| role(message) == "assistant" && !uses(message).is_empty())
        .map(|(index, (place, message))| (place.clone(), *message, next(index)))
        .collect()
}

/// The first round with uses that `answered` does not find in the message after it.
fn unanswered(body: &Value, answered: fn(&Value) -> Vec<&str>) -> Option<Finding> {
    rounds(body).into_iter().find_map(|(place, message, next)| {
        let answered = next.map(answered).unwrap_or_default();
        let open: Vec<&str> =
            uses(message).into_iter().filter(|id| !answered.contains(id)).collect();
        if open.is_empty() { None } else { found(place, open.join(", ")) }
    })
}

/// The results of servers' tools, with the uses that stand before each.
fn server_results(body: &Value) -> Vec<(Block<'_>, Vec<&str>)> {
    let mut before: Vec<&str> = Vec::new();
    let mut results = Vec::new();
    for block in blocks(body).into_iter().filter(|block| !block.nested) {
        if matches!(block.kind, "server_tool_use" | "mcp_tool_use") {
            before.extend(block.value["id"].as_str());
        } else if block.kind != "tool_result" && block.kind.ends_with("_tool_result") {
            results.push((block, before.clone()));
        }
    }
    results
}

const UNANSWERED: &str = "{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {what}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.";

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-use-without-id",
        vendor: Vendor::MessagesEvery,
        check: |body| without(body, "tool_use", "id"),
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{}}]},{"role":"user","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-without-name",
        vendor: Vendor::MessagesEvery,
        check: |body| without(body, "tool_use", "name"),
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-without-input",
        vendor: Vendor::MessagesEvery,
        check: |body| without(body, "tool_use", "input"),
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-input-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |block: &Block<'_>| !block.value["input"].is_object();
            let mut uses = of_kind(body, "tool_use").chain(of_kind(body, "server_tool_use"));
            at(uses.find(wrong)?.member("input"))
        },
        words: "{at}: Input should be a valid dictionary",
        source: "github.com/anthropics/claude-code/issues/6696",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":"{}"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-id-pattern",
        check: |body| {
            let wrong = |block: &Block<'_>| !block.value["id"].as_str().is_some_and(is_name);
            at(of_kind(body, "tool_use").find(wrong)?.member("id"))
        },
        words: "{at}: String should match pattern '^[a-zA-Z0-9_-]+$'",
        source: "github.com/BerriAI/litellm, github.com/cline/cline and many more quote these words",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"call:1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call:1"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-name-pattern",
        check: |body| {
            let fits = |name: &str| is_name(name) && name.len() <= 200;
            let wrong = |block: &Block<'_>| !block.value["name"].as_str().is_some_and(fits);
            at(of_kind(body, "tool_use").find(wrong)?.member("name"))
        },
        words: "{at}: String should match pattern '^[a-zA-Z0-9_-]{1,200}$'",
        source: "the pattern for names in history, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"a.b","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-result-without-id",
        vendor: Vendor::MessagesEvery,
        check: |body| without(body, "tool_result", "tool_use_id"),
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-id-twice",
        check: |body| {
            let mut seen: Vec<&str> = Vec::new();
            let uses = of_kind(body, "tool_use").chain(of_kind(body, "server_tool_use"));
            for block in uses {
                let id = block.value["id"].as_str().unwrap_or_default();
                if seen.contains(&id) {
                    return at(block.at);
                }
                seen.push(id);
            }
            None
        },
        words: "{at}: `tool_use` ids must be unique",
        source: "github.com/BerriAI/litellm/issues/23510, github.com/trycua/cua/issues/524",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-result-orphan",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let messages = messages(body);
            messages.iter().enumerate().find_map(|(index, (place, message))| {
                let before = index.checked_sub(1).map(|index| messages[index].1);
                let known = before.map(uses).unwrap_or_default();
                let wrong = |block: &Block<'_>| {
                    let id = block.value["tool_use_id"].as_str().unwrap_or_default();
                    block.kind == "tool_result" && !known.contains(&id)
                };
                let block = content(place, message).into_iter().find(wrong)?;
                let id = block.value["tool_use_id"].as_str().unwrap_or_default();
                found(block.at, id)
            })
        },
        words: "{at}: unexpected `tool_use_id` found in `tool_result` blocks: {what}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
        source: "github.com/anthropics/claude-code/issues/13460",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-use-unanswered",
        vendor: Vendor::MessagesEvery,
        check: |body| unanswered(body, answers),
        words: UNANSWERED,
        source: "github.com/anthropics/claude-code/issues/1237, and many more",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-result-not-first",
        check: |body| unanswered(body, first_answers),
        words: UNANSWERED,
        source: "platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls: results come first in the content",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"text","text":"y"},{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-result-twice",
        check: |body| {
            messages(body).into_iter().find_map(|(place, message)| {
                let mut seen: Vec<&str> = Vec::new();
                for block in content(&place, message) {
                    let Some(id) = block.value["tool_use_id"].as_str() else { continue };
                    if block.kind == "tool_result" && seen.contains(&id) {
                        return found(block.at, id);
                    }
                    seen.push(id);
                }
                None
            })
        },
        words: "{at}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {what}",
        source: "github.com/vectorize-io/hindsight/pull/4250",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"},{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-server-use-id-pattern",
        check: |body| {
            let fits = |id: &str| id.strip_prefix("srvtoolu_").is_some_and(is_name);
            let wrong = |block: &Block<'_>| !block.value["id"].as_str().is_some_and(fits);
            at(of_kind(body, "server_tool_use").find(wrong)?.member("id"))
        },
        words: "{at}: String should match pattern '^srvtoolu_[a-zA-Z0-9_]+$'",
        source: "the pattern, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"ws_1","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"ws_1","content":[]},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-server-use-unknown",
        check: |body| {
            let known = [
                "web_search",
                "web_fetch",
                "code_execution",
                "bash_code_execution",
                "text_editor_code_execution",
                "tool_search_tool_regex",
                "tool_search_tool_bm25",
                "advisor",
            ];
            let name = |block: &Block<'_>| known.iter().any(|name| block.value["name"] == *name);
            at(of_kind(body, "server_tool_use").find(|block| !name(block))?.member("name"))
        },
        words: "{at}: Input should be 'web_search', 'web_fetch', 'code_execution', 'bash_code_execution', 'text_editor_code_execution', 'tool_search_tool_regex' or 'tool_search_tool_bm25'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"browse","input":{}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-server-result-orphan",
        check: |body| {
            let id = |block: &Block<'_>| {
                block.value["tool_use_id"].as_str().unwrap_or_default().to_owned()
            };
            let wrong =
                |(block, before): &(Block<'_>, Vec<&str>)| !before.contains(&id(block).as_str());
            let (block, _) = server_results(body).into_iter().find(wrong)?;
            let kind = block.kind;
            let what = format!(
                "`{kind}` blocks: {}. Each `{kind}` block must have a corresponding `server_tool_use` block before it.",
                id(&block)
            );
            found(block.at, what)
        },
        words: "{at}: unexpected `tool_use_id` found in {what}",
        source: "github.com/anthropics/claude-code/issues/80439",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-server-use-unanswered",
        check: |body| {
            let results = server_results(body);
            let answered = |id: &str| {
                results.iter().any(|(block, _)| block.value["tool_use_id"].as_str() == Some(id))
            };
            // A paused turn ends with a use that the server goes on with.
            let last = messages(body).pop().filter(|(_, message)| role(message) == "assistant");
            let paused = last.map(|(place, _)| format!("{place}."));
            let open = |block: &Block<'_>| {
                !answered(block.value["id"].as_str().unwrap_or_default())
                    && !paused.as_ref().is_some_and(|place| block.at.starts_with(place))
            };
            let block = of_kind(body, "server_tool_use").find(open)?;
            let (name, id) = (block.value["name"].as_str()?, block.value["id"].as_str()?);
            let what = format!(
                "`{name}` tool use with id `{id}` was found without a corresponding `{name}_tool_result` block"
            );
            found(block.at, what)
        },
        words: "{at}: {what}",
        source: "the words for a search without its result, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-search-result-not-sealed",
        check: |body| {
            let (place, _) = of_kind(body, "web_search_tool_result").find_map(|block| {
                let pages =
                    super::walk::elements(&block.value["content"], &block.member("content"));
                let mut pages: Vec<_> = pages.collect();
                pages.retain(|(_, page)| {
                    let seal = page["encrypted_content"].as_str().unwrap_or_default();
                    super::walk::kind(page) == "web_search_result"
                        && !crate::seal::is_seal_of(seal, "")
                });
                pages.into_iter().next()
            })?;
            at(format!("{place}.web_search_result.encrypted_content"))
        },
        words: "{at}: Invalid `encrypted_content` in `search_result` block",
        source: "the words for a changed search result, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://a.example","title":"A","encrypted_content":"made up"}]},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..REPORTED
    },
];
