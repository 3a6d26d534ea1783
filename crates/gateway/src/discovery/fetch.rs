//! Asking one provider for its list, page by page, within its limits. Redirects are not followed.

use std::collections::HashSet;

use bytes::Bytes;
use http::{Request, header};
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind, Phase};

use super::Limits;
use super::page::{Page, read};
use crate::authorization::sign;
use crate::catalog::{Found, Glob};
use crate::config::Provider;
use crate::upstream::{Client, Timeouts};

/// How many models Anthropic puts on a page at most (its API reference).
const PAGE: &str = "1000";

/// All models that `provider` lists and that are meant for conversations.
pub(super) async fn list(
    provider: &Provider,
    client: &Client,
    timeouts: Timeouts,
    limits: Limits,
) -> Result<Vec<Found>, Fault> {
    match tokio::time::timeout(limits.time, pages(provider, client, timeouts, limits)).await {
        Ok(done) => done,
        Err(_) => {
            let text = format!("it took longer than {} s", limits.time.as_secs_f32());
            Err(Fault { phase: Phase::Sent, ..Fault::new(Kind::Idle, text) })
        }
    }
}

async fn pages(
    provider: &Provider,
    client: &Client,
    timeouts: Timeouts,
    limits: Limits,
) -> Result<Vec<Found>, Fault> {
    let dialect = provider.dialects().next().unwrap_or(Dialect::Chat);
    let except: &[Glob] =
        provider.record.live_models.as_ref().map_or(&[], |live| live.except.as_slice());
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut after = None;
    for _ in 0..limits.pages {
        let head = head(provider, dialect, after.as_deref())?;
        let response = client.send(head, Bytes::new(), timeouts).await?;
        if !response.status.is_success() {
            return Err(protocol(&format!("it answered {}", response.status)));
        }
        if let Some(coding) = response.coding() {
            return Err(protocol(&format!("it answered encoded as `{coding}`, unasked")));
        }
        let body = response.body.collect(limits.page_bytes).await?;
        let Page { models, next } = read(&body, dialect).map_err(protocol)?;
        for model in models {
            let id = model.id.to_lowercase();
            let is_meant = !except.iter().any(|glob| glob.matches(&id));
            if is_meant && seen.insert(model.id.clone()) {
                found.push(model);
            }
            if found.len() == limits.models {
                return Ok(found);
            }
        }
        match next {
            Some(next) if after.as_ref() != Some(&next) => after = Some(next),
            _ => break,
        }
    }
    Ok(found)
}

fn head(provider: &Provider, dialect: Dialect, after: Option<&str>) -> Result<Request<()>, Fault> {
    let broken = || Fault::new(Kind::Internal, "it has no address that can be asked");
    let mut url = provider.record.models_url().ok_or_else(broken)?.expose().clone();
    if dialect == Dialect::Messages {
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", PAGE);
        if let Some(after) = after {
            query.append_pair("after_id", after);
        }
    }
    let mut head = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, crate::USER_AGENT)
        .body(())
        .map_err(|_| broken())?;
    sign(head.headers_mut(), provider, dialect)?;
    Ok(head)
}

fn protocol(why: &str) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, why) }
}
