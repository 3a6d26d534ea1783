//! A client of any dialect: it writes its requests, reads its answers, and puts what it heard into
//! its history as clients of that dialect do, with whatever the answer wants brought back.

mod chat;
mod messages;
mod responses;

use std::collections::BTreeSet;

use serde_json::Value;
use testkit::client::{Request, Response};
use testkit::judge::{self, Complaint};
use testkit::{Dialect, sse};

use crate::scene::{Add, Answer, Asks, Finish, Piece, Speech, Tool, Usage};

/// A call that waits for its result.
#[derive(Clone, Debug)]
struct Called {
    id: String,
    is_free: bool,
}

/// One client and its conversation.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) dialect: Dialect,
    asks: Asks,
    model: String,
    /// What the system said before anybody else.
    system: Vec<(&'static str, String)>,
    history: Vec<Value>,
    calls: Vec<Called>,
    /// Images of results for which the dialect has no place: the user shows them afterwards.
    shown: Vec<Piece>,
}

/// What was heard of one request.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// The whole answer, as it came or as the stream adds up.
    pub(crate) object: Value,
    /// The stream, if it was one.
    pub(crate) stream: Option<String>,
    pub(crate) answer: Answer,
    /// What was changed on the way, by the codes of the notes.
    pub(crate) notes: BTreeSet<String>,
}

impl Client {
    pub(crate) fn new(dialect: Dialect, asks: &Asks, model: &str) -> Self {
        let (system, history) = (Vec::new(), Vec::new());
        let (calls, shown) = (Vec::new(), Vec::new());
        Self { dialect, asks: asks.clone(), model: model.to_owned(), system, history, calls, shown }
    }

    /// Adds to the conversation.
    pub(crate) fn add(&mut self, add: &Add) {
        if !matches!(add, Add::Result(..)) {
            self.show();
        }
        match add {
            Add::System(text) => self.instruct("system", text),
            Add::Developer(text) => self.instruct("developer", text),
            Add::User(pieces) => self.user(pieces),
            Add::Said(speech) => self.said(speech),
            Add::Result(call, pieces) => {
                let called = self.calls[*call].clone();
                match self.dialect {
                    Dialect::Chat => {
                        let (message, shown) = chat::result(&called.id, pieces);
                        self.history.push(message);
                        self.shown.extend(shown);
                    }
                    Dialect::Messages => self.user_says(messages::result(&called.id, pieces)),
                    Dialect::Responses => {
                        self.history.push(responses::result(&called, pieces));
                    }
                }
            }
        }
    }

    fn instruct(&mut self, role: &'static str, text: &str) {
        if self.history.is_empty() {
            return self.system.push((role, text.to_owned()));
        }
        let message = match self.dialect {
            Dialect::Chat => chat::message(role, text),
            Dialect::Messages => messages::system(text),
            Dialect::Responses => responses::message(role, text),
        };
        self.history.push(message);
    }

    fn user(&mut self, pieces: &[Piece]) {
        match self.dialect {
            Dialect::Chat => self.history.push(chat::user(pieces)),
            Dialect::Messages => self.user_says(messages::blocks(pieces)),
            Dialect::Responses => self.history.push(responses::user(pieces)),
        }
    }

    /// Messages: results and what the user says next are one message.
    fn user_says(&mut self, blocks: Vec<Value>) {
        let last = self.history.last_mut().filter(|last| last["role"] == "user");
        match last.and_then(|last| last["content"].as_array_mut()) {
            Some(content) => content.extend(blocks),
            None => self.history.push(messages::message("user", blocks)),
        }
    }

    fn show(&mut self) {
        let shown = std::mem::take(&mut self.shown);
        if !shown.is_empty() {
            self.user(&shown);
        }
    }

    /// What the model said in a conversation that this client remembers.
    fn said(&mut self, speech: &Speech) {
        let tools = &self.asks.tools;
        match self.dialect {
            Dialect::Chat => self.history.push(chat::said(speech, tools)),
            Dialect::Messages => {
                self.history.push(messages::message("assistant", messages::said(speech, tools)));
            }
            Dialect::Responses => self.history.extend(responses::said(speech, tools)),
        }
        self.calls = speech
            .parts
            .iter()
            .filter_map(|part| match part {
                crate::scene::Speaks::Call { id, tool, .. } => {
                    Some(Called { id: id.clone(), is_free: tools[*tool].grammar.is_some() })
                }
                _ => None,
            })
            .collect();
    }

