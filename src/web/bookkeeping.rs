//! What the pages keep in memory for the audit trail is written each second: openings of payment instructions,
//! and what refusals came to.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use super::site::Site;

/// How often it is written.
const EACH: Duration = Duration::from_secs(1);

/// The task that writes it.
pub struct Bookkeeping {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Bookkeeping {
    /// Begins on the current tokio runtime.
    pub fn start(site: Site) -> Self {
        let (stop, mut stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let mut each = tokio::time::interval(EACH);
            each.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = each.tick() => site.write_up().await,
                    _ = &mut stopped => break,
                }
            }
            site.write_all_up().await;
        });
        Self { stop, task }
    }

    /// Once no page is shown any more: writes what is left.
    pub async fn finish(self) {
        // Whoever does not listen any more has ended.
        let _ended = self.stop.send(());
        if let Err(broken) = self.task.await {
            log::error!("the task that writes the read log broke off: {broken}");
        }
    }
}
