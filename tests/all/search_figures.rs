//! How long the list and the search take with 1,000,000 payment instructions.
//!
//! `cargo nextest run --release --run-ignored only --no-capture search_figures`

use std::time::{Duration, Instant};

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use mukta_ftps::domain::{Flag, PiStatus};
use mukta_ftps::store::people;
use mukta_ftps::store::refolding::refold;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::search::{self, Cursor, Filters, Found, Order, SearchText, Sort};
use mukta_ftps::store::{Db, Store};

use crate::support::{Kind, ScratchDatabase, on_both};

on_both!(
    #[ignore = "fills a database with a million payment instructions"]
    a_million_payment_instructions,
    #[ignore = "fills a database with a million payment instructions"]
    every_order_of_a_million,
    #[ignore = "fills a database with a million payment instructions"]
    folding_a_million_texts_anew,
);

const ROUNDS: usize = 40;

/// A million instructions of 115 towns over six years, three people in each.
fn fill(db: &mut Db) {
    let created = match db {
        Db::Sqlite(_) => "datetime('2019-04-01', '+' || (n * 3) || ' minutes')",
        Db::Postgres(_) => "timestamp '2019-04-01' + n * interval '3 minutes'",
    };
    let (yes, line) = match db {
        Db::Sqlite(_) => ("1", "char(10)"),
        Db::Postgres(_) => ("true", "E'\\n'"),
    };
    let padded = "substr(CAST(10000000 + n AS TEXT), 2)";
    let year = "(19 + n / 170000) || '-' || (20 + n / 170000)";
    db.batch_execute(&format!(
        "CREATE TABLE first_names AS SELECT column1 AS k, column2 AS name FROM (VALUES
            (0,'Sabita'), (1,'Ramesh'), (2,'Sunita'), (3,'Bijay'), (4,'Laxmi'), (5,'Gopal'), (6,'Mamata'),
            (7,'Prakash'), (8,'Anjali'), (9,'Dilip'), (10,'Kabita')) x;
         CREATE TABLE last_names AS SELECT column1 AS k, column2 AS name FROM (VALUES
            (0,'Nayak'), (1,'Sahoo'), (2,'Behera'), (3,'Das'), (4,'Mohanty'), (5,'Pradhan'), (6,'Jena'),
            (7,'Swain'), (8,'Rout'), (9,'Sethi'), (10,'Mallick'), (11,'Barik'), (12,'Panda')) x;
         INSERT INTO tenants WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 114)
            SELECT 'od.t' || n, 'od' FROM s;
         INSERT INTO payment_instructions (number, tenant_id, parent_number, status, is_active, net_paise,
            bill_numbers, created_at, in_process_since, changed_at, ftps_outcome, ftps_message)
         WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000000)
         SELECT 'PI-' || (1000 + n % 115) || '/20' || {year} || '/' || {padded}, 'od.t' || (n % 115),
            CASE WHEN n % 5 = 0 THEN 'PI-' || n END,
            CASE WHEN n > 900000 AND n % 5 = 0 THEN 'In Process'
                 WHEN n % 1000 = 7 THEN 'Declined' ELSE 'Completed' END,
            {yes}, n * 100, '[\"WB/' || (n * 7 % 1000000) || '\"]', {created}, {created}, {created},
            CASE WHEN n > 900000 AND n % 400 = 0 THEN 'error'
                 WHEN n > 900000 AND n % 30 = 0 THEN 'no-response' ELSE 'none' END,
            CASE WHEN n > 900000 AND n % 400 = 0 THEN 'On call of FTPS API: Invalid bill' END
         FROM s;
         INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise,
            payment_status)
         SELECT p.id, x.column1, 'BN-' || p.id || x.column1, 'bn-' || p.id || x.column1,
            f.name || ' ' || l.name, 100,
            CASE WHEN p.id % 9 = 0 THEN 'Payment Failed' ELSE 'Payment Successful' END
         FROM payment_instructions p CROSS JOIN (VALUES (0), (1), (2)) x
         JOIN first_names f ON f.k = (p.id * 7 + x.column1 * 5 + p.id / 11) % 11
         JOIN last_names l ON l.k = (p.id * 3 + x.column1 * 2 + p.id / 143) % 13;
         INSERT INTO search_texts (instruction_id, text)
         SELECT p.id, ' pi ' || (1000 + p.id % 115) || ' 20' || (19 + p.id / 170000) || ' '
            || (20 + p.id / 170000) || ' ' || p.id || ' ' || {line} || ' wb ' || (p.id * 7 % 1000000) || ' '
            || {line} || string_agg(' ' || lower(b.name) || ' ', {line})
         FROM payment_instructions p JOIN beneficiaries b ON b.instruction_id = p.id GROUP BY p.id;
         UPDATE payment_instructions SET payments = 3, failed_payments = CASE WHEN id % 9 = 0 THEN 3 ELSE 0 END,
            paid_payments = CASE WHEN id % 9 = 0 THEN 0 ELSE 3 END,
            flags = CASE WHEN id % 50000 = 0 THEN 16 WHEN id % 20 = 0 THEN 1 ELSE 0 END,
            completed_at = CASE WHEN status = 'Completed' THEN created_at END,
            ftps_called_at = CASE WHEN id % 5 = 0 THEN created_at END;"
    ))
    .unwrap();
}

