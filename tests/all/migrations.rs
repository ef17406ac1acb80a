//! Databases with a past: each migration over rows as old as those before it, the program over the
//! result, and the way back (migrations/README.md).

mod past;
mod refolding;
mod word_lists;

use std::os::unix::fs::PermissionsExt;

use diesel::connection::SimpleConnection;
use mukta_ftps::access::Role;
use mukta_ftps::store::Store;

use crate::support::{Browser, Kind, World, on_both, words};
use past::{Past, connection, lines, steps};

/// What stands beside a SQLite file of that name.
fn copies(file: &str) -> Vec<String> {
    let directory = std::path::Path::new(file).parent().unwrap();
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm") && name != "test.db")
        .collect();
    names.sort();
    names
}

/// A copy of the file as it was is kept, once, whoever of several programs comes first; none is written over.
#[test]
fn an_older_file_is_copied_before_it_is_migrated() {
    const LAST: &str = "SELECT max(version) AS line FROM __diesel_schema_migrations";
    const NUMBERS: &str = "SELECT number AS line FROM payment_instructions ORDER BY id";
    let mut past = Past::filled_up_to(Kind::Sqlite, "000024");
    let before = (past.lines(LAST), past.lines(NUMBERS), past.schema());
    let Past { database, db, .. } = past;
    drop(db);
    let file = database.file();
    let open = || {
        std::thread::scope(|threads| {
            let opened = [0; 3].map(|_| threads.spawn(|| Store::open(&database.url).map(drop)));
            opened.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
        })
    };
    open();
    assert_eq!(copies(file), ["test.db.before-000025"]);
    let kept = format!("{file}.before-000025");
    let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    open();
    assert_eq!(copies(file).len(), 1, "what is up to date is not copied");

    // The way back, and forward again.
    for end in ["", "-wal", "-shm"] {
        let _gone = std::fs::remove_file(format!("{file}{end}"));
    }
    std::fs::copy(&kept, file).unwrap();
    let mut again = Past { db: connection(&database, Kind::Sqlite), database, kind: Kind::Sqlite };
    assert_eq!((again.lines(LAST), again.lines(NUMBERS), again.schema()), before);
    let Past { database, db, .. } = again;
    drop(db);
    drop(Store::open(&database.url).unwrap());
    assert_eq!(copies(database.file()), ["test.db.before-000025", "test.db.before-000025-2"]);
}

#[test]
fn a_file_that_cannot_be_copied_whole_is_not_migrated() {
    let mut past = Past::filled_up_to(Kind::Sqlite, "000029");
    past.db.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let page: usize = past
        .lines("SELECT CAST(rootpage AS TEXT) AS line FROM sqlite_master WHERE name = 'recovery_codes'")[0]
        .parse()
        .unwrap();
    let Past { database, db, .. } = past;
    drop(db);
    let mut bytes = std::fs::read(database.file()).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xa5);
    std::fs::write(database.file(), &bytes).unwrap();
    let Err(fault) = Store::open(&database.url) else { panic!("it is not opened") };
    assert!(fault.to_string().contains("could not be brought up to date: no copy was made at"), "{fault}");
    assert_eq!(copies(database.file()), [""; 0]);
    let last = lines(
        &mut connection(&database, Kind::Sqlite),
        "SELECT max(version) AS line FROM __diesel_schema_migrations",
    );
    assert_eq!(last, ["20261130000029"]);
}

on_both!(
    every_page_opens_over_rows_as_old_as_their_migrations,
    every_migration_is_taken_back_over_its_rows_and_applied_again,
);

/// What people type, and the instruction that holds such a name: filled in with two blanks and
/// letters beyond ASCII, by the backfill of 000005 or by the program since.
const NAMES: &[(&str, &str)] = &[
    ("sabita nayak", "PI-1013/2023-24/000112"),
    ("élise mahapatra", "PI-1013/2023-24/000256"),
    ("ÉLISE", "PI-1013/2023-24/000256"),
    ("ସବିତା ନାୟକ", "PI-1013/2023-24/000256"),
    ("LAXMI MAJHI", "PI-1013/2023-24/000257"),
    ("bikash behera", "PI-2207/2023-24/000031"),
    ("rabindra pradhan", "PI-1013/2023-24/000260"),
    ("çiçek ørsted", "PI-1013/2023-24/000305"),
    ("ÜNAL DAS", "PI-1013/2023-24/000307"),
    ("özge sethi", "PI-1013/2023-24/000308"),
    ("wb/2023-24/000513", "PI-1013/2023-24/000112"),
];

async fn found(browser: &Browser, q: &str) -> Vec<String> {
    let address = reqwest::Url::parse_with_params("http://x/payment-instructions", [("q", q)]).unwrap();
    let page = browser.get(&format!("/payment-instructions?{}", address.query().unwrap())).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.all("tbody th a").into_iter().map(words).collect()
}

async fn every_name_is_found(world: &World) {
    for (typed, number) in NAMES {
        assert_eq!(found(&world.browser, typed).await, [*number], "{typed}");
    }
}

/// Opens a page and expects all of that on it.
async fn shows(browser: &Browser, path: &str, expected: &[&str]) {
    let page = browser.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text);
    for words in expected {
        assert!(page.text.contains(words), "{path} lacks {words}: {}", page.text);
    }
}

