//! One connection: requests read one after the other, each answered as its step says. While an
//! answer is under way the socket is read too, so that a client that leaves is noticed at once.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, sleep};

use super::Shared;
use super::record::{Ending, Recorded};
use super::route::admit;
use crate::Dialect;
use crate::http::{Head, Length, Reader};
use crate::script::{Answer, Asked, Beat, Break, End, Framing, Limit, Line, Step, stream, whole};

pub(super) async fn serve(stream: TcpStream, number: usize, shared: Arc<Shared>) {
    // Fails only on a socket that is already gone, which the first read will tell.
    let _ = stream.set_nodelay(true);
    let (read, write) = stream.into_split();
    let mut reader = Reader::new(read);
    let mut write = Some(write);
    let dialect = shared.settings.profile.dialect();
    while let Some(socket) = &mut write {
        let request = match request(&mut reader, socket, number).await {
            Ok(Some(request)) => request,
            Ok(None) => return,
            Err(error) => {
                shared.change(|state| state.troubles.push(format!("half a request: {error}")));
                return;
            }
        };
        let Incoming { request, keeps_alive } = request;
        let method = request.method.clone();
        let (index, step) = shared.change(|state| admit(&shared.settings, state, request));
        let asked = shared.change(|state| Asked::of(&state.requests[index].json, index));
        let plan = Plan::of(dialect, &step, &asked, method == "HEAD", keeps_alive);
        let stays = plan.stays;
        let mut sender =
            Sender { write: socket, line: &step.line, plan: &plan, bytes: 0, events: 0 };
        let ending = tokio::select! {
            biased;
            ending = sender.run() => ending,
            () = reader.closed() => Done::ClientClosed,
        };
        let now = Instant::now();
        let (ending, stays) = match ending {
            Done::Finished => (Ending::Finished(now), stays),
            Done::ClientClosed => (Ending::ClientClosed(now), false),
            Done::Cut(end) => {
                if end == End::Reset
                    && let Some(socket) = write.take()
                {
                    // Dropped whole after this: the write half alone would say goodbye first.
                    let _ = socket.as_ref().set_zero_linger();
                    socket.forget();
                }
                (Ending::Cut(now), false)
            }
        };
        shared.change(|state| state.requests[index].ending = ending);
        if !stays {
            drop(write.take());
            if matches!(ending, Ending::Finished(_)) {
                drain(&mut reader).await;
            }
        }
    }
}

/// Reads for a moment what the client still sends: a socket closed over unread bytes sends a
/// reset, and the client would lose the end of its answer.
async fn drain(reader: &mut Reader<OwnedReadHalf>) {
    let _ = tokio::time::timeout(Duration::from_millis(500), reader.closed()).await;
}

struct Incoming {
    request: Recorded,
    keeps_alive: bool,
}

async fn request(
    reader: &mut Reader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    connection: usize,
) -> io::Result<Option<Incoming>> {
    let Some(head) = reader.head().await? else { return Ok(None) };
    if head.headers.get("expect").is_some() {
        write.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let length = Length::of(&head.headers, Length::Done)?;
    let body = reader.body(length).await?;
    let keeps_alive = head.keeps_alive();
    let Head { line: [method, path, _], headers } = head;
    let request = Recorded {
        number: 0,
        connection,
        method,
        path,
        headers,
        json: Arc::new(serde_json::from_slice(&body).unwrap_or(Value::Null)),
        body: body.into(),
        arrived: Instant::now(),
        refusal: None,
        ending: Ending::Open,
    };
    Ok(Some(Incoming { request, keeps_alive }))
}

/// What to write: a head, then beats in a framing.
struct Plan {
    head: Vec<u8>,
    framing: Framing,
    beats: Vec<Beat>,
    stays: bool,
}

impl Plan {
    fn of(
        dialect: Dialect,
        step: &Step,
        asked: &Asked,
        head_only: bool,
        keeps_alive: bool,
    ) -> Self {
        let line = &step.line;
        let (status, headers, kind, usual, beats) = match &step.answer {
            Answer::Raw(bytes) => {
                let beats = vec![Beat::Send(bytes.clone())];
                return Self { head: Vec::new(), framing: Framing::Closed, beats, stays: false };
            }
            Answer::Silence => {
                let beats = vec![Beat::Stall];
                return Self { head: Vec::new(), framing: Framing::Closed, beats, stays: false };
            }
            Answer::Http(http) => {
                let beats = vec![Beat::Send(http.bytes(dialect, asked.number))];
                (http.status, &http.headers, "application/json", Framing::Counted, beats)
            }
            Answer::Says(says) if asked.stream => {
                let beats = stream(dialect, says, asked, line.crlf);
                let kind = "text/event-stream; charset=utf-8";
                (200, &says.headers, kind, Framing::Chunked, beats)
            }
            Answer::Says(says) => {
                let beats = whole(dialect, says, asked);
                (200, &says.headers, "application/json", Framing::Counted, beats)
            }
        };
        let framing = line.framing.unwrap_or(usual);
        let stays = keeps_alive && framing != Framing::Closed && !line.close_after;
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason(status));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            head.push_str(&format!("content-type: {kind}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match framing {
            Framing::Chunked => head.push_str("transfer-encoding: chunked\r\n"),
            Framing::Counted => head.push_str(&format!("content-length: {}\r\n", length(&beats))),
            Framing::Closed => {}
        }
        let name = match dialect {
            Dialect::Chat | Dialect::Responses => "x-request-id",
            Dialect::Messages => "request-id",
        };
        head.push_str(&format!("{name}: req_{}\r\n", asked.number));
        head.push_str(if stays { "\r\n" } else { "connection: close\r\n\r\n" });
        let beats = if head_only { Vec::new() } else { beats };
        let framing = if head_only { Framing::Counted } else { framing };
        Self { head: head.into_bytes(), framing, beats, stays }
    }
}

/// The length that a counted answer announces: with a cut or a stall in it, more than will come.
fn length(beats: &[Beat]) -> usize {
    let sent: usize =
        beats.iter().map(|beat| if let Beat::Send(bytes) = beat { bytes.len() } else { 0 }).sum();
    let broken = beats.iter().any(|beat| matches!(beat, Beat::Cut(_) | Beat::Stall));
    sent + if broken { 1000 } else { 0 }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        529 => "Site is overloaded",
        _ => "Other",
    }
}

