//! The endpoints where models answer: `POST /v1/responses`, `/v1/chat/completions`, `/v1/messages`,
//! and those that count the tokens of what would be asked.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Response, StatusCode, header, request};
use http_body::Body as _;
use wire::answer::{Head, Setting, provenance};
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind, Reader};
use wire::json::{self, Value};
use wire::note::Code;
use wire::responses::object;

use super::stream::{Parts, Stream};
use super::{Answer, App, Call, body, session};
use crate::attempt::{Ask, Body, Count, Early, Ledger, ModelVault, unix_now};
use crate::config::Snapshot;
use crate::route::{self, NotFound};

/// How long the head of a streamed answer waits for the first generated event; longer where
/// somebody else may answer instead.
const HOLD: Duration = Duration::from_secs(2);
const HOLD_WITH_FALLBACK: Duration = Duration::from_secs(10);
/// The most characters of a message that quotes the request.
const MAX_WORDS: usize = 1000;

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Answer,
    Count,
}

/// Answers a request in `dialect`, or counts it.
pub(super) async fn create(
    app: &Arc<App>,
    snapshot: Arc<Snapshot>,
    call: Call<'_>,
    dialect: Dialect,
    wish: Wish,
) -> Result<Response<Answer>, Fault> {
    let recorder = snapshot.log.enabled.then(|| app.recorder.clone());
    let metrics = Arc::clone(&app.metrics);
    let ledger = Ledger::open(call.id.to_owned(), dialect.name(), recorder, metrics);
    let (id, reader) = (call.id, super::error::reader_of(call.request.headers()));
    let done = match read(&snapshot, call, &ledger).await {
        Ok(read) => match wish {
            Wish::Answer => answer(app, snapshot, read, dialect, reader, &ledger).await,
            Wish::Count => count(app, snapshot, read, dialect, reader, &ledger).await,
        },
        Err(fault) => Err(fault),
    };
    if let Err(fault) = &done {
        ledger.failed(fault);
    }
    let (status, length) = match &done {
        // A stream counts what it sends itself.
        Ok(response) => (response.status().as_u16(), response.body().size_hint().exact()),
        Err(fault) => {
            let shown = dialect.error(fault, reader, id);
            (shown.status, Some(shown.body.len() as u64))
        }
    };
    ledger.note(|exchange| {
        exchange.status = Some(status);
        exchange.response_bytes = length.unwrap_or_default();
    });
    done
}

/// A request whose body is here.
struct Read {
    id: String,
    head: request::Parts,
    key_name: Option<String>,
    document: Body,
    session: Option<String>,
    route: route::Route,
    stream: bool,
}

async fn read(snapshot: &Snapshot, call: Call<'_>, ledger: &Ledger) -> Result<Read, Fault> {
    let Call { id, request, key_name } = call;
    let (head, incoming) = request.into_parts();
    ledger.note(|exchange| {
        exchange.client = family(&head.headers).map(Into::into);
        exchange.client_key = key_name.clone().map(Into::into);
    });
    let text = body::read(&head.headers, incoming, snapshot.server.max_body_bytes).await?;
    let request_bytes = text.len() as u64;
    let document = Body::parse(text).map_err(|error| {
        Fault::bad_request("", format!("the request body is not JSON that quire reads: {error}"))
    })?;
    let root = document.root();
    // What is passed on is edited as an object, and not parsed by its dialect.
    if root.kind() != json::Kind::Object {
        return Err(Fault::bad_request("", "the request body must be a JSON object"));
    }
    let session = session::of(&head.headers, root);
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
        exchange.session = session.clone().map(Into::into);
        exchange.model_asked = asked.clone().map(Into::into);
    });
    let route = route::resolve(snapshot, asked.as_deref()).map_err(not_found)?;
    Ok(Read { id: id.to_owned(), head, key_name, document, session, route, stream })
}

/// Refuses a request that its client sends again and again.
fn admit(app: &App, snapshot: &Snapshot, read: &Read, ledger: &Ledger) -> Result<(), Fault> {
    let limit = snapshot.server.repeat_limit;
    if limit == 0 {
        return Ok(());
    }
    let who = read.session.as_deref().or(read.key_name.as_deref());
    match app.repeats.admit(who, read.document.text(), limit, Instant::now()) {
        Ok(ticket) => {
            ledger.hold(ticket);
            Ok(())
        }
        Err(wait) => {
            let text = format!(
                "the same request came {limit} times within ten seconds, each time after its answer; \
                 quire takes this for a loop. Wait, or raise `repeat_limit` in `[server]`"
            );
            Err(Fault { retry_after: Some(wait), ..Fault::new(Kind::RateLimited, text) })
        }
    }
}

