//! What single vendors refuse, and the others do not.

use serde_json::Value;

use super::super::walk::{
    at, call_ids, calls, found, functions, given, has, messages, parts, role, stranger, tools,
};
use super::super::{Confidence, Finding, Rule, Vendor};
use super::QUOTED;
use super::sampling::{range, whole};

const DEEPSEEK: Rule = Rule {
    vendor: Vendor::DeepSeek,
    code: Some("invalid_request_error"),
    source: "api-docs.deepseek.com/guides/thinking_mode and public issue reports",
    ..QUOTED
};
const MINIMAX: Rule = Rule {
    vendor: Vendor::MiniMax,
    source: "platform.minimax.io/docs/api-reference/text-openai-api and public issue reports",
    ..QUOTED
};
const ZHIPU: Rule = Rule {
    vendor: Vendor::Zhipu,
    code: Some("1210"),
    words: "API 调用参数有误，请检查文档。",
    source: "docs.bigmodel.cn, reference of chat completions",
    confidence: Confidence::Reported,
    ..QUOTED
};
const MIMO: Rule = Rule {
    vendor: Vendor::MiMo,
    source: "platform.xiaomimimo.com/docs and public issue reports",
    confidence: Confidence::Reported,
    ..QUOTED
};
const MISTRAL: Rule = Rule { vendor: Vendor::Mistral, ..QUOTED };

/// Whether a DeepSeek request thinks: by default it does, `deepseek-chat` excepted.
fn deepseek_thinks(body: &Value) -> bool {
    match body["thinking"]["type"].as_str() {
        Some(kind) => kind != "disabled",
        None => body["model"] != "deepseek-chat",
    }
}

/// An assistant message without `reasoning_content`, of those that `concerned` picks.
fn without_reasoning(body: &Value, concerned: impl Fn(&Value) -> bool) -> Option<Finding> {
    let (index, (place, _)) = messages(body).enumerate().find(|(_, (_, message))| {
        role(message) == "assistant"
            && concerned(message)
            && !message["reasoning_content"].is_string()
    })?;
    found(place, index)
}

fn has_image(body: &Value) -> Option<Finding> {
    let (place, _, _) = parts(body).find(|(_, part, _)| part["type"] == "image_url")?;
    at(place)
}

