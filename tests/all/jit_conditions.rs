//! JIT and the data keys under real conditions: sign-ins that are refused, sessions that are lost, sealed
//! values that do not open.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use chrono::TimeDelta;
use diesel::{Connection, PgConnection, RunQueryDsl};
use mukta_ftps::domain::record::folded;
use mukta_ftps::import::{ImportError, OnFaulty, import};
use mukta_ftps::sealing::{BeneficiaryKey, SealedField, Sealer, hex};
use mukta_ftps::simulator::jit::{Scenario, SignIn};
use mukta_ftps::store::audit::{Action, NewEvent};
use mukta_ftps::store::exporting::Known;
use mukta_ftps::store::resealing::reseal;
use mukta_ftps::store::sync_runs::{self, Counts, SyncRun};
use mukta_ftps::store::{Store, StoreError, importing, keys};
use mukta_ftps::sync::Worked;

use crate::support::{
    DATA_KEY, Kind, NEW_DATA_KEY, PEOPLE, World, document, on_both, revised, start_of_time, stderr, stdout,
};

/// The original of [`World::import_many`].
const FIRST: &str = "PI-1013/2022-23/000001";

on_both!(
    a_refused_sign_in_is_one_glitch_and_the_others_wait_unasked,
    a_run_that_waits_for_a_sign_in_stops_when_the_program_does,
    the_log_says_a_refused_sign_in_once_and_loudly,
    http_401_in_other_words_is_a_glitch_of_one_call_only,
    one_sealed_value_that_does_not_open_is_a_glitch_of_its_instruction,
    an_export_names_what_does_not_open_and_goes_on,
    a_payload_that_does_not_open_leaves_the_log_of_calls_readable,
    what_does_not_open_keeps_reseal_from_forgetting_a_key,
    an_import_with_a_key_that_is_forgotten_writes_nothing,
);

fn outcomes(world: &World, number: &str) -> Vec<&'static str> {
    world.calls_about(number).iter().rev().map(|call| call.outcome.as_str()).collect()
}

fn counts(world: &World, run: &SyncRun) -> Counts {
    world.read(|db| sync_runs::total(db, run.id))
}

/// Seals a beneficiary's account and mobile number with a key that nobody has.
fn lock_away(world: &World, number: &str, payment_id: &str, column: &str) {
    let stranger = Sealer::new(&[99; 32], &[]).unwrap();
    let key = BeneficiaryKey { number, payment_key: &payment_id.to_lowercase() };
    let field = match column {
        "account_sealed" => SealedField::Account(key),
        _ => SealedField::Mobile(key),
    };
    let literal = bytes_in_sql(world, &stranger.seal(field, b"30131500019999").unwrap());
    world.database.execute(&format!(
        "UPDATE beneficiaries SET {column} = {literal} WHERE payment_id = '{payment_id}' \
         AND instruction_id = (SELECT id FROM payment_instructions WHERE number = '{number}')"
    ));
}

/// An instruction as it is stored.
fn known(world: &World, sealer: &Sealer, number: &str) -> Known {
    let key = folded(number);
    world.write(|db| importing::known(db, sealer, std::slice::from_ref(&key))).remove(&key).unwrap()
}

fn bytes_in_sql(world: &World, bytes: &[u8]) -> String {
    match world.database.kind {
        Kind::Sqlite => format!("X'{}'", hex(bytes)),
        Kind::Postgres => format!("'\\x{}'::bytea", hex(bytes)),
    }
}

fn export(world: &World) -> Output {
    world.program(&["export"]).output().unwrap()
}

/// The program's own JSON, by PI number.
fn exported(output: &Output) -> serde_json::Value {
    serde_json::from_str(&stdout(output)).unwrap()
}