/// What the attempt is asked for.
fn ask(
    app: &App,
    snapshot: Arc<Snapshot>,
    read: Read,
    dialect: Dialect,
    reader: Reader,
    ledger: &Ledger,
) -> Ask {
    let root = read.document.root();
    // Only the Responses dialect repeats the request, and a body that is passed on is repeated by
    // its upstream.
    let passes = |one: &route::Candidate| one.dialect(dialect, root) == Some(dialect);
    let echo = match dialect {
        Dialect::Responses if !read.route.candidates.iter().all(passes) => {
            app.gateway.shared.get(&object::echo(root))
        }
        _ => Arc::from(""),
    };
    let head = Arc::new(Head {
        stem: read.id.replace('-', ""),
        created_at: unix_now(),
        model: read.route.asked.clone(),
        echo,
        sequence: AtomicU64::new(0),
    });
    Ask {
        dialect,
        passed_headers: Ask::headers_to_pass(dialect, &read.head.headers),
        document: read.document,
        route: read.route,
        snapshot,
        head,
        request_id: read.id,
        session: read.session,
        reader,
        ledger: ledger.clone(),
        early: Arc::new(Mutex::new(Early::default())),
    }
}

async fn answer(
    app: &Arc<App>,
    snapshot: Arc<Snapshot>,
    read: Read,
    dialect: Dialect,
    reader: Reader,
    ledger: &Ledger,
) -> Result<Response<Answer>, Fault> {
    admit(app, &snapshot, &read, ledger)?;
    let stream = read.stream;
    let keep_alive = snapshot.server.keep_alive;
    let ask = ask(app, snapshot, read, dialect, reader, ledger);
    let hold = if ask.route.candidates.len() > 1 { HOLD_WITH_FALLBACK } else { HOLD };
    let vault = ModelVault::new(Arc::clone(&app.gateway.sealer), ask.route.candidates[0].name());
    // Should all candidates fail, the last one is the one that was heard of last.
    let last = ask.route.candidates.last();
    let setting = Setting {
        request_id: ask.request_id.clone(),
        provider: last.map(|last| last.provider.id.clone()).unwrap_or_default(),
        upstream_model: last.map(|last| last.model.id.clone()).unwrap_or_default(),
        ..Setting::default()
    };
    let (head, early) = (Arc::clone(&ask.head), Arc::clone(&ask.early));
    let attempt = Arc::clone(&app.gateway).answer(ask);
    if !stream {
        let (object, notes) = attempt.await?.finish().await?;
        let mut response = super::json_bytes(StatusCode::OK, object);
        add_notes(response.headers_mut(), &notes);
        return Ok(response);
    }
    let parts = Parts {
        dialect,
        head,
        ledger: ledger.clone(),
        vault,
        setting,
        keep_alive,
        early: Arc::clone(&early),
    };
    let mut attempt: super::stream::Attempt = Box::pin(attempt);
    let stream = match tokio::time::timeout(hold, &mut attempt).await {
        Ok(relay) => Stream::begun(parts, relay?),
        Err(_) => Stream::waiting(parts, attempt),
    };
    let mut response = Response::new(Answer::from(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    add_notes(headers, &early.lock().unwrap_or_else(PoisonError::into_inner).notes);
    Ok(response)
}

async fn count(
    app: &Arc<App>,
    snapshot: Arc<Snapshot>,
    read: Read,
    dialect: Dialect,
    reader: Reader,
    ledger: &Ledger,
) -> Result<Response<Answer>, Fault> {
    let ask = ask(app, snapshot, read, dialect, reader, ledger);
    let (request_id, candidate) = (ask.request_id.clone(), ask.route.candidates[0].clone());
    let Count { tokens, notes } = Arc::clone(&app.gateway).count(ask).await?;
    ledger.note(|exchange| exchange.outcome = crate::store::Outcome::Completed);
    ledger.settle(None, &notes);
    let mut body = match dialect {
        Dialect::Responses => {
            format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}")
        }
        Dialect::Chat | Dialect::Messages => format!("{{\"input_tokens\":{tokens}"),
    };
    // A number that the provider gave is passed as it is.
    if notes.list().iter().any(|note| note.code == Code::CountEstimated) {
        body.push_str(",\"quire\":");
        let (provider, model) = (&candidate.provider.id, &candidate.model.id);
        provenance(&request_id, provider, model, &notes, &mut body);
    }
    body.push('}');
    let mut response = super::json(StatusCode::OK, body);
    add_notes(response.headers_mut(), &notes.header());
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
