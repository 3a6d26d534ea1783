//! What must hold for any bytes. The property tests of `wire` (`tests/any_bytes.rs`) call the same
//! functions of `wire::drive::laws`.

use wire::dialect::Dialect;
use wire::drive::laws;

/// A law for any bytes, and the files of the corpus that it is tried with first.
pub struct Target {
    pub name: &'static str,
    pub law: fn(&[u8]),
    /// The client and the upstream of its folders below `corpus`; empty for every one.
    pub client: &'static str,
    pub upstream: &'static str,
    pub files: &'static [&'static str],
}

const REQUEST: &[&str] = &["request.json"];
const ANSWER: &[&str] = &["stream.sse", "answer.json"];

impl Target {
    /// Whether a folder of the corpus, as `chat-to-messages`, has inputs for it.
    pub fn begins_with(&self, folder: &str) -> bool {
        let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
        folder.split_once("-to-").is_some_and(|(client, upstream)| {
            fits(self.client, client) && fits(self.upstream, upstream)
        })
    }
}

/// Every target; `fuzz/run` knows the same ones.
pub const TARGETS: [Target; 7] = [
    Target { name: "request", law: request, client: "responses", upstream: "", files: REQUEST },
    Target {
        name: "chat-request",
        law: chat_request,
        client: "chat",
        upstream: "",
        files: REQUEST,
    },
    Target {
        name: "messages-request",
        law: messages_request,
        client: "messages",
        upstream: "",
        files: REQUEST,
    },
    Target { name: "stream", law: stream, client: "", upstream: "chat", files: ANSWER },
    Target {
        name: "responses-stream",
        law: responses_stream,
        client: "",
        upstream: "responses",
        files: ANSWER,
    },
    Target {
        name: "messages-stream",
        law: messages_stream,
        client: "",
        upstream: "messages",
        files: ANSWER,
    },
    Target { name: "pass", law: pass, client: "", upstream: "", files: ANSWER },
];

/// A Responses client's request is refused, or each target is sent JSON.
pub fn request(bytes: &[u8]) {
    asked(Dialect::Responses, bytes);
}

/// The same of a Chat Completions client.
pub fn chat_request(bytes: &[u8]) {
    asked(Dialect::Chat, bytes);
}

/// The same of a Messages client.
pub fn messages_request(bytes: &[u8]) {
    asked(Dialect::Messages, bytes);
}

/// A Chat Completions stream ends once for every client, whatever it holds and however it is cut.
pub fn stream(bytes: &[u8]) {
    answered(Dialect::Chat, bytes);
}

/// The same of a Responses stream.
pub fn responses_stream(bytes: &[u8]) {
    answered(Dialect::Responses, bytes);
}

/// The same of a Messages stream.
pub fn messages_stream(bytes: &[u8]) {
    answered(Dialect::Messages, bytes);
}

/// An answer that is passed on comes out as it came, however it is cut.
pub fn pass(bytes: &[u8]) {
    if let Err(wrong) = laws::passes(bytes) {
        panic!("{wrong}");
    }
}

/// The two dialects that `dialect` is translated into and from.
fn others(dialect: Dialect) -> impl Iterator<Item = Dialect> {
    Dialect::ALL.into_iter().filter(move |&other| other != dialect)
}

fn asked(client: Dialect, bytes: &[u8]) {
    for body in others(client).flat_map(|upstream| laws::bodies(client, upstream, bytes)) {
        // Two numbers of serde_json's own are no concern of ours: how deep it reads, and f64.
        match serde_json::from_str::<serde_json::Value>(&body) {
            Err(error) if !error.to_string().contains("number out of range") => {
                panic!("the upstream is sent what is not JSON: {error}\n{body}")
            }
            _ => {}
        }
    }
}

fn answered(upstream: Dialect, bytes: &[u8]) {
    for client in others(upstream) {
        if let Err(wrong) = laws::ends_once(client, upstream, bytes) {
            panic!("{} for {}: {wrong}", upstream.name(), client.name());
        }
    }
}
