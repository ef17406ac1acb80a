//! The nightly sync, its retries and its pages, with the clock moved by hand.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt;
use mukta_ftps::domain::{RunState, RunTrigger, Trigger};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::claims::{self, ClaimTerms};
use mukta_ftps::store::sync_runs::{self, Begun, Counts, SyncRun};
use mukta_ftps::sync::Worked;
use mukta_ftps::sync::scheduler::Scheduler;

use crate::support::{ORIGINAL, PEOPLE, REVISED, World, at, on_both, original, revised};

on_both!(
    two_engines_over_one_database_call_each_of_500_once,
    thirty_nights_of_no_response_and_then_paid,
    however_many_nights_were_missed_the_next_start_makes_one_run,
    a_run_left_behind_is_taken_up_and_what_was_in_flight_waits_for_its_claim,
    a_run_that_nobody_works_on_is_followed_by_another,
    an_instruction_without_an_original_is_a_glitch_and_the_others_are_unharmed,
    retries_go_on_with_growing_pauses_until_jit_answers,
    refresh_begins_the_steps_anew,
    a_refresh_during_a_run_counts_for_it_and_is_not_repeated,
    what_no_longer_waits_when_its_turn_comes_is_skipped,
    the_scheduler_makes_what_is_due_by_itself,
    a_run_of_nothing_is_finished_at_once,
    an_answer_that_the_database_refuses_is_a_glitch_of_that_one_instruction,
);

fn outcomes(world: &World, number: &str) -> Vec<(&'static str, &'static str)> {
    world
        .calls_about(number)
        .iter()
        .rev()
        .map(|call| (call.trigger.as_str(), call.outcome.as_str()))
        .collect()
}

fn runs(world: &World) -> Vec<(SyncRun, Counts)> {
    world.read(|db| {
        let runs = sync_runs::newest(db, None, 100)?;
        runs.into_iter()
            .map(|run| {
                let counts = sync_runs::total(db, run.id)?;
                Ok((run, counts))
            })
            .collect()
    })
}

fn calls_by_number(world: &World) -> HashMap<String, usize> {
    let mut calls = HashMap::new();
    for call in world.jit.calls() {
        *calls.entry(call.number).or_default() += 1;
    }
    calls
}

async fn two_engines_over_one_database_call_each_of_500_once(world: World) {
    let numbers = world.import_many(500);
    world.jit.set_latency(Duration::from_millis(20));
    let other = world.another_app().await;
    let run = world.begun_by_hand().await;
    let (here, there) = tokio::join!(world.app.sync.work(&run), other.sync.work(&run));
    assert_eq!((here.unwrap(), there.unwrap()), (Worked::Over, Worked::Over));
    let calls = calls_by_number(&world);
    assert_eq!(calls.len(), numbers.len());
    assert!(calls.values().all(|&count| count == 1), "not one is called twice");
    let (run, counts) = runs(&world).remove(0);
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(counts, Counts { expected: 500, successful: 500, ..Counts::default() });
    assert!(world.jit.max_in_flight() > 8, "both engines were at work: {}", world.jit.max_in_flight());
    assert!(world.jit.max_in_flight() <= 16, "each within its slots");
}

async fn thirty_nights_of_no_response_and_then_paid(world: World) {
    world.import_pair(PEOPLE);
    world.app.sync.look_after().await.unwrap();
    assert!(runs(&world).is_empty(), "the first start makes up no night");
    let mut script = vec![Scenario::EmptyBody; 30];
    script.push(Scenario::Paid);
    world.jit.script(REVISED, script);
    for night in 1..=31 {
        world.set_clock(at("2024-03-30T16:29:59Z") + TimeDelta::days(night));
        world.app.sync.look_after().await.unwrap();
        assert_eq!(runs(&world).len() + 1, usize::try_from(night).unwrap(), "not before ten");
        world.later(TimeDelta::seconds(1));
        world.app.sync.look_after().await.unwrap();
        world.app.sync.look_after().await.unwrap();
    }
    let runs = runs(&world);
    assert_eq!(runs.len(), 31, "one run a night");
    assert!(runs.iter().all(|(run, counts)| {
        run.trigger_word == RunTrigger::Nightly && run.state == RunState::Finished && counts.expected == 1
    }));
    assert_eq!((runs[0].1.successful, runs[1].1.no_response), (1, 1));
    let nights: Vec<_> =
        runs.iter().rev().take(2).map(|(run, _)| run.scheduled_for.unwrap().and_utc()).collect();
    assert_eq!(nights, [at("2024-03-31T16:30:00Z"), at("2024-04-01T16:30:00Z")], "31 March, 1 April");
    let outcomes = outcomes(&world, REVISED);
    assert_eq!(outcomes.len(), 31);
    assert_eq!((outcomes[29], outcomes[30]), (("nightly", "no-response"), ("nightly", "success")));
    assert_eq!(world.stored(REVISED).status.as_str(), "Completed");
}

