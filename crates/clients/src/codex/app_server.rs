//! A session over `codex app-server`: one JSON object per line on stdin and stdout. It reaches what
//! `exec` cannot: compaction by hand, and an interrupt in the middle of a turn.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::process;
use crate::room::Room;

const LIMIT: Duration = Duration::from_secs(30);

/// A running app-server with one open thread.
#[derive(Debug)]
pub struct AppServer {
    _child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// Notifications that arrived while something else was awaited.
    waiting: VecDeque<Value>,
    /// Every notification so far, for assertions.
    seen: Vec<Value>,
    last_id: u64,
    thread: String,
}

impl AppServer {
    /// Starts the server in the room, whose `config.toml` is written already, and opens a thread.
    pub async fn open(room: &Room) -> AppServer {
        let mut command = super::command(room);
        command.arg("app-server").stdin(Stdio::piped()).stderr(Stdio::null());
        let program = command.as_std().get_program().to_owned();
        let mut child = process::spawn(&mut command, &program);
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut session = AppServer {
            _child: child,
            stdin,
            lines: BufReader::new(stdout).lines(),
            waiting: VecDeque::new(),
            seen: Vec::new(),
            last_id: 0,
            thread: String::new(),
        };
        let info = json!({"name": "quire-tests", "title": "quire tests", "version": "0.0.0"});
        session.call("initialize", json!({"clientInfo": info, "capabilities": null})).await;
        session.send(&json!({"method": "initialized"})).await;
        let started = session
            .call(
                "thread/start",
                json!({"cwd": room.workspace(), "approvalPolicy": "never",
                       "sandbox": "danger-full-access"}),
            )
            .await;
        session.thread =
            started["thread"]["id"].as_str().expect("a started thread has an id").to_owned();
        session
    }

    /// Sends a prompt and waits for the end of the turn, which it returns.
    pub async fn turn(&mut self, prompt: &str) -> Value {
        self.start_turn(prompt).await;
        self.notification("turn/completed").await["turn"].take()
    }

    /// Sends a prompt and returns the id of the turn that it started.
    pub async fn start_turn(&mut self, prompt: &str) -> String {
        let input = json!([{"type": "text", "text": prompt, "text_elements": []}]);
        let params = json!({"threadId": self.thread, "input": input});
        let started = self.call("turn/start", params).await;
        started["turn"]["id"].as_str().expect("a started turn has an id").to_owned()
    }

    /// Interrupts a turn and waits for its end.
    pub async fn interrupt(&mut self, turn: &str) -> Value {
        self.call("turn/interrupt", json!({"threadId": self.thread, "turnId": turn})).await;
        self.notification("turn/completed").await["turn"].take()
    }

    /// Compacts the thread, as `/compact` does, and waits for the end.
    pub async fn compact(&mut self) -> Value {
        self.call("thread/compact/start", json!({"threadId": self.thread})).await;
        self.notification("turn/completed").await["turn"].take()
    }

    /// The parameters of the next notification with this method, from now or from before.
    pub async fn notification(&mut self, method: &str) -> Value {
        if let Some(at) = self.waiting.iter().position(|message| message["method"] == method) {
            return self.waiting.remove(at).expect("it was just found")["params"].take();
        }
        loop {
            let mut message = self.next(method).await;
            if message["method"] == method {
                return message["params"].take();
            }
            self.waiting.push_back(message);
        }
    }

    /// Every notification so far, by method.
    pub fn seen<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.seen.iter().filter(move |message| message["method"] == method)
    }

    /// Calls a method and returns its result.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"id": id, "method": method, "params": params})).await;
        loop {
            let mut message = self.next(method).await;
            if message["id"] == id && message.get("method").is_none() {
                assert!(message.get("error").is_none(), "`{method}` failed: {message}");
                return message["result"].take();
            }
            self.waiting.push_back(message);
        }
    }

    async fn send(&mut self, message: &Value) {
        let line = format!("{message}\n");
        self.stdin.write_all(line.as_bytes()).await.expect("the app-server reads its stdin");
    }

    async fn next(&mut self, awaited: &str) -> Value {
        let line = tokio::time::timeout(LIMIT, self.lines.next_line()).await.unwrap_or(Ok(None));
        let line = line
            .ok()
            .flatten()
            .ok_or_else(|| format!("nothing came for `{awaited}`; before: {:#?}", self.seen))
            .expect("the app-server goes on answering");
        let message: Value = serde_json::from_str(&line).expect("the app-server writes JSON");
        if message.get("method").is_some() {
            self.seen.push(message.clone());
        }
        message
    }
}
