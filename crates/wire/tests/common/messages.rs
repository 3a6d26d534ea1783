//! What the tests of Messages clients share: a request, and the judgement of answers.

use serde_json::{Value, json};
use testkit::judge;
use wire::dialect::Dialect;
use wire::drive::{self, Answer, Sent};
use wire::target::Target;

/// A request that declares tools of every kind and thinks aloud.
pub(crate) fn asking() -> Value {
    json!({
        "model": "asked/model",
        "max_tokens": 1000,
        "stream": true,
        "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": "do it"}],
        "tools": [
            {"name": "exec_command", "input_schema":
                {"type": "object", "properties": {"cmd": {"type": "string"}}}},
            {"name": "größe.messen", "input_schema": {"type": "object", "properties": {}}},
            {"type": "bash_20250124", "name": "bash"},
        ],
    })
}

/// What [`asking`] becomes for this target.
pub(crate) fn sent(target: &Target) -> Sent {
    drive::request(&asking().to_string(), Dialect::Messages, Dialect::Chat, target)
        .expect("the request is good")
}

/// The message that a client makes of a stream; the error event if it ended with one.
pub(crate) fn told(events: &str) -> Result<Value, Value> {
    let frames = judge::frames(events);
    match frames.last() {
        Some((name, data)) if name == "error" => {
            Err(serde_json::from_str(data).expect("an error is JSON"))
        }
        _ => Ok(judge::messages_fold(&frames).expect("it was judged")),
    }
}

/// What is wrong with an answer; empty where all is well.
pub(crate) fn complaints(answer: &Answer) -> Vec<String> {
    let object: Value = match serde_json::from_str(&answer.object) {
        Ok(object) => object,
        Err(error) => return vec![format!("the object is no JSON: {error}")],
    };
    let frames = judge::frames(&answer.events);
    let mut found = Vec::new();
    let mut say = |what: &str, verdict: Result<(), Vec<judge::Complaint>>| {
        for complaint in verdict.err().into_iter().flatten() {
            found.push(format!("{what}: {complaint}"));
        }
    };
    say("stream", judge::messages_stream(&frames));
    if let Some((_, data)) = frames.last().filter(|(name, _)| name == "error") {
        if *data != answer.object {
            found.push(format!("the stream fails with {data}, the object is {object}"));
        }
        return found;
    }
    say("object", judge::messages_answer(&object));
    say("both", judge::messages_same(&frames, &object));
    if found.is_empty() {
        let streamed = told(&answer.events);
        if streamed.as_ref() != Ok(&object) {
            found.push(format!("streamed {streamed:#?}\nbut whole {object:#}"));
        }
        let inputs = object["content"].as_array().into_iter().flatten();
        if inputs.filter_map(|block| block.get("input")).any(|input| !input.is_object()) {
            found.push("an input that is no object".to_owned());
        }
    }
    found
}
