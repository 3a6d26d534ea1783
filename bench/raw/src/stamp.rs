//! A time stamp that rides inside the text of a delta, so that whoever receives the text knows
//! when it was sent. It survives any translation because no escape touches its characters.

use rustix::time::{ClockId, clock_gettime};

/// `@` and eighteen digits of nanoseconds.
pub const LEN: usize = 19;

/// Where a stamp will be written: right length, no time yet.
pub const BLANK: &str = "@000000000000000000";

/// Nanoseconds of the machine's monotonic clock, the same for every process.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// A stamp of this time, to be copied over a blank one.
#[must_use]
pub fn render(nanos: u64) -> [u8; LEN] {
    let mut stamp = [b'@'; LEN];
    write_digits(&mut stamp[1..], nanos);
    stamp
}

/// Fills the whole slice with the number's digits, zeros first.
pub fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// The stamps in this text, in order.
pub fn read(text: &[u8]) -> impl Iterator<Item = u64> {
    memchr::memchr_iter(b'@', text).filter_map(|at| {
        let digits = text.get(at + 1..at + LEN)?;
        digits.iter().try_fold(0u64, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{BLANK, LEN, read, render};

    #[test]
    fn a_stamp_is_read_back_from_the_middle_of_text() {
        let mut text = b"a@b ".to_vec();
        text.extend_from_slice(&render(1_234_567_890_123));
        text.extend_from_slice(b" tail @12");
        assert_eq!(read(&text).collect::<Vec<_>>(), [1_234_567_890_123]);
        assert_eq!(BLANK.len(), LEN);
    }
}
