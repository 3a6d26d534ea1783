//! A raw HTTP/1.1 client for tests of the gateway: it sends any bytes at any speed, sees when each
//! event arrives, and can leave at any moment. It checks nothing and repairs nothing. There is no
//! TLS, and no pool: one [`Connection`] is one socket.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, timeout};

pub use crate::http::Headers;
use crate::http::{Head, Length, Reader};
pub use crate::sse::Event;
use crate::sse::{Frame, Parser};

/// A read that takes longer fails, so that a test ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// One request, built up and then sent.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without a body. `path` starts with a slash.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// `GET path`.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// `POST path`.
    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `Authorization: Bearer key`.
    #[must_use]
    pub fn bearer(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    /// A body of any bytes; nothing says what they are.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// A JSON body with its content type.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// The bytes on the wire: `Host` and `Content-Length` are added where they were not given.
    pub fn to_bytes(&self, host: SocketAddr) -> Vec<u8> {
        let given =
            |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        if !given("host") {
            head.push_str(&format!("host: {host}\r\n"));
        }
        if !given("content-length") && !given("transfer-encoding") && self.method != "GET" {
            head.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// Where to connect.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    address: SocketAddr,
}

impl Client {
    /// A client of this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// A client of the host in an `http://` URL with an IP address; its path is ignored.
    ///
    /// # Errors
    /// When the URL is of another kind.
    pub fn of(url: &str) -> io::Result<Self> {
        let rest = url.strip_prefix("http://").unwrap_or(url);
        let host = rest.split('/').next().unwrap_or_default();
        match host.parse() {
            Ok(address) => Ok(Self { address }),
            Err(_) => {
                Err(io::Error::new(ErrorKind::InvalidInput, format!("no address in `{url}`")))
            }
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Connection { address: self.address, reader: Reader::new(read), write })
    }

    /// Sends one request on a connection of its own and waits for the head of the answer.
    ///
    /// # Errors
    /// When the connection fails or no head comes.
    pub async fn send(&self, request: &Request) -> io::Result<Response> {
        let mut connection = self.connect().await?;
        connection.write(&request.to_bytes(self.address)).await?;
        connection.response().await
    }

    /// [`Client::send`] for `GET path`.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn get(&self, path: &str) -> io::Result<Response> {
        self.send(&Request::get(path)).await
    }

    /// [`Client::send`] for `POST path` with a JSON body.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn post(&self, path: &str, body: &Value) -> io::Result<Response> {
        self.send(&Request::post(path).json(body)).await
    }

    /// Sends these very bytes and waits for the head of an answer.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn raw(&self, bytes: &[u8]) -> io::Result<Response> {
        let mut connection = self.connect().await?;
        connection.write(bytes).await?;
        connection.response().await
    }
}

/// One open socket.
#[derive(Debug)]
pub struct Connection {
    address: SocketAddr,
    reader: Reader<OwnedReadHalf>,
    write: OwnedWriteHalf,
}

impl Connection {
    /// Writes these bytes and no more.
    ///
    /// # Errors
    /// When the peer is gone.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write.write_all(bytes).await
    }

    /// Writes a request.
    ///
    /// # Errors
    /// When the peer is gone.
    pub async fn request(&mut self, request: &Request) -> io::Result<()> {
        let bytes = request.to_bytes(self.address);
        self.write(&bytes).await
    }

    /// Writes the bytes in pieces of `size`, with a pause before each but the first.
    ///
    /// # Errors
    /// When the peer is gone.
    pub async fn write_slowly(
        &mut self,
        bytes: &[u8],
        size: usize,
        pause: Duration,
    ) -> io::Result<()> {
        for (index, piece) in bytes.chunks(size.max(1)).enumerate() {
            if index > 0 {
                tokio::time::sleep(pause).await;
            }
            self.write(piece).await?;
        }
        Ok(())
    }

    /// Says that nothing more will be sent, and keeps reading.
    ///
    /// # Errors
    /// When the peer is gone.
    pub async fn end_sending(&mut self) -> io::Result<()> {
        self.write.shutdown().await
    }

    /// The head of the next answer; interim ones (1xx) are skipped, except 101.
    ///
    /// # Errors
    /// When no head comes in thirty seconds, or something else comes.
    pub async fn response(mut self) -> io::Result<Response> {
        loop {
            let head = patient(self.reader.head()).await?;
            let head = head.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))?;
            let status = head.line[1].parse().map_err(|_| {
                io::Error::new(
                    ErrorKind::InvalidData,
                    format!("no status in `{}`", head.line.join(" ")),
                )
            })?;
            if (100..200).contains(&status) && status != 101 {
                continue;
            }
            let length = match status {
                204 | 304 => Length::Done,
                _ => Length::of(&head.headers, Length::UntilClosed)?,
            };
            return Ok(Response { status, head, length, connection: self });
        }
    }

    /// Leaves with a reset instead of a polite close.
    ///
    /// # Errors
    /// When the socket refuses the option.
    pub fn reset(self) -> io::Result<()> {
        self.write.as_ref().set_zero_linger()?;
        // Dropped whole: the write half alone would say a polite goodbye first.
        self.write.forget();
        Ok(())
    }
}

