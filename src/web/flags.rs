//! What about an instruction deserves a look, in words: at the head of its page, and in lists.

use chrono::{DateTime, Utc};

use crate::domain::{CompletedBy, Flag, PiStatus};
use crate::language::{Phrase, phrase};
use crate::store::beneficiaries::Tally;
use crate::store::instructions::PaymentInstruction;
use crate::web::display;

/// A flag as a page shows it.
#[derive(Debug)]
pub struct ShownFlag {
    /// Which.
    pub flag: Flag,
    /// What it says.
    pub words: Phrase,
}

/// The flags of an instruction, as of now.
pub fn of(pi: &PaymentInstruction, tally: &Tally, now: DateTime<Utc>) -> Vec<ShownFlag> {
    let counted = |words: Phrase, count: i64| words.with("count", display::count(count));
    let of_all = |words, count| counted(words, count).with("all", display::count(tally.all));
    let open = tally.open();
    let is_completed = pi.status == PiStatus::Completed;
    let by_muktasoft = is_completed && pi.completed_by != Some(CompletedBy::Ftps);
    let last_day = pi.last_day_to_correct(now).map_or(display::NOT_KNOWN, |day| display::date(day).into());
    let last_day = phrase("The last day for corrections was %{date}").with("date", last_day);
    [
        (
            tally.elsewhere > 0,
            Flag::PaidElsewhere,
            of_all(
                phrase("%{count} of %{all} paid to another account than the registered one"),
                tally.elsewhere,
            ),
        ),
        (pi.is_doubtful(), Flag::RbiNotPaid, phrase("RBI's message does not say “Paid”")),
        (tally.returned > 0, Flag::Returned, of_all(phrase("%{count} of %{all} returned"), tally.returned)),
        (
            is_completed && tally.failed > 0,
            Flag::FailedPayments,
            of_all(failed_words(tally.returned), tally.failed),
        ),
        (pi.is_past_deadline(now), Flag::PastDeadline, last_day),
        (
            by_muktasoft && open > 0,
            Flag::CompletedElsewhere,
            counted(phrase("Completed by MUKTASoft, %{count} payments open"), open),
        ),
        (
            tally.all > 0 && tally.sum != pi.net_paise,
            Flag::SumDiffers,
            phrase("The net amount is not the sum of the payments"),
        ),
        (
            tally.changed > 0,
            Flag::ChangedAfterPayment,
            counted(phrase("%{count} changed in MUKTASoft after the payment"), tally.changed),
        ),
        (
            tally.disputed > 0,
            Flag::ChangedAfterPayment,
            counted(phrase("%{count} paid by FTPS, failed by MUKTASoft's word"), tally.disputed),
        ),
    ]
    .into_iter()
    .filter(|(is_raised, ..)| *is_raised)
    .map(|(_, flag, words)| ShownFlag { flag, words })
    .collect()
}

/// Payments that came back are among those that failed.
fn failed_words(returned: i64) -> Phrase {
    if returned == 0 {
        return phrase("%{count} of %{all} failed");
    }
    phrase("%{count} of %{all} failed, %{returned} of them returned")
        .with("returned", display::count(returned))
}
