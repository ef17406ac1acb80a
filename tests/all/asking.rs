//! When JIT is asked and when not: what was not sent is recorded as nothing or as not sent, what was cut off
//! as unknown, and who goes first.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use mukta_ftps::domain::Trigger;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::claims::{self, ClaimTerms, NotClaimed};
use mukta_ftps::store::sync_runs::{self, Counts, SyncRun};
use mukta_ftps::sync::{Asked, Order};

use crate::support::{
    Door, Kind, ORIGINAL, PEOPLE, Program, REVISED, World, on_both, original, revised, stderr, stdout,
};

on_both!(
    what_cannot_be_asked_about_is_told_once_and_left_out_until_it_can_be,
    what_became_of_a_call_whose_process_died_is_unknown_and_it_is_made_again,
    a_call_cut_off_leaves_its_trace_also_where_nobody_waits_any_more,
    whoever_waited_for_anothers_sign_in_was_not_asked_about,
    claims_of_a_clock_that_is_a_little_ahead_hold,
    people_have_a_slot_of_their_own_and_a_run_goes_before_retries,
    told_to_stop_a_program_begins_no_further_exchange,
    told_to_stop_a_program_cuts_off_what_hangs,
    the_command_waits_for_jit_only_for_so_long,
);

/// Five connections that fail in a row open the circuit; of the seven slots two may be connecting by then.
const FAILED: std::ops::RangeInclusive<usize> = 5..=7;

fn counts(world: &World, run: &SyncRun) -> Counts {
    world.read(|db| sync_runs::total(db, run.id))
}

/// Of an instruction, oldest first.
fn log(world: &World, number: &str) -> Vec<(&'static str, &'static str)> {
    let calls = world.calls_about(number);
    calls.iter().rev().map(|call| (call.trigger.as_str(), call.outcome.as_str())).collect()
}

fn terms(world: &World, holds_for: i64) -> ClaimTerms {
    let now = world.app.clock.now().naive_utc();
    ClaimTerms {
        trigger: Trigger::Refresh,
        by: Some("bina".to_owned()),
        run_id: None,
        now,
        until: now + TimeDelta::seconds(holds_for),
    }
}

/// A process that dies with a call about this instruction in flight.
fn claimed_by_one_who_dies(world: &World, number: &str) {
    let id = world.stored(number).id;
    let terms = terms(world, 45);
    world.write(|db| claims::claim(db, &world.app.sealer, id, &terms)).unwrap();
}

