//! Which addresses quire may be pointed at. Metadata services hand out a machine's credentials to
//! whoever asks, so they are refused even where the configuration names them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address cannot be used, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub message: String,
    pub hint: &'static str,
}

/// Names of metadata services.
const METADATA_HOSTS: [&str; 4] =
    ["metadata", "metadata.google.internal", "metadata.goog", "instance-data"];

/// The base URL in `text`.
pub(super) fn base_url(text: &str) -> Result<Url, Refusal> {
    let refuse = |message: &str, hint| Refusal { message: message.to_owned(), hint };
    // The text is not quoted: it may hold a password.
    let url = Url::parse(text).map_err(|error| Refusal {
        message: format!("not a URL: {error}"),
        hint: "write it like `http://127.0.0.1:8000/v1`",
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("only `http` and `https` are spoken", "start it with `https://`"));
    }
    let forbidden = match url.host() {
        Some(Host::Ipv4(ip)) => is_forbidden(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => is_forbidden(IpAddr::V6(ip)),
        Some(Host::Domain(name)) => {
            METADATA_HOSTS.contains(&name.trim_end_matches('.').to_ascii_lowercase().as_str())
        }
        None => {
            return Err(refuse("the URL names no host", "write it like `https://example.com/v1`"));
        }
    };
    if forbidden {
        return Err(refuse(
            "link-local and metadata addresses are refused",
            "name the provider's own address",
        ));
    }
    Ok(url)
}

/// Whether quire refuses to connect to `ip`: link-local and metadata addresses. To be asked again
/// once a name has been looked up.
pub fn is_forbidden(ip: IpAddr) -> bool {
    const ALIBABA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    const AMAZON: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
    match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local() || ip.is_broadcast() || ip.is_unspecified() || ip == ALIBABA
        }
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_forbidden(IpAddr::V4(ip)),
            None => ip.is_unicast_link_local() || ip.is_unspecified() || ip == AMAZON,
        },
    }
}

/// Whether what is sent to `url` stays on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_hand_out_credentials_are_refused() {
        let refused = [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://metadata.google.internal/",
            "http://METADATA.google.internal./",
            "http://0.0.0.0:80/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "example.com/v1",
            "",
        ];
        for text in refused {
            assert!(base_url(text).is_err(), "{text}");
        }
        for text in ["http://127.0.0.1:9001/v1", "https://api.example.com", "http://10.0.0.7:8000"]
        {
            assert!(base_url(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_refusal_does_not_quote_the_address() {
        let refusal = base_url("http://me:canary@[::1").expect_err("broken");
        assert!(!refusal.message.contains("canary"), "{refusal:?}");
    }
}
