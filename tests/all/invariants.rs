//! `verify` names what breaks a rule of the data, and nothing else. (That nothing breaks one by itself is looked at the
//! end of every test: `World`.)

use diesel::connection::SimpleConnection;
use mukta_ftps::simulator::jit::Scenario;
use mukta_ftps::store::{Db, StoreError, invariants};

use crate::support::{
    Kind, ORIGINAL, OTHER, PEOPLE, REVISED, World, on_both, pair, revised, stderr, stdout, with_database,
};

on_both!(each_rule_names_what_breaks_it, verify_tells_what_contradicts_itself);

/// What somebody does past the program, and what is told then.
const BREAKS: &[(&str, &[&str])] = &[
    (
        "UPDATE beneficiaries SET utr = NULL WHERE payment_status = 'Payment Successful'",
        &[
            "completed by FTPS, with a beneficiary who is neither Payment Successful with a UTR nor returned since",
        ],
    ),
    (
        "UPDATE beneficiaries SET payment_status = 'Payment In Process', failure_reason = NULL \
         WHERE payment_status = 'Payment Successful'",
        &[
            "completed by FTPS, with a beneficiary who is neither Payment Successful with a UTR nor returned since",
            "what it keeps of its payments is not what they are",
        ],
    ),
    (
        "UPDATE ftps_calls SET applied = (1 = 0) WHERE outcome = 'success'",
        &["completed by FTPS, without a successful call that was applied"],
    ),
    (
        "UPDATE payment_instructions SET completed_by = 'muktasoft' WHERE completed_by = 'ftps'",
        &[
            "a successful call was applied, and FTPS has not completed it",
            "a message about what FTPS did not complete, or to a beneficiary of another payment instruction",
        ],
    ),
    (
        "UPDATE payment_instructions SET completed_at = NULL WHERE completed_by = 'ftps'",
        &["who completed it and when does not fit its status"],
    ),
    (
        "UPDATE beneficiaries SET payment_status = 'Payment Successful' WHERE payment_status = 'Payment In Process'",
        &[
            "In Process, with a beneficiary who is Payment Successful",
            "what it keeps of its payments is not what they are",
        ],
    ),
    (
        "DELETE FROM outbox_events WHERE message_id = 1; DELETE FROM outbox_messages WHERE id = 1",
        &["completed by FTPS, and not exactly one message for a beneficiary"],
    ),
    (
        "UPDATE outbox_messages SET state = 'waiting', sent_at = NULL, next_attempt_at = created_at WHERE state = 'sent'",
        &["a message that stands otherwise than its last event says"],
    ),
    (
        "DELETE FROM outbox_events WHERE what = 'sent'",
        &["a message that stands otherwise than its last event says"],
    ),
    (
        "UPDATE sync_run_items SET outcome = 'glitch' WHERE outcome = 'error'",
        &["a run whose counts are not those of its payment instructions"],
    ),
    ("DELETE FROM sync_run_counts", &["a run whose counts are not those of its payment instructions"]),
    (
        "UPDATE payment_instructions SET paid_payments = 7 WHERE completed_by = 'ftps'",
        &["what it keeps of its payments is not what they are"],
    ),
    (
        "UPDATE payment_instructions SET change_number = 1000000 WHERE completed_by = 'ftps'",
        &["a change without a number that was drawn"],
    ),
    ("UPDATE payment_instructions SET change_number = 0", &["a change without a number that was drawn"]),
    ("UPDATE status_push SET change_number = 1000000", &["MUKTASoft was told of changes beyond the last"]),
    ("DELETE FROM search_texts", &["no search would find it"]),
    (
        "UPDATE payment_advices SET instruction_id = 1000000; UPDATE ftps_calls SET instruction_id = 1000000 \
         WHERE outcome = 'error'",
        &["belongs to nothing"],
    ),
];

/// One instruction paid and its people told, one with an error.
async fn lived_in(world: &World) {
    world.jit.script(OTHER, vec![Scenario::Error("closed".into())]);
    world.import(&pair(PEOPLE));
    world.import(&[revised(OTHER, ORIGINAL, PEOPLE)]);
    let run = world.begun_by_hand().await;
    world.app.sync.work(&run).await.unwrap();
    world.deliver().await;
    assert_eq!(world.gateway.count(), PEOPLE.len());
}

/// Without what guards the rules within the database.
fn unguarded(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Sqlite(db) => {
            db.batch_execute("PRAGMA defer_foreign_keys = ON")?;
            for trigger in [
                "beneficiaries_stay_paid",
                "payment_instructions_paid_is_paid",
                "ftps_calls_fixed",
                "outbox_events_keep",
            ] {
                db.batch_execute(&format!("DROP TRIGGER {trigger}"))?;
            }
        }
        Db::Postgres(db) => db.batch_execute("SET LOCAL session_replication_role = replica")?,
    }
    Ok(())
}

async fn each_rule_names_what_breaks_it(world: World) {
    lived_in(&world).await;
    let mut seen: Vec<&str> = Vec::new();
    for (sql, expected) in BREAKS {
        let mut told = Vec::new();
        let undone: Result<(), StoreError> = world.app.store.write_blocking(|db| {
            unguarded(db)?;
            match db {
                Db::Sqlite(db) => db.batch_execute(sql)?,
                Db::Postgres(db) => db.batch_execute(sql)?,
            }
            told = invariants::broken_in(db)?;
            Err(diesel::result::Error::RollbackTransaction.into())
        });
        assert!(
            matches!(undone, Err(StoreError::Query(diesel::result::Error::RollbackTransaction))),
            "{sql}: {undone:?}"
        );
        assert_eq!(told.iter().map(|broken| broken.what).collect::<Vec<_>>(), *expected, "{sql}");
        assert!(told.iter().all(|broken| !broken.told.is_empty()), "{told:?}");
        seen.extend(*expected);
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), invariants::count(), "each rule is broken once at least");
}

async fn verify_tells_what_contradicts_itself(world: World) {
    lived_in(&world).await;
    let verify = || with_database(&["verify"], &world.database).output().unwrap();
    let whole = verify();
    assert!(whole.status.success() && stdout(&whole).contains("nothing is broken"), "{}", stderr(&whole));
    world.database.execute("UPDATE payment_instructions SET payments = 99");
    let broken = verify();
    assert_eq!(broken.status.code(), Some(1));
    let said = stderr(&broken);
    for number in [ORIGINAL, REVISED, OTHER] {
        assert!(
            said.contains(&format!("{number}: what it keeps of its payments is not what they are\n")),
            "{said}"
        );
    }
    assert!(
        said.ends_with(
            "the data contradicts itself: see docs/OPERATIONS.md, “Data that contradicts itself”\n"
        ),
        "{said}"
    );
    if matches!(world.database.kind, Kind::Postgres) {
        return;
    }
    let many: String = (0..30)
        .map(|n| {
            format!(
                "INSERT INTO notes (instruction_id, written_at, person, text) \
        VALUES ({}, '2024-04-01 10:00:00', 'asha', 'x');",
                1_000_000 + n
            )
        })
        .collect();
    world.database.execute(&format!("PRAGMA foreign_keys = OFF; {many}"));
    let said = stderr(&verify());
    assert_eq!(said.matches("note ").count(), 20, "{said}");
    assert!(said.contains("… and more: belongs to nothing\n"), "{said}");
}
