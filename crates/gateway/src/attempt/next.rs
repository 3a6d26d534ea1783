//! What to do after a fault: a pure function, so that the policy is a table and not a habit.

use wire::fault::{Fault, Kind, Phase};

/// How far the exchange has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// How often the present candidate has been tried.
    pub(super) tries: u32,
    /// Candidates that have not been tried.
    pub(super) left: usize,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try the same candidate again.
    Same,
    /// Go on to the next candidate.
    Other,
    /// Tell the client.
    Stop,
}

/// Decides. Only what the user configured as a fallback is ever tried instead; and a request that
/// may have been read is never sent twice to one upstream, since both answers would be paid for:
/// clients that want another try make it themselves.
pub(super) fn next(fault: &Fault, progress: Progress) -> Next {
    let other = if progress.left > 0 { Next::Other } else { Next::Stop };
    if fault.phase == Phase::Committed {
        return Next::Stop;
    }
    match fault.kind {
        // The request is at fault: it would be at fault elsewhere.
        Kind::BadRequest
        | Kind::TooLarge
        | Kind::TooLong
        | Kind::Refused
        | Kind::NotFound
        | Kind::Cancelled
        | Kind::Internal => Next::Stop,
        Kind::Connect if fault.phase == Phase::NotSent && progress.tries < 2 => Next::Same,
        Kind::Connect
        | Kind::UnknownModel
        | Kind::Unauthorized
        | Kind::Forbidden
        | Kind::Plan
        | Kind::RateLimited
        | Kind::Quota
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Cut
        | Kind::Idle
        | Kind::Protocol => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_always_comes_to_an_end() {
        for kind in Kind::ALL {
            for phase in [Phase::NotSent, Phase::Sent, Phase::Committed] {
                let fault = Fault { phase, ..Fault::new(kind, "x") };
                let (mut tries, mut left) = (1, 2);
                let mut steps = 0;
                while steps < 100 {
                    match next(&fault, Progress { tries, left }) {
                        Next::Same => tries += 1,
                        Next::Other => (tries, left) = (1, left - 1),
                        Next::Stop => break,
                    }
                    steps += 1;
                }
                assert!(steps <= 6, "{} at {phase:?}", kind.name());
            }
        }
    }

    #[test]
    fn nothing_is_tried_after_the_client_has_seen_an_event() {
        for kind in Kind::ALL {
            let fault = Fault { phase: Phase::Committed, ..Fault::new(kind, "x") };
            assert_eq!(next(&fault, Progress { tries: 1, left: 5 }), Next::Stop);
        }
    }

    #[test]
    fn only_a_request_that_was_never_sent_is_sent_again() {
        for kind in Kind::ALL {
            let fault = Fault { phase: Phase::Sent, ..Fault::new(kind, "x") };
            assert_ne!(next(&fault, Progress { tries: 1, left: 0 }), Next::Same, "{}", kind.name());
        }
    }
}
