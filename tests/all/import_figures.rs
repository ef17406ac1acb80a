//! Imports of 8,500 beside runs of 2,000, ten of each: what is lost, thrown back, asked about twice or left
//! unpaid.
//!
//! `cargo nextest run --run-ignored only imports_beside_runs --no-capture -j1`

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use mukta_ftps::import::{OnFaulty, import};

use crate::support::{Instruction, World, document, on_both, original, revised};

on_both!(
    #[ignore = "a measurement: minutes of imports"]
    imports_beside_runs,
);

const RUN: usize = 2000;
const FILE: usize = 8500;
const ROUNDS: usize = 10;
const FIRST: &str = "PI-1013/2022-23/000001";
const PERSON: &[&str] = &["BN-1013/000224"];

/// Lines of the log that tell of something done again.
static THROWN_BACK: AtomicUsize = AtomicUsize::new(0);
static BEGUN_ANEW: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl log::Log for Counting {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        if line.contains("could not be recorded together") {
            THROWN_BACK.fetch_add(1, Ordering::Relaxed);
        }
        if line.contains("the import begins again") {
            BEGUN_ANEW.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {}
}

/// Of that round: those of the run first.
fn file(round: usize, told: &str) -> Vec<Instruction> {
    let one = |place: usize| {
        let one = revised(&format!("PI-{round:04}/2023-24/{place:06}"), FIRST, PERSON);
        let one = if place < RUN { one } else { one.completed() };
        one.but(|one| one["muktaReferenceId"] = told.into())
    };
    (0..FILE).map(one).collect()
}

async fn imports_beside_runs(world: World) {
    log::set_logger(&Counting).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    world.import(&[original(FIRST, PERSON)]);
    let (store, sealer, clock) =
        (world.app.store.clone(), Arc::clone(&world.app.sealer), world.app.clock.clone());
    let began = Instant::now();
    let mut paid = 0;
    for round in 0..ROUNDS {
        world.import(&file(round, "first"));
        let run = world.begun_by_hand().await;
        let working = {
            let (sync, run) = (world.app.sync.clone(), run.clone());
            tokio::spawn(async move { sync.work(&run).await.unwrap() })
        };
        let (store, sealer, clock) = (store.clone(), Arc::clone(&sealer), clock.clone());
        let importing = tokio::task::spawn_blocking(move || {
            let mut again = file(round, "again");
            again.reverse();
            let document = document(&again);
            import(&store, &sealer, document.as_bytes(), OnFaulty::Refuse, &clock).unwrap()
        });
        let imported = importing.await.unwrap();
        working.await.unwrap();
        assert_eq!((imported.created, imported.updated), (0, FILE as u64));
        paid += world.read(|db| mukta_ftps::store::sync_runs::total(db, run.id)).successful;
    }
    eprintln!(
        "{:?}: {ROUNDS} imports of {FILE} beside {ROUNDS} runs of {RUN} in {} s: imports lost 0, begun anew {}, \
         batches thrown back {}, asked {} times about {}, paid {paid}",
        world.database.kind,
        began.elapsed().as_secs(),
        BEGUN_ANEW.load(Ordering::Relaxed),
        THROWN_BACK.load(Ordering::Relaxed),
        world.jit.calls_received(),
        RUN * ROUNDS,
    );
    assert_eq!(world.jit.calls_received(), RUN * ROUNDS);
    assert_eq!(paid, (RUN * ROUNDS) as i64, "and the database has nobody unpaid in any: it would refuse");
}