    /// Puts an answer into the history.
    pub(crate) fn take(&mut self, heard: &Heard) {
        let object = &heard.object;
        let items = match self.dialect {
            Dialect::Chat => vec![object["choices"][0]["message"].clone()],
            Dialect::Messages => {
                let content = object["content"].as_array().cloned().unwrap_or_default();
                vec![messages::message("assistant", content)]
            }
            Dialect::Responses => object["output"].as_array().cloned().unwrap_or_default(),
        };
        self.history.extend(items);
        let is_free = |name: &str| {
            let tool = self.asks.tools.iter().find(|tool| tool.whole_name() == name);
            tool.is_some_and(|tool| tool.grammar.is_some())
        };
        let calls = heard.answer.calls.iter();
        self.calls =
            calls.map(|(id, name, _)| Called { id: id.clone(), is_free: is_free(name) }).collect();
    }

    /// The next request.
    pub(crate) fn request(&mut self, stream: bool) -> Request {
        self.show();
        let mut body = match self.dialect {
            Dialect::Chat => chat::request(&self.asks, &self.system, &self.history),
            Dialect::Messages => messages::request(&self.asks, &self.system, &self.history),
            Dialect::Responses => responses::request(&self.asks, &self.system, &self.history),
        };
        body["model"] = self.model.clone().into();
        body["stream"] = stream.into();
        if stream && self.dialect == Dialect::Chat {
            body["stream_options"] = serde_json::json!({"include_usage": true});
        }
        let request = Request::post(self.dialect.path()).json(&body);
        match self.dialect {
            Dialect::Messages => request.header("anthropic-version", "2023-06-01"),
            Dialect::Chat | Dialect::Responses => request,
        }
    }

    /// Reads and judges an answer that did not fail before it began.
    pub(crate) async fn hear(&self, mut response: Response, stream: bool) -> Heard {
        let text = response.text().await.expect("a body");
        assert_eq!(response.status(), 200, "{text}");
        let kind = if stream { "text/event-stream" } else { "application/json" };
        assert_eq!(response.header("content-type"), Some(kind));
        assert!(response.header("x-quire-request-id").is_some(), "no id");
        if !stream {
            let object: Value = serde_json::from_str(&text).expect("JSON");
            let verdict = match self.dialect {
                Dialect::Chat => judge::chat_answer(&object),
                Dialect::Messages => judge::messages_answer(&object),
                Dialect::Responses => judge::responses_answer(&object),
            };
            judged(verdict, &text);
            let answer = self.read(&object);
            return Heard { notes: notes(&object), object, stream: None, answer };
        }
        let frames = judge::frames(&text);
        let verdict = match self.dialect {
            Dialect::Chat => judge::chat_stream(&text, true),
            Dialect::Messages => judge::messages_stream(&frames),
            Dialect::Responses => judge::responses_stream(&frames),
        };
        judged(verdict, &text);
        let (object, failed) = match self.dialect {
            Dialect::Chat => (judge::chat_fold(&text), chat::failure(&text)),
            Dialect::Messages => messages::fold(&text),
            Dialect::Responses => responses::fold(&text),
        };
        let mut answer = self.read(&object);
        if let Some(words) = failed {
            answer.finish = Finish::Failed(words);
        }
        // What came before a failure was shown as it came.
        if self.dialect == Dialect::Responses && matches!(answer.finish, Finish::Failed(_)) {
            answer.text = responses::shown(&text);
        }
        Heard { notes: notes(&object), object, stream: Some(text), answer }
    }

    fn read(&self, object: &Value) -> Answer {
        let mut answer = match self.dialect {
            Dialect::Chat => chat::read(object),
            Dialect::Messages => messages::read(object),
            Dialect::Responses => responses::read(object),
        };
        answer.model = text(&object["model"]);
        answer
    }
}

#[track_caller]
fn judged(verdict: Result<(), Vec<Complaint>>, text: &str) {
    if let Err(complaints) = verdict {
        let told: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        let start: String = text.chars().take(6000).collect();
        panic!("{}\n{start}", told.join("\n"));
    }
}

fn notes(object: &Value) -> BTreeSet<String> {
    list(&object["quire"]["notes"]).map(|note| text(&note["code"])).collect()
}

/// The data of a stream's events.
fn events(stream: &str) -> Vec<Value> {
    let data = sse::parse(stream).into_iter().map(|event| event.data);
    data.filter_map(|data| serde_json::from_str(&data).ok()).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// The arguments of a call, which must be a JSON object by the time that a client runs it.
fn arguments(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_else(|| panic!("arguments are a string, not {value}"));
    // What a limit broke off is shown as it is.
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(format!("broken: {text}")))
}

/// The schema of every function: any two members.
fn parameters() -> Value {
    serde_json::json!({"type": "object", "properties": {
        "path": {"type": "string"}, "text": {"type": "string"}}})
}

fn describe(tool: &Tool) -> String {
    format!("does what {} does", tool.name.chars().take(8).collect::<String>())
}
