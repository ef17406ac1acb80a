//! Whichever way a search takes, it finds the same: small bounds lead it along every one of them.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::json;

use super::*;
use crate::import::import;
use crate::sealing::{Sealer, random_hex};
use crate::store::{DatabaseUrl, Store};

const INSTRUCTIONS: i64 = 60;

const WAYS: [Bounds; 4] = [
    BOUNDS,
    Bounds { read: 4, narrowed: 1000, few: 1000 },
    Bounds { read: 4, narrowed: 3, few: 2 },
    Bounds { read: 30, narrowed: 7, few: 0 },
];

/// Number `n` is `PI-0nn/a`, of `od.odd` or `od.even`; every third is revised, names go round by 4.
fn filled(store: &Store) {
    let name = |n: i64| ["Sabita Nayak", "Ramesh Sahoo", "Sabita Sahoo", "Élise D'Souza"][n as usize % 4];
    let start: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    let all: Vec<_> = (0..INSTRUCTIONS)
        .map(|n| {
            json!({
                "tenantId": if n % 2 == 0 { "od.even" } else { "od.odd" },
                "jitBillNo": format!("PI-{n:03}/A"),
                "parentPiNumber": (n % 3 == 0).then_some("PI-001/A"),
                "piStatus": if n % 5 == 0 { "DECLINED" } else { "SUCCESSFUL" },
                "netAmount": 1,
                // Four share each instant, and the rows are not in the order of the instants.
                "auditDetails": { "createdTime": (start + TimeDelta::hours(n * 7 % INSTRUCTIONS / 4)).timestamp_millis() },
                "beneficiaryDetails": [{ "beneficiaryNumber": "BN-1", "amount": 1, "paymentStatus": "Payment Failed", "benefName": name(n) }],
            })
        })
        .collect();
    let sealer = Sealer::new(&[7; 32], &[]).unwrap();
    import(store, &sealer, json!({ "paymentInstructions": all }).to_string().as_bytes(), start).unwrap();
}

/// All hits, page by page of three.
fn walked(db: &mut Db, bounds: Bounds, scope: &Scope, filters: &Filters) -> Vec<i64> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = search(db, bounds, scope, filters, after, 3).unwrap();
        assert!(page.hits.is_sorted_by(|a, b| a.place > b.place));
        assert!(page.hits.iter().all(|hit| after.is_none_or(|after| hit.place < after)));
        found.extend(page.hits.iter().map(|hit| hit.id));
        after = match page.hits.last() {
            Some(last) if page.hits.len() == 3 => Some(last.place),
            _ => page.stopped_at,
        };
        if after.is_none() {
            return found;
        }
    }
}

fn every_way_finds_the_same(store: &Store) {
    filled(store);
    let day = |text: &str| Some(text.parse().unwrap());
    let others = [
        Filters::default(),
        Filters { status: Some(PiStatus::Declined), ..Filters::default() },
        Filters { is_revised: Some(true), ..Filters::default() },
        Filters { from: day("2024-01-01"), to: day("2024-01-01"), ..Filters::default() },
        Filters { status: Some(PiStatus::Completed), is_revised: Some(false), ..Filters::default() },
    ];
    let texts = [
        ("sabita", 30),
        ("SABITA SAHOO", 15),
        ("sahoo", 30),
        ("élise", 15),
        ("d'souza", 15),
        ("pi-", 60),
        ("PI-017/A", 1),
        ("017", 1),
        ("00", 10),
        ("0", 60),
        ("zzz", 0),
        ("zz", 0),
        ("/a", 60),
        ("---", 0),
        ("abita sah", 15),
    ];
    store
        .read_blocking(|db| {
            for (typed, expected) in texts {
                let text = SearchText::typed(typed);
                let filters = Filters { text: text.clone(), ..Filters::default() };
                assert_eq!(walked(db, BOUNDS, &Scope::of("od"), &filters).len(), expected, "{typed}");
                for scope in [Scope::of("od"), Scope::of("od.odd"), Scope::of("pb")] {
                    for filters in &others {
                        let filters = Filters { text: text.clone(), ..filters.clone() };
                        let all = walked(db, BOUNDS, &scope, &filters);
                        for bounds in WAYS {
                            let found = walked(db, bounds, &scope, &filters);
                            assert_eq!(found, all, "{typed} in {scope:?} with {filters:?} within {bounds:?}");
                            let counted = count(db, bounds, &scope, &filters, 20).unwrap();
                            if counted.stopped_at.is_none() {
                                assert_eq!(counted.hits.len(), all.len().min(20), "{typed}: {bounds:?}");
                            }
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn every_way_finds_the_same_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db").to_str().unwrap().to_owned();
    every_way_finds_the_same(&Store::open(&DatabaseUrl::Sqlite(path)).unwrap());
}

#[test]
fn every_way_finds_the_same_on_postgres() {
    let server = std::env::var("TEST_POSTGRES_URL").unwrap();
    let name = format!("test_search_{}", random_hex(8).unwrap());
    let mut maintenance = PgConnection::establish(&format!("{server}/postgres")).unwrap();
    maintenance.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    every_way_finds_the_same(&Store::open(&DatabaseUrl::Postgres(format!("{server}/{name}"))).unwrap());
}
