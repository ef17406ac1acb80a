//! A pull: every revised PI of each ULB, read page by page, whatever changes meanwhile.
//!
//! The server has neither an order nor an instant to ask by, and pages may shift while they are read. So
//! pages overlap, and a ULB is read again if what was read does not fit together.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::Instant;

use super::client::{CallFault, Patience, Service};
use super::round::{Broken, Brought, Round, failure_of};
use super::{Line, Muktasoft};
use crate::domain::{PullFailure, PullNoteKind, PullTrigger};
use crate::import::ImportSummary;
use crate::import::pulled::{FaultyRecord, FinishedPile, Page, Pile};
use crate::sealing::{SealError, random_hex};
use crate::store::pulls::{self, Note};
use crate::store::{StoreError, importing};

/// PIs on a page.
const PAGE: usize = 100;
/// PIs by which a page overlaps the one before it.
const OVERLAP: usize = 10;
/// A ULB whose PIs change while they are read is read so often at most.
const READINGS: u32 = 3;
/// After so many ULBs in a row about which MUKTASoft did not answer no more are asked about.
const AWAY: u32 = 3;
/// PIs written in one transaction, unless they have more beneficiaries than the next.
const WRITTEN_AT_ONCE: usize = 1000;
/// Beneficiaries written in one transaction.
const PEOPLE_AT_ONCE: usize = 10_000;
/// Faults of a ULB that are kept word for word.
const FAULTS_KEPT: usize = 1000;
/// Notes of a ULB that are kept.
const NOTES_KEPT: usize = 200;
/// The claim on pulling holds for so long, and is renewed so often.
const LEASE: Duration = Duration::from_secs(90);
const RENEWED_EVERY: Duration = Duration::from_secs(20);
/// How long after the time for asking what was read may still be written.
const TO_WRITE: Duration = Duration::from_secs(120);

/// Why no pull was made.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// There is no MUKTASoft to pull from.
    #[error("MUKTASOFT_PI_SEARCH_URL is not set: there is nothing to pull from")]
    NotSet,
    /// Another process pulls.
    #[error("another pull is under way: wait until it has ended, then start this one again")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SealError> for PullError {
    fn from(fault: SealError) -> Self {
        Self::Store(fault.into())
    }
}

/// What a pull brought.
#[derive(Debug, Default)]
pub struct Pulled {
    /// As an import tells it.
    pub summary: ImportSummary,
    /// What is to be said of it.
    pub notes: Vec<Note>,
    /// Why not all was brought, and what was heard.
    pub failure: Option<(PullFailure, Option<String>)>,
}

impl Pulled {
    /// What a note says, for a log.
    pub fn told(note: &Note) -> String {
        let of = note.tenant_id.as_deref().unwrap_or("MUKTASoft");
        let subject = note.subject.as_deref().unwrap_or_default();
        let heard = note.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
        match note.kind {
            PullNoteKind::ChangedWhileRead => format!(
                "{of}: its payment instructions changed each time while they were read; one may be missing until \
                 the next pull"
            ),
            PullNoteKind::ServiceAway => {
                format!(
                    "MUKTASoft’s {subject} could not be asked; its people are asked for by the next pull{heard}"
                )
            }
            PullNoteKind::NotGiven => format!("{of}: MUKTASoft does not give {subject}"),
            PullNoteKind::OtherGiven => {
                format!("{of}: MUKTASoft gave something else when asked for {subject}; that was dropped")
            }
            PullNoteKind::NotFetched => format!("{of}: {subject} could not be fetched{heard}"),
        }
    }

    /// Why not all was brought, in words.
    pub fn failure_told(&self) -> Option<String> {
        let (failure, heard) = self.failure.as_ref()?;
        let heard = heard.as_deref().map(|heard| format!(": {heard}")).unwrap_or_default();
        let why = match failure {
            PullFailure::TokenRefused => "MUKTASoft refused the token (MUKTASOFT_AUTH_TOKEN)",
            PullFailure::NotAnswered => "MUKTASoft did not answer",
            PullFailure::Refused => "MUKTASoft refused the question",
            PullFailure::NotRead => "MUKTASoft's answer cannot be read",
            PullFailure::TimeOver => "it took longer than MUKTASOFT_PULL_MAX_SECONDS",
            PullFailure::NoTenants => "no ULB is known here: name them in MUKTASOFT_TENANTS",
            PullFailure::Database => "the database failed",
            PullFailure::CutOff => "it was cut off",
        };
        Some(format!("{why}{heard}"))
    }

