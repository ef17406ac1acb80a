//! A person's payment as a row of a page: what was searched for, or counted.

use crate::domain::PaymentStatus;
use crate::language::{Phrase, phrase};
use crate::store::people::Person;
use crate::web::display::{self, filled};
use crate::web::path::{self, Sub};
use crate::web::sms;

/// A person's payment as a row shows it.
pub(super) struct PersonRow {
    pub(super) one: Person,
}

impl PersonRow {
    pub(super) fn new(one: Person) -> Self {
        Self { one }
    }

    pub(super) fn link(&self) -> String {
        path::link(&self.one.number, Sub::View)
    }

    pub(super) fn name(&self) -> Phrase {
        display::or_not_known(self.one.name.as_deref())
    }

    pub(super) fn account(&self) -> Option<String> {
        self.one.account_last4.as_deref().map(display::last_digits)
    }

    pub(super) fn tone(&self) -> &'static str {
        display::payment_tone(self.one.payment_status)
    }

    /// Why it failed, or that it came back.
    pub(super) fn reason(&self) -> Option<Phrase> {
        let told = filled(self.one.failure_reason.as_deref()).map(Phrase::from);
        (self.one.payment_status == PaymentStatus::Failed)
            .then(|| told.unwrap_or(phrase("The reason is not known.")))
    }

    pub(super) fn utr_date(&self) -> Option<Phrase> {
        filled(self.one.utr_date.as_deref()).map(|date| display::treasury_date(Some(date)))
    }

    pub(super) fn date(&self) -> String {
        display::day(self.one.created_at)
    }

    pub(super) fn amount(&self) -> String {
        display::rupees(self.one.amount_paise)
    }

    pub(super) fn sms(&self) -> Option<(Phrase, &'static str)> {
        self.one.sms.map(|state| (sms::words(state), sms::tone(state)))
    }
}
