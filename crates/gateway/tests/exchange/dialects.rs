//! Clients and upstreams of every dialect: what they are told of each other in a configuration,
//! what they ask, what they hear, and who judges it.

use serde_json::{Value, json};
use testkit::client::{Request, Response};
use testkit::judge::{self, Dialect, Rule};
use testkit::script::Script;
use testkit::sse;
use testkit::strict::Profile;
use testkit::upstream::Upstream;

pub(crate) use crate::stage::refused_in as refused;
use crate::stage::{Quire, provider};

/// The strictest upstream that speaks this dialect.
pub(crate) async fn strict(dialect: Dialect, script: impl Into<Script>) -> Upstream {
    Upstream::with().profile(Profile::strictest(dialect)).start(script).await
}

/// One that takes members nobody knows, as most servers that copy a dialect do.
pub(crate) async fn tolerant(dialect: Dialect, script: impl Into<Script>) -> Upstream {
    let profile = match dialect {
        Dialect::Chat => Profile::OllamaTolerant,
        Dialect::Responses => Profile::ResponsesTolerant,
        Dialect::Messages => Profile::MessagesTolerant,
    };
    Upstream::with().profile(profile).start(script).await
}

/// Two providers, the second of which stands in for the first.
pub(crate) async fn pair(first: &Upstream, second: &Upstream, more: &str) -> Quire {
    let config = format!(
        "{more}{}{}[fallback]\n\"lab/*\" = [\"spare/mock-model\"]\n",
        provider("lab", first),
        provider("spare", second)
    );
    Quire::start(&config).await
}

/// The other dialects.
pub(crate) fn others(dialect: Dialect) -> impl Iterator<Item = Dialect> {
    Dialect::ALL.into_iter().filter(move |other| *other != dialect)
}

/// A request for `lab/mock-model`, streamed, with these members laid over it.
pub(crate) fn request(dialect: Dialect, members: Value) -> Value {
    let mut body = json!({"model": "lab/mock-model", "stream": true});
    match dialect {
        Dialect::Responses => body["input"] = json!("hi"),
        Dialect::Chat => body["messages"] = json!([{"role": "user", "content": "hi"}]),
        Dialect::Messages => {
            body["messages"] = json!([{"role": "user", "content": "hi"}]);
            body["max_tokens"] = json!(4096);
        }
    }
    for (name, value) in members.as_object().expect("members") {
        body[name] = value.clone();
    }
    body
}

/// The same, whole.
pub(crate) fn whole(dialect: Dialect) -> Value {
    request(dialect, json!({"stream": false}))
}

/// A request in the dialect with this body.
pub(crate) fn post(dialect: Dialect, body: &Value) -> Request {
    Request::post(dialect.path()).json(body)
}

/// The same with any bytes for a body.
pub(crate) fn post_raw(dialect: Dialect, body: impl Into<Vec<u8>>) -> Request {
    Request::post(dialect.path()).header("content-type", "application/json").body(body)
}

/// A whole stream.
#[derive(Debug)]
pub(crate) struct Heard {
    dialect: Dialect,
    /// Every byte of it.
    pub(crate) raw: String,
    pub(crate) notes: Option<String>,
}

/// Reads a stream to its end.
pub(crate) async fn heard(dialect: Dialect, mut response: Response) -> Heard {
    if response.status() != 200 {
        panic!("{}: {}", response.status(), response.text().await.expect("a body"));
    }
    assert_eq!(response.header("content-type"), Some("text/event-stream"));
    assert!(response.header("x-quire-request-id").is_some());
    let notes = response.header("x-quire-notes").map(str::to_owned);
    let mut raw = response.text().await.expect("the stream ends well");
    // After the terminal event of Responses nobody waits for more, and OpenAI sends nothing.
    if dialect == Dialect::Responses {
        raw.truncate(raw.strip_suffix("data: [DONE]\n\n").unwrap_or(&raw).len());
    }
    Heard { dialect, raw, notes }
}

impl Heard {
    /// Judges the stream. Repeated signs of life, which use the number of the event before them,
    /// are left out.
    #[track_caller]
    pub(crate) fn judged(&self) -> &Self {
        self.judged_but_for(&[])
    }

    /// The same, without these rules.
    #[track_caller]
    pub(crate) fn judged_but_for(&self, rules: &[Rule]) -> &Self {
        let frames = self.frames();
        let verdict = match self.dialect {
            Dialect::Chat => judge::chat_stream(&self.raw, false),
            Dialect::Responses => judge::responses_stream(&frames),
            Dialect::Messages => judge::messages_stream(&frames),
        };
        let complaints = verdict.err().unwrap_or_default();
        let told = complaints.iter().filter(|complaint| !rules.contains(&complaint.rule));
        let told: Vec<String> = told.map(ToString::to_string).collect();
        assert!(told.is_empty(), "{}\n{}", told.join("\n"), self.raw);
        self
    }

    fn frames(&self) -> Vec<(String, String)> {
        let mut frames = judge::frames(&self.raw);
        if self.dialect == Dialect::Responses {
            let mut last = Value::Null;
            frames.retain(|(name, data)| {
                let event: Value = serde_json::from_str(data).unwrap_or_default();
                let repeats = name == "response.in_progress" && event["sequence_number"] == last;
                last = event["sequence_number"].clone();
                !repeats
            });
            frames.push((String::new(), "[DONE]".to_owned()));
        }
        frames
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        sse::json(&self.raw)
    }

    pub(crate) fn last(&self) -> Value {
        self.events().pop().expect("a stream has events")
    }

    /// The text that was streamed.
    pub(crate) fn text(&self) -> String {
        let events = self.events();
        let deltas = events.iter().filter_map(|event| match self.dialect {
            Dialect::Chat => event["choices"][0]["delta"]["content"].as_str(),
            Dialect::Responses => {
                event["delta"].as_str().filter(|_| event["type"] == "response.output_text.delta")
            }
            Dialect::Messages => event["delta"]["text"].as_str(),
        });
        deltas.collect()
    }

    /// Asserts that the answer came to its end.
    #[track_caller]
    pub(crate) fn assert_finished(&self) -> &Self {
        assert!(self.failure().is_none(), "{}", self.raw);
        let good = match self.dialect {
            Dialect::Chat => self.raw.trim_end().ends_with("data: [DONE]"),
            Dialect::Responses => self.last()["type"] == "response.completed",
            Dialect::Messages => self.last()["type"] == "message_stop",
        };
        assert!(good, "{}", self.raw);
        self
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.failure().is_some()
    }

    /// Asserts that the stream ended with one failure, in the dialect's way, and returns its words.
    #[track_caller]
    pub(crate) fn assert_failed(&self) -> String {
        let failure = self.failure();
        let failure = failure.unwrap_or_else(|| panic!("it did not fail: {}", self.raw));
        assert!(!failure.is_empty(), "{}", self.raw);
        failure
    }

    /// The words of the failure that ended the stream.
    fn failure(&self) -> Option<String> {
        let last = self.last();
        let words = match self.dialect {
            Dialect::Chat => {
                assert!(last["error"].is_null() || !self.raw.contains("[DONE]"), "{}", self.raw);
                &last["error"]["message"]
            }
            Dialect::Responses if last["type"] == "response.failed" => {
                &last["response"]["error"]["message"]
            }
            Dialect::Messages if last["type"] == "error" => &last["error"]["message"],
            Dialect::Responses | Dialect::Messages => return None,
        };
        words.as_str().map(str::to_owned)
    }
}
