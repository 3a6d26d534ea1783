//! Responses as OpenAI sends it: items that are opened, filled and closed, inside a response that
//! is shown at its start and at its end. A stream and a whole answer are made in one pass, so that
//! they say the same. Calls are written in [`calls`], thoughts in [`reasoning`], what the response
//! repeats of its request in [`echo`].

mod calls;
mod echo;
mod reasoning;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use super::{Asked, Beat, CREATED, Events, deltas_of, is_call, model_of};
use crate::Dialect;
use crate::script::says::{Call, Citation, Finish, Part, Says, Seal, Search};
use crate::strict::responses::RESPONSE;

/// The answer as an event stream.
pub(super) fn stream(says: &Says, asked: &Asked, crlf: bool) -> Vec<Beat> {
    let mut writer = Writer::new(says, asked, crlf);
    writer.all();
    writer.events.beats
}

/// The answer as one JSON body.
pub(super) fn whole(says: &Says, asked: &Asked) -> Value {
    let mut writer = Writer::new(says, asked, false);
    writer.parts();
    writer.close(writer.last_status());
    writer.finished()
}

/// The item that is open.
enum Open {
    Message {
        id: String,
        parts: Vec<Value>,
        text: Option<Text>,
    },
    /// The texts of its parts, and the seal of the last one.
    Reasoning {
        id: String,
        texts: Vec<String>,
        seal: Seal,
    },
}

/// The part of a message that is open.
struct Text {
    is_refusal: bool,
    text: String,
    annotations: Vec<Value>,
}

impl Text {
    fn value(&self) -> Value {
        if self.is_refusal {
            return json!({"type": "refusal", "refusal": self.text});
        }
        json!({"type": "output_text", "text": self.text, "annotations": self.annotations,
            "logprobs": []})
    }

    /// The head of its events' names, and the member that holds its text.
    fn names(&self) -> (&'static str, &'static str) {
        if self.is_refusal {
            ("response.refusal", "refusal")
        } else {
            ("response.output_text", "text")
        }
    }
}

struct Writer<'a> {
    says: &'a Says,
    asked: &'a Asked,
    events: Events,
    /// The number of the next event.
    number: u64,
    open: Option<Open>,
    /// The items that are done.
    output: Vec<Value>,
}

impl<'a> Writer<'a> {
    fn new(says: &'a Says, asked: &'a Asked, crlf: bool) -> Self {
        let events = Events::new(crlf);
        Self { says, asked, events, number: 0, open: None, output: Vec::new() }
    }

