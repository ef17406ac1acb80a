//! Flags as the list filters by them: kept in a row's `flags`, a bit for each, and in `failed_payments`; but
//! for what only time raises.
//!
//! [`kept!`](kept) says the same as [`flags::of`](crate::web::flags) shows; a test holds them together.

use chrono::NaiveDateTime;

use crate::domain::Flag;
use crate::store::deadline::past_deadline;

/// Of an instruction that has changed, what is kept of its payments: an assignment of an `UPDATE`, in which
/// the row itself is `payment_instructions`.
macro_rules! kept {
    () => {
        "(payments, failed_payments, flags) = (SELECT count(*), \
         count(CASE WHEN b.payment_status = 'Payment Failed' THEN 1 END), \
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
