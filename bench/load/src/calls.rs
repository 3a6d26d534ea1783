//! System calls of a gateway while it serves, counted by `strace` where that is installed and
//! allowed.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::figures::Metric;

/// Counts the calls of a process while `load` runs.
pub(crate) fn count(
    pid: u32,
    work: &Path,
    load: impl FnOnce() -> io::Result<u64>,
) -> io::Result<Vec<(Metric, f64)>> {
    let (table, log) = (work.join("calls.txt"), work.join("strace.log"));
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-o"])
        .arg(&table)
        .args(["-p", &pid.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?)
        .spawn()?;
    let begin = Instant::now();
    let attached = loop {
        if fs::read_to_string(&log)?.contains("attached") {
            break true;
        }
        if begin.elapsed() > Duration::from_secs(2) || strace.try_wait()?.is_some() {
            break false;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let outcome = if attached { load() } else { Err(io::Error::other("`strace` cannot attach")) };
    if let Some(pid) = i32::try_from(strace.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // An interrupted strace detaches and writes its table.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
    strace.wait()?;
    let requests = outcome?.max(1);
    Ok(sum(&fs::read_to_string(&table)?, requests))
}

fn sum(table: &str, requests: u64) -> Vec<(Metric, f64)> {
    let metrics = [Metric::Receives, Metric::Sends, Metric::Waits, Metric::Others];
    let mut sums = metrics.map(|metric| (metric, 0.0));
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(calls), Some(name)) = (words.get(3), words.last()) else { continue };
        let Ok(calls) = calls.parse::<u32>() else { continue };
        let place = match *name {
            "total" => continue,
            "read" | "readv" | "recvfrom" | "recvmsg" => 0,
            "write" | "writev" | "sendto" | "sendmsg" => 1,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" | "futex" => 2,
            _ => 3,
        };
        #[expect(clippy::cast_precision_loss, reason = "a few requests")]
        let share = f64::from(calls) / requests as f64;
        sums[place].1 += share;
    }
    sums.to_vec()
}

#[cfg(test)]
mod tests {
    use super::sum;

    #[test]
    fn calls_are_summed_by_their_purpose() {
        let table = "% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.001000           5       200        10 recvfrom
 30.00    0.000500           5       100           writev
 10.00    0.000100           1        50           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.001600           4       350        10 total
";
        let shares = sum(table, 10).into_iter().map(|(_, share)| share).collect::<Vec<_>>();
        assert_eq!(shares, [20.0, 10.0, 5.0, 0.0]);
    }
}
