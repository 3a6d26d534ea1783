//! Measures gateways side by side on loopback: `bench-load [--quick] [--only A,B,B1,C,P,D,S,sys]`.
//!
//! It starts the mock, nginx, the reference relay and quire, loads each in turn, and prints how
//! they compare and which of quire's targets are met. `README.md` beside it says how to read the
//! tables. It changes nothing outside the build folder and ends everything that it started.

mod body;
mod calls;
mod client;
mod figures;
mod gateway;
mod histogram;
mod judge;
mod process;
mod report;
mod session;
mod target;
mod workload;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use figures::Figures;
use gateway::Place;
use session::Session;
use workload::Workload;

/// Everything that can be measured.
const IDS: [&str; 8] = ["A", "B", "B1", "C", "P", "D", "S", "sys"];

/// More than this share of other work, in percent, and latencies tell about that work.
const DISTURBED: f64 = 10.0;

const USAGE: &str = "usage: bench-load [--quick] [--only A,B,B1,C,P,D,S,sys]";

struct Options {
    quick: bool,
    only: Option<Vec<String>>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut options = Self { quick: false, only: None };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => options.quick = true,
                "--only" => {
                    let list = words.next().ok_or_else(|| io::Error::other(USAGE))?;
                    let list: Vec<_> = list.split(',').map(str::to_owned).collect();
                    if let Some(odd) = list.iter().find(|id| !IDS.contains(&id.as_str())) {
                        let known = IDS.join("`, `");
                        return Err(io::Error::other(format!(
                            "no workload `{odd}`; there are `{known}`"
                        )));
                    }
                    options.only = Some(list);
                }
                _ => return Err(io::Error::other(USAGE)),
            }
        }
        Ok(options)
    }

    fn wants(&self, id: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.iter().any(|name| name == id))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            // Nowhere else to say it.
            let _ = writeln!(io::stderr(), "error: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let program = std::env::current_exe()?;
    let programs = program.parent().unwrap_or(Path::new("."));
    let results = programs.parent().unwrap_or(programs).join("bench");
    let place = place(programs, &results)?;
    allow_many_sockets();
    let outcome = measure(&options, &place, &results);
    fs::remove_dir_all(&place.work)?;
    outcome
}

fn place(programs: &Path, results: &Path) -> io::Result<Place> {
    let work = results.join("work");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    fs::create_dir_all(&work)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let load_core = if cores > 1 { "1" } else { "0" };
    // This process too: the load must not disturb the gateway's processor.
    let pinned = Command::new("taskset")
        .args(["-cp", load_core, &std::process::id().to_string()])
        .output()
        .is_ok_and(|output| output.status.success());
    if !pinned {
        return Err(io::Error::other("cannot choose a processor; is `taskset` installed?"));
    }
    if cores == 1 {
        say("one processor only: load and gateways disturb each other, read the ratios alone\n")?;
    }
    Ok(Place { programs: programs.to_owned(), work, gateway_core: "0", load_core })
}

fn measure(options: &Options, place: &Place, results: &Path) -> io::Result<()> {
    let begin = Instant::now();
    let all = workload::workloads(options.quick);
    let wanted: Vec<Workload> =
        all.iter().filter(|workload| options.wants(workload.id)).cloned().collect();
    let mut session = Session::new(place)?;
    say(&format!("{}\n", machine()))?;

    if options.wants("S") {
        session.processes(if options.quick { 3 } else { 7 })?;
        say(&report::process_table(&session.figures))?;
    }
    let mut shown = Ok(());
    let mut show = |figures: &Figures, workload: &Workload| {
        if shown.is_ok() {
            shown = say(&report::workload_table(figures, workload));
        }
    };
    let (slow, fast): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|workload| workload.id == "D");
    if !fast.is_empty() {
        session.loads(&fast, &mut show)?;
    }
    for workload in &slow {
        session.memory(workload, &mut show)?;
    }
    shown?;
    if options.wants("sys")
        && let Some(turn) = all.iter().find(|workload| workload.id == "B1")
    {
        session.calls(turn)?;
        say(&report::call_table(&session.figures))?;
    }

    let verdicts = target::verdicts(&session.figures);
    say(&report::target_table(&verdicts))?;
    for line in &session.skipped {
        say(&format!("\nskipped: {line}"))?;
    }
    let disturbance = session.disturbance() * 100.0;
    say(&format!("\nother programs took {disturbance:.0} % of the gateways' processor"))?;
    if disturbance > DISTURBED {
        say(": read processor times, not latencies, and measure again on a quiet machine")?;
    }
    let written = json!({
        "machine": machine(),
        "disturbance_percent": disturbance,
        "quick": options.quick,
        "seconds": begin.elapsed().as_secs(),
        "figures": session.figures.to_json(),
        "targets": report::targets_json(&verdicts),
        "skipped": session.skipped,
    });
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let file = results.join(format!("{now}.json"));
    fs::write(&file, format!("{written:#}\n"))?;
    fs::copy(&file, results.join("latest.json"))?;
    say(&format!("\nraw figures: {} ({} s)\n", file.display(), begin.elapsed().as_secs()))
}

/// A thousand streams need two thousand sockets in a gateway; children inherit the limit.
fn allow_many_sockets() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Refused only where the limit is the system's; then the workload says what failed.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let model = read("/proc/cpuinfo")
        .lines()
        .find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1.to_owned()))
        .unwrap_or_default();
    let load = read("/proc/loadavg");
    let load: Vec<&str> = load.split(' ').take(3).collect();
    format!("{model}, load before {}", load.join(" "))
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::{IDS, Options};

    fn read(line: &str) -> Result<Options, std::io::Error> {
        Options::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn only_known_workloads_can_be_asked_for() {
        let options = read("--quick --only B,sys").unwrap();
        assert!(options.quick && options.wants("B") && options.wants("sys"));
        assert!(!options.wants("A"));
        assert!(read("--only B,X").is_err());
        assert!(read("--fast").is_err());
        assert!(IDS.iter().all(|id| read("").unwrap().wants(id)));
    }

    #[test]
    fn every_workload_has_its_name_in_the_list() {
        for quick in [false, true] {
            let workloads = crate::workload::workloads(quick);
            assert!(workloads.iter().all(|workload| IDS.contains(&workload.id)));
        }
    }
}
