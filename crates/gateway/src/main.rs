//! The composition root: everything else is in the library, so that tests can reach it.

fn main() -> std::process::ExitCode {
    gateway::cli::run()
}
