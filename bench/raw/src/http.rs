//! Heads and bodies of HTTP/1.1, just enough to know where a message ends and what its payload is.

use memchr::{memchr, memmem};

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(usize),
    Chunked,
}

/// The head of a request or an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// `POST /path HTTP/1.1` or `HTTP/1.1 200 OK`.
    pub first_line: &'a [u8],
    /// Bytes up to and with the empty line.
    pub len: usize,
    pub framing: Framing,
}

impl Head<'_> {
    /// The second word of the first line: the path of a request, the status of an answer.
    #[must_use]
    pub fn target(&self) -> &[u8] {
        self.first_line.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
    }
}

/// The head at the start of these bytes, or nothing while its end has not arrived.
#[must_use]
pub fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let end = memmem::find(bytes, b"\r\n\r\n")?;
    let mut lines = bytes[..end].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let first_line = lines.next().unwrap_or_default();
    let mut framing = Framing::Length(0);
    for line in lines {
        if let Some(value) = value_of(line, b"content-length:") {
            framing = Framing::Length(decimal(value));
        } else if value_of(line, b"transfer-encoding:").is_some() {
            framing = Framing::Chunked;
            break;
        }
    }
    Some(Head { first_line, len: end + 4, framing })
}

fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn decimal(digits: &[u8]) -> usize {
    digits
        .iter()
        .fold(0, |number, digit| number * 10 + usize::from(digit.wrapping_sub(b'0').min(9)))
}

/// Reads one body piece by piece and says when it is over.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(usize),
    Size(usize),
    SizeTail(usize),
    Data(usize),
    DataEnd(usize),
    Trailer { empty: bool },
    Done,
}

impl Body {
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(left) => State::Length(left),
            Framing::Chunked => State::Size(0),
        };
        Self { state }
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// The next span of payload, taken off the front of `input`; nothing when more input is needed
    /// or the body is done. What follows the body is left in `input`.
    pub fn next<'a>(&mut self, input: &mut &'a [u8]) -> Option<&'a [u8]> {
        while !input.is_empty() {
            match self.state {
                State::Done => return None,
                State::Length(left) => {
                    let span = take(input, left);
                    let left = left - span.len();
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Some(span);
                }
                State::Data(left) => {
                    let span = take(input, left);
                    let left = left - span.len();
                    self.state = if left == 0 { State::DataEnd(2) } else { State::Data(left) };
                    return Some(span);
                }
                State::Size(size) => self.state = Self::size(size, take(input, 1)[0]),
                State::SizeTail(size) => match memchr(b'\n', input) {
                    None => *input = &[],
                    Some(at) => {
                        take(input, at + 1);
                        self.state = match size {
                            0 => State::Trailer { empty: true },
                            size => State::Data(size),
                        };
                    }
                },
                State::DataEnd(left) => {
                    let left = left - take(input, left).len();
                    self.state = if left == 0 { State::Size(0) } else { State::DataEnd(left) };
                }
                State::Trailer { empty } => {
                    self.state = match (take(input, 1)[0], empty) {
                        (b'\n', true) => State::Done,
                        (b'\n', false) => State::Trailer { empty: true },
                        (b'\r', empty) => State::Trailer { empty },
                        _ => State::Trailer { empty: false },
                    };
                }
            }
        }
        None
    }

    fn size(size: usize, byte: u8) -> State {
        match char::from(byte).to_digit(16) {
            Some(digit) => State::Size(size.saturating_mul(16).saturating_add(digit as usize)),
            None if byte == b'\n' && size == 0 => State::Trailer { empty: true },
            None if byte == b'\n' => State::Data(size),
            None => State::SizeTail(size),
        }
    }
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(len.min(input.len()));
    *input = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::{Body, Framing, head};

    #[test]
    fn a_head_tells_its_target_and_framing() {
        let bytes = b"POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nbody";
        let head = head(bytes).unwrap();
        assert_eq!(head.target(), b"/v1/x");
        assert_eq!(head.framing, Framing::Length(12));
        assert_eq!(&bytes[head.len..], b"body");
        assert!(super::head(b"HTTP/1.1 200 OK\r\n").is_none());
    }

    #[test]
    fn a_chunked_body_reads_the_same_however_it_is_cut() {
        let bytes = b"5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\nnext";
        for cut in 0..bytes.len() {
            let mut body = Body::new(Framing::Chunked);
            let mut text = Vec::new();
            let mut rest = 0;
            for mut part in [&bytes[..cut], &bytes[cut..]] {
                while let Some(span) = body.next(&mut part) {
                    text.extend_from_slice(span);
                }
                rest += part.len();
            }
            assert_eq!(text, b"hello world", "cut at {cut}");
            assert!(body.is_done());
            assert_eq!(rest, 4);
        }
    }
}