async fn however_many_nights_were_missed_the_next_start_makes_one_run(world: World) {
    world.import_pair(PEOPLE);
    world.jit.otherwise(Scenario::ErrorList);
    world.app.sync.look_after().await.unwrap();
    world.later(TimeDelta::days(9));
    let restarted = world.another_app().await;
    restarted.sync.look_after().await.unwrap();
    restarted.sync.look_after().await.unwrap();
    world.app.sync.look_after().await.unwrap();
    let runs = runs(&world);
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].0.trigger_word, RunTrigger::MadeUp);
    assert_eq!(outcomes(&world, REVISED), [("nightly", "error")]);
}

async fn a_run_left_behind_is_taken_up_and_what_was_in_flight_waits_for_its_claim(world: World) {
    let numbers = world.import_many(6);
    let left = world.begun_by_hand().await;
    // The process that held two of them died.
    let now = world.app.clock.now().naive_utc();
    let terms = ClaimTerms {
        trigger: Trigger::Hand,
        by: left.started_by.clone(),
        run_id: Some(left.id),
        now,
        until: now + TimeDelta::seconds(45),
    };
    let page = world.write(|db| claims::claim_of_run(db, &world.app.sealer, &left, 2, &terms));
    assert_eq!(page.claimed.len(), 2);
    let restarted = world.another_app().await;
    let looking = tokio::spawn(async move { restarted.sync.look_after().await });
    world.until(|| runs(&world)[0].1.successful == 4).await;
    assert_eq!(runs(&world)[0].0.state, RunState::Running, "two are still claimed");
    world.later(TimeDelta::seconds(46));
    looking.await.unwrap().unwrap();
    assert_eq!(runs(&world)[0].0.state, RunState::Finished);
    assert_eq!(runs(&world)[0].1.successful, 6);
    // What became of the two calls that were cut off nobody knows: the log says so, once.
    let cut_off = |number: &&String| outcomes(&world, number) == [("hand", "unknown"), ("hand", "success")];
    assert_eq!(numbers.iter().filter(cut_off).count(), 2);
    assert_eq!(numbers.iter().map(|number| outcomes(&world, number).len()).sum::<usize>(), 8);
}

async fn a_run_that_nobody_works_on_is_followed_by_another(world: World) {
    world.import_many(3);
    let left = world.begun_by_hand().await;
    assert!(matches!(world.app.sync.begin(RunTrigger::Command, None).await.unwrap(), Begun::InProgress(_)));
    world.later(TimeDelta::seconds(45));
    let next = world.begun_by_hand().await;
    assert_eq!(world.app.sync.work(&next).await.unwrap(), Worked::Over);
    let runs = runs(&world);
    assert_eq!((runs[0].0.id, runs[0].0.state), (next.id, RunState::Finished));
    assert_eq!((runs[1].0.id, runs[1].0.state), (left.id, RunState::Interrupted));
    assert_eq!(world.app.sync.work(&left).await.unwrap(), Worked::Over, "it is not gone on with");
    assert_eq!(world.jit.calls_received(), 3);
}

