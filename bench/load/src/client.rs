//! The load: some connections, each with one request at a time, the next as soon as the last one
//! is answered. One thread; a request counts only if its judge accepts the answer.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bench_raw::http::{Body, head};
use bench_raw::stamp;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::body::Request;
use crate::histogram::Histogram;
use crate::judge::{Expected, Judge, start};

/// When no more requests are started.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    After(Duration),
    /// This many for every connection.
    Each(u32),
}

/// What one run found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) good: u64,
    pub(crate) faults: BTreeMap<String, u64>,
    /// From the start of a request to the read that brought its first delta.
    pub(crate) first: Histogram,
    /// From a delta's stamp to the read that brought it.
    pub(crate) delay: Histogram,
    /// From the start of a request to the end of its answer.
    pub(crate) whole: Histogram,
    pub(crate) elapsed: Duration,
}

impl Tally {
    pub(crate) fn failed(&self) -> u64 {
        self.faults.values().sum()
    }
}

/// After this many faults a run has told what it can.
const FAULTS: u64 = 50;
/// How long a run may go on after the last request was started.
const PATIENCE: Duration = Duration::from_secs(20);
const TICK: Duration = Duration::from_millis(100);

/// Connections that are kept between runs.
#[derive(Debug)]
pub(crate) struct Client {
    poll: Poll,
    address: SocketAddr,
    request: Request,
    expected: Expected,
    connections: Vec<Connection>,
    serial: u64,
    input: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    serial: u64,
    started: u64,
    made: u32,
    sent: usize,
    head: Vec<u8>,
    /// The answer's body and judge, once its head is read.
    answer: Option<(Body, Judge)>,
    /// Status and start of an answer that is not 200.
    refusal: Option<(String, Vec<u8>)>,
    active: bool,
}

impl Client {
    pub(crate) fn connect(
        address: SocketAddr,
        request: Request,
        expected: Expected,
        connections: usize,
    ) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut client = Self {
            poll,
            address,
            request,
            expected,
            connections: Vec::new(),
            // A serial number is never used twice, not by another run either.
            serial: stamp::now() / 1000 % 10_000_000_000,
            input: vec![0; 256 * 1024],
        };
        for number in 0..connections {
            let connection = client.open(number)?;
            client.connections.push(connection);
        }
        Ok(client)
    }

    fn open(&self, number: usize) -> io::Result<Connection> {
        // Blocking, so that a full backlog is waited for and not met later as a fault.
        let stream = std::net::TcpStream::connect_timeout(&self.address, Duration::from_secs(5))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let mut stream = TcpStream::from_std(stream);
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(number), both)?;
        Ok(Connection {
            stream,
            serial: 0,
            started: 0,
            made: 0,
            sent: 0,
            head: Vec::new(),
            answer: None,
            refusal: None,
            active: false,
        })
    }

    /// Loads until the end; `stagger` apart the connections begin; `tick` is called ten times a
    /// second.
    pub(crate) fn run(
        &mut self,
        until: Until,
        stagger: Duration,
        mut tick: impl FnMut(),
    ) -> io::Result<Tally> {
        let mut tally = Tally::default();
        let mut events = Events::with_capacity(1024);
        let begin = Instant::now();
        let mut next_tick = begin + TICK;
        let mut begun = 0;
        let mut last_start = begin;
        for connection in &mut self.connections {
            connection.made = 0;
        }
        loop {
            let now = Instant::now();
            while begun < self.connections.len()
                && now >= begin + stagger * u32::try_from(begun).unwrap_or(u32::MAX)
            {
                self.begin(begun, &mut tally)?;
                begun += 1;
                last_start = now;
            }
            if now >= next_tick {
                tick();
                next_tick = now + TICK;
            }
            let idle = begun == self.connections.len()
                && self.connections.iter().all(|connection| !connection.active);
            if idle || tally.failed() >= FAULTS {
                break;
            }
            if now > last_start + PATIENCE {
                let hung = self.connections.iter().filter(|connection| connection.active).count();
                tally.faults.insert("unanswered".to_owned(), hung as u64);
                break;
            }
            let staggering = begun < self.connections.len();
            let wait = if staggering { Duration::from_millis(1) } else { TICK };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            for event in &events {
                let number = event.token().0;
                if !self.ready(number, &mut tally)? {
                    continue;
                }
                let more = match until {
                    Until::After(span) => begin.elapsed() < span,
                    Until::Each(count) => self.connections[number].made < count,
                };
                if more && tally.failed() < FAULTS {
                    self.begin(number, &mut tally)?;
                    last_start = Instant::now();
                }
            }
        }
        tally.elapsed = begin.elapsed();
        Ok(tally)
    }

    /// Starts the next request on a connection.
    fn begin(&mut self, number: usize, tally: &mut Tally) -> io::Result<()> {
        self.serial += 1;
        let connection = &mut self.connections[number];
        connection.serial = self.serial;
        connection.started = stamp::now();
        connection.made += 1;
        connection.sent = 0;
        connection.active = true;
        if let Err(fault) = connection.send(&mut self.request) {
            self.lose(number, &fault, tally)?;
        }
        Ok(())
    }

    /// Takes what came; true when the connection's request is over.
    fn ready(&mut self, number: usize, tally: &mut Tally) -> io::Result<bool> {
        let connection = &mut self.connections[number];
        let outcome = connection
            .send(&mut self.request)
            .and_then(|()| connection.receive(&mut self.input, self.expected, tally));
        match outcome {
            Ok(over) => {
                connection.active &= !over;
                Ok(over)
            }
            Err(fault) if connection.active => {
                self.lose(number, &fault, tally)?;
                Ok(true)
            }
            // Closed while idle: a fresh one takes its place.
            Err(_) => {
                self.connections[number] = self.open(number)?;
                Ok(false)
            }
        }
    }

    fn lose(&mut self, number: usize, fault: &io::Error, tally: &mut Tally) -> io::Result<()> {
        *tally.faults.entry(format!("connection lost: {fault}")).or_default() += 1;
        let made = self.connections[number].made;
        self.connections[number] = self.open(number)?;
        self.connections[number].made = made;
        Ok(())
    }
}

