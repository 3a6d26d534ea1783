//! Runs one program to its end, or to a hard limit. Nothing is inherited but `PATH`; stdin is
//! closed, because agents otherwise wait for a prompt on it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    /// The exit code; `None` when it was killed, by the limit or otherwise.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub wall: Duration,
}

/// A command with an empty environment except `PATH`, its own process group, and stdin closed.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Runs `command` to its end; kills it and its children after `limit`.
pub async fn run(mut command: Command, limit: Duration) -> Finished {
    let started = Instant::now();
    let program = command.as_std().get_program().to_owned();
    let mut child = spawn(&mut command, &program);
    let group = child.id();
    let mut out = child.stdout.take().expect("stdout is piped");
    let mut err = child.stderr.take().expect("stderr is piped");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let work = async {
            let (_, _, status) = tokio::join!(
                out.read_to_end(&mut stdout),
                err.read_to_end(&mut stderr),
                child.wait()
            );
            status.ok().and_then(|status| status.code())
        };
        tokio::time::timeout(limit, work).await
    };
    if code.is_err() {
        kill_group(group).await;
    }
    Finished {
        code: code.ok().flatten(),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
        wall: started.elapsed(),
    }
}

/// Starts `command`; a program that cannot be started is a fault of the test's set-up.
pub fn spawn(command: &mut Command, program: &OsStr) -> Child {
    command
        .spawn()
        .map_err(|error| format!("cannot start `{}`: {error}", program.to_string_lossy()))
        .expect("the program was installed before")
}

/// Ends a process and the children it left, by the group that [`command`] gave it.
pub async fn kill_group(group: Option<u32>) {
    if let Some(group) = group {
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{group}")])
            .stderr(Stdio::null())
            .status()
            .await;
    }
}
