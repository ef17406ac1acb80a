//! What a pull and a fetch share: originals by their numbers, people, and writing what came.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::client::{CallFault, Patience, Service};
use super::people::{self, Away};
use super::{Line, Muktasoft};
use crate::domain::record::folded;
use crate::domain::{PullFailure, PullNoteKind};
use crate::import::pulled::{self, FaultyRecord, Page, Told};
use crate::import::{Fault, ImportSummary};
use crate::store::pulls::{self, Counts, NewFault, Note};
use crate::store::{Db, StoreError, bills, importing};

/// PIs asked for by their numbers at once.
const NUMBERS_AT_ONCE: usize = 4;
/// What meets a database that is busy or away is tried so often at most.
const ATTEMPTS: u32 = 5;
/// The pause before the second time; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Why something could not be brought.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The temporary file failed.
    #[error("the temporary file of the pull failed: {0}; TMPDIR names its directory")]
    Staging(#[from] io::Error),
}

/// What was brought of a ULB so far.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// As an import tells it.
    pub(super) summary: ImportSummary,
    /// What is to be said of it.
    pub(super) notes: Vec<Note>,
    /// What is at fault with records that are left out.
    pub(super) faults: Vec<NewFault>,
    /// The folded numbers of PIs that were asked for by number, and came whole.
    pub(super) whole: HashSet<String>,
    /// The folded numbers of PIs that cannot be written.
    pub(super) refused: HashSet<String>,
    /// Why not all was brought.
    pub(super) failure: Option<(PullFailure, Option<String>)>,
}

impl Brought {
    pub(super) fn counts(&self) -> Counts {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let ImportSummary { created, updated, unchanged, left_out, .. } = &self.summary;
        Counts {
            created: signed(*created),
            updated: signed(*updated),
            unchanged: signed(*unchanged),
            left_out: signed(*left_out),
        }
    }

    /// Leaves out a record with faults.
    pub(super) fn leave_out(&mut self, faults: &[Fault]) {
        self.summary.left_out += 1;
        self.summary.faults.extend(faults);
        self.faults.extend(faults.iter().map(NewFault::from));
    }

    pub(super) fn note(&mut self, tenant: &str, kind: PullNoteKind, subject: Option<&str>) {
        self.note_heard(Some(tenant), kind, subject, None);
    }

    fn note_heard(
        &mut self,
        tenant: Option<&str>,
        kind: PullNoteKind,
        subject: Option<&str>,
        detail: Option<String>,
    ) {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        self.notes.push(Note { tenant_id: owned(tenant), kind, subject: owned(subject), detail });
    }

    /// The first failure is the one that is told.
    pub(super) fn fail(&mut self, failure: PullFailure, detail: Option<String>) {
        self.failure.get_or_insert((failure, detail));
    }
}

impl From<&Fault> for NewFault {
    fn from(fault: &Fault) -> Self {
        let Fault { number, path, problem } = fault.clone();
        Self { number, path, problem }
    }
}

/// What a fault of the search is called, and what was heard.
pub(super) fn failure_of(fault: CallFault) -> (PullFailure, Option<String>) {
    match fault {
        CallFault::TokenRefused(heard) => (PullFailure::TokenRefused, Some(heard)),
        CallFault::NotAnswered(heard) => (PullFailure::NotAnswered, Some(heard)),
        CallFault::Refused(heard) => (PullFailure::Refused, Some(heard)),
        CallFault::NotRead(heard) => (PullFailure::NotRead, Some(heard)),
        CallFault::TimeOver => (PullFailure::TimeOver, None),
        CallFault::CutOff => (PullFailure::CutOff, None),
    }
}

/// A pull or a fetch under way.
pub(super) struct Round {
    pub(super) of: Muktasoft,
    pub(super) line: Arc<Line>,
    pub(super) patience: Patience,
    /// The folded numbers that were asked for: each is once.
    asked: HashSet<String>,
    away: Away,
}

impl Round {
    pub(super) fn new(of: &Muktasoft, line: &Arc<Line>, patience: Patience) -> Self {
        Self { of: of.clone(), line: Arc::clone(line), patience, asked: HashSet::new(), away: Away::new() }
    }

