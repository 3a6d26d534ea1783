//! HTTP to providers: a head and a body go out, a head and a stream come back.
//!
//! It knows no credentials and no dialect. Connections are kept per origin, but no task drives
//! them: whoever reads an answer drives its connection. So dropping an answer closes the
//! connection at once, and everything that has arrived is read in one go instead of one chunk a
//! wake-up. Redirects are never followed.

mod connect;
mod pool;
mod response;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use wire::fault::{Fault, Kind, Phase};

pub use response::{Body, Response};

use connect::Connector;
use pool::Connection;

/// How long to wait for what.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// Silence, before the answer begins and within it.
    pub idle: Duration,
}

/// The client for all providers.
#[derive(Debug, Default)]
pub struct Client {
    connector: Connector,
}

impl Client {
    /// Sends a request whose URI is absolute, and waits for the head of the answer.
    ///
    /// # Errors
    /// No connection, or one that broke or fell silent before the head came. The phase tells
    /// whether the request may have been read.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
        timeouts: Timeouts,
    ) -> Result<Response, Fault> {
        let origin = pool::Origin::of(request.uri())?;
        let mut request = request;
        request.headers_mut().insert(http::header::HOST, origin.host_header());
        // The wire wants the path alone.
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse().map_err(|_| {
            Fault::new(Kind::Internal, "the provider's URL cannot be put on the wire")
        })?;
        // A kept connection may have been closed just now: then a fresh one is tried. Only one
        // kept one is: an upstream that read the request and broke would read it every time.
        if let Some(connection) = pool::take(&origin) {
            match self.exchange(connection, &origin, &request, timeouts).await {
                Err(Failed::Stale) => {}
                Err(Failed::Fault(fault)) => return Err(fault),
                Ok(response) => return Ok(response),
            }
        }
        let connection = self.connector.connect(&origin, timeouts.connect).await?;
        match self.exchange(connection, &origin, &request, timeouts).await {
            Ok(response) => Ok(response),
            Err(Failed::Fault(fault)) => Err(fault),
            Err(Failed::Stale) => Err(cut("the upstream closed the connection without an answer")),
        }
    }

    async fn exchange(
        &self,
        mut connection: Connection,
        origin: &pool::Origin,
        request: &Request<Full<Bytes>>,
        timeouts: Timeouts,
    ) -> Result<Response, Failed> {
        let reply = connection.send(request.clone());
        match tokio::time::timeout(timeouts.idle, reply).await {
            Ok(Ok(reply)) => {
                let (head, incoming) = reply.into_parts();
                let body = Body::new(incoming, connection, origin.clone(), timeouts.idle);
                Ok(Response { status: head.status, headers: head.headers, body })
            }
            Ok(Err(error))
                if error.is_canceled() || error.is_closed() || error.is_incomplete_message() =>
            {
                Err(Failed::Stale)
            }
            Ok(Err(error)) if error.is_parse() => Err(Failed::Fault(Fault {
                phase: Phase::Sent,
                ..Fault::new(Kind::Protocol, format!("the upstream's answer is not HTTP: {error}"))
            })),
            Ok(Err(error)) => {
                Err(Failed::Fault(cut(&format!("the connection to the upstream broke: {error}"))))
            }
            Err(_) => Err(Failed::Fault(silent(timeouts.idle))),
        }
    }
}

/// Why no answer came.
enum Failed {
    /// The connection was closed before any answer: on a kept one that is normal.
    Stale,
    Fault(Fault),
}

fn cut(message: &str) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, message) }
}

fn silent(after: Duration) -> Fault {
    let text = format!("the upstream said nothing for {} s", after.as_secs());
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Idle, text) }
}