async fn what_cannot_be_asked_about_is_told_once_and_left_out_until_it_can_be(world: World) {
    world.import(&[revised(REVISED, ORIGINAL, PEOPLE)]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    assert_eq!(counts(&world, &run), Counts { expected: 1, glitches: 1, ..Counts::default() });
    let told = world.stored(REVISED);
    assert_eq!((told.next_attempt_at, told.unanswered_attempts), (None, 0), "no attempt was made");
    let page = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    assert_eq!(page.attr("article[data-call-outcome]", "data-call-outcome"), "not-sent");
    assert!(page.text.contains("No request was sent."), "{}", page.text);
    assert_eq!(world.view(REVISED).await.attr("#ftps-message", "data-outcome"), "glitch");

    // Neither tried again by itself, nor by the runs that follow.
    world.later(TimeDelta::days(1));
    world.app.sync.make_due().await.unwrap();
    let next = world.begun_by_hand().await;
    world.app.sync.work(&next).await.unwrap();
    assert_eq!(counts(&world, &next), Counts::default());
    assert_eq!(log(&world, REVISED), [("hand", "not-sent")]);

    // Something else is missing now: that is told, once too.
    world.import(&[original(ORIGINAL, PEOPLE).but(|it| it["paDetails"] = serde_json::json!([]))]);
    for _ in 0..2 {
        let run = world.begun_by_hand().await;
        world.app.sync.work(&run).await.unwrap();
    }
    assert_eq!(log(&world, REVISED), [("hand", "not-sent"); 2]);
    assert!(world.stored(REVISED).ftps_message.unwrap().contains("online bill reference"));
    assert_eq!(world.jit.calls_received(), 0);

    world.import(&[original(ORIGINAL, PEOPLE)]);
    let last = world.begun_by_hand().await;
    world.app.sync.work(&last).await.unwrap();
    assert_eq!(log(&world, REVISED)[2..], [("hand", "success")]);
}

async fn what_became_of_a_call_whose_process_died_is_unknown_and_it_is_made_again(world: World) {
    world.import_pair(PEOPLE);
    claimed_by_one_who_dies(&world, REVISED);
    let began = world.app.clock.now().naive_utc();
    world.later(TimeDelta::seconds(44));
    world.app.sync.make_due().await.unwrap();
    assert!(log(&world, REVISED).is_empty(), "it may still be under way");
    world.later(TimeDelta::seconds(1));
    world.app.sync.make_due().await.unwrap();
    assert_eq!(log(&world, REVISED), [("refresh", "unknown"), ("retry", "success")]);
    let cut_off = world.calls_about(REVISED).pop().unwrap();
    assert_eq!((cut_off.triggered_by.as_deref(), cut_off.started_at), (Some("bina"), began));
    let page = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    let told = page.words("article[data-call-outcome=unknown]");
    assert!(told.contains("Outcome not known") && told.contains("what JIT answered is not known"), "{told}");
    assert!(!told.contains("No request was sent"), "that is not known: {told}");
}

async fn a_call_cut_off_leaves_its_trace_also_where_nobody_waits_any_more(world: World) {
    world.import_pair(PEOPLE);
    claimed_by_one_who_dies(&world, REVISED);
    world.database.execute("UPDATE payment_instructions SET is_active = FALSE");
    world.later(TimeDelta::seconds(46));
    for _ in 0..2 {
        world.app.sync.make_due().await.unwrap();
    }
    assert_eq!(log(&world, REVISED), [("refresh", "unknown")]);
    assert_eq!(world.stored(REVISED).lease_until, None);
}

async fn whoever_waited_for_anothers_sign_in_was_not_asked_about(world: World) {
    let numbers = world.import_many(60);
    let mut door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    let run = world.begun_by_hand().await;
    let looking = {
        let sync = app.sync.clone();
        tokio::spawn(async move { sync.look_after().await.unwrap() })
    };
    world.until(|| world.read(|db| sync_runs::get(db, run.id)).unwrap().waiting_since.is_some()).await;
    let tried: Vec<_> = numbers.iter().filter(|number| !log(&world, number).is_empty()).collect();
    let failed = tried.len();
    assert!(FAILED.contains(&failed), "five connections fail in a row, whoever waited for them: {failed}");
    assert_eq!(counts(&world, &run).no_response as usize, failed);
    let untouched = |number: &&String| {
        let pi = world.stored(number);
        pi.lease_token.is_none() && pi.ftps_called_at.is_none() && pi.unanswered_attempts == 0
    };
    assert_eq!(numbers.iter().filter(untouched).count(), 60 - failed);
    door.open();
    world.later(TimeDelta::seconds(10));
    looking.await.unwrap();
    assert_eq!(
        counts(&world, &run),
        Counts {
            expected: 60,
            successful: 60 - failed as i64,
            no_response: failed as i64,
            ..Counts::default()
        }
    );
}

async fn claims_of_a_clock_that_is_a_little_ahead_hold(world: World) {
    world.import_pair(PEOPLE);
    let id = world.stored(REVISED).id;
    world.later(TimeDelta::seconds(10));
    claimed_by_one_who_dies(&world, REVISED);
    world.later(TimeDelta::seconds(-10));
    // Another process, with a shorter time-out.
    let claim = |world: &World| {
        let terms = terms(world, 33);
        world.write(|db| claims::claim(db, &world.app.sealer, id, &terms)).map(drop)
    };
    assert_eq!(claim(&world), Err(NotClaimed::Busy));
    // Of a clock that was ahead by an hour, nothing holds.
    world.later(TimeDelta::hours(-1));
    assert_eq!(claim(&world), Ok(()));
}

async fn people_have_a_slot_of_their_own_and_a_run_goes_before_retries(world: World) {
    let numbers = world.import_many(30);
    world.import_pair(PEOPLE);
    world.jit.script(&numbers[0], vec![Scenario::Reset, Scenario::Paid]);
    let order = Order { trigger: Trigger::Hand, by: None, run_id: None };
    world.app.sync.ask(world.stored(&numbers[0]).id, order).await.unwrap();
    world.later(TimeDelta::hours(1));
    world.jit.hold();
    let run = world.begun_by_hand().await;
    let looking = {
        let sync = world.app.sync.clone();
        tokio::spawn(async move { sync.look_after().await.unwrap() })
    };
    world.until(|| world.jit.in_flight() == 7).await;
    world.later(TimeDelta::seconds(1));
    world.app.sync.make_due().await.unwrap();
    let asking = {
        let (sync, id) = (world.app.sync.clone(), world.stored(REVISED).id);
        tokio::spawn(async move { sync.ask(id, Order::refresh("asha".to_owned())).await.unwrap() })
    };
    world.until(|| world.jit.in_flight() == 8).await;
    world.jit.let_go();
    assert!(matches!(asking.await.unwrap(), Asked::Recorded(_)));
    looking.await.unwrap();
    assert_eq!(counts(&world, &run).successful, 31);
    assert!(!numbers.iter().flat_map(|number| log(&world, number)).any(|(trigger, _)| trigger == "retry"));
}

/// `serve` with a run of so many, which it takes up by itself.
async fn serving_a_run(world: &World, count: usize, stop_seconds: &str) -> (Vec<String>, Program) {
    let numbers = world.import_many(count);
    world.set_clock(chrono::Utc::now());
    world.begun_by_hand().await;
    let mut command = world.program(&["serve"]);
    command.env("JIT_TIMEOUT_SECONDS", "30").env("STOP_SECONDS", stop_seconds);
    (numbers, Program::start(&mut command))
}

async fn told_to_stop_a_program_begins_no_further_exchange(world: World) {
    // Signing in is an exchange, the call would be another.
    world.jit.set_latency(Duration::from_secs(2));
    let (numbers, program) = serving_a_run(&world, 3, "20").await;
    let claimed = || world.stored(&numbers[0]).lease_token.is_some();
    world.until(claimed).await;
    let told = Instant::now();
    program.stop();
    assert!(told.elapsed() < Duration::from_secs(10), "{:?}", told.elapsed());
    assert_eq!(world.jit.calls_received(), 0);
    for number in &numbers {
        assert!(log(&world, number).is_empty(), "a call that was not made is not a call");
        assert_eq!(world.stored(number).lease_token, None);
    }
}

async fn told_to_stop_a_program_cuts_off_what_hangs(world: World) {
    world.jit.otherwise(Scenario::TimeOut);
    let (numbers, program) = serving_a_run(&world, 3, "2").await;
    world.until(|| world.jit.in_flight() == 3).await;
    let told = Instant::now();
    program.stop();
    assert!(told.elapsed() < Duration::from_secs(4), "{:?}", told.elapsed());
    let now = world.app.clock.now().naive_utc() + TimeDelta::minutes(1);
    for number in &numbers {
        assert_eq!(log(&world, number), [("hand", "unknown")]);
        let pi = world.stored(number);
        assert_eq!((pi.lease_token, pi.ftps_called_at), (None, None));
        assert!(pi.next_attempt_at.is_some_and(|at| at < now), "due at once");
    }
}

async fn the_command_waits_for_jit_only_for_so_long(kind: Kind) {
    let world = World::start(kind).await;
    world.import_many(12);
    let door = Door::to(&world.jit.base_url());
    let mut command = world.program(&["sync"]);
    let mut url: reqwest::Url = world.jit.base_url().parse().unwrap();
    url.set_port(Some(door.port())).unwrap();
    let output =
        command.env("JIT_BASE_URL", url.as_str()).env("SYNC_PATIENCE_SECONDS", "1").output().unwrap();
    let last = stdout(&output).lines().last().unwrap().to_owned();
    let told = |failed: usize| {
        format!(
            "synced {failed}: 0 successful, 0 errors, 0 glitches, {failed} no response, {} not asked",
            12 - failed
        )
    };
    assert!(FAILED.into_iter().any(|failed| last == told(failed)), "{last}");
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
}
