//! Upstreams that fail.

use std::time::Duration;

use clients::Stage;
use clients::opencode::{HANDS, Package, Run};
use clients::scene::Actor;
use testkit::Dialect;
use testkit::script::{End, says};

use super::{each_package, play, room, set_up};

each_package!(
    a_permanent_refusal_ends_at_once_in_the_upstreams_words,
    a_429_is_waited_for_as_long_as_it_asks,
    an_upstream_that_cuts_once_is_asked_again,
    an_upstream_that_always_cuts_is_asked_ten_times_at_most,
);

async fn a_permanent_refusal_ends_at_once_in_the_upstreams_words(
    package: Package,
    upstream: Dialect,
) {
    let (outcome, sent) = play("refused-for-ever", package, upstream).await;
    assert_eq!(sent.len(), 1, "asked {} times", sent.len());
    assert_eq!(outcome.code, Some(1));
}

async fn a_429_is_waited_for_as_long_as_it_asks(package: Package, upstream: Dialect) {
    let (outcome, sent) = play("throttled", package, upstream).await;
    assert!(outcome.wall.as_millis() >= 1000, "nobody waited: {:?}", outcome.wall);
    assert_eq!(sent.len(), 2);
}

async fn an_upstream_that_cuts_once_is_asked_again(package: Package, upstream: Dialect) {
    let room = room("cut-once", package, upstream);
    let script = Actor::new(HANDS, &room).steps([
        says().text("Half of an").cut(End::Reset).into(),
        says().text("A whole answer.").into(),
    ]);
    let stage = Stage::speaking(upstream, room, script).await;
    set_up(&stage, package);
    let outcome = Run::new(&stage.room, "Answer").run().await;
    // OpenCode tries again or says what went wrong; it must not take the half for the whole.
    let sent = stage.conversation(HANDS).len();
    match outcome.complaints()[..] {
        [] => assert_eq!((outcome.answer(), sent), ("A whole answer.", 2), "{outcome:#?}"),
        _ => assert_eq!((outcome.code, sent), (Some(1), 1), "{outcome:#?}"),
    }
    stage.upstream.assert_no_refusals();
}

async fn an_upstream_that_always_cuts_is_asked_ten_times_at_most(
    package: Package,
    upstream: Dialect,
) {
    let room = room("keeps-failing", package, upstream);
    let failing = says().text("Never more than").cut(End::Close);
    let script = Actor::new(HANDS, &room).script().then_always(failing);
    let stage = Stage::speaking(upstream, room, script).await;
    set_up(&stage, package);
    // It waits longer each time, and would go on for minutes.
    let seen = async {
        let enough = Duration::from_secs(60);
        stage.upstream.until(enough, |upstream| upstream.completions().len() > 2).await;
        tokio::time::sleep(Duration::from_secs(12)).await;
    };
    tokio::select! {
        outcome = Run::new(&stage.room, "Answer").run() => {
            assert_eq!(outcome.code, Some(1), "{outcome:#?}");
        }
        () = seen => {}
    }
    let all = stage.sent().len();
    assert!((2..=10).contains(&all), "{all} requests, with the one for the title");
    stage.leave();
}