/// How sending came to its end.
enum Done {
    Finished,
    ClientClosed,
    Cut(End),
}

struct Sender<'a> {
    write: &'a mut OwnedWriteHalf,
    line: &'a Line,
    plan: &'a Plan,
    /// Bytes of the body sent so far.
    bytes: usize,
    /// Events sent so far.
    events: usize,
}

impl Sender<'_> {
    async fn run(&mut self) -> Done {
        match self.all().await {
            Ok(done) => done,
            Err(_) => Done::ClientClosed,
        }
    }

    async fn all(&mut self) -> io::Result<Done> {
        pause(self.line.head_delay).await;
        self.write.write_all(&self.plan.head).await?;
        let plan = self.plan;
        for beat in &plan.beats {
            match beat {
                Beat::Send(bytes) => {
                    if self.is_broken() {
                        return Ok(self.break_here().await);
                    }
                    pause(self.line.pace).await;
                    if let Some(broken) = self.body(bytes).await? {
                        return Ok(broken);
                    }
                }
                Beat::Pause(time) => pause(*time).await,
                Beat::Cut(end) => return Ok(Done::Cut(*end)),
                Beat::Stall => return std::future::pending().await,
            }
        }
        if self.is_broken() {
            return Ok(self.break_here().await);
        }
        if plan.framing == Framing::Chunked {
            self.pieces(b"0\r\n\r\n").await?;
        }
        Ok(Done::Finished)
    }

    /// Sends one part of the body, or as much of it as the line lets through.
    async fn body(&mut self, bytes: &[u8]) -> io::Result<Option<Done>> {
        let open = match self.line.broken {
            Some((Limit::Bytes(limit), _)) => bytes.len().min(limit - self.bytes),
            _ => bytes.len(),
        };
        let mut frame = Vec::with_capacity(bytes.len() + 16);
        if self.plan.framing == Framing::Chunked && !bytes.is_empty() {
            frame.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
        }
        frame.extend_from_slice(&bytes[..open]);
        if self.plan.framing == Framing::Chunked && open == bytes.len() && open > 0 {
            frame.extend_from_slice(b"\r\n");
        }
        self.pieces(&frame).await?;
        self.bytes += open;
        self.events += 1;
        if open < bytes.len() {
            return Ok(Some(self.break_here().await));
        }
        Ok(None)
    }

    async fn pieces(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(size) = self.line.split else { return self.write.write_all(bytes).await };
        for piece in bytes.chunks(size) {
            self.write.write_all(piece).await?;
            pause(self.line.gap).await;
        }
        Ok(())
    }

    fn is_broken(&self) -> bool {
        match self.line.broken {
            Some((Limit::Bytes(limit), _)) => self.bytes >= limit,
            Some((Limit::Events(limit), _)) => self.events >= limit,
            None => false,
        }
    }

    async fn break_here(&self) -> Done {
        match self.line.broken {
            Some((_, Break::Cut(end))) => Done::Cut(end),
            _ => std::future::pending().await,
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        sleep(time).await;
    }
}
