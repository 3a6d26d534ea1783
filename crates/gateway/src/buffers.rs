//! Large buffers that live only while a request is being read and written. They are used again
//! instead of freed: small things that live as long as an answer would otherwise settle in the
//! gaps they leave, and with a thousand streams that is most of the memory.

use std::cell::RefCell;

use bytes::Bytes;
use wire::json::Tape;

/// How many bytes of each kind a thread keeps.
const MAX_KEPT: usize = 4 << 20;
/// How many are looked at for one that is large enough.
const MAX_LOOKS: usize = 8;

thread_local! {
    static BYTES: RefCell<Kept<Vec<u8>>> = const { RefCell::new(Kept::new()) };
    static TAPES: RefCell<Kept<Tape>> = const { RefCell::new(Kept::new()) };
}

/// What waits to be used again.
struct Kept<T> {
    list: Vec<T>,
    bytes: usize,
}

impl<T> Kept<T> {
    const fn new() -> Self {
        Self { list: Vec::new(), bytes: 0 }
    }

    fn keep(&mut self, one: T, size: usize) {
        if size > 0 && self.bytes + size <= MAX_KEPT {
            self.bytes += size;
            self.list.push(one);
        }
    }

    /// One of at least this size if there is one among the last few, else the last one.
    fn take(&mut self, wanted: usize, size: impl Fn(&T) -> usize) -> Option<T> {
        let last = self.list.len().checked_sub(1)?;
        let fits = self.list.iter().rev().take(MAX_LOOKS).position(|one| size(one) >= wanted);
        let one = self.list.swap_remove(last - fits.unwrap_or(0));
        self.bytes -= size(&one);
        Some(one)
    }
}

/// An empty buffer for at least `capacity` bytes.
pub fn take(capacity: usize) -> Vec<u8> {
    let kept = BYTES.with_borrow_mut(|kept| kept.take(capacity, Vec::capacity));
    match kept.unwrap_or_default() {
        buffer if buffer.capacity() >= capacity => buffer,
        // To grow it would copy what it held.
        small => {
            drop(small);
            Vec::with_capacity(capacity)
        }
    }
}

/// The same for text.
pub fn take_text(capacity: usize) -> String {
    String::from_utf8(take(capacity)).unwrap_or_default()
}

/// Gives a buffer back.
pub fn give(mut buffer: Vec<u8>) {
    buffer.clear();
    let size = buffer.capacity();
    // A thread that ends keeps nothing.
    let _ = BYTES.try_with(|kept| kept.borrow_mut().keep(buffer, size));
}

/// An index for a document.
pub fn take_tape() -> Tape {
    TAPES.with_borrow_mut(|kept| kept.take(0, Tape::size)).unwrap_or_default()
}

/// Gives an index back.
pub fn give_tape(tape: Tape) {
    let size = tape.size();
    let _ = TAPES.try_with(|kept| kept.borrow_mut().keep(tape, size));
}

/// Bytes whose buffer is given back when the last holder lets go.
pub fn lend(buffer: Vec<u8>) -> Bytes {
    Bytes::from_owner(Lent(buffer))
}

struct Lent(Vec<u8>);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_its_bytes_are_gone() {
        let mut buffer = take(1000);
        buffer.extend_from_slice(b"hello");
        let place = buffer.as_ptr();
        let bytes = lend(buffer);
        let copy = bytes.clone();
        drop(bytes);
        assert_eq!(copy, "hello");
        drop(copy);
        let again = take(10);
        assert!(again.is_empty() && again.as_ptr() == place);
    }

    #[test]
    fn huge_buffers_are_not_kept() {
        give(Vec::with_capacity(MAX_KEPT + 1));
        assert!(take(0).capacity() <= MAX_KEPT);
        for _ in 0..100 {
            give(Vec::with_capacity(1 << 20));
        }
        assert!(BYTES.with_borrow(|kept| kept.bytes <= MAX_KEPT && kept.list.len() <= 4));
    }
}
