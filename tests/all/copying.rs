//! `copy`: everything of a SQLite database into an empty PostgreSQL one.

use std::process::{Output, Stdio};

use crate::support::{
    Kind, PEOPLE, Program, REVISED, ScratchDatabase, World, document, fed, pair, program, stderr, stdout,
    with_database,
};

fn copied(from: &ScratchDatabase, to: &ScratchDatabase) -> Output {
    with_database(&["copy", "--to", &to.url_text], from).output().unwrap()
}

fn done(args: &[&str], database: &ScratchDatabase) -> String {
    let output = with_database(args, database).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

/// A world with something in nearly every table.
async fn lived_in() -> World {
    let world = World::start(Kind::Sqlite).await;
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    world.import_many(3);
    let run = world.begun_by_hand().await;
    world.ask_in(&run, "PI-1013/2023-24/000002").await;
    let wrong =
        world.browser.post("/sign-in", &[("username", "nobody"), ("password", "ସବିତା's \"\\ guess")]).await;
    assert_ne!(wrong.status, 500);
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_over() {
    let world = lived_in().await;
    let target = ScratchDatabase::new(Kind::Postgres);
    let output = copied(&world.database, &target);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.starts_with("copied ") && told.ends_with(" tables, and compared each\n"), "{told}");
    for args in [&["export"][..], &["user", "list"], &["verify"]] {
        assert_eq!(done(args, &target), done(args, &world.database), "{args:?}");
    }
    // Numbers are drawn from where they were, and the chains go on.
    let more = pair(&["BN-0002/000001"]).map(|one| {
        one.but(|one| {
            for key in ["jitBillNo", "parentPiNumber"] {
                if let Some(number) = one[key].as_str() {
                    one[key] = number.replace("2023-24", "2024-25").into();
                }
            }
        })
    });
    let imported = fed(with_database(&["import", "-"], &target), &document(&more));
    assert_eq!(stdout(&imported), "imported 2: 2 created, 0 updated, 0 unchanged\n", "{}", stderr(&imported));
    done(&["verify"], &target);
    // It is no target any more.
    let again = copied(&world.database, &target);
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is in use"), "{}", stderr(&again));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_broke_off_is_opened_by_nobody_and_goes_on() {
    let world = lived_in().await;
    let (target, late) = (ScratchDatabase::new(Kind::Postgres), ScratchDatabase::new(Kind::Postgres));
    for database in [&target, &late] {
        done(&["migrate"], database);
        database.execute("ALTER TABLE outbox_messages ADD CONSTRAINT poison CHECK (utr = '')");
        let broken = copied(&world.database, database);
        assert_eq!(broken.status.code(), Some(1), "{}", stdout(&broken));
        assert!(stderr(&broken).contains("poison"), "{}", stderr(&broken));
        for args in [&["user", "list"][..], &["export"], &["migrate"]] {
            let refused = with_database(args, database).output().unwrap();
            assert_eq!(refused.status.code(), Some(1), "{args:?}");
            assert!(stderr(&refused).contains("is not finished"), "{args:?}: {}", stderr(&refused));
        }
        database.execute("ALTER TABLE outbox_messages DROP CONSTRAINT poison");
    }
    let output = copied(&world.database, &target);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(done(&["export"], &target), done(&["export"], &world.database));

    // Another database, and one that was written to since, do not go on.
    let other = World::start(Kind::Sqlite).await;
    other.later(chrono::Duration::seconds(1));
    other.import_pair(PEOPLE);
    let refused = copied(&other.database, &late);
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    world.database.execute("UPDATE payment_instructions SET net_paise = net_paise + 1");
    let refused = copied(&world.database, &late);
    assert_eq!(refused.status.code(), Some(1), "{}", stdout(&refused));
    assert!(stderr(&refused).contains("of payment_instructions, "), "{}", stderr(&refused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_copied_is_refused_before_anything_is_done() {
    let world = World::start(Kind::Sqlite).await;
    world.import_pair(PEOPLE);
    let (target, empty) = (ScratchDatabase::new(Kind::Postgres), ScratchDatabase::new(Kind::Sqlite));
    for (from, to) in [(&world.database, &empty), (&target, &target)] {
        let refused = copied(from, to);
        assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    }
    let told = stderr(&copied(&empty, &target));
    assert!(told.contains("nothing to copy"), "{told}");
    assert_eq!(program(&["copy"]).output().unwrap().status.code(), Some(2));

    let serve = Program::start(world.program(&["serve"]).stderr(Stdio::null()));
    let at_work = || stderr(&copied(&world.database, &target)).contains("is at work");
    world.until(at_work).await;
    serve.stop();
    let filled = World::start(Kind::Postgres).await;
    filled.import_pair(PEOPLE);
    let before = done(&["export"], &filled.database);
    let refused = copied(&world.database, &filled.database);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("is in use"), "{}", stderr(&refused));
    assert_eq!(done(&["export"], &filled.database), before);
    assert!(before.contains(REVISED));
}

/// Makes PostgreSQL take that long over the one row of `data_keys`.
fn slow(target: &ScratchDatabase, seconds: u32) {
    target.execute(&format!(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep({seconds}); RETURN true; END $$; \
         ALTER TABLE data_keys ADD CONSTRAINT slow CHECK (slow())"
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_into_the_source_while_it_is_copied() {
    let world = lived_in().await;
    let target = ScratchDatabase::new(Kind::Postgres);
    done(&["migrate"], &target);
    slow(&target, 20);
    let copying = Program::start(
        with_database(&["copy", "--to", &target.url_text], &world.database).stderr(Stdio::piped()),
    );
    let asleep = || {
        target
            .try_to_execute(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                 AND wait_event = 'PgSleep') THEN RAISE EXCEPTION 'not yet'; END IF; END $$",
            )
            .is_ok()
    };
    world.until(asleep).await;
    let serve = Program::start(world.program(&["serve"]).stderr(Stdio::piped()));
    let (code, log) = serve.ended_by_itself();
    assert!(asleep(), "all that time it was copying");
    assert_eq!(code, Some(1), "{log}");
    let last = log.lines().last().unwrap_or_default();
    assert!(last.contains("database is locked") && last.contains("`mukta-ftps copy`"), "{log}");
    let (code, log) = copying.ended_by_itself();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(done(&["export"], &target), done(&["export"], &world.database));
    assert_eq!(done(&["verify"], &target), done(&["verify"], &world.database));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_is_killed_at_its_first_table_is_opened_by_nobody_and_goes_on() {
    let world = lived_in().await;
    // Of a program that was killed: it is looked out for before the copy begins.
    world.database.execute(
        "INSERT INTO program_state (name, noted_at) VALUES ('program dead seals with 00', '2020-01-01 00:00:00')",
    );
    let target = ScratchDatabase::new(Kind::Postgres);
    let copying = Program::start(
        with_database(&["copy", "--to", &target.url_text], &world.database).stderr(Stdio::null()),
    );
    let began = std::time::Instant::now();
    while target.try_to_execute("SELECT FROM program_state").is_err() {
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "a schema is made");
    }
    copying.kill();
    for args in [&["user", "list"][..], &["export"], &["migrate"]] {
        let refused = with_database(args, &target).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{args:?}: {}", stdout(&refused));
        assert!(stderr(&refused).contains("is not finished"), "{args:?}: {}", stderr(&refused));
    }
    let output = copied(&world.database, &target);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(done(&["export"], &target), done(&["export"], &world.database));
    assert_eq!(done(&["verify"], &target), done(&["verify"], &world.database));
}
