//! What the operator's tools are told: whether the program can serve, and how each part is.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::sync::scheduler::Scheduler;
use serde_json::Value;

use crate::support::{Door, Kind, PEOPLE, Page, ScratchDatabase, World, on_both, pair};

on_both!(
    each_part_is_told_to_this_machine_and_to_others_in_a_word,
    a_database_that_takes_no_writes_is_not_ready,
    a_database_that_is_busy_is_ready,
    a_schema_that_became_newer_is_not_ready,
    what_only_deserves_a_look_leaves_the_program_ready,
);

impl World {
    /// The program with its scheduler, which has tried its first write.
    async fn scheduled(&self) -> Scheduler {
        let scheduler = Scheduler::start(self.app.sync.clone()).unwrap();
        self.until(|| self.app.sync.vitals().wrote().is_some()).await;
        scheduler
    }

    /// Has the scheduler try a write, now.
    async fn tries_a_write(&self) {
        // Nobody is at it: the scheduler's own is over in between.
        let before = self.app.sync.vitals().wrote().map(|found| found.at);
        while self.app.sync.vitals().wrote().map(|found| found.at) == before {
            self.app.sync.vitals().try_a_write_soon().await.unwrap();
        }
    }

    /// What `/health/ready` answers a while later, when what was found out before does not count any more.
    async fn ready(&self) -> Page {
        tokio::time::sleep(Duration::from_millis(600)).await;
        self.get("/health/ready").await
    }

