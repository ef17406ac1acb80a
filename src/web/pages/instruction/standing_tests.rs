use chrono::TimeDelta;

use super::*;
use crate::language::Language;

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).unwrap();

fn in_process() -> Facts {
    Facts {
        status: PiStatus::InProcess,
        is_active: true,
        is_waiting: true,
        is_stuck: false,
        is_being_asked: false,
        is_in_a_run: false,
        outcome: None,
        missing: None,
        next_attempt: None,
        is_paused: false,
        sign_in_paused_until: None,
        next_night: Some(NOW + TimeDelta::hours(8)),
        payments: Payments::default(),
        last_day_to_correct: None,
        may_refresh: true,
        now: NOW,
    }
}

/// All that the page says, in English: one sentence after another, as they are read.
fn said(facts: &Facts) -> String {
    let Standing { heading, meaning, follows, refresh, to_do, .. } = Standing::of(facts);
    let all = heading.into_iter().chain([meaning]).chain(refresh).chain(follows).chain(to_do);
    all.map(|words| Language::English.tell(&words)).collect::<Vec<_>>().join(" ")
}

/// Every combination of what is known; those that cannot be are none the worse for being looked at.
fn every_combination(mut look: impl FnMut(&Facts, &str)) {
    let later = (NOW + TimeDelta::hours(1)).naive_utc();
    let attempts = [None, Some((NOW.naive_utc(), 3)), Some((later, 1)), Some((NOW.naive_utc(), 0))];
    let missing = [
        Missing::Original("PI-1013/2026-27/000099".to_owned()),
        Missing::OfAnotherTown("PI-1013/2026-27/000099".to_owned()),
        Missing::EndOfCircle,
        Missing::Reference("PI-1013/2026-27/000099".to_owned()),
        Missing::DataKey("BN-1013/000224".to_owned()),
    ];
    for bits in 0..1_u32 << 12 {
        let bit = |at: u32| bits & 1 << at != 0;
        for status in PiStatus::ALL.iter().copied() {
            let is_waiting = bit(0) && status == PiStatus::InProcess;
            for outcome in [None].into_iter().chain(Outcome::ALL.iter().copied().map(Some)) {
                for missing in [None].into_iter().chain(missing.iter().filter(|_| is_waiting).map(Some)) {
                    let facts = Facts {
                        status,
                        is_active: bit(0),
                        is_waiting,
                        is_stuck: bit(1) && status == PiStatus::InProcess,
                        is_being_asked: bit(2) && is_waiting,
                        is_in_a_run: bit(5) && is_waiting,
                        outcome,
                        missing: missing.cloned(),
                        next_attempt: attempts[bits as usize % attempts.len()],
                        is_paused: bit(3) && bit(11),
                        sign_in_paused_until: bit(3).then_some(NOW + TimeDelta::minutes(5)),
                        next_night: bit(4).then_some(NOW + TimeDelta::hours(8)),
                        payments: Payments {
                            are_all_made: bit(5) && !bit(6),
                            have_failed: bit(6),
                            have_returned: bit(6) && bit(7),
                            are_unsettled: bit(8),
                            are_open: bit(9) && !bit(5),
                            went_elsewhere: bit(10),
                            are_doubtful: bit(7),
                        },
                        last_day_to_correct: [None, Some(NOW.date_naive()), Some(NaiveDate::MIN)]
                            [bits as usize % 3],
                        may_refresh: bit(11),
                        now: NOW,
                    };
                    look(&facts, &said(&facts));
                }
            }
        }
    }
}

#[test]
fn no_combination_says_two_things_that_cannot_both_be_true() {
    every_combination(|facts, said| {
        let says = |words: &str| said.contains(words);
        let complain = || format!("{said}\n{facts:?}");
        // What is at the treasury, and what is finished.
        assert_eq!(
            says("Whether it has been paid is not known"),
            facts.status == PiStatus::InProcess,
            "{}",
            complain()
        );
        assert!(!says("payments are being made"));
        let Payments { are_all_made, have_returned, went_elsewhere, are_doubtful, .. } = facts.payments;
        let is_paid = facts.status == PiStatus::Completed && are_all_made;
        let is_beyond_doubt = !have_returned && !went_elsewhere && !are_doubtful;
        assert_eq!(says("Every payment has been made."), is_paid && is_beyond_doubt, "{}", complain());
        assert!(
            !(says("Every payment has been made.") && (says("failed in MUKTASoft") || says("came back")))
        );
        // Nothing that asks JIT, or lets a person have it asked, where it is not asked.
        let asks = ["asked again by itself", "asked by itself", "Refresh", "can have JIT asked"];
        if !facts.is_waiting {
            assert!(!asks.iter().any(|words| says(words)), "{}", complain());
            assert!(!says("what holds it up"), "{}", complain());
        }
        // One that cannot be asked about is told to nobody but whoever brings what is missing.
        if facts.missing.is_some() {
            let wrong = [
                "Ask the treasury",
                "asked again by itself",
                "Refresh asks JIT",
                "can have JIT asked",
                "JIT's answer",
            ];
            assert!(!wrong.iter().any(|words| says(words)), "{}", complain());
            assert!(!facts.is_being_asked || !says("Refresh looks"), "{}", complain());
        }
        // One promise at a time, and none beyond a pause.
        let promises = ["asked again by itself", "asked by itself", "tried again"];
        assert!(promises.iter().filter(|words| says(words)).count() <= 1, "{}", complain());
        if facts.sign_in_paused_until.is_some() && facts.missing.is_none() {
            assert!(!says("again by itself") && !says("Refresh asks"), "{}", complain());
        }
        assert!(!says("Refresh asks") || facts.may_refresh, "{}", complain());
        assert_eq!(says("Nothing came back"), facts.is_waiting && facts.outcome == Some(Outcome::NoResponse));
    });
}

