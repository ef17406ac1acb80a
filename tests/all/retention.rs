//! What is due is erased, and what is not due stays: RETENTION_PAYLOAD_DAYS, RETENTION_AUDIT_DAYS, `prune`.

use std::process::Output;
use std::sync::Arc;

use chrono::TimeDelta;
use mukta_ftps::app::App;
use mukta_ftps::domain::retention::Limits;
use mukta_ftps::import::export;
use mukta_ftps::retention::{Done, Retention, SessionTimes};
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::audit::{self, Action, Event};
use mukta_ftps::store::pruning::Erased;
use mukta_ftps::store::scope::Scope;

use crate::support::{
    Browser, Kind, PEOPLE, Program, World, at, on_both, program, stderr, stdout, with_database,
};

on_both!(
    what_is_due_is_emptied_and_what_is_in_process_waits_for_its_end,
    nothing_is_emptied_past_an_open_row_of_prunes,
    verify_finds_an_emptying_that_was_not_due,
    events_go_from_the_oldest_end_and_the_chain_goes_on_from_there,
    one_process_erases_each_night_and_no_leap_of_a_clock_does,
    two_programs_erase_each_thing_once,
    what_ended_and_counts_no_more_is_forgotten,
    the_command_erases_says_so_and_leaves_nothing_in_the_file,
    serve_looks_after_the_erasing,
);

const NINETY: Limits = Limits { payload_days: Some(90), audit_days: None };
const A_YEAR: Limits = Limits { payload_days: None, audit_days: Some(365) };

fn retention(app: &App, limits: Limits) -> Retention {
    let endless = TimeDelta::days(36_500);
    let sessions = SessionTimes { idle: endless, longest: endless };
    let (store, sealer, clock) = (app.store.clone(), Arc::clone(&app.sealer), app.clock.clone());
    Retention { store, sealer, limits, sessions, clock }
}

async fn erased(world: &World, limits: Limits) -> Erased {
    retention(&world.app, limits).erase("system").await.unwrap().erased
}

fn verify(world: &World) -> Output {
    with_database(&["verify"], &world.database).output().unwrap()
}

