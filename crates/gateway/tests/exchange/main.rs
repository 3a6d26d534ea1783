//! The whole gateway between a raw client and a scripted, strict upstream: what bad input gets,
//! what becomes of every kind of upstream, and what reaches the client, the log and the disk.

mod answers;
mod commit;
mod input;
mod keys;
mod leaving;
mod stage;
