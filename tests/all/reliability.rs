//! What holds while imports, outages and other processes come in between: the order is forced, by a gate in
//! the simulated JIT or by a lock in the database.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use mukta_ftps::app::App;
use mukta_ftps::domain::{Outcome, RunState, RunTrigger};
use mukta_ftps::import::{OnFaulty, import};
use mukta_ftps::store::sync_runs::{self, Counts, SyncRun};
use mukta_ftps::sync::{Asked, Order, Worked};

use crate::support::{Door, Kind, ORIGINAL, PEOPLE, Program, REVISED, World, document, on_both, revised};

on_both!(
    whoever_joins_while_jit_is_asked_is_never_left_unpaid_in_a_paid_instruction,
    what_a_file_changes_while_jit_is_asked_is_not_covered_by_the_answer,
    the_database_itself_refuses_a_paid_instruction_with_an_unpaid_beneficiary,
    an_answer_that_was_not_applied_counts_as_nothing_and_has_jit_asked_again,
    an_answer_in_hand_is_applied_after_its_claim_ran_out,
    answers_wait_for_a_database_that_takes_no_writes,
    answers_that_cannot_be_recorded_before_the_end_are_counted,
    a_run_waits_for_a_jit_that_is_away_and_asks_about_all_once_it_is_back,
    a_run_whose_jit_stays_away_is_given_up_and_what_is_unasked_is_due,
    a_jit_that_hangs_is_probed_with_another_instruction_each_time,
    retries_leave_a_jit_that_is_away_alone,
    two_processes_may_take_a_newcomer_into_a_run_at_once,
    a_clock_that_was_ahead_hides_no_night_and_holds_nothing_up,
);

/// Asks about the revised PI in a task of its own, and returns once JIT has the call and holds its answer.
async fn asked_and_held(world: &World) -> tokio::task::JoinHandle<Asked> {
    world.jit.hold();
    let (sync, id) = (world.app.sync.clone(), world.stored(REVISED).id);
    let asking = tokio::spawn(async move { sync.ask(id, Order::refresh("asha".to_owned())).await.unwrap() });
    world.until(|| world.jit.in_flight() == 1).await;
    asking
}

/// A second connection to the world's PostgreSQL, as another process has one.
pub(crate) fn beside(world: &World) -> PgConnection {
    PgConnection::establish(&world.database.url_text).unwrap()
}

/// How many connections wait for a lock.
pub(crate) fn waiting_for_locks(world: &World) -> i64 {
    use diesel::prelude::*;
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    let sql = "SELECT count(*) AS waiting FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    diesel::sql_query(sql).get_result::<Count>(&mut beside(world)).unwrap().waiting
}

const NEWCOMER: &str = "INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, amount_paise, \
     payment_status) SELECT id, 9, 'BN-1013/777777', 'bn-1013/777777', 50000, 'Payment In Process' \
     FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256'";

/// An import's transaction that adds somebody commits after JIT's answer came in and before it is recorded.
async fn whoever_joins_while_jit_is_asked_is_never_left_unpaid_in_a_paid_instruction(world: World) {
    world.import_pair(PEOPLE);
    let asking = asked_and_held(&world).await;
    match world.database.kind {
        Kind::Sqlite => {
            world.database.execute(NEWCOMER);
            world.jit.let_go();
        }
        Kind::Postgres => {
            world.database.spoil();
            let mut import = beside(&world);
            let lock = "SELECT 1 FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256' \
                        FOR NO KEY UPDATE";
            import.batch_execute(&format!("BEGIN; {lock}; {NEWCOMER}")).unwrap();
            world.jit.let_go();
            // The answer is in hand, and finds the row locked.
            world.until(|| world.jit.in_flight() == 0).await;
            assert!(!asking.is_finished());
            import.batch_execute("COMMIT").unwrap();
        }
    }
    asking.await.unwrap();
    let after = world.stored(REVISED);
    assert_eq!(after.status.as_str(), "In Process");
    assert_eq!(
        after.ftps_message.as_deref(),
        Some(
            "On call of FTPS API: The beneficiaries of this payment instruction changed while JIT was being asked."
        )
    );
    let page = world.view(REVISED).await;
    for row in page.all("tr[data-payment-id]") {
        assert_eq!(row.attr("data-payment-status"), Some("Payment In Process"));
    }
    assert!(world.gateway.count() == 0);
}

