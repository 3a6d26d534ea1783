//! Counters that Prometheus reads from `/metrics`. Few labels with few values, no names of users,
//! and nothing that an answer would have to wait for.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the histogram of durations, in seconds.
const BOUNDS: [f64; 12] = [0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0];
const OUTCOMES: [&str; 4] = ["completed", "incomplete", "failed", "cancelled"];

/// The counters of the process.
#[derive(Debug, Default)]
pub struct Metrics {
    open: AtomicI64,
    outcomes: [AtomicU64; 4],
    durations: [AtomicU64; 12],
    duration_sum_us: AtomicU64,
    duration_count: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
}

impl Metrics {
    /// An exchange began.
    pub fn exchange_began(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// An exchange ended with this outcome, after this time, for these tokens.
    pub fn exchange_ended(&self, outcome: &str, after: Duration, tokens: Option<(u64, u64)>) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(at) = OUTCOMES.iter().position(|known| *known == outcome) {
            self.outcomes[at].fetch_add(1, Ordering::Relaxed);
        }
        let seconds = after.as_secs_f64();
        if let Some(at) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.durations[at].fetch_add(1, Ordering::Relaxed);
        }
        self.duration_sum_us.fetch_add(after.as_micros() as u64, Ordering::Relaxed);
        self.duration_count.fetch_add(1, Ordering::Relaxed);
        if let Some((input, output)) = tokens {
            self.input_tokens.fetch_add(input, Ordering::Relaxed);
            self.output_tokens.fetch_add(output, Ordering::Relaxed);
        }
    }

    /// How many exchanges are under way.
    pub fn open(&self) -> i64 {
        self.open.load(Ordering::Relaxed)
    }

    /// How many exchanges have ended, by outcome.
    pub fn ended(&self) -> [(&'static str, u64); 4] {
        std::array::from_fn(|at| (OUTCOMES[at], self.outcomes[at].load(Ordering::Relaxed)))
    }

    /// The counters in Prometheus' text format, version 0.0.4.
    pub fn render(&self, log_lost: u64) -> String {
        let mut out = String::with_capacity(2048);
        let mut line = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a String takes every write");
            out.push('\n');
        };
        line(format_args!(
            "# HELP quire_exchanges_open Exchanges under way.\n# TYPE quire_exchanges_open gauge"
        ));
        line(format_args!("quire_exchanges_open {}", self.open()));
        line(format_args!(
            "# HELP quire_exchanges_total Exchanges that have ended.\n# TYPE quire_exchanges_total counter"
        ));
        for (outcome, count) in self.ended() {
            line(format_args!("quire_exchanges_total{{outcome=\"{outcome}\"}} {count}"));
        }
        line(format_args!(
            "# HELP quire_exchange_seconds Time from the request to the end of its answer.\n# TYPE quire_exchange_seconds histogram"
        ));
        let mut below = 0;
        for (bound, count) in BOUNDS.iter().zip(&self.durations) {
            below += count.load(Ordering::Relaxed);
            line(format_args!("quire_exchange_seconds_bucket{{le=\"{bound}\"}} {below}"));
        }
        let count = self.duration_count.load(Ordering::Relaxed);
        let sum = self.duration_sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        line(format_args!("quire_exchange_seconds_bucket{{le=\"+Inf\"}} {count}"));
        line(format_args!(
            "quire_exchange_seconds_sum {sum}\nquire_exchange_seconds_count {count}"
        ));
        line(format_args!(
            "# HELP quire_tokens_total Tokens that upstreams reported.\n# TYPE quire_tokens_total counter"
        ));
        line(format_args!(
            "quire_tokens_total{{kind=\"input\"}} {}",
            self.input_tokens.load(Ordering::Relaxed)
        ));
        line(format_args!(
            "quire_tokens_total{{kind=\"output\"}} {}",
            self.output_tokens.load(Ordering::Relaxed)
        ));
        line(format_args!(
            "# HELP quire_log_lost_total Rows that the request log could not take.\n# TYPE quire_log_lost_total counter"
        ));
        line(format_args!("quire_log_lost_total {log_lost}"));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up() {
        let metrics = Metrics::default();
        for _ in 0..3 {
            metrics.exchange_began();
        }
        metrics.exchange_ended("completed", Duration::from_millis(20), Some((10, 5)));
        metrics.exchange_ended("failed", Duration::from_secs(5000), None);
        let text = metrics.render(7);
        for line in [
            "quire_exchanges_open 1",
            "quire_exchanges_total{outcome=\"completed\"} 1",
            "quire_exchange_seconds_bucket{le=\"0.05\"} 1",
            "quire_exchange_seconds_bucket{le=\"+Inf\"} 2",
            "quire_tokens_total{kind=\"input\"} 10",
            "quire_log_lost_total 7",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
