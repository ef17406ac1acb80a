//! Programs that die, or work side by side, on one outbox: no beneficiary gets a second message, and
//! none is forgotten. The program is the real one, killed as a machine would.

use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mukta_ftps::domain::MessageState;
use mukta_ftps::sealing::hex;
use mukta_ftps::store::outbox::listing::{self, Wanted};
use mukta_ftps::store::scope::Scope;

use crate::support::{DATA_KEY, Kind, World, original, revised};

const ORIGINAL: &str = "PI-1013/2023-24/000112";
const MESSAGES: usize = 500;
const PER_INSTRUCTION: usize = 50;
const CONCURRENCY: usize = 4;
const KILLS: usize = 50;
/// Long enough for a machine that is busy with other tests.
const TIMEOUT_SECONDS: u64 = 5;

/// `mukta-ftps serve` as a process; killed when dropped.
struct Serve(Child);

impl Serve {
    fn start(world: &World, directory: &std::path::Path) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_mukta-ftps"))
            .arg("serve")
            .env_clear()
            .env("RUST_LOG", "error")
            .env("DATABASE_URL", &world.database.url_text)
            .env("DATA_KEY", hex(&DATA_KEY))
            .env("SESSION_KEY", hex(&[7; 64]))
            .env("JIT_BASE_URL", world.jit.base_url())
            .env("JIT_CLIENT_ID", world.jit.client_id())
            .env("JIT_CLIENT_SECRET", world.jit.client_secret())
            .env("JIT_PUBLIC_KEY_FILE", directory.join("jit.der"))
            .env("HTTP_BIND", "127.0.0.1:0")
            .env("SMS_GATEWAY_URL", world.gateway.gateway_url())
            .env("SMS_TEMPLATE_ID", "1007")
            .env("SMS_TIMEOUT_SECONDS", TIMEOUT_SECONDS.to_string())
            .env("SMS_CONCURRENCY", CONCURRENCY.to_string())
            .env("SMS_PER_SECOND", "10000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// SIGKILL: nothing is finished, nothing is told.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// SIGTERM: what is in flight is finished.
    fn stop(&mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status().unwrap();
        assert!(told.success());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        if self.0.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.kill();
        }
    }
}

/// Paid instructions with a message for each of `count` people, every one with a number of their own.
async fn with_messages(world: &World, count: usize) -> Vec<String> {
    let mut numbers = Vec::new();
    for place in 0..count / PER_INSTRUCTION {
        let number = format!("PI-1013/2023-24/{:06}", 500 + place);
        let people: Vec<String> = (0..PER_INSTRUCTION).map(|one| format!("BN-{place}/{one}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        let mut paid = revised(&number, ORIGINAL, &people);
        for one in 0..PER_INSTRUCTION {
            paid["beneficiaryDetails"][one]["benfMobileNo"] = format!("94{place:04}{one:04}").into();
        }
        world.import(&[original(ORIGINAL, &people[..1]), paid]);
        world.press_refresh(&number).await;
        numbers.push(number);
    }
    numbers
}

fn counts(world: &World) -> HashMap<MessageState, usize> {
    let mut counts = HashMap::new();
    let found = world
        .app
        .store
        .read_blocking(|db| listing::page(db, &Scope::of("od"), &Wanted::default(), None, 10_000))
        .unwrap();
    for message in found {
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

fn key_directory(world: &World) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("jit.der"), world.jit.public_key_der()).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_fifty_times_sends_nothing_twice_and_forgets_nobody() {
    let world = World::start(Kind::Sqlite).await;
    let numbers = with_messages(&world, MESSAGES).await;
    world.gateway.set_latency(Duration::from_millis(25));
    let keys = key_directory(&world);
    let (mut kills, mut runs) = (0, 0);
    let mut orphans = 0;
    while kills < KILLS {
        assert!(of(&counts(&world), MessageState::Waiting) > 0, "all messages went before {KILLS} kills");
        let before = world.gateway.count();
        let mut serve = Serve::start(&world, keys.path());
        until("a message is on its way", Duration::from_secs(20), || world.gateway.count() > before).await;
        // A random point within two rounds of messages.
        let random = u64::from(chance()) * 50 / 255;
        tokio::time::sleep(Duration::from_millis(random)).await;
        serve.kill();
        let left = orphaned(&world) - orphans;
        assert!(left <= CONCURRENCY, "a kill leaves at most SMS_CONCURRENCY unknown, not {left}");
        orphans += left;
        runs += 1;
        // Only a kill with messages in flight counts.
        kills += usize::from(left > 0);
    }
    let mut serve = Serve::start(&world, keys.path());
    until("the rest is sent", Duration::from_secs(60), || of(&counts(&world), MessageState::Waiting) == 0)
        .await;
    let within = Duration::from_secs(3 * TIMEOUT_SECONDS + 30);
    until("what died is unknown", within, || of(&counts(&world), MessageState::Sending) == 0).await;
    serve.stop();

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

/// A byte of chance.
fn chance() -> u8 {
    let random = mukta_ftps::sealing::random_hex(1).unwrap();
    u8::from_str_radix(&random, 16).unwrap()
}

async fn side_by_side(kind: Kind) {
    let world = World::start(kind).await;
    with_messages(&world, 200).await;
    world.gateway.set_latency(Duration::from_millis(60));
    let keys = key_directory(&world);
    let mut programs = [Serve::start(&world, keys.path()), Serve::start(&world, keys.path())];
    until("all is sent", Duration::from_secs(60), || of(&counts(&world), MessageState::Sent) == 200).await;
    programs.iter_mut().for_each(Serve::stop);
    let seen = seen(&world);
    assert_eq!((seen.len(), world.gateway.count()), (200, 200));
    assert!(world.gateway.max_in_flight() > CONCURRENCY, "both took part");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_outbox_send_nothing_twice_sqlite() {
    side_by_side(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_on_one_outbox_send_nothing_twice_postgres() {
    side_by_side(Kind::Postgres).await;
}
