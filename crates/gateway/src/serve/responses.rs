//! `POST /v1/responses`, and the upgrade that is declined for now.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use wire::answer::{Head, Setting};
use wire::fault::Reader;
use wire::fault::{Fault, Kind};
use wire::json::Value;
use wire::responses::object;

use super::stream::{Parts, Stream};
use super::{Answer, App, Call, body};
use crate::attempt::{Ask, Body, Ledger, ModelVault, unix_now};
use crate::config::Snapshot;
use crate::route::{self, NotFound};

/// How long the head of a streamed answer waits for the first generated event; longer where
/// somebody else may answer instead.
const HOLD: Duration = Duration::from_secs(2);
const HOLD_WITH_FALLBACK: Duration = Duration::from_secs(10);
/// The most characters of a message that quotes the request.
const MAX_WORDS: usize = 1000;

/// Answers a request.
pub(super) async fn create(
    app: &Arc<App>,
    snapshot: Arc<Snapshot>,
    call: Call<'_>,
) -> Result<Response<Answer>, Fault> {
    let recorder = snapshot.log.enabled.then(|| app.recorder.clone());
    let ledger = Ledger::open(call.id.to_owned(), "responses", recorder, Arc::clone(&app.metrics));
    let reader = super::error::reader_of(call.request.headers());
    let done = answer(app, snapshot, call, reader, &ledger).await;
    if let Err(fault) = &done {
        ledger.failed(fault);
    }
    let status = match &done {
        Ok(response) => response.status().as_u16(),
        Err(fault) => wire::responses::fault::answer(fault, reader).status,
    };
    ledger.note(|exchange| exchange.status = Some(status));
    done
}

async fn answer(
    app: &Arc<App>,
    snapshot: Arc<Snapshot>,
    call: Call<'_>,
    reader: Reader,
    ledger: &Ledger,
) -> Result<Response<Answer>, Fault> {
    let Call { id, request, key_name } = call;
    let (head, incoming) = request.into_parts();
    ledger.note(|exchange| {
        exchange.client = family(&head.headers).map(Into::into);
        exchange.client_key = key_name.map(Into::into);
        exchange.session = session(&head.headers).map(Into::into);
    });
    let text = body::read(&head.headers, incoming, snapshot.server.max_body_bytes).await?;
    let request_bytes = text.len() as u64;
    let document = Body::parse(text).map_err(|error| {
        Fault::bad_request("", format!("the request body is not JSON that quire reads: {error}"))
    })?;
    let root = document.root();
    let member = |name: &str| root.get(name).and_then(Value::non_null);
    let asked = member("model")
        .map(|model| {
            model.as_str().ok_or_else(|| Fault::wrong_type("model", "a string", model.kind()))
        })
        .transpose()?
        .map(|model| model.text().into_owned());
    let stream = member("stream").and_then(Value::as_bool).unwrap_or(false);
    ledger.note(|exchange| {
        exchange.request_bytes = request_bytes;
        exchange.stream = stream;
        exchange.model_asked = asked.clone().map(Into::into);
    });
    let route = route::resolve(&snapshot, asked.as_deref()).map_err(not_found)?;
    let head = Arc::new(Head {
        stem: id.replace('-', ""),
        created_at: unix_now(),
        model: route.asked.clone(),
        echo: app.gateway.shared.get(&object::echo(root)),
        sequence: AtomicU64::new(0),
    });
    let hold = if route.candidates.len() > 1 { HOLD_WITH_FALLBACK } else { HOLD };
    let vault = ModelVault::new(Arc::clone(&app.gateway.sealer), route.candidates[0].name());
    let keep_alive = snapshot.server.keep_alive;
    // Should all candidates fail, the last one is the one that was heard of last.
    let last = route.candidates.last();
    let setting = Setting {
        request_id: id.to_owned(),
        provider: last.map(|last| last.provider.id.clone()).unwrap_or_default(),
        upstream_model: last.map(|last| last.model.id.clone()).unwrap_or_default(),
        ..Setting::default()
    };
    let early_notes = Arc::new(Mutex::new(String::new()));
    let ask = Ask {
        document,
        route,
        snapshot,
        head: Arc::clone(&head),
        request_id: id.to_owned(),
        reader,
        ledger: ledger.clone(),
        early_notes: Arc::clone(&early_notes),
    };
    let attempt = Arc::clone(&app.gateway).answer(ask);
    if !stream {
        let (object, notes) = attempt.await?.finish().await?;
        let mut response = super::json(StatusCode::OK, object);
        add_notes(response.headers_mut(), &notes);
        return Ok(response);
    }
    let parts = Parts { head, ledger: ledger.clone(), vault, setting, keep_alive };
    let mut attempt: super::stream::Attempt = Box::pin(attempt);
    let stream = match tokio::time::timeout(hold, &mut attempt).await {
        Ok(relay) => Stream::begun(parts, relay?),
        Err(_) => Stream::waiting(parts, attempt),
    };
    let mut response = Response::new(Answer::from(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    add_notes(headers, &early_notes.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(response)
}

fn add_notes(headers: &mut HeaderMap, notes: &str) {
    if !notes.is_empty()
        && let Ok(value) = HeaderValue::try_from(notes)
    {
        headers.insert("x-quire-notes", value);
    }
}

fn not_found(missing: NotFound) -> Fault {
    let kind = match missing {
        NotFound::Unasked => Kind::BadRequest,
        NotFound::Unknown { .. } | NotFound::Ambiguous { .. } | NotFound::Closed { .. } => {
            Kind::UnknownModel
        }
    };
    // The name that was asked for is in it, and may be a book.
    let text: String = missing.to_string().chars().take(MAX_WORDS).collect();
    Fault { param: Some("model".to_owned()), ..Fault::new(kind, text) }
}

/// The name of the client's program, without version and system.
fn family(headers: &HeaderMap) -> Option<String> {
    let named = headers.get("originator").or_else(|| headers.get(header::USER_AGENT))?;
    let name = named.to_str().ok()?.split(['/', ' ']).next()?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// What ties the requests of one conversation together.
fn session(headers: &HeaderMap) -> Option<String> {
    headers.get("session-id")?.to_str().ok().map(str::to_owned)
}

/// Declines a WebSocket: Codex then goes on over HTTP at once and in silence.
pub(super) fn upgrade(headers: &HeaderMap) -> Response<Answer> {
    let wanted = headers.contains_key(header::UPGRADE);
    let (status, text) = match wanted {
        true => (
            StatusCode::UPGRADE_REQUIRED,
            "this quire does not speak WebSocket yet; send `POST /v1/responses`",
        ),
        false => (StatusCode::METHOD_NOT_ALLOWED, "`/v1/responses` takes `POST`"),
    };
    let body = serde_json::json!({"error": {"message": text, "type": "invalid_request_error", "param": null, "code": "websocket_unsupported"}});
    let mut response = super::json(status, body.to_string());
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
