//! The real Claude Code, driven through the real gateway onto scripted, strict upstreams of every
//! dialect. Each test asserts what the user sees and what reached the upstream; a refused request
//! fails it.

mod beside;
mod scenes;
mod tools;
mod trouble;

use clients::claude_code::{Outcome, Run, Setup};
use clients::{Room, Stage};
use testkit::Dialect;
use testkit::script::Script;

/// The upstream's model by its own name, and a client that gives up soon.
fn setup() -> Setup {
    Setup::new("lab/mock-model").retries(2)
}

/// A stage in front of an upstream of this dialect.
async fn stage(name: &str, upstream: Dialect, script: impl Into<Script>) -> Stage {
    let name = format!("{name}-{}", upstream.name());
    Stage::speaking(upstream, Room::fresh(&name), script).await
}

/// Writes the set-up for this stage and runs one prompt.
async fn run(stage: &Stage, setup: &Setup, prompt: &str) -> Outcome {
    setup.write(&stage.room, stage.quire.address());
    Run::print(&stage.room, prompt).run().await
}
