//! HTTP to providers: a head and a body go out, a head and a stream come back.
//!
//! It knows no credentials and no dialect. Connections are kept per origin and thread, but no task
//! reads them: whoever wants an answer reads its connection. So dropping an answer closes the
//! connection at once, and everything that has arrived is read in one go instead of one chunk a
//! wake-up. Redirects are never followed.

mod connect;
mod connection;
mod framing;
mod origin;
mod pool;
mod response;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use wire::fault::{Fault, Kind, Phase};

pub use response::{Body, Response};

use connect::Connector;
use connection::{Connection, Head};
use origin::Origin;

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
        request: Request<()>,
        body: Bytes,
        timeouts: Timeouts,
    ) -> Result<Response, Fault> {
        let origin = Origin::of(request.uri())?;
        let mut request = request;
        request.headers_mut().insert(header::HOST, origin.host_header());
        // Without this a server may choose any coding (RFC 9110, 12.5.3), and nothing here undoes one.
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        // A kept connection may have been closed just now: then a fresh one is tried. Only one
        // kept one is: an upstream that read the request and broke would read it every time.
        if let Some(connection) = pool::take(&origin) {
            match exchange(connection, &origin, &request, &body, timeouts).await {
                Err(Failed::Stale) => {}
                Err(Failed::Fault(fault)) => return Err(fault),
                Ok(response) => return Ok(response),
            }
        }
        let connection = self.connector.connect(&origin, timeouts.connect).await?;
        match exchange(connection, &origin, &request, &body, timeouts).await {
            Ok(response) => Ok(response),
            Err(Failed::Fault(fault)) => Err(fault),
            Err(Failed::Stale) => Err(cut(UNANSWERED)),
        }
    }
}

async fn exchange(
    mut connection: Connection,
    origin: &Origin,
    request: &Request<()>,
    body: &Bytes,
    timeouts: Timeouts,
) -> Result<Response, Failed> {
    match tokio::time::timeout(timeouts.idle, connection.send(request, body)).await {
        Ok(Ok(Head { status, headers })) => {
            let body = Body::new(connection, origin.clone(), timeouts.idle);
            Ok(Response { status, headers, body })
        }
        Ok(Err(failed)) => Err(failed),
        Err(_) => Err(Failed::Fault(silent(timeouts.idle))),
    }
}

/// Why no answer came.
enum Failed {
    /// The connection had been closed before the request: on a kept one that is normal.
    Stale,
    Fault(Fault),
}

const UNANSWERED: &str = "the upstream closed the connection without an answer";

fn cut(message: &str) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, message) }
}

fn silent(after: Duration) -> Fault {
    let text = format!("the upstream said nothing for {} s", after.as_secs());
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Idle, text) }
}
