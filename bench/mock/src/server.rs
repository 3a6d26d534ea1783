//! The event loop: one thread, edge-triggered, no look into a request beyond its model's name.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench_raw::http::{Body, head};
use bench_raw::outbox::Outbox;
use bench_raw::slots::Slots;
use bench_raw::stamp;
use memchr::memmem;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::script::{Library, Script};

const LISTENER: Token = Token(usize::MAX);
const NOT_FOUND: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/// A client's connection, and the answer that it is getting.
struct Connection<'a> {
    stream: TcpStream,
    request: Vec<u8>,
    outbox: Outbox,
    answer: Option<Answer<'a>>,
    /// Tells a timer of this connection from one of an earlier with the same number.
    serial: u64,
}

struct Answer<'a> {
    script: &'a Script,
    next: usize,
    due: Instant,
}

type Timers = BinaryHeap<Reverse<(Instant, usize, u64)>>;

/// Serves until the process is ended.
pub(crate) fn serve(address: SocketAddr) -> io::Result<()> {
    let library = Library::new();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1024);
    let mut listener = TcpListener::bind(address)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut connections: Slots<Connection<'_>> = Slots::default();
    let mut timers = Timers::new();
    let mut serial = 0;
    let mut input = vec![0; 256 * 1024];
    let mut output = Vec::new();

    loop {
        let wait =
            timers.peek().map(|Reverse((due, ..))| due.saturating_duration_since(Instant::now()));
        if let Err(fault) = poll.poll(&mut events, wait.map(round_up)) {
            if fault.kind() == ErrorKind::Interrupted {
                continue;
            }
            return Err(fault);
        }
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    serial += 1;
                    let token = Token(connections.next_number());
                    poll.registry().register(
                        &mut stream,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    connections.insert(Connection {
                        stream,
                        request: Vec::new(),
                        outbox: Outbox::default(),
                        answer: None,
                        serial,
                    });
                }
                continue;
            }
            let number = event.token().0;
            let Some(connection) = connections.get_mut(number) else { continue };
            let outcome = connection
                .receive(&library, &mut input, event.is_read_closed())
                .and_then(|()| connection.advance(number, &mut timers, &mut output));
            if outcome.is_err() {
                connections.remove(number);
            }
        }
        let now = Instant::now();
        while let Some(Reverse((due, number, serial))) = timers.peek().copied() {
            if due > now {
                break;
            }
            timers.pop();
            let Some(connection) = connections.get_mut(number) else { continue };
            if connection.serial == serial
                && connection.advance(number, &mut timers, &mut output).is_err()
            {
                connections.remove(number);
            }
        }
    }
}

/// To the millisecond, which is what the poll can wait for: never wakes early to find nothing due.
fn round_up(wait: Duration) -> Duration {
    Duration::from_millis(u64::try_from(wait.as_micros().div_ceil(1000)).unwrap_or(1000))
}

impl<'a> Connection<'a> {
    /// Reads what came, and starts the answer once the request is whole.
    fn receive(&mut self, library: &'a Library, input: &mut [u8], closing: bool) -> io::Result<()> {
        loop {
            match self.stream.read(input) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    // A small request that came in one piece is never copied.
                    if self.request.is_empty() && whole_request(&input[..len]).is_some() {
                        self.answer(&input[..len], library)?;
                    } else {
                        self.request.extend_from_slice(&input[..len]);
                        if whole_request(&self.request).is_some() {
                            let request = std::mem::take(&mut self.request);
                            self.answer(&request, library)?;
                        }
                    }
                    // A short read has emptied the socket.
                    if len < input.len() && !closing {
                        return Ok(());
                    }
                }
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
    }

    fn answer(&mut self, request: &[u8], library: &'a Library) -> io::Result<()> {
        let head = head(request).ok_or(ErrorKind::InvalidData)?;
        let script = model_letter(&request[head.len..])
            .and_then(|letter| library.find(head.target(), letter));
        match script {
            Some(script) => {
                self.answer = Some(Answer { script, next: 0, due: Instant::now() });
                Ok(())
            }
            None => self.outbox.send(&mut self.stream, [NOT_FOUND]),
        }
    }

    /// Sends as much of the answer as is due and fits.
    fn advance(
        &mut self,
        number: usize,
        timers: &mut Timers,
        output: &mut Vec<u8>,
    ) -> io::Result<()> {
        self.outbox.flush(&mut self.stream)?;
        while let Some(answer) = &mut self.answer
            && self.outbox.is_empty()
        {
            if answer.script.pace.is_some() && answer.due > Instant::now() {
                return Ok(());
            }
            let part = &answer.script.writes[answer.next];
            answer.next += 1;
            let done = answer.next == answer.script.writes.len();
            if let Some(pace) = answer.script.pace
                && !done
            {
                answer.due += pace;
                timers.push(Reverse((answer.due, number, self.serial)));
            }
            self.outbox.send(&mut self.stream, [part.stamped(stamp::now(), output)])?;
            if done {
                self.answer = None;
            }
        }
        Ok(())
    }
}

fn whole_request(bytes: &[u8]) -> Option<()> {
    let head = head(bytes)?;
    if let bench_raw::http::Framing::Length(len) = head.framing {
        return (bytes.len() >= head.len + len).then_some(());
    }
    let mut body = Body::new(head.framing);
    let mut rest = &bytes[head.len..];
    while body.next(&mut rest).is_some() {}
    body.is_done().then_some(())
}

/// The last letter of the model's name, which says what answer is wanted. The name is mostly near
/// one of the ends, so these are looked at first.
fn model_letter(body: &[u8]) -> Option<u8> {
    const NEAR: usize = 512;
    let near = body.len().min(NEAR);
    [&body[..near], &body[body.len() - near..], body].into_iter().find_map(|place| {
        let start = memmem::find(place, b"\"model\":")? + 8;
        let name = place[start..].trim_ascii_start().strip_prefix(b"\"")?;
        let end = memchr::memchr(b'"', name)?;
        name[..end].last().copied()
    })
}

#[cfg(test)]
mod tests {
    use super::{model_letter, whole_request};

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        let middle =
            format!("{{\"a\":\"{0}\",\"model\": \"x/bench-c\",\"b\":\"{0}\"}}", "y".repeat(600));
        for body in
            ["{\"model\":\"bench-c\",\"input\":[]}", "{\"i\":1,\"model\":\"bench-c\"}", &middle]
        {
            assert_eq!(model_letter(body.as_bytes()), Some(b'c'));
        }
        assert_eq!(model_letter(b"{\"text\":\"\\\"model\\\":\\\"x\\\"\"}"), None);
    }

    #[test]
    fn a_request_is_whole_when_its_body_is() {
        let sized = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        let chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for request in [&sized[..], chunked] {
            assert!(whole_request(request).is_some());
            assert!(whole_request(&request[..request.len() - 1]).is_none());
        }
    }
}