    /// Says in the log what came of it; that the token was refused is said already.
    pub(super) fn tell_log(&self) {
        log::info!("pulled from MUKTASoft: {}", self.summary);
        for note in &self.notes {
            let level = match note.kind {
                PullNoteKind::ChangedWhileRead | PullNoteKind::ServiceAway => log::Level::Warn,
                PullNoteKind::NotGiven | PullNoteKind::OtherGiven | PullNoteKind::NotFetched => {
                    log::Level::Info
                }
            };
            log::log!(level, "{}", Self::told(note));
        }
        for note in &self.summary.notes {
            log::debug!("{note}");
        }
        match &self.failure {
            Some((PullFailure::TokenRefused | PullFailure::CutOff, _)) | None => {}
            Some(_) => log::error!(
                "the pull from MUKTASoft did not bring all: {}",
                self.failure_told().unwrap_or_default()
            ),
        }
    }

    fn take(&mut self, brought: Brought) {
        let Brought { summary, notes, failure, .. } = brought;
        self.summary.created += summary.created;
        self.summary.updated += summary.updated;
        self.summary.unchanged += summary.unchanged;
        self.summary.left_out += summary.left_out;
        self.summary.faults.extend(summary.faults.listed());
        self.summary.notes.extend(summary.notes);
        self.notes.extend(notes);
        if self.failure.is_none() {
            self.failure = failure;
        }
    }
}

impl Muktasoft {
    /// Pulls, unless another process does. What was read is imported, whatever failed.
    pub async fn pull(&self, trigger: PullTrigger) -> Result<Pulled, PullError> {
        let line = self.line.clone().ok_or(PullError::NotSet)?;
        let token = random_hex(16)?;
        let (mine, now) = (token.clone(), self.clock.now().naive_utc());
        if !self.write(move |db| pulls::take_lease(db, &mine, now, now + LEASE)).await? {
            return Err(PullError::Busy);
        }
        let (cut, receiver) = watch::channel(*self.stop.borrow());
        let until = Instant::now() + line.config.longest;
        let holding = tokio::spawn(self.clone().hold_lease(token.clone(), until + TO_WRITE, cut));
        let patience = Patience { until, cut: receiver };
        let pulled = AssertUnwindSafe(self.pull_all(&line, trigger, patience)).catch_unwind().await;
        holding.abort();
        let given_back = self.write(move |db| pulls::give_lease_back(db, &token)).await;
        let pulled = pulled.unwrap_or_else(|_| Err(StoreError::BrokeOff("the pull panicked".to_owned())))?;
        given_back?;
        self.tell_of_token(&pulled);
        Ok(pulled)
    }

    /// Keeps the claim for as long as a pull may take, and cuts the pull off if it is lost or the program ends.
    async fn hold_lease(self, token: String, until: Instant, cut: watch::Sender<bool>) {
        let mut stop = self.stop.subscribe();
        while Instant::now() < until {
            tokio::select! {
                // The sender is held by `self`.
                _ = stop.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(RENEWED_EVERY) => {}
            }
            let (mine, end) = (token.clone(), self.clock.now().naive_utc() + LEASE);
            // A database that is away is met by the pull too.
            let kept = self.store.write(move |db| pulls::keep_lease(db, &mine, end)).await;
            if matches!(kept, Ok(false)) {
                break;
            }
        }
        cut.send_replace(true);
        // The receiver is asked until the pull ends.
        std::future::pending::<()>().await;
    }

    /// That the token is refused is said once, loudly, until it is taken again.
    fn tell_of_token(&self, pulled: &Pulled) {
        match &pulled.failure {
            Some((PullFailure::TokenRefused, _)) => {
                if self.refusals_told().insert(Service::Search) {
                    log::error!(
                        "nothing is pulled: {}. Give a new token and start the program again",
                        pulled.failure_told().unwrap_or_default()
                    );
                }
            }
            None => drop(self.refusals_told().remove(&Service::Search)),
            Some(_) => {}
        }
    }

