//! Responses as OpenAI sends it: so far a message of text.

use serde_json::{Value, json};

use super::{Asked, Beat, CREATED, Events, model_of};
use crate::Dialect;
use crate::script::says::{Part, Says};

/// The answer as an event stream.
pub(super) fn stream(says: &Says, asked: &Asked, crlf: bool) -> Vec<Beat> {
    let mut events = Events::new(crlf);
    let open = response(says, asked, "in_progress", &json!([]));
    let mut number = 0;
    let mut say = |events: &mut Events, mut event: Value| {
        event["sequence_number"] = json!(number);
        number += 1;
        events.typed(says, &event.to_string());
    };
    for name in ["response.created", "response.in_progress"] {
        say(&mut events, json!({"type": name, "response": open}));
    }
    for part in &says.parts {
        match part {
            Part::Error(error) => {
                let mut failed = response(says, asked, "failed", &json!([]));
                failed["error"] = error.body(Dialect::Responses, asked.number)["error"].take();
                say(&mut events, json!({"type": "response.failed", "response": failed}));
                return events.beats;
            }
            Part::Data(data) => events.typed(says, data),
            part => {
                if events.aside(part).is_some() {
                    return events.beats;
                }
            }
        }
    }
    let text = text_of(says);
    let place = json!({"item_id": "msg_0", "output_index": 0, "content_index": 0});
    let at = |kind: &str, member: &str, value: Value| {
        let mut event = place.clone();
        event["type"] = json!(kind);
        event[member] = value;
        event
    };
    let empty = json!({"id": "msg_0", "type": "message", "role": "assistant", "status": "in_progress", "content": []});
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    for event in [
        json!({"type": "response.output_item.added", "output_index": 0, "item": empty}),
        at("response.content_part.added", "part", part("")),
        at("response.output_text.delta", "delta", json!(text)),
        at("response.output_text.done", "text", json!(text)),
        at("response.content_part.done", "part", part(&text)),
        json!({"type": "response.output_item.done", "output_index": 0, "item": message(&text)}),
        json!({"type": "response.completed", "response": whole(says, asked)}),
    ] {
        say(&mut events, event);
    }
    events.beats
}

/// The answer as one JSON body.
pub(super) fn whole(says: &Says, asked: &Asked) -> Value {
    let mut response = response(says, asked, "completed", &json!([message(&text_of(says))]));
    if let Some(usage) = &says.usage {
        response["usage"] = json!({"input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"], "total_tokens": usage["total_tokens"]});
    }
    response
}

fn response(says: &Says, asked: &Asked, status: &str, output: &Value) -> Value {
    json!({"id": format!("resp_{}", asked.number), "object": "response", "created_at": CREATED,
        "status": status, "model": model_of(says, asked), "output": output, "usage": null})
}

fn message(text: &str) -> Value {
    json!({"id": "msg_0", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
}

fn text_of(says: &Says) -> String {
    let texts = says.parts.iter().filter_map(|part| match part {
        Part::Text(text) | Part::Cited(text, _) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