fn measure(store: &Store, what: &str, work: impl Fn(&mut Db, usize) -> Found) {
    measure_rounds(store, what, ROUNDS, work);
}

fn measure_rounds(store: &Store, what: &str, rounds: usize, work: impl Fn(&mut Db, usize) -> Found) {
    time(store, what, rounds, |db, round| {
        let found = work(db, round);
        format!("{:?}", (found.rows.len(), found.total, found.searched_back_to.is_some()))
    });
}

fn time(store: &Store, what: &str, rounds: usize, work: impl Fn(&mut Db, usize) -> String) {
    let mut took: Vec<Duration> = Vec::new();
    let mut told = String::new();
    for round in 0..rounds {
        let begun = Instant::now();
        told = store.read_blocking(|db| Ok(work(db, round))).unwrap();
        took.push(begun.elapsed());
    }
    took.sort();
    println!(
        "{what:<52} p50 {:>7.1} ms  p99 {:>7.1} ms  {told}",
        took[rounds / 2].as_secs_f64() * 1e3,
        took[rounds - 1].as_secs_f64() * 1e3
    );
}

fn filled(database: &ScratchDatabase, kind: Kind) -> Store {
    let store = Store::open(&database.url).unwrap();
    let begun = Instant::now();
    store
        .write_blocking(|db| {
            fill(db);
            Ok(())
        })
        .unwrap();
    println!("{kind:?}: filled in {:?}", begun.elapsed());
    if matches!(kind, Kind::Postgres) {
        // On a connection of its own: VACUUM takes no transaction.
        database.execute("VACUUM ANALYZE");
    } else {
        let size = std::fs::metadata(database.file()).unwrap().len();
        println!("{} MB", size / 1_000_000);
    }
    store
}

/// Every column both ways, of all, of one town, of what waits and of what filters let through that no index
/// knows beside the order.
async fn every_order_of_a_million(kind: Kind) {
    let database = ScratchDatabase::new(kind);
    let store = filled(&database, kind);
    let (state, town) = (Scope::of("od"), Scope::of("od.t7"));
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);
    let flag = |flag| Filters { flag: Some(flag), ..Filters::default() };
    let kinds = [
        ("all", &state, Filters::default()),
        ("town", &town, Filters::default()),
        ("waiting", &state, Filters { only_waiting: true, ..Filters::default() }),
        ("Completed", &state, Filters { status: Some(PiStatus::Completed), ..Filters::default() }),
        ("originals", &state, Filters { is_revised: Some(false), ..Filters::default() }),
        ("failed", &state, flag(Flag::FailedPayments)),
        ("sum differs", &state, flag(Flag::SumDiffers)),
        (
            "completed in a month",
            &state,
            Filters { completed_from: day(2023, 1, 1), completed_to: day(2023, 1, 31), ..Filters::default() },
        ),
        ("q=nayak", &state, Filters { text: SearchText::typed("nayak"), ..Filters::default() }),
    ];
    for (what, scope, filters) in &kinds {
        let usual = std::iter::once(None);
        let orders =
            Sort::ALL.iter().flat_map(|by| [false, true].map(|descending| Order { by: *by, descending }));
        for order in usual.chain(orders.map(Some)) {
            let filters = Filters { order, ..filters.clone() };
            let named = order.map(|order| order.to_string()).unwrap_or_default();
            measure_rounds(&store, &format!("{what}: {named}"), 3, |db, _| {
                let first = search::search(db, scope, &filters, None).unwrap();
                match &first.next {
                    Some(next) => search::search(db, scope, &filters, Some(next)).unwrap(),
                    None => first,
                }
            });
        }
    }
}

