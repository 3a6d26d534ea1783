//! Figures by workload, row and metric, one for every round, and how they are summed up.

use std::collections::BTreeMap;

use crate::gateway::Kind;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    PerSecond,
    CpuMs,
    FirstP50Ms,
    FirstP99Ms,
    DelayP50Ms,
    DelayP99Ms,
    WholeP50Ms,
    WholeP99Ms,
    RssMb,
    PssMb,
    ReadyMs,
    BinaryMb,
    Receives,
    Sends,
    Waits,
    Others,
}

impl Metric {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::PerSecond => "requests_per_second",
            Self::CpuMs => "cpu_ms_per_request",
            Self::FirstP50Ms => "first_event_p50_ms",
            Self::FirstP99Ms => "first_event_p99_ms",
            Self::DelayP50Ms => "event_delay_p50_ms",
            Self::DelayP99Ms => "event_delay_p99_ms",
            Self::WholeP50Ms => "whole_answer_p50_ms",
            Self::WholeP99Ms => "whole_answer_p99_ms",
            Self::RssMb => "rss_mb",
            Self::PssMb => "pss_mb",
            Self::ReadyMs => "start_to_ready_ms",
            Self::BinaryMb => "binary_mb",
            Self::Receives => "receive_calls_per_request",
            Self::Sends => "send_calls_per_request",
            Self::Waits => "wait_calls_per_request",
            Self::Others => "other_calls_per_request",
        }
    }
}

/// The middle of several rounds and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Some(Self { median, min, max })
    }
}

type Rows = BTreeMap<Kind, BTreeMap<Metric, Vec<f64>>>;

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<&'static str, Rows>);

impl Figures {
    pub(crate) fn add(&mut self, workload: &'static str, row: Kind, metric: Metric, value: f64) {
        let rows = self.0.entry(workload).or_default();
        rows.entry(row).or_default().entry(metric).or_default().push(value);
    }

    pub(crate) fn forget(&mut self, workload: &str, row: Kind) {
        if let Some(rows) = self.0.get_mut(workload) {
            rows.remove(&row);
        }
    }

    pub(crate) fn values(&self, workload: &str, row: Kind, metric: Metric) -> &[f64] {
        let rows = self.0.get(workload);
        let metrics = rows.and_then(|rows| rows.get(&row));
        metrics.and_then(|metrics| metrics.get(&metric)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn spread(&self, workload: &str, row: Kind, metric: Metric) -> Option<Spread> {
        Spread::of(self.values(workload, row, metric))
    }

    /// One row against another, round by round: what drifts between rounds cancels out.
    pub(crate) fn against(
        &self,
        workload: &str,
        rows: (Kind, Kind),
        metric: Metric,
        compare: impl Fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let ours = self.values(workload, rows.0, metric);
        let theirs = self.values(workload, rows.1, metric);
        let pairs: Vec<f64> =
            ours.iter().zip(theirs).map(|(ours, theirs)| compare(*ours, *theirs)).collect();
        Spread::of(&pairs)
    }

    pub(crate) fn rows(&self, workload: &str) -> impl Iterator<Item = Kind> {
        self.0.get(workload).into_iter().flat_map(|rows| rows.keys().copied())
    }

    pub(crate) fn to_json(&self) -> serde_json::Value {
        let metrics = |metrics: &BTreeMap<Metric, Vec<f64>>| {
            let named = metrics.iter().map(|(metric, values)| (metric.id(), values));
            serde_json::json!(named.collect::<BTreeMap<_, _>>())
        };
        let rows = |rows: &Rows| {
            let named = rows.iter().map(|(row, found)| (row.id(), metrics(found)));
            serde_json::json!(named.collect::<BTreeMap<_, _>>())
        };
        let named = self.0.iter().map(|(workload, found)| (*workload, rows(found)));
        serde_json::json!(named.collect::<BTreeMap<_, _>>())
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, Metric, Spread};
    use crate::gateway::Kind;

    #[test]
    fn a_spread_is_the_median_between_the_ends() {
        let found = Spread::of(&[3.0, 1.0, 2.0]);
        assert_eq!(found, Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Spread::of(&[1.0, 2.0]).unwrap().median, 1.5);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn rows_are_compared_round_by_round() {
        let mut figures = Figures::default();
        for (relay, quire) in [(1.0, 2.0), (10.0, 20.0), (2.0, 5.0)] {
            figures.add("B", Kind::Relay, Metric::CpuMs, relay);
            figures.add("B", Kind::Quire, Metric::CpuMs, quire);
        }
        let rows = (Kind::Quire, Kind::Relay);
        let found = figures.against("B", rows, Metric::CpuMs, |ours, theirs| ours / theirs);
        assert_eq!(found, Some(Spread { median: 2.0, min: 2.0, max: 2.5 }));
    }
}
