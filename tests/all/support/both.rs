//! One test, both databases.

use super::{Kind, World};

/// Makes two tests of each function: `name::sqlite` and `name::postgres`. A function takes the
/// [`World`] that it tells of, or the [`Kind`] of database that it makes its own world on. One that
/// no list names is dead code, which the compiler reports.
macro_rules! on_both {
    ($($(#[$attribute:meta])* $test:ident),+ $(,)?) => {
        $(mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$attribute])*
            async fn sqlite() {
                $crate::support::run_on($crate::support::Kind::Sqlite, super::$test).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            $(#[$attribute])*
            async fn postgres() {
                $crate::support::run_on($crate::support::Kind::Postgres, super::$test).await;
            }
        })+
    };
}
pub(crate) use on_both;

/// What a test for both databases begins with.
pub(crate) trait GivenOn {
    async fn given_on(kind: Kind) -> Self;
}

impl GivenOn for Kind {
    async fn given_on(kind: Kind) -> Self {
        kind
    }
}

impl GivenOn for World {
    async fn given_on(kind: Kind) -> Self {
        Self::start(kind).await
    }
}

pub(crate) async fn run_on<Given: GivenOn>(kind: Kind, test: impl AsyncFnOnce(Given)) {
    test(Given::given_on(kind).await).await;
}
