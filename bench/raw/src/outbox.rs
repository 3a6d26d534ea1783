//! What a socket could not take yet.

use std::io::{ErrorKind, IoSlice, Result, Write};

/// Bytes that wait for a socket to become writable.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Vec<u8>,
    sent: usize,
}

impl Outbox {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Sends the parts in one call if nothing waits before them, and keeps what did not fit.
    pub fn send<const N: usize>(&mut self, to: &mut impl Write, parts: [&[u8]; N]) -> Result<()> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if total == 0 {
            return Ok(());
        }
        let mut sent = 0;
        if self.is_empty() {
            sent = match N {
                1 => attempt(|| to.write(parts[0]))?,
                _ => attempt(|| to.write_vectored(&parts.map(IoSlice::new)))?,
            };
            if sent == total {
                return Ok(());
            }
        }
        for part in parts {
            let skipped = sent.min(part.len());
            sent -= skipped;
            self.waiting.extend_from_slice(&part[skipped..]);
        }
        self.flush(to)
    }

    /// Sends what waits, as far as the socket takes it.
    pub fn flush(&mut self, to: &mut impl Write) -> Result<()> {
        while self.sent < self.waiting.len() {
            match attempt(|| to.write(&self.waiting[self.sent..]))? {
                0 => return Ok(()),
                sent => self.sent += sent,
            }
        }
        // Given back rather than kept: an idle connection should hold no buffer.
        *self = Self::default();
        Ok(())
    }
}

/// Zero bytes written means: not now. A socket that is still connecting says so too.
fn attempt(mut write: impl FnMut() -> Result<usize>) -> Result<usize> {
    loop {
        match write() {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Err(fault) if fault.kind() == ErrorKind::Interrupted => {}
            Err(fault)
                if matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) =>
            {
                return Ok(0);
            }
            outcome => return outcome,
        }
    }
}
