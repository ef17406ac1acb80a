//! How long a stop takes while people look, a run is under way and messages go out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mukta_ftps::domain::RunState;
use mukta_ftps::store::schema::ftps_calls;
use mukta_ftps::store::sync_runs;

use crate::stop::serving;
use crate::support::{Browser, World, on_both};

on_both!(a_stop_under_load_is_soon_over);

const STOPS: usize = 12;
/// People who load one page after the other.
const PEOPLE: usize = 4;

async fn a_stop_under_load_is_soon_over(world: World) {
    let numbers = world.import_many(1500);
    world.jit.set_latency(Duration::from_millis(300));
    world.set_clock(chrono::Utc::now());
    let run = world.begun_by_hand().await;
    let mut took = Vec::new();
    let (shown, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..STOPS {
        let (program, address) =
            serving(&world, world.program(&["serve"]).env("JIT_TIMEOUT_SECONDS", "5")).await;
        let enough = Arc::new(AtomicBool::new(false));
        let mut people = Vec::new();
        for _ in 0..PEOPLE {
            let browser = Browser::new(address);
            browser.sign_in("asha").await;
            let (client, url) = (browser.client.clone(), browser.url("/payment-instructions"));
            let (enough, shown, refused) = (Arc::clone(&enough), Arc::clone(&shown), Arc::clone(&refused));
            people.push(tokio::spawn(async move {
                while !enough.load(Ordering::Relaxed) {
                    // The socket is shut once all is done.
                    let Ok(answer) = client.get(&url).send().await else { break };
                    match answer.status().as_u16() {
                        200 => shown.fetch_add(1, Ordering::Relaxed),
                        503 => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("a page answered {other}"),
                    };
                    // A program that ends in the midst of a page would be seen here.
                    answer.text().await.unwrap();
                }
            }));
        }
        let before = world.jit.calls_received();
        world.until(|| world.jit.calls_received() > before + 20 && world.jit.in_flight() > 3).await;
        let told = Instant::now();
        program.stop();
        took.push(told.elapsed());
        enough.store(true, Ordering::Relaxed);
        for person in people {
            person.await.unwrap();
        }
    }
    took.sort_unstable();
    let (median, longest) = (took[STOPS / 2], took[STOPS - 1]);
    println!(
        "{STOPS} stops under load: median {median:?}, longest {longest:?}; {} pages shown, {} refused with 503",
        shown.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed)
    );
    assert!(longest < Duration::from_secs(8), "{took:?}");
    assert_eq!(world.read(|db| sync_runs::get(db, run.id)).unwrap().state, RunState::Running);
    // Nothing was cut off, and nothing left claimed.
    use diesel::prelude::*;
    let cut_off = ftps_calls::table.filter(ftps_calls::outcome.eq("unknown"));
    assert_eq!(world.read(|db| Ok(cut_off.count().get_result::<i64>(db)?)), 0);
    assert!(numbers.iter().all(|number| world.stored(number).lease_token.is_none()));
}
