//! What the operator's tools are told: whether the program can serve, and how each part is.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::sql_types::BigInt;
use diesel::{Connection, PgConnection, RunQueryDsl, SqliteConnection};
use mukta_ftps::simulator::sms::SmsScenario;
use mukta_ftps::store::sync_runs;
use mukta_ftps::sync::scheduler::Scheduler;
use mukta_ftps::web::Sessions;
use serde_json::Value;

use crate::support::{
    Browser, Door, Kind, PEOPLE, Page, Program, REVISED, ScratchDatabase, World, at, endless_sessions, fed,
    on_both, pair, stderr, stdout, with_database,
};

on_both!(
    each_part_is_told_to_this_machine_and_to_others_in_a_word,
    a_database_that_takes_no_writes_is_not_ready,
    a_database_that_is_busy_is_ready,
    a_schema_that_became_newer_is_not_ready,
    what_only_deserves_a_look_leaves_the_program_ready,
    the_figures_tell_what_the_program_does,
    what_the_tools_ask_costs_next_to_nothing,
    a_request_is_found_again_by_its_number,
    the_call_of_a_refresh_bears_the_number_of_its_request,
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

/// It was noticed only where the tried write happened to need what was spoilt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_spoilt_under_the_program_is_noticed() {
    // The whole of it; all but the first page; where one table begins that a tried write has nothing to do with.
    for spoilt in ["count=$size", "seek=1 count=$((size-1))", "seek=$((root-1)) count=1"] {
        let world = World::start(Kind::Sqlite).await;
        world.pay(&pair(PEOPLE)).await;
        let _scheduler = world.scheduled().await;
        world.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
        world.tries_a_write().await;
        assert_eq!(world.ready().await.status, 200);
        let file = world.database.file();
        let root = "(SELECT rootpage FROM sqlite_schema WHERE name = 'payment_instructions')";
        let root: i64 = world.read(|db| Ok(diesel::select(sql::<BigInt>(root)).get_result(db)?));
        // By another process: who closes a file that SQLite has open takes its locks away.
        let script = format!(
            "root={root}; size=$(( $(stat -c %s '{file}') / 4096 )); dd if=/dev/zero of='{file}' bs=4096 conv=notrunc {spoilt}"
        );
        let ran = Command::new("sh").args(["-euc", &script]).output().unwrap();
        assert!(ran.status.success(), "{}", stderr(&ran));
        world.tries_a_write().await;
        says(&world.ready().await, 503, "database", "fault", "");
        assert_eq!(world.ready_from_elsewhere().await, (503, "not ready".to_owned()));
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

/// Prometheus's own checker has nothing to say.
fn promtool(args: &[&str], input: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(args);
    let checked = fed(promtool, input);
    assert!(checked.status.success(), "{} {}", stdout(&checked), stderr(&checked));
}

const RULES: &str = include_str!("../../deploy/alerts.yml");

/// The metrics that a text names.
fn named_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("mukta_ftps_"))
}

