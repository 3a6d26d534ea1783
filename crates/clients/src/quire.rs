//! The gateway as its users start it: the binary, a configuration file, its own folder.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;

use crate::room::Room;
use crate::{install, process};

const READY: Duration = Duration::from_secs(10);
const ANNOUNCEMENT: &str = "quire listens on ";

/// A running `quire serve`; it ends with this value.
#[derive(Debug)]
pub struct Quire {
    _child: Child,
    address: String,
    output: Arc<Mutex<String>>,
}

impl Quire {
    /// Starts the gateway with this configuration and waits until it says where it listens.
    pub async fn serve(room: &Room, config: &str) -> Quire {
        let file = room.path().join("quire.toml");
        std::fs::write(&file, config).expect("the room is writable");
        let mut command = command(room);
        command.args(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
        let program = command.as_std().get_program().to_owned();
        let mut child = process::spawn(&mut command, &program);
        let output = Arc::new(Mutex::new(String::new()));
        let (announce, announced) = tokio::sync::oneshot::channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        tokio::spawn(keep(stdout, Arc::clone(&output), Some(announce)));
        tokio::spawn(keep(stderr, Arc::clone(&output), None));
        let address = tokio::time::timeout(READY, announced)
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| {
                let said = output.lock().expect("no holder panics");
                format!("quire did not say `{ANNOUNCEMENT}...`; it said:\n{said}")
            })
            .expect("quire starts");
        Quire { _child: child, address, output }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What a client calls its base URL.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.address)
    }

    /// Everything it has printed so far, on both streams.
    pub fn output(&self) -> String {
        self.output.lock().expect("no holder panics").clone()
    }
}

/// Runs another command of `quire` in the room, with the installed Codex in `PATH`.
pub async fn run(room: &Room, arguments: &[&str]) -> process::Finished {
    let mut command = command(room);
    command.args(arguments);
    process::run(command, READY * 3).await
}

fn command(room: &Room) -> tokio::process::Command {
    let mut command = process::command(&binary());
    let machine = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{machine}", crate::codex::bin_folder().display());
    command.env("PATH", path).env("HOME", room.home()).env("QUIRE_HOME", room.quire_home());
    command
}

/// `QUIRE_BIN` if it is set, else the debug binary, built now so that it is never an old one.
fn binary() -> PathBuf {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY
        .get_or_init(|| {
            if let Some(given) = std::env::var_os("QUIRE_BIN") {
                return PathBuf::from(given);
            }
            let built = std::process::Command::new(env!("CARGO"))
                .args(["build", "--quiet", "-p", "gateway", "--bin", "quire"])
                .current_dir(install::root())
                .stdin(Stdio::null())
                .status();
            assert!(built.is_ok_and(|status| status.success()), "`cargo build -p gateway` failed");
            // Tests lie in `deps` beside the binaries, wherever the build folder is.
            let test = std::env::current_exe().expect("a running test knows its own path");
            let folder =
                test.ancestors().nth(2).expect("a test lies in `deps` of the build folder");
            folder.join("quire")
        })
        .clone()
}

async fn keep(
    stream: impl AsyncRead + Unpin,
    output: Arc<Mutex<String>>,
    mut announce: Option<tokio::sync::oneshot::Sender<String>>,
) {
    let mut lines = BufReader::new(stream).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some((_, rest)) = line.split_once(ANNOUNCEMENT)
            && let Some(announce) = announce.take()
        {
            let address = rest.split_whitespace().next().unwrap_or_default();
            let _ = announce.send(address.trim_end_matches(['/', '.', ',']).to_owned());
        }
        let mut output = output.lock().expect("no holder panics");
        output.push_str(&line);
        output.push('\n');
    }
}
