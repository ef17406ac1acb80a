//! What a page asks the database: as many statements whatever the database holds, each read by an index.

use std::sync::Mutex;

use diesel::RunQueryDsl;
use diesel::connection::{InstrumentationEvent, set_default_instrumentation};
use diesel::sql_types::Text;
use mukta_ftps::store::{Db, StoreError};

use crate::support::{Kind, World};

/// What was asked since somebody looked.
static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Tables that grow with the years.
const GROWING: [&str; 8] = [
    "audit_events",
    "beneficiaries",
    "ftps_calls",
    "outbox_events",
    "outbox_messages",
    "payment_instructions",
    "search_texts",
    "sync_run_items",
];

/// Pages, with what a person of the state asks of them.
const PAGES: [&str; 13] = [
    "/",
    "/payment-instructions",
    "/payment-instructions?tab=needs-you",
    "/payment-instructions?tab=all",
    "/payment-instructions?tab=all&q=000001",
    "/payment-instructions?tab=all&q=sabita",
    "/payment-instructions?tab=all&flag=returned",
    "/payment-instructions/PI-1013/2023-24/000001",
    "/payment-instructions/PI-1013/2023-24/000001/calls",
    "/messages",
    "/messages?state=waiting",
    "/sync-runs",
    "/sync-runs/1",
];

/// Every connection from here on tells what it is asked.
fn listen() {
    set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                ASKED.lock().unwrap().push(query.to_string());
            }
        }))
    })
    .unwrap();
}

/// A world of the state with so many instructions, all paid in one run.
async fn world_of(kind: Kind, count: usize) -> World {
    let world = World::start(kind).await;
    world.import_many(count);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world
}

async fn asked_by(world: &World, page: &str) -> Vec<String> {
    // The first look at a page is also noted, and the use of a session once a minute.
    world.get(page).await;
    ASKED.lock().unwrap().clear();
    let answer = world.get(page).await;
    assert_eq!(answer.status, 200, "{page}");
    std::mem::take(&mut *ASKED.lock().unwrap())
}

async fn a_page_asks_no_more_of_much(kind: Kind) {
    listen();
    let (few, many) = (world_of(kind, 3).await, world_of(kind, 60).await);
    for page in PAGES {
        let (of_few, of_many) = (asked_by(&few, page).await, asked_by(&many, page).await);
        eprintln!("{kind:?} {page}: {} statements", of_many.len());
        assert_eq!(of_few.len(), of_many.len(), "{page}:\n{}", of_many.join("\n"));
        assert!(of_many.len() <= 45, "{page}:\n{}", of_many.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_asks_no_more_of_much_than_of_little_sqlite() {
    a_page_asks_no_more_of_much(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_asks_no_more_of_much_than_of_little_postgres() {
    a_page_asks_no_more_of_much(Kind::Postgres).await;
}

#[derive(diesel::QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn selects_of(asked: Vec<String>) -> Vec<String> {
    let sql = |one: &String| one.split(" -- binds:").next().unwrap_or_default().trim().to_owned();
    let mut selects: Vec<String> = asked.iter().map(sql).filter(|sql| sql.starts_with("SELECT")).collect();
    selects.sort();
    selects.dedup();
    selects
}

/// A step that reads a growing table row by row. An index that is read from its beginning belongs to a list that ends
/// with its page, or holds nothing but the few that are sought.
fn walks(sql: &str, step: &str) -> bool {
    let partial =
        ["_needing", "_by_age", "_paid_elsewhere", "_flagged", "_with_failures", "_for_action", "_longest"];
    let Some(scanned) = step.strip_prefix("SCAN ") else {
        // All rows of a state are no choice, unless they come in the list's order.
        return step.contains("payment_instructions_by_tenant (tenant_id=?)") && !sql.contains("LIMIT");
    };
    let name = scanned.split(' ').next().unwrap_or_default();
    let is_growing = GROWING.contains(&name)
        || GROWING.iter().any(|table| {
            [format!("{table} {name} "), format!("{table} {name},")].iter().any(|named| sql.contains(named))
        });
    let by_index = scanned.contains("INDEX");
    is_growing && !(by_index && (sql.contains("LIMIT") || partial.iter().any(|end| scanned.contains(end))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_a_page_reads_by_an_index_sqlite() {
    listen();
    let world = world_of(Kind::Sqlite, 20).await;
    for page in PAGES {
        for sql in selects_of(asked_by(&world, page).await) {
            let plan: Vec<Step> = world.read(|db: &mut Db| {
                Ok::<_, StoreError>(diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(db)?)
            });
            for step in &plan {
                assert!(!walks(&sql, &step.detail), "{page}: {}\n{sql}", step.detail);
            }
        }
    }
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "QUERY PLAN")]
    line: String,
}

/// With sequential scans all but forbidden, the planner takes one only where no index can be read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_of_a_page_reads_by_an_index_postgres() {
    listen();
    let world = world_of(Kind::Postgres, 20).await;
    for page in PAGES {
        for sql in selects_of(asked_by(&world, page).await) {
            let highest =
                (1..200).rev().find(|number| sql.contains(&format!("${number}"))).unwrap_or_default();
            let plan: Vec<Line> = world.read(|db: &mut Db| {
                use diesel::connection::SimpleConnection;
                let Db::Postgres(db) = db else { unreachable!() };
                db.batch_execute(
                    "SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan",
                )?;
                db.batch_execute(&format!("PREPARE asked AS {sql}"))?;
                let values = vec!["NULL"; highest].join(", ");
                let values = if highest == 0 { String::new() } else { format!("({values})") };
                let plan = diesel::sql_query(format!("EXPLAIN EXECUTE asked{values}")).load(db)?;
                db.batch_execute("DEALLOCATE asked")?;
                Ok::<_, StoreError>(plan)
            });
            let told: Vec<&str> = plan.iter().map(|line| line.line.as_str()).collect();
            for table in GROWING {
                let scan = told.iter().find(|line| line.contains(&format!("Seq Scan on {table}")));
                assert!(scan.is_none(), "{page}: {scan:?}\n{sql}\n{}", told.join("\n"));
            }
        }
    }
}