    async fn pull_all(
        &self,
        line: &Arc<Line>,
        trigger: PullTrigger,
        patience: Patience,
    ) -> Result<Pulled, StoreError> {
        let began = self.clock.now().naive_utc();
        let id = self.write(move |db| pulls::begin(db, trigger, began)).await?;
        let mut pulled = Pulled::default();
        let tenants = match line.config.tenants.clone() {
            none if none.is_empty() => self.read(pulls::known_tenants).await,
            set => Ok(set),
        };
        match tenants {
            Ok(none) if none.is_empty() => pulled.failure = Some((PullFailure::NoTenants, None)),
            Ok(tenants) => {
                let mut round = Round::new(self, line, patience);
                let mut in_vain = 0;
                for tenant in tenants {
                    let brought = round.tenant(id, &tenant).await;
                    let failure = brought.failure.as_ref().map(|(failure, _)| *failure);
                    pulled.take(brought);
                    in_vain = if failure == Some(PullFailure::NotAnswered) { in_vain + 1 } else { 0 };
                    // What one ULB meets keeps no other away, unless it is the whole of MUKTASoft that is away.
                    if in_vain == AWAY || failure.is_some_and(PullFailure::ends_a_pull) {
                        break;
                    }
                }
                round.forget_refusals();
            }
            Err(fault) => pulled.failure = Some((PullFailure::Database, Some(fault.to_string()))),
        }
        let (failure, now) = (pulled.failure.clone(), self.clock.now().naive_utc());
        self.write(move |db| pulls::end(db, id, failure.as_ref(), now)).await?;
        Ok(pulled)
    }
}

/// What reading a ULB's pages came to.
#[derive(Default)]
struct Reading {
    /// Elements with faults in their latest reading.
    faulty: HashMap<u64, FaultyRecord>,
    /// Elements that never reached JIT.
    without_number: HashSet<u64>,
    /// Elements of other ULBs: that they were given is said, and they are dropped.
    foreign: HashSet<u64>,
    /// Whether the last reading surely met every element.
    is_whole: bool,
}

impl Round {
    /// Pulls one ULB, and writes what is to be said of that.
    async fn tenant(&mut self, pull_id: i64, tenant: &str) -> Brought {
        let mut brought = Brought::default();
        if let Err(broken) = self.tenant_into(pull_id, tenant, &mut brought).await {
            brought.fail(PullFailure::Database, Some(broken.to_string()));
        }
        brought
    }

    async fn tenant_into(&mut self, pull_id: i64, tenant: &str, brought: &mut Brought) -> Result<(), Broken> {
        let (pile, reading) = self.read_pages(tenant, brought).await?;
        brought.summary.left_out += reading.without_number.len() as u64;
        for faulty in reading.faulty.values() {
            brought.leave_out(&faulty.faults);
        }
        if !reading.foreign.is_empty() {
            let count = reading.foreign.len();
            log::warn!(
                "{tenant}: MUKTASoft gave {count} payment instructions of other ULBs; they were dropped"
            );
            brought.note(tenant, PullNoteKind::OtherGiven, Some(tenant));
        }
        let whole = self.bring_pile(tenant, pile, brought).await?;
        if brought.failure.is_none() {
            self.bring_owed(tenant, brought).await?;
            self.bring_wanted(tenant, brought).await?;
        }
        self.settle(pull_id, tenant, whole, reading.is_whole, brought).await
    }

    /// Writes what was read, oldest first; the folded numbers of it.
    async fn bring_pile(
        &mut self,
        tenant: &str,
        pile: Pile,
        brought: &mut Brought,
    ) -> Result<HashSet<String>, Broken> {
        let mut pile = on_thread(move || pile.finished()).await?;
        let coming = pile.numbers().clone();
        while !self.patience.is_cut() {
            let (told, rest) = on_thread(move || {
                let told = pile.next(WRITTEN_AT_ONCE, PEOPLE_AT_ONCE)?;
                Ok::<(_, FinishedPile), std::io::Error>((told, pile))
            })
            .await?;
            if told.is_empty() {
                return Ok(coming);
            }
            pile = rest;
            self.bring(tenant, told, &coming, brought).await?;
        }
        brought.fail(PullFailure::CutOff, None);
        Ok(HashSet::new())
    }

