//! What the first page after a sign-in tells: when the person had signed in before, and what failed since.

use actix_session::Session;
use chrono::NaiveDateTime;

use super::display;
use super::error::WebError;
use super::session::{self, ARRIVED};
use crate::language::{Phrase, phrase};
use crate::store::employees::Employee;

/// The sign-in before this one, and the failures between the two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    before: Option<NaiveDateTime>,
    /// Attempts to sign in as them that failed.
    pub failures: i64,
}

impl Arrival {
    /// As it is known of an employee: whatever failed since the sign-in before this one, during this one too.
    pub fn of(employee: &Employee) -> Self {
        Self {
            before: employee.sign_in_before_at,
            failures: employee.failures_before + employee.failures_since,
        }
    }

    /// What is to be told in this session, if anything is.
    pub fn of_session(session: &Session, employee: &Employee) -> Result<Option<Self>, WebError> {
        let arrival = Self::of(employee);
        let is_news = arrival.before.is_some() || arrival.failures > 0;
        Ok(session::kept::<bool>(session, ARRIVED)?.filter(|_| is_news).map(|_| arrival))
    }

    /// It has been told.
    pub fn told(session: &Session) {
        session.remove(ARRIVED);
    }

    /// When they had signed in before.
    pub fn last(&self) -> Phrase {
        match self.before {
            Some(at) => phrase("You had signed in before on %{at}.").with("at", display::minute(at)),
            None => phrase("You have not signed in before."),
        }
    }

    /// What failed since.
    pub fn failed(&self) -> Phrase {
        match self.failures {
            0 => phrase("No attempt to sign in with your name has failed since then."),
            1 => phrase("One attempt to sign in with your name has failed since then."),
            count => phrase("%{count} attempts to sign in with your name have failed since then.")
                .with("count", display::count(count)),
        }
    }
}
