//! Backups, and databases that are restored from them: what JIT knows is asked for again, and nobody gets a second SMS
//! without a person's yes. The programs are the real ones, killed as a machine would.

use std::collections::HashMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use mukta_ftps::access::Role;
use mukta_ftps::domain::{MessageEventKind, MessageReason, MessageState, PiStatus};
use mukta_ftps::store::outbox::desk::{self, Wanted};
use mukta_ftps::store::outbox::listing::OutboxMessage;
use mukta_ftps::store::schema::{outbox_events, payment_instructions, program_state};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::{Store, restorations};

use crate::sms_outbox::events;
use crate::support::{
    Browser, Kind, ORIGINAL, OTHER, PEOPLE, Program, ScratchDatabase, World, on_both, original, pair,
    program, revised, stderr, stdout, with_database, with_jit,
};

on_both!(
    what_was_done_after_a_backup_is_done_again_and_nobody_is_told_twice,
    two_programs_that_open_a_restored_database_hold_each_message_once,
    what_may_have_been_sent_already_is_held_until_a_person_says_yes,
    a_database_is_marked_only_while_no_program_is_at_work,
);

const INSTRUCTIONS: usize = 40;

/// `serve` on that database, with the world's JIT and, if wanted, its gateway; its log goes to that file.
fn serve(world: &World, database: &ScratchDatabase, with_gateway: bool, bind: &str, log: &Path) -> Program {
    let mut command = with_jit(&["serve"], database, &world.jit);
    command
        .env("RUST_LOG", "warn")
        .env("JIT_TIMEOUT_SECONDS", "5")
        .env("HTTP_BIND", bind)
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(log).unwrap());
    if with_gateway {
        command.env("SMS_GATEWAY_URL", world.gateway.gateway_url()).env("SMS_TEMPLATE_ID", "1007");
        command.env("SMS_PER_SECOND", "10000");
    }
    Program::start(&mut command)
}

/// An address of this machine's that nobody listens on.
fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn messages(store: &Store) -> Vec<OutboxMessage> {
    let now = Utc::now().naive_utc();
    let all = Wanted::default();
    store.read_blocking(|db| desk::look(db, &Scope::of("od"), &all, None, now, 10_000)).unwrap().messages
}

fn completed(store: &Store) -> usize {
    let done = payment_instructions::table
        .filter(payment_instructions::status.eq(PiStatus::Completed.as_str()))
        .filter(payment_instructions::parent_number.is_not_null());
    let count: i64 = store.read_blocking(|db| Ok(done.count().get_result(db)?)).unwrap();
    usize::try_from(count).unwrap()
}

fn programs_at_work(world: &World) -> i64 {
    world.read(|db| {
        Ok(program_state::table.filter(program_state::name.like("program %")).count().get_result(db)?)
    })
}

/// How often the gateway took each text for each number.
fn told(world: &World) -> HashMap<(String, String), usize> {
    let mut told = HashMap::new();
    for sms in world.gateway.received() {
        *told.entry((sms.phone, sms.text)).or_default() += 1;
    }
    told
}

fn run(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    stdout(&output)
}

fn postgres_tool(name: &str) -> Command {
    let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
    let mut found: Vec<PathBuf> =
        versions.map(|entry| entry.unwrap().path().join("bin").join(name)).collect();
    found.sort();
    let mut command = Command::new(found.pop().unwrap());
    command.env("PGSSLMODE", "disable");
    command
}

/// A backup as OPERATIONS.md makes it: a file, and the instant of which it is.
fn back_up(database: &ScratchDatabase) -> (PathBuf, String) {
    let file = database.directory.path().join("backup");
    let instant = Utc::now().to_rfc3339();
    match database.kind {
        Kind::Sqlite => {
            let mut command = with_database(&["backup"], database);
            command.arg(&file).env_remove("DATA_KEY");
            assert!(run(command).starts_with("backed up to "));
        }
        Kind::Postgres => {
            let mut command = postgres_tool("pg_dump");
            command.args(["-Fc", "-f"]).arg(&file).arg(&database.url_text);
            run(command);
        }
    }
    (file, instant)
}

/// A database made of it.
fn restore((file, instant): &(PathBuf, String), kind: Kind) -> ScratchDatabase {
    let restored = ScratchDatabase::new(kind);
    match kind {
        Kind::Sqlite => {
            std::fs::copy(file, restored.file()).unwrap();
        }
        Kind::Postgres => {
            let mut command = postgres_tool("pg_restore");
            command.arg("-d").arg(&restored.url_text).arg(file);
            run(command);
            let mut command = with_database(&["restored", "--backed-up-at", instant], &restored);
            command.env_remove("DATA_KEY");
            assert!(run(command).starts_with("marked as restored from a backup of "));
        }
    }
    restored
}

