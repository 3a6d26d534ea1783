//! The real Pi, driven through the real gateway with each of its three ways to talk, onto a
//! scripted, strict upstream of each dialect. Each test asserts what the user sees and what reached
//! the upstream; a refused request fails it.

mod direct;
mod own;
mod scenes;

use clients::pi::Api;
use testkit::Dialect;

/// How Pi talks to a provider of this dialect.
fn api(dialect: Dialect) -> Api {
    match dialect {
        Dialect::Chat => Api::Completions,
        Dialect::Messages => Api::Messages,
        Dialect::Responses => Api::Responses,
    }
}
