//! What the upstream remembers of a request.

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;

use crate::http::Headers;
use crate::strict::Refusal;

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It has not ended yet.
    Open,
    /// All of it was written.
    Finished(Instant),
    /// The client closed the connection before that, or its half of it.
    ClientClosed(Instant),
    /// The script ended the connection before that.
    Cut(Instant),
}

/// One request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its number, from 0.
    pub number: usize,
    /// The number of its connection, from 1: equal numbers mean that it was kept alive.
    pub connection: usize,
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: Headers,
    pub body: Arc<[u8]>,
    /// The body as JSON; null when it is none.
    pub json: Arc<Value>,
    pub arrived: Instant,
    /// Why the table refused it, if it did.
    pub refusal: Option<Refusal>,
    pub ending: Ending,
}

impl Recorded {
    /// The path without the query.
    pub fn place(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    /// When the client closed the connection before the answer was finished.
    pub fn closed(&self) -> Option<Instant> {
        match self.ending {
            Ending::ClientClosed(at) => Some(at),
            Ending::Open | Ending::Finished(_) | Ending::Cut(_) => None,
        }
    }

    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The roles of the messages, in order.
    pub fn roles(&self) -> Vec<&str> {
        let messages = self.json["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        messages.iter().map(|message| message["role"].as_str().unwrap_or_default()).collect()
    }

    /// Whether the body, as sent, contains this text; for predicates of a script.
    pub fn contains(&self, text: &str) -> bool {
        !text.is_empty() && self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}
