//! The event loop: clients on one side, a pool of upstream connections on the other, one write for
//! every read.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use bench_raw::http::{Body, Framing, head};
use bench_raw::outbox::Outbox;
use bench_raw::slots::Slots;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};

use crate::answer::{Answer, text};
use crate::request;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Translate,
    Pass,
}

#[derive(Debug)]
struct Client {
    stream: TcpStream,
    request: Vec<u8>,
    outbox: Outbox,
    upstream: Option<usize>,
}

#[derive(Debug)]
struct Upstream {
    stream: TcpStream,
    outbox: Outbox,
    client: Option<usize>,
    /// The head of the answer while it is incomplete.
    head: Vec<u8>,
    body: Option<Body>,
    work: Work,
}

#[derive(Debug)]
enum Work {
    Forward,
    Events(Box<Answer>),
    Object(Box<Answer>, Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Relay {
    mode: Mode,
    upstream: SocketAddr,
    poll: Poll,
    listener: TcpListener,
    clients: Slots<Client>,
    upstreams: Slots<Upstream>,
    idle: Vec<usize>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The buffer of the last request that came in pieces: fresh pages cost more than the copy.
    spare: Vec<u8>,
    answers: u64,
}

const LISTENER: Token = Token(usize::MAX);
const EVENTS_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
    cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
/// Room for the size of a chunk, which is known only after its bytes are rendered.
const CHUNK_SIZE: &[u8] = b"00000000\r\n";

impl Relay {
    pub(crate) fn new(mode: Mode, listen: SocketAddr, upstream: SocketAddr) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut listener = TcpListener::bind(listen)?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            mode,
            upstream,
            poll,
            listener,
            clients: Slots::default(),
            upstreams: Slots::default(),
            idle: Vec::new(),
            input: vec![0; 128 * 1024],
            output: Vec::new(),
            spare: Vec::new(),
            answers: 0,
        })
    }

    /// Runs until the process is ended.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(512);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                match event.token() {
                    LISTENER => self.accept()?,
                    Token(token) if token % 2 == 0 => {
                        self.client_ready(token / 2, event.is_read_closed());
                    }
                    Token(token) => self.upstream_ready(token / 2, event.is_read_closed()),
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            register(self.poll.registry(), &mut stream, self.clients.next_number() * 2)?;
            self.clients.insert(Client {
                stream,
                request: Vec::new(),
                outbox: Outbox::default(),
                upstream: None,
            });
        }
        Ok(())
    }

    fn client_ready(&mut self, number: usize, closing: bool) {
        let Some(client) = self.clients.get_mut(number) else { return };
        let waited = !client.outbox.is_empty();
        if client.outbox.flush(&mut client.stream).is_err()
            || self.receive(number, closing).is_err()
        {
            self.close(number);
            return;
        }
        let Some(client) = self.clients.get_mut(number) else { return };
        if waited
            && client.outbox.is_empty()
            && let Some(upstream) = client.upstream
        {
            self.upstream_ready(upstream, false);
        }
    }

    fn receive(&mut self, number: usize, closing: bool) -> io::Result<()> {
        loop {
            let client = self.clients.get_mut(number).ok_or(ErrorKind::NotConnected)?;
            let Some(len) = read(&mut client.stream, &mut self.input)? else { return Ok(()) };
            let mut whole = std::mem::take(&mut client.request);
            let input = std::mem::take(&mut self.input);
            // A request that came in one piece is translated where it lies.
            let outcome = if whole.is_empty() && is_whole(&input[..len]) {
                self.forward(number, &input[..len])
            } else {
                if whole.capacity() == 0 {
                    whole = std::mem::take(&mut self.spare);
                }
                reserve_whole(&mut whole, &input[..len]);
                whole.extend_from_slice(&input[..len]);
                if is_whole(&whole) {
                    let outcome = self.forward(number, &whole);
                    whole.clear();
                    self.spare = whole;
                    outcome
                } else {
                    match self.clients.get_mut(number) {
                        Some(client) => client.request = whole,
                        None => return Err(ErrorKind::NotConnected.into()),
                    }
                    Ok(())
                }
            };
            self.input = input;
            outcome?;
            if len < self.input.len() && !closing {
                return Ok(());
            }
        }
    }

    /// Sends a client's request on, translated or as it is.
    fn forward(&mut self, number: usize, request: &[u8]) -> io::Result<()> {
        self.answers += 1;
        self.output.clear();
        let mut parts: [&[u8]; 2] = [&[], request];
        let mut work = Work::Forward;
        let mut top = Vec::new();
        if self.mode == Mode::Translate {
            let head = head(request).ok_or(ErrorKind::InvalidData)?;
            let asked = request::translate(text(&request[head.len..])?, &mut self.output)?;
            let answer = Box::new(Answer::new(self.answers, asked.model));
            work =
                if asked.stream { Work::Events(answer) } else { Work::Object(answer, Vec::new()) };
            write!(
                top,
                "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer test\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                self.upstream,
                self.output.len()
            )?;
            parts = [&top, &self.output];
        }
        let chosen = match self.idle.pop() {
            Some(chosen) => chosen,
            None => {
                let mut stream = TcpStream::connect(self.upstream)?;
                let token = self.upstreams.next_number() * 2 + 1;
                register(self.poll.registry(), &mut stream, token)?;
                self.upstreams.insert(Upstream {
                    stream,
                    outbox: Outbox::default(),
                    client: None,
                    head: Vec::new(),
                    body: None,
                    work: Work::Forward,
                })
            }
        };
        let upstream = self.upstreams.get_mut(chosen).ok_or(ErrorKind::NotConnected)?;
        upstream.client = Some(number);
        upstream.work = work;
        if let Some(client) = self.clients.get_mut(number) {
            client.upstream = Some(chosen);
        }
        upstream.outbox.send(&mut upstream.stream, parts)
    }

    fn upstream_ready(&mut self, number: usize, closing: bool) {
        let Some(upstream) = self.upstreams.get_mut(number) else { return };
        let client = upstream.client;
        if upstream.outbox.flush(&mut upstream.stream).is_err()
            || self.pump(number, closing).is_err()
        {
            self.upstreams.remove(number);
            self.idle.retain(|idle| *idle != number);
            if let Some(client) = client {
                self.clients.remove(client);
            }
        }
    }

    /// Reads what the upstream sent; each read becomes one write to the client.
    fn pump(&mut self, number: usize, closing: bool) -> io::Result<()> {
        loop {
            let upstream = self.upstreams.get_mut(number).ok_or(ErrorKind::NotConnected)?;
            let client = upstream.client.and_then(|client| self.clients.get_mut(client));
            if let Some(client) = &client
                && !client.outbox.is_empty()
            {
                // Read on when the client has taken what waits.
                return Ok(());
            }
            let Some(len) = read(&mut upstream.stream, &mut self.input)? else { return Ok(()) };
            let client = client.ok_or(ErrorKind::InvalidData)?;
            self.output.clear();
            let done = upstream.take(&self.input[..len], &mut self.output)?;
            let parts: &[u8] = match upstream.work {
                Work::Forward => &self.input[..len],
                _ => &self.output,
            };
            client.outbox.send(&mut client.stream, [parts])?;
            if done {
                client.upstream = None;
                upstream.client = None;
                upstream.work = Work::Forward;
                self.idle.push(number);
            }
            if len < self.input.len() && !closing {
                return Ok(());
            }
        }
    }

    fn close(&mut self, number: usize) {
        if let Some(client) = self.clients.remove(number)
            && let Some(upstream) = client.upstream
        {
            self.upstreams.remove(upstream);
        }
    }
}

