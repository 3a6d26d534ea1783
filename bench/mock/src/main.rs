//! A model server for measuring gateways: `bench-mock ADDRESS`.
//!
//! It speaks raw HTTP/1.1 on loopback from one thread and answers `/chat/completions` and
//! `/responses` from prepared bytes; the last letter of the model's name chooses the workload. It
//! parses no JSON and judges no request: correctness is tested elsewhere.

mod dialect;
mod script;
mod server;

use std::io;
use std::net::SocketAddr;

fn main() -> io::Result<()> {
    let address: Option<SocketAddr> = std::env::args().nth(1).and_then(|word| word.parse().ok());
    let address = address.ok_or_else(|| io::Error::other("usage: bench-mock ADDRESS:PORT"))?;
    server::serve(address)
}
