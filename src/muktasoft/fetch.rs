//! One PI that is not known here, brought at a person's wish.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::Muktasoft;
use super::client::Patience;
use super::round::{Broken, Brought, Round, failure_of};
use crate::domain::PullFailure;
use crate::domain::record::folded;
use crate::import::Fault;
use crate::import::pulled::Told;
use crate::store::pulls::NewFault;
use crate::store::scope::{Scope, state_of};
use crate::store::{StoreError, bills, pulls};

/// Longer no person waits.
const LONGEST: Duration = Duration::from_secs(20);

/// What fetching a PI came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is here now, under this number.
    Here(String),
    /// MUKTASoft does not know it, or not as one of those that the person sees.
    NotFound,
    /// MUKTASoft has it, but with a fault: that is kept with those of the pulls.
    Faulty,
    /// MUKTASoft could not be asked; what was heard.
    Failed(PullFailure, Option<String>),
}

/// Why a PI could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no MUKTASoft to fetch from.
    #[error("MUKTASOFT_PI_SEARCH_URL is not set: there is nothing to fetch from")]
    NotSet,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program broke off.
    #[error("the fetch broke off: {0}")]
    BrokeOff(String),
}

impl From<Broken> for FetchError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::Store(fault) => Self::Store(fault),
            Broken::Staging(cause) => Self::BrokeOff(cause.to_string()),
        }
    }
}

impl Muktasoft {
    /// Brings the PI of a number, with what it revises and its people, if it is in scope. It goes on in a task
    /// of its own: a browser that goes away cancels nothing.
    pub async fn fetch(&self, number: &str, scope: &Scope) -> Result<Fetched, FetchError> {
        // The search there minds case, and PI numbers are written in capitals.
        let (this, number, scope) = (self.clone(), number.trim().to_ascii_uppercase(), scope.clone());
        let fetching = self.runtime.spawn(async move { this.fetch_now(&number, &scope).await });
        fetching.await.map_err(|broken| FetchError::BrokeOff(broken.to_string()))?
    }

    async fn fetch_now(&self, number: &str, scope: &Scope) -> Result<Fetched, FetchError> {
        let line = self.line.clone().ok_or(FetchError::NotSet)?;
        let patience = Patience { until: Instant::now() + LONGEST, cut: self.stop.subscribe() };
        let mut round = Round::new(self, &line, patience);
        let of = (!scope.is_state()).then(|| scope.tenant());
        let page = match line.client.by_number(of, number, &round.patience).await {
            Ok(answer) => round.read(answer).await,
            Err(fault) => Err(fault),
        };
        let page = match page {
            Ok(page) => page,
            Err(fault) => {
                let (failure, heard) = failure_of(fault);
                return Ok(Fetched::Failed(failure, heard));
            }
        };
        let is_meant = |of: &str| folded(of) == folded(number);
        let faulty = page.faulty.into_iter().find(|faulty| {
            faulty.number.as_deref().is_some_and(is_meant)
                && faulty.tenant.as_deref().is_none_or(|tenant| sees(scope, tenant))
        });
        if let Some(faulty) = faulty {
            let tenant = faulty.tenant.clone().or_else(|| of.map(str::to_owned));
            self.keep_faults(tenant, number, &faulty.faults).await?;
            return Ok(Fetched::Faulty);
        }
        let told = page
            .records
            .into_iter()
            .find(|told| is_meant(&told.record.number) && sees(scope, &told.record.tenant_id));
        match told {
            Some(told) => Ok(round.bring_one(told).await?),
            None => Ok(Fetched::NotFound),
        }
    }
}

impl Muktasoft {
    /// Keeps what is at fault with a PI that is left out; of one whose ULB cannot be read nobody could see it.
    async fn keep_faults(
        &self,
        tenant: Option<String>,
        number: &str,
        faults: &[Fault],
    ) -> Result<(), StoreError> {
        for fault in faults {
            log::warn!("{number} was fetched from MUKTASoft, but is left out: {fault}");
        }
        let Some(tenant) = tenant else { return Ok(()) };
        let (number, now) = (number.to_owned(), self.clock.now().naive_utc());
        let faults: Vec<NewFault> = faults.iter().map(NewFault::from).collect();
        self.write(move |db| pulls::store_faults_of(db, &tenant, &number, &faults, now)).await
    }
}

/// Whether people of that scope see that tenant.
fn sees(scope: &Scope, tenant: &str) -> bool {
    scope.tenant() == tenant || scope.is_state() && state_of(tenant) == scope.tenant()
}

impl Round {
    /// Writes one PI with what it needs. What cannot be had of that does not keep it away.
    async fn bring_one(&mut self, told: Told) -> Result<Fetched, Broken> {
        let (number, tenant) = (told.record.number.clone(), told.record.tenant_id.clone());
        let mut brought = Brought::default();
        let coming = HashSet::from([folded(&number)]);
        self.bring(&tenant, vec![told], &coming, &mut brought).await?;
        let mut refused = brought.summary.faults.listed().iter();
        let is_it = |fault: &&Fault| fault.number.as_deref().is_some_and(|of| folded(of) == folded(&number));
        if let Some(fault) = refused.find(is_it) {
            self.of.keep_faults(Some(tenant), &number, std::slice::from_ref(fault)).await?;
            return Ok(Fetched::Faulty);
        }
        let of = number.clone();
        let wanted = self.of.read(move |db| bills::wanted_original_of(db, &of)).await?;
        let originals = self.by_numbers(&tenant, wanted.into_iter().collect(), &mut brought).await;
        self.bring(&tenant, originals, &coming, &mut brought).await?;
        let (of, its) = (tenant, number.clone());
        self.of.write(move |db| pulls::end_faults_of(db, &of, &its)).await?;
        Ok(Fetched::Here(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_town_sees_its_own_and_a_state_all_of_its_towns() {
        assert!(sees(&Scope::of("od"), "od.jatni") && sees(&Scope::of("od.jatni"), "od.jatni"));
        assert!(!sees(&Scope::of("od.jatni"), "od.dhenkanal") && !sees(&Scope::of("pb"), "od.jatni"));
        assert!(!sees(&Scope::of("od.jatni"), "od"));
    }
}
