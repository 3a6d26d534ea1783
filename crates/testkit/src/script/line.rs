//! How the bytes of an answer travel: framing, pieces, pauses, and where the line breaks. It says
//! nothing of what is sent.

use std::time::Duration;

/// How the end of the body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `transfer-encoding: chunked`, one chunk per event.
    Chunked,
    /// `content-length`.
    Counted,
    /// The connection closes after the body.
    Closed,
}

/// How a connection ends before its answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// An orderly close (FIN).
    Close,
    /// A reset (RST).
    Reset,
}

/// The first point of the body at which something breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit {
    Bytes(usize),
    Events(usize),
}

/// What happens at that point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    Cut(End),
    Stall,
}

/// How the bytes of one answer travel. The default is a fast and faithful line: one write per
/// event, chunked for streams and counted for whole answers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    pub(crate) framing: Option<Framing>,
    pub(crate) split: Option<usize>,
    pub(crate) gap: Duration,
    pub(crate) pace: Duration,
    pub(crate) head_delay: Duration,
    pub(crate) broken: Option<(Limit, Break)>,
    pub(crate) crlf: bool,
    pub(crate) close_after: bool,
}

/// A fast and faithful line, to be made worse.
pub fn line() -> Line {
    Line::default()
}

impl Line {
    /// How the end of the body is marked.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = Some(framing);
        self
    }

    /// Cuts everything after the head into writes of so many bytes: characters, chunk sizes and
    /// line ends are split too. A pause of a fifth of a millisecond keeps the kernel from joining
    /// them, unless [`Line::gap`] gives another.
    #[must_use]
    pub fn split_every(mut self, bytes: usize) -> Self {
        self.split = Some(bytes.max(1));
        if self.gap.is_zero() {
            self.gap = Duration::from_micros(200);
        }
        self
    }

    /// The pause between the writes of [`Line::split_every`].
    #[must_use]
    pub fn gap(mut self, gap: Duration) -> Self {
        self.gap = gap;
        self
    }

    /// A pause before each event.
    #[must_use]
    pub fn pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// A pause before the head.
    #[must_use]
    pub fn head_delay(mut self, delay: Duration) -> Self {
        self.head_delay = delay;
        self
    }

    /// Ends the connection after so many bytes of the body (framing not counted).
    #[must_use]
    pub fn cut_after_bytes(mut self, bytes: usize, end: End) -> Self {
        self.broken = Some((Limit::Bytes(bytes), Break::Cut(end)));
        self
    }

    /// Ends the connection after so many events.
    #[must_use]
    pub fn cut_after_events(mut self, events: usize, end: End) -> Self {
        self.broken = Some((Limit::Events(events), Break::Cut(end)));
        self
    }

    /// Falls silent for ever after so many bytes of the body, the connection open.
    #[must_use]
    pub fn stall_after_bytes(mut self, bytes: usize) -> Self {
        self.broken = Some((Limit::Bytes(bytes), Break::Stall));
        self
    }

    /// Falls silent for ever after so many events, the connection open.
    #[must_use]
    pub fn stall_after_events(mut self, events: usize) -> Self {
        self.broken = Some((Limit::Events(events), Break::Stall));
        self
    }

    /// Ends the lines of the event stream with CRLF.
    #[must_use]
    pub fn crlf(mut self) -> Self {
        self.crlf = true;
        self
    }

    /// Closes the connection after the answer (`connection: close`).
    #[must_use]
    pub fn close_after(mut self) -> Self {
        self.close_after = true;
        self
    }
}
