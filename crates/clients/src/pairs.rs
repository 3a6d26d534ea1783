//! One test for each pair of dialects: [`each_pair!`](crate::each_pair) makes them of functions
//! that take the client's and the upstream's.

/// Makes nine tests of each function named: `from_chat::onto_messages::NAME` and so on.
#[macro_export]
macro_rules! each_pair {
    ($($name:ident),* $(,)?) => {
        $crate::each_pair!(@ from_chat Chat $($name)*);
        $crate::each_pair!(@ from_messages Messages $($name)*);
        $crate::each_pair!(@ from_responses Responses $($name)*);
    };
    (@ $module:ident $client:ident $($name:ident)*) => {
        mod $module {
            mod onto_chat {
                $(#[tokio::test]
                async fn $name() {
                    let client = testkit::Dialect::$client;
                    super::super::$name(client, testkit::Dialect::Chat).await;
                })*
            }
            mod onto_messages {
                $(#[tokio::test]
                async fn $name() {
                    let client = testkit::Dialect::$client;
                    super::super::$name(client, testkit::Dialect::Messages).await;
                })*
            }
            mod onto_responses {
                $(#[tokio::test]
                async fn $name() {
                    let client = testkit::Dialect::$client;
                    super::super::$name(client, testkit::Dialect::Responses).await;
                })*
            }
        }
    };
}