impl Upstream {
    /// Takes a part of the answer, renders what the client gets for it, and tells whether the
    /// answer is over.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<bool> {
        let mut joined;
        let mut rest = bytes;
        let first = self.body.is_none();
        if first {
            if !self.head.is_empty() {
                joined = std::mem::take(&mut self.head);
                joined.extend_from_slice(bytes);
                rest = &joined;
            }
            let Some(head) = head(rest) else {
                self.head = rest.to_vec();
                return Ok(false);
            };
            if self.translates() && head.target() != b"200" {
                return Err(ErrorKind::InvalidData.into());
            }
            self.body = Some(Body::new(head.framing));
            rest = &rest[head.len..];
        }
        let Some(body) = &mut self.body else { return Ok(false) };
        match &mut self.work {
            Work::Forward => while body.next(&mut rest).is_some() {},
            Work::Events(answer) => {
                if first {
                    out.extend_from_slice(EVENTS_HEAD);
                }
                let start = out.len();
                out.extend_from_slice(CHUNK_SIZE);
                while let Some(span) = body.next(&mut rest) {
                    answer.push(span, out)?;
                }
                seal_chunk(out, start);
                if body.is_done() {
                    out.extend_from_slice(b"0\r\n\r\n");
                }
            }
            Work::Object(answer, gathered) => {
                let mut whole: &[u8] = &[];
                while let Some(span) = body.next(&mut rest) {
                    if body.is_done() && gathered.is_empty() {
                        whole = span;
                    } else {
                        gathered.extend_from_slice(span);
                    }
                }
                if body.is_done() {
                    if !gathered.is_empty() {
                        whole = gathered;
                    }
                    let mut object = Vec::with_capacity(whole.len() + 512);
                    answer.whole(whole, &mut object)?;
                    write!(
                        out,
                        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                         content-length: {}\r\n\r\n",
                        object.len()
                    )?;
                    out.extend_from_slice(&object);
                }
            }
        }
        let done = body.is_done();
        if done {
            self.body = None;
        }
        Ok(done)
    }

    fn translates(&self) -> bool {
        !matches!(self.work, Work::Forward)
    }
}

/// Writes the size over its room; an empty chunk would end the body, so its room is taken back.
fn seal_chunk(out: &mut Vec<u8>, start: usize) {
    let data = start + CHUNK_SIZE.len();
    let size = out.len() - data;
    if size == 0 {
        out.truncate(start);
        return;
    }
    for (place, byte) in out[start..start + 8].iter_mut().enumerate() {
        *byte = b"0123456789abcdef"[(size >> (28 - 4 * place)) & 15];
    }
    out.extend_from_slice(b"\r\n");
}

/// Nothing when the socket is empty, an error when it is closed.
fn read(stream: &mut TcpStream, input: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match stream.read(input) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(len) => return Ok(Some(len)),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            // A connection on its way reports nothing to read in its own words.
            Err(fault) if fault.kind() == ErrorKind::NotConnected => return Ok(None),
            Err(fault) => return Err(fault),
        }
    }
}

fn register(registry: &Registry, stream: &mut TcpStream, token: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    registry.register(stream, Token(token), Interest::READABLE | Interest::WRITABLE)
}

fn is_whole(request: &[u8]) -> bool {
    head(request).is_some_and(|head| match head.framing {
        Framing::Length(len) => request.len() >= head.len + len,
        // The load generator always tells the length.
        Framing::Chunked => false,
    })
}

/// Room for all of a request once its head tells the length, so that its buffer grows only once.
fn reserve_whole(whole: &mut Vec<u8>, start: &[u8]) {
    if whole.is_empty()
        && let Some(head) = head(start)
        && let Framing::Length(len) = head.framing
    {
        whole.reserve_exact(head.len + len);
    }
}
