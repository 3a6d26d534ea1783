//! Guards the harness itself, without the gateway: recorded exchanges, played to the real clients,
//! come out as they were recorded, and the scenes end as they must when a client meets an upstream
//! of its own dialect. When these fail, look at the client's version first.

mod claude_code;
mod codex;
mod opencode;