impl Connection {
    fn send(&mut self, request: &mut Request) -> io::Result<()> {
        if !self.active {
            return Ok(());
        }
        // The bytes are shared by all connections; only the serial number is the request's own.
        request.set_serial(self.serial);
        while self.sent < request.bytes.len() {
            match self.stream.write(&request.bytes[self.sent..]) {
                Ok(len) => self.sent += len,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// True when the answer is over.
    fn receive(
        &mut self,
        input: &mut [u8],
        expected: Expected,
        tally: &mut Tally,
    ) -> io::Result<bool> {
        loop {
            let len = match self.stream.read(input) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(len) => len,
                Err(fault) if fault.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(fault) if fault.kind() == ErrorKind::Interrupted => continue,
                Err(fault) => return Err(fault),
            };
            let now = stamp::now();
            if self.take(&input[..len], now, expected, tally) {
                return Ok(true);
            }
        }
    }

    fn take(&mut self, bytes: &[u8], now: u64, expected: Expected, tally: &mut Tally) -> bool {
        let joined;
        let mut rest = bytes;
        if self.answer.is_none() {
            if !self.head.is_empty() {
                self.head.extend_from_slice(bytes);
                joined = std::mem::take(&mut self.head);
                rest = &joined;
            }
            let Some(head) = head(rest) else {
                self.head = rest.to_vec();
                return false;
            };
            if head.target() != b"200" {
                self.refusal = Some((start(head.target()), Vec::new()));
            }
            self.answer = Some((Body::new(head.framing), Judge::new(expected)));
            rest = &rest[head.len..];
        }
        let Some((body, judge)) = &mut self.answer else { return false };
        let had_delta = judge.has_delta();
        while let Some(span) = body.next(&mut rest) {
            match &mut self.refusal {
                Some((_, text)) => text.extend_from_slice(span),
                None => judge.push(span, now, &mut tally.delay),
            }
        }
        if !had_delta && judge.has_delta() {
            tally.first.record(now.saturating_sub(self.started));
        }
        if !body.is_done() {
            return false;
        }
        let verdict = match self.refusal.take() {
            Some((status, text)) => Err(format!("status {status}: {}", start(&text))),
            None => judge.finish(),
        };
        match verdict {
            Ok(()) => {
                tally.good += 1;
                tally.whole.record(now.saturating_sub(self.started));
            }
            Err(reason) => *tally.faults.entry(reason).or_default() += 1,
        }
        self.answer = None;
        true
    }
}
