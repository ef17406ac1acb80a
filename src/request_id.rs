//! The number by which one request is found again: in the log, on an error page, in the answer's header.

tokio::task_local! {
    static CURRENT: String;
}

/// The longest that a proxy's may be.
const LONGEST: usize = 64;

/// Whether a text may be one: of plain letters, digits and `.`, `_`, `-`, and not too long.
pub fn may_be_one(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Of the request that is served here, if one is.
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Serves a request of that number.
pub async fn serving<T>(id: String, work: impl Future<Output = T>) -> T {
    CURRENT.scope(id, work).await
}

/// Goes on serving the same request in a task of its own.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let id = current();
    async move {
        match id {
            Some(id) => serving(id, work).await,
            None => work.await,
        }
    }
}

/// The same on a thread of its own.
pub fn carried_onto_a_thread<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let id = current();
    move || match id {
        Some(id) => CURRENT.sync_scope(id, work),
        None => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_and_threads_of_a_request_know_its_number() {
        assert_eq!(current(), None);
        let (task, thread) = serving("a-1".to_owned(), async {
            (tokio::spawn(carried(async { current() })), std::thread::spawn(carried_onto_a_thread(current)))
        })
        .await;
        assert_eq!(task.await.unwrap().as_deref(), Some("a-1"));
        assert_eq!(thread.join().unwrap().as_deref(), Some("a-1"));
        assert_eq!(carried(async { current() }).await, None);
    }

    #[test]
    fn what_a_proxy_may_say_is_short_and_plain() {
        for (text, may) in [
            ("4bf92f3577b34da6a3ce929d0e0e4736", true),
            ("9b2e-1.A_z", true),
            ("", false),
            ("a b", false),
            ("a\"b", false),
            ("ନ", false),
        ] {
            assert_eq!(may_be_one(text), may, "{text}");
        }
        assert!(may_be_one(&"x".repeat(64)) && !may_be_one(&"x".repeat(65)));
    }
}