    /// Reads what the search answered, on a thread where that holds up nobody.
    pub(super) async fn read(&self, answer: Vec<u8>) -> Result<Page, CallFault> {
        let read = tokio::task::spawn_blocking(move || pulled::read_page(&answer)).await;
        match read {
            Ok(Ok(page)) => Ok(page),
            Ok(Err(problem)) => Err(CallFault::NotRead(self.line.client.tellable(&problem))),
            Err(broken) => Err(CallFault::NotRead(broken.to_string())),
        }
    }

    /// Brings records of a ULB: first what they revise and is neither here nor among `coming`, then their
    /// people, then all of it in one transaction.
    pub(super) async fn bring(
        &mut self,
        tenant: &str,
        told: Vec<Told>,
        coming: &HashSet<String>,
        brought: &mut Brought,
    ) -> Result<(), Broken> {
        let parents = told.iter().filter_map(|told| told.record.parent_number.clone()).collect();
        let mut all = self.originals(tenant, parents, coming, brought).await?;
        all.extend(told);
        self.write(tenant, all, brought).await
    }

    /// Originals in a ULB whose people could not be asked for have that made up: no page brings them.
    pub(super) async fn bring_owed(&mut self, tenant: &str, brought: &mut Brought) -> Result<(), Broken> {
        let of = tenant.to_owned();
        let owed = self.of.read(move |db| pulls::owed_originals(db, &of)).await?;
        let originals = self.by_numbers(tenant, owed, brought).await;
        self.bring(tenant, originals, &HashSet::new(), brought).await
    }

    /// What waits in a ULB and cannot be asked about for want of an original, or of its bill reference, has that
    /// fetched, until nothing is missing or nothing new comes.
    pub(super) async fn bring_wanted(&mut self, tenant: &str, brought: &mut Brought) -> Result<(), Broken> {
        loop {
            let of = tenant.to_owned();
            let wanted = self.of.read(move |db| bills::wanted_originals(db, &of)).await?;
            let originals = self.by_numbers(tenant, wanted, brought).await;
            if originals.is_empty() {
                return Ok(());
            }
            self.bring(tenant, originals, &HashSet::new(), brought).await?;
        }
    }

    /// The PIs of these numbers that are not here, and what those revise, parents of parents too.
    async fn originals(
        &mut self,
        tenant: &str,
        mut numbers: Vec<String>,
        coming: &HashSet<String>,
        brought: &mut Brought,
    ) -> Result<Vec<Told>, Broken> {
        let mut originals = Vec::new();
        let mut found = HashSet::new();
        while !numbers.is_empty() {
            numbers.retain(|number| {
                let number = folded(number);
                !coming.contains(&number) && !found.contains(&number) && !self.asked.contains(&number)
            });
            let keys: Vec<String> = numbers.iter().map(|number| folded(number)).collect();
            let here = self.of.read(move |db| importing::here(db, &keys)).await?;
            numbers.retain(|number| !here.contains(&folded(number)));
            let came = self.by_numbers(tenant, numbers, brought).await;
            found.extend(came.iter().map(|told| folded(&told.record.number)));
            numbers = came.iter().filter_map(|told| told.record.parent_number.clone()).collect();
            originals.extend(came);
        }
        Ok(originals)
    }

    /// The PIs of these numbers, each asked for once. Whatever else is given is dropped.
    pub(super) async fn by_numbers(
        &mut self,
        tenant: &str,
        numbers: Vec<String>,
        brought: &mut Brought,
    ) -> Vec<Told> {
        if brought.failure.is_some() {
            return Vec::new();
        }
        let numbers: Vec<String> =
            numbers.into_iter().filter(|number| self.asked.insert(folded(number))).collect();
        let mut came = Vec::new();
        let this = &*self;
        let mut answers = futures_util::stream::iter(numbers)
            .map(|number| async move {
                let page = match this.line.client.by_number(Some(tenant), &number, &this.patience).await {
                    Ok(answer) => this.read(answer).await,
                    Err(fault) => Err(fault),
                };
                (number, page)
            })
            .buffer_unordered(NUMBERS_AT_ONCE);
        while let Some((number, page)) = answers.next().await {
            match page {
                Ok(page) => came.extend(asked_for(page, tenant, &number, brought)),
                Err(fault @ (CallFault::TokenRefused(_) | CallFault::TimeOver | CallFault::CutOff)) => {
                    let (failure, detail) = failure_of(fault);
                    brought.fail(failure, detail);
                    break;
                }
                Err(fault) => {
                    let is_away = matches!(fault, CallFault::NotAnswered(_));
                    let (_, detail) = failure_of(fault);
                    brought.note_heard(Some(tenant), PullNoteKind::NotFetched, Some(&number), detail);
                    if is_away {
                        break;
                    }
                }
            }
        }
        came
    }

