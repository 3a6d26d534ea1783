//! Plays recorded answers to a client, in order, and keeps what it asked. It guards the harness: a
//! recorded exchange must come out as it was recorded. It judges nothing; `testkit` does.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::install;
use crate::room::Room;

const STREAM: &str = "text/event-stream";
const WHOLE: &str = "application/json";

/// A request as it came in; `body` is null when it was not JSON.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

/// One recorded answer.
#[derive(Clone, Debug)]
struct Answer {
    status: u16,
    kind: &'static str,
    body: String,
    /// Whether the request that it answered offered tools; `None` where it does not matter. A client
    /// that asks for a title beside the conversation does so in no fixed order.
    with_tools: Option<bool>,
}

impl Answer {
    fn fits(&self, asked: &Asked) -> bool {
        let has_tools = asked.body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
        self.with_tools.is_none_or(|with_tools| with_tools == has_tools)
    }
}

/// A server on a free loopback port that answers `POST` requests from a list.
#[derive(Debug)]
pub struct Replay {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Replay {
    /// Serves the recorded answers of a client's scenario; `/workspace` in them is the room's.
    pub async fn of(room: &Room, client: &str, scenario: &str) -> Replay {
        let workspace = room.workspace();
        let mut answers = recorded(&fixtures().join(client), scenario);
        for answer in &mut answers {
            answer.body = answer.body.replace("/workspace", &workspace.to_string_lossy());
        }
        Replay::start(answers).await
    }

    /// Serves the recorded answers of a Codex scenario.
    pub async fn codex(scenario: &str) -> Replay {
        Replay::codex_each(&[scenario]).await
    }

    /// Serves the recorded answers of several Codex scenarios, one after the other.
    pub async fn codex_each(scenarios: &[&str]) -> Replay {
        let folder = fixtures().join("codex");
        let streams = |scenario: &&str| {
            let answers = recorded(&folder, scenario).into_iter();
            answers.filter(|answer| answer.kind == STREAM).map(|answer| answer.body)
        };
        Replay::serve(scenarios.iter().flat_map(streams).collect()).await
    }

    /// Serves these event streams, one per `POST`; every other request is a 404.
    pub async fn serve(streams: Vec<String>) -> Replay {
        let answer = |body| Answer { status: 200, kind: STREAM, body, with_tools: None };
        Replay::start(streams.into_iter().map(answer).collect()).await
    }

    async fn start(answers: Vec<Answer>) -> Replay {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answers = Arc::new(Mutex::new(answers));
        let seen = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
                tokio::spawn(async move {
                    let _ = answer(stream, &seen, &answers).await;
                });
            }
        });
        Replay { address, asked, task }
    }

    /// `http://127.0.0.1:PORT`, for clients that add `/v1` themselves.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Every `POST` so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no holder panics").clone()
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    answers: &Mutex<Vec<Answer>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let asked = read(&mut stream).await?;
    let mut chosen = None;
    if asked.method == "POST" {
        let mut answers = answers.lock().expect("no holder panics");
        let place = answers.iter().position(|answer| answer.fits(&asked));
        chosen = place.map(|place| answers.remove(place));
        seen.lock().expect("no holder panics").push(asked);
    }
    let Some(Answer { status, kind, body, .. }) = chosen else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    };
    let cut = body.contains("\n: connection aborted here");
    // Without a length the end of the connection is the end of the body; a cut one needs a
    // promise that is then broken.
    let length = if cut { "content-length: 999999999\r\n" } else { "" };
    let mut head = format!("HTTP/1.1 {status} Recorded\r\ncontent-type: {kind}\r\n{length}");
    for line in body.lines().take_while(|line| line.starts_with(": header ")) {
        head.push_str(line.trim_start_matches(": header "));
        head.push_str("\r\n");
    }
    stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await?;
    stream.shutdown().await
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Ok(Asked { method, path, headers, body })
}

/// The recorded answers of a scenario: `NAME.response.sse`, or `NAME.1.response.sse` and so on, or
/// the same with `json` for whole ones. They stand in the order of the requests, `HEAD` left out.
fn recorded(folder: &Path, scenario: &str) -> Vec<Answer> {
    let numbers = std::iter::once(String::new()).chain((1..20).map(|n| format!(".{n}")));
    let mut answers: Vec<Answer> = numbers
        .flat_map(|number| [(number.clone(), STREAM), (number, WHOLE)])
        .filter_map(|(number, kind)| {
            let end = if kind == STREAM { "sse" } else { "json" };
            let path = folder.join(format!("{scenario}{number}.response.{end}"));
            let text = std::fs::read_to_string(path).ok()?;
            if kind == STREAM {
                return Some(Answer { status: 200, kind, body: text, with_tools: None });
            }
            let whole: Value = serde_json::from_str(&text).expect("a recording is JSON");
            let status = whole["status"].as_u64().and_then(|status| status.try_into().ok());
            let body = whole["body"].to_string();
            Some(Answer { status: status.unwrap_or(200), kind, body, with_tools: None })
        })
        .collect();
    assert!(!answers.is_empty(), "no recording of `{scenario}` in {}", folder.display());

    let requests = std::fs::read(folder.join(format!("{scenario}.request.json")));
    let requests: Value = serde_json::from_slice(&requests.unwrap_or_default()).unwrap_or_default();
    let posts = requests["requests"].as_array().into_iter().flatten();
    let posts: Vec<&Value> = posts.filter(|request| request["method"] == "POST").collect();
    // Where requests with and without tools come together, each gets what was recorded for it.
    if posts.len() == answers.len() {
        for (answer, post) in answers.iter_mut().zip(posts) {
            let tools = post["body"]["tools"].as_array();
            answer.with_tools = Some(tools.is_some_and(|tools| !tools.is_empty()));
        }
    }
    answers
}

fn fixtures() -> PathBuf {
    install::root().join("corpus/fixtures/clients")
}
