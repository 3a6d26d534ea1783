//! Faults as HTTP answers.

use http::{HeaderMap, HeaderValue, Response, StatusCode};
use wire::dialect::Dialect;
use wire::fault::Reader;
use wire::fault::{Fault, Kind};

use super::Answer;

/// Who will read the errors of a request: Codex tells itself by its headers.
pub(super) fn reader_of(headers: &HeaderMap) -> Reader {
    let codex = headers.contains_key("originator")
        || headers.keys().any(|name| name.as_str().starts_with("x-codex-"));
    if codex { Reader::Codex } else { Reader::Other }
}

/// The answer for a fault.
pub(super) fn response(
    fault: &Fault,
    dialect: Dialect,
    reader: Reader,
    request_id: &str,
) -> Response<Answer> {
    let shown = dialect.error(fault, reader, request_id);
    let status = StatusCode::from_u16(shown.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = super::json(status, shown.body);
    let headers = response.headers_mut();
    if shown.permanent {
        headers.insert("x-should-retry", HeaderValue::from_static("false"));
    }
    // Codex waits for a 429 only when it is told how long.
    let wait = match (fault.retry_after, fault.kind) {
        (Some(wait), _) => Some(wait.as_secs_f64().ceil().max(1.0) as u64),
        (None, Kind::RateLimited) => Some(DEFAULT_WAIT_S),
        _ => None,
    };
    if let Some(seconds) = wait.filter(|_| !shown.permanent) {
        headers.insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer to a method that a path does not take. Codex is told of it as of every permanent
/// fault: it tries other statuses again.
pub(super) fn wrong_method(
    fault: &Fault,
    dialect: Dialect,
    reader: Reader,
    request_id: &str,
    right: &'static str,
) -> Response<Answer> {
    let mut response = response(fault, dialect, reader, request_id);
    if reader == Reader::Other {
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    }
    response.headers_mut().insert(http::header::ALLOW, HeaderValue::from_static(right));
    response
}

/// The wait for a throttled request whose upstream named none.
const DEFAULT_WAIT_S: u64 = 5;
