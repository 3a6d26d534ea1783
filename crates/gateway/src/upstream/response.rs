//! The answer of a provider while it arrives.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use tokio::time::{Instant, Sleep};
use wire::fault::{Fault, Kind, Phase};

use super::connection::Connection;
use super::origin::Origin;
use super::pool;

/// How much is read in one go, so that one fast upstream cannot fill the memory.
const BATCH: usize = 256 << 10;

/// How much of a coding's name is told.
const MAX_CODING: usize = 40;

/// The head of an answer, and its body to come.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Body,
}

impl Response {
    /// The coding of the body, where it has one though it was not asked for.
    pub fn coding(&self) -> Option<String> {
        let lines = self.headers.get_all(header::CONTENT_ENCODING).iter();
        let mut names = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
        let name = names.find_map(|name| {
            let name = name.trim_ascii();
            (!name.is_empty() && !name.eq_ignore_ascii_case(b"identity")).then_some(name)
        })?;
        Some(String::from_utf8_lossy(name).chars().take(MAX_CODING).collect())
    }
}

/// The body of an answer. It reads its own connection; dropping it closes that, unless nothing but
/// the end of the body is to come.
#[derive(Debug)]
pub struct Body {
    /// None once everything has come.
    connection: Option<Connection>,
    origin: Origin,
    /// What was looked at and not handed out yet.
    ahead: Vec<u8>,
    idle: Duration,
    /// When something arrived last.
    last: Instant,
    /// Set when there is first something to wait for, and again only when it has fired.
    timer: Option<Pin<Box<Sleep>>>,
    answered: bool,
}

impl Body {
    pub(super) fn new(connection: Connection, origin: Origin, idle: Duration) -> Self {
        let (connection, last) = (Some(connection), Instant::now());
        Self { connection, origin, ahead: Vec::new(), idle, last, timer: None, answered: false }
    }

    /// Says that the answer is whole, so that only the end of its body is to come. Nobody waits
    /// for that: it is often a packet of its own.
    pub fn answered(&mut self) {
        self.answered = true;
    }

    /// Hands everything that has arrived to `sink`. Ready with `true` when there was something,
    /// with `false` at the end of the body.
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        sink: &mut impl FnMut(&[u8]),
    ) -> Poll<Result<bool, Fault>> {
        if !self.ahead.is_empty() {
            sink(&std::mem::take(&mut self.ahead));
            return Poll::Ready(Ok(true));
        }
        let mut read = 0;
        while read < BATCH
            && let Some(connection) = &mut self.connection
        {
            match connection.poll_body(cx, sink) {
                Poll::Ready(Ok(0)) => {
                    if let Some(connection) = self.connection.take() {
                        pool::keep(self.origin.clone(), connection);
                    }
                }
                Poll::Ready(Ok(more)) => read += more,
                Poll::Ready(Err(error)) => {
                    // What came before the break is real and has gone out.
                    self.connection = None;
                    let text = match error.kind() {
                        ErrorKind::UnexpectedEof => {
                            "the upstream closed the connection in the middle of its answer"
                                .to_owned()
                        }
                        _ => format!("upstream connection lost: {error}"),
                    };
                    return Poll::Ready(Err(super::cut(&text)));
                }
                Poll::Pending => break,
            }
        }
        if read > 0 {
            self.last = Instant::now();
            return Poll::Ready(Ok(true));
        }
        if self.connection.is_none() {
            return Poll::Ready(Ok(false));
        }
        self.poll_silence(cx).map(Err)
    }

    /// Ready when nothing has come for too long.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Fault> {
        let due = self.last + self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= due {
                return Poll::Ready(super::silent(self.idle));
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    /// Looks at the beginning until it tells `judge` something, which may be never.
    ///
    /// # Errors
    /// The body breaks off before.
    pub async fn look<T>(
        &mut self,
        judge: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut ahead = Vec::new();
        let mut judged = None;
        while judged.is_none()
            && poll_fn(|cx| self.poll_read(cx, &mut |data| ahead.extend_from_slice(data))).await?
        {
            judged = judge(&ahead);
        }
        self.ahead = ahead;
        Ok(judged)
    }

    /// Reads what comes within `patience`, at most `limit` bytes, however it ends.
    pub async fn beginning(mut self, limit: usize, patience: Duration) -> Bytes {
        let mut all = BytesMut::new();
        let reading = async {
            while all.len() < limit {
                let read =
                    poll_fn(|cx| self.poll_read(cx, &mut |data| all.extend_from_slice(data)));
                if !matches!(read.await, Ok(true)) {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(patience, reading).await;
        all.truncate(limit);
        all.freeze()
    }

    /// Reads to the end.
    ///
    /// # Errors
    /// The body breaks off, or is larger than `limit` bytes.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, Fault> {
        let mut all = BytesMut::new();
        loop {
            let more =
                poll_fn(|cx| self.poll_read(cx, &mut |data| all.extend_from_slice(data))).await?;
            if all.len() > limit {
                let text = format!("the upstream's answer is larger than {limit} bytes");
                return Err(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) });
            }
            if !more {
                return Ok(all.freeze());
            }
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.answered
            && let Some(connection) = self.connection.take()
        {
            pool::keep(self.origin.clone(), connection);
        }
    }
}
