//! Reading HTTP/1.1 messages from a raw stream: heads, and bodies by their framing. Both the
//! upstream and the client use it. It does not write, and knows neither TLS nor HTTP/2.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncReadExt};

/// A head larger than this is refused.
const MAX_HEAD: usize = 1 << 20;

/// Header names as sent, in order; looked up without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(pub Vec<(String, String)>);

impl Headers {
    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let known = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| value.as_str())
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, token: &str) -> bool {
        self.all(name).flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(token))
    }
}

/// The first line of a message, cut at its first two spaces, and its headers.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) line: [String; 3],
    pub(crate) headers: Headers,
}

impl Head {
    pub(crate) fn keeps_alive(&self) -> bool {
        !self.headers.says("connection", "close")
            && !self.line.iter().any(|part| part == "HTTP/1.0")
    }
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes are still to come.
    Counted(u64),
    /// Between two chunks, or inside one with so many bytes to come.
    Chunked(u64),
    /// Until the connection closes.
    UntilClosed,
    /// All of it has been read.
    Done,
}

impl Length {
    /// The framing that a head announces; `otherwise` where it announces none.
    pub(crate) fn of(headers: &Headers, otherwise: Self) -> io::Result<Self> {
        if headers.says("transfer-encoding", "chunked") {
            return Ok(Self::Chunked(0));
        }
        match headers.get("content-length") {
            Some(text) => match text.trim().parse() {
                Ok(0) => Ok(Self::Done),
                Ok(length) => Ok(Self::Counted(length)),
                Err(_) => Err(garbled(format!("content-length is `{text}`"))),
            },
            None => Ok(otherwise),
        }
    }
}

/// A stream with a buffer of what was read and not yet used.
#[derive(Debug)]
pub(crate) struct Reader<R> {
    stream: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(crate) fn new(stream: R) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Reads until the peer closes; what comes before that is kept for the next message.
    pub(crate) async fn closed(&mut self) {
        while matches!(self.fill().await, Ok(true)) {}
    }

    /// The next head, or nothing when the peer left between messages.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at;
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(garbled("the head is too large".into()));
            }
            match self.fill().await {
                Ok(true) => {}
                // A reset between messages is how a peer drops a connection it has no use for.
                Ok(false) | Err(_) if self.buffer.is_empty() => return Ok(None),
                Ok(false) => return Err(cut("the connection closed inside a head")),
                Err(error) => return Err(error),
            }
        };
        let bytes: Vec<u8> = self.buffer.drain(..end + 4).collect();
        // Latin-1, so that any header byte survives being looked at.
        let text: String = bytes[..end].iter().map(|&byte| char::from(byte)).collect();
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().splitn(3, ' ').map(str::to_owned);
        let line = std::array::from_fn(|_| words.next().unwrap_or_default());
        let headers = lines
            .map(|line| match line.split_once(':') {
                Some((name, value)) => Ok((name.to_owned(), value.trim().to_owned())),
                None => Err(garbled(format!("a header line is `{line}`"))),
            })
            .collect::<io::Result<_>>()?;
        Ok(Some(Head { line, headers: Headers(headers) }))
    }

    /// The next bytes of a body, as soon as there are any; nothing at its end. An early close is
    /// an error unless the close is the end.
    pub(crate) async fn part(&mut self, length: &mut Length) -> io::Result<Option<Vec<u8>>> {
        match *length {
            Length::Done => Ok(None),
            Length::UntilClosed => {
                if self.buffer.is_empty() && !self.fill().await? {
                    *length = Length::Done;
                    return Ok(None);
                }
                Ok(Some(std::mem::take(&mut self.buffer)))
            }
            Length::Counted(left) => {
                let bytes = self.up_to(left).await?;
                *length = match left - bytes.len() as u64 {
                    0 => Length::Done,
                    left => Length::Counted(left),
                };
                Ok(Some(bytes))
            }
            Length::Chunked(left) => {
                let left = match left {
                    0 => self.chunk_head().await?,
                    left => left,
                };
                if left == 0 {
                    while !self.line().await?.is_empty() {}
                    *length = Length::Done;
                    return Ok(None);
                }
                let bytes = self.up_to(left).await?;
                let left = left - bytes.len() as u64;
                if left == 0 && !self.line().await?.is_empty() {
                    return Err(garbled("a chunk is longer than it said".into()));
                }
                *length = Length::Chunked(left);
                Ok(Some(bytes))
            }
        }
    }

    /// A whole body.
    pub(crate) async fn body(&mut self, mut length: Length) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(part) = self.part(&mut length).await? {
            whole.extend_from_slice(&part);
        }
        Ok(whole)
    }

    async fn chunk_head(&mut self) -> io::Result<u64> {
        let line = self.line().await?;
        let size = line.split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(size, 16).map_err(|_| garbled(format!("a chunk size is `{size}`")))
    }

    async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            if !self.fill().await? {
                return Err(cut("the connection closed inside a chunked body"));
            }
        }
    }

    async fn up_to(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Err(cut("the connection closed inside a body"));
        }
        let count = usize::try_from(limit).unwrap_or(usize::MAX).min(self.buffer.len());
        Ok(self.buffer.drain(..count).collect())
    }

    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(8192);
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window == pattern)
}

fn garbled(what: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn cut(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &str) -> io::Result<(Head, Vec<u8>)> {
        let mut reader = Reader::new(text.as_bytes());
        let head = reader.head().await?.expect("there is a head");
        let length = Length::of(&head.headers, Length::UntilClosed)?;
        Ok((head, reader.body(length).await?))
    }

    #[tokio::test]
    async fn a_counted_body_is_read_to_its_length() {
        let (head, body) =
            read("POST /a b HTTP/1.1\r\nContent-Length: 3\r\nX: y\r\n\r\nabcd").await.unwrap();
        assert_eq!(head.line, ["POST", "/a", "b HTTP/1.1"]);
        assert_eq!(head.headers.get("x"), Some("y"));
        assert_eq!(body, b"abc");
    }

    #[tokio::test]
    async fn a_chunked_body_is_joined() {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n";
        assert_eq!(read(text).await.unwrap().1, b"abc");
    }

    #[tokio::test]
    async fn an_early_close_is_an_error_unless_the_close_is_the_end() {
        for framing in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
            let body = if framing.starts_with('C') { "abc" } else { "9\r\nabc" };
            let error =
                read(&format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{body}")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{framing}");
        }
        assert_eq!(read("HTTP/1.1 200 OK\r\nA: b\r\n\r\nabc").await.unwrap().1, b"abc");
    }
}
