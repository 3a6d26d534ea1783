//! The body of an answer: a text that is here, or a stream that is still being made.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::stream::Stream;
use crate::buffers;

/// The body of an answer.
#[derive(Debug)]
pub struct Answer(Inner);

#[derive(Debug)]
enum Inner {
    Whole(Option<Bytes>),
    Stream(Box<Stream>),
}

impl Answer {
    /// No body.
    pub fn empty() -> Self {
        Self(Inner::Whole(None))
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Whole(Some(Bytes::from(bytes)).filter(|bytes| !bytes.is_empty())))
    }
}

impl From<Stream> for Answer {
    fn from(stream: Stream) -> Self {
        Self(Inner::Stream(Box::new(stream)))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Inner::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Inner::Stream(stream) => stream
                .poll_next(cx)
                .map(|piece| piece.map(|piece| Ok(Frame::data(buffers::lend(piece))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Whole(bytes) => bytes.is_none(),
            // Told together with the last piece, so that both leave in one write.
            Inner::Stream(stream) => stream.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Inner::Stream(_) => SizeHint::default(),
        }
    }
}
