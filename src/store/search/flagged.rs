//! What is kept of its payments in an instruction's row: how many there are, failed and were made; and the flags by
//! which the list filters, a bit for each, but for what only time raises.
//!
//! [`kept!`](kept) says the same as [`flags::of`](crate::web::flags) shows; a test holds them together.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use crate::domain::{Flag, Paise};
use crate::store::beneficiaries::Tally;
use crate::store::deadline::past_deadline;
use crate::store::schema::payment_instructions;

/// Of an instruction that has changed, what is kept of its payments: an assignment of an `UPDATE`, in which
/// the row itself is `payment_instructions`.
macro_rules! kept {
    () => {
        "(payments, failed_payments, paid_payments, flags) = (SELECT count(*), \
         count(CASE WHEN b.payment_status = 'Payment Failed' THEN 1 END), \
         count(CASE WHEN b.payment_status = 'Payment Successful' THEN 1 END), \
         CASE WHEN count(b.other_account_sealed) > 0 THEN 1 ELSE 0 END \
         + CASE WHEN completed_by = 'ftps' AND trim(COALESCE(ftps_payment_status, '')) <> '' \
             AND lower(substr(trim(ftps_payment_status), 1, 4)) <> 'paid' THEN 2 ELSE 0 END \
         + CASE WHEN count(b.returned_at) > 0 THEN 4 ELSE 0 END \
         + CASE WHEN status = 'Completed' AND COALESCE(completed_by, '') <> 'ftps' \
             AND count(CASE WHEN b.payment_status NOT IN ('Payment Successful', 'Payment Failed') THEN 1 END) > 0 \
             THEN 8 ELSE 0 END \
         + CASE WHEN count(*) > 0 AND sum(COALESCE(b.told_amount_paise, b.amount_paise)) <> net_paise \
             THEN 16 ELSE 0 END \
         + CASE WHEN count(b.told_amount_paise) + count(b.paid_beneficiary_id) \
             + count(CASE WHEN b.disputed THEN 1 END) > 0 THEN 32 ELSE 0 END \
         FROM beneficiaries b WHERE b.instruction_id = payment_instructions.id)"
    };
}
pub(in crate::store) use kept;

/// What is kept of its payments in an instruction's row.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = payment_instructions)]
pub(super) struct Kept {
    payments: i32,
    failed_payments: i32,
    paid_payments: i32,
    flags: i32,
}

impl Kept {
    /// Of paid elsewhere, returned, a sum that differs and changed, what is kept is that there are some, not how many.
    const NOT_COUNTED: i32 = 1 | 4 | 16 | 32;

    /// Whether its tally can be told from it.
    pub(super) fn tells_all(self) -> bool {
        self.flags & Self::NOT_COUNTED == 0
    }

    /// The tally, if it tells all of it: the payments come to the net amount then, if there are any.
    pub(super) fn tally(self, net: Paise) -> Tally {
        let [all, failed, paid] = [self.payments, self.failed_payments, self.paid_payments].map(i64::from);
        let sum = if all == 0 { Paise(0) } else { net };
        Tally { all, failed, paid, sum, ..Tally::default() }
    }
}

/// That a flag is raised on a row `p` as of now (UTC), by an index of those on which any is.
pub(super) fn condition(flag: Flag, now: NaiveDateTime) -> String {
    let bit = match flag {
        Flag::FailedPayments => return "p.failed_payments > 0 AND p.status = 'Completed'".to_owned(),
        Flag::PastDeadline => return past_deadline(now),
        Flag::PaidElsewhere => 1,
        Flag::RbiNotPaid => 2,
        Flag::Returned => 4,
        Flag::CompletedElsewhere => 8,
        Flag::SumDiffers => 16,
        Flag::ChangedAfterPayment => 32,
    };
    format!("p.flags <> 0 AND (p.flags & {bit}) <> 0")
}