async fn what_was_done_after_a_backup_is_done_again_and_nobody_is_told_twice(world: World) {
    let kind = world.database.kind;
    world.set_clock(Utc::now());
    let numbers = world.import_many(INSTRUCTIONS);
    // Messages that wait when the backup is made.
    for number in &numbers[..5] {
        world.press_refresh(number).await;
    }
    world.jit.set_latency(Duration::from_millis(150));
    world.begun_by_hand().await;
    let log = world.database.directory.path().join("log");
    let asks = serve(&world, &world.database, false, "127.0.0.1:0", &log);
    let store = &world.app.store;
    until("a run is on", || completed(store) >= 10 && world.jit.in_flight() > 0).await;
    let backup = back_up(&world.database);
    let before = completed(store);
    assert!(before < INSTRUCTIONS, "the backup is made while the run is on");

    let tells = serve(&world, &world.database, true, "127.0.0.1:0", &log.with_extension("2"));
    until("everybody is paid", || completed(store) == INSTRUCTIONS).await;
    let people = INSTRUCTIONS * PEOPLE.len();
    until("everybody is told", || world.gateway.count() == people).await;
    asks.kill();
    tells.kill();
    let asked_before = world.jit.calls_received();

    let restored = restore(&backup, kind);
    let mut verify = with_database(&["verify"], &restored);
    verify.env("RUST_LOG", "warn");
    assert!(run(verify).contains("nothing is broken"));
    // The claims of the dead end by themselves; here at once.
    restored.execute(
        "UPDATE payment_instructions SET lease_until = '2024-01-01 00:00:00' WHERE lease_until IS NOT NULL",
    );
    let (address, log) = (free_address(), log.with_extension("3"));
    let program = serve(&world, &restored, true, &address, &log);
    let log = || std::fs::read_to_string(&log).unwrap();
    until("it is told", || log().contains("this database was restored from a backup of")).await;
    let store = Store::open(&restored.url).unwrap();
    until("everybody is paid again", || completed(&store) == INSTRUCTIONS).await;
    assert!(world.jit.calls_received() >= asked_before + INSTRUCTIONS - before, "JIT was asked again");
    let held = messages(&store);
    assert_eq!(held.len(), people);
    for message in &held {
        assert_eq!((message.state, message.reason), (MessageState::Held, Some(MessageReason::Restored)));
    }
    assert_eq!(log().matches("this database was restored").count(), 1, "{}", log());

    let browser = Browser::new(address.parse().unwrap());
    browser.sign_in("asha").await;
    let page = browser.get("/messages").await;
    assert!(
        page.words("#restored").starts_with("The data here was restored from a backup of"),
        "{}",
        page.text
    );
    assert_eq!(page.attr("[data-reason=restored]", "data-count"), people.to_string());
    assert_eq!(told(&world).len(), people);
    assert!(told(&world).values().all(|times| *times == 1), "nobody was told twice");

    // A person's yes.
    let one = &held[0];
    let seen = format!("{}-{}", one.attempts, one.state);
    browser.post(&format!("/messages/{}/resend", one.id), &[(&format!("attempt-{}", one.id), &seen)]).await;
    until("it is sent", || world.gateway.count() == people + 1).await;
    program.stop();
    let states: Vec<MessageState> = messages(&store).iter().map(|message| message.state).collect();
    assert_eq!(states.iter().filter(|state| **state == MessageState::Held).count(), people - 1);
    assert!(run(with_database(&["verify"], &restored)).contains("nothing is broken"));
}

async fn two_programs_that_open_a_restored_database_hold_each_message_once(world: World) {
    world.set_clock(Utc::now());
    let numbers = world.import_many(11);
    for number in &numbers[..10] {
        world.press_refresh(number).await;
    }
    let now = Utc::now().naive_utc();
    world.write(|db| restorations::mark(db, now));
    let logs = ["one", "other"].map(|name| world.database.directory.path().join(name));
    let programs = logs.each_ref().map(|log| serve(&world, &world.database, true, "127.0.0.1:0", log));
    until("both are at work", || programs_at_work(&world) == 2).await;
    // What is written later for a payment of later goes out, and nothing before it.
    world.set_clock(Utc::now());
    world.import(&[revised(OTHER, "PI-1013/2022-23/000001", &PEOPLE[..1]).created(Utc::now())]);
    world.press_refresh(OTHER).await;
    until("that is sent", || world.gateway.count() == 1).await;
    let held = outbox_events::table.filter(outbox_events::what.eq(MessageEventKind::Held.as_str()));
    let held: i64 = world.read(|db| Ok(held.count().get_result(db)?));
    assert_eq!(held, 30, "each is held once");
    let stands = |state: MessageState| {
        messages(&world.app.store).iter().filter(|message| message.state == state).count()
    };
    until("its answer is recorded", || stands(MessageState::Sent) == 1).await;
    assert_eq!((stands(MessageState::Held), world.gateway.count()), (30, 1));
    let said: String = logs.iter().map(|log| std::fs::read_to_string(log).unwrap()).collect();
    assert_eq!(said.matches("30 messages that waited are held").count(), 1, "{said}");
    assert!(said.contains("of 1 payment instructions that are In Process"), "{said}");
    programs.into_iter().for_each(Program::kill);

    // The mark is spent: a program that opens it later holds nothing more.
    world.database.execute(
        "UPDATE outbox_messages SET state = 'waiting', next_attempt_at = '2024-01-01 00:00:00' WHERE state = 'held'",
    );
    drop(world.another_app().await);
    assert_eq!(stands(MessageState::Waiting), 30);
}