    /// The same as somebody elsewhere is told it.
    async fn ready_from_elsewhere(&self) -> (u16, String) {
        let client = reqwest::Client::new();
        let asked = client.get(self.browser.url("/health/ready")).header("x-forwarded-for", "192.0.2.7");
        let answer = asked.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

fn part(page: &Page, name: &str) -> Value {
    let told: Value = serde_json::from_str(&page.text).unwrap();
    told["parts"][name].clone()
}

/// That page says so of that part, in words that hold those.
#[track_caller]
fn says(page: &Page, status: u16, name: &str, state: &str, words: &str) {
    let part = part(page, name);
    let told = part["told"].as_str().unwrap_or_default();
    assert!(page.status == status && part["state"] == state && told.contains(words), "{}", page.text);
}

async fn each_part_is_told_to_this_machine_and_to_others_in_a_word(world: World) {
    says(&world.ready().await, 503, "scheduler", "fault", "the scheduler has not begun");
    assert_eq!(world.ready_from_elsewhere().await, (503, "not ready".to_owned()));
    let _scheduler = world.scheduled().await;
    world.until(|| world.app.sync.scheduler_silent_for().is_some()).await;
    let page = world.ready().await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(page.headers["content-type"], "application/json");
    for name in ["database", "schema", "scheduler", "night", "jit", "gateway", "clock"] {
        says(&page, 200, name, "ok", "");
    }
    // A machine of tests may have little room.
    assert!(part(&page, "disk")["state"] != "fault", "{}", page.text);
    assert_eq!(part(&page, "night")["next"], "2024-03-31T16:30:00Z");
    assert_eq!(world.ready_from_elsewhere().await, (200, "ok".to_owned()));
    assert_eq!(world.get("/health/live").await.text, "ok");
}

async fn a_database_that_takes_no_writes_is_not_ready(world: World) {
    let _scheduler = world.scheduled().await;
    assert_eq!(world.ready().await.status, 200);
    let (name, words) = match world.database.kind {
        Kind::Sqlite => {
            world.database.execute(
                "CREATE TRIGGER full BEFORE UPDATE ON program_state WHEN NEW.name = 'a write was tried' \
                 BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
            );
            (String::new(), "database or disk is full")
        }
        Kind::Postgres => {
            let (_, name) = world.database.url_text.rsplit_once('/').unwrap();
            world.database.execute(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
            (name.to_owned(), "read-only")
        }
    };
    world.tries_a_write().await;
    says(&world.ready().await, 503, "database", "fault", words);
    assert_eq!(world.ready_from_elsewhere().await, (503, "not ready".to_owned()));
    world.database.execute(&match world.database.kind {
        Kind::Sqlite => "DROP TRIGGER full".to_owned(),
        Kind::Postgres => {
            format!("BEGIN READ WRITE; ALTER DATABASE {name} RESET ALL; COMMIT")
        }
    });
    world.tries_a_write().await;
    assert_eq!(world.ready().await.status, 200);
}

async fn a_database_that_is_busy_is_ready(world: World) {
    let _scheduler = world.scheduled().await;
    let hold = "UPDATE program_state SET noted_at = noted_at WHERE name = 'a write was tried'";
    let mut sqlite;
    let mut postgres;
    match world.database.kind {
        Kind::Sqlite => {
            sqlite = SqliteConnection::establish(world.database.file()).unwrap();
            sqlite.batch_execute(&format!("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE; {hold}")).unwrap();
        }
        Kind::Postgres => {
            postgres = PgConnection::establish(&world.database.url_text).unwrap();
            postgres.batch_execute(&format!("BEGIN; {hold}")).unwrap();
        }
    }
    let begun = Instant::now();
    world.tries_a_write().await;
    assert!(begun.elapsed() > Duration::from_millis(900), "it waited for the other");
    assert_eq!(world.ready().await.status, 200);
}

async fn a_schema_that_became_newer_is_not_ready(world: World) {
    let _scheduler = world.scheduled().await;
    world.database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000099')");
    says(&world.ready().await, 503, "schema", "fault", "a newer version of this program");
    world.database.execute("DELETE FROM __diesel_schema_migrations WHERE version <> '20990101000099'");
    says(&world.ready().await, 503, "schema", "fault", "a newer version of this program");
    world.database.execute("DELETE FROM __diesel_schema_migrations");
    says(&world.ready().await, 503, "schema", "fault", "of another version of this program");
    world.database.execute("DROP TABLE __diesel_schema_migrations");
    says(&world.ready().await, 503, "schema", "fault", "of another version of this program");
}

async fn what_only_deserves_a_look_leaves_the_program_ready(world: World) {
    world.pay(&pair(PEOPLE)).await;
    world.gateway.otherwise(SmsScenario::Http503);
    world.deliver().await;
    world.set_clock(world.app.clock.now() - TimeDelta::hours(2));
    let _scheduler = world.scheduled().await;
    let page = world.ready().await;
    says(&page, 200, "clock", "warning", "7200 s behind what is stored");
    says(&page, 200, "gateway", "warning", "takes no messages");
    assert_eq!(part(&page, "gateway")["since"], "2024-03-31T10:00:00Z");
    assert_eq!(world.ready_from_elsewhere().await, (200, "ok".to_owned()));
}

/// Recorded into a file that nobody can open any more: what was seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_deleted_or_replaced_is_noticed() {
    for (is_replaced, words) in
        [(false, "was deleted under the program"), (true, "was replaced under the program")]
    {
        let world = World::start(Kind::Sqlite).await;
        let _scheduler = world.scheduled().await;
        assert_eq!(world.ready().await.status, 200);
        let (file, aside) = (world.database.file(), world.database.directory.path().join("aside.db"));
        if is_replaced {
            std::fs::copy(file, &aside).unwrap();
            std::fs::rename(&aside, file).unwrap();
        } else {
            std::fs::rename(file, &aside).unwrap();
        }
        says(&world.ready().await, 503, "database", "fault", words);
        world.tries_a_write().await;
        says(&world.ready().await, 503, "database", "fault", words);
        assert!(is_replaced || !std::fs::exists(file).unwrap(), "no new one is made");
        if !is_replaced {
            std::fs::rename(&aside, file).unwrap();
            world.tries_a_write().await;
            assert_eq!(world.ready().await.status, 200, "it was put back");
        }
    }
}

/// With PostgreSQL stopped it took 10 s to say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_or_is_gone_is_told_within_a_second() {
    let mut database = ScratchDatabase::new(Kind::Postgres);
    let mut door = Door::to(&database.url_text);
    door.open();
    let mut url: reqwest::Url = database.url_text.parse().unwrap();
    url.set_port(Some(door.port())).unwrap();
    database.url_text = url.to_string();
    database.url = database.url_text.parse().unwrap();
    let world = World::over(database).await;
    let _scheduler = world.scheduled().await;
    assert_eq!(world.ready().await.status, 200);

    door.freeze();
    for _ in 0..3 {
        let (asked, page) = (Instant::now(), world.get("/health/ready").await);
        assert!(asked.elapsed() < Duration::from_millis(1900), "{:?}", asked.elapsed());
        if page.status == 200 {
            // What was found right before still counts.
            tokio::time::sleep(Duration::from_millis(600)).await;
            continue;
        }
        says(&page, 503, "database", "fault", "the database does not answer");
    }
    let asked = Instant::now();
    assert_eq!(world.ready_from_elsewhere().await, (503, "not ready".to_owned()));
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());

    door.shut();
    // Those that waited have heard it.
    world.until(|| true).await;
    let mut page = world.ready().await;
    for _ in 0..20 {
        if part(&page, "database")["told"].as_str().is_some_and(|told| told.contains("cannot be reached")) {
            break;
        }
        page = world.ready().await;
    }
    says(&page, 503, "database", "fault", "cannot be reached");
    let asked = Instant::now();
    assert_eq!(world.get("/health/ready").await.status, 503);
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());

    door.open();
    for _ in 0..40 {
        if world.ready().await.status == 200 {
            return;
        }
    }
    panic!("it comes back: {}", world.ready().await.text);
}
