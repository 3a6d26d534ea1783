//! Where the pinned clients are. `clients/install` puts them into `.cache/clients`; this module runs
//! it once per test process and resolves the native program of this platform, because npm's wrapper
//! scripts stay placeholders when install scripts are off.

use std::env::consts::{ARCH, OS};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The repository root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
}

/// The folder that holds `node_modules`, installed if need be.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let output = Command::new(root().join("clients/install"))
            .stdin(Stdio::null())
            .output()
            .expect("`clients/install` is part of the repository and can be run");
        assert!(
            output.status.success(),
            "`clients/install` failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
    })
}

/// Codex's native program.
pub fn codex() -> PathBuf {
    let triple = match platform() {
        "linux-x64" => "x86_64-unknown-linux-musl",
        "linux-arm64" => "aarch64-unknown-linux-musl",
        "darwin-x64" => "x86_64-apple-darwin",
        _ => "aarch64-apple-darwin",
    };
    module(&format!("@openai/codex-{}/vendor/{triple}/bin/codex", platform()))
}

/// Claude Code's native program.
pub fn claude() -> PathBuf {
    module(&format!("@anthropic-ai/claude-code-{}/claude", platform()))
}

/// OpenCode's native program. It is pinned for Linux on x64 alone.
pub fn opencode() -> PathBuf {
    module(&format!("opencode-{}/bin/opencode", platform()))
}

/// The Node.js that Pi needs, 22.19 or newer. Packages of it exist for Linux; elsewhere the machine's own
/// serves.
pub fn node22() -> PathBuf {
    match OS {
        "linux" => module(&format!("node-{}/bin/node", platform())),
        _ => PathBuf::from("node"),
    }
}

/// Pi's program, a script for [`node22`].
pub fn pi() -> PathBuf {
    module("@earendil-works/pi-coding-agent/dist/bundle/cli.js")
}

/// The Python that has the pinned `openai` and `anthropic` packages.
pub fn python() -> PathBuf {
    present(folder().join("py/bin/python"))
}

/// How npm's packages name this platform.
fn platform() -> &'static str {
    match (OS, ARCH) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        other => unreachable!("no client has a native package for {other:?}"),
    }
}

fn module(path: &str) -> PathBuf {
    present(folder().join("node_modules").join(path))
}

fn present(program: PathBuf) -> PathBuf {
    assert!(program.is_file(), "the pinned packages hold no `{}`", program.display());
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_is_where_its_package_puts_it() {
        for program in [codex(), claude(), opencode(), node22(), pi(), python()] {
            assert!(program.is_absolute() || OS != "linux", "{program:?}");
        }
    }

    #[test]
    fn the_drivers_name_the_versions_that_are_pinned() {
        let pins = std::fs::read_to_string(root().join("clients/package.json"))
            .expect("the pins are part of the repository");
        for (package, version) in [
            ("@anthropic-ai/claude-code", crate::claude_code::VERSION),
            ("@openai/codex", crate::codex::VERSION),
            ("opencode-linux-x64", crate::opencode::VERSION),
        ] {
            assert!(pins.contains(&format!("\"{package}\": \"{version}\"")), "{package}");
        }
    }

    #[test]
    fn the_lock_names_no_place_to_download_from() {
        let lock = std::fs::read_to_string(root().join("clients/package-lock.json"))
            .expect("the lock is part of the repository");
        assert!(!lock.contains("\"resolved\""), "run npm with `omit-lockfile-registry-resolved`");
    }
}