async fn a_refused_sign_in_is_one_glitch_and_the_others_wait_unasked(world: World) {
    let numbers = world.import_many(20);
    world.jit.sign_in(SignIn::Refuse);
    let run = world.begun_by_hand().await;
    let working = {
        let (sync, run) = (world.app.sync.clone(), run.clone());
        tokio::spawn(async move { sync.work(&run).await })
    };
    world.until(|| counts(&world, &run).glitches == 1).await;
    world.until(|| numbers.iter().all(|number| world.stored(number).lease_until.is_none())).await;
    let (met, unasked): (Vec<_>, Vec<_>) =
        numbers.iter().partition(|number| outcomes(&world, number) == ["glitch"]);
    assert_eq!((met.len(), unasked.len()), (1, 19));
    assert!(unasked.iter().all(|number| outcomes(&world, number).is_empty()), "no row for a call not made");
    assert_eq!(counts(&world, &run), Counts { expected: 20, glitches: 1, ..Counts::default() });
    assert_eq!(world.jit.sign_ins_tried(), 1);

    // Refresh calls nobody, and says when the next try is: a minute after 15:30 IST.
    let page = world.press_refresh(unasked[0]).await;
    assert!(page.words("#notice").contains("The next try is on 31/03/2024 15:31"), "{}", page.text);
    assert_eq!(page.attr("#ftps-message", "data-outcome"), "none");
    let told = world.get("/sync-runs").await.words("#sign-in-refused");
    assert!(told.contains("since 31/03/2024 15:30") && told.contains("HTTP status 401"), "{told}");
    assert!(told.contains("The next try is on 31/03/2024 15:31"), "{told}");
    // What is due waits as well.
    world.later(TimeDelta::seconds(59));
    world.app.sync.make_due().await.unwrap();
    assert_eq!(world.jit.sign_ins_tried(), 1);

    world.jit.sign_in(SignIn::Accept);
    world.later(TimeDelta::seconds(1));
    assert_eq!(working.await.unwrap().unwrap(), Worked::Over);
    assert_eq!(
        counts(&world, &run),
        Counts { expected: 20, glitches: 1, successful: 19, ..Counts::default() }
    );
    assert_eq!(world.jit.sign_ins_tried(), 2);
    assert_eq!(world.get("/sync-runs").await.all("#sign-in-refused").len(), 0);
    world.later(TimeDelta::seconds(60));
    world.app.sync.make_due().await.unwrap();
    assert_eq!(outcomes(&world, met[0]), ["glitch", "success"]);
}

async fn a_run_that_waits_for_a_sign_in_stops_when_the_program_does(world: World) {
    world.import_many(3);
    world.jit.sign_in(SignIn::Refuse);
    let run = world.begun_by_hand().await;
    let working = {
        let (sync, run) = (world.app.sync.clone(), run.clone());
        tokio::spawn(async move { sync.work(&run).await })
    };
    world.until(|| counts(&world, &run).glitches == 1).await;
    assert!(world.app.sync.finish(Duration::from_secs(10)).await);
    assert_eq!(working.await.unwrap().unwrap(), Worked::Stopped);
}