fn holds(world: &World) {
    let verified = verify(world);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

fn trail(world: &World) -> Vec<Event> {
    world.read(|db| audit::newest(db, &Scope::of("od"), None, 1000))
}

fn exported(world: &World) -> String {
    let mut out = Vec::new();
    export(&world.app.store, &world.app.sealer, None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// One that was paid, with messages that the gateway answered, and one that JIT answered with an error.
async fn paid_and_waiting(world: &World) -> [String; 2] {
    let numbers = world.import_many(2);
    world.jit.script(&numbers[1], vec![Scenario::ErrorList, Scenario::Paid]);
    for number in &numbers {
        world.press_refresh(number).await;
    }
    world.deliver().await;
    [numbers[0].clone(), numbers[1].clone()]
}

async fn calls_page(world: &World, number: &str) -> String {
    world.get(&format!("/payment-instructions/{number}/calls")).await.text
}

async fn what_is_due_is_emptied_and_what_is_in_process_waits_for_its_end(world: World) {
    let [paid, waiting] = paid_and_waiting(&world).await;
    let before = exported(&world);
    world.later(TimeDelta::days(90));
    assert_eq!(erased(&world, NINETY).await, Erased::default(), "ninety days old is not older than that");
    assert_eq!(erased(&world, A_YEAR).await, Erased::default());
    world.later(TimeDelta::milliseconds(1));
    let sealed = sealed_of(&world, &paid);
    let people = PEOPLE.len() as u64;
    let due = Erased { calls: 1, messages: people, events: 0, kept: 1 };
    assert_eq!(erased(&world, NINETY).await, due);
    assert_eq!(erased(&world, NINETY).await, Erased { kept: 1, ..Erased::default() }, "it is done");
    world.app.store.shorten_log().await.unwrap();
    is_nowhere(&world, &sealed);
    holds(&world);
    assert_eq!(exported(&world), before, "an export tells none of it");

    let page = calls_page(&world, &paid).await;
    let told = "The payloads were erased on 29/06/2024, since they were older than 90 days.";
    assert!(page.contains(told), "{page}");
    assert!(!page.contains("<pre") && !page.contains("Open in full"), "{page}");
    let page = calls_page(&world, &waiting).await;
    assert!(!page.contains("erased") && page.contains("<pre") && page.contains("Open in full"), "{page}");
    let page = world.get("/messages").await.text;
    assert!(page.contains("the gateway&#39;s answer was erased on 29/06/2024"), "{page}");
    assert!(!page.contains("The gateway&#39;s answer in full"), "{page}");
    let event = trail(&world).into_iter().find(|event| event.action == Action::Pruned).unwrap();
    assert_eq!(
        (event.actor.as_str(), event.subject.as_deref()),
        ("system", Some("payloads of 1 calls and 3 messages from before 31/03/2024 15:30 IST"))
    );

    world.press_refresh(&waiting).await;
    assert_eq!(erased(&world, NINETY).await, Erased { calls: 1, ..Erased::default() }, "of that call alone");
    assert_eq!(world.calls_about(&waiting)[0].erased, None);
    assert!(
        world.calls_about(&waiting)[0].response.is_some() && world.calls_about(&waiting)[1].erased.is_some()
    );
    holds(&world);
}

async fn nothing_is_emptied_past_an_open_row_of_prunes(world: World) {
    paid_and_waiting(&world).await;
    world.later(TimeDelta::days(400));
    paid_and_waiting_again(&world).await;
    erased(&world, NINETY).await;
    let emptying = |table: &str, columns: &str| {
        format!(
            "BEGIN; INSERT INTO prunes (at, payloads_before, is_open) VALUES ('2024-03-31 00:00:00', '2024-03-31 10:00:00', TRUE); \
             UPDATE {table} SET {columns}, pruned_by = (SELECT id FROM prunes WHERE is_open); \
             COMMIT"
        )
    };
    for statement in [
        "UPDATE outbox_events SET gateway_answer = NULL",
        "UPDATE outbox_events SET gateway_answer = NULL, pruned_by = 1",
        "UPDATE outbox_events SET pruned_by = 7",
        "UPDATE outbox_events SET gateway_answer = 'forged', pruned_by = 1",
        "INSERT INTO outbox_events (message_id, happened_at, what, attempt, applied, pruned_by)
            SELECT message_id, happened_at, what, attempt, applied, 1 FROM outbox_events",
        "UPDATE ftps_calls SET request_sealed = NULL, response_sealed = NULL, pruned_by = 1",
        "UPDATE ftps_calls SET pruned_by = NULL",
        "DELETE FROM audit_events",
        "UPDATE prunes SET payloads_before = '2030-01-01'",
        "UPDATE prunes SET is_open = TRUE",
        "DELETE FROM prunes",
        // Not due yet: as old as the limit, or younger.
        &emptying("outbox_events", "gateway_answer = NULL"),
        &emptying("ftps_calls", "request_sealed = NULL, response_sealed = NULL"),
    ] {
        let refused = world.database.try_to_execute(statement).expect_err(statement).to_string();
        assert!(
            refused.contains("append-only") || refused.contains("not forgotten"),
            "{statement}: {refused}"
        );
    }
    holds(&world);
}

/// Another call, with an answer that is not due.
async fn paid_and_waiting_again(world: &World) {
    let number = "PI-1013/2023-24/000002";
    world.press_refresh(number).await;
    world.deliver().await;
}

async fn verify_finds_an_emptying_that_was_not_due(kind: Kind) {
    // What the database alone can be made to take.
    let forged = "BEGIN; \
        INSERT INTO prunes (at, payloads_before, is_open) VALUES ('2024-03-31 00:00:00', '2030-01-01 00:00:00', TRUE); \
        UPDATE ftps_calls SET request_sealed = NULL, response_sealed = NULL, \
            pruned_by = (SELECT id FROM prunes WHERE is_open) WHERE pruned_by IS NULL; \
        UPDATE prunes SET is_open = FALSE WHERE is_open; COMMIT";
    let left_open = "INSERT INTO prunes (at, payloads_before, is_open) VALUES ('2024-03-31 00:00:00', '2030-01-01 00:00:00', TRUE)";
    for (statement, told) in [(forged, "was not written by this program"), (left_open, "was left open")] {
        let world = World::start(kind).await;
        paid_and_waiting(&world).await;
        world.later(TimeDelta::days(91));
        erased(&world, NINETY).await;
        holds(&world);
        world.database.execute(statement);
        let verified = verify(&world);
        assert_eq!(verified.status.code(), Some(1), "{statement}");
        assert!(stderr(&verified).contains(told), "{statement}: {}", stderr(&verified));
    }
}

async fn events_go_from_the_oldest_end_and_the_chain_goes_on_from_there(world: World) {
    let mut unlinked = with_database(&["user", "disable", "nobody"], &world.database);
    assert_eq!(unlinked.output().unwrap().status.code(), Some(1), "there is no such user, and no event");
    paid_and_waiting(&world).await;
    let old = trail(&world).len() as u64;
    assert!(old >= 3, "{old}");
    world.later(TimeDelta::days(365));
    assert_eq!(erased(&world, A_YEAR).await, Erased::default(), "a year old is not older than that");
    world.browser_of("bina", mukta_ftps::access::Role::Viewer, "od").await;
    world.later(TimeDelta::milliseconds(1));
    assert_eq!(erased(&world, A_YEAR).await, Erased { events: old, ..Erased::default() });
    let left = trail(&world);
    assert_eq!(left.iter().map(|event| event.action).collect::<Vec<_>>(), [Action::Pruned, Action::SignIn]);
    assert_eq!(left[0].subject.as_deref(), Some(&*format!("{old} events from before 31/03/2024 15:30 IST")));
    holds(&world);
    world.later(TimeDelta::days(366));
    assert_eq!(erased(&world, A_YEAR).await.events, 2, "what an erasing left goes in its time too");
    holds(&world);
    let page = world.get("/audit").await;
    assert_eq!(page.status, 200);
}

async fn one_process_erases_each_night_and_no_leap_of_a_clock_does(world: World) {
    let other = world.another_app().await;
    let both = [retention(&world.app, NINETY), retention(&other, NINETY)];
    let looked = async || {
        let (one, two) = tokio::join!(both[0].look_after(), both[1].look_after());
        [one.unwrap(), two.unwrap()].into_iter().flatten().collect::<Vec<Done>>()
    };
    paid_and_waiting(&world).await;
    assert_eq!(looked().await, [], "who looks for the first time waits for the night");
    world.set_clock(at("2024-03-31T21:29:59Z"));
    assert_eq!(looked().await, []);
    world.set_clock(at("2024-03-31T21:30:00Z"));
    assert_eq!(looked().await.len(), 1, "3 AM in Odisha");
    assert_eq!(looked().await, []);
    world.set_clock(at("2024-04-01T22:00:00Z"));
    assert_eq!(looked().await.len(), 1, "the next night");
    // A clock that is wrong by years.
    world.set_clock(at("2030-04-02T22:00:00Z"));
    assert_eq!(looked().await, []);
    world.set_clock(at("2024-04-02T22:00:00Z"));
    assert_eq!(looked().await, [], "what was looked at in the future is no evidence");
    world.set_clock(at("2024-04-03T22:00:00Z"));
    let done = looked().await;
    assert_eq!((done.len(), done[0].erased.calls), (1, 0), "nothing was due by the right clock");
}

async fn two_programs_erase_each_thing_once(world: World) {
    paid_and_waiting(&world).await;
    world.later(TimeDelta::days(400));
    let limits = Limits { audit_days: Some(365), ..NINETY };
    let other = world.another_app().await;
    let (one, two) = (retention(&world.app, limits), retention(&other, limits));
    let (one, two) = tokio::join!(one.erase("one"), two.erase("two"));
    let (one, two) = (one.unwrap().erased, two.unwrap().erased);
    let both = one.and(two);
    assert_eq!((both.calls, both.messages), (1, PEOPLE.len() as u64), "{one:?} {two:?}");
    assert!(both.events > 0 && (one.events == 0 || two.events == 0), "{one:?} {two:?}");
    holds(&world);
}

async fn what_ended_and_counts_no_more_is_forgotten(world: World) {
    let stranger = Browser::new(world.address);
    for _ in 0..3 {
        stranger.try_to_sign_in("asha", "wrong").await;
    }
    let sessions = SessionTimes { idle: TimeDelta::minutes(30), longest: TimeDelta::hours(12) };
    let retention = Retention { sessions, ..retention(&world.app, Limits::default()) };
    let forget = async || retention.erase("system").await.unwrap();
    let done = forget().await;
    assert_eq!((done.sessions, done.attempts), (0, 0), "they are in use, and count");
    world.later(TimeDelta::minutes(16));
    let done = forget().await;
    assert_eq!((done.sessions, done.attempts), (0, 3));
    let last = trail(&world).swap_remove(0);
    assert_eq!((last.action, last.subject.as_deref()), (Action::SignInFailed, Some("× 3")));
    world.later(TimeDelta::minutes(15));
    assert_eq!(forget().await.sessions, 1);
    assert_eq!(forget().await.sessions, 0);
    holds(&world);
}

async fn the_command_erases_says_so_and_leaves_nothing_in_the_file(world: World) {
    let prune = |days: &[(&str, &str)]| {
        with_database(&["prune"], &world.database).envs(days.iter().copied()).output().unwrap()
    };
    for (name, days) in [
        ("RETENTION_AUDIT_DAYS", "364"),
        ("RETENTION_AUDIT_DAYS", "a year"),
        ("RETENTION_PAYLOAD_DAYS", "0"),
        ("RETENTION_PAYLOAD_DAYS", "-1"),
        ("RETENTION_PAYLOAD_DAYS", "36501"),
    ] {
        let output = prune(&[(name, days)]);
        assert_eq!(output.status.code(), Some(2), "{name}={days}");
        assert!(
            stderr(&output).contains(name) && stderr(&output).lines().count() == 1,
            "{}",
            stderr(&output)
        );
    }
    let [paid, _] = paid_and_waiting(&world).await;
    let sealed = sealed_of(&world, &paid);
    let output = prune(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("kept for ever"), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("erased the payloads of 0 calls and 0 messages, 0 audit events; forgot ")
    );

    // The calls are of 2024.
    let output = prune(&[("RETENTION_PAYLOAD_DAYS", "90"), ("RETENTION_AUDIT_DAYS", "")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with(
            "erased the payloads of 1 calls and 3 messages, 0 audit events; 1 calls keep theirs, since their payment \
             instruction is In Process; forgot "
        ),
        "{}",
        stdout(&output)
    );
    assert_eq!(stderr(&output), "");
    assert!(trail(&world)[0].actor.starts_with("operator (command"));
    holds(&world);
    is_nowhere(&world, &sealed);

    let help = program(&["prune", "--help"]).output().unwrap();
    assert!(stdout(&help).contains("emptied for good"), "{}", stdout(&help));
    let empty = format!("sqlite://{}", world.database.directory.path().join("none.db").display());
    let output = with_database(&["prune"], &world.database).env("DATABASE_URL", &empty).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!world.database.directory.path().join("none.db").exists(), "nothing is made in order to erase");
}

/// No file of a SQLite database holds it.
fn is_nowhere(world: &World, sealed: &[u8]) {
    if let Kind::Sqlite = world.database.kind {
        for name in [world.database.file().to_owned(), format!("{}-wal", world.database.file())] {
            let Ok(bytes) = std::fs::read(&name) else { continue };
            assert!(!bytes.windows(sealed.len()).any(|part| part == sealed), "{name} still holds it");
        }
    }
}

/// What is stored of the response of the only call about an instruction.
fn sealed_of(world: &World, number: &str) -> Vec<u8> {
    use diesel::prelude::*;
    use mukta_ftps::store::schema::ftps_calls;
    let id = world.stored(number).id;
    world.read(|db| {
        let query = ftps_calls::table.filter(ftps_calls::instruction_id.eq(id));
        Ok(query.select(ftps_calls::response_sealed.assume_not_null()).get_result(db)?)
    })
}

async fn serve_looks_after_the_erasing(world: World) {
    paid_and_waiting(&world).await;
    // It looked yesterday, and the calls are of 2024.
    let yesterday = (chrono::Utc::now() - TimeDelta::hours(25)).naive_utc();
    world.database.execute(&format!(
        "INSERT INTO program_state (name, noted_at) VALUES ('erasing looked after', '{}')",
        yesterday.format("%Y-%m-%d %H:%M:%S")
    ));
    let log = world.database.directory.path().join("serve.log");
    let mut serve = world.program(&["serve"]);
    serve.env("RUST_LOG", "info").env("RETENTION_PAYLOAD_DAYS", "30");
    let program = Program::start(serve.stderr(std::fs::File::create(&log).unwrap()));
    let says = |words: &str| std::fs::read_to_string(&log).unwrap().contains(words);
    world.until(|| says("erased the payloads of 1 calls and 3 messages")).await;
    assert!(says("older than 30 days"), "{}", std::fs::read_to_string(&log).unwrap());
    program.stop();
    holds(&world);
}
