//! One HTTP/1.1 connection to a provider: a request out, the head of its answer in.
//!
//! It is read by whoever wants the answer, straight into that reader: a stream of small events
//! costs one system call for all that has arrived and nothing beside (hyper hands over one chunk at
//! a time through a channel, and keeps 24 KB for each waiting connection).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use tokio::io::AsyncWriteExt as _;
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;
use wire::fault::{Fault, Kind, Phase};

use super::Failed;
use super::framing::{Framing, Malformed};
use super::stream::Stream;
use crate::buffers;

/// The most bytes and headers of an answer's head.
const MAX_HEAD: usize = 64 << 10;
const MAX_HEADERS: usize = 128;
/// How many interim answers (1xx) may come before the real one.
const MAX_INTERIM: usize = 16;
/// How much is read in one go.
const READ: usize = 32 << 10;
/// How soon after a request the end of a connection says that it had ended before: a server that had
/// closed answers with the next packet. One that closes later may have read and worked.
const AT_ONCE: Duration = Duration::from_millis(100);
/// How much of the end of an answer may come while its connection waits.
const MAX_REST: usize = 64 << 10;

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    /// What was read and not used yet. A connection that waits holds no memory for it.
    unread: Vec<u8>,
    /// The answer that is being read.
    framing: Option<Framing>,
    /// Whether another request may follow.
    keeps: bool,
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl Connection {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, unread: Vec::new(), framing: None, keeps: true }
    }

    /// Sends a request and reads the head of its answer.
    pub(super) async fn send(
        &mut self,
        request: &Request<()>,
        body: &Bytes,
    ) -> Result<Head, Failed> {
        let head = written(request, body.len());
        let mut bytes = head.as_slice().chain(body.as_ref());
        // A server that refuses a request early closes while it is still being sent: then what it
        // said counts, not that the sending failed.
        let written = self.stream.write_all_buf(&mut bytes).await.is_ok()
            && self.stream.flush().await.is_ok();
        buffers::give(head);
        let sent = Instant::now();
        for interim in 0..MAX_INTERIM {
            let Some(head) = self.head().await? else {
                let unread = !written || sent.elapsed() < AT_ONCE;
                return Err(match interim == 0 && unread {
                    true => Failed::Stale,
                    false => Failed::Fault(super::cut(super::UNANSWERED)),
                });
            };
            if !head.status.is_informational() {
                return Ok(head);
            }
            if head.status == StatusCode::SWITCHING_PROTOCOLS {
                break;
            }
        }
        Err(protocol("it never came to an end of its interim answers"))
    }

    /// The head of the next answer; none where the connection ends before it.
    async fn head(&mut self) -> Result<Option<Head>, Failed> {
        loop {
            if let Some(head) = self.parse()? {
                return Ok(Some(head));
            }
            if self.unread.len() > MAX_HEAD {
                return Err(protocol("its head is too large"));
            }
            let read = std::future::poll_fn(|cx| self.poll_fill(cx)).await;
            match (read, self.unread.is_empty()) {
                (Ok(0) | Err(_), true) => return Ok(None),
                (Ok(0), false) => {
                    let text =
                        "the upstream closed the connection in the middle of its answer's head";
                    return Err(Failed::Fault(super::cut(text)));
                }
                (Err(error), false) => {
                    let text = format!("upstream connection lost: {error}");
                    return Err(Failed::Fault(super::cut(&text)));
                }
                (Ok(_), _) => {}
            }
        }
    }

    /// The head, if all of it is here.
    fn parse(&mut self) -> Result<Option<Head>, Failed> {
        if self.unread.is_empty() {
            return Ok(None);
        }
        let mut parsed = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut parsed);
        let length = match response.parse(&self.unread) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(protocol(&error.to_string())),
        };
        let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| protocol("its status is no status"))?;
        let mut headers = HeaderMap::with_capacity(response.headers.len());
        for header in response.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value)) {
                headers.append(name, value);
            }
        }
        let tokens = |name| tokens(&headers, name);
        self.keeps = match response.version {
            Some(1) => !tokens(header::CONNECTION).any(|token| token == "close"),
            _ => tokens(header::CONNECTION).any(|token| token == "keep-alive"),
        };
        if !status.is_informational() {
            self.framing = Some(framing(status, &headers)?);
        }
        self.unread.drain(..length);
        Ok(Some(Head { status, headers }))
    }

    /// Reads what has arrived behind what is unread.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.unread.capacity() == 0 {
            self.unread = buffers::take(READ);
        } else if self.unread.capacity() - self.unread.len() < READ / 4 {
            self.unread.reserve(READ);
        }
        let read = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.unread);
        if read.is_pending() && self.unread.is_empty() {
            buffers::give(std::mem::take(&mut self.unread));
        }
        read
    }

    /// Hands more of the answer's body to `sink`. Ready with how many bytes were read, 0 at the end.
    pub(super) fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut impl FnMut(&[u8]),
    ) -> Poll<io::Result<usize>> {
        loop {
            let Some(framing) = &mut self.framing else { return Poll::Ready(Ok(0)) };
            if framing.is_over() {
                self.framing = None;
                continue;
            }
            if !self.unread.is_empty() {
                let used = framing.read(&self.unread, sink).map_err(malformed)?;
                self.consume(used);
                return Poll::Ready(Ok(used));
            }
            match std::task::ready!(self.poll_fill(cx)) {
                Ok(0) => {
                    self.keeps = false;
                    let whole = matches!(self.framing.take(), Some(Framing::UntilClose));
                    return Poll::Ready(if whole {
                        Ok(0)
                    } else {
                        Err(io::ErrorKind::UnexpectedEof.into())
                    });
                }
                Ok(_) => {}
                Err(error) => {
                    self.keeps = false;
                    // A server that closes without TLS's own goodbye ends such a body all the same.
                    let whole = error.kind() == io::ErrorKind::UnexpectedEof
                        && matches!(self.framing.take(), Some(Framing::UntilClose));
                    return Poll::Ready(if whole { Ok(0) } else { Err(error) });
                }
            }
        }
    }

    fn consume(&mut self, used: usize) {
        if used == self.unread.len() {
            buffers::give(std::mem::take(&mut self.unread));
        } else {
            self.unread.drain(..used);
        }
    }

    /// Whether some of the last answer is still to come.
    pub(super) fn is_answering(&self) -> bool {
        self.framing.is_some()
    }

    /// Whether another request may be sent: the last answer has ended, nothing followed it, and the
    /// other side has not closed.
    pub(super) fn is_ready(&mut self) -> bool {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut rest = 0;
        while rest <= MAX_REST {
            match self.poll_body(cx, &mut |_| {}) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(read)) => rest += read,
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
        }
        !self.is_answering()
            && self.keeps
            && self.unread.is_empty()
            && self.poll_fill(cx).is_pending()
    }
}