async fn the_log_says_a_refused_sign_in_once_and_loudly(world: World) {
    let numbers = world.import_many(20);
    world.jit.sign_in(SignIn::Refuse);
    let child = world.program(&["sync"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    world.until(|| numbers.iter().any(|number| outcomes(&world, number) == ["glitch"])).await;
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let log = stderr(&output);
    assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    assert!(log.contains("signing in to JIT failed: JIT did not let us sign in"), "{log}");
    assert!(!log.contains(world.jit.client_secret()), "{log}");
    assert!(
        stdout(&output)
            .ends_with("synced 1: 0 successful, 0 errors, 1 glitches, 0 no response, 19 not asked\n")
    );
    assert_eq!(world.jit.sign_ins_tried(), 1);
}

async fn http_401_in_other_words_is_a_glitch_of_one_call_only(world: World) {
    let numbers = world.import_many(1);
    world.jit.script(&numbers[0], vec![Scenario::Http401, Scenario::Paid]);
    assert_eq!(world.press_refresh(&numbers[0]).await.attr("#ftps-message", "data-outcome"), "glitch");
    assert_eq!(world.press_refresh(&numbers[0]).await.attr("#ftps-message", "data-outcome"), "success");
    assert_eq!((world.jit.authentications(), world.jit.calls_received()), (2, 2));
}

async fn one_sealed_value_that_does_not_open_is_a_glitch_of_its_instruction(world: World) {
    let numbers = world.import_many(20);
    let bad = &numbers[7];
    lock_away(&world, bad, PEOPLE[1], "account_sealed");
    let run = world.begun_by_hand().await;
    assert_eq!(world.app.sync.work(&run).await.unwrap(), Worked::Over);
    assert_eq!(
        counts(&world, &run),
        Counts { expected: 20, glitches: 1, successful: 19, ..Counts::default() }
    );
    let message = world.stored(bad).ftps_message.unwrap();
    let description = "The registered account number of beneficiary BN-1013/000225 cannot be read";
    assert!(message.starts_with(&format!("On call of FTPS API: {description}")), "{message}");
    assert_eq!(world.jit.calls_received(), 19);

    // Retries and Refresh go on, and the value heals with the file that tells it anew.
    world.later(TimeDelta::hours(2));
    world.app.sync.make_due().await.unwrap();
    assert_eq!(outcomes(&world, bad), ["not-sent"]);
    let page = world.press_refresh(bad).await;
    assert!(page.words("#ftps-message").contains(description));
    world.import(&[revised(bad, FIRST, PEOPLE)]);
    assert_eq!(world.press_refresh(bad).await.attr("main", "data-pi-status"), "Completed");
}

async fn an_export_names_what_does_not_open_and_goes_on(world: World) {
    let numbers = world.import_many(3);
    lock_away(&world, &numbers[0], PEOPLE[1], "account_sealed");
    lock_away(&world, &numbers[1], PEOPLE[0], "mobile_sealed");
    let output = export(&world);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(exported(&output)["paymentInstructions"].as_array().unwrap().len(), 4);
    for named in [
        format!("{}: the account number of BN-1013/000225 cannot be read", numbers[0]),
        format!("{}: the mobile number of BN-1013/000224 cannot be read", numbers[1]),
        "2 sealed values cannot be read".to_owned(),
    ] {
        assert!(stderr(&output).contains(&named), "{named}: {}", stderr(&output));
    }

    // A file that does not tell the number changes the rest and leaves the value as it is.
    let before = known(&world, &world.app.sealer, &numbers[0]);
    let told = revised(&numbers[0], FIRST, PEOPLE).person(1, "benfAcctNo", serde_json::Value::Null).person(
        1,
        "benefName",
        "Another spelling",
    );
    world.import(&[told]);
    let after = known(&world, &world.app.sealer, &numbers[0]);
    assert_eq!(after.version.record.beneficiaries[1].name.as_deref(), Some("Another spelling"));
    assert_eq!(before.beneficiary_rows, after.beneficiary_rows);
    // One that does heals it.
    world.import(&[revised(&numbers[0], FIRST, PEOPLE), revised(&numbers[1], FIRST, PEOPLE)]);
    let output = export(&world);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

async fn a_payload_that_does_not_open_leaves_the_log_of_calls_readable(world: World) {
    let numbers = world.import_many(1);
    world.press_refresh(&numbers[0]).await;
    let damaged = bytes_in_sql(&world, &[1; 60]);
    world.database.execute(&format!("UPDATE ftps_calls SET response_sealed = {damaged}"));
    let page = world.get(&format!("/payment-instructions/{}/calls", numbers[0])).await;
    assert_eq!(page.attr("[data-call-outcome]", "data-call-outcome"), "success");
    assert!(page.text.contains("cannot be read with the data keys at hand"), "{}", page.text);
}

async fn what_does_not_open_keeps_reseal_from_forgetting_a_key(world: World) {
    let numbers = world.import_many(3);
    lock_away(&world, &numbers[0], PEOPLE[1], "account_sealed");
    let reseal = || {
        let mut command = world.program(&["reseal"]);
        command.env("DATA_KEY", hex(&NEW_DATA_KEY)).env("DATA_KEY_PREVIOUS", hex(&DATA_KEY));
        command.output().unwrap()
    };
    let output = reseal();
    assert_eq!(output.status.code(), Some(1));
    let named = format!("{}: the account number of BN-1013/000225 cannot be read", numbers[0]);
    assert!(stderr(&output).contains(&named), "{}", stderr(&output));
    assert!(
        stdout(&output).contains("23 values") && stdout(&output).contains("still needed"),
        "{}",
        stdout(&output)
    );
    // The old key still fits, so that what it sealed can be told anew.
    world.import(&[revised(&numbers[0], FIRST, PEOPLE)]);
    let output = reseal();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("not needed any more"), "{}", stdout(&output));
    let old = Sealer::new(&DATA_KEY, &[]).unwrap();
    let fits = world.app.store.write_blocking(|db| keys::fit(db, &old, world.app.clock.now().naive_utc()));
    assert!(matches!(fits, Err(StoreError::WrongDataKey)));
}

/// What the audit trail is told of an operator's `reseal`.
pub(crate) fn resealed() -> NewEvent {
    NewEvent {
        at: start_of_time().naive_utc(),
        actor: "operator (command)".to_owned(),
        tenant: None,
        address: None,
        action: Action::Resealed,
        subject: None,
    }
}

async fn an_import_with_a_key_that_is_forgotten_writes_nothing(world: World) {
    world.import_many(2);
    let new = Sealer::new(&NEW_DATA_KEY, &[DATA_KEY]).unwrap();
    let now = world.app.clock.now();
    world.app.store.write_blocking(|db| keys::fit(db, &new, now.naive_utc())).unwrap();
    reseal(&world.app.store, &new, &resealed()).unwrap();
    let late = document(&[revised("PI-LATE", FIRST, PEOPLE)]);
    let refused =
        import(&world.app.store, &world.app.sealer, late.as_bytes(), OnFaulty::Refuse, &world.app.clock);
    assert!(matches!(refused, Err(ImportError::Store(StoreError::WrongDataKey))), "{refused:?}");
    let imported =
        import(&world.app.store, &new, late.as_bytes(), OnFaulty::Refuse, &world.app.clock).unwrap();
    assert_eq!(imported.created, 1);
}

/// On PostgreSQL an import may be under way when `reseal` has looked at every row: it is waited for, and its
/// rows are sealed anew too. SQLite has one writer, so that there it cannot be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_under_way_while_reseal_ends_leaves_no_row_behind() {
    let world = World::start(Kind::Postgres).await;
    world.import_many(2);
    let new = Sealer::new(&NEW_DATA_KEY, &[DATA_KEY]).unwrap();
    let now = world.app.clock.now().naive_utc();
    world.app.store.write_blocking(|db| keys::fit(db, &new, now)).unwrap();
    let url = world.database.url.clone();
    let mut version = known(&world, &world.app.sealer, "PI-1013/2023-24/000001").version;
    version.record.number = "PI-LATE".to_owned();
    let resealing = world.app.store.write_blocking(|db| {
        // An import with the old key: its rows are not committed yet.
        importing::one_at_a_time(db)?;
        assert!(importing::known(db, &world.app.sealer, &[folded("PI-LATE")])?.is_empty());
        importing::insert(db, &world.app.sealer, &[version], now)?;
        let resealing = std::thread::spawn(move || {
            let new = Sealer::new(&NEW_DATA_KEY, &[DATA_KEY]).unwrap();
            reseal(&Store::open(&url).unwrap(), &new, &resealed())
        });
        // It has been over every row that it can see, and waits for this import's hold on the old key.
        while !waits_for_a_lock(&world.database.url_text) {
            assert!(!resealing.is_finished(), "reseal did not wait");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(resealing)
    });
    let done = resealing.unwrap().join().unwrap().unwrap();
    assert_eq!(done.unreadable, []);
    assert_eq!(done.beneficiaries, 3 * 6 + 6, "two instructions, their original, and the late one");
    let only_new = Sealer::new(&NEW_DATA_KEY, &[]).unwrap();
    assert_eq!(known(&world, &only_new, "PI-LATE").unreadable, []);
}

/// Whether somebody waits for another's lock in this test's database.
fn waits_for_a_lock(url: &str) -> bool {
    let waiting = diesel::dsl::sql::<diesel::sql_types::BigInt>(
        "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')",
    );
    let count: i64 = diesel::select(waiting).get_result(&mut PgConnection::establish(url).unwrap()).unwrap();
    count > 0
}
