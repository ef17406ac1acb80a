//! What a fresh demo has behind it: half a year of nights that the real engine works through with its clock set
//! back, over payment instructions of their own, and a run that is under way when the pages open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, Months, TimeDelta, Utc};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::RunTrigger;
use mukta_ftps::import::{OnFaulty, import};
use mukta_ftps::simulator::jit::{JitSimulator, Scenario};
use serde_json::Value;

use super::samples;
use crate::commands::CommandError;
use crate::commands::simulate::introduce;

/// Nights one after another before the first start.
const NIGHTS: usize = 12;
/// Before those, so many months with so many nights each.
const MONTHS: u32 = 5;
const NIGHTS_OF_A_MONTH: i64 = 3;
/// Who came into a night of a month long gone.
const PUSHED_LONG_AGO: usize = 5;
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

/// The demo's time: the machine's, but while its past is made.
#[derive(Clone, Default)]
pub(super) struct Time(Arc<Mutex<Option<Set>>>);

/// To what a clock was set, and when.
type Set = (DateTime<Utc>, Instant);

impl Time {
    pub(super) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::of(move || match *time.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some((set_to, at)) => set_to + at.elapsed() * HASTE,
            None => Utc::now(),
        })
    }

    fn set(&self, to: Option<DateTime<Utc>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = to.map(|to| (to, Instant::now()));
    }
}

/// Works through the nights up to now, one after another, then begins a run.
pub(super) async fn make(app: &App, simulator: &JitSimulator, time: &Time) -> Result<(), CommandError> {
    let (clock, recent) = (time.clock(), last_nights(app));
    let past = App {
        sync: app.sync.in_the_past(clock.clone()),
        notifications: app.notifications.in_the_past(clock.clone()),
        clock,
        ..app.clone()
    };
    let Some(first) = recent.first() else { return Ok(()) };
    let nights: Vec<DateTime<Utc>> = nights_before(app, *first).into_iter().chain(recent).collect();
    let long_ago = nights.len() - NIGHTS.min(nights.len());
    let set = |to: DateTime<Utc>| time.set(Some(to));
    simulator.set_latency(Duration::ZERO);
    let Some(first) = nights.first() else { return Ok(()) };
    set(*first - TimeDelta::days(20));
    push(&past, simulator, samples::past_originals(past.clock.now()), |_| vec![])?;
    past.sync.look_after().await?;
    let mut serial = 400;
    let mut comes_back = None;
    for (place, night) in nights.iter().enumerate() {
        set(*night - TimeDelta::hours(8));
        let count = if place < long_ago { PUSHED_LONG_AGO } else { 5 + place * 5 % 8 };
        let pushed: Vec<Value> = (0..count).map(|n| samples::past(serial + n, past.clock.now())).collect();
        if place >= long_ago {
            comes_back = comes_back.or_else(|| pushed.first().cloned());
        }
        push(&past, simulator, pushed, fate)?;
        serial += count;
        set(*night);
        past.sync.look_after().await?;
        past.notifications.run_once().await?;
    }
    let back = comes_back.map(|paid| samples::sent_back(paid, past.clock.now()));
    push(&past, simulator, back.into_iter().collect(), |_| vec![])?;
    time.set(None);
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

/// Some nights of each month before those, oldest first.
fn nights_before(app: &App, first: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let months = (1..=MONTHS).rev().filter_map(|back| first.checked_sub_months(Months::new(back)));
    let days = |month: DateTime<Utc>| {
        (0..NIGHTS_OF_A_MONTH).map(move |place| month + TimeDelta::days(place * 30 / NIGHTS_OF_A_MONTH))
    };
    months.flat_map(days).filter_map(|day| app.sync.nights().latest_until(day)).collect()
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