async fn an_instruction_without_an_original_is_a_glitch_and_the_others_are_unharmed(world: World) {
    let numbers = world.import_many(5);
    world.import(&[revised("PI-LOST", "PI-NOWHERE", PEOPLE)]);
    world.jit.script(&numbers[2], vec![Scenario::Garbage]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    let (_, counts) = runs(&world).remove(0);
    assert_eq!(counts, Counts { expected: 6, successful: 4, glitches: 2, ..Counts::default() });
    assert_eq!(outcomes(&world, "PI-LOST"), [("hand", "not-sent")]);
    assert_eq!(outcomes(&world, &numbers[2]), [("hand", "glitch")]);
    // It is told once, and neither tried again by itself nor asked about by the next run, until the
    // original is brought.
    assert_eq!(world.stored("PI-LOST").next_attempt_at, None);
    let next = world.begun_by_hand().await;
    world.app.sync.work(&next).await.unwrap();
    assert_eq!(outcomes(&world, "PI-LOST"), [("hand", "not-sent")]);
    world.import(&[original("PI-NOWHERE", PEOPLE), revised("PI-LOST", "PI-NOWHERE", PEOPLE)]);
    assert_eq!(world.stored("PI-LOST").next_attempt_at, Some(world.app.clock.now().naive_utc()));
    let last = world.begun_by_hand().await;
    world.app.sync.work(&last).await.unwrap();
    assert_eq!(outcomes(&world, "PI-LOST"), [("hand", "not-sent"), ("hand", "success")]);
}

async fn retries_go_on_with_growing_pauses_until_jit_answers(world: World) {
    world.import_pair(PEOPLE);
    let mut script = vec![Scenario::Reset; 8];
    script.push(Scenario::Error("Bill is pending".into()));
    world.jit.script(REVISED, script);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    for (attempts, step) in [(1, 60), (2, 120), (3, 240), (4, 480), (5, 960), (6, 1920), (7, 3600), (8, 3600)]
    {
        let before = world.stored(REVISED);
        assert_eq!(before.unanswered_attempts, attempts);
        let pause = before.next_attempt_at.unwrap() - world.app.clock.now().naive_utc();
        assert!(
            TimeDelta::seconds(step / 2) <= pause && pause <= TimeDelta::seconds(step),
            "{attempts}: {pause}"
        );
        world.browser.sign_in("asha").await;
        let shown = world.view(REVISED).await.words("#ftps-message");
        assert!(shown.contains("asked again by itself"), "{shown}");
        world.later(pause - TimeDelta::milliseconds(1));
        let restarted = world.another_app().await;
        restarted.sync.make_due().await.unwrap();
        assert_eq!(world.stored(REVISED).unanswered_attempts, attempts, "not before it is due");
        world.later(TimeDelta::milliseconds(1));
        restarted.sync.make_due().await.unwrap();
    }
    let answered = world.stored(REVISED);
    assert_eq!((answered.next_attempt_at, answered.unanswered_attempts), (None, 0));
    let outcomes = outcomes(&world, REVISED);
    assert_eq!(outcomes[0], ("hand", "no-response"));
    assert_eq!(outcomes[8], ("retry", "error"));
    world.later(TimeDelta::days(1));
    world.app.sync.make_due().await.unwrap();
    assert_eq!(world.jit.calls_received(), 9, "an error is an answer");
}

async fn refresh_begins_the_steps_anew(world: World) {
    world.import_pair(PEOPLE);
    world.jit.otherwise(Scenario::Reset);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    for _ in 0..3 {
        world.later(TimeDelta::hours(1));
        world.app.sync.make_due().await.unwrap();
    }
    assert_eq!(world.stored(REVISED).unanswered_attempts, 4);
    world.browser.sign_in("asha").await;
    world.press_refresh(REVISED).await;
    let refreshed = world.stored(REVISED);
    assert_eq!(refreshed.unanswered_attempts, 1);
    let pause = refreshed.next_attempt_at.unwrap() - world.app.clock.now().naive_utc();
    assert!(pause <= TimeDelta::seconds(60), "{pause}");
}

async fn a_refresh_during_a_run_counts_for_it_and_is_not_repeated(world: World) {
    world.import_many(1);
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::ErrorList]);
    let run = world.begun_by_hand().await;
    world.later(TimeDelta::seconds(1));
    world.press_refresh(REVISED).await;
    world.app.sync.work(&run).await.unwrap();
    assert_eq!(outcomes(&world, REVISED), [("refresh", "error")]);
    let (_, counts) = runs(&world).remove(0);
    assert_eq!(counts, Counts { expected: 2, successful: 1, errors: 1, ..Counts::default() });
}

async fn what_no_longer_waits_when_its_turn_comes_is_skipped(world: World) {
    world.import_pair(PEOPLE);
    let run = world.begun_by_hand().await;
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE).but(|one| one["piStatus"] = "SUCCESSFUL".into())]);
    world.app.sync.work(&run).await.unwrap();
    let (run, counts) = runs(&world).remove(0);
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(counts, Counts { expected: 1, skipped: 1, ..Counts::default() });
    assert_eq!(world.jit.calls_received(), 0);
}

async fn the_scheduler_makes_what_is_due_by_itself(world: World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::Reset, Scenario::Paid]);
    world.app.sync.look_after().await.unwrap();
    world.later(TimeDelta::days(1));
    let mut scheduler = Scheduler::start(world.app.sync.clone()).unwrap();
    world.until(|| outcomes(&world, REVISED) == [("nightly", "no-response")]).await;
    world.later(TimeDelta::minutes(1));
    world.until(|| outcomes(&world, REVISED).last() == Some(&("retry", "success"))).await;
    assert!(scheduler.ended().now_or_never().is_none());
}

async fn a_run_of_nothing_is_finished_at_once(world: World) {
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    assert_eq!(runs(&world)[0].0.state, RunState::Finished);
}

async fn an_answer_that_the_database_refuses_is_a_glitch_of_that_one_instruction(world: World) {
    let numbers = world.import_many(10);
    world.database.poison_payments_of(&numbers[4]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    let (run, counts) = runs(&world).remove(0);
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(counts, Counts { expected: 10, successful: 9, glitches: 1, ..Counts::default() });
    assert_eq!(outcomes(&world, &numbers[4]), [("hand", "glitch")]);
    assert_eq!(world.stored(&numbers[4]).status.as_str(), "In Process");
}
