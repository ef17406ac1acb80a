//! The real program, killed at random points of a run, started again, and nothing lost.

use std::cell::Cell;
use std::process::Stdio;
use std::time::Duration;

use mukta_ftps::domain::{CallOutcome, PiStatus, RunState};
use mukta_ftps::sealing::random_number;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::schema::ftps_calls;
use mukta_ftps::store::sync_runs;

use crate::support::{Program, World, on_both};

on_both!(killed_twenty_times_nothing_is_lost);

const INSTRUCTIONS: usize = 300;
const KILLS: usize = 20;
/// Calls in flight at once, as the program is told.
const CONCURRENCY: usize = 8;

fn serve(world: &World) -> Program {
    Program::start(world.program(&["serve"]).stdout(Stdio::null()))
}

/// How many answers the log has.
fn logged(world: &World) -> usize {
    use diesel::prelude::*;
    let answered = ftps_calls::table.filter(ftps_calls::outcome.ne("unknown"));
    let count: i64 = world.read(|db| Ok(answered.count().get_result(db)?));
    usize::try_from(count).unwrap()
}

async fn killed_twenty_times_nothing_is_lost(world: World) {
    let numbers = world.import_many(INSTRUCTIONS);
    world.jit.set_latency(Duration::from_millis(150));
    // Some are answered with an error: that is an answer too.
    numbers.iter().step_by(7).for_each(|number| world.jit.script(number, vec![Scenario::ErrorList]));
    // It begins now by the machine's clock, which the real program goes by.
    world.set_clock(chrono::Utc::now());
    let run = world.begun_by_hand().await;

    let mut lost = 0;
    for kill in 0..KILLS {
        let program = serve(&world);
        let calls = world.jit.calls_received() + 1 + (random_number().unwrap() % 5) as usize;
        let in_flight = Cell::new(0);
        world
            .until(|| {
                in_flight.set(world.jit.in_flight());
                world.jit.calls_received() >= calls && in_flight.get() > 0
            })
            .await;
        program.kill();
        assert!(in_flight.get() > 0, "kill {kill} is with calls in flight");
        // What JIT was asked and the log does not tell: at the most what was in flight at each kill so
        // far. A request of a program that is dead may reach JIT only after the next one was started.
        world.until(|| world.jit.in_flight() == 0).await;
        lost = world.jit.calls_received() - logged(&world);
        assert!(lost <= CONCURRENCY * (kill + 1), "{lost} calls lost by kill {kill}");
    }
    assert!(lost > 0, "the kills met calls that were not recorded yet");

    let program = serve(&world);
    // The claims of the dead end by themselves, 33 seconds after each was made; here at once.
    world.database.execute(
        "UPDATE payment_instructions SET lease_until = '2024-01-01 00:00:00' WHERE lease_until IS NOT NULL",
    );
    let state = || world.read(|db| sync_runs::get(db, run.id)).unwrap().state;
    world.until(|| state() == RunState::Finished).await;
    program.kill();

    let mut traces = 0;
    for (place, number) in numbers.iter().enumerate() {
        let (pi, calls) = (world.stored(number), world.calls_about(number));
        let (cut_off, calls): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|call| call.outcome == CallOutcome::Unknown);
        traces += cut_off.len();
        assert_eq!(calls.len(), 1, "{number} is answered, and its answer recorded once");
        let (status, outcome) =
            if place % 7 == 0 { (PiStatus::InProcess, "error") } else { (PiStatus::Completed, "success") };
        assert_eq!((pi.status, calls[0].outcome.as_str(), calls[0].applied), (status, outcome, true));
        assert_eq!(world.jit.max_in_flight_of(number), 1, "never two calls about {number} at once");
    }
    // A claim may have been made of which the request had not gone out yet.
    assert!(traces >= lost, "{traces} traces of the {lost} calls that were cut off");
}
