//! One test for each dialect of the upstream: [`each_upstream!`](crate::each_upstream) makes them
//! of functions that take one.

/// Makes three tests of each function named: `onto_chat::NAME`, `onto_messages::NAME`,
/// `onto_responses::NAME`.
#[macro_export]
macro_rules! each_upstream {
    ($($name:ident),* $(,)?) => {
        mod onto_chat {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Chat).await;
            })*
        }
        mod onto_messages {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Messages).await;
            })*
        }
        mod onto_responses {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Responses).await;
            })*
        }
    };
}
