//! Search texts are folded by the program, and again when its folding is another than they have.

use mukta_ftps::store::refolding::{Refolded, refold};
use mukta_ftps::store::{Db, Store};

use super::past::{Past, connection, lines};
use super::{NAMES, every_name_is_found, found};
use crate::support::{Kind, World, on_both, original};

fn note(world: &World, kind: Kind) -> String {
    let sql = "SELECT concat_ws(' to ', version, folded_to) AS line FROM search_folding";
    lines(&mut connection(&world.database, kind), sql).concat()
}

/// How many instructions there are.
fn instructions(world: &World, kind: Kind) -> u64 {
    let sql = "SELECT CAST(count(*) AS TEXT) AS line FROM payment_instructions";
    lines(&mut connection(&world.database, kind), sql).concat().parse().unwrap()
}

/// A thousand instructions more, whose texts were folded by nobody.
const MANY: &str = "INSERT INTO payment_instructions (number, tenant_id, status, is_active, net_paise, bill_numbers,
        created_at, changed_at)
    WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 1000)
    SELECT 'PI-9999/' || n, 'od.jatni', 'Approved', TRUE, 100, '[\"WB/' || n || '\"]', '2024-03-20 05:00:00',
        '2024-03-20 05:00:00' FROM s;
    INSERT INTO beneficiaries (instruction_id, position, payment_id, payment_key, name, amount_paise, payment_status)
    SELECT id, 0, 'BN-' || id, 'bn-' || id, 'Émile  Sahoo ' || id, 100, 'Payment Pending'
        FROM payment_instructions WHERE number LIKE 'PI-9999/%';
    INSERT INTO search_texts (instruction_id, text)
    SELECT id, number FROM payment_instructions WHERE number LIKE 'PI-9999/%';
    UPDATE search_folding SET version = 0, folded_to = 0;";

/// A database of 000004, its texts made by the backfill of 000005.
async fn a_name_that_sql_could_not_fold_is_found_after_an_upgrade(kind: Kind) {
    let Past { database, .. } = Past::filled_up_to(kind, "000004");
    let world = World::over(database).await;
    for (typed, number) in NAMES.iter().filter(|(_, number)| *number < "PI-1013/2023-24/000300") {
        assert_eq!(found(&world.browser, typed).await, [*number], "{typed}");
    }
}

async fn a_second_start_folds_nothing(kind: Kind) {
    let Past { database, .. } = Past::filled(kind);
    let world = World::over(database).await;
    assert_eq!(note(&world, kind), "2");
    let again = Store::open(&world.database.url).unwrap();
    assert_eq!(refold(&again).unwrap(), Refolded::default());
    world.database.execute(
        "UPDATE search_folding SET version = 0; UPDATE search_texts SET text = 'x' WHERE instruction_id = 1",
    );
    assert_eq!(found(&world.browser, NAMES[0].0).await, [""; 0]);
    assert_eq!(refold(&again).unwrap(), Refolded { looked_at: instructions(&world, kind), changed: 1 });
    assert_eq!(refold(&again).unwrap(), Refolded::default());
    every_name_is_found(&world).await;
}

async fn what_was_interrupted_is_taken_up_where_it_was(kind: Kind) {
    let Past { database, .. } = Past::filled(kind);
    let world = World::over(database).await;
    world.database.execute("UPDATE search_texts SET text = 'x'; UPDATE search_folding SET folded_to = 10");
    let left = instructions(&world, kind) - 10;
    assert_eq!(refold(&world.app.store).unwrap(), Refolded { looked_at: left, changed: left });
    assert_eq!(found(&world.browser, "x").await.len(), 10);
}

async fn two_that_start_at_once_share_the_work(kind: Kind) {
    let Past { database, .. } = Past::filled(kind);
    let world = World::over(database).await;
    world.database.execute(MANY);
    let other = Store::open(&world.database.url);
    world.database.execute("UPDATE search_texts SET text = 'x'; UPDATE search_folding SET version = 0");
    let stores = [world.app.store.clone(), other.unwrap()];
    let done = std::thread::scope(|threads| {
        let begun = stores.each_ref().map(|store| threads.spawn(|| refold(store).unwrap()));
        begun.map(|one| one.join().unwrap())
    });
    let all = instructions(&world, kind);
    assert_eq!(done[0].looked_at + done[1].looked_at, all, "{done:?}");
    assert_eq!(done[0].changed + done[1].changed, all, "{done:?}");
    assert_eq!(found(&world.browser, "émile sahoo").await.len(), 50, "a page of them");
    every_name_is_found(&world).await;
}

async fn an_import_by_a_program_that_folds_otherwise_is_folded_again(kind: Kind) {
    let world = World::start(kind).await;
    world.import(&[original("PI-1/A", &["BN-1"])]);
    assert_eq!(note(&world, kind), "2");
    // As if a later program had been started beside this one.
    world.database.execute("UPDATE search_folding SET version = 3, folded_to = NULL");
    world.import(&[original("PI-2/B", &["BN-1"])]);
    assert_eq!(note(&world, kind), "3 to 0");
    // Back to this one alone: it folds them its way.
    let again = Store::open(&world.database.url).unwrap();
    assert_eq!(note(&world, kind), "2");
    assert_eq!(refold(&again).unwrap(), Refolded::default());
}

on_both!(
    a_name_that_sql_could_not_fold_is_found_after_an_upgrade,
    a_second_start_folds_nothing,
    what_was_interrupted_is_taken_up_where_it_was,
    two_that_start_at_once_share_the_work,
    an_import_by_a_program_that_folds_otherwise_is_folded_again,
);

/// SQLite has one writer: there it cannot happen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_an_import_changes_meanwhile_is_not_overwritten() {
    use diesel::connection::SimpleConnection;
    let Past { database, .. } = Past::filled(Kind::Postgres);
    let world = World::over(database).await;
    world.database.execute(
        "UPDATE search_texts SET text = 'x' WHERE instruction_id = 1; UPDATE search_folding SET version = 0",
    );
    let mut import = connection(&world.database, Kind::Postgres);
    let Db::Postgres(import) = &mut import else { panic!("PostgreSQL was asked for") };
    import
        .batch_execute(
            "BEGIN; SELECT FROM payment_instructions WHERE id = 1 FOR UPDATE;
             UPDATE beneficiaries SET name = 'Sunita Rout' WHERE instruction_id = 1 AND position = 0;
             UPDATE search_texts SET text = 'pi-1013/2023-24/000112\nsunita rout' WHERE instruction_id = 1;",
        )
        .unwrap();
    let store = world.app.store.clone();
    let refolding = tokio::task::spawn_blocking(move || refold(&store).unwrap());
    let waits = "SELECT pid::TEXT AS line FROM pg_locks WHERE NOT granted
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    world.until(|| !lines(&mut connection(&world.database, Kind::Postgres), waits).is_empty()).await;
    import.batch_execute("COMMIT").unwrap();
    let looked_at = instructions(&world, Kind::Postgres);
    assert_eq!(refolding.await.unwrap(), Refolded { looked_at, changed: 1 });
    assert_eq!(found(&world.browser, "sunita rout").await, ["PI-1013/2023-24/000112"]);
    assert_eq!(found(&world.browser, "sabita nayak").await, [""; 0]);
}
