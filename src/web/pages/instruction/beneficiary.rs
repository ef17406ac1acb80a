//! One beneficiary's row.

use chrono::{DateTime, Utc};

use crate::ftps::PaymentStatus;
use crate::store::beneficiaries::Beneficiary;
use crate::store::outbox::listing::OutboxMessage;
use crate::web::display::{self, filled};
use crate::web::sms;

/// A beneficiary as its row shows it.
pub(super) struct BeneficiaryRow {
    pub(super) one: Beneficiary,
    pub(super) sms: Option<SmsCell>,
}

/// The message to a beneficiary.
pub(super) struct SmsCell {
    pub(super) message: OutboxMessage,
    pub(super) moment: Option<sms::Moment>,
    pub(super) is_late: bool,
}

impl BeneficiaryRow {
    pub(super) fn new(one: Beneficiary, sms: Option<SmsCell>) -> Self {
        Self { one, sms }
    }

    /// `data-sms-status`.
    pub(super) fn sms_status(&self) -> &'static str {
        self.sms.as_ref().map_or(sms::NO_MESSAGE, |sms| sms.message.state.shown().as_str())
    }

    pub(super) fn name(&self) -> &str {
        display::or_not_known(self.one.name.as_deref())
    }

    pub(super) fn beneficiary_id(&self) -> Option<&str> {
        filled(self.one.beneficiary_id.as_deref())
    }

    /// `•••• 1234`.
    pub(super) fn account(&self) -> String {
        match (&self.one.account_last4, &self.one.account_hash) {
            (Some(last4), _) => display::last_digits(last4),
            (None, Some(_)) => "••••".to_owned(),
            (None, None) => display::NOT_KNOWN.to_owned(),
        }
    }

    /// Where neither account nor IFSC is known, one word says so.
    pub(super) fn ifsc(&self) -> Option<&str> {
        let missing = self.one.account_hash.as_ref().map(|_| "IFSC not known");
        filled(self.one.ifsc.as_deref()).or(missing)
    }

    pub(super) fn tone(&self) -> &'static str {
        display::payment_tone(self.one.payment_status)
    }

    /// Why it failed.
    pub(super) fn failure_reason(&self) -> Option<&str> {
        let reason = filled(self.one.failure_reason.as_deref());
        let failed = self.one.payment_status == PaymentStatus::Failed;
        if failed { reason.or(Some("The reason is not known.")) } else { None }
    }

    /// Where the money went, if not to what is registered.
    pub(super) fn paid_elsewhere(&self) -> Option<String> {
        let account = match (&self.one.other_account_last4, &self.one.other_account_sealed) {
            (Some(last4), _) => Some(format!("account {}", display::last_digits(last4))),
            (None, Some(_)) => Some("another account".to_owned()),
            (None, None) => None,
        };
        let ifsc = self.one.other_ifsc.as_ref().map(|ifsc| format!("IFSC {ifsc}"));
        match (account, ifsc) {
            (Some(account), Some(ifsc)) => Some(format!("{account}, {ifsc}")),
            (account, ifsc) => account.or(ifsc),
        }
    }

    pub(super) fn utr(&self) -> Option<&str> {
        filled(self.one.utr.as_deref())
    }

    pub(super) fn utr_date(&self) -> Option<String> {
        filled(self.one.utr_date.as_deref()).map(|date| display::treasury_date(Some(date)))
    }

    pub(super) fn amount(&self) -> String {
        display::rupees(self.one.amount_paise)
    }
}

impl SmsCell {
    pub(super) fn new(message: OutboxMessage, has_gateway: bool, now: DateTime<Utc>) -> Self {
        let moment = sms::Moment::of(&message, has_gateway);
        Self { moment, is_late: sms::is_late(&message, now), message }
    }

    pub(super) fn words(&self) -> &'static str {
        sms::words(self.message.state)
    }

    pub(super) fn tone(&self) -> &'static str {
        sms::tone(self.message.state)
    }
}
