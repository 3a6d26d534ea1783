//! The admin API for the dashboard and the command line: JSON only, read-only for now, and only
//! with the admin token, which is never a client key.

use std::sync::Arc;

use http::{Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use serde_json::{Value, json};
use wire::fault::{Fault, Kind};

use crate::serve::{Answer, App, is_local_name, json_answer, shown_keys, status};
use crate::store::Filter;

/// The most rows of one page.
const MAX_ROWS: u32 = 500;

/// Answers a request to `/api`. Host and Origin have been checked; here loopback or a listed name
/// is wanted even where quire listens to everybody.
///
/// # Errors
/// What the caller did wrong.
pub async fn handle(app: &Arc<App>, request: Request<Incoming>) -> Result<Response<Answer>, Fault> {
    let host =
        request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_local_name(host, &app.live.snapshot().server.allowed_hosts) {
        return Err(Fault::new(
            Kind::Forbidden,
            "the admin API answers to loopback and to listed names only",
        ));
    }
    if !shown_keys(request.headers()).any(|shown| app.admin_token.matches(shown)) {
        return Err(Fault::new(
            Kind::Forbidden,
            "the admin API wants the token of `$QUIRE_HOME/admin-token` as `Authorization: Bearer`",
        ));
    }
    let path = request.uri().path().trim_end_matches('/');
    match (request.method(), path) {
        (&Method::GET, "/api/status") => Ok(json_answer(StatusCode::OK, &status(app))),
        (&Method::GET, "/api/requests") => {
            requests(app, request.uri().query().unwrap_or_default()).await
        }
        (&Method::GET, path) if path.starts_with("/api/requests/") => {
            one(app, &path["/api/requests/".len()..]).await
        }
        (&Method::GET, _) => Err(Fault::new(Kind::NotFound, "there is no such admin route")),
        _ => Err(Fault::bad_request("method", "this admin API only answers `GET`")),
    }
}

async fn requests(app: &Arc<App>, query: &str) -> Result<Response<Answer>, Fault> {
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let text =
        |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let number = |name: &'static str| match text(name) {
        None => Ok(None),
        Some(value) => value
            .parse::<i64>()
            .map(Some)
            .map_err(|_| Fault::bad_request(name, format!("`{name}` must be a whole number"))),
    };
    let filter = Filter {
        provider: text("provider"),
        model: text("model"),
        only_failures: text("failed").is_some_and(|value| value == "true"),
        since_ms: number("since_ms")?,
    };
    let limit = number("limit")?.unwrap_or(100).clamp(1, i64::from(MAX_ROWS)) as u32;
    let logs = app.store.logs();
    let rows = match number("after")? {
        Some(seq) => logs.after(seq, &filter, limit).await,
        None => logs.newest(&filter, limit).await,
    };
    let rows = rows.map_err(|error| {
        Fault::new(Kind::Internal, format!("the request log cannot be read: {error}"))
    })?;
    let rows: Vec<Value> = rows.iter().filter_map(|row| serde_json::to_value(row).ok()).collect();
    Ok(json_answer(StatusCode::OK, &json!({"requests": rows})))
}

async fn one(app: &Arc<App>, id: &str) -> Result<Response<Answer>, Fault> {
    let row = app.store.logs().get(id).await.map_err(|error| {
        Fault::new(Kind::Internal, format!("the request log cannot be read: {error}"))
    })?;
    match row.and_then(|row| serde_json::to_value(row).ok()) {
        Some(row) => Ok(json_answer(StatusCode::OK, &row)),
        None => Err(Fault::new(Kind::NotFound, "there is no such request in the log")),
    }
}
