//! Drives the real coding agents, as their users run them, and reads what they print.
//!
//! Each test gets a [`Room`] (a fresh home and workspace), runs a pinned client in it with nothing
//! inherited from the developer's machine, and asserts the outcome: files, exit code, printed usage,
//! answer. What reaches the other side is judged by `testkit`'s upstream. No model and no network is
//! involved. Start reading at [`Stage`].
//!
//! To add a client: pin it in `clients/package.json`; give it a module beside [`codex`] that runs
//! it, reads its output as a [`scene::Ending`], and says what its tools are called
//! ([`scene::Hands`]); then play [`scene::SCENES`] with it and test what only it can do.

pub mod claude_code;
pub mod codex;
pub mod install;
pub mod matrix;
pub mod opencode;
pub mod pairs;
pub mod pi;
pub mod process;
pub mod quire;
pub mod replay;
pub mod room;
pub mod scene;
pub mod sdk;
pub mod sent;
pub mod stage;

pub use room::Room;
pub use sent::Sent;
pub use stage::Stage;
