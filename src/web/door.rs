//! Which requests are under way, so that the program's end waits for them and lets no more in.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::sync::watch;

/// Lets requests in, until it is closed, and counts those that are inside. Clones are one door.
#[derive(Debug, Clone)]
pub struct Door(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_closed: AtomicBool,
    inside: watch::Sender<usize>,
}

impl Default for Door {
    fn default() -> Self {
        Self(Arc::new(Inner { is_closed: AtomicBool::new(false), inside: watch::Sender::new(0) }))
    }
}

/// A request under way, until the last of its answer has been handed over.
#[derive(Debug)]
pub struct Inside(Arc<Inner>);

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Door {
    /// Lets in no request any more.
    pub fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
    }

    /// Returns when every request that was let in has been answered.
    pub async fn all_answered(&self) {
        // The sender is held by `self`.
        drop(self.0.inside.subscribe().wait_for(|count| *count == 0).await);
    }

    /// Whether the program is stopping.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed.load(Ordering::SeqCst)
    }

    /// Lets a request in; `None` once it is closed.
    pub fn enter(&self) -> Option<Inside> {
        // Counted before the door is looked at: whoever finds it open is waited for by whoever closes it.
        self.0.inside.send_modify(|count| *count += 1);
        let inside = Inside(Arc::clone(&self.0));
        (!self.is_closed()).then_some(inside)
    }
}

/// An answer on its way out, which is inside until it is whole.
pub struct Leaving<B> {
    body: Pin<Box<B>>,
    _inside: Option<Inside>,
}

impl<B> Leaving<B> {
    /// The answer to a request, if that is counted.
    pub fn of(body: B, inside: Option<Inside>) -> Self {
        Self { body: Box::pin(body), _inside: inside }
    }
}

impl<B: MessageBody> MessageBody for Leaving<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.get_mut().body.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_inside_is_waited_for_and_nobody_comes_after() {
        let door = Door::default();
        let (first, second) = (door.enter().unwrap(), door.enter().unwrap());
        door.close();
        assert!(door.enter().is_none());
        drop(first);
        let waiting = tokio::spawn({
            let door = door.clone();
            async move { door.all_answered().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        // An answer is inside until its body is gone.
        drop(Leaving::of((), Some(second)));
        waiting.await.unwrap();
    }
}