    fn all(&mut self) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.response("in_progress");
            self.event(name, json!({ "response": response }));
        }
        if !self.parts() {
            return;
        }
        self.close(self.last_status());
        if self.says.finish != Finish::Missing {
            let response = self.finished();
            let name = format!("response.{}", self.status());
            self.event(&name, json!({ "response": response }));
        }
        self.done();
    }

    /// Writes the parts; false when one of them is the end of the stream.
    fn parts(&mut self) -> bool {
        let says = self.says;
        let mut place = 0;
        while let Some(part) = says.parts.get(place) {
            place += 1;
            match part {
                Part::Reasoning(thought) => self.think(thought),
                Part::Redacted(blob) => self.redacted(blob),
                Part::Text(text) => self.text(text, false, &[]),
                Part::Cited(text, citations) => self.text(text, false, citations),
                Part::Refusal(text) => self.text(text, true, &[]),
                Part::Call(_) => {
                    let run = says.parts[place - 1..].iter().take_while(|part| is_call(part));
                    let calls: Vec<&Call> = run
                        .filter_map(
                            |part| if let Part::Call(call) = part { Some(call) } else { None },
                        )
                        .collect();
                    place += calls.len() - 1;
                    let ends = !says.parts[place..].iter().any(is_spoken);
                    self.calls(&calls, ends);
                }
                Part::Search(search) => self.search(search),
                Part::Data(data) => {
                    if !self.data(data) {
                        return false;
                    }
                }
                Part::Error(error) => {
                    let words = error.body(Dialect::Responses, self.asked.number)["error"].take();
                    let mut response = self.response("failed");
                    response["error"] = json!({"code": words["code"], "message": words["message"]});
                    response["output"] = json!(self.output);
                    self.event("response.failed", json!({ "response": response }));
                    self.done();
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

    /// Sends what the script gives. An event that has no number yet gets the next one; after a bare
    /// `error` event nothing follows.
    fn data(&mut self, data: &str) -> bool {
        match serde_json::from_str::<Value>(data) {
            Ok(mut event) if event["type"].is_string() && event["sequence_number"].is_null() => {
                let name = event["type"].take();
                self.event(name.as_str().unwrap_or_default(), event);
                name != "error"
            }
            Ok(event) => {
                self.events.typed(self.says, data);
                event["type"] != "error"
            }
            Err(_) => {
                self.events.typed(self.says, data);
                true
            }
        }
    }

    fn done(&mut self) {
        if self.says.done {
            self.events.data("[DONE]");
        }
    }

    /// Continues the open message, or opens one, and the part of this kind in it.
    fn text(&mut self, text: &str, is_refusal: bool, citations: &[Citation]) {
        if !matches!(self.open, Some(Open::Message { .. })) {
            self.close("completed");
            let id = self.id("msg");
            self.add(json!({"id": id, "type": "message", "role": "assistant",
                "status": "in_progress", "content": []}));
            self.open = Some(Open::Message { id, parts: Vec::new(), text: None });
        }
        let Some(Open::Message { id, mut parts, text: open }) = self.open.take() else {
            unreachable!("a message was opened just now");
        };
        let mut open = match open {
            Some(open) if open.is_refusal == is_refusal => open,
            open => {
                if let Some(open) = open {
                    parts.push(self.close_text(&id, parts.len(), &open));
                }
                let open = Text { is_refusal, text: String::new(), annotations: Vec::new() };
                let part = open.value();
                self.inside(
                    "response.content_part.added",
                    &id,
                    json!({"content_index": parts.len(), "part": part}),
                );
                open
            }
        };
        let (head, _) = open.names();
        let rest = if is_refusal { "" } else { r#","logprobs":[]"# };
        for piece in deltas_of(self.says, text) {
            let members = format!(r#""content_index":{},"delta":{piece}{rest}"#, parts.len());
            self.delta(&format!("{head}.delta"), &id, &members);
        }
        let start = open.text.chars().count();
        open.text.push_str(text);
        for citation in citations {
            let annotation = cited(citation, text, start);
            self.inside(
                "response.output_text.annotation.added",
                &id,
                json!({"content_index": parts.len(), "annotation_index": open.annotations.len(),
                    "annotation": annotation}),
            );
            open.annotations.push(annotation);
        }
        self.open = Some(Open::Message { id, parts, text: Some(open) });
    }

    /// Closes a part of a message, and tells what it became.
    fn close_text(&mut self, id: &str, index: usize, open: &Text) -> Value {
        let (head, member) = open.names();
        let mut event = json!({"content_index": index, member: open.text});
        if !open.is_refusal {
            event["logprobs"] = json!([]);
        }
        self.inside(&format!("{head}.done"), id, event);
        let part = open.value();
        self.inside(
            "response.content_part.done",
            id,
            json!({"content_index": index, "part": part}),
        );
        part
    }

    fn search(&mut self, search: &Search) {
        self.close("completed");
        let id = if search.id.starts_with("ws") { search.id.clone() } else { self.id("ws") };
        self.add(json!({"id": id, "type": "web_search_call", "status": "in_progress"}));
        for stage in ["in_progress", "searching", "completed"] {
            self.inside(&format!("response.web_search_call.{stage}"), &id, json!({}));
        }
        let mut action =
            json!({"type": "search", "query": search.query, "queries": [search.query]});
        if self.asked.includes("web_search_call.action.sources") {
            let source = |page: &Citation| json!({"type": "url", "url": page.url});
            action["sources"] = search.found.iter().map(source).collect();
        }
        self.finish(json!({"id": id, "type": "web_search_call", "status": "completed",
            "action": action}));
    }

    /// Closes what is open, with this status.
    fn close(&mut self, status: &str) {
        match self.open.take() {
            None => {}
            Some(Open::Message { id, mut parts, text }) => {
                if let Some(text) = text {
                    parts.push(self.close_text(&id, parts.len(), &text));
                }
                self.finish(json!({"id": id, "type": "message", "role": "assistant",
                    "status": status, "content": parts}));
            }
            Some(Open::Reasoning { id, texts, seal }) => {
                let item = self.thought(&id, &texts, seal);
                self.finish(item);
            }
        }
    }

    fn add(&mut self, item: Value) {
        self.add_at(self.output.len(), item);
    }

    fn add_at(&mut self, index: usize, item: Value) {
        self.event("response.output_item.added", json!({"output_index": index, "item": item}));
    }

    fn finish(&mut self, item: Value) {
        let index = self.output.len();
        self.event("response.output_item.done", json!({"output_index": index, "item": item}));
        self.output.push(item);
    }

    /// An event about the item that is open.
    fn inside(&mut self, name: &str, id: &str, event: Value) {
        self.inside_at(name, id, self.output.len(), event);
    }

    fn inside_at(&mut self, name: &str, id: &str, index: usize, mut event: Value) {
        event["item_id"] = json!(id);
        event["output_index"] = json!(index);
        self.event(name, event);
    }

    fn delta(&mut self, name: &str, id: &str, members: &str) {
        self.delta_at(name, id, self.output.len(), members);
    }

    /// A delta, whose text is cut and escaped as the script wishes and stays as it is.
    fn delta_at(&mut self, name: &str, id: &str, index: usize, members: &str) {
        let data = format!(
            r#"{{"type":"{name}","sequence_number":{},"item_id":"{id}","output_index":{index},{members}}}"#,
            self.number
        );
        self.put(name, &data);
    }

    fn event(&mut self, name: &str, mut event: Value) {
        event["type"] = json!(name);
        event["sequence_number"] = json!(self.number);
        let text = event.to_string();
        self.put(name, &if self.says.ascii { ascii(&text) } else { text });
    }

    fn put(&mut self, name: &str, data: &str) {
        self.number += 1;
        if self.says.named { self.events.event(name, data) } else { self.events.data(data) }
    }

    fn id(&self, prefix: &str) -> String {
        format!("{prefix}_testkit_{}_{}", self.asked.number, self.output.len())
    }

    /// The status at the end.
    fn status(&self) -> &'static str {
        match &self.says.finish {
            Finish::Missing => "in_progress",
            Finish::Natural | Finish::Sequence(_) => "completed",
            Finish::As(reason) => match reason.as_str() {
                "stop" | "tool_calls" | "function_call" => "completed",
                _ => "incomplete",
            },
        }
    }

    /// The status of the item that the end finds open.
    fn last_status(&self) -> &'static str {
        if self.status() == "incomplete" { "incomplete" } else { "completed" }
    }

    /// The response at its end.
    fn finished(&self) -> Value {
        let mut response = self.response(self.status());
        response["output"] = json!(self.output);
        match self.status() {
            "completed" => response["completed_at"] = json!(CREATED + 1),
            "incomplete" => {
                let Finish::As(reason) = &self.says.finish else {
                    unreachable!("only a reason makes a response incomplete");
                };
                let reason = if reason == "length" { "max_output_tokens" } else { reason };
                response["incomplete_details"] = json!({ "reason": reason });
            }
            _ => {}
        }
        response["usage"] = json!(usage(self.says));
        response
    }

    /// The response with nothing generated yet.
    fn response(&self, status: &str) -> Value {
        let mut response = echo::response(&self.asked.rest);
        let id = self.says.id.clone();
        response["id"] = json!(id.unwrap_or_else(|| format!("{RESPONSE}{}", self.asked.number)));
        response["created_at"] = json!(CREATED);
        response["status"] = json!(status);
        response["model"] = json!(model_of(self.says, self.asked));
        response
    }
}

fn is_spoken(part: &Part) -> bool {
    matches!(
        part,
        Part::Reasoning(_)
            | Part::Redacted(_)
            | Part::Text(_)
            | Part::Cited(..)
            | Part::Refusal(_)
            | Part::Call(_)
            | Part::Search(_)
    )
}

/// A citation of a text that begins at this character of its part.
fn cited(citation: &Citation, text: &str, start: usize) -> Value {
    let (from, length) = match text.find(&citation.quote) {
        Some(at) => (text[..at].chars().count(), citation.quote.chars().count()),
        None => (0, text.chars().count()),
    };
    json!({"type": "url_citation", "url": citation.url, "title": citation.title,
        "start_index": start + from, "end_index": start + from + length})
}

/// The usage in the words of Responses; what is no usage of Chat Completions is sent as it is.
fn usage(says: &Says) -> Option<Value> {
    let usage = says.usage.as_ref()?;
    let Some(input) = usage["prompt_tokens"].as_u64() else { return Some(usage.clone()) };
    let output = usage["completion_tokens"].as_u64().unwrap_or_default();
    let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or_default();
    let reasoning =
        usage["completion_tokens_details"]["reasoning_tokens"].as_u64().unwrap_or_default();
    Some(json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": says.cache_written},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": usage["total_tokens"].as_u64().unwrap_or(input + output),
    }))
}

/// JSON text with everything escaped that is not ASCII, which stands inside strings only.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            escaped.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}
