//! A server on loopback that speaks the dialect of its profile, does what a [`Script`] says and
//! refuses what the profile's table refuses. It speaks raw TCP, because tests must say when each byte arrives and
//! where the line breaks. What it received, refused and lost is told afterwards.

mod connection;
mod record;
mod route;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

pub use record::{Ending, Recorded};

use crate::Dialect;
use crate::script::Script;
use crate::strict::{Profile, Refusal};

/// The settings of an upstream that is not started yet.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    profile: Profile,
    key: Option<String>,
    models: Option<Vec<String>>,
}

impl Settings {
    /// The server to play.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The key that requests must carry, as the dialect carries it (Messages: `x-api-key` or a
    /// bearer token); others get the vendor's 401.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The models that exist; a request for another gets the vendor's 404. Without this every name
    /// is answered, and the list holds `mock-model`.
    #[must_use]
    pub fn models<'a>(mut self, models: impl IntoIterator<Item = &'a str>) -> Self {
        self.models = Some(models.into_iter().map(str::to_owned).collect());
        self
    }

    /// Starts the upstream on a free port of loopback.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start(self, script: impl Into<Script>) -> Upstream {
        let listening = async {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            Ok::<_, io::Error>((listener.local_addr()?, listener))
        };
        let (address, listener) = listening.await.expect("loopback must have a free port");
        let shared = Arc::new(Shared {
            settings: self,
            state: Mutex::new(State { script: script.into(), ..State::default() }),
            changed: watch::Sender::new(0),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Upstream { address, shared, task }
    }
}

/// A running upstream. Dropping it closes every connection.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Upstream {
    /// Starts an upstream with the default profile, no key and any model.
    ///
    /// # Panics
    /// When loopback cannot be listened on.
    pub async fn start(script: impl Into<Script>) -> Self {
        Settings::default().start(script).await
    }

    /// Settings to change before the start.
    pub fn with() -> Settings {
        Settings::default()
    }

    /// `http://127.0.0.1:PORT/v1`
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// `http://127.0.0.1:PORT`, as Anthropic's clients want it.
    pub fn root_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it speaks.
    pub fn dialect(&self) -> Dialect {
        self.shared.settings.profile.dialect()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request whose head and body arrived, in order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.shared.state().requests.clone()
    }

    /// The requests that wanted an answer of the model: completions, responses or messages.
    pub fn completions(&self) -> Vec<Recorded> {
        let path = self.dialect().path();
        let mut requests = self.requests();
        requests.retain(|request| request.place() == path);
        requests
    }

    /// The requests that wanted their tokens counted.
    pub fn counts(&self) -> Vec<Recorded> {
        let path = self.dialect().count_path();
        let mut requests = self.requests();
        requests.retain(|request| path == Some(request.place()));
        requests
    }

    /// The bodies of the requests that wanted an answer.
    pub fn bodies(&self) -> Vec<serde_json::Value> {
        self.completions().iter().map(|request| (*request.json).clone()).collect()
    }

    /// The requests that the table refused.
    pub fn refusals(&self) -> Vec<Refusal> {
        self.shared.state().requests.iter().filter_map(|request| request.refusal.clone()).collect()
    }

    /// What went wrong besides: requests without a step, or only half sent.
    pub fn troubles(&self) -> Vec<String> {
        self.shared.state().troubles.clone()
    }

    /// How many answers are being given at this moment.
    pub fn open_streams(&self) -> usize {
        let open = |request: &&Recorded| request.ending == Ending::Open;
        self.shared.state().requests.iter().filter(open).count()
    }

    /// How many connections were ever accepted.
    pub fn connections(&self) -> usize {
        self.shared.state().connections
    }

    /// How many one-time steps of the script were not used.
    pub fn steps_left(&self) -> usize {
        self.shared.state().script.left()
    }

    /// Replaces the script.
    pub fn set_script(&self, script: impl Into<Script>) {
        self.shared.state().script = script.into();
    }

    /// Waits until the upstream is as `done` says; false when it is not within `limit`.
    pub async fn until(&self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let mut changed = self.shared.changed.subscribe();
        let waiting = async {
            while !done(self) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(limit, waiting).await.is_ok() && done(self)
    }

    /// Fails the test when any request was refused, had no step, went to a path that does not
    /// exist, or was only half sent.
    ///
    /// # Panics
    /// When there is anything to tell; it tells all of it.
    #[track_caller]
    pub fn assert_no_refusals(&self) {
        let told: Vec<String> = self
            .requests()
            .iter()
            .filter_map(|request| {
                let refusal = request.refusal.as_ref()?;
                let body = String::from_utf8_lossy(&request.body);
                let body: String = body.chars().take(4000).collect();
                Some(format!("rule `{}`: {}\n  {body}", refusal.rule, refusal.message))
            })
            .chain(self.troubles())
            .collect();
        assert!(told.is_empty(), "the upstream refused requests:\n{}", told.join("\n"));
    }

    /// [`Upstream::assert_no_refusals`], and every one-time step was used.
    ///
    /// # Panics
    /// As there, and when steps are left.
    #[track_caller]
    pub fn assert_done(&self) {
        self.assert_no_refusals();
        assert_eq!(self.steps_left(), 0, "steps of the script were not used");
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // The accept task owns the connections; they end with it.
        self.task.abort();
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    settings: Settings,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    script: Script,
    requests: Vec<Recorded>,
    troubles: Vec<String>,
    connections: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and wakes who waits for it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state());
        self.changed.send_modify(|version| *version += 1);
        result
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let number = shared.change(|state| {
                        state.connections += 1;
                        state.connections
                    });
                    connections.spawn(connection::serve(stream, number, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
