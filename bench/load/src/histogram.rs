//! Durations counted in buckets that are narrow where values are small: 128 for every power of
//! two, so a quantile is at most 0.8 percent off.

const BITS: u32 = 7;
const WIDTH: u64 = 1 << BITS;

/// Counts of durations in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn record(&mut self, nanos: u64) {
        let bucket = bucket(nanos);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// The value that this share of all values does not exceed, in milliseconds.
    pub(crate) fn quantile_ms(&self, share: f64) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of a bench are far below 2^52"
        )]
        let rank = ((self.total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                #[expect(clippy::cast_precision_loss, reason = "nanoseconds of a bench")]
                return Some(middle(bucket) as f64 / 1e6);
            }
        }
        None
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(BITS + 1);
    let bucket = u64::from(shift) * WIDTH + (nanos >> shift);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

fn middle(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / WIDTH).saturating_sub(1);
    ((bucket - shift * WIDTH) << shift) + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::{Histogram, bucket, middle};

    #[test]
    fn every_value_lies_within_a_hundredth_of_its_bucket() {
        for power in 0..45 {
            for value in [1u64 << power, (1 << power) + (1 << power) / 3, (2 << power) - 1] {
                let found = middle(bucket(value));
                assert!(found.abs_diff(value) * 100 <= value, "{value} became {found}");
            }
        }
    }

    #[test]
    fn quantiles_count_from_the_smallest() {
        let mut histogram = Histogram::default();
        for value in 1..=100 {
            histogram.record(value * 1_000_000);
        }
        for (share, expected) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = histogram.quantile_ms(share).unwrap();
            assert!((found - expected).abs() < 0.5, "{share}: {found}");
        }
        assert_eq!(Histogram::default().quantile_ms(0.5), None);
    }
}
