//! One beneficiary's row.

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::domain::PaymentStatus;
use crate::language::{Phrase, phrase};
use crate::store::beneficiaries::Beneficiary;
use crate::store::outbox::listing::OutboxMessage;
use crate::web::display::{self, filled};
use crate::web::sms;

/// A beneficiary as its row shows it.
pub(super) struct BeneficiaryRow {
    pub(super) one: Beneficiary,
    /// When its instruction was completed (UTC).
    completed_at: Option<NaiveDateTime>,
    pub(super) sms: Option<SmsCell>,
}

/// The message to a beneficiary.
pub(super) struct SmsCell {
    pub(super) message: OutboxMessage,
    pub(super) moment: Option<sms::Moment>,
    pub(super) is_late: bool,
}

impl BeneficiaryRow {
    pub(super) fn new(one: Beneficiary, completed_at: Option<NaiveDateTime>, sms: Option<SmsCell>) -> Self {
        Self { one, completed_at, sms }
    }

    /// `data-sms-status`.
    pub(super) fn sms_status(&self) -> &'static str {
        self.sms.as_ref().map_or(sms::NO_MESSAGE, |sms| sms.message.state.shown().as_str())
    }

    pub(super) fn name(&self) -> Phrase {
        display::or_not_known(self.one.name.as_deref())
    }

    pub(super) fn beneficiary_id(&self) -> Option<&str> {
        filled(self.one.beneficiary_id.as_deref())
    }

    /// `•••• 1234`.
    pub(super) fn account(&self) -> Phrase {
        match (&self.one.account_last4, &self.one.account_hash) {
            (Some(last4), _) => display::last_digits(last4).into(),
            (None, Some(_)) => "••••".into(),
            (None, None) => display::NOT_KNOWN,
        }
    }

    /// Where neither account nor IFSC is known, one word says so.
    pub(super) fn ifsc(&self) -> Option<Phrase> {
        let missing = self.one.account_hash.as_ref().map(|_| phrase("IFSC not known"));
        filled(self.one.ifsc.as_deref()).map(Phrase::from).or(missing)
    }

    pub(super) fn tone(&self) -> &'static str {
        display::payment_tone(self.one.payment_status)
    }

    /// Why it failed.
    pub(super) fn failure_reason(&self) -> Option<Phrase> {
        let reason = filled(self.one.failure_reason.as_deref()).map(Phrase::from);
        let failed = self.one.payment_status == PaymentStatus::Failed;
        failed.then(|| reason.unwrap_or(phrase("The reason is not known.")))
    }

    /// That it came back, if it did.
    pub(super) fn returned(&self) -> Option<Phrase> {
        self.one.returned_at?;
        let paid_on = self.completed_at.map_or(display::NOT_KNOWN, |at| display::day(at).into());
        Some(phrase("Paid by FTPS on %{date}, returned since.").with("date", paid_on))
    }

    /// What MUKTASoft tells otherwise since it was paid.
    pub(super) fn changed_since(&self) -> Vec<Phrase> {
        let amount = self.one.told_amount_paise.map(|told| {
            phrase("MUKTASoft tells another amount since: %{amount}.").with("amount", display::rupees(told))
        });
        let person = self.one.paid_beneficiary_id.as_deref().map(|paid| {
            phrase("MUKTASoft names another person since; %{person} was paid.").with("person", paid)
        });
        amount.into_iter().chain(person).collect()
    }

    /// Where the money went, if not to what is registered.
    pub(super) fn paid_elsewhere(&self) -> Option<Phrase> {
        let account = match (&self.one.other_account_last4, &self.one.other_account_sealed) {
            (Some(last4), _) => Some(phrase("account %{digits}").with("digits", display::last_digits(last4))),
            (None, Some(_)) => Some(phrase("another account")),
            (None, None) => None,
        };
        let ifsc = self.one.other_ifsc.as_ref().map(|ifsc| Phrase::from(format!("IFSC {ifsc}")));
        let target = match (account, ifsc) {
            (Some(account), Some(ifsc)) => {
                phrase("%{account}, %{ifsc}").with("account", account).with("ifsc", ifsc)
            }
            (account, ifsc) => account.or(ifsc)?,
        };
        Some(
            phrase("Paid to %{target}, which differed from what was registered then.").with("target", target),
        )
    }

    pub(super) fn utr(&self) -> Option<&str> {
        filled(self.one.utr.as_deref())
    }

    pub(super) fn utr_date(&self) -> Option<Phrase> {
        filled(self.one.utr_date.as_deref()).map(|date| display::treasury_date(Some(date)))
    }

    pub(super) fn amount(&self) -> String {
        display::rupees(self.one.amount_paise)
    }
}

impl SmsCell {
    pub(super) fn new(message: OutboxMessage, sends: bool, now: DateTime<Utc>) -> Self {
        let moment = sms::Moment::of(&message, sends);
        Self { moment, is_late: sms::is_late(&message, now), message }
    }

    pub(super) fn words(&self) -> Phrase {
        sms::words(self.message.state)
    }

    pub(super) fn tone(&self) -> &'static str {
        sms::tone(self.message.state)
    }
}