/// The last net, below the program: SQL that pays an instruction but not its people is refused.
/// Another person, account or amount than JIT was asked about, and so than its answer is about.
async fn what_a_file_changes_while_jit_is_asked_is_not_covered_by_the_answer(world: World) {
    world.import_pair(PEOPLE);
    for (fact, value) in [("beneficiaryId", "IND-9"), ("benfAcctNo", "77776666555"), ("amount", "777")] {
        let asking = asked_and_held(&world).await;
        world.import(&[revised(REVISED, ORIGINAL, PEOPLE).person(0, fact, value)]);
        world.jit.let_go();
        assert_eq!(asking.await.unwrap(), Asked::Recorded(Outcome::Glitch), "{fact}");
        let page = world.view(REVISED).await;
        assert_eq!(page.attr("main", "data-pi-status"), "In Process", "{fact}");
        assert!(page.words("#ftps-message").contains("changed while JIT was being asked"), "{fact}");
    }
    assert_eq!(world.messages().len(), 0);
    // Where it went by then is judged by the next answer.
    world.press_refresh(REVISED).await;
    assert_eq!(world.view(REVISED).await.attr("main", "data-pi-status"), "Completed");
}

async fn the_database_itself_refuses_a_paid_instruction_with_an_unpaid_beneficiary(world: World) {
    world.import_pair(PEOPLE);
    let complete = "UPDATE payment_instructions SET status = 'Completed', completed_by = 'ftps', \
                    completed_at = changed_at WHERE number = 'PI-1013/2023-24/000256'";
    let pay = "UPDATE beneficiaries SET payment_status = 'Payment Successful', utr = 'U1' WHERE instruction_id = \
               (SELECT id FROM payment_instructions WHERE number = 'PI-1013/2023-24/000256')";
    for refused in [
        complete.to_owned(),
        format!("{pay} AND position = 0; {complete}"),
        format!("{pay}; UPDATE beneficiaries SET utr = '' WHERE position = 1; {complete}"),
    ] {
        assert!(world.database.try_to_execute(&format!("BEGIN; {refused}; COMMIT")).is_err(), "{refused}");
        assert_eq!(world.stored(REVISED).status.as_str(), "In Process");
    }
    world.database.try_to_execute(&format!("BEGIN; {pay}; {complete}; COMMIT")).unwrap();
    assert!(world.database.try_to_execute(NEWCOMER).is_err(), "nobody unpaid joins a paid instruction");
}

/// An answer that comes when another process has the claim changes nothing, counts as nothing in the
/// run, and has the instruction asked about again.
async fn an_answer_that_was_not_applied_counts_as_nothing_and_has_jit_asked_again(world: World) {
    world.import_pair(PEOPLE);
    world.jit.hold();
    let run = world.begun_by_hand().await;
    let working = worked_on(&world, &run);
    world.until(|| world.jit.in_flight() == 1).await;
    // The claim ran out long ago, and another process has made its own.
    world.database.execute(
        "UPDATE payment_instructions SET lease_token = 'another', lease_until = '2024-03-31 10:00:40' \
         WHERE number = 'PI-1013/2023-24/000256'",
    );
    world.jit.let_go();
    world.until(|| world.jit.in_flight() == 0 && world.calls_about(REVISED).len() == 1).await;
    let so_far = counts(&world, &run);
    assert_eq!((so_far.successful, so_far.left()), (0, 1), "what was not applied is not counted");
    let held = world.stored(REVISED);
    assert_eq!(held.status.as_str(), "In Process");
    assert_eq!(held.next_attempt_at, Some(world.app.clock.now().naive_utc()), "it is due again at once");
    // The other process died: its claim ends, and the run asks again.
    world.later(TimeDelta::minutes(2));
    working.await.unwrap();
    assert_eq!(world.stored(REVISED).status.as_str(), "Completed");
    assert_eq!(counts(&world, &run).successful, 1);
}

