//! The real Codex CLI, driven through the real gateway onto a scripted, strict Chat upstream. Each
//! test asserts what the user sees and what reached the upstream; a refused request fails it.

mod catalog;
mod history;
mod scenes;
mod tools;
mod trouble;

use clients::Stage;
use clients::codex::{Outcome, Run, Setup};

/// Codex as the README sets it up, with the gateway's catalog and the lab's model by its own name.
fn with_catalog() -> Setup {
    Setup::new("lab/mock-model").catalog()
}

/// Writes the set-up for this stage and runs one prompt.
async fn run(stage: &Stage, setup: &Setup, prompt: &str) -> Outcome {
    setup.write(&stage.room, &stage.quire.base_url());
    Run::exec(&stage.room, prompt).run().await
}
