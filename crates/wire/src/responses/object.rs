//! The response object.
