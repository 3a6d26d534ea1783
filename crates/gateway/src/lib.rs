//! quire, the gateway.
