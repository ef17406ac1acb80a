//! Programs that die, or work side by side, on one outbox: no beneficiary gets a second message, and
//! none is forgotten. The program is the real one, killed as a machine would.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::domain::{MessageEventKind, MessageState};
use mukta_ftps::sealing::random_number;

use crate::sms_outbox::events;
use crate::support::{
    Kind, ORIGINAL, PEOPLE, Program, REVISED, World, on_both, original, pair, payment_ids, revised,
};

on_both!(
    two_programs_on_one_outbox_send_nothing_twice,
    told_to_stop_a_program_records_the_messages_that_hang_as_unknown,
);

const MESSAGES: usize = 500;
const PER_INSTRUCTION: usize = 50;
const CONCURRENCY: usize = 4;
const KILLS: usize = 50;
/// Long enough for a machine that is busy with other tests.
const TIMEOUT_SECONDS: u64 = 5;

/// `serve` as a process.
fn serve(world: &World) -> Program {
    Program::start(&mut to_serve(world))
}

fn to_serve(world: &World) -> Command {
    let mut command = world.program(&["serve"]);
    command
        .env("RUST_LOG", "error")
        .env("SMS_GATEWAY_URL", world.gateway.gateway_url())
        .env("SMS_TEMPLATE_ID", "1007")
        .env("SMS_TIMEOUT_SECONDS", TIMEOUT_SECONDS.to_string())
        .env("SMS_CONCURRENCY", CONCURRENCY.to_string())
        .env("SMS_PER_SECOND", "10000")
        .stdout(Stdio::null());
    command
}

/// Paid instructions with a message for each of `count` people, every one with a number of their own.
async fn with_messages(world: &World, count: usize) -> Vec<String> {
    let mut numbers = Vec::new();
    for place in 0..count / PER_INSTRUCTION {
        let number = format!("PI-1013/2023-24/{:06}", 500 + place);
        let people = payment_ids(PER_INSTRUCTION);
        let paid = revised(&number, ORIGINAL, &people).each_person(|one, person| {
            person["benfMobileNo"] = format!("94{place:04}{one:04}").into();
        });
        world.import(&[original(ORIGINAL, &people[..1]), paid]);
        world.press_refresh(&number).await;
        numbers.push(number);
    }
    numbers
}

fn counts(world: &World) -> HashMap<MessageState, usize> {
    let mut counts = HashMap::new();
    for message in world.messages() {
        *counts.entry(message.state).or_default() += 1;
    }
    counts
}

fn of(counts: &HashMap<MessageState, usize>, state: MessageState) -> usize {
    counts.get(&state).copied().unwrap_or_default()
}

/// Messages whose sender died: unknown, or still claimed by it.
fn orphaned(world: &World) -> usize {
    let counts = counts(world);
    of(&counts, MessageState::Sending) + of(&counts, MessageState::Unknown)
}

/// How often the gateway saw each number.
fn seen(world: &World) -> HashMap<String, usize> {
    let mut seen = HashMap::new();
    for sms in world.gateway.received() {
        *seen.entry(sms.phone).or_default() += 1;
    }
    seen
}

async fn until(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < patience, "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_fifty_times_sends_nothing_twice_and_forgets_nobody() {
    let world = World::start(Kind::Sqlite).await;
    let numbers = with_messages(&world, MESSAGES).await;
    world.gateway.set_latency(Duration::from_millis(25));
    let (mut kills, mut runs) = (0, 0);
    let mut orphans = 0;
    while kills < KILLS {
        assert!(of(&counts(&world), MessageState::Waiting) > 0, "all messages went before {KILLS} kills");
        let before = world.gateway.count();
        let program = serve(&world);
        until("a message is on its way", Duration::from_secs(20), || world.gateway.count() > before).await;
        // A random point within two rounds of messages.
        tokio::time::sleep(Duration::from_millis(random_number().unwrap() % 50)).await;
        program.kill();
        let left = orphaned(&world) - orphans;
        assert!(left <= CONCURRENCY, "a kill leaves at most SMS_CONCURRENCY unknown, not {left}");
        orphans += left;
        runs += 1;
        // Only a kill with messages in flight counts.
        kills += usize::from(left > 0);
    }
    let program = serve(&world);
    until("the rest is sent", Duration::from_secs(60), || of(&counts(&world), MessageState::Waiting) == 0)
        .await;
    let within = Duration::from_secs(3 * TIMEOUT_SECONDS + 30);
    until("what died is unknown", within, || of(&counts(&world), MessageState::Sending) == 0).await;
    program.stop();

    let seen = seen(&world);
    assert!(seen.values().all(|times| *times == 1), "nobody got a second message");
    let counts = counts(&world);
    let (sent, unknown) = (of(&counts, MessageState::Sent), of(&counts, MessageState::Unknown));
    assert_eq!((sent + unknown, unknown), (MESSAGES, orphans));
    assert!(sent <= seen.len(), "what is shown as sent was seen");
    let mut shown = 0;
    for number in &numbers {
        let page = world.view(number).await;
        for row in page.all("tr[data-payment-id]") {
            let status = row.attr("data-sms-status").unwrap();
            assert!(["sent", "waiting", "unknown"].contains(&status), "{status}");
            shown += 1;
        }
    }
    assert_eq!(shown, MESSAGES, "none missing");
    println!("{kills} kills with messages in flight of {runs}: {sent} sent, {unknown} unknown");
}

async fn two_programs_on_one_outbox_send_nothing_twice(world: World) {
    with_messages(&world, 200).await;
    world.gateway.set_latency(Duration::from_millis(60));
    let programs = [serve(&world), serve(&world)];
    until("all is sent", Duration::from_secs(60), || of(&counts(&world), MessageState::Sent) == 200).await;
    programs.into_iter().for_each(Program::stop);
    let seen = seen(&world);
    assert_eq!((seen.len(), world.gateway.count()), (200, 200));
    assert!(world.gateway.max_in_flight() > CONCURRENCY, "both took part");
}

async fn told_to_stop_a_program_records_the_messages_that_hang_as_unknown(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.gateway.set_latency(Duration::from_secs(60));
    let mut command = to_serve(&world);
    command.env("SMS_TIMEOUT_SECONDS", "30").env("STOP_SECONDS", "4").env("RUST_LOG", "warn");
    let program = Program::start(command.stderr(Stdio::piped()));
    until("the messages hang", Duration::from_secs(20), || world.gateway.in_flight() == PEOPLE.len()).await;
    let told = Instant::now();
    let (code, log) = program.stop_in_vain();
    assert_eq!(code, Some(0), "{log}");
    assert!(told.elapsed() < Duration::from_secs(8), "{:?}", told.elapsed());
    assert!(log.contains("the messages under way are cut off"), "{log}");
    for message in world.messages() {
        assert_eq!(message.state, MessageState::Unknown);
        let last = events(&world, message.id).pop();
        assert_eq!(last, Some((MessageEventKind::Unknown, None, true)));
    }
    assert_eq!(world.view(REVISED).await.sms_statuses(), ["unknown"; 3]);
}
