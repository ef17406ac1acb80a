//! A night of 2,000 whose JIT is shut at 10 PM, for a second, a minute and twenty minutes: how many were asked
//! about, when it was over, and what was recorded of calls that were not made. Time passes faster.

use std::time::Duration;

use chrono::TimeDelta;
use mukta_ftps::domain::RunState;
use mukta_ftps::store::schema::ftps_calls;
use mukta_ftps::store::sync_runs::{self, Counts};
use mukta_ftps::sync::scheduler::Scheduler;

use crate::support::{Door, World, at, on_both};

on_both!(
    a_night_without_jit_for_a_second,
    a_night_without_jit_for_a_minute,
    a_night_without_jit_for_20_minutes
);

const INSTRUCTIONS: usize = 2000;
const TEN_PM: &str = "2024-03-31T16:30:00Z";
const TICK: Duration = Duration::from_millis(10);

async fn a_night_without_jit_for_a_second(world: World) {
    a_night_without_jit(world, TimeDelta::seconds(1), 20).await;
}

async fn a_night_without_jit_for_a_minute(world: World) {
    a_night_without_jit(world, TimeDelta::seconds(60), 20).await;
}

async fn a_night_without_jit_for_20_minutes(world: World) {
    a_night_without_jit(world, TimeDelta::minutes(20), 100).await;
}

/// Lets time pass, `haste` times faster than it does, until it has come to that.
async fn until(world: &World, haste: i32, met: impl Fn() -> bool) {
    for _ in 0..15_000 {
        if met() {
            return;
        }
        tokio::time::sleep(TICK).await;
        world.later(TimeDelta::from_std(TICK).unwrap() * haste);
    }
    panic!("it did not come to that");
}

async fn a_night_without_jit(world: World, shut_for: TimeDelta, haste: i32) {
    world.import_many(INSTRUCTIONS);
    let mut door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    app.sync.look_after().await.unwrap();
    world.set_clock(at(TEN_PM));
    let _scheduler = Scheduler::start(app.sync.clone()).unwrap();
    let now = || world.app.clock.now();
    // A second is too short to be hurried through.
    let until_opened = haste.min(i32::try_from(shut_for.num_seconds()).unwrap());
    until(&world, until_opened, || now() >= at(TEN_PM) + shut_for).await;
    door.open();
    let night = || world.read(|db| sync_runs::newest(db, None, 1)).pop();
    // Claims end by the clock that is hurried, and what they are for takes its own time.
    until(&world, haste.min(20), || night().is_some_and(|night| night.state != RunState::Running)).await;

    let night = night().unwrap();
    let counts = world.read(|db| sync_runs::total(db, night.id));
    let rows: i64 = world.read(|db| {
        use diesel::prelude::*;
        Ok(ftps_calls::table.filter(ftps_calls::run_id.eq(night.id)).count().get_result(db)?)
    });
    let Counts { successful, no_response, .. } = counts;
    let took = (night.finished_at.unwrap() - at(TEN_PM).naive_utc()).num_seconds();
    eprintln!(
        "{:?}, JIT shut for {} s: asked about {} of {}, {successful} paid, {no_response} without response, \
         over after {took} s; rows {rows}, of calls not made {}",
        world.database.kind,
        shut_for.num_seconds(),
        counts.asked(),
        counts.expected,
        rows - successful - no_response
    );
    assert_eq!(night.state, RunState::Finished);
    assert_eq!((counts.asked(), counts.left()), (2000, 0));
    assert!(no_response <= 7, "so many connections fail before the others wait");
    assert_eq!(rows, 2000, "one for each that was asked about");
    assert_eq!(world.jit.calls_received() as i64, successful);
    // Those are asked about again by themselves.
    until(&world, haste, || world.jit.calls_received() == INSTRUCTIONS).await;
}