#[test]
fn each_situation_reads_as_a_person_would_tell_it() {
    let waits = in_process();
    let asked = |outcome| Facts { outcome: Some(outcome), ..in_process() };
    let later = Some(((NOW + TimeDelta::minutes(20)).naive_utc(), 4));
    let lost = Some(Missing::Original("PI-1013/2026-27/000099".to_owned()));
    let completed = Facts {
        status: PiStatus::Completed,
        is_waiting: false,
        payments: Payments { are_all_made: true, ..Payments::default() },
        ..asked(Outcome::Success)
    };
    let payments = |payments| Facts { payments, ..completed.clone() };
    let by_muktasoft = |payments| Facts { payments, outcome: None, ..completed.clone() };
    let of_status = |status| Facts { status, is_waiting: false, ..in_process() };
    let failed = Payments { have_failed: true, ..Payments::default() };
    let returned = Payments { have_returned: true, are_unsettled: true, ..failed };
    let table: Vec<(&str, Facts)> = vec![
        ("not asked yet", waits.clone()),
        ("not asked yet, seen by a viewer", Facts { may_refresh: false, ..waits.clone() }),
        ("in the sync under way", Facts { is_in_a_run: true, ..waits.clone() }),
        ("being asked", Facts { is_being_asked: true, ..waits.clone() }),
        ("no response", Facts { next_attempt: later, ..asked(Outcome::NoResponse) }),
        (
            "no response, due",
            Facts { next_attempt: Some((NOW.naive_utc(), 1)), ..asked(Outcome::NoResponse) },
        ),
        ("an error", asked(Outcome::Error)),
        ("an error for more than 7 days", Facts { is_stuck: true, ..asked(Outcome::Error) }),
        ("a glitch", Facts { next_attempt: later, ..asked(Outcome::Glitch) }),
        (
            "its original is missing",
            Facts { missing: lost.clone(), is_stuck: true, ..asked(Outcome::Glitch) },
        ),
        ("its original is missing, not asked yet", Facts { missing: lost, ..waits.clone() }),
        ("in a circle", Facts { missing: Some(Missing::EndOfCircle), ..asked(Outcome::Glitch) }),
        (
            "no online bill number",
            Facts {
                missing: Some(Missing::Reference("PI-1013/2026-27/000099".to_owned())),
                ..asked(Outcome::Glitch)
            },
        ),
        (
            "an account that does not open",
            Facts { missing: Some(Missing::DataKey("BN-1013/000224".to_owned())), ..asked(Outcome::Glitch) },
        ),
        (
            "signing in pauses",
            Facts {
                sign_in_paused_until: Some(NOW + TimeDelta::minutes(5)),
                next_attempt: later,
                ..asked(Outcome::Glitch)
            },
        ),
        (
            "inactive",
            Facts { is_active: false, is_waiting: false, is_stuck: true, ..asked(Outcome::NoResponse) },
        ),
        ("paid", completed.clone()),
        ("paid elsewhere", payments(Payments { went_elsewhere: true, ..completed.payments })),
        ("RBI does not say paid", payments(Payments { are_doubtful: true, ..completed.payments })),
        ("returned since", payments(returned)),
        ("returned since, and sent again", payments(Payments { are_unsettled: false, ..returned })),
        ("completed by MUKTASoft", by_muktasoft(completed.payments)),
        (
            "completed by MUKTASoft, open",
            by_muktasoft(Payments { are_open: true, are_unsettled: true, ..Payments::default() }),
        ),
        ("failed", by_muktasoft(Payments { are_unsettled: true, ..failed })),
        ("failed, and sent again", by_muktasoft(failed)),
        ("declined", of_status(PiStatus::Declined)),
        ("approved", of_status(PiStatus::Approved)),
    ];
    let told: String = table.iter().map(|(what, facts)| format!("{what}\n    {}\n", said(facts))).collect();
    insta::assert_snapshot!(told);
}
