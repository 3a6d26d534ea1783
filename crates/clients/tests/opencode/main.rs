//! The real OpenCode with each of its three provider packages, driven through the real gateway onto
//! scripted, strict upstreams of every dialect. Each test asserts what the user sees and what
//! reached the upstream; a refused request fails it. A start of OpenCode is slow, so one run tries
//! many things.

mod trouble;
mod work;

/// Makes the tests of each package onto each upstream, of functions that take both.
macro_rules! each_package {
    ($($name:ident),* $(,)?) => {
        mod compatible {
            $crate::each_package!(@one clients::opencode::Package::Compatible; $($name),*);
        }
        mod openai {
            $crate::each_package!(@one clients::opencode::Package::OpenAi; $($name),*);
        }
        mod anthropic {
            $crate::each_package!(@one clients::opencode::Package::Anthropic; $($name),*);
        }
    };
    (@one $package:expr; $($name:ident),*) => {
        $(async fn $name(upstream: testkit::Dialect) {
            super::$name($package, upstream).await;
        })*
        clients::each_upstream!($($name),*);
    };
}
pub(crate) use each_package;

use clients::opencode::{HANDS, Outcome, Package, Run, Setup};
use clients::scene::Scene;
use clients::{Room, Sent, Stage};
use testkit::Dialect;

/// The name of a room for this pair.
fn room(name: &str, package: Package, upstream: Dialect) -> Room {
    Room::fresh(&format!("{name}-{}-{}", package.dialect().name(), upstream.name()))
}

/// The upstream's model by its own name, through this package.
fn set_up(stage: &Stage, package: Package) {
    Setup::new(package, "lab/mock-model").write(&stage.room, &stage.quire.base_url());
}

/// Plays a scene of the table; the outcome and the requests are for what one test wants to know.
async fn play(name: &str, package: Package, upstream: Dialect) -> (Outcome, Vec<Sent>) {
    let scene = Scene::named(name);
    let stage = Stage::for_scene(scene, upstream, HANDS).await;
    set_up(&stage, package);
    let outcome = Run::new(&stage.room, scene.prompt).run().await;
    scene.judge(&outcome.ending(), |file| stage.room.read(file));
    let sent = stage.conversation(HANDS);
    stage.leave();
    (outcome, sent)
}