async fn every_page_shows_its_rows(world: &World, kind: Kind) {
    let mut db = connection(&world.database, kind);
    let browser = &world.browser;
    shows(browser, "/payment-instructions", &["PI-1013/2023-24/000256", "PI-1013/2023-24/000258"]).await;
    let numbers = lines(&mut db, "SELECT number AS line FROM payment_instructions ORDER BY id");
    let all: Vec<&str> = numbers.iter().map(String::as_str).collect();
    shows(browser, "/payment-instructions?tab=all", &all).await;
    shows(browser, "/payment-instructions.csv?tab=all", &all).await;
    for number in &numbers {
        shows(browser, &format!("/payment-instructions/{number}"), &[number]).await;
        shows(browser, &format!("/payment-instructions/{number}/calls"), &[number]).await;
    }
    shows(browser, "/payment-instructions/PI-1013/2023-24/000112", &["Sabita  Nayak", "202311033261"]).await;
    shows(browser, "/payment-instructions/PI-1013/2023-24/000257", &["RBI32400228", "1111", "V-77"]).await;
    shows(browser, "/payment-instructions/PI-1013/2023-24/000256/calls", &["Bill is pending"]).await;
    for id in lines(&mut db, "SELECT CAST(id AS TEXT) AS line FROM ftps_calls WHERE call_ref = 'call-1'") {
        let calls = "/payment-instructions/PI-1013/2023-24/000256/calls";
        let page = browser.get(&browser.post(calls, &[("call", &id)]).await.location()).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("30131500010226"), "opened with the data key: {}", page.text);
    }
    shows(browser, "/sync-runs", &["data-run-state=\"interrupted\"", "data-run-state=\"running\""]).await;
    for id in lines(&mut db, "SELECT CAST(id AS TEXT) AS line FROM sync_runs") {
        shows(browser, &format!("/sync-runs/{id}"), &["data-expected"]).await;
    }
    shows(browser, "/sync-runs/1", &["PI-1013/2023-24/000258", "No response is received."]).await;
    shows(browser, "/messages", &["Laxmi   Majhi", "Rabindra Pradhan", "HTTP status 503", "chitra"]).await;
    for state in ["waiting", "sent", "failed", "unknown"] {
        let marked = format!("data-message-state=\"{state}\"");
        shows(browser, &format!("/messages?state={state}"), &[&marked]).await;
    }
    for id in lines(
        &mut db,
        "SELECT CAST(id AS TEXT) AS line FROM outbox_messages WHERE state IN ('failed', 'unknown')",
    ) {
        shows(browser, &format!("/messages/{id}/resend"), &["PI-1013/2023-24/000260"]).await;
    }
    shows(browser, "/audit", &["PI-1013/2023-24/000256, call 1", "192.0.2.7", "root"]).await;
    assert_eq!(world.app.sync.vitals().look().await, Ok(()));
}

async fn what_came_back_is_shown(browser: &Browser) {
    shows(browser, "/payment-instructions?tab=needs-you", &["PI-1013/2023-24/000312"]).await;
    shows(
        browser,
        "/payment-instructions/PI-1013/2023-24/000312",
        &["data-returned", "Account does not exist."],
    )
    .await;
    shows(browser, "/payment-instructions/PI-1013/2023-24/000313", &["Insufficient Fund"]).await;
}

async fn its_employees_sign_in(world: &World) {
    for (name, language) in [("bina", "en"), ("dipti", "en"), ("ela", "or"), ("farah", "hi")] {
        let browser = Browser::new(world.address);
        browser.sign_in(name).await;
        let page = browser.get("/payment-instructions?tab=all").await;
        assert_eq!((page.status, page.attr("html", "lang").as_str()), (200, language), "{name}");
        assert!(page.text.contains("PI-1013/2023-24/000112"), "{name}: {}", page.text);
        assert!(page.text.contains("PI-2207/2023-24/000031") != (name == "bina"), "{name} sees their own");
    }
    let auditor = Browser::new(world.address);
    auditor.sign_in("indu").await;
    assert_eq!(auditor.get("/payment-instructions").await.location(), "/account/password");
    let disabled = Browser::new(world.address);
    let refused = disabled.try_to_sign_in("gone", crate::support::PASSWORD).await;
    assert_eq!(refused.location(), "/sign-in");
    world.browser_of("hari", Role::Accountant, "od.dhenkanal").await;
}

async fn every_page_opens_over_rows_as_old_as_their_migrations(kind: Kind) {
    let Past { database, db, .. } = Past::filled(kind);
    drop(db);
    let world = World::over(database).await;
    every_page_shows_its_rows(&world, kind).await;
    what_came_back_is_shown(&world.browser).await;
    every_name_is_found(&world).await;
    its_employees_sign_in(&world).await;
}

/// After every step down the schema is that of the step before, whatever rows there are.
async fn every_migration_is_taken_back_over_its_rows_and_applied_again(kind: Kind) {
    let mut past = Past::new(kind);
    let mut schemas = vec![past.schema()];
    for step in steps(kind) {
        past.step_up();
        schemas.push(past.schema());
        past.fill(&step);
    }
    for (step, schema) in steps(kind).iter().zip(&schemas).rev() {
        past.step_down();
        assert_eq!(&past.schema(), schema, "{step} down");
        past.step_up();
        past.step_down();
        assert_eq!(&past.schema(), schema, "{step} down, up and down again");
    }
    assert_eq!(past.tables(), [""; 0]);
    for (step, schema) in steps(kind).iter().zip(&schemas[1..]) {
        past.step_up();
        assert_eq!(&past.schema(), schema, "{step} up again");
        past.fill(step);
    }
    let world = World::over(past.database).await;
    every_name_is_found(&world).await;
}
