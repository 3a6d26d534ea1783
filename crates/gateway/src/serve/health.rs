//! Status of the process: `/health`, `/ready`, `/metrics` and the words at `/`.

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Answer, App};
use crate::codex;
use crate::config::{Origin, Snapshot};

/// Version, providers, and what is wrong with the configuration.
pub(super) fn health(app: &App) -> Response<Answer> {
    super::json(StatusCode::OK, status(app).to_string())
}

/// The same as a value, for the admin API too.
pub fn status(app: &App) -> Value {
    let snapshot = app.live.snapshot();
    let standing = app.live.standing();
    let problems: Vec<Value> = standing.diagnostics.iter().map(|found| found.json()).collect();
    let log = app.recorder.summary();
    json!({
        "status": if app.drain.is_draining() { "draining" } else { "ok" },
        "version": crate::VERSION,
        "pid": std::process::id(),
        "uptime_s": app.started.elapsed().as_secs(),
        "providers": providers(&snapshot),
        "config": {
            "file": snapshot.file,
            "stale": standing.stale,
            "problems": problems,
        },
        "codex": codex::instructions(&snapshot, None).json(),
        "exchanges": {"open": app.metrics.open(), "ended": app.metrics.ended().into_iter().collect::<std::collections::BTreeMap<_, _>>()},
        "log": {"written": log.written, "lost": log.lost},
    })
}

fn providers(snapshot: &Snapshot) -> Vec<Value> {
    let entry = |provider: &std::sync::Arc<crate::config::Provider>| {
        json!({
            "id": provider.id,
            "name": provider.record.name,
            "origin": match provider.origin {
                Origin::Configured => "configured",
                Origin::Environment => "environment",
                Origin::BuiltIn => "built-in",
            },
            "dialects": provider.dialects().map(|dialect| dialect.name()).collect::<Vec<_>>(),
            "key": match (&provider.key, provider.record.auth.optional) {
                (Some(_), _) => "present",
                (None, true) => "not needed",
                (None, false) => "missing",
            },
        })
    };
    snapshot.providers().iter().map(entry).collect()
}

/// Whether requests are taken.
pub(super) fn ready(app: &App) -> Response<Answer> {
    match app.drain.is_draining() {
        false => super::json(StatusCode::OK, json!({"ready": true}).to_string()),
        true => super::json(
            StatusCode::SERVICE_UNAVAILABLE,
            json!({"ready": false, "why": "shutting down"}).to_string(),
        ),
    }
}

/// Prometheus' text format.
pub(super) fn metrics(app: &App) -> Response<Answer> {
    let mut response = Response::new(Answer::from(app.metrics.render(app.recorder.summary().lost)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// For those who open the address in a browser.
pub(super) fn welcome() -> Response<Answer> {
    let text = format!(
        "quire {} is running.\n\nResponses: /v1/responses\nChat Completions: /v1/chat/completions\nMessages: /v1/messages\nModels: /v1/models\nStatus: /health\n",
        crate::VERSION
    );
    let mut response = Response::new(Answer::from(text));
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
