//! Messages as Anthropic sends it: one message of content blocks, each opened, filled and closed.
//! A stream and a whole answer are made in one pass, so that they say the same.

use serde_json::{Map, Value, json};

use super::{
    Asked, Beat, Events, argument_deltas, arguments_of, calls_of, deltas_of, model_of, quoted,
};
use crate::Dialect;
use crate::script::says::{Call, Citation, Finish, Part, Says, Seal, Search, Thought, UsagePlace};
use crate::seal::seal;

/// The answer as an event stream.
pub(super) fn stream(says: &Says, asked: &Asked, crlf: bool) -> Vec<Beat> {
    let mut writer = Writer::new(says, asked, crlf);
    writer.all();
    writer.events.beats
}

/// The answer as one JSON body.
pub(super) fn whole(says: &Says, asked: &Asked) -> String {
    let mut writer = Writer::new(says, asked, false);
    writer.parts();
    writer.close();
    let mut message = writer.message();
    message["content"] = Value::Array(writer.content);
    message["stop_reason"] = json!(stop_reason(says));
    message["stop_sequence"] = json!(stop_sequence(says));
    if let Some(details) = stop_details(says) {
        message["stop_details"] = details;
    }
    match usage(says) {
        Some(usage) => message["usage"] = usage,
        None => drop(message.as_object_mut().and_then(|members| members.remove("usage"))),
    }
    ordered(&message)
}

/// The members that Anthropic writes first, in its order. What a decoder meets first should be
/// what it meets first there, however this machine orders the members of an object.
const ORDER: [&str; 24] = [
    "id",
    "type",
    "role",
    "model",
    "tool_use_id",
    "name",
    "input",
    "content",
    "text",
    "thinking",
    "signature",
    "citations",
    "cited_text",
    "url",
    "title",
    "encrypted_index",
    "stop_reason",
    "stop_sequence",
    "stop_details",
    "usage",
    "input_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
];

/// A value with its members in Anthropic's order; the input of a call is left as it is.
fn ordered(value: &Value) -> String {
    match value {
        Value::Array(values) => {
            format!("[{}]", values.iter().map(ordered).collect::<Vec<_>>().join(","))
        }
        Value::Object(members) => {
            let first = ORDER.iter().filter_map(|name| members.get_key_value(*name));
            let rest = members.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
            let member = |(name, value): (&String, &Value)| {
                let value = if name == "input" { value.to_string() } else { ordered(value) };
                format!("{}:{value}", json!(name))
            };
            format!("{{{}}}", first.chain(rest).map(member).collect::<Vec<_>>().join(","))
        }
        value => value.to_string(),
    }
}

/// The block that is open.
enum Open {
    Text { text: String, citations: Vec<Value> },
    Thinking(Thought),
}

struct Writer<'a> {
    says: &'a Says,
    asked: &'a Asked,
    events: Events,
    open: Option<Open>,
    /// The blocks that are closed.
    content: Vec<Value>,
    /// How many calls have begun.
    calls: usize,
}

impl<'a> Writer<'a> {
    fn new(says: &'a Says, asked: &'a Asked, crlf: bool) -> Self {
        Self { says, asked, events: Events::new(crlf), open: None, content: Vec::new(), calls: 0 }
    }