async fn a_million_payment_instructions(kind: Kind) {
    let database = ScratchDatabase::new(kind);
    let store = filled(&database, kind);
    let state = Scope::of("od");
    let town = Scope::of("od.t7");
    let text = |text: &str| Filters { text: SearchText::typed(text), ..Filters::default() };
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day);

    let waiting = Filters { only_waiting: true, ..Filters::default() };
    for (name, scope) in [("state", &state), ("town", &town)] {
        measure(&store, &format!("{name}: waiting"), |db, _| {
            search::search(db, scope, &waiting, None).unwrap()
        });
        let deep = Cursor::read("3-1663200000000000000", Order::URGENT).unwrap();
        measure(&store, &format!("{name}: waiting, deep"), |db, _| {
            search::search(db, scope, &waiting, Some(&deep)).unwrap()
        });
        let all = Filters::default();
        measure(&store, &format!("{name}: all"), |db, _| search::search(db, scope, &all, None).unwrap());
        measure(&store, &format!("{name}: all, deep"), |db, round| {
            let place = (1_554_076_800 + 180 * 1000 * round as i64) << 30;
            let after = Cursor::read(&format!("0-{place}"), Order::NEWEST).unwrap();
            search::search(db, scope, &all, Some(&after)).unwrap()
        });
        for q in [
            "nayak",
            "sabita nayak",
            "nayak sabita",
            "Smt. Nayak, Sabita",
            "nayak sabita ramesh",
            "2019-20",
            "pi-",
            "000",
            "zzz",
            "nayak zz",
            "nayaksabita",
            "0123456",
            "000256",
            "123456, 234567, 345678",
            "PI-1013/2021-22/0400, PI-1014/2021-22/0400400",
            "PI-1013/2021-22/0400",
            "-20/0",
            "ab",
            "zz",
            "7",
        ] {
            let filters = text(q);
            measure(&store, &format!("{name}: q={q}"), |db, _| {
                search::search(db, scope, &filters, None).unwrap()
            });
        }
        for q in ["nayak", "nayak sabita", "BN-7654321", "1011", "Sabita, PI-1013/2021-22/400400", "nobody"] {
            time(&store, &format!("{name}: people, q={q}"), ROUNDS, |db, _| {
                let found = people::find(db, scope, q, None, 5).unwrap();
                format!("{:?}", (found.people.len(), found.next.is_some()))
            });
        }
        measure(&store, &format!("{name}: q=2019-20, second page"), |db, _| {
            let first = search::search(db, scope, &text("2019-20"), None).unwrap();
            search::search(db, scope, &text("2019-20"), first.next.as_ref()).unwrap()
        });
        measure(&store, &format!("{name}: q=PI-…(each another)"), |db, round| {
            let n = 1 + round * 24_999;
            let year = n / 170_000;
            let q = format!("PI-{}/20{}-{}/{n:07}", 1000 + n % 115, 19 + year, 20 + year);
            search::search(db, scope, &text(&q), None).unwrap()
        });
        let many = [
            ("Declined", Filters { status: Some(PiStatus::Declined), ..Filters::default() }),
            ("Completed", Filters { status: Some(PiStatus::Completed), ..Filters::default() }),
            (
                "In Process originals",
                Filters { status: Some(PiStatus::InProcess), is_revised: Some(false), ..Filters::default() },
            ),
            (
                "Completed, revised, 2021",
                Filters {
                    status: Some(PiStatus::Completed),
                    is_revised: Some(true),
                    from: day(2021, 1, 1),
                    to: day(2021, 12, 31),
                    ..Filters::default()
                },
            ),
            ("Declined, q=nayak", Filters { status: Some(PiStatus::Declined), ..text("nayak") }),
            (
                "Completed, revised, q=2019-20",
                Filters { status: Some(PiStatus::Completed), is_revised: Some(true), ..text("2019-20") },
            ),
            // That town has originals only.
            ("revised, q=pi-1001", Filters { is_revised: Some(true), ..text("pi-1001") }),
            (
                "one month, q=sabita",
                Filters { from: day(2021, 1, 1), to: day(2021, 1, 31), ..text("sabita") },
            ),
            (
                "one year, q=sabita",
                Filters { from: day(2021, 1, 1), to: day(2021, 12, 31), ..text("sabita") },
            ),
        ];
        for (what, filters) in &many {
            measure(&store, &format!("{name}: {what}"), |db, _| {
                search::search(db, scope, filters, None).unwrap()
            });
        }
    }
}
/// How long a start takes that folds a million search texts anew, a tenth of which come out otherwise.
async fn folding_a_million_texts_anew(kind: Kind) {
    let database = ScratchDatabase::new(kind);
    let store = Store::open(&database.url).unwrap();
    let sql = |sql: &'static str| store.write_blocking(|db| Ok(db.batch_execute(sql)?)).unwrap();
    store
        .write_blocking(|db| {
            fill(db);
            Ok(())
        })
        .unwrap();
    for change in ["SELECT 1", "UPDATE search_texts SET text = text || ' ' WHERE instruction_id % 10 = 0;"] {
        sql(change);
        sql("UPDATE search_folding SET version = 0");
        let begun = Instant::now();
        let done = refold(&store).unwrap();
        println!("{kind:?}: {done:?} in {:?}", begun.elapsed());
        let begun = Instant::now();
        let nothing = refold(&store).unwrap();
        println!("{kind:?}: {nothing:?} in {:?}", begun.elapsed());
    }
}
