//! quire's targets, as ratios to the relay and nginx in the same run or as plain limits, and
//! whether they are met.

use crate::figures::{Figures, Metric, Spread};
use crate::gateway::Kind;

/// One target and what was found.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) name: &'static str,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
    pub(crate) found: Option<Spread>,
}

impl Verdict {
    /// Whether the median holds the limit; nothing if it was not measured.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.found.map(|found| found.median <= self.limit)
    }
}

pub(crate) fn verdicts(figures: &Figures) -> Vec<Verdict> {
    use Kind::{Direct, Nginx, Quire, QuireFromMessages, QuirePass, QuireToMessages, Relay};
    let cpu = |workload, ours, theirs| {
        figures.against(workload, (ours, theirs), Metric::CpuMs, |ours, theirs| ours / theirs)
    };
    let added = |workload, row, metric| {
        figures.against(workload, (row, Direct), metric, |ours, direct| ours - direct)
    };
    let verdict = |name, limit, unit, found| Verdict { name, limit, unit, found };
    let of_relay = "x relay";
    vec![
        verdict("B: processor time of a Codex turn", 2.0, of_relay, cpu("B", Quire, Relay)),
        verdict("B passed through: processor time", 1.0, "x nginx", cpu("B", QuirePass, Nginx)),
        verdict(
            "B to a Messages server: processor time",
            1.1,
            "x Chat",
            cpu("B", QuireToMessages, Quire),
        ),
        verdict(
            "B of a Messages client: processor time",
            1.1,
            "x Chat",
            cpu("B", QuireFromMessages, Quire),
        ),
        verdict("C: processor time, 1 MB history", 2.0, of_relay, cpu("C", Quire, Relay)),
        verdict("A: processor time, 1 KB answer", 2.5, of_relay, cpu("A", Quire, Relay)),
        verdict("P: processor time, paced events", 1.3, of_relay, cpu("P", Quire, Relay)),
        verdict("P: added event delay, p99", 0.5, "ms", added("P", Quire, Metric::DelayP99Ms)),
        verdict(
            "B1: added time to first event, p50",
            0.3,
            "ms",
            added("B1", Quire, Metric::FirstP50Ms),
        ),
        verdict("B1: added time to first event, p99", 2.0, of_relay, added_ratio(figures)),
        verdict(
            "D: resident memory, 1,000 slow streams",
            45.0,
            "MB",
            figures.spread("D", Quire, Metric::RssMb),
        ),
        verdict("S: idle resident memory", 15.0, "MB", figures.spread("S", Quire, Metric::RssMb)),
        verdict("S: start to ready", 30.0, "ms", figures.spread("S", Quire, Metric::ReadyMs)),
        verdict("S: binary", 25.0, "MB", figures.spread("S", Quire, Metric::BinaryMb)),
    ]
}

/// quire's added p99 over the relay's. The relay's is taken as at least 50 microseconds: below
/// that the clock and the scheduler are measured, not the relay.
fn added_ratio(figures: &Figures) -> Option<Spread> {
    const FLOOR_MS: f64 = 0.05;
    let values = |row| figures.values("B1", row, Metric::FirstP99Ms);
    let direct = values(Kind::Direct);
    let rounds = values(Kind::Quire).iter().zip(values(Kind::Relay)).zip(direct);
    let ratios: Vec<f64> = rounds
        .map(|((quire, relay), direct)| (quire - direct) / (relay - direct).max(FLOOR_MS))
        .collect();
    Spread::of(&ratios)
}

#[cfg(test)]
mod tests {
    use super::verdicts;
    use crate::figures::{Figures, Metric};
    use crate::gateway::Kind;

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        assert!(verdicts(&Figures::default()).iter().all(|verdict| verdict.is_met().is_none()));
    }

    #[test]
    fn a_ratio_above_its_limit_is_missed() {
        let mut figures = Figures::default();
        for (row, value) in [(Kind::Relay, 0.15), (Kind::Quire, 0.31)] {
            figures.add("B", row, Metric::CpuMs, value);
        }
        assert_eq!(verdicts(&figures)[0].is_met(), Some(false));
        figures.add("B", Kind::Relay, Metric::CpuMs, 0.15);
        figures.add("B", Kind::Quire, Metric::CpuMs, 0.2);
        assert_eq!(verdicts(&figures)[0].is_met(), Some(true));
    }
}
