//! Thinking: how it is asked for, what it excludes, and the blocks that come back. The rules hold
//! for `enabled` and `adaptive` alike unless they say otherwise.

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Door, Rule, Vendor};
use super::walk::{Block, blocks, content, continues, kind, messages, role, thinks};
use super::{INFERRED, QUOTED, REPORTED, models};
use crate::seal::{calls_before, is_seal_of};

fn model(body: &Value) -> &str {
    body["model"].as_str().unwrap_or_default()
}

fn of_kind<'a>(body: &'a Value, kind: &'a str) -> impl Iterator<Item = Block<'a>> {
    blocks(body).into_iter().filter(move |block| block.kind == kind)
}

fn is_thought(block: &Block<'_>) -> bool {
    matches!(block.kind, "thinking" | "redacted_thinking")
}

/// Where the turn begins that a tool's results go on with: the first message of the assistant
/// after the last thing that the user said. Nothing when the user has just said something.
fn open_turn(body: &Value) -> Option<(String, &Value)> {
    let messages = messages(body);
    let results = messages.last().filter(|(_, message)| continues(message))?;
    let said = |(_, message): &&(String, &Value)| role(message) == "user" && !continues(message);
    let after = messages.iter().rposition(|message| said(&message)).map_or(0, |at| at + 1);
    let turn = messages[after..].iter().find(|(_, message)| role(message) == "assistant")?;
    (!std::ptr::eq(results.1, turn.1)).then(|| turn.clone())
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-thinking-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| if given(body, "thinking")?.is_object() { None } else { at("thinking") },
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":"enabled"}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-thinking-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| match kind(given(body, "thinking")?) {
            "enabled" | "disabled" | "adaptive" | "between_tools" => None,
            kind => found("thinking", kind),
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"auto"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-adaptive-never",
        vendor: Vendor::MessagesClassic,
        check: |body| match kind(given(body, "thinking")?) {
            kind @ ("adaptive" | "between_tools") => found("thinking", kind),
            _ => None,
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'",
        source: "the API before Opus 4.6, and servers that copy it",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-thinking-adaptive-old-model",
        check: |body| {
            let adaptive = body["thinking"]["type"] == "adaptive";
            (adaptive && !models::is_adaptive(model(body))).then(Default::default)
        },
        words: "adaptive thinking is not supported on this model",
        source: "github.com/elizaOS/eliza/pull/16175",
        example: r#"{"model":"claude-haiku-4-5","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-budget-new-model",
        check: |body| {
            let budget = body["thinking"]["type"] == "enabled";
            (budget && models::refuses_budget(model(body))).then(Default::default)
        },
        words: "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
        source: "github.com/zeroclaw-labs/zeroclaw/pull/10611",
        example: r#"{"model":"claude-opus-5-5","max_tokens":2000,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":1024}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-budget-missing",
        check: |body| {
            let thinking = given(body, "thinking")?;
            let missing = kind(thinking) == "enabled" && given(thinking, "budget_tokens").is_none();
            if missing { at("thinking.enabled.budget_tokens") } else { None }
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-budget-small",
        check: |body| {
            let thinking = given(body, "thinking")?;
            let small = kind(thinking) == "enabled"
                && thinking["budget_tokens"].as_i64().is_none_or(|budget| budget < 1024);
            if small { at("thinking.enabled.budget_tokens") } else { None }
        },
        words: "{at}: Input should be greater than or equal to 1024",
        source: "github.com/themaximalist/llm.js/issues/30",
        example: r#"{"model":"m","max_tokens":2000,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":512}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-budget-large",
        door: Door::Answer,
        check: |body| {
            let thinking =
                given(body, "thinking").filter(|thinking| kind(thinking) == "enabled")?;
            let budget = thinking["budget_tokens"].as_u64()?;
            (body["max_tokens"].as_u64()? <= budget).then(Default::default)
        },
        words: "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        source: "the SDK's note on `budget_tokens`; quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":1024,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"enabled","budget_tokens":1024}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-member",
        check: |body| {
            let thinking = given(body, "thinking")?;
            let (kind, has) = (kind(thinking), |name: &str| thinking.get(name).is_some());
            let extra = match kind {
                "adaptive" | "disabled" if has("budget_tokens") => "budget_tokens",
                "disabled" if has("display") => "display",
                _ => return None,
            };
            at(format!("thinking.{kind}.{extra}"))
        },
        words: "{at}: Extra inputs are not permitted",
        source: "the request types of anthropic-2.11.0; the words are those for any such member",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive","budget_tokens":1024}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-thinking-display-unknown",
        check: |body| {
            let thinking = given(body, "thinking")?;
            match given(thinking, "display")?.as_str() {
                Some("summarized" | "omitted" | "updates") => None,
                _ => at(format!("thinking.{}.display", kind(thinking))),
            }
        },
        words: "{at}: Input should be 'summarized', 'omitted'",
        source: "github.com/zeroclaw-labs/zeroclaw/pull/10611",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive","display":"full"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-temperature",
        check: |body| {
            let other = given(body, "temperature")?.as_f64() != Some(1.0);
            (thinks(body) && other).then(Default::default)
        },
        words: "`temperature` may only be set to 1 when thinking is enabled or in adaptive mode. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
        source: "github.com/zeroclaw-labs/zeroclaw/pull/10611, github.com/MartialBE/one-hub/issues/529",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"temperature":0.2}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-top-k",
        check: |body| {
            given(body, "top_k")?;
            thinks(body).then(Default::default)
        },
        words: "`top_k` must be unset when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
        source: "github.com/quarkiverse/quarkus-langchain4j/issues/1812",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"top_k":5}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thinking-top-p",
        check: |body| {
            let low = given(body, "top_p")?.as_f64().is_none_or(|top_p| top_p < 0.95);
            (thinks(body) && low).then(Default::default)
        },
        words: "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
        source: "github.com/Kiln-AI/Kiln/pull/1479, github.com/SEMOSS/Semoss/pull/1655",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"top_p":0.5}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-thinking-forced-tool",
        check: |body| {
            let forced = matches!(kind(&body["tool_choice"]), "any" | "tool");
            (thinks(body) && forced).then(Default::default)
        },
        words: "Thinking may not be enabled when tool_choice forces tool use.",
        source: "github.com/mastra-ai/mastra/issues/7507",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thinking":{"type":"adaptive"},"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thought-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |block: &Block<'_>| !block.value["thinking"].is_string();
            at(of_kind(body, "thinking").find(wrong)?.member("thinking"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","signature":"sig-testkit"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-signature-missing",
        check: |body| {
            let wrong = |block: &Block<'_>| !block.value["signature"].is_string();
            at(of_kind(body, "thinking").find(wrong)?.member("signature"))
        },
        words: "{at}: Field required",
        source: "github.com/router-for-me/CLIProxyAPI/issues/714",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-signature-invalid",
        check: |body| {
            let wrong = |block: &Block<'_>| {
                let text = block.value["thinking"].as_str().unwrap_or_default();
                let signature = block.value["signature"].as_str().unwrap_or_default();
                !is_seal_of(signature, text)
            };
            at(of_kind(body, "thinking").find(wrong)?.at)
        },
        words: "{at}: Invalid `signature` in `thinking` block",
        source: "github.com/anthropics/claude-code/issues/10627",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":""},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-redacted-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |block: &Block<'_>| !block.value["data"].is_string();
            at(of_kind(body, "redacted_thinking").find(wrong)?.member("data"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"redacted_thinking"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-redacted-invalid",
        check: |body| {
            let wrong = |block: &Block<'_>| {
                !is_seal_of(block.value["data"].as_str().unwrap_or_default(), "")
            };
            at(of_kind(body, "redacted_thinking").find(wrong)?.at)
        },
        words: "{at}: Invalid `data` in `redacted_thinking` block",
        source: "the counterpart of the words for a signature, as quoted in public issue reports",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"redacted_thinking","data":"abc"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-thought-last",
        check: |body| {
            let (place, what) = messages(body).into_iter().find_map(|(place, message)| {
                let block = content(&place, message).pop().filter(is_thought)?;
                (role(message) == "assistant").then(|| (place, block.kind.to_owned()))
            })?;
            found(place, what)
        },
        words: "{at}: The final block in an assistant message cannot be `{what}`.",
        source: "quoted in many public repositories that repair broken-off turns",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"sig-testkit"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-thought-moved",
        check: |body| {
            let messages = messages(body);
            let (place, latest) =
                messages.iter().rfind(|(_, message)| role(message) == "assistant")?;
            let mut calls = 0;
            let moved = content(place, latest).into_iter().find(|block| {
                calls += usize::from(block.kind == "tool_use");
                let seal = block.value["signature"].as_str().or(block.value["data"].as_str());
                is_thought(block)
                    && seal.and_then(calls_before).is_some_and(|before| before != calls)
            });
            at(moved?.at)
        },
        words: "{at}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.",
        source: "github.com/UKGovernmentBEIS/inspect_ai/issues/4922, github.com/BerriAI/litellm/issues/23047",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"sig-testkit+behind+1"},{"type":"text","text":"y"}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-turn-without-thought",
        check: |body| {
            if body["thinking"]["type"] != "enabled" {
                return None;
            }
            let (place, message) = open_turn(body)?;
            let block = content(&place, message).into_iter().next()?;
            if is_thought(&block) { None } else { found(format!("{}.type", block.at), block.kind) }
        },
        words: "{at}: Expected `thinking` or `redacted_thinking`, but found `{what}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking",
        source: "github.com/anomalyco/opencode/issues/3077, github.com/mastra-ai/mastra/issues/7799",
        example: r#"{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"tools":[{"name":"f","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..QUOTED
    },
];