    /// Writes what was brought of a ULB, and which of its records are left out.
    async fn settle(
        &mut self,
        pull_id: i64,
        tenant: &str,
        mut whole: HashSet<String>,
        is_whole: bool,
        brought: &mut Brought,
    ) -> Result<(), Broken> {
        whole.extend(brought.whole.iter().cloned());
        whole.retain(|number| !brought.refused.contains(number));
        let (of, counts, now) = (tenant.to_owned(), brought.counts(), self.of.clock.now().naive_utc());
        let faults: Vec<_> = brought.faults.iter().take(FAULTS_KEPT).cloned().collect();
        let notes: Vec<_> = brought.notes.iter().take(NOTES_KEPT).cloned().collect();
        let failed = brought.failure.is_some();
        let all = is_whole && !failed;
        self.of
            .write(move |db| {
                importing::ensure_tenant(db, &of)?;
                pulls::store_faults(db, &of, &faults, &whole, all, now)?;
                pulls::store_tenant(db, pull_id, &of, &counts, failed, &notes)
            })
            .await?;
        Ok(())
    }

    /// Reads a ULB until a reading fits together, three times at most. What was read counts in any case.
    async fn read_pages(&mut self, tenant: &str, brought: &mut Brought) -> Result<(Pile, Reading), Broken> {
        let mut pile = on_thread(Pile::new).await?;
        let mut reading = Reading::default();
        for _ in 0..READINGS {
            let (back, fault) = self.read_once(tenant, pile, &mut reading).await?;
            pile = back;
            if let Some(fault) = fault {
                let (failure, heard) = failure_of(fault);
                brought.fail(failure, heard);
                return Ok((pile, reading));
            }
            if reading.is_whole {
                return Ok((pile, reading));
            }
        }
        brought.note(tenant, PullNoteKind::ChangedWhileRead, None);
        Ok((pile, reading))
    }

    async fn read_once(
        &self,
        tenant: &str,
        mut pile: Pile,
        reading: &mut Reading,
    ) -> Result<(Pile, Option<CallFault>), Broken> {
        let mut pages = Pages::default();
        reading.is_whole = false;
        loop {
            let answer = self.line.client.page(tenant, PAGE, pages.next_offset, &self.patience).await;
            let page = match answer {
                Ok(answer) => self.read(answer).await,
                Err(fault) => Err(fault),
            };
            let page = match page {
                Ok(page) => page,
                Err(fault) => return Ok((pile, Some(fault))),
            };
            let goes_on = pages.take(&page.identities, page.total);
            pile = reading.take(tenant, page, pile).await?;
            if !goes_on {
                reading.is_whole = pages.fit_together();
                return Ok((pile, None));
            }
        }
    }
}

impl Reading {
    /// Takes in what a page told: the later reading of an element counts.
    async fn take(&mut self, tenant: &str, page: Page, mut pile: Pile) -> Result<Pile, Broken> {
        let Page { identities, mut records, faulty, without_number, .. } = page;
        self.without_number.extend(without_number);
        for one in faulty {
            if one.tenant.as_deref().is_some_and(|of| of != tenant) {
                self.foreign.insert(one.identity);
                continue;
            }
            if let Some(number) = &one.number {
                pile.forget(number);
            }
            self.faulty.insert(one.identity, one);
        }
        records.retain(|told| {
            let identity = identities.get(told.index).copied().unwrap_or_default();
            let is_ours = told.record.tenant_id == tenant;
            if is_ours {
                self.faulty.remove(&identity);
            } else {
                self.foreign.insert(identity);
            }
            is_ours
        });
        let pile = on_thread(move || {
            records.iter().try_for_each(|told| pile.add(told))?;
            Ok::<_, std::io::Error>(pile)
        });
        Ok(pile.await?)
    }
}