/// The request as bytes, without its body.
fn written(request: &Request<()>, length: usize) -> Vec<u8> {
    let mut out = buffers::take(1024);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    out.extend_from_slice(request.method().as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(path.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in request.headers() {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    // A question without a body says nothing of its length (RFC 9110, 8.6).
    if length > 0 || request.method() != Method::GET {
        out.extend_from_slice(format!("content-length: {length}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// How the body of an answer ends (RFC 9112, 6.3).
fn framing(status: StatusCode, headers: &HeaderMap) -> Result<Framing, Failed> {
    if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return Ok(Framing::Length(0));
    }
    if let Some(last) = tokens(headers, header::TRANSFER_ENCODING).last() {
        return match last.as_str() {
            "chunked" if tokens(headers, header::TRANSFER_ENCODING).count() == 1 => {
                Ok(Framing::CHUNKED)
            }
            other => Err(protocol(&format!("its transfer encoding `{other}` was not asked for"))),
        };
    }
    let mut lengths = tokens(headers, header::CONTENT_LENGTH);
    let Some(first) = lengths.next() else { return Ok(Framing::UntilClose) };
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    match first.parse() {
        Ok(length) if is_number && lengths.all(|other| other == first) => {
            Ok(Framing::Length(length))
        }
        _ => Err(protocol("its content length is no number")),
    }
}

/// The comma-separated words of a header, in lower case.
fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = String> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|token| token.trim().to_ascii_lowercase())
}

fn protocol(why: &str) -> Failed {
    let text = format!("the upstream's answer is not HTTP: {why}");
    Failed::Fault(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) })
}

fn malformed(_: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its chunks are malformed")
}