    /// Fills in the people and writes, in one transaction, what is news.
    async fn write(&mut self, tenant: &str, told: Vec<Told>, brought: &mut Brought) -> Result<(), Broken> {
        if told.is_empty() {
            return Ok(());
        }
        let (sealer, now) = (Arc::clone(&self.of.sealer), self.of.clock.now().naive_utc());
        let told = Arc::new(told);
        let (compared, owed) = self
            .of
            .read(move |db| {
                let numbers: Vec<String> = told.iter().map(|told| folded(&told.record.number)).collect();
                let owed = pulls::owed(db, &numbers)?;
                Ok((pulled::compare(db, &sealer, told.to_vec(), &owed, now)?, owed))
            })
            .await?;
        brought.summary.unchanged += compared.unchanged;
        brought.summary.notes.extend(compared.notes);
        for fault in &compared.faults {
            brought.refuse(fault);
        }
        let mut news = compared.news;
        let (line, patience) = (Arc::clone(&self.line), self.patience.clone());
        let before: HashSet<Service> = self.away.keys().copied().collect();
        let mut asked = people::fill(&line.client, tenant, &mut news, &mut self.away, &patience).await;
        asked.owed.retain(|number| !owed.contains(number));
        asked.done.retain(|number| owed.contains(number));
        self.tell_of_services(&before, brought);
        let (changed, same): (Vec<_>, Vec<_>) = news.into_iter().partition(|one| one.is_changed);
        brought.summary.unchanged += same.len() as u64;
        let changed: Vec<Told> = changed.into_iter().map(|one| one.told).collect();
        let (changed, asked) = (Arc::new(changed), Arc::new(asked));
        if changed.is_empty() && asked.owed.is_empty() && asked.done.is_empty() {
            return Ok(());
        }
        let (sealer, clock) = (Arc::clone(&self.of.sealer), self.of.clock.clone());
        let written = self
            .of
            .write(move |db| {
                pulls::owe(db, &asked.owed)?;
                pulls::owe_no_more(db, &asked.done)?;
                if changed.is_empty() {
                    return Ok(ImportSummary::default());
                }
                pulled::write_told(db, &sealer, &changed, &clock)
            })
            .await?;
        brought.take(written);
        (self.of.on_brought)();
        Ok(())
    }

    /// A service that took the token again is told of again if it refuses it.
    pub(super) fn forget_refusals(&self) {
        self.of
            .refusals_told()
            .retain(|service| *service == Service::Search || self.away.contains_key(service));
    }

    /// Says of a service that it could not be asked, once; louder where it refused the token.
    fn tell_of_services(&self, before: &HashSet<Service>, brought: &mut Brought) {
        for (service, fault) in &self.away {
            if before.contains(service) {
                continue;
            }
            if let CallFault::TokenRefused(heard) = fault
                && self.of.refusals_told().insert(*service)
            {
                log::error!("MUKTASoft’s {} refused the token: {heard}", service.name());
            }
            let (_, detail) = failure_of(fault.clone());
            brought.note_heard(None, PullNoteKind::ServiceAway, Some(service.name()), detail);
        }
    }
}

impl Brought {
    fn refuse(&mut self, fault: &Fault) {
        self.refused.extend(fault.number.as_deref().map(folded));
        self.leave_out(std::slice::from_ref(fault));
    }