async fn what_may_have_been_sent_already_is_held_until_a_person_says_yes(world: World) {
    let opened = world.app.clock.now() + TimeDelta::hours(3);
    world.pay(&pair(PEOPLE)).await;
    let without = original("PI-9/1", PEOPLE);
    let paid = |number: &str| revised(number, ORIGINAL, &PEOPLE[..1]);
    world.import(&[without, paid("PI-9/2").person(0, "benfMobileNo", serde_json::Value::Null)]);
    world.press_refresh("PI-9/2").await;
    world.import(&[paid(OTHER)]);
    let mark = world.app.clock.now().naive_utc();
    world.write(|db| restorations::mark(db, mark));
    world.later(TimeDelta::hours(3));
    drop(world.another_app().await);

    let of = |number: &str| {
        let all = world.messages();
        all.into_iter().filter(|one| one.number == number).map(|one| one.state).collect::<Vec<_>>()
    };
    use MessageState::{Failed, Held, Sent, Waiting};
    assert_eq!(of(crate::support::REVISED), [Held; 3]);
    assert_eq!(of("PI-9/2"), [Failed]);
    // The number that was wanting came and was told in the time that is lost, perhaps.
    world.import(&[paid("PI-9/2")]);
    assert_eq!(of("PI-9/2"), [Held]);
    // What was In Process at the opening.
    world.press_refresh(OTHER).await;
    assert_eq!(of(OTHER), [Held]);
    // What MUKTASoft made in that time was here before, perhaps; what it makes later was not.
    world.import(&[
        paid("PI-9/3").created(opened - TimeDelta::hours(1)),
        paid("PI-9/4").created(opened + TimeDelta::hours(1)),
    ]);
    world.press_refresh("PI-9/3").await;
    world.press_refresh("PI-9/4").await;
    assert_eq!((of("PI-9/3"), of("PI-9/4")), (vec![Held], vec![Waiting]));
    world.deliver().await;
    assert_eq!((of("PI-9/4"), world.gateway.count()), (vec![Sent], 1));

    let page = world.get("/messages").await;
    assert!(page.words("#restored").contains("The data here was restored from a backup of 31/03/2024 15:30"));
    assert!(page.text.contains("whether this message was sent already is not known"), "{}", page.text);
    let jatni = world.browser_of("bina", Role::Accountant, "od.jatni").await;
    assert_eq!(jatni.get("/messages").await.all("#restored").len(), 1);
    let elsewhere = world.browser_of("chitra", Role::Accountant, "od.dhenkanal").await;
    assert_eq!(elsewhere.get("/messages").await.all("#restored").len(), 0);

    let held: Vec<i64> = world.messages().iter().filter(|one| one.state == Held).map(|one| one.id).collect();
    for id in &held {
        world.send_again(*id).await;
    }
    world.deliver().await;
    assert_eq!(world.gateway.count(), 1 + held.len());
    assert_eq!(events(&world, held[0])[0], (MessageEventKind::Held, None, true));
    // Nothing is left to say.
    assert_eq!(world.get("/messages").await.all("#restored").len(), 0);
}

async fn a_database_is_marked_only_while_no_program_is_at_work(world: World) {
    let restored = |instant: &str| {
        with_database(&["restored", "--backed-up-at", instant], &world.database).output().unwrap()
    };
    let log = world.database.directory.path().join("log");
    let program = serve(&world, &world.database, false, "127.0.0.1:0", &log);
    until("it is at work", || programs_at_work(&world) == 1).await;
    let refused = restored("2024-03-31T10:00:00Z");
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("a program is at work on this database"), "{}", stderr(&refused));
    program.kill();
    for (instant, problem) in
        [("yesterday", "it is no instant"), ("2124-03-31T10:00:00Z", "lies in the future")]
    {
        let refused = restored(instant);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
        assert!(stderr(&refused).contains(problem), "{}", stderr(&refused));
        assert_eq!(stderr(&refused).lines().count(), 1, "{}", stderr(&refused));
    }
    let marked = restored("2024-03-31T10:00:00+05:30");
    assert_eq!(marked.status.code(), Some(0), "{}", stderr(&marked));
    assert!(stdout(&marked).contains("2024-03-31T04:30:00Z"), "{}", stdout(&marked));
    // A program that was killed is not waited for a second time.
    assert_eq!(programs_at_work(&world), 0);
}

