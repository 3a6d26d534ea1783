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
    let (package, triple) = match (OS, ARCH) {
        ("linux", "x86_64") => ("codex-linux-x64", "x86_64-unknown-linux-musl"),
        ("linux", "aarch64") => ("codex-linux-arm64", "aarch64-unknown-linux-musl"),
        ("macos", "x86_64") => ("codex-darwin-x64", "x86_64-apple-darwin"),
        ("macos", "aarch64") => ("codex-darwin-arm64", "aarch64-apple-darwin"),
        other => unreachable!("codex has no native package for {other:?}"),
    };
    let program = folder()
        .join("node_modules/@openai")
        .join(package)
        .join("vendor")
        .join(triple)
        .join("bin/codex");
    assert!(program.is_file(), "the codex package holds no `{}`", program.display());
    program
}
