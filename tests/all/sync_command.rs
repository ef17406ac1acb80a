//! `mukta-ftps sync`, run as an operator runs it.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use mukta_ftps::domain::RunState;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::sync_runs;

use crate::support::{World, on_both};

on_both!(
    when_every_answer_is_an_answer_it_ends_with_0,
    what_got_no_usable_answer_makes_it_3,
    two_at_once_share_one_run,
    interrupted_it_records_the_calls_in_flight_and_says_what_was_left,
);

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn last_line(output: &Output) -> String {
    text(&output.stdout).lines().last().unwrap_or_default().to_owned()
}

async fn when_every_answer_is_an_answer_it_ends_with_0(world: World) {
    let numbers = world.import_many(12);
    world.jit.script(&numbers[3], vec![Scenario::ErrorList]);
    let output = world.program(&["sync"]).output().unwrap();
    assert_eq!(last_line(&output), "synced 12: 11 successful, 1 errors, 0 glitches, 0 no response");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("of 12 asked"), "plain lines: {}", text(&output.stderr));
    let log = world.get(&format!("/payment-instructions/{}/calls", numbers[0])).await;
    assert_eq!(log.attr("[data-call-outcome]", "data-trigger"), "command");
    let again = world.program(&["sync"]).output().unwrap();
    assert_eq!(last_line(&again), "synced 1: 0 successful, 1 errors, 0 glitches, 0 no response");
}

async fn what_got_no_usable_answer_makes_it_3(world: World) {
    let numbers = world.import_many(4);
    world.jit.script(&numbers[0], vec![Scenario::Reset]);
    world.jit.script(&numbers[1], vec![Scenario::Garbage]);
    let output = world.program(&["sync"]).output().unwrap();
    assert_eq!(last_line(&output), "synced 4: 2 successful, 0 errors, 1 glitches, 1 no response");
    assert_eq!(output.status.code(), Some(3));
}

async fn two_at_once_share_one_run(world: World) {
    let numbers = world.import_many(60);
    world.jit.set_latency(Duration::from_millis(100));
    let start = || world.program(&["sync"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (one, two) = (start(), start());
    for output in [one.wait_with_output().unwrap(), two.wait_with_output().unwrap()] {
        assert_eq!(last_line(&output), "synced 60: 60 successful, 0 errors, 0 glitches, 0 no response");
        assert_eq!(output.status.code(), Some(0));
    }
    assert_eq!(world.jit.calls_received(), numbers.len());
}

async fn interrupted_it_records_the_calls_in_flight_and_says_what_was_left(world: World) {
    world.import_many(80);
    world.jit.set_latency(Duration::from_millis(200));
    let child = world.program(&["sync"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.until(|| world.jit.calls_received() >= 10 && world.jit.in_flight() > 0).await;
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let asked = world.jit.calls_received();
    assert!(asked < 80);
    assert_eq!(
        last_line(&output),
        format!(
            "synced {asked}: {asked} successful, 0 errors, 0 glitches, 0 no response, {} not asked",
            80 - asked
        )
    );
    let left = format!("{} of 80 payment instructions have no answer", 80 - asked);
    assert!(text(&output.stderr).contains(&left), "{}", text(&output.stderr));
    let run = world.read(sync_runs::latest_ended).unwrap();
    assert_eq!(run.state, RunState::Interrupted);
}