#[test]
fn nothing_is_marked_where_no_database_is() {
    let database = ScratchDatabase::new(Kind::Sqlite);
    let output =
        with_database(&["restored", "--backed-up-at", "2024-03-31T10:00:00Z"], &database).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("restore it first"), "{}", stderr(&output));
    assert!(!Path::new(database.file()).exists());
}

/// Every name in a directory.
fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_whole_and_its_owners_alone_or_it_is_not_there() {
    let world = World::start(Kind::Sqlite).await;
    world.import_pair(PEOPLE);
    let place = tempfile::tempdir().unwrap();
    let back_up_to = |path: &Path| {
        let mut command = program(&["backup"]);
        command.arg(path).env("DATABASE_URL", &world.database.url_text).output().unwrap()
    };
    let path = place.path().join("it's a copy.db");
    let made = back_up_to(&path);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(place.path()), ["it's a copy.db"], "nothing beside it");

    // What is there is never written over.
    let whole = std::fs::read(&path).unwrap();
    let refused = back_up_to(&path);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("there is something of that name already"), "{}", stderr(&refused));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    let nowhere = back_up_to(&place.path().join("not there").join("copy.db"));
    assert_eq!(nowhere.status.code(), Some(1));
    assert!(stderr(&nowhere).contains("No such file"), "{}", stderr(&nowhere));
    assert_eq!(stderr(&nowhere).lines().count(), 1);
    let onto_itself = back_up_to(Path::new(world.database.file()));
    assert_eq!(onto_itself.status.code(), Some(1));
    // Nor does it become a log of the database's, which it would be rolled back by.
    for log in ["-journal", "-wal", "-shm"] {
        let name = format!("test.db{log}");
        let other_way = world.database.directory.path().join(".").join(&name);
        for path in [PathBuf::from(format!("{}{log}", world.database.file())), other_way] {
            let refused = back_up_to(&path);
            assert_eq!(refused.status.code(), Some(1), "{name}");
            assert!(stderr(&refused).contains("a log of the database itself"), "{}", stderr(&refused));
            assert!(log != "-journal" || !path.exists(), "{name} was not there");
        }
    }

    // A damaged page is not copied into a backup that looks whole.
    world.write(|db| {
        diesel::sql_query("CREATE TABLE filler (text)").execute(db)?;
        diesel::sql_query(
            "INSERT INTO filler WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 300) \
             SELECT hex(randomblob(2000)) FROM n",
        )
        .execute(db)?;
        Ok(())
    });
    world.app.store.compact().unwrap();
    let file = world.database.file();
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() - 20 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    let damaged = place.path().join("damaged.db");
    std::fs::write(&damaged, bytes).unwrap();
    std::fs::set_permissions(&damaged, Permissions::from_mode(0o600)).unwrap();
    let copy = place.path().join("copy of damaged.db");
    let mut command = program(&["backup"]);
    command.arg(&copy).env("DATABASE_URL", format!("sqlite://{}", damaged.display()));
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("no copy was made at"), "{}", stderr(&refused));
    assert!(
        names(place.path()).iter().all(|name| !name.contains("copy of damaged")),
        "{:?}",
        names(place.path())
    );
}

#[test]
fn a_backup_of_what_cannot_be_copied_says_what_to_do() {
    let refused = |database: &ScratchDatabase| {
        let mut command = program(&["backup"]);
        let path = database.directory.path().join("copy");
        let output = command.arg(&path).env("DATABASE_URL", &database.url_text).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(!path.exists());
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
        stderr(&output)
    };
    let postgres = ScratchDatabase::new(Kind::Postgres);
    let told = refused(&postgres);
    assert!(told.contains("pg_dump") && told.contains("restored --backed-up-at INSTANT"), "{told}");
    let none = ScratchDatabase::new(Kind::Sqlite);
    assert!(refused(&none).contains("there is nothing to back up"));
    assert!(!Path::new(none.file()).exists());
    let older = ScratchDatabase::new(Kind::Sqlite);
    assert!(with_database(&["migrate"], &older).status().unwrap().success());
    older.execute("DELETE FROM __diesel_schema_migrations WHERE version > '20261130000020'");
    assert!(refused(&older).contains("schema of another version"));
}