/// Work with files, on a thread where it holds up nobody.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// The pages of one reading, each overlapping the one before it.
#[derive(Default)]
struct Pages {
    next_offset: usize,
    seen: HashSet<u64>,
    /// The elements of the latest page, by what they are known again.
    latest: Vec<u64>,
    /// Where the latest page ends.
    end: usize,
    /// Whether a page did not begin with what the one before it ended with.
    has_shifted: bool,
    /// How many there are in all, as the first and the latest page tell it.
    totals: Option<(Option<u64>, Option<u64>)>,
}

impl Pages {
    /// Takes in the page at `next_offset`; whether there may be more.
    fn take(&mut self, page: &[u64], total: Option<u64>) -> bool {
        let offset = self.next_offset;
        let overlap = self.end - offset;
        let expected = &self.latest[self.latest.len() - overlap..];
        self.has_shifted |= page.len() < overlap || page[..overlap] != *expected;
        let known = self.seen.len();
        self.seen.extend(page);
        self.totals = Some((self.totals.map_or(total, |(first, _)| first), total));
        self.end = offset + page.len();
        self.latest = page.to_vec();
        // A page that brings little may be all that the server gives at once: at least one more is asked
        // about each time.
        self.next_offset = self.end - OVERLAP.min(page.len().saturating_sub(1));
        self.seen.len() > known
    }

    /// Whether all that there is was surely met: no page shifted, and as many were met as the last page's
    /// place says.
    fn fit_together(&self) -> bool {
        let is_steady = self.totals.is_none_or(|(first, last)| first == last);
        let told = self.totals.and_then(|(_, last)| last);
        !self.has_shifted
            && self.seen.len() == self.end
            && is_steady
            && told.is_none_or(|total| total == self.end as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads what `server` gives at each offset: whether it fits together, and how many were met.
    fn read(mut server: impl FnMut(usize) -> Vec<u64>) -> (bool, usize) {
        let mut pages = Pages::default();
        for _ in 0..5000 {
            let page = server(pages.next_offset);
            if !pages.take(&page, None) {
                return (pages.fit_together(), pages.seen.len());
            }
        }
        panic!("it does not end");
    }

    fn part(of: &[u64], offset: usize, limit: usize) -> Vec<u64> {
        of.iter().skip(offset).take(limit).copied().collect()
    }

    #[test]
    fn what_stays_as_it_is_is_read_whole_whatever_the_server_gives_at_once() {
        for count in [0, 1, 2, 9, 10, 11, 90, 99, 100, 101, 190, 191, 1000] {
            let all: Vec<u64> = (0..count).collect();
            for limit in [1, 2, 9, 10, 11, 50, 100] {
                let done = read(|offset| part(&all, offset, limit));
                assert_eq!(done, (true, all.len()), "{count} by {limit}");
            }
        }
    }

    #[test]
    fn what_changes_meanwhile_is_noticed() {
        // One more at the front, after the first page: nothing is missed, but nobody can know.
        let mut all: Vec<u64> = (0..250).collect();
        let grown = read(|offset| {
            if offset == 90 {
                all.insert(0, 999);
            }
            part(&all, offset, 100)
        });
        assert!(!grown.0);
        // One taken away at the front: what moved up over the page's edge lies within the overlap, yet the
        // pages have shifted.
        let mut all: Vec<u64> = (0..250).collect();
        let shrunk = read(|offset| {
            if offset == 90 {
                all.remove(0);
            }
            part(&all, offset, 100)
        });
        assert!(!shrunk.0);
        // A server that does not know of offsets.
        let all: Vec<u64> = (0..250).collect();
        assert_eq!(read(|_| part(&all, 0, 100)), (false, 100));
        // One that turns all of it round.
        let mut turned = false;
        let back: Vec<u64> = (0..250).rev().collect();
        let done = read(|offset| {
            turned = offset >= 90;
            part(if turned { &back } else { &all }, offset, 100)
        });
        assert!(!done.0);
    }

    #[test]
    fn a_total_that_is_told_must_stay_and_fit() {
        let pages = |first, last| {
            let mut pages = Pages::default();
            pages.take(&[1, 2, 3], first);
            pages.take(&[2, 3], last);
            pages.fit_together()
        };
        assert!(pages(Some(3), Some(3)) && pages(None, None));
        assert!(!pages(Some(3), Some(4)) && !pages(Some(4), Some(4)));
    }
}