    /// Takes in what a transaction wrote.
    fn take(&mut self, written: ImportSummary) {
        self.summary.created += written.created;
        self.summary.updated += written.updated;
        self.summary.unchanged += written.unchanged;
        self.summary.notes.extend(written.notes);
        // The transaction counts those that it leaves out too.
        for fault in written.faults.listed() {
            self.refuse(fault);
        }
    }
}

/// Of an answer to a number in a ULB, the PI that was asked for.
fn asked_for(page: Page, tenant: &str, number: &str, brought: &mut Brought) -> Option<Told> {
    let is_asked =
        |told: &Told| folded(&told.record.number) == folded(number) && told.record.tenant_id == tenant;
    let is_faulty = |faulty: &&FaultyRecord| {
        faulty.tenant.as_deref().is_none_or(|of| of == tenant)
            && faulty.number.as_deref().map(folded) == Some(folded(number))
    };
    if let Some(faulty) = page.faulty.iter().find(is_faulty) {
        brought.leave_out(&faulty.faults);
        return None;
    }
    let is_empty = page.identities.is_empty();
    let told = page.records.into_iter().find(is_asked);
    match &told {
        Some(told) => {
            brought.whole.insert(folded(&told.record.number));
        }
        None if is_empty => brought.note(tenant, PullNoteKind::NotGiven, Some(number)),
        None => brought.note(tenant, PullNoteKind::OtherGiven, Some(number)),
    }
    told
}

impl Muktasoft {
    /// Reads from the database.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static + Clone,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.store.read(work.clone()).await {
                Err(fault) if fault.is_transient() => wait_for_database(&mut pause, &fault).await,
                done => return done,
            }
        }
        self.store.read(work).await
    }

    /// Writes to the database; one that is busy or away is tried again.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Db) -> Result<T, StoreError> + Send + 'static + Clone,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            match self.store.write(work.clone()).await {
                Err(fault) if fault.is_transient() => wait_for_database(&mut pause, &fault).await,
                done => return done,
            }
        }
        self.store.write(work).await
    }
}

async fn wait_for_database(pause: &mut Duration, fault: &StoreError) {
    log::warn!("the pull waits {} ms for the database: {fault}", pause.as_millis());
    tokio::time::sleep(*pause).await;
    *pause *= 2;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::pulled::read_page;
    use serde_json::{Value, json};

    fn original(number: &str, tenant: &str) -> Value {
        json!({
            "tenantId": tenant, "jitBillNo": number, "piStatus": "PARTIAL", "netAmount": 1,
            "auditDetails": { "createdTime": 1_699_142_400_000_u64 },
            "beneficiaryDetails": [{ "beneficiaryNumber": "BN-1", "amount": 1, "paymentStatus": "Payment Failed" }]
        })
    }

    /// What is taken of an answer to `PI-1` in od.jatni, and what is said.
    fn taken(answer: &[Value]) -> (Option<String>, Vec<PullNoteKind>, usize) {
        let answer = json!({ "paymentInstructions": answer }).to_string();
        let mut brought = Brought::default();
        let told = asked_for(read_page(answer.as_bytes()).unwrap(), "od.jatni", "PI-1", &mut brought);
        let kinds = brought.notes.iter().map(|note| note.kind).collect();
        (told.map(|told| told.record.number), kinds, brought.faults.len())
    }

    #[test]
    fn what_was_not_asked_for_is_dropped_and_said() {
        let ours = || original("pi-1", "od.jatni");
        assert_eq!(taken(&[ours()]), (Some("pi-1".to_owned()), vec![], 0));
        assert_eq!(taken(&[original("PI-1", "od.dhenkanal")]), (None, vec![PullNoteKind::OtherGiven], 0));
        assert_eq!(taken(&[original("PI-2", "od.jatni")]), (None, vec![PullNoteKind::OtherGiven], 0));
        assert_eq!(taken(&[]), (None, vec![PullNoteKind::NotGiven], 0));
        let among = [original("PI-3", "od.dhenkanal"), ours(), original("PI-2", "od.jatni")];
        assert_eq!(taken(&among).0, Some("pi-1".to_owned()));
        let mut faulty = original("PI-1", "od.jatni");
        faulty["netAmount"] = "x".into();
        assert_eq!(taken(&[faulty]), (None, vec![], 1));
    }
}