/// An answer whose head has come. Dropping it closes the connection.
#[derive(Debug)]
pub struct Response {
    status: u16,
    head: Head,
    length: Length,
    connection: Connection,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)
    }

    /// Every header.
    pub fn headers(&self) -> &Headers {
        &self.head.headers
    }

    /// The next bytes of the body as they come; nothing at its end.
    ///
    /// # Errors
    /// When the body is cut, garbled, or silent for thirty seconds.
    pub async fn part(&mut self) -> io::Result<Option<Vec<u8>>> {
        patient(self.connection.reader.part(&mut self.length)).await
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Response::part`].
    pub async fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let mut whole = Vec::new();
        while let Some(part) = self.part().await? {
            whole.extend_from_slice(&part);
        }
        Ok(whole)
    }

    /// The whole body as text; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`Response::part`].
    pub async fn text(&mut self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes().await?).into_owned())
    }

    /// The whole body as JSON.
    ///
    /// # Errors
    /// As [`Response::part`], and when it is not JSON.
    pub async fn json(&mut self) -> io::Result<Value> {
        Ok(serde_json::from_slice(&self.bytes().await?)?)
    }

    /// The body as server-sent events.
    pub fn events(self) -> Events {
        Events {
            response: self,
            parser: Parser::default(),
            ready: Vec::new().into(),
            comments: Vec::new(),
            raw: Vec::new(),
        }
    }

    /// The connection again, to send the next request on it. The body must have been read.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Leaves with a reset instead of a polite close.
    ///
    /// # Errors
    /// When the socket refuses the option.
    pub fn reset(self) -> io::Result<()> {
        self.connection.reset()
    }
}

/// One event and when it came.
#[derive(Clone, Debug)]
pub struct Arrived {
    pub event: Event,
    pub at: Instant,
}

/// The events of an answer, read as they come. Dropping it closes the connection.
#[derive(Debug)]
pub struct Events {
    response: Response,
    parser: Parser,
    ready: std::collections::VecDeque<Arrived>,
    comments: Vec<(String, Instant)>,
    raw: Vec<u8>,
}

impl Events {
    /// The next event; nothing at the end of the body.
    ///
    /// # Errors
    /// When the body is cut, garbled, or silent for thirty seconds.
    pub async fn next(&mut self) -> io::Result<Option<Arrived>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(bytes) = self.response.part().await? else { return Ok(None) };
            let at = Instant::now();
            self.raw.extend_from_slice(&bytes);
            for frame in self.parser.push(&bytes) {
                match frame {
                    Frame::Event(event) => self.ready.push_back(Arrived { event, at }),
                    Frame::Comment(text) => self.comments.push((text, at)),
                }
            }
        }
    }

    /// Reads to the end. The second value is how the body failed, if it did.
    pub async fn rest(&mut self) -> (Vec<Arrived>, Option<io::Error>) {
        let mut events = Vec::new();
        loop {
            match self.next().await {
                Ok(Some(event)) => events.push(event),
                Ok(None) => return (events, None),
                Err(error) => return (events, Some(error)),
            }
        }
    }

    /// The comments that came so far, with their times.
    pub fn comments(&self) -> &[(String, Instant)] {
        &self.comments
    }

    /// Every byte of the body so far.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The answer itself, for its head or to leave with a reset.
    pub fn into_response(self) -> Response {
        self.response
    }
}

async fn patient<T>(reading: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match timeout(PATIENCE, reading).await {
        Ok(result) => result,
        Err(_) => Err(io::Error::new(ErrorKind::TimedOut, "nothing came for thirty seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_gets_host_and_length_but_keeps_what_was_given() {
        let host = "127.0.0.1:9".parse().unwrap();
        let bytes = Request::post("/x").header("Host", "evil").body("ab").to_bytes(host);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "POST /x HTTP/1.1\r\ncontent-length: 2\r\nHost: evil\r\n\r\nab"
        );
        let bytes = Request::get("/x").bearer("k").to_bytes(host);
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "GET /x HTTP/1.1\r\nhost: 127.0.0.1:9\r\nauthorization: Bearer k\r\n\r\n"
        );
    }

    #[test]
    fn a_url_without_an_address_is_refused() {
        assert!(Client::of("http://127.0.0.1:1/v1").is_ok());
        assert!(Client::of("https://example.com/v1").is_err());
    }
}
