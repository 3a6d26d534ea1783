//! The listener and its endpoints: HTTP/1.1 in, answers out. It knows no SQL and no provider.
//!
//! Start with [`App::handle`], which reads like the list of endpoints. Nothing is spawned for a
//! request: its answer is pulled by its own connection, so a client that leaves takes the request
//! to the provider with it.

mod answer;
mod body;
mod catalog;
mod crew;
mod error;
mod exchange;
mod guard;
mod health;
mod listen;
mod session;
mod start;
mod stream;
mod worded;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use exchange::Wish;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind};

pub use answer::Answer;
pub use guard::{is_local_name, shown_keys};
pub use health::status;
pub use listen::{Listener, PortTaken};
pub use start::{NotStarted, Running, start};

use crate::admin;
use crate::admin_token::AdminToken;
use crate::attempt::{Gateway, Repeats};
use crate::config::{Live, Snapshot};
use crate::discovery::Discovery;
use crate::drain::Drain;
use crate::store::{KeyRing, Recorder, Store, new_id};
use crate::telemetry::Metrics;

/// How much of a path or method is repeated, in characters.
const MAX_SHOWN: usize = 100;

/// Everything that requests share.
#[derive(Debug)]
pub struct App {
    pub live: Arc<Live>,
    pub gateway: Arc<Gateway>,
    pub keys: Arc<KeyRing>,
    pub store: Store,
    pub recorder: Recorder,
    pub metrics: Arc<Metrics>,
    pub repeats: Arc<Repeats>,
    pub discovery: Discovery,
    pub admin_token: AdminToken,
    pub drain: Drain,
    pub started: Instant,
    /// The address that is listened on.
    pub address: SocketAddr,
}

/// One request, past the guard.
struct Call<'r> {
    id: &'r str,
    request: Request<Incoming>,
    /// The name of the client key, where one was shown.
    key_name: Option<String>,
}

impl App {
    /// The configuration with the models that its providers list just now.
    async fn models(&self) -> Arc<Snapshot> {
        self.discovery.refresh(&self.live, &self.gateway.client, Instant::now()).await
    }

    /// Answers one request.
    pub async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Response<Answer> {
        let id = new_id();
        let reader = error::reader_of(request.headers());
        let dialect = dialect_of(request.uri().path(), request.headers());
        let mut response = match self.route(&id, request).await {
            Ok(response) => response,
            Err(fault) => error::response(&fault, dialect, reader, &id),
        };
        if let Ok(id) = HeaderValue::try_from(id) {
            // The SDKs of OpenAI and Anthropic look for it under names of their own.
            let theirs = match dialect {
                Dialect::Messages => "request-id",
                Dialect::Chat | Dialect::Responses => "x-request-id",
            };
            response.headers_mut().insert(theirs, id.clone());
            response.headers_mut().insert("x-quire-request-id", id);
        }
        response
    }

