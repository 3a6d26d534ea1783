//! The least that a relay can do: `bench-relay translate|pass LISTEN UPSTREAM`.
//!
//! Raw sockets, one thread, one write per read, JSON moved as raw spans. `translate` takes
//! Responses requests and asks a Chat Completions upstream; `pass` forwards bytes. It routes,
//! authorizes, stores, limits and repairs nothing, and knows only text answers: it is the practical
//! limit that quire is measured against, not a product.

mod answer;
mod relay;
mod request;

use std::io;
use std::net::SocketAddr;

use relay::{Mode, Relay};

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let usage = || io::Error::other("usage: bench-relay translate|pass LISTEN:PORT UPSTREAM:PORT");
    let [mode, listen, upstream] = words.as_slice() else { return Err(usage()) };
    let mode = match mode.as_str() {
        "translate" => Mode::Translate,
        "pass" => Mode::Pass,
        _ => return Err(usage()),
    };
    let listen: SocketAddr = listen.parse().map_err(io::Error::other)?;
    let upstream: SocketAddr = upstream.parse().map_err(io::Error::other)?;
    Relay::new(mode, listen, upstream)?.run()
}
