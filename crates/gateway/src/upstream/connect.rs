//! New connections: name, address, TCP, TLS. Addresses that hand out credentials are refused even
//! when a name leads to them.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use wire::fault::{Fault, Kind};

use super::connection::Connection;
use super::origin::Origin;
use super::stream::Stream;
use crate::catalog::is_forbidden;

/// Makes connections.
#[derive(Default)]
pub(super) struct Connector {
    /// Made for the first provider that wants it: reading the system's certificates takes longer
    /// than everything else at start.
    tls: OnceCell<TlsConnector>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Connector")
    }
}

fn tls() -> Result<TlsConnector, rustls::Error> {
    use rustls_platform_verifier::BuilderVerifierExt as _;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Connector {
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        limit: Duration,
    ) -> Result<Connection, Fault> {
        match tokio::time::timeout(limit, self.open(origin)).await {
            Ok(done) => done,
            Err(_) => {
                Err(unreachable(origin, &format!("no connection within {} s", limit.as_secs())))
            }
        }
    }

    async fn open(&self, origin: &Origin) -> Result<Connection, Fault> {
        let tcp = dial(origin).await?;
        // Without this a small head waits for the acknowledgement of the one before it.
        tcp.set_nodelay(true).map_err(|error| unreachable(origin, &error.to_string()))?;
        let stream = if origin.is_tls() {
            let name = ServerName::try_from(origin.host().to_owned())
                .map_err(|_| unreachable(origin, "its name cannot stand in a certificate"))?;
            let tls = shared_tls(&self.tls).await.map_err(|why| unreachable(origin, &why))?;
            let tls = tls.connect(name, tcp).await;
            Stream::Tls(Box::new(
                tls.map_err(|error| unreachable(origin, &format!("TLS: {error}")))?,
            ))
        } else {
            Stream::Plain(tcp)
        };
        Ok(Connection::new(stream))
    }
}

/// What TLS needs, made once.
async fn shared_tls(cell: &OnceCell<TlsConnector>) -> Result<&TlsConnector, String> {
    cell.get_or_try_init(|| async {
        match tokio::task::spawn_blocking(tls).await {
            Ok(Ok(tls)) => Ok(tls),
            Ok(Err(error)) => Err(format!("the system's certificates cannot be used: {error}")),
            Err(error) => Err(format!("the system's certificates cannot be read: {error}")),
        }
    })
    .await
}

async fn dial(origin: &Origin) -> Result<TcpStream, Fault> {
    let addresses = lookup_host((origin.host(), origin.port()))
        .await
        .map_err(|error| unreachable(origin, &format!("its name was not found: {error}")))?;
    let mut last = "its name has no address".to_owned();
    for address in addresses {
        if is_forbidden(address.ip()) {
            last = format!("`{}` is a link-local or metadata address", address.ip());
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error.to_string(),
        }
    }
    Err(unreachable(origin, &last))
}

fn unreachable(origin: &Origin, why: &str) -> Fault {
    let text =
        format!("the upstream `{}:{}` cannot be reached: {why}", origin.host(), origin.port());
    Fault::new(Kind::Connect, text)
}
