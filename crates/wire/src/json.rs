//! JSON as spans.
