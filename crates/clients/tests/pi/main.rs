//! The real Pi, driven through the real gateway with each of its three ways to talk, onto a
//! scripted, strict upstream of each dialect. Each test asserts what the user sees and what reached
//! the upstream; a refused request fails it.

mod direct;
mod own;
mod scenes;

use clients::pi::{Api, Setup};
use testkit::Dialect;

/// How Pi talks to a provider of this dialect.
fn api(dialect: Dialect) -> Api {
    match dialect {
        Dialect::Chat => Api::Completions,
        Dialect::Messages => Api::Messages,
        Dialect::Responses => Api::Responses,
    }
}

/// Pi as it plays the scenes before an upstream of this dialect.
fn setup(client: Dialect, upstream: Dialect) -> Setup {
    let setup = Setup::new(api(client));
    match (client, upstream) {
        (Dialect::Chat, Dialect::Chat) => setup.plain(),
        // The models of the scenes think when it suits them, and one of Anthropic's that was asked
        // to think always does.
        (Dialect::Messages, _) => setup.without_reasoning(),
        _ => setup,
    }
}
