//! A scripted, strict upstream.
