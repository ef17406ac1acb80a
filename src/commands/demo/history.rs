//! What a fresh demo has behind it: nights that the real engine works through with its clock set
//! back, over payment instructions of their own, and a run that is under way when the pages open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::RunTrigger;
use mukta_ftps::import::{OnFaulty, import};
use mukta_ftps::simulator::jit::{JitSimulator, Scenario};
use serde_json::Value;

use super::samples;
use crate::commands::CommandError;
use crate::commands::simulate::introduce;

/// Nights before the first start.
const NIGHTS: usize = 12;
/// In a night of the past, time passes this many times faster.
const HASTE: u32 = 20;
/// How many are asked about when the pages open, and how long ago they were pushed.
const UNDER_WAY: usize = 30;
const UNDER_WAY_DAYS: i64 = 9;

/// What JIT answers, night by night, about those pushed in the past.
fn fate(place: usize) -> Vec<Scenario> {
    let pending = Scenario::Error("Bill is under process at the treasury.".into());
    match place % 7 {
        3 => vec![pending, Scenario::Paid],
        4 => vec![Scenario::Reset, Scenario::Paid],
        5 => vec![pending.clone(), pending, Scenario::MissingBeneficiary, Scenario::Paid],
        _ => vec![Scenario::Paid],
    }
}

/// Works through the nights up to now, one after another, then begins a run.
pub(super) async fn make(app: &App, simulator: &JitSimulator) -> Result<(), CommandError> {
    let time = Arc::new(Mutex::new((app.clock.now(), Instant::now())));
    let nights = last_nights(app);
    let set = |to: DateTime<Utc>| *time.lock().unwrap_or_else(PoisonError::into_inner) = (to, Instant::now());
    let past = {
        let time = Arc::clone(&time);
        let clock = Clock::of(move || {
            let (set_to, at) = *time.lock().unwrap_or_else(PoisonError::into_inner);
            set_to + at.elapsed() * HASTE
        });
        App { sync: app.sync.in_the_past(clock.clone()), clock, ..app.clone() }
    };
    simulator.set_latency(Duration::from_millis(10));
    let Some(first) = nights.first() else { return Ok(()) };
    set(*first - TimeDelta::hours(12));
    push(&past, simulator, vec![samples::past_original(past.clock.now())], |_| vec![])?;
    past.sync.look_after().await?;
    let mut serial = 400;
    let mut comes_back = None;
    for (place, night) in nights.iter().enumerate() {
        set(*night - TimeDelta::hours(8));
        let count = 5 + place * 5 % 8;
        let pushed: Vec<Value> = (0..count).map(|n| samples::past(serial + n, past.clock.now())).collect();
        comes_back = comes_back.or_else(|| pushed.first().cloned());
        push(&past, simulator, pushed, fate)?;
        serial += count;
        set(*night);
        past.sync.look_after().await?;
    }
    let back = comes_back.map(|paid| samples::sent_back(paid, past.clock.now()));
    push(&past, simulator, back.into_iter().collect(), |_| vec![])?;
    let old = app.clock.now() - TimeDelta::days(UNDER_WAY_DAYS);
    let waiting = (0..UNDER_WAY).map(|n| samples::past(serial + n, old)).collect();
    push(app, simulator, waiting, |_| vec![Scenario::Slow])?;
    app.sync.begin(RunTrigger::Hand, Some("demo".to_owned())).await?;
    Ok(())
}

/// The last instants of the schedule, oldest first.
fn last_nights(app: &App) -> Vec<DateTime<Utc>> {
    let mut nights = Vec::with_capacity(NIGHTS);
    let mut before = app.clock.now();
    while let Some(night) = app.sync.nights().latest_until(before).filter(|_| nights.len() < NIGHTS) {
        nights.push(night);
        before = night - TimeDelta::seconds(1);
    }
    nights.reverse();
    nights
}

/// Imports instructions, and tells JIT of them and of their fates.
fn push(
    app: &App,
    simulator: &JitSimulator,
    instructions: Vec<Value>,
    fate: impl Fn(usize) -> Vec<Scenario>,
) -> Result<(), CommandError> {
    for (place, one) in instructions.iter().enumerate() {
        let number = one["jitBillNo"].as_str().unwrap_or_default();
        simulator.script(number, fate(place));
    }
    let document = serde_json::json!({ "paymentInstructions": instructions }).to_string();
    import(&app.store, &app.sealer, document.as_bytes(), OnFaulty::Refuse, &app.clock)?;
    introduce(simulator, &app.store, &app.sealer)?;
    Ok(())
}
