//! One whole measurement: start the programs, load them in turn, gather the figures.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use crate::body::Request;
use crate::calls;
use crate::client::{Client, Tally, Until};
use crate::figures::{Figures, Metric};
use crate::gateway::{Gateway, Kind, Place};
use crate::process::{Memory, busy, tree};
use crate::workload::Workload;

/// The state of a measurement.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    pub(crate) place: &'a Place,
    pub(crate) figures: Figures,
    /// What could not be measured, and why.
    pub(crate) skipped: Vec<String>,
    /// Time that other programs had of the gateways' processor, and the time of all rounds.
    disturbed: Duration,
    measured: Duration,
    mock: Gateway,
    missing: Vec<Kind>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(place: &'a Place) -> io::Result<Self> {
        let mut session = Self {
            place,
            figures: Figures::default(),
            skipped: Vec::new(),
            disturbed: Duration::ZERO,
            measured: Duration::ZERO,
            mock: Gateway::mock(place)?,
            missing: Vec::new(),
        };
        for kind in Kind::ALL {
            if let Some(reason) = Gateway::missing(kind, place) {
                session.skip(kind, &reason);
            }
        }
        Ok(session)
    }

    fn skip(&mut self, kind: Kind, reason: &str) {
        self.skipped.push(format!("{}: {reason}", kind.name()));
        self.missing.push(kind);
    }

    /// Starts a gateway, or notes why it cannot be.
    fn start(&mut self, kind: Kind) -> Option<Gateway> {
        if self.missing.contains(&kind) {
            return None;
        }
        match Gateway::new(kind, self.mock.address, self.place) {
            Ok(gateway) => Some(gateway),
            Err(fault) => {
                self.skip(kind, &fault.to_string());
                None
            }
        }
    }

    /// S: start to ready, idle memory, size of the program.
    pub(crate) fn processes(&mut self, starts: usize) -> io::Result<()> {
        for kind in [Kind::Nginx, Kind::Relay, Kind::Quire] {
            // The first start, which makes quire's database, is made once and not counted.
            drop(self.start(kind));
            for _ in 0..starts {
                let Some(gateway) = self.start(kind) else { break };
                std::thread::sleep(Duration::from_millis(200));
                let memory = gateway.memory();
                let ready = gateway.ready_after.as_secs_f64() * 1e3;
                self.figures.add("S", kind, Metric::ReadyMs, ready);
                self.figures.add("S", kind, Metric::RssMb, megabytes(memory.rss));
                self.figures.add("S", kind, Metric::PssMb, megabytes(memory.pss));
            }
        }
        for (kind, name) in [(Kind::Relay, "bench-relay"), (Kind::Quire, "quire")] {
            if !self.missing.contains(&kind) {
                let size = std::fs::metadata(self.place.programs.join(name))?.len();
                self.figures.add("S", kind, Metric::BinaryMb, megabytes(size / 1024));
            }
        }
        Ok(())
    }

    /// Runs workloads against gateways that stay up between them.
    pub(crate) fn loads(
        &mut self,
        workloads: &[Workload],
        mut done: impl FnMut(&Figures, &Workload),
    ) -> io::Result<()> {
        let mut gateways = BTreeMap::new();
        for kind in Kind::ALL {
            if workloads.iter().any(|workload| workload.rows.contains(&kind))
                && let Some(gateway) = self.start(kind)
            {
                gateways.insert(kind, gateway);
            }
        }
        for workload in workloads {
            self.rounds(workload, &gateways)?;
            done(&self.figures, workload);
        }
        Ok(())
    }

    /// D: each gateway alone and fresh, so that its memory is of these streams only.
    pub(crate) fn memory(
        &mut self,
        workload: &Workload,
        mut done: impl FnMut(&Figures, &Workload),
    ) -> io::Result<()> {
        for kind in workload.rows {
            if let Some(gateway) = self.start(*kind) {
                self.rounds(workload, &BTreeMap::from([(*kind, gateway)]))?;
            }
        }
        done(&self.figures, workload);
        Ok(())
    }

    fn rounds(
        &mut self,
        workload: &Workload,
        gateways: &BTreeMap<Kind, Gateway>,
    ) -> io::Result<()> {
        let mut clients = Vec::new();
        for (kind, gateway) in gateways {
            if workload.rows.contains(kind) {
                match check(workload, gateway) {
                    Ok(()) => clients.push((gateway, connect(workload, gateway)?)),
                    Err(reason) => self.leave_out(workload, *kind, &reason),
                }
            }
        }
        for round in 0..workload.rounds {
            // Whoever was last is first in the next round.
            if round > 0 {
                clients.reverse();
            }
            // A row that failed once is not measured again: its figures would not compare.
            clients.retain_mut(|(gateway, client)| {
                let outcome = self.round(workload, gateway, client);
                if let Err(reason) = &outcome {
                    self.leave_out(workload, gateway.kind, reason);
                }
                outcome.is_ok()
            });
        }
        Ok(())
    }

    /// Notes the failure and drops what the row had: half a row would be paired wrongly.
    fn leave_out(&mut self, workload: &Workload, kind: Kind, reason: &str) {
        self.figures.forget(workload.id, kind);
        self.skipped.push(format!("{} on {}: {reason}", kind.name(), workload.id));
    }

    fn round(
        &mut self,
        workload: &Workload,
        gateway: &Gateway,
        client: &mut Client,
    ) -> Result<(), String> {
        if let Some(span) = workload.warm_up {
            let run = client.run(Until::After(span), workload.stagger, || ());
            run.map_err(|fault| fault.to_string())?;
        }
        let mut memory = Memory::default();
        let (busy_before, before) = (busy(self.place.gateway_core), gateway.usage());
        let tally = client.run(workload.until, workload.stagger, || {
            if workload.id == "D" {
                memory = memory.larger(gateway.memory());
            }
        });
        let cpu = gateway.usage().since(&before);
        let occupied = busy(self.place.gateway_core).saturating_sub(busy_before);
        let tally = accepted(tally)?;
        self.measured += tally.elapsed;
        self.disturbed += occupied.saturating_sub(cpu);
        if workload.id != "D" {
            memory = gateway.memory();
        }
        self.record(workload, gateway, &tally, cpu, memory);
        Ok(())
    }

    fn record(
        &mut self,
        workload: &Workload,
        gateway: &Gateway,
        tally: &Tally,
        cpu: Duration,
        memory: Memory,
    ) {
        let mut add = |metric, value| self.figures.add(workload.id, gateway.kind, metric, value);
        #[expect(clippy::cast_precision_loss, reason = "requests of a bench are far below 2^52")]
        let good = tally.good as f64;
        add(Metric::PerSecond, good / tally.elapsed.as_secs_f64());
        if gateway.pid().is_some() {
            add(Metric::CpuMs, cpu.as_secs_f64() * 1e3 / good);
            add(Metric::RssMb, megabytes(memory.rss));
            add(Metric::PssMb, megabytes(memory.pss));
        }
        for (histogram, p50, p99) in [
            (&tally.first, Metric::FirstP50Ms, Metric::FirstP99Ms),
            (&tally.delay, Metric::DelayP50Ms, Metric::DelayP99Ms),
            (&tally.whole, Metric::WholeP50Ms, Metric::WholeP99Ms),
        ] {
            for (metric, share) in [(p50, 0.5), (p99, 0.99)] {
                if let Some(value) = histogram.quantile_ms(share) {
                    add(metric, value);
                }
            }
        }
    }

    /// The share of the gateways' processor that other programs took while it was measured.
    pub(crate) fn disturbance(&self) -> f64 {
        self.disturbed.as_secs_f64() / self.measured.as_secs_f64().max(1e-9)
    }

    /// System calls of one turn of this workload.
    pub(crate) fn calls(&mut self, workload: &Workload) -> io::Result<()> {
        for kind in workload.rows.iter().copied().filter(|kind| *kind != Kind::Direct) {
            let Some(gateway) = self.start(kind) else { continue };
            let mut client = connect(workload, &gateway)?;
            client.run(Until::Each(3), Duration::ZERO, || ())?;
            // The process that serves is the last of the tree: nginx has a master above it.
            let Some(pid) = gateway.pid().and_then(|pid| tree(pid).pop()) else { continue };
            let counted = calls::count(pid, &self.place.work, || {
                let tally = client.run(Until::Each(50), Duration::ZERO, || ())?;
                Ok(tally.good)
            });
            match counted {
                Ok(sums) => {
                    for (metric, value) in sums {
                        self.figures.add("sys", kind, metric, value);
                    }
                }
                Err(fault) => {
                    self.skipped
                        .push(format!("B-sys (needs `strace` and leave to attach): {fault}"));
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn connect(workload: &Workload, gateway: &Gateway) -> io::Result<Client> {
    connect_some(workload, gateway, workload.connections)
}

fn connect_some(workload: &Workload, gateway: &Gateway, count: usize) -> io::Result<Client> {
    let model = gateway.kind.model(workload.model);
    let request =
        Request::new(&gateway.address.to_string(), &model, workload.size, gateway.kind.speech());
    Client::connect(gateway.address, request, workload.expected, count)
}

/// One request before any load: a gateway that answers wrongly is not measured at all. A workload
/// whose answers take seconds shows that by itself.
fn check(workload: &Workload, gateway: &Gateway) -> Result<(), String> {
    if workload.warm_up.is_none() {
        return Ok(());
    }
    let tally = connect_some(workload, gateway, 1)
        .and_then(|mut client| client.run(Until::Each(1), Duration::ZERO, || ()));
    accepted(tally).map(|_| ())
}

fn accepted(tally: io::Result<Tally>) -> Result<Tally, String> {
    let tally = tally.map_err(|fault| fault.to_string())?;
    match tally.faults.iter().max_by_key(|(_, count)| **count) {
        None => Ok(tally),
        Some((reason, _)) => Err(format!(
            "{} of {} requests failed, most with: {reason}",
            tally.failed(),
            tally.failed() + tally.good
        )),
    }
}

#[expect(clippy::cast_precision_loss, reason = "memory of a process is far below 2^52 KiB")]
fn megabytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
