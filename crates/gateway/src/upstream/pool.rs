//! Connections that wait for their next request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use wire::fault::{Fault, Kind};

/// How many connections wait for each origin, and how long; servers close sooner than this.
const MAX_WAITING: usize = 64;
const MAX_WAIT: Duration = Duration::from_secs(50);
/// How many pieces may follow a whole answer; more are not worth reading.
const MAX_REST: usize = 16;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    pub(super) fn of(uri: &Uri) -> Result<Self, Fault> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri
            .host()
            .ok_or_else(|| Fault::new(Kind::Internal, "the provider's URL names no host"))?;
        // Brackets belong to the URL, not to the address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn host_header(&self) -> HeaderValue {
        let usual = if self.tls { 443 } else { 80 };
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let text = if self.port == usual { host } else { format!("{host}:{}", self.port) };
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

/// A byte stream, with or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

macro_rules! each {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Plain($stream) => $call,
            Stream::Tls($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

/// One connection and the machine that drives it, which runs only while somebody polls it.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<http1::Connection<TokioIo<Stream>, Full<Bytes>>>>,
    /// The end of the last answer, which must come before the next request is sent.
    rest: Option<Incoming>,
    over: bool,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Connection {
    pub(super) async fn handshake(stream: TokioIo<Stream>) -> hyper::Result<Self> {
        let (sender, driver) = http1::Builder::new().handshake(stream).await?;
        Ok(Self { sender, driver: Box::pin(driver), rest: None, over: false })
    }

    /// Sends a request and drives the connection until the head of the answer is here.
    pub(super) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        let mut reply = std::pin::pin!(self.sender.send_request(request));
        let (driver, over) = (&mut self.driver, &mut self.over);
        poll_fn(|cx| {
            if let Poll::Ready(done) = reply.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            if !*over {
                // Errors of the connection come out of the reply as well.
                *over = driver.as_mut().poll(cx).is_ready();
            }
            reply.as_mut().poll(cx)
        })
        .await
    }

    /// Moves what can be moved.
    pub(super) fn drive(&mut self, cx: &mut Context<'_>) {
        if !self.over {
            self.over = self.driver.as_mut().poll(cx).is_ready();
        }
    }

    /// The connection behind an answer of which only `rest` is to come.
    pub(super) fn after(mut self, rest: Incoming) -> Self {
        self.rest = Some(rest);
        self
    }

    /// Whether another request may be sent.
    fn is_ready(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        self.drive(cx);
        self.ended(cx) && !self.over && self.sender.is_ready()
    }

    /// Whether the last answer has come to its end.
    fn ended(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..MAX_REST {
            let Some(rest) = &mut self.rest else { return true };
            match Pin::new(rest).poll_frame(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(None) => self.rest = None,
                Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
            }
            self.drive(cx);
        }
        false
    }
}

/// Connections of one origin, the longest wait first.
type Waiting = Vec<(Instant, Connection)>;

thread_local! {
    /// The waiting connections of this thread. They stay where their runtime is, so nothing is
    /// locked and nobody else is woken.
    static WAITING: RefCell<HashMap<Origin, Waiting>> = RefCell::default();
}

/// The connection of this thread that waits for the shortest time, if one is still good.
pub(super) fn take(origin: &Origin) -> Option<Connection> {
    WAITING.with_borrow_mut(|waiting| {
        let list = waiting.get_mut(origin)?;
        while let Some((since, mut connection)) = list.pop() {
            if since.elapsed() > MAX_WAIT {
                // Those below have waited even longer.
                list.clear();
                return None;
            }
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    })
}

/// Keeps a connection whose answer is whole.
pub(super) fn keep(origin: Origin, mut connection: Connection) {
    if connection.rest.is_none() && !connection.is_ready() {
        return;
    }
    // While the thread ends there is nobody to keep it for.
    let _ = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let list = waiting.entry(origin).or_default();
        list.retain(|(since, _)| since.elapsed() <= MAX_WAIT);
        if list.len() < MAX_WAITING {
            list.push((Instant::now(), connection));
        }
    });
}