/// A choice other than `auto`.
fn forced(body: &Value) -> Option<Finding> {
    let choice = given(body, "tool_choice")?;
    if choice == "auto" { None } else { at("tool_choice") }
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "deepseek-role",
        check: |body| {
            let known = ["system", "user", "assistant", "tool", "latest_reminder", ""];
            let (place, message) =
                messages(body).find(|(_, message)| !known.contains(&role(message)))?;
            found(format!("{place}.role"), role(message))
        },
        words: "Failed to deserialize the JSON body into the target type: {at}: unknown variant `{what}`, expected one of `system`, `user`, `assistant`, `tool`, `latest_reminder` at line 1 column 85",
        source: "github.com/icebear0828/codex-proxy/issues/589",
        example: r#"{"model":"m","messages":[{"role":"developer","content":"x"}]}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-part",
        check: |body| {
            let (place, part, _) = parts(body)
                .find(|(_, part, _)| part["type"].as_str().is_some_and(|kind| kind != "text"))?;
            let message = place.split(".content").next().unwrap_or_default();
            found(message, part["type"].as_str().unwrap_or_default())
        },
        words: "Failed to deserialize the JSON body into the target type: {at}: unknown variant `{what}`, expected `text` at line 1 column 85",
        source: "github.com/BenedictKing/ccx/issues/95, github.com/rikkahub/rikkahub/issues/1433",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png"}}]}]}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-reasoning-of-calls",
        check: |body| {
            if !deepseek_thinks(body) {
                return None;
            }
            without_reasoning(body, |message| !call_ids(message).is_empty())
        },
        words: "Missing `reasoning_content` field in the assistant message at message index {what}. For more information, please refer to https://api-docs.deepseek.com/guides/thinking_mode#tool-calls",
        source: "github.com/hotovo/aider-desk/issues/529; V4 says: The `reasoning_content` in the thinking mode must be passed back to the API.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-reasoning-of-answers",
        check: |body| {
            let rounds = messages(body).any(|(_, message)| role(message) == "tool");
            if rounds && deepseek_thinks(body) { without_reasoning(body, |_| true) } else { None }
        },
        words: "The `reasoning_content` in the thinking mode must be passed back to the API.",
        source: "github.com/MoonshotAI/kimi-cli/issues/2141, github.com/openclaw/openclaw/issues/73417: once tools were used, plain answers need it too; an empty text is enough",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","reasoning_content":"r","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"},{"role":"assistant","content":"done"},{"role":"user","content":"more"}]}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-choice-while-thinking",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            let free = choice == "auto" || choice == "none" || !deepseek_thinks(body);
            if free { None } else { at("tool_choice") }
        },
        words: "Thinking mode does not support this tool_choice",
        source: "github.com/deepseek-ai/DeepSeek-V3/issues/1376, github.com/can1357/oh-my-pi/issues/7315",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-answer-orphan",
        check: |body| {
            let mut head = None;
            messages(body).find_map(|(place, message)| {
                if role(message) != "tool" {
                    head = Some(message);
                    return None;
                }
                if head.is_some_and(|head| !call_ids(head).is_empty()) { None } else { at(place) }
            })
        },
        words: "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'",
        source: "github.com/FoundationAgents/OpenManus/issues/23, github.com/qwersyk/Newelle/issues/425",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "deepseek-max-tokens",
        check: |body| whole(body, "max_tokens", 1, 393_216),
        words: "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]",
        source: "DeepSeek's answers for smaller models; the limit is V4's from its reference",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1000000}"#,
        ..DEEPSEEK
    },
    Rule {
        id: "minimax-two-systems",
        check: |body| {
            let (place, _) =
                messages(body).filter(|(_, message)| role(message) == "system").nth(1)?;
            at(place)
        },
        words: "invalid params, invalid chat setting (2013)",
        source: "github.com/MiniMax-AI/MiniMax-M2/issues/51 (MiniMax's own word), github.com/openclaw/openclaw/issues/19386",
        example: r#"{"model":"m","messages":[{"role":"system","content":"a"},{"role":"system","content":"b"},{"role":"user","content":"x"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-system-late",
        check: |body| {
            let (place, _) =
                messages(body).skip(1).find(|(_, message)| role(message) == "system")?;
            at(place)
        },
        words: "invalid params, chat content has invalid message role: system (2013)",
        source: "github.com/BigPizzaV3/CodexPlusPlus/issues/410",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"system","content":"b"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-role",
        check: |body| {
            let known = ["system", "user", "assistant", "tool", ""];
            let (place, message) =
                messages(body).find(|(_, message)| !known.contains(&role(message)))?;
            found(place, role(message))
        },
        words: "invalid params, chat content has invalid message role: {what} (2013)",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"developer","content":"x"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-result-not-after-call",
        check: |body| {
            let mut head = None;
            messages(body).find_map(|(place, message)| {
                if role(message) != "tool" {
                    head = Some(message);
                    return None;
                }
                if head.is_some_and(|head| !call_ids(head).is_empty()) { None } else { at(place) }
            })
        },
        words: "invalid params, tool call result does not follow tool call (2013)",
        source: "github.com/can1357/oh-my-pi/issues/2055",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-result-unknown-id",
        check: |body| {
            let known: Vec<&str> =
                messages(body).flat_map(|(_, message)| call_ids(message)).collect();
            messages(body).filter(|(_, message)| role(message) == "tool").find_map(
                |(place, message)| {
                    let id = message["tool_call_id"].as_str()?;
                    if known.contains(&id) { None } else { found(place, id) }
                },
            )
        },
        words: "invalid params, tool result's tool id({what}) not found (2013)",
        source: "github.com/MiniMax-AI/MiniMax-M2/issues/76",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"},{"role":"tool","tool_call_id":"d","content":"y"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-arguments",
        check: |body| {
            let (place, call) = calls(body).find(|(_, call)| {
                let text = call["function"]["arguments"].as_str().unwrap_or("{}");
                serde_json::from_str::<Value>(text).is_err()
            })?;
            found(place, call["id"].as_str().unwrap_or_default())
        },
        words: "invalid params, invalid function arguments json string, tool_call_id: {what} (2013)",
        source: "github.com/NousResearch/hermes-agent/issues/12167, github.com/can1357/oh-my-pi/issues/181",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-no-parameters",
        check: |body| {
            let (place, _) =
                functions(body).find(|(_, function)| given(function, "parameters").is_none())?;
            at(place)
        },
        words: "invalid params, function parameters is empty (2013)",
        source: "github.com/QwenLM/qwen-code/issues/11834, with a live matrix; an empty object schema passes",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-temperature",
        check: |body| {
            let zero = given(body, "temperature")?.as_f64() == Some(0.0);
            if zero { at("temperature") } else { range(body, "temperature", 0.0, 1.0) }
        },
        words: "invalid params, temperature must be in (0, 1] (2013)",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1.5}"#,
        ..MINIMAX
    },
    Rule {
        id: "minimax-n",
        check: |body| whole(body, "n", 1, 1),
        words: "invalid params, n must be 1 (2013)",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"n":2}"#,
        ..MINIMAX
    },
    Rule {
        id: "zhipu-image",
        check: has_image,
        source: "github.com/musistudio/claude-code-router/issues/429, github.com/DayuanJiang/next-ai-draw-io/issues/656: images to a text model",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png"}}]}]}"#,
        ..ZHIPU
    },
    Rule {
        id: "zhipu-no-user",
        check: |body| {
            let any = messages(body).any(|(_, message)| role(message) == "user");
            if any || messages(body).next().is_none() { None } else { at("messages") }
        },
        code: Some("1214"),
        words: "messages 参数非法。请检查文档。",
        source: "github.com/MetaGLM/zhipuai-sdk-python-v4/issues/14",
        confidence: Confidence::Inferred,
        example: r#"{"model":"m","messages":[{"role":"system","content":"x"}]}"#,
        ..ZHIPU
    },
    Rule {
        id: "zhipu-choice",
        check: forced,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}"#,
        ..ZHIPU
    },
    Rule {
        id: "zhipu-ranges",
        check: |body| {
            range(body, "temperature", 0.0, 1.0)
                .or_else(|| range(body, "top_p", 0.01, 1.0))
                .or_else(|| whole(body, "max_tokens", 1, 131_072))
        },
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1.5}"#,
        ..ZHIPU
    },
    Rule {
        id: "zhipu-stop",
        check: |body| if body["stop"].as_array()?.len() > 1 { at("stop") } else { None },
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":["a","b"]}"#,
        ..ZHIPU
    },
    Rule {
        id: "zhipu-format-schema",
        check: |body| {
            if body["response_format"]["type"] == "json_schema" {
                at("response_format")
            } else {
                None
            }
        },
        confidence: Confidence::Inferred,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}"#,
        ..ZHIPU
    },
    Rule {
        id: "mimo-reasoning-of-calls",
        check: |body| {
            if body["thinking"]["type"] == "disabled" {
                return None;
            }
            without_reasoning(body, |message| !call_ids(message).is_empty())
        },
        words: "The reasoning_content in the thinking mode must be passed back to the API.",
        source: "github.com/earendil-works/pi/issues/4602, github.com/chatboxai/chatbox/issues/3716",
        confidence: Confidence::Quoted,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..MIMO
    },
    Rule {
        id: "mimo-empty-text",
        check: |body| {
            let (place, _, _) =
                parts(body).find(|(_, part, _)| part["type"] == "text" && part["text"] == "")?;
            at(place)
        },
        words: "`text` is not present",
        source: "github.com/x5iu/claude-code-adapter/pull/12",
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":""}]}]}"#,
        ..MIMO
    },
    Rule {
        id: "mimo-choice",
        check: forced,
        words: "tool_choice only supports auto",
        confidence: Confidence::Inferred,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}"#,
        ..MIMO
    },
    Rule {
        id: "mimo-format-schema",
        check: |body| {
            if body["response_format"]["type"] == "json_schema" {
                at("response_format")
            } else {
                None
            }
        },
        words: "response_format only supports text and json_object",
        source: "docs.agno.com/models/providers/native/xiaomi/overview: JSON mode, no json_schema",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}}"#,
        ..MIMO
    },
    Rule {
        id: "mimo-ranges",
        check: |body| {
            range(body, "temperature", 0.0, 1.5).or_else(|| range(body, "top_p", 0.01, 1.0))
        },
        words: "{at} is out of range",
        confidence: Confidence::Inferred,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1.8}"#,
        ..MIMO
    },
    Rule {
        id: "mimo-unknown-member",
        check: |body| {
            let known = [
                "messages",
                "model",
                "max_completion_tokens",
                "max_tokens",
                "temperature",
                "top_p",
                "stream",
                "stream_options",
                "stop",
                "frequency_penalty",
                "presence_penalty",
                "thinking",
                "tools",
                "tool_choice",
                "response_format",
                "audio",
            ];
            found("", stranger(body, &known)?)
        },
        words: "{what} is not supported",
        source: "github.com/openclaw/openclaw/issues/82976: since May 2026 unknown members are refused; which ones are known is our guess",
        confidence: Confidence::Inferred,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning_effort":"low"}"#,
        ..MIMO
    },
    Rule {
        id: "vllm-choice-without-tools",
        vendor: Vendor::Vllm,
        check: |body| {
            let choice = given(body, "tool_choice")?;
            if choice == "none" || given(body, "tools").is_some() {
                None
            } else {
                at("tool_choice")
            }
        },
        words: "When using `tool_choice`, `tools` must be set.",
        source: "github.com/vllm-project/vllm/pull/52392",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"auto"}"#,
        ..QUOTED
    },
    Rule {
        id: "vllm-stop-without-stream",
        vendor: Vendor::Vllm,
        check: |body| {
            given(body, "stream_options")?;
            if body["stream"] == true { None } else { at("stream_options") }
        },
        words: "Stream options can only be defined when `stream=True`.",
        source: "the request model in vLLM's source",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}"#,
        ..QUOTED
    },
    Rule {
        id: "ollama-image-not-data",
        vendor: Vendor::Ollama,
        check: |body| {
            let (place, _, _) = parts(body).find(|(_, part, _)| {
                part["image_url"]["url"].as_str().is_some_and(|url| !url.starts_with("data:"))
            })?;
            at(place)
        },
        words: "invalid image input",
        source: "Ollama's reference of OpenAI compatibility: images as base64 only, URLs are not fetched",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/x.png"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "ollama-arguments",
        vendor: Vendor::Ollama,
        check: |body| {
            let (place, _) = calls(body).find(|(_, call)| {
                let text = call["function"]["arguments"].as_str().unwrap_or("{}");
                !serde_json::from_str(text).is_ok_and(|value: Value| value.is_object())
            })?;
            at(place)
        },
        words: "invalid tool call arguments",
        source: "Ollama's source, conversion of Chat Completions messages",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "lmstudio-choice",
        vendor: Vendor::LmStudio,
        check: |body| if body["tool_choice"].is_object() { at("tool_choice") } else { None },
        words: "Invalid tool_choice type: 'object'. Supported string values: none, auto, required",
        source: "github.com/lmstudio-ai/lmstudio-bug-tracker/issues/670; the error is a bare string",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
        ..QUOTED
    },
    Rule {
        id: "mistral-call-id",
        check: |body| {
            messages(body).find_map(|(place, message)| {
                let mut ids = call_ids(message);
                ids.extend(message["tool_call_id"].as_str());
                let good =
                    |id: &&&str| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
                found(place, ids.iter().find(|id| !good(id))?)
            })
        },
        code: Some("3280"),
        words: "Tool call id was {what} but must be a-z, A-Z, 0-9, with a length of 9.",
        source: "github.com/nearai/ironclaw/issues/1241, github.com/anomalyco/opencode/issues/1680",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"y"}]}"#,
        ..MISTRAL
    },
    Rule {
        id: "mistral-user-after-tool",
        check: |body| {
            let roles: Vec<(String, &str)> =
                messages(body).map(|(place, message)| (place, role(message))).collect();
            let (after, _) = roles
                .iter()
                .zip(roles.iter().skip(1))
                .map(|(before, after)| (after, before))
                .find(|(after, before)| before.1 == "tool" && after.1 == "user")?;
            found(after.0.clone(), after.1)
        },
        code: Some("3230"),
        words: "Unexpected role '{what}' after role 'tool'",
        source: "github.com/datapizza-labs/datapizza-ai/issues/98",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"abcdefghi","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"abcdefghi","content":"y"},{"role":"user","content":"z"}]}"#,
        ..MISTRAL
    },
    Rule {
        id: "mistral-last-role",
        check: |body| {
            let (place, message) = messages(body).last()?;
            let good = role(message) != "assistant" || message["prefix"] == true;
            if good { None } else { found(place, role(message)) }
        },
        words: "Expected last role User or Tool (or Assistant with prefix True) for serving but got {what}",
        source: "github.com/0xPlaygrounds/rig/pull/1130",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}"#,
        ..MISTRAL
    },
    Rule {
        id: "mistral-extra-member",
        check: |body| {
            messages(body).find_map(|(place, message)| {
                let name = ["reasoning_content", "reasoning", "reasoning_details"]
                    .into_iter()
                    .find(|name| has(message, name))?;
                at(format!("{place}.{name}"))
            })
        },
        status: 422,
        words: "Extra inputs are not permitted: {at}",
        source: "Mistral's validation answers (extra_forbidden)",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","prefix":true,"reasoning_content":"z"}]}"#,
        ..MISTRAL
    },
    Rule {
        id: "groq-reasoning",
        vendor: Vendor::Groq,
        check: |body| {
            messages(body).enumerate().find_map(|(index, (place, message))| {
                if has(message, "reasoning_content") { found(place, index) } else { None }
            })
        },
        words: "'messages.{what}' : for 'role:assistant' the following must be satisfied[('messages.{what}' : property 'reasoning_content' is unsupported)]",
        source: "Groq's answers, as quoted in public issue reports",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y","reasoning_content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "groq-tool-type",
        vendor: Vendor::Groq,
        check: |body| {
            let (place, tool) = tools(body)
                .find(|(_, tool)| tool["type"].as_str().is_some_and(|kind| kind != "function"))?;
            found(format!("{place}.type"), tool["type"].as_str().unwrap_or_default())
        },
        words: "'{at}' : value is not one of the allowed values ['function']",
        source: "Groq's answers, as quoted in public issue reports",
        confidence: Confidence::Reported,
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search"}]}"#,
        ..QUOTED
    },
];
