//! What cannot be parsed is answered by hyper itself, with a bare status. This stream gives those
//! answers a body and an id, like every other error of quire; everything else passes untouched.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use wire::fault::Fault;
use wire::fault::Reader;
use wire::responses::fault::answer;

use crate::store::new_id;

/// The header that all answers of quire have, and those of hyper have not.
const ID: &str = "x-quire-request-id";

/// A stream whose bare refusals are put into words.
#[derive(Debug)]
pub(super) struct Worded<S> {
    stream: S,
    /// What goes out instead of a bare answer of so many bytes.
    instead: Vec<u8>,
    written: usize,
    bare: usize,
}

impl<S> Worded<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, instead: Vec::new(), written: 0, bare: 0 }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

/// The status of a bare refusal.
fn bare_status(bytes: &[u8]) -> Option<&str> {
    if bytes.get(9) != Some(&b'4') || !bytes.starts_with(b"HTTP/1.") {
        return None;
    }
    let head = std::str::from_utf8(bytes).ok()?;
    let bare = head.ends_with("\r\n\r\n") && !head.contains(ID);
    bare.then(|| head.get(9..12)).flatten()
}

/// An error with this status, as bytes.
pub(super) fn refusal(status: &str, message: &str) -> Vec<u8> {
    let body = answer(&Fault::bad_request("", message), Reader::Other).body;
    format!(
        "HTTP/1.1 {status} Refused\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\nx-should-retry: false\r\n{ID}: {}\r\n\r\n{body}",
        body.len(),
        new_id(),
    )
    .into_bytes()
}

fn words(status: &str) -> &'static str {
    match status {
        "431" => "the request has too many headers, or too large ones",
        "414" => "the request's path is too long",
        _ => "the request is not HTTP/1.1 that quire reads",
    }
}

impl<S: Write + Unpin> Write for Worded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_empty() {
            let Some(status) = bare_status(bytes) else {
                return Pin::new(&mut this.stream).poll_write(cx, bytes);
            };
            (this.instead, this.bare) = (refusal(status, words(status)), bytes.len());
        }
        while this.written < this.instead.len() {
            let rest = &this.instead[this.written..];
            match ready!(Pin::new(&mut this.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => this.written += count,
            }
        }
        (this.instead, this.written) = (Vec::new(), 0);
        Poll::Ready(Ok(this.bare))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.iter().find(|slice| !slice.is_empty());
        match first.filter(|first| !self.instead.is_empty() || bare_status(first).is_some()) {
            Some(first) => self.poll_write(cx, first),
            None => Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl<S: Read + Unpin> Read for Worded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_refusals_are_put_into_words() {
        let bare = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(bare_status(bare), Some("431"));
        assert_eq!(bare_status(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), None);
        assert_eq!(bare_status(b"HTTP/1.1 404 Not Found\r\nx-quire-request-id: 1\r\n\r\n"), None);
        assert_eq!(bare_status(b"data: 4HTTP/1.1 4"), None);
        assert_eq!(bare_status(b""), None);
    }
}
