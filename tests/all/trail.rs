//! What is written once stays as it was: the triggers against every way around, and what `verify` tells of a
//! database whose owner went past them.

use std::process::Output;

use mukta_ftps::sealing::hex;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::audit::{self, Action, NewEvent};
use mukta_ftps::store::trail;

use crate::support::{
    DATA_KEY, Kind, PEOPLE, Program, REVISED, World, on_both, stderr, stdout, with_database,
};

on_both!(
    nothing_that_is_written_once_can_be_changed,
    verify_names_what_was_changed,
    a_command_without_the_key_leaves_an_event_that_is_not_linked,
    the_chains_hold_over_a_change_of_the_data_key,
    writers_at_once_make_one_chain,
    the_log_holds_where_the_trail_ends,
);

async fn asked_twice(world: &World) {
    world.import_pair(PEOPLE);
    world.jit.script(REVISED, vec![Scenario::ErrorList, Scenario::Paid]);
    world.press_refresh(REVISED).await;
    world.press_refresh(REVISED).await;
    world.browser.post("/sign-out", &[]).await;
}

fn verify(world: &World) -> Output {
    with_database(&["verify"], &world.database).output().unwrap()
}

async fn nothing_that_is_written_once_can_be_changed(world: World) {
    asked_twice(&world).await;
    let mut statements = vec![
        "DELETE FROM audit_events",
        "UPDATE audit_events SET actor = 'somebody'",
        "UPDATE audit_events SET link = NULL, position = NULL",
        "INSERT INTO audit_events (at, actor, action) VALUES ('2020-01-01 00:00:00', 'asha', 'sign-in')",
        "INSERT INTO audit_events (id, at, actor, action)
            VALUES (1, '2020-01-01 00:00:00', 'operator (command)', 'sign-in')",
        "DELETE FROM ftps_calls",
        "UPDATE ftps_calls SET outcome = 'success'",
        "UPDATE ftps_calls SET response_sealed = NULL",
        "UPDATE ftps_calls SET request_id = 'another'",
        "UPDATE ftps_calls SET request_sealed = NULL, response_sealed = NULL, pruned_by = 1",
        "INSERT INTO ftps_calls (instruction_id, call_ref, trigger_word, started_at, duration_ms, outcome, message, applied)
            SELECT instruction_id, 'forged', trigger_word, started_at, 1, 'success', message, applied FROM ftps_calls",
        "UPDATE trail_head SET position = position - 1",
        "UPDATE trail_head SET calls_before = 1000",
        "DELETE FROM trail_head",
        "DELETE FROM call_heads",
        "UPDATE call_heads SET calls = 1",
    ];
    statements.extend(match world.database.kind {
        Kind::Sqlite => [
            "INSERT OR REPLACE INTO audit_events (id, at, actor, action, position, link)
                SELECT id, at, 'somebody', action, position, link FROM audit_events",
            "INSERT OR REPLACE INTO audit_events (id, at, actor, action, position, link)
                SELECT id + 1000, at, 'somebody', action, position, link FROM audit_events",
            "INSERT OR REPLACE INTO ftps_calls (id, instruction_id, call_ref, trigger_word, started_at, duration_ms,
                    outcome, message, applied, link)
                SELECT id, instruction_id, call_ref || '-', trigger_word, started_at, 1, 'success', message, applied, link
                FROM ftps_calls",
            "INSERT OR REPLACE INTO ftps_calls (instruction_id, call_ref, trigger_word, started_at, duration_ms,
                    outcome, message, applied, link)
                SELECT instruction_id, call_ref, trigger_word, started_at, 1, 'success', message, applied, link
                FROM ftps_calls",
        ],
        Kind::Postgres => [
            "TRUNCATE audit_events",
            "TRUNCATE ftps_calls",
            "TRUNCATE outbox_events, outbox_messages",
            "TRUNCATE payment_instructions CASCADE",
        ],
    });
    for statement in statements {
        let refused = world.database.try_to_execute(statement).expect_err(statement).to_string();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    let verified = verify(&world);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

/// As the owner of the database could: the triggers are out of the way.
fn past_the_triggers(world: &World, statement: &str) {
    match world.database.kind {
        Kind::Sqlite => {
            for trigger in [
                "audit_events_keep",
                "audit_events_fixed",
                "audit_events_new",
                "ftps_calls_keep",
                "ftps_calls_fixed",
                "ftps_calls_emptied",
                "ftps_calls_new",
                "trail_head_keep",
                "call_heads_keep",
            ] {
                world.database.execute(&format!("DROP TRIGGER IF EXISTS {trigger}"));
            }
            world.database.execute(statement);
        }
        Kind::Postgres => world
            .database
            .execute(&format!("BEGIN; SET LOCAL session_replication_role = replica; {statement}; COMMIT")),
    }
}

/// Changes one thing in a database with six events and two calls, and returns what `verify` tells of it.
async fn told_of(kind: Kind, statement: &str) -> String {
    let world = World::start(kind).await;
    asked_twice(&world).await;
    let verified = verify(&world);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    assert!(
        stdout(&verified).ends_with("2 calls of the call log: nothing is broken\n"),
        "{}",
        stdout(&verified)
    );
    past_the_triggers(&world, statement);
    let verified = verify(&world);
    assert_eq!((verified.status.code(), stdout(&verified).as_str()), (Some(1), ""), "{statement}");
    stderr(&verified)
}

const THIRD: &str = "(SELECT max(position) - 1 FROM audit_events)";

async fn verify_names_what_was_changed(kind: Kind) {
    for (statement, told) in [
        (
            format!("UPDATE audit_events SET actor = 'somebody' WHERE position = {THIRD}"),
            "is not what was written",
        ),
        (
            format!("UPDATE audit_events SET at = '2020-01-01 00:00:00' WHERE position = {THIRD}"),
            "is not what was written",
        ),
        (format!("DELETE FROM audit_events WHERE position = {THIRD}"), "is missing"),
        (
            "DELETE FROM audit_events WHERE position = (SELECT max(position) FROM audit_events)".to_owned(),
            "were written",
        ),
        (
            "INSERT INTO audit_events (at, actor, action) VALUES ('2024-01-01 00:00:00', 'asha', 'sign-in')"
                .to_owned(),
            "are not linked",
        ),
        (
            "INSERT INTO audit_events (id, at, actor, action)
                VALUES (-5, '2020-01-01 10:00:00', 'operator (command, root)', 'user-added')"
                .to_owned(),
            "1 events are not linked",
        ),
        ("UPDATE ftps_calls SET message = 'On call of FTPS API: paid'".to_owned(), "is not what was written"),
        ("UPDATE ftps_calls SET request_id = 'another'".to_owned(), "is not what was written"),
        ("UPDATE ftps_calls SET response_sealed = NULL".to_owned(), "its payloads are not what was written"),
        (
            "UPDATE ftps_calls SET pruned_by = 7, request_sealed = NULL, response_sealed = NULL".to_owned(),
            "was emptied before that was due",
        ),
        (
            "DELETE FROM ftps_calls WHERE id = (SELECT max(id) FROM ftps_calls)".to_owned(),
            "has 1 calls, and 2 were written",
        ),
        ("DELETE FROM ftps_calls".to_owned(), "has 0 calls, and 2 were written"),
        ("DELETE FROM call_heads".to_owned(), "2 calls belong to no chain"),
        ("DELETE FROM trail_key".to_owned(), "the key of the chains is gone"),
    ] {
        let stderr = told_of(kind, &statement).await;
        assert!(stderr.contains(told), "{statement}: {stderr}");
    }
    // PostgreSQL takes nothing for an instant that is none.
    if let Kind::Sqlite = kind {
        let unreadable = format!(
            "INSERT INTO prunes (at, is_open) VALUES ('2020-01-01', 0); DELETE FROM audit_events WHERE position = {THIRD}"
        );
        let stderr = told_of(kind, &unreadable).await;
        assert!(stderr.contains("a row cannot be read") && stderr.contains("is missing"), "{stderr}");
    }
}

async fn a_command_without_the_key_leaves_an_event_that_is_not_linked(world: World) {
    let mut without = with_database(&["user", "disable", "asha"], &world.database);
    assert!(without.env_remove("DATA_KEY").output().unwrap().status.success());
    let verified = verify(&world);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    assert!(
        stderr(&verified).contains("1 events of commands that were run without DATA_KEY"),
        "{}",
        stderr(&verified)
    );
}

async fn the_chains_hold_over_a_change_of_the_data_key(world: World) {
    asked_twice(&world).await;
    let key = "9".repeat(63) + "1";
    let with_key = |args: &[&str]| {
        let mut command = with_database(args, &world.database);
        command.env("DATA_KEY_PREVIOUS", hex(&DATA_KEY)).env("DATA_KEY", &key);
        command
    };
    let resealed = with_key(&["reseal"]).output().unwrap();
    assert!(resealed.status.success(), "{}", stderr(&resealed));
    let verified = with_key(&["verify"]).env_remove("DATA_KEY_PREVIOUS").output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
    assert!(stdout(&verified).contains("2 calls"), "{}", stdout(&verified));
}

async fn writers_at_once_make_one_chain(world: World) {
    let all = (0..24).map(|one| {
        let app = world.app.clone();
        tokio::spawn(async move {
            let event = NewEvent {
                at: app.clock.now().naive_utc(),
                actor: format!("somebody {one}"),
                tenant: None,
                address: None,
                action: Action::SignInFailed,
                subject: None,
            };
            let sealer = app.sealer.clone();
            app.store.write(move |db| audit::append(db, Some(&sealer), &event)).await
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    let verified = verify(&world);
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

async fn the_log_holds_where_the_trail_ends(world: World) {
    let (events, link) = world.read(trail::end);
    assert!(events > 0);
    let mut serve = world.program(&["serve"]);
    serve.env("RUST_LOG", "info");
    let told = format!("the audit trail has had {events} events; its chain ends in {link}");
    let log = world.database.directory.path().join("serve.log");
    let program = Program::start(serve.stderr(std::fs::File::create(&log).unwrap()));
    world.until(|| std::fs::read_to_string(&log).unwrap().contains(&told)).await;
    program.stop();
}
