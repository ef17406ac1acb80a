//! Whichever way a search takes, it finds the same: small bounds lead it along every one of them.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::json;

use super::*;
use crate::import::{OnFaulty, import};
use crate::sealing::{Sealer, random_hex};
use crate::store::{DatabaseUrl, Store};

const INSTRUCTIONS: i64 = 60;

/// Instructions on a page.
const PAGE: usize = 8;

const WAYS: [Bounds; 3] = [
    Bounds { read: 4, narrowed: 1000, few: 1000 },
    Bounds { read: 4, narrowed: 3, few: 2 },
    Bounds { read: 30, narrowed: 7, few: 0 },
];

/// Number `n` is `PI-0nn/a`, of `od.odd` or `od.even`; every third is revised, names go round by 4.
/// Another step gives them other instants and names.
fn filled(store: &Store, step: i64) {
    let name =
        |n: i64| ["Sabita Nayak", "Ramesh Sahoo", "Sabita Sahoo", "Élise D'Souza"][(n + step) as usize % 4];
    let start: DateTime<Utc> = "2024-01-01T00:00:00Z".parse().unwrap();
    let all: Vec<_> = (0..INSTRUCTIONS)
        .map(|n| {
            json!({
                "tenantId": if n % 2 == 0 { "od.even" } else { "od.odd" },
                "jitBillNo": format!("PI-{n:03}/A"),
                "parentPiNumber": (n % 3 == 0).then_some("PI-001/A"),
                "piStatus": if n % 5 == 0 { "DECLINED" } else { "SUCCESSFUL" },
                "netAmount": 1,
                // Four share each instant, the rows are not in the order of the instants, and some eras are empty.
                "auditDetails": { "createdTime": (start + TimeDelta::days(n * step % INSTRUCTIONS / 4 * 9)).timestamp_millis() },
                "beneficiaryDetails": [{ "beneficiaryNumber": "BN-1", "amount": 1, "paymentStatus": "Payment Failed", "benefName": name(n) }],
            })
        })
        .collect();
    let sealer = Sealer::new(&[7; 32], &[]).unwrap();
    let document = json!({ "paymentInstructions": all }).to_string();
    let clock = crate::clock::Clock::of(move || start);
    import(store, &sealer, document.as_bytes(), OnFaulty::Refuse, &clock).unwrap();
}

/// All hits, page by page.
fn walked(db: &mut Db, bounds: Bounds, scope: &Scope, filters: &Filters) -> Vec<i64> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = search(db, bounds, scope, filters, after, PAGE).unwrap();
        assert!(page.hits.is_sorted_by(|a, b| a.place > b.place));
        assert!(page.hits.iter().all(|hit| after.is_none_or(|after| hit.place < after)));
        found.extend(page.hits.iter().map(|hit| hit.id));
        after = match page.hits.last() {
            Some(last) if page.hits.len() == PAGE => Some(last.place),
            _ => page.stopped_at,
        };
        if after.is_none() {
            return found;
        }
    }
}

fn every_way_finds_the_same(store: &Store) {
    let day = |text: &str| Some(text.parse().unwrap());
    let others = [
        Filters::default(),
        Filters { status: Some(PiStatus::Declined), ..Filters::default() },
        Filters { from: day("2024-01-01"), to: day("2024-03-05"), ..Filters::default() },
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
        ("17 a", 1),
        ("00", 1),
        ("1", 15),
        ("7, 008, PI-017/A", 7),
        ("sahoo, sabita", 15),
        ("sahoo ab", 15),
        ("o h sa", 30),
        ("sabita PI-001/A", 1),
        ("ramesh PI-001/A", 0),
        ("souza pi", 0),
        ("zzz", 0),
        ("zz", 0),
        ("/a", 60),
        ("i", 60),
        ("---", 0),
        ("abita sah", 15),
    ];
    for step in [7, 13] {
        filled(store, step);
        store
            .read_blocking(|db| {
                for (typed, expected) in texts {
                    let text = SearchText::typed(typed);
                    let filters = Filters { text: text.clone(), ..Filters::default() };
                    assert_eq!(walked(db, BOUNDS, &Scope::of("od"), &filters).len(), expected, "{typed}");
                    for scope in [Scope::of("od"), Scope::of("od.odd")] {
                        for filters in &others {
                            let filters = Filters { text: text.clone(), ..filters.clone() };
                            let all = walked(db, BOUNDS, &scope, &filters);
                            for bounds in WAYS {
                                let found = walked(db, bounds, &scope, &filters);
                                assert_eq!(
                                    found, all,
                                    "{typed} in {scope:?} with {filters:?} within {bounds:?}"
                                );
                                let counted = search(db, bounds, &scope, &filters, None, 20).unwrap();
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
}

fn a_page_is_bounded_and_holds_what_is_rare_however_old(store: &Store) {
    filled(store, 7);
    let text = |typed| Filters { text: SearchText::typed(typed), ..Filters::default() };
    let bounds = Bounds { read: 8, narrowed: 8, few: 3 };
    store
        .read_blocking(|db| {
            let mut first_page =
                |filters| search(db, bounds, &Scope::of("od"), &filters, None, PAGE).unwrap();
            let oldest = first_page(text("PI-000/A"));
            assert_eq!((oldest.hits.len(), oldest.stopped_at), (1, None));
            let common = first_page(text("sahoo"));
            assert_eq!((common.hits.len(), common.stopped_at), (PAGE, None));
            // Of 30 that hold it, few fulfil the rest.
            let few = first_page(Filters { is_revised: Some(true), ..text("sahoo") });
            assert!(few.hits.len() < PAGE && few.stopped_at.is_some(), "{few:?}");
            Ok(())
        })
        .unwrap();
}

fn on_sqlite(test: fn(&Store)) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.db").to_str().unwrap().to_owned();
    test(&Store::open(&DatabaseUrl::Sqlite(path)).unwrap());
}

fn on_postgres(test: fn(&Store)) {
    let server = std::env::var("TEST_POSTGRES_URL").unwrap();
    let name = format!("test_search_{}", random_hex(8).unwrap());
    let mut maintenance = PgConnection::establish(&format!("{server}/postgres")).unwrap();
    maintenance.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    test(&Store::open(&DatabaseUrl::Postgres(format!("{server}/{name}"))).unwrap());
}

#[test]
fn every_way_finds_the_same_on_sqlite() {
    on_sqlite(every_way_finds_the_same);
}

#[test]
fn every_way_finds_the_same_on_postgres() {
    on_postgres(every_way_finds_the_same);
}

#[test]
fn a_page_is_bounded_on_sqlite() {
    on_sqlite(a_page_is_bounded_and_holds_what_is_rare_however_old);
}

#[test]
fn a_page_is_bounded_on_postgres() {
    on_postgres(a_page_is_bounded_and_holds_what_is_rare_however_old);
}
