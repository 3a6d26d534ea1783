//! What a client makes of a stream: one message, as the SDK adds it up. So a streamed answer can
//! be compared with the whole answer to the same request.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stream::is_call;
use crate::judge::{Complaint, Findings, Rule};

/// The message that a stream adds up to, without a call that never ended: nobody may run it.
pub(in crate::judge) fn fold(frames: &[(String, String)]) -> Result<Value, String> {
    let mut message = Value::Null;
    let mut inputs: BTreeMap<usize, String> = BTreeMap::new();
    let mut open = None;
    for (_, data) in frames {
        let event: Value =
            serde_json::from_str(data).map_err(|error| format!("`{data}` is no JSON: {error}"))?;
        let index = event["index"].as_u64().and_then(|index| usize::try_from(index).ok());
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => message = event["message"].clone(),
            "content_block_start" => match message["content"].as_array_mut() {
                Some(content) => {
                    open = Some(content.len());
                    content.push(event["content_block"].clone());
                }
                None => return Err("a block comes before the message".into()),
            },
            "content_block_delta" => {
                let index = index.unwrap_or_default();
                let block = message["content"].get_mut(index);
                let block = block.ok_or_else(|| format!("block {index} was not opened"))?;
                add(block, &event["delta"], inputs.entry(index).or_default());
            }
            "content_block_stop" => {
                let index = index.unwrap_or_default();
                open = open.filter(|&open| open != index);
                let input = inputs.remove(&index).unwrap_or_default();
                let block = &mut message["content"][index];
                if is_call(block["type"].as_str().unwrap_or_default()) && !input.is_empty() {
                    block["input"] = serde_json::from_str(&input)
                        .map_err(|error| format!("the input `{input}` is no JSON: {error}"))?;
                }
            }
            "message_delta" => {
                for (name, value) in event["delta"].as_object().into_iter().flatten() {
                    message[name] = value.clone();
                }
                for (name, value) in event["usage"].as_object().into_iter().flatten() {
                    if !value.is_null() {
                        message["usage"][name] = value.clone();
                    }
                }
                for name in ["quire", "context_management", "input_transformations"] {
                    if let Some(value) = event.get(name) {
                        message[name] = value.clone();
                    }
                }
            }
            "error" => return Err(format!("the stream ends with {}", event["error"])),
            _ => {}
        }
    }
    if let (Some(open), Some(content)) = (open, message["content"].as_array_mut())
        && content
            .get(open)
            .is_some_and(|block| is_call(block["type"].as_str().unwrap_or_default()))
    {
        content.remove(open);
    }
    if message.is_object() { Ok(message) } else { Err("there is no message".into()) }
}

fn add(block: &mut Value, delta: &Value, input: &mut String) {
    let (member, more) = match delta["type"].as_str().unwrap_or_default() {
        "text_delta" => ("text", &delta["text"]),
        "thinking_delta" => ("thinking", &delta["thinking"]),
        "signature_delta" => {
            block["signature"] = delta["signature"].clone();
            return;
        }
        "input_json_delta" => {
            return input.push_str(delta["partial_json"].as_str().unwrap_or_default());
        }
        "citations_delta" => {
            if !block["citations"].is_array() {
                block["citations"] = json!([]);
            }
            if let Some(citations) = block["citations"].as_array_mut() {
                citations.push(delta["citation"].clone());
            }
            return;
        }
        _ => return,
    };
    let mut text = block[member].as_str().unwrap_or_default().to_owned();
    text.push_str(more.as_str().unwrap_or_default());
    block[member] = Value::String(text);
}

/// Compares a stream with a whole answer, but for what two requests never share: the message's id
/// and the id of the request.
pub(in crate::judge) fn same(frames: &[(String, String)], answer: &Value, findings: &mut Findings) {
    let mut folded = match fold(frames) {
        Ok(folded) => folded,
        Err(message) => return findings.say(Rule::Output, message),
    };
    let mut answer = answer.clone();
    for message in [&mut folded, &mut answer] {
        message["id"].take();
        if let Some(quire) = message["quire"].as_object_mut() {
            quire.remove("request_id");
        }
    }
    differ(&folded, &answer, "", &mut |path, streamed, whole| {
        findings.complaints.push(Complaint {
            rule: Rule::Output,
            at: path.to_owned(),
            message: format!("the stream adds up to {streamed}, the whole answer has {whole}"),
        });
    });
}

/// Tells each place at which two values differ. A member that is null and one that is not there
/// are the same.
fn differ(one: &Value, other: &Value, path: &str, tell: &mut impl FnMut(&str, &Value, &Value)) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let more = others.keys().filter(|name| !ones.contains_key(*name));
            for name in ones.keys().chain(more) {
                differ(&one[name], &other[name], &below(name), tell);
            }
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            for (index, (one, other)) in ones.iter().zip(others).enumerate() {
                differ(one, other, &format!("{path}[{index}]"), tell);
            }
        }
        (one, other) if one != other => tell(path, one, other),
        _ => {}
    }
}