/// The answer in hand for an instruction that nobody asks about any more is applied, however late.
async fn an_answer_in_hand_is_applied_after_its_claim_ran_out(world: World) {
    world.import_pair(PEOPLE);
    let asking = asked_and_held(&world).await;
    world.later(TimeDelta::hours(3));
    world.database.execute(
        "UPDATE payment_instructions SET lease_token = 'another', lease_until = '2024-03-31 10:01:00' \
         WHERE number = 'PI-1013/2023-24/000256'",
    );
    world.jit.let_go();
    asking.await.unwrap();
    assert_eq!(world.stored(REVISED).status.as_str(), "Completed");
}

/// A database that can be read and not written, as after a failover or with a writer that hangs, until this is
/// called.
fn unwritable(world: &World) -> Box<dyn FnOnce()> {
    let url = world.database.url_text.clone();
    match world.database.kind {
        Kind::Sqlite => {
            let mut writer = SqliteConnection::establish(world.database.file()).unwrap();
            writer.batch_execute("BEGIN IMMEDIATE").unwrap();
            Box::new(move || writer.batch_execute("COMMIT").unwrap())
        }
        Kind::Postgres => {
            let name = url.rsplit('/').next().unwrap().to_owned();
            let of_all = |setting: &str| {
                format!(
                    "ALTER DATABASE {name} {setting} default_transaction_read_only; \
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            };
            let (off, on) = (of_all("RESET"), of_all("SET").replace("only;", "only = on;"));
            let mut operator = PgConnection::establish(&url).unwrap();
            operator.batch_execute(&on).unwrap();
            Box::new(move || operator.batch_execute(&off).unwrap())
        }
    }
}

async fn answers_wait_for_a_database_that_takes_no_writes(world: World) {
    world.import_pair(PEOPLE);
    let asking = asked_and_held(&world).await;
    let writable = unwritable(&world);
    world.jit.let_go();
    world.until(|| world.app.sync.unrecorded() == 1).await;
    // Longer than the writer's first attempts, and longer than the claim.
    world.later(TimeDelta::hours(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(world.app.sync.unrecorded(), 1);
    writable();
    assert_eq!(asking.await.unwrap(), Asked::Recorded(Outcome::Success));
    assert_eq!((world.app.sync.unrecorded(), world.jit.calls_received()), (0, 1));
    assert_eq!(world.stored(REVISED).status.as_str(), "Completed");
}

async fn answers_that_cannot_be_recorded_before_the_end_are_counted(world: World) {
    let numbers = world.import_many(3);
    world.set_clock(chrono::Utc::now());
    world.begun_by_hand().await;
    world.jit.hold();
    let mut command = world.program(&["serve"]);
    command.env("JIT_TIMEOUT_SECONDS", "30").env("STOP_SECONDS", "2").stderr(Stdio::piped());
    let program = Program::start(&mut command);
    world.until(|| world.jit.in_flight() == 3).await;
    let writable = unwritable(&world);
    world.jit.let_go();
    world.until(|| world.jit.in_flight() == 0).await;
    let (code, log) = program.stop_in_vain();
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("3 answers of JIT could not be recorded"), "{log}");
    writable();
    assert!(numbers.iter().all(|number| world.stored(number).status.as_str() == "In Process"));
}

fn counts(world: &World, run: &SyncRun) -> Counts {
    world.read(|db| sync_runs::total(db, run.id))
}

/// Works on a run in a task of its own.
fn worked_on(world: &World, run: &SyncRun) -> tokio::task::JoinHandle<Worked> {
    let (sync, run) = (world.app.sync.clone(), run.clone());
    tokio::spawn(async move { sync.work(&run).await.unwrap() })
}

/// How many calls the log has of these.
fn calls_of(world: &World, numbers: &[String]) -> usize {
    numbers.iter().map(|number| world.calls_about(number).len()).sum()
}

/// Works on a run in a task of its own, as `serve` of that process does.
fn looked_after(app: &App) -> tokio::task::JoinHandle<()> {
    let sync = app.sync.clone();
    tokio::spawn(async move { sync.look_after().await.unwrap() })
}

async fn a_run_waits_for_a_jit_that_is_away_and_asks_about_all_once_it_is_back(world: World) {
    let numbers = world.import_many(60);
    let mut door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    let run = world.begun_by_hand().await;
    let working = looked_after(&app);
    world.until(|| app.sync.jit_away_since().is_some() && counts(&world, &run).no_response >= 5).await;
    let waits = |world: &World| world.read(|db| sync_runs::get(db, run.id)).unwrap();
    world.until(|| waits(&world).waiting_since.is_some()).await;
    let so_far = counts(&world, &run);
    assert!((5..=7).contains(&so_far.no_response), "only those that found out: {so_far:?}");
    assert_eq!(waits(&world).state, RunState::Running);
    assert_eq!(
        calls_of(&world, &numbers),
        so_far.no_response as usize,
        "no row for a call that was not made"
    );
    let page = world.get("/sync-runs").await;
    assert!(page.text.contains("Waiting for JIT since 31/03/2024 15:30 IST"), "{}", page.text);
    door.open();
    world.later(TimeDelta::seconds(10));
    working.await.unwrap();
    let after = counts(&world, &run);
    assert_eq!((after.left(), after.successful), (0, 60 - so_far.no_response));
    assert_eq!(waits(&world).state, RunState::Finished);
    assert_eq!(calls_of(&world, &numbers), 60);
    assert!(app.sync.jit_away_since().is_none());
}

async fn a_run_whose_jit_stays_away_is_given_up_and_what_is_unasked_is_due(world: World) {
    // After the night, so that no other run comes in between.
    world.later(TimeDelta::hours(7));
    world.app.sync.look_after().await.unwrap();
    let numbers = world.import_many(30);
    let door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    let run = world.begun_by_hand().await;
    let working = looked_after(&app);
    world.until(|| world.read(|db| sync_runs::get(db, run.id)).unwrap().waiting_since.is_some()).await;
    world.later(TimeDelta::hours(8));
    working.await.unwrap();
    let ended = world.read(|db| sync_runs::get(db, run.id)).unwrap();
    assert_eq!(ended.state, RunState::Interrupted);
    let unasked = counts(&world, &run).left();
    assert_eq!(calls_of(&world, &numbers) as i64, 30 - unasked);
    let now = world.app.clock.now().naive_utc();
    let due = numbers.iter().filter(|number| world.stored(number).next_attempt_at == Some(now)).count();
    assert_eq!(due as i64, unasked, "what was not asked about is due as a retry");
    world.browser.sign_in("asha").await;
    let page = world.get("/sync-runs").await;
    assert_eq!(page.attr("[data-run-state]", "data-unasked"), unasked.to_string());
    // The process that reaches JIT asks about all of them.
    world.app.sync.make_due().await.unwrap();
    assert!(numbers.iter().all(|number| world.stored(number).status.as_str() == "Completed"));
}

async fn a_jit_that_hangs_is_probed_with_another_instruction_each_time(kind: Kind) {
    let world = World::with_timeout(kind, std::time::Duration::from_millis(200)).await;
    let numbers = world.import_many(30);
    world.jit.hold();
    let run = world.begun_by_hand().await;
    let working = looked_after(&world.app);
    world.until(|| world.read(|db| sync_runs::get(db, run.id)).unwrap().waiting_since.is_some()).await;
    let asked = counts(&world, &run).no_response;
    assert!(asked < 15, "no more than were begun before the fifth time-out: {asked}");
    // A connection is not enough: the probe is a real call, of an instruction that has not been asked about.
    world.later(TimeDelta::seconds(10));
    world.until(|| counts(&world, &run).no_response == asked + 1).await;
    assert_eq!(calls_of(&world, &numbers) as i64, asked + 1);
    world.jit.let_go();
    world.later(TimeDelta::seconds(20));
    working.await.unwrap();
    let after = counts(&world, &run);
    assert_eq!((after.left(), after.successful, after.no_response), (0, 30 - asked - 1, asked + 1));
    assert!(numbers.iter().all(|number| world.calls_about(number).len() == 1));
}

async fn retries_leave_a_jit_that_is_away_alone(world: World) {
    // After the night, so that no other run comes in between.
    world.later(TimeDelta::hours(7));
    world.app.sync.look_after().await.unwrap();
    let numbers = world.import_many(12);
    let mut door = Door::to(&world.jit.base_url());
    let app = world.another_app_behind(&door).await;
    let run = world.begun_by_hand().await;
    let working = looked_after(&app);
    world.until(|| world.read(|db| sync_runs::get(db, run.id)).unwrap().waiting_since.is_some()).await;
    world.later(TimeDelta::hours(8));
    working.await.unwrap();
    let made = calls_of(&world, &numbers);
    for _ in 0..3 {
        app.sync.make_due().await.unwrap();
        world.later(TimeDelta::minutes(1));
    }
    assert_eq!(calls_of(&world, &numbers), made, "a connection is tried, and nobody is asked about");
    door.open();
    world.later(TimeDelta::minutes(5));
    app.sync.make_due().await.unwrap();
    assert!(numbers.iter().all(|number| world.stored(number).status.as_str() == "Completed"));
}

/// A machine whose clock was two days ahead when the program first started, then right.
async fn a_clock_that_was_ahead_hides_no_night_and_holds_nothing_up(world: World) {
    let numbers = world.import_many(3);
    let right = world.app.clock.now();
    world.set_clock(right + TimeDelta::days(2));
    world.app.sync.look_after().await.unwrap();
    world.jit.otherwise(mukta_ftps::simulator::jit::Scenario::ErrorList);
    world.later(TimeDelta::hours(7));
    // The night of that day, by the wrong clock.
    world.app.sync.look_after().await.unwrap();
    assert_eq!(calls_of(&world, &numbers), 3);
    world.database.execute(
        "UPDATE payment_instructions SET lease_token = 'ahead', lease_until = '2024-04-02 18:00:00' \
         WHERE number LIKE '%/000001'",
    );
    world.set_clock(right);
    world.app.sync.look_after().await.unwrap();
    world.browser.sign_in("asha").await;
    let page = world.press_refresh(&numbers[0]).await;
    assert_eq!(page.status, 200);
    assert_eq!(calls_of(&world, &numbers), 4, "a claim of the future holds nobody up");
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    assert_eq!(calls_of(&world, &numbers), 7, "an answer of the future is none of this run's");
    // 10 PM of the first day, and of the one that the wrong clock had already had.
    for (night, runs) in
        [("2024-03-31T16:30:00Z", 2), ("2024-04-01T16:30:00Z", 3), ("2024-04-02T16:30:00Z", 4)]
    {
        world.set_clock(night.parse().unwrap());
        world.app.sync.look_after().await.unwrap();
        world.app.sync.look_after().await.unwrap();
        let nightly = world.read(|db| sync_runs::newest(db, None, 100));
        let of_schedule = nightly.iter().filter(|run| run.trigger_word == RunTrigger::Nightly).count();
        assert_eq!(of_schedule, runs, "{night}");
        assert!(world.read(sync_runs::running).is_none());
    }
}

/// A row that somebody else has locked for long holds up its own outcome and no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_locked_row_holds_up_no_other_outcome() {
    let world = World::start(Kind::Postgres).await;
    let numbers = world.import_many(20);
    world.jit.hold();
    let run = world.begun_by_hand().await;
    let working = worked_on(&world, &run);
    // One slot of the eight is kept for people.
    world.until(|| world.jit.in_flight() == 7).await;
    let mut somebody = beside(&world);
    let lock = "SELECT 1 FROM payment_instructions WHERE number = ";
    somebody.batch_execute(&format!("BEGIN; {lock}'{}' FOR UPDATE", numbers[0])).unwrap();
    world.jit.let_go();
    world.until(|| counts(&world, &run).successful == 19).await;
    assert_eq!(world.stored(&numbers[0]).status.as_str(), "In Process");
    assert_eq!(waiting_for_locks(&world), 0, "nobody waits on a connection for it");
    somebody.batch_execute("COMMIT").unwrap();
    working.await.unwrap();
    assert_eq!(counts(&world, &run).successful, 20);
}

/// An import whose file is in the opposite order of the recordings, over and over, beside a run: no deadlock
/// costs either of them anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_in_any_order_beside_a_run_are_never_lost() {
    let world = World::start(Kind::Postgres).await;
    world.import_many(400);
    let run = world.begun_by_hand().await;
    let working = worked_on(&world, &run);
    let (store, sealer, clock) =
        (world.app.store.clone(), Arc::clone(&world.app.sealer), world.app.clock.clone());
    let importing = tokio::task::spawn_blocking(move || {
        let mut numbers: Vec<String> = (1..=400).map(|place| format!("PI-1013/2023-24/{place:06}")).collect();
        for round in 0..10 {
            numbers.reverse();
            let told: Vec<_> = numbers
                .iter()
                .map(|number| revised(number, "PI-1013/2022-23/000001", PEOPLE))
                .map(|one| one.but(|one| one["muktaReferenceId"] = format!("round {round}").into()))
                .collect();
            import(&store, &sealer, document(&told).as_bytes(), OnFaulty::Refuse, &clock).unwrap();
        }
    });
    importing.await.unwrap();
    working.await.unwrap();
    assert_eq!((counts(&world, &run).successful, counts(&world, &run).left()), (400, 0));
    assert_eq!(world.jit.calls_received(), 400, "nobody was asked about twice");
}

/// Two processes come to a run's end together, and both find what has come meanwhile.
async fn two_processes_may_take_a_newcomer_into_a_run_at_once(world: World) {
    world.import_pair(PEOPLE);
    let run = world.begun_by_hand().await;
    world.database.execute("UPDATE sync_run_items SET outcome = 'success'");
    world.import(&[revised("PI-LATER", ORIGINAL, PEOPLE)]);
    let (store, now) = (world.app.store.clone(), world.app.clock.now().naive_utc());
    let finish = move || {
        let store = store.clone();
        tokio::spawn(async move { store.write(move |db| sync_runs::finish(db, run.id, now)).await })
    };
    match world.database.kind {
        Kind::Sqlite => {
            assert!(!finish().await.unwrap().unwrap(), "the newcomer is open");
            assert!(!finish().await.unwrap().unwrap());
        }
        Kind::Postgres => {
            let mut other = beside(&world);
            let takes_it = format!(
                "BEGIN; INSERT INTO sync_run_items (run_id, instruction_id, tenant_id) SELECT {}, id, tenant_id \
                 FROM payment_instructions WHERE number = 'PI-LATER'",
                run.id
            );
            other.batch_execute(&takes_it).unwrap();
            let finished = finish();
            world.until(|| waiting_for_locks(&world) == 1).await;
            other.batch_execute("COMMIT").unwrap();
            assert!(!finished.await.unwrap().unwrap(), "the newcomer is open");
        }
    }
}
