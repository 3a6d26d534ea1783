//! Where requests go.

use http::{HeaderValue, Uri};
use wire::fault::{Fault, Kind};

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    pub(super) fn of(uri: &Uri) -> Result<Self, Fault> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri
            .host()
            .ok_or_else(|| Fault::new(Kind::Internal, "the provider's URL names no host"))?;
        // Brackets belong to the URL, not to the address.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn host_header(&self) -> HeaderValue {
        let usual = if self.tls { 443 } else { 80 };
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let text = if self.port == usual { host } else { format!("{host}:{}", self.port) };
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}
