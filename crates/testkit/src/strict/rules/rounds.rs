//! Tool calls and their answers: every call answered, directly after it, once.

use serde_json::Value;

use super::super::walk::{at, call_ids, found, messages, role};
use super::super::{Finding, Rule};
use super::{QUOTED, REPORTED};

/// Each tool message with its place, its id, and the message that heads its run of tool messages.
fn answers(body: &Value) -> Vec<(String, &str, Option<&Value>)> {
    let mut head = None;
    let mut answers = Vec::new();
    for (place, message) in messages(body) {
        if role(message) == "tool" {
            answers.push((place, message["tool_call_id"].as_str().unwrap_or_default(), head));
        } else {
            head = Some(message);
        }
    }
    answers
}

fn has_calls(message: Option<&Value>) -> bool {
    message.is_some_and(|message| !call_ids(message).is_empty())
}

/// A tool message whose run is headed by no call. `called`: whether its call stands earlier.
fn astray(body: &Value, called: bool) -> Option<Finding> {
    let known: Vec<&str> = messages(body).flat_map(|(_, message)| call_ids(message)).collect();
    let (place, id, _) = answers(body)
        .into_iter()
        .find(|(_, id, head)| !has_calls(*head) && known.contains(id) == called)?;
    found(place, id)
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "answer-without-id",
        check: |body| {
            let (place, _, _) = answers(body).into_iter().find(|(_, id, _)| id.is_empty())?;
            at(format!("{place}.tool_call_id"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "answer-orphan",
        check: |body| astray(body, false),
        words: "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "answer-not-after-call",
        check: |body| astray(body, true),
        words: "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
        source: "OpenAI's answers; DeepSeek refuses a message in between too (github.com/gptme/gptme/issues/3421)",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"z"},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "answer-to-another-call",
        check: |body| {
            let (place, id, _) = answers(body).into_iter().find(|(_, id, head)| {
                head.is_some_and(|head| has_calls(Some(head)) && !call_ids(head).contains(id))
            })?;
            found(format!("{place}.tool_call_id"), id)
        },
        words: "Invalid parameter: 'tool_call_id' of '{what}' not found in 'tool_calls' of previous message.",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"},{"role":"tool","tool_call_id":"d","content":"y"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "answer-twice",
        check: |body| {
            let answers = answers(body);
            let (at, (place, id, _)) = answers.iter().enumerate().find(|(at, (_, id, head))| {
                answers[..*at].iter().any(|(_, earlier, other)| {
                    earlier == id
                        && match (head, other) {
                            (Some(head), Some(other)) => std::ptr::eq(*head, *other),
                            _ => false,
                        }
                })
            })?;
            let before = answers[..at].iter().rev().find(|(_, earlier, _)| earlier == id)?;
            found(format!("{place}.tool_call_id"), format!("'{id}', in {} and {place}", before.0))
        },
        words: "Invalid parameter: Duplicate value for 'tool_call_id' of {what}.",
        source: "github.com/agno-agi/agno/issues/5116, github.com/anomalyco/opencode/issues/1211",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"},{"role":"tool","tool_call_id":"c","content":"z"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "call-id-twice-in-message",
        check: |body| {
            messages(body).find_map(|(place, message)| {
                let ids = call_ids(message);
                let at = (1..ids.len()).find(|at| ids[..*at].contains(&ids[*at]))?;
                found(format!("{place}.tool_calls[{at}].id"), ids[at])
            })
        },
        words: "Duplicate tool_call_id '{what}' at '{at}'.",
        source: "github.com/openclaw/openclaw/pull/47136",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "call-id-twice-in-history",
        check: |body| {
            let mut seen: Vec<&str> = Vec::new();
            messages(body).find_map(|(place, message)| {
                let ids = call_ids(message);
                let again = ids.iter().position(|id| seen.contains(id));
                seen.extend(&ids);
                let at = again?;
                found(format!("{place}.tool_calls[{at}].id"), ids[at])
            })
        },
        words: "Duplicate tool_call_id '{what}' at '{at}'.",
        source: "github.com/can1357/oh-my-pi/issues/2055, github.com/openclaw/openclaw/pull/40996",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"y"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "call-unanswered",
        check: |body| {
            let answers = answers(body);
            messages(body).find_map(|(place, message)| {
                let answered = |id: &&str| {
                    answers.iter().any(|(_, answer, head)| {
                        answer == id && head.is_some_and(|head| std::ptr::eq(head, message))
                    })
                };
                let open: Vec<&str> =
                    call_ids(message).into_iter().filter(|id| !answered(id)).collect();
                if open.is_empty() { None } else { found(place, open.join(", ")) }
            })
        },
        words: "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {what}",
        source: "github.com/agno-agi/agno/issues/4345, and many more; Qwen, Kimi and DeepSeek say the same",
        example: r#"{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"z"}]}"#,
        ..QUOTED
    },
];