#[test]
fn the_rules_for_alerts_are_rules_of_prometheus() {
    promtool(&["check", "rules", concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/alerts.yml")], "");
    assert!(named_in(RULES).count() > 20);
}

/// The value of a metric, with its labels as they are written.
#[track_caller]
fn figure(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{sample} is not in:\n{page}")).parse().unwrap()
}

async fn the_figures_tell_what_the_program_does(world: World) {
    let _scheduler = world.scheduled().await;
    world.pay(&pair(PEOPLE)).await;
    world.deliver().await;
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world.set_clock(at("2024-03-31T17:00:00Z"));
    let night = world.app.sync.nights().latest_until(world.app.clock.now()).unwrap();
    world
        .until(|| {
            world
                .read(|db| sync_runs::nights_since(db, night.naive_utc()))
                .iter()
                .any(|run| run.finished_at.is_some())
        })
        .await;
    world.later(TimeDelta::seconds(90));
    assert_eq!(world.get("/payment-instructions/9876543210").await.status, 404);

    let answer = world.get("/metrics").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let page = &answer.text;
    for (sample, value) in [
        ("mukta_ftps_sync_paused", 0.0),
        ("mukta_ftps_ready", 1.0),
        ("mukta_ftps_part_ready{part=\"database\"}", 1.0),
        ("mukta_ftps_jit_call_duration_seconds_count{outcome=\"success\"}", 1.0),
        ("mukta_ftps_gateway_call_duration_seconds_count{outcome=\"accepted\"}", 3.0),
        ("mukta_ftps_outbox_messages{state=\"sent\"}", 3.0),
        ("mukta_ftps_outbox_messages{state=\"waiting\"}", 0.0),
        ("mukta_ftps_in_process_instructions", 0.0),
        ("mukta_ftps_sync_runs{state=\"finished\"}", 2.0),
        ("mukta_ftps_night_missing", 0.0),
        ("mukta_ftps_night_finished_age_seconds", 90.0),
        ("mukta_ftps_last_night_end_timestamp_seconds", 1_711_904_400.0),
        ("mukta_ftps_last_night_instructions{outcome=\"unasked\"}", 0.0),
        ("mukta_ftps_jit_circuit_open", 0.0),
        ("mukta_ftps_gateway_away", 0.0),
        ("mukta_ftps_database_connections_most", 4.0),
        ("mukta_ftps_answers_unrecorded", 0.0),
        (
            "mukta_ftps_http_request_duration_seconds_count{route=\"/payment-instructions/{tail:.+}\",method=\"POST\",\
             status=\"303\"}",
            1.0,
        ),
    ] {
        assert_eq!(figure(page, sample), value, "{sample}:\n{page}");
    }
    assert!(figure(page, "mukta_ftps_database_size_bytes") > 100_000.0, "{page}");
    assert!(page.contains("mukta_ftps_build_info{version=\"0.1.0\",build=\"0.1.0 ("), "{page}");
    promtool(&["check", "metrics"], page);
    let written: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .chain(["mukta_ftps_disk_free_bytes"])
        .collect();
    for named in named_in(RULES).chain(named_in(include_str!("../../docs/OPERATIONS.md"))) {
        let of_histogram = ["_bucket", "_count"].iter().find_map(|part| named.strip_suffix(part));
        assert!(written.contains(of_histogram.unwrap_or(named)), "{named} is not in:\n{page}");
    }
    assert!(
        !page.contains("987654") && !page.contains("PI-1013"),
        "nothing that somebody typed, no number: {page}"
    );

    let elsewhere = reqwest::Client::new().get(world.browser.url("/metrics"));
    let refused = elsewhere.header("x-forwarded-for", "192.0.2.7").send().await.unwrap();
    assert_eq!(refused.status(), 404);
}

/// Statements of all connections of this process, which is this test's own.
static STATEMENTS: AtomicUsize = AtomicUsize::new(0);

fn count_statements() {
    diesel::connection::set_default_instrumentation(|| {
        Some(Box::new(|event: diesel::connection::InstrumentationEvent<'_>| {
            if let diesel::connection::InstrumentationEvent::StartQuery { .. } = event {
                STATEMENTS.fetch_add(1, Ordering::Relaxed);
            }
        }))
    })
    .unwrap();
}

async fn what_the_tools_ask_costs_next_to_nothing(kind: Kind) {
    count_statements();
    let world = World::start(kind).await;
    world.import_many(300);
    world.app.sync.vitals().try_a_write_soon().await.unwrap();
    for path in ["/health/ready", "/metrics"] {
        let mut told = Vec::new();
        // The first opens its connection, or reads; then what is read anew, and what is not.
        for pause in [0, 6000, 0] {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            let (statements, asked) = (STATEMENTS.load(Ordering::Relaxed), Instant::now());
            assert!([200, 503].contains(&world.get(path).await.status));
            let took = asked.elapsed().as_micros();
            told.push((STATEMENTS.load(Ordering::Relaxed) - statements, took));
        }
        eprintln!(
            "{kind:?} {path}: (statements, µs) first {:?}, read anew {:?}, again {:?}",
            told[0], told[1], told[2]
        );
        assert!(told[1].0 <= 20, "{told:?}");
        assert_eq!(told[2].0, 0, "however many ask, the database is not: {told:?}");
    }
}

async fn a_request_is_found_again_by_its_number(world: World) {
    let sessions = Sessions { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..endless_sessions() };
    let behind_a_proxy = world.served_with(sessions).await;
    let answered = async |browser: &Browser, brought: &str| {
        let asked = browser.client.get(browser.url("/no-such-page")).header("x-request-id", brought);
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.headers().get_all("x-request-id").iter().count(), 1);
        answer.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(answered(&behind_a_proxy, "4bf92f35-77b3.4da6").await, "4bf92f35-77b3.4da6");
    for (browser, brought) in [
        (&world.browser, "4bf92f35"),
        (&behind_a_proxy, "two words"),
        (&behind_a_proxy, &"x".repeat(65)),
        (&behind_a_proxy, ""),
    ] {
        let made = answered(browser, brought).await;
        assert!(made != brought && made.len() == 16, "{made}");
    }
    assert_ne!(answered(&world.browser, "").await, answered(&world.browser, "").await);
}

async fn the_call_of_a_refresh_bears_the_number_of_its_request(world: World) {
    world.import_pair(PEOPLE);
    let answer = world.browser.post(&format!("/payment-instructions/{REVISED}/refresh"), &[]).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    let number = answer.headers["x-request-id"].to_str().unwrap();
    let calls = world.get(&format!("/payment-instructions/{REVISED}/calls")).await;
    assert_eq!(calls.words("[data-call-outcome] .facts code"), number);
    let verified = with_database(&["verify"], &world.database).output().unwrap();
    assert_eq!(verified.status.code(), Some(0), "{}", stderr(&verified));
}

/// With a listener of their own the operator's tools are told nothing on the pages' one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tools_have_a_listener_of_their_own_with_metrics_bind() {
    let world = World::start(Kind::Sqlite).await;
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (pages, tools) = (free(), free());
    let mut serve = world.program(&["serve"]);
    serve.env("HTTP_BIND", pages.to_string()).env("METRICS_BIND", tools.to_string());
    let program = Program::start(serve.stderr(Stdio::null()));
    let asked = async |address: SocketAddr, path: &str| {
        let client = reqwest::Client::new();
        let asked = client.get(format!("http://{address}{path}")).header("x-forwarded-for", "192.0.2.7");
        match asked.send().await {
            Ok(answer) => (answer.status().as_u16(), answer.text().await.unwrap()),
            Err(_) => (0, String::new()),
        }
    };
    for _ in 0..500 {
        if asked(pages, "/health/ready").await.0 == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(asked(pages, "/health/ready").await, (200, "ok".to_owned()));
    let local = Browser::new(pages);
    assert_eq!(local.get("/metrics").await.status, 404);
    assert_eq!(local.get("/health/ready").await.text, "ok");
    let (status, page) = asked(tools, "/metrics").await;
    assert_eq!((status, figure(&page, "mukta_ftps_ready")), (200, 1.0), "{page}");
    let (status, details) = asked(tools, "/health/ready").await;
    assert!(status == 200 && details.contains("\"parts\""), "{details}");
    assert_eq!(asked(tools, "/health/live").await, (200, "ok".to_owned()));
    assert_eq!(asked(tools, "/sign-in").await.0, 404, "no page is there");
    program.stop();
}
