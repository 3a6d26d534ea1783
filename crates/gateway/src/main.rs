//! The composition root: everything else is in the library, so that tests can reach it.

/// Requests allocate and free a few large blocks each; the system's allocator keeps them, and with
/// a thousand streams that is most of the memory (measured: see `bench/README.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    gateway::cli::run()
}
