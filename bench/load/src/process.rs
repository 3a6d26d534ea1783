//! What a process and its children have used, read from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Processor time of a process tree at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// Nanoseconds on a processor by thread: exact, but a thread that ended is no longer there.
    threads: BTreeMap<u32, u64>,
    /// User and system time in ticks of ten milliseconds: coarse, but nothing is forgotten.
    ticks: u64,
}

impl Usage {
    pub(crate) fn of(root: u32) -> Self {
        let mut usage = Self::default();
        for process in tree(root) {
            usage.ticks += ticks(process).unwrap_or(0);
            for thread in numbers(&format!("/proc/{process}/task")) {
                let path = format!("/proc/{process}/task/{thread}/schedstat");
                let nanos = fs::read_to_string(path)
                    .ok()
                    .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
                if let Some(nanos) = nanos {
                    usage.threads.insert(thread, nanos);
                }
            }
        }
        usage
    }

    /// What was used since an earlier moment.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let all_there = !earlier.threads.is_empty()
            && earlier.threads.keys().all(|thread| self.threads.contains_key(thread));
        if !all_there {
            return Duration::from_millis(self.ticks.saturating_sub(earlier.ticks) * 10);
        }
        let nanos = |usage: &Self| usage.threads.values().sum::<u64>();
        Duration::from_nanos(nanos(self).saturating_sub(nanos(earlier)))
    }
}

/// How long a processor has been busy with anything since the machine started.
pub(crate) fn busy(core: &str) -> Duration {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let name = format!("cpu{core} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_default();
    let fields = line.split_whitespace().map(|word| word.parse::<u64>().unwrap_or(0));
    // user, nice, system, idle, iowait, irq, softirq, steal: all but the fourth and fifth.
    let ticks: u64 = fields
        .take(8)
        .enumerate()
        .filter(|(at, _)| !matches!(at, 3 | 4))
        .map(|(_, ticks)| ticks)
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Memory of a process tree in KiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    /// Resident: shared pages counted in every process that maps them.
    pub(crate) rss: u64,
    /// Resident, shared pages divided among those who map them.
    pub(crate) pss: u64,
}

impl Memory {
    pub(crate) fn of(root: u32) -> Self {
        let mut memory = Self::default();
        for process in tree(root) {
            let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup"));
            for line in text.unwrap_or_default().lines() {
                let mut words = line.split_whitespace();
                let place = match words.next() {
                    Some("Rss:") => &mut memory.rss,
                    Some("Pss:") => &mut memory.pss,
                    _ => continue,
                };
                *place += words.next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            }
        }
        memory
    }

    pub(crate) fn larger(self, other: Self) -> Self {
        Self { rss: self.rss.max(other.rss), pss: self.pss.max(other.pss) }
    }
}

/// A process and all below it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut at = 0;
    while at < found.len() {
        for thread in numbers(&format!("/proc/{}/task", found[at])) {
            let path = format!("/proc/{}/task/{thread}/children", found[at]);
            let children = fs::read_to_string(path).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|word| word.parse::<u32>().ok()));
        }
        at += 1;
    }
    found
}

fn ticks(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces; the fields after it do not. utime and stime are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?)
}

fn numbers(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{Memory, Usage, tree};

    #[test]
    fn this_process_uses_time_and_memory() {
        let me = std::process::id();
        let before = Usage::of(me);
        let mut sum = 0u64;
        for number in 0..20_000_000u64 {
            sum = std::hint::black_box(sum ^ number);
        }
        assert!(Usage::of(me).since(&before).as_millis() > 0);
        assert!(Memory::of(me).pss > 0);
        assert!(tree(me).contains(&me));
    }
}
