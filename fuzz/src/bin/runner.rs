//! A small fuzzer for stable Rust without sanitizer or coverage: it changes the files of the corpus
//! at random and runs a target on them until the time is over.
//!
//! `runner TARGET SECONDS [SEED]`, from the folder `fuzz`. The seed is printed first, and
//! the input before a panic, so that every finding can be repeated.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Words of the dialects: what random bytes alone would hardly find.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "1e3",
    "\n",
    "\r",
    "\n\n",
    "data: ",
    "event: ",
    "[DONE]",
    "\"type\":",
    "\"call_id\":",
    "\"id\":",
    "\"index\":0",
    "\"choices\":",
    "\"delta\":",
    "\"content\":",
    "\"tool_calls\":",
    "\"function\":",
    "\"name\":",
    "\"arguments\":",
    "\"reasoning_content\":",
    "\"finish_reason\":\"stop\"",
    "\"usage\":",
    "\"error\":",
    "<think>",
    "</think>",
    "\"input\":",
    "\"tools\":",
    "\"custom\"",
    "\"function_call\"",
    "\"function_call_output\"",
    "\"reasoning\"",
    "\"namespace\"",
    "\"model\":\"m\"",
    "\"messages\":",
    "\"tool_use\"",
    "\"tool_result\"",
    "\"thinking\"",
    "\"signature\":",
    "\"stop_reason\":\"end_turn\"",
    "\"message_start\"",
    "\"content_block_start\"",
    "\"content_block_delta\"",
    "\"content_block_stop\"",
    "\"message_delta\"",
    "\"message_stop\"",
    "\"response.output_item.added\"",
    "\"response.output_text.delta\"",
    "\"response.output_item.done\"",
    "\"response.completed\"",
    "\u{feff}",
    "é",
    "😀",
];

/// xorshift64*: good enough to be unpredictable to the code under test.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: runner TARGET SECONDS [SEED]";
    let name = arguments.next().expect(usage);
    let Some(target) = fuzz::TARGETS.iter().find(|target| target.name == name) else {
        let names: Vec<&str> = fuzz::TARGETS.iter().map(|target| target.name).collect();
        panic!("there is no target `{name}`; there are {}", names.join(", "));
    };
    let seconds = arguments.next().and_then(|text| text.parse().ok()).expect(usage);
    let seed = arguments.next().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(1, |since| since.as_nanos() as u64 | 1)
    });
    println!("seed {seed}");
    let mut inputs = Vec::new();
    gather(Path::new("../corpus"), target, &mut inputs);
    assert!(!inputs.is_empty(), "run this in the folder `fuzz`: no corpus was found");
    let mut random = Random(seed);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0_u64;
    while Instant::now() < end {
        let mut input = inputs[random.below(inputs.len())].clone();
        for _ in 0..=random.below(6) {
            change(&mut input, &inputs, &mut random);
        }
        let outcome = std::panic::catch_unwind(|| (target.law)(&input));
        if outcome.is_err() {
            println!(
                "after {runs} runs, seed {seed}, this input fails:\n{}",
                String::from_utf8_lossy(&input)
            );
            std::process::exit(1);
        }
        runs += 1;
    }
    println!("{runs} runs without a finding");
}

/// The small files that a target begins with.
fn gather(corpus: &Path, target: &fuzz::Target, inputs: &mut Vec<Vec<u8>>) {
    for pair in listed(corpus) {
        let name = pair.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let cases = listed(&pair).into_iter().filter(|_| target.begins_with(&name));
        for case in cases.flat_map(|kind| listed(&kind)) {
            let files = target.files.iter().filter_map(|file| std::fs::read(case.join(file)).ok());
            inputs.extend(files.filter(|bytes| bytes.len() < 16 << 10));
        }
    }
}

/// What lies in a folder, in an order that is always the same.
fn listed(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// One small change.
fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let to = (at + random.below(40)).min(input.len());
    match random.below(7) {
        0 => drop(input.drain(at..to)),
        1 => {
            let again = input[at..to].to_vec();
            input.splice(at..at, again);
        }
        2 => drop(input.splice(at..at, WORDS[random.below(WORDS.len())].bytes())),
        3 => drop(input.splice(at..to, WORDS[random.below(WORDS.len())].bytes())),
        4 if at < input.len() => input[at] = random.next() as u8,
        5 => {
            let other = &inputs[random.below(inputs.len())];
            let from = random.below(other.len());
            let until = (from + random.below(400)).min(other.len());
            input.splice(at..to, other[from..until].iter().copied());
        }
        _ => input.truncate(at.max(1)),
    }
}