    async fn route(
        self: Arc<Self>,
        id: &str,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Fault> {
        let snapshot = self.live.snapshot();
        guard::check_origin(&request, &snapshot, self.address)?;
        if request.method() == Method::HEAD {
            return Ok(Response::new(Answer::empty()));
        }
        let path = request.uri().path().trim_end_matches('/').to_owned();
        // Status and metrics hold nothing of anybody, and those who watch a process have no key.
        match (request.method().as_str(), path.as_str()) {
            ("GET", "/health") => return Ok(health::health(&self)),
            ("GET", "/ready") => return Ok(health::ready(&self)),
            (_, path) if path == "/api" || path.starts_with("/api/") => {
                return admin::handle(&self, request).await;
            }
            _ => {}
        }
        let key_name = guard::check_key(request.headers(), &self.keys, self.address)?;
        let call = Call { id, request, key_name };
        match (call.request.method().as_str(), path.as_str()) {
            ("POST", "/v1/responses") => {
                exchange::create(&self, snapshot, call, Dialect::Responses, Wish::Answer).await
            }
            ("POST", "/v1/responses/input_tokens") => {
                exchange::create(&self, snapshot, call, Dialect::Responses, Wish::Count).await
            }
            ("GET", "/v1/responses") => Ok(exchange::upgrade(call.request.headers())),
            ("POST", "/v1/chat/completions") => {
                exchange::create(&self, snapshot, call, Dialect::Chat, Wish::Answer).await
            }
            ("POST", "/v1/messages") => {
                exchange::create(&self, snapshot, call, Dialect::Messages, Wish::Answer).await
            }
            ("POST", "/v1/messages/count_tokens") => {
                exchange::create(&self, snapshot, call, Dialect::Messages, Wish::Count).await
            }
            ("GET", "/v1/models") => {
                let snapshot = self.models().await;
                Ok(catalog::all(&snapshot, call.request.uri()))
            }
            ("GET", model) if model.starts_with("/v1/models/") => {
                let snapshot = self.models().await;
                catalog::one(&snapshot, &model["/v1/models/".len()..])
            }
            ("GET", "/metrics") => Ok(health::metrics(&self)),
            ("GET", "") => Ok(health::welcome()),
            (method, path) => match method_of(path) {
                None => Err(unknown(path)),
                Some(right) => {
                    let fault = wrong_method(method, path, right);
                    let headers = call.request.headers();
                    let (dialect, reader) = (dialect_of(path, headers), error::reader_of(headers));
                    Ok(error::wrong_method(&fault, dialect, reader, id, right))
                }
            },
        }
    }
}

/// What there is, for those who miss it.
const KNOWN: [(&str, &str); 11] = [
    ("POST", "/v1/responses"),
    ("POST", "/v1/responses/input_tokens"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("GET", "/v1/models"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/metrics"),
    ("GET", "/api/status"),
    ("GET", ""),
];

/// The method that a path takes, if there is such a path.
fn method_of(path: &str) -> Option<&'static str> {
    let known = KNOWN.iter().find(|(_, known)| *known == path).map(|(method, _)| *method);
    known.or_else(|| path.starts_with("/v1/models/").then_some("GET"))
}

fn wrong_method(method: &str, path: &str, right: &str) -> Fault {
    let path = if path.is_empty() { "/" } else { path };
    let text = format!("`{}` takes `{right}`, not `{}`", shown(path), shown(method));
    Fault { param: Some("method".to_owned()), ..Fault::new(Kind::BadRequest, text) }
}

/// The fault of a path that does not exist, with the one that may have been meant.
fn unknown(path: &str) -> Fault {
    let with_version = format!("/v1{path}");
    let hint = match KNOWN.iter().find(|(_, known)| *known == with_version) {
        Some((_, known)) => format!("did you mean `{known}`? The base URL ends in `/v1`"),
        None => "see `docs/compatibility.md` for what quire serves".to_owned(),
    };
    Fault {
        param: Some("path".to_owned()),
        ..Fault::new(Kind::NotFound, format!("there is no `{}` here: {hint}", shown(path)))
    }
}

fn shown(asked: &str) -> String {
    asked.chars().take(MAX_SHOWN).collect()
}

/// The dialect in which the sender of a request reads errors.
fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
        Dialect::Messages
    } else if path.starts_with("/v1/chat/") {
        Dialect::Chat
    } else {
        Dialect::Responses
    }
}

/// A JSON answer.
fn json(status: StatusCode, body: String) -> Response<Answer> {
    json_bytes(status, body.into_bytes())
}

/// The same, of a text that is bytes already.
fn json_bytes(status: StatusCode, body: Vec<u8>) -> Response<Answer> {
    let mut response = Response::new(Answer::from(body));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    response
}

/// A JSON answer for the admin API.
pub fn json_answer(status: StatusCode, body: &serde_json::Value) -> Response<Answer> {
    json(status, body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_path_is_told_the_right_one() {
        assert!(unknown("/responses").message.contains("`/v1/responses`"));
        assert_eq!(unknown("/nothing").kind, Kind::NotFound);
        assert_eq!(wrong_method("DELETE", "", "GET").message, "`/` takes `GET`, not `DELETE`");
        assert_eq!(method_of("/v1/models/x"), Some("GET"));
        assert_eq!(method_of("/v1/nothing"), None);
    }
}
