//! What is measured: the workloads, who takes part, and how long each run lasts.

use std::time::Duration;

use crate::body::Size;
use crate::client::Until;
use crate::gateway::Kind;
use crate::judge::Expected;

/// One kind of load.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) model: &'static str,
    pub(crate) size: Size,
    pub(crate) expected: Expected,
    pub(crate) connections: usize,
    pub(crate) rows: &'static [Kind],
    /// Load that is not counted, before the first round and each next.
    pub(crate) warm_up: Option<Duration>,
    pub(crate) until: Until,
    /// Between the starts of two connections, so that paced streams do not beat in step.
    pub(crate) stagger: Duration,
    pub(crate) rounds: usize,
}

const TRANSLATING: &[Kind] =
    &[Kind::Direct, Kind::Nginx, Kind::Relay, Kind::QuireNoLog, Kind::Quire];
const SLOW: &[Kind] = &[Kind::Nginx, Kind::RelayPass, Kind::Relay, Kind::Quire];
const SLOW_QUICK: &[Kind] = &[Kind::Relay, Kind::Quire];

/// The workloads in the order in which they run.
pub(crate) fn workloads(quick: bool) -> Vec<Workload> {
    let lasting = |full_ms, quick_ms| {
        Until::After(Duration::from_millis(if quick { quick_ms } else { full_ms }))
    };
    let stream = |deltas| Expected::Stream { deltas };
    let base = Workload {
        id: "A",
        title: "1 KB request, whole answer, 16 connections",
        model: "bench-a",
        size: Size::Small,
        expected: Expected::Whole,
        connections: 16,
        rows: TRANSLATING,
        warm_up: Some(Duration::from_millis(150)),
        until: lasting(1_600, 400),
        stagger: Duration::ZERO,
        rounds: if quick { 3 } else { 5 },
    };
    vec![
        base.clone(),
        Workload {
            id: "B",
            title: "60 KB Codex turn, 200 events at once, 8 connections",
            model: "bench-b",
            size: Size::Turn,
            expected: stream(200),
            connections: 8,
            rows: &Kind::ALL,
            ..base.clone()
        },
        Workload {
            id: "B1",
            title: "the same turn, 1 connection: time to the first event",
            model: "bench-b",
            size: Size::Turn,
            expected: stream(200),
            connections: 1,
            rows: &Kind::ALL,
            ..base.clone()
        },
        Workload {
            id: "C",
            title: "1 MB history, 20 events, 1 connection",
            model: "bench-c",
            size: Size::History,
            expected: stream(20),
            connections: 1,
            ..base.clone()
        },
        Workload {
            id: "P",
            title: "60 KB turn, 100 events 10 ms apart, 20 streams",
            model: "bench-p",
            size: Size::Turn,
            expected: stream(100),
            connections: 20,
            warm_up: None,
            until: Until::Each(if quick { 1 } else { 3 }),
            stagger: Duration::from_micros(1_700),
            rounds: if quick { 1 } else { 3 },
            ..base.clone()
        },
        Workload {
            id: "D",
            title: "60 KB turn, 10 events one second apart, 1,000 streams",
            model: "bench-d",
            size: Size::Turn,
            expected: stream(10),
            connections: 1_000,
            rows: if quick { SLOW_QUICK } else { SLOW },
            warm_up: None,
            until: Until::Each(1),
            stagger: Duration::from_micros(700),
            rounds: 1,
        },
    ]
}