    fn all(&mut self) {
        let mut message = self.message();
        message["usage"] = start_usage(self.says);
        self.event("message_start", &format!(r#""message":{}"#, ordered(&message)));
        if self.parts() {
            self.close();
            self.ending();
        }
    }

    /// Writes the parts; false when one of them is the end of the stream.
    fn parts(&mut self) -> bool {
        let says = self.says;
        for part in &says.parts {
            match part {
                Part::Reasoning(thought) => self.think(thought),
                Part::Redacted(blob) => {
                    self.whole_block(json!({"type": "redacted_thinking", "data": blob}));
                }
                Part::Text(text) | Part::Refusal(text) => self.text(text, &[]),
                Part::Cited(text, citations) => {
                    self.close();
                    self.text(text, citations);
                    self.close();
                }
                Part::Call(call) => self.call("tool_use", call),
                Part::Search(search) => self.search(search),
                Part::Data(data) => self.events.typed(says, data),
                Part::Error(error) => {
                    let body = error.body(Dialect::Messages, self.asked.number);
                    self.events.typed(says, &body.to_string());
                    return false;
                }
                Part::Comment(_) | Part::Bytes(_) | Part::Pause(_) | Part::Cut(_) | Part::Stall => {
                    if self.events.aside(part).is_some() {
                        return false;
                    }
                }
            }
        }
        true
    }

    fn ending(&mut self) {
        if let Some(reason) = stop_reason(self.says) {
            let mut delta =
                json!({"stop_reason": reason, "stop_sequence": stop_sequence(self.says)});
            if let Some(details) = stop_details(self.says) {
                delta["stop_details"] = details;
            }
            let usage = end_usage(self.says);
            let usage = usage.map(|usage| format!(r#","usage":{}"#, ordered(&usage)));
            let (delta, usage) = (ordered(&delta), usage.unwrap_or_default());
            self.event("message_delta", &format!(r#""delta":{delta}{usage}"#));
        }
        if self.says.done {
            self.event("message_stop", "");
        }
    }

    fn message(&self) -> Value {
        let id = self.says.id.clone();
        json!({
            "id": id.unwrap_or_else(|| format!("msg_testkit_{}", self.asked.number)),
            "type": "message",
            "role": "assistant",
            "model": model_of(self.says, self.asked),
            "content": [],
            "stop_reason": null,
            "stop_sequence": null,
            "usage": null,
        })
    }

    fn text(&mut self, text: &str, citations: &[Citation]) {
        if !matches!(self.open, Some(Open::Text { .. })) {
            self.close();
            let cited = if citations.is_empty() { "" } else { r#","citations":[]"# };
            self.start(&format!(r#"{{"type":"text","text":""{cited}}}"#));
            self.open = Some(Open::Text { text: String::new(), citations: Vec::new() });
        }
        for piece in deltas_of(self.says, text) {
            self.delta(&format!(r#""type":"text_delta","text":{piece}"#));
        }
        let citations: Vec<Value> = citations.iter().map(cited).collect();
        for citation in &citations {
            self.delta(&format!(r#""type":"citations_delta","citation":{}"#, ordered(citation)));
        }
        if let Some(Open::Text { text: whole, citations: held }) = &mut self.open {
            whole.push_str(text);
            held.extend(citations);
        }
    }

    fn think(&mut self, thought: &Thought) {
        if !matches!(self.open, Some(Open::Thinking(_))) {
            self.close();
            self.start(r#"{"type":"thinking","thinking":"","signature":""}"#);
            self.open = Some(Open::Thinking(Thought { text: String::new(), seal: Seal::Usual }));
        }
        if self.asked.thinking_shown {
            for piece in deltas_of(self.says, &thought.text) {
                self.delta(&format!(r#""type":"thinking_delta","thinking":{piece}"#));
            }
        }
        if let Some(Open::Thinking(whole)) = &mut self.open {
            whole.text.push_str(&thought.text);
            whole.seal = thought.seal.clone();
        }
        // A seal of its own belongs to this block alone.
        if thought.seal != Seal::Usual {
            self.close();
        }
    }

    fn call(&mut self, kind: &str, call: &Call) {
        self.close();
        let (id, name) = (quoted(self.says, &call.id), quoted(self.says, &call.name));
        self.start(&format!(r#"{{"type":"{kind}","id":{id},"name":{name},"input":{{}}}}"#));
        self.calls += usize::from(kind == "tool_use");
        self.delta(r#""type":"input_json_delta","partial_json":"""#);
        for piece in argument_deltas(self.says, call) {
            self.delta(&format!(r#""type":"input_json_delta","partial_json":{piece}"#));
        }
        // A whole answer cannot hold what is no JSON; it holds the text then.
        let text = arguments_of(self.says, call);
        let input = match text.as_str() {
            "" => Value::Object(Map::new()),
            text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        };
        self.stop(json!({"type": kind, "id": call.id, "name": call.name, "input": input}));
    }

    fn search(&mut self, search: &Search) {
        let arguments = json!({"query": search.query}).to_string();
        let call = Call { id: search.id.clone(), name: "web_search".into(), arguments };
        self.call("server_tool_use", &call);
        let found: Vec<Value> = search
            .found
            .iter()
            .map(|page| {
                json!({"type": "web_search_result", "url": page.url, "title": page.title,
                    "encrypted_content": seal(&page.url), "page_age": null})
            })
            .collect();
        self.whole_block(json!({"type": "web_search_tool_result", "tool_use_id": search.id,
            "content": found}));
    }

    /// A block that comes in one piece.
    fn whole_block(&mut self, block: Value) {
        self.close();
        self.start(&ordered(&block));
        self.stop(block);
    }

    /// Closes what is open.
    fn close(&mut self) {
        match self.open.take() {
            None => {}
            Some(Open::Text { text, citations }) => {
                let mut block = json!({"type": "text", "text": text});
                if !citations.is_empty() {
                    block["citations"] = Value::Array(citations);
                }
                self.stop(block);
            }
            Some(Open::Thinking(thought)) => {
                let signature = thought.seal(self.calls);
                if let Some(signature) = &signature {
                    let signature = json!(signature);
                    self.delta(&format!(r#""type":"signature_delta","signature":{signature}"#));
                }
                let text = if self.asked.thinking_shown { thought.text.as_str() } else { "" };
                self.stop(json!({"type": "thinking", "thinking": text,
                    "signature": signature.unwrap_or_default()}));
            }
        }
    }

    fn start(&mut self, block: &str) {
        let index = self.content.len();
        self.event("content_block_start", &format!(r#""index":{index},"content_block":{block}"#));
        if index == 0 {
            self.event("ping", "");
        }
    }

    fn delta(&mut self, members: &str) {
        let index = self.content.len();
        self.event("content_block_delta", &format!(r#""index":{index},"delta":{{{members}}}"#));
    }

    fn stop(&mut self, block: Value) {
        let index = self.content.len();
        self.event("content_block_stop", &format!(r#""index":{index}"#));
        self.content.push(block);
    }

    fn event(&mut self, name: &str, members: &str) {
        let comma = if members.is_empty() { "" } else { "," };
        let data = format!(r#"{{"type":"{name}"{comma}{members}}}"#);
        if self.says.named { self.events.event(name, &data) } else { self.events.data(&data) }
    }
}

fn cited(citation: &Citation) -> Value {
    json!({"type": "web_search_result_location", "cited_text": citation.quote,
        "url": citation.url, "title": citation.title, "encrypted_index": seal(&citation.url)})
}

fn has_refusal(says: &Says) -> bool {
    says.parts.iter().any(|part| matches!(part, Part::Refusal(_)))
}

/// The reason in Anthropic's words, where the script uses those of Chat Completions.
fn stop_reason(says: &Says) -> Option<&str> {
    Some(match &says.finish {
        Finish::Missing => return None,
        Finish::Sequence(_) => "stop_sequence",
        Finish::Natural if has_refusal(says) => "refusal",
        Finish::Natural if calls_of(says).next().is_some() => "tool_use",
        Finish::Natural => "end_turn",
        Finish::As(reason) => match reason.as_str() {
            "stop" => "end_turn",
            "length" => "max_tokens",
            "tool_calls" | "function_call" => "tool_use",
            "content_filter" => "refusal",
            other => other,
        },
    })
}

fn stop_sequence(says: &Says) -> Option<&str> {
    match &says.finish {
        Finish::Sequence(sequence) => Some(sequence),
        Finish::Natural | Finish::As(_) | Finish::Missing => None,
    }
}

fn stop_details(says: &Says) -> Option<Value> {
    (stop_reason(says) == Some("refusal"))
        .then(|| json!({"type": "refusal", "category": null, "explanation": null}))
}

/// The usage of the whole answer. Anthropic counts cached tokens beside `input_tokens`, not in it.
fn usage(says: &Says) -> Option<Value> {
    let usage = says.usage.as_ref()?;
    let Some(prompt) = usage["prompt_tokens"].as_u64() else { return Some(usage.clone()) };
    let read = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or_default();
    let output = usage["completion_tokens"].as_u64().unwrap_or_default();
    let thinking = usage["completion_tokens_details"]["reasoning_tokens"].as_u64();
    let mut counts = json!({
        "input_tokens": prompt.saturating_sub(read + says.cache_written),
        "cache_creation_input_tokens": says.cache_written,
        "cache_read_input_tokens": read,
        "output_tokens": output,
    });
    if let Some(thinking) = thinking.filter(|thinking| *thinking > 0) {
        counts["output_tokens_details"] = json!({ "thinking_tokens": thinking });
    }
    let searches = says.parts.iter().filter(|part| matches!(part, Part::Search(_))).count();
    if searches > 0 {
        counts["server_tool_use"] =
            json!({"web_search_requests": searches, "web_fetch_requests": 0});
    }
    Some(counts)
}

fn start_usage(says: &Says) -> Value {
    let none = json!({"input_tokens": 0, "output_tokens": 0});
    if says.usage_place == UsagePlace::WithFinish {
        return none;
    }
    let Some(Value::Object(mut usage)) = usage(says) else { return none };
    usage.retain(|name, _| name.ends_with("input_tokens"));
    usage.insert("output_tokens".into(), json!(1));
    Value::Object(usage)
}

fn end_usage(says: &Says) -> Option<Value> {
    let mut usage = usage(says)?;
    if let (UsagePlace::Split, Some(members)) = (says.usage_place, usage.as_object_mut()) {
        members.retain(|name, _| !name.ends_with("input_tokens"));
    }
    Some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::says::{Usage, says};
    use crate::sse;

    fn text(says: &Says, request: &Value) -> String {
        let bytes = says.streamed_in(Dialect::Messages, request);
        String::from_utf8(bytes).expect("a stream is text")
    }

    fn asked() -> Value {
        json!({"model": "m", "stream": true})
    }

    #[test]
    fn a_stream_looks_like_anthropics() {
        let says = says().text("hello").delta(3).usage(Usage::new(5, 2));
        let counts =
            r#""input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0"#;
        let expected = [
            format!(
                r#"{{"type":"message_start","message":{{"id":"msg_testkit_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{{{counts},"output_tokens":1}}}}}}"#
            ),
            r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.into(),
            r#"{"type":"ping"}"#.into(),
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hel"}}"#.into(),
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}"#.into(),
            r#"{"type":"content_block_stop","index":0}"#.into(),
            format!(
                r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{{counts},"output_tokens":2}}}}"#
            ),
            r#"{"type":"message_stop"}"#.into(),
        ];
        let expected: String = expected
            .iter()
            .map(|data| {
                let name = data.split('"').nth(3).expect("the type comes first");
                format!("event: {name}\ndata: {data}\n\n")
            })
            .collect();
        assert_eq!(text(&says, &asked()), expected);
    }

    #[test]
    fn thinking_is_signed_and_may_be_hidden() {
        let says = says().reasoning("let me ").reasoning("see").text("ok");
        let signature = seal("let me see");
        let shown = text(&says, &asked());
        assert!(shown.contains(r#""thinking_delta","thinking":"let me ""#));
        assert!(shown.contains(&signature));
        let mut hidden = asked();
        hidden["thinking"] = json!({"type": "adaptive", "display": "omitted"});
        let hidden = text(&says, &hidden);
        assert!(!hidden.contains("thinking_delta") && hidden.contains(&signature));
        let sealed = says.reasoning_sealed("more", "sig-testkit").reasoning_unsealed("bare");
        let whole = sealed.answered_in(Dialect::Messages, &asked());
        let whole: Value = serde_json::from_slice(&whole).expect("an answer is JSON");
        assert_eq!(whole["content"][2]["signature"], "sig-testkit");
        assert_eq!(whole["content"][3]["signature"], "");
    }

    #[test]
    fn usage_stands_where_the_script_wants_it() {
        let usages = |says: Says| {
            let events =
                sse::json(says.usage(Usage::new(5, 2)).streamed_in(Dialect::Messages, &asked()));
            let last = &events[events.len() - 2]["usage"];
            let first = &events[0]["message"]["usage"];
            [
                first["input_tokens"].clone(),
                last["input_tokens"].clone(),
                last["output_tokens"].clone(),
            ]
        };
        assert_eq!(usages(says()), [5, 5, 2]);
        assert_eq!(usages(says().usage_in(UsagePlace::WithFinish)), [0, 5, 2]);
        assert_eq!(usages(says().usage_in(UsagePlace::Split)), [json!(5), json!(null), json!(2)]);
        let raw = json!({"input_tokens": 1, "output_tokens": 2, "colour": "red"});
        assert!(text(&says().usage(raw), &asked()).contains(r#""colour":"red""#));
    }

    #[test]
    fn endings_can_be_missing_or_odd() {
        let cut = text(&says().text("a").without_finish().without_done(), &asked());
        assert!(!cut.contains("message_delta") && !cut.contains("message_stop"));
        let bare = text(&says().text("a").unnamed(), &asked());
        assert!(!bare.contains("event:") && bare.contains("message_stop"));
        for (reason, word) in [
            ("length", "max_tokens"),
            ("content_filter", "refusal"),
            ("tool_calls", "tool_use"),
            ("pause_turn", "pause_turn"),
        ] {
            let said = text(&says().text("a").finish(reason), &asked());
            assert!(said.contains(&format!(r#""stop_reason":"{word}""#)), "{reason}");
        }
        let data = text(&says().data(r#"{"type":"news","a":1}"#), &asked());
        assert!(data.contains("event: news\ndata: {\"type\":\"news\",\"a\":1}"));
    }

    #[test]
    fn arguments_that_are_no_json_are_sent_as_they_are() {
        let says = says().call_raw("toolu_1", "f", "{\"a\":").argument_pieces(3);
        let streamed = text(&says, &asked());
        assert!(streamed.contains(r#""partial_json":"{\"a""#));
        let whole = says.answered_in(Dialect::Messages, &asked());
        assert!(String::from_utf8_lossy(&whole).contains(r#""input":"{\"a\":""#));
    }
}
