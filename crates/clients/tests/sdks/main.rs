//! The official SDKs, driven through the real gateway onto a scripted, strict upstream of each
//! dialect. Each test asserts what the SDK's user sees and what reached the upstream; a refused
//! request fails it.

mod direct;
