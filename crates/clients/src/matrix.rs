//! One test for each dialect of the upstream: [`each_upstream!`](crate::each_upstream) makes them
//! of functions that take one.

/// Makes three tests of each function named: `chat::NAME`, `messages::NAME`, `responses::NAME`.
#[macro_export]
macro_rules! each_upstream {
    ($($name:ident),* $(,)?) => {
        mod chat {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Chat).await;
            })*
        }
        mod messages {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Messages).await;
            })*
        }
        mod responses {
            $(#[tokio::test]
            async fn $name() {
                super::$name(testkit::Dialect::Responses).await;
            })*
        }
    };
}
