//! Not tests but figures: how fast the outbox empties into a gateway that answers at once.
//!
//! `cargo nextest run --release --run-ignored only messages_per_second --no-capture -j1`

use std::time::{Duration, Instant};

use mukta_ftps::app::App;
use mukta_ftps::notifications::{Notifications, Sms};

use crate::support::{Kind, World, original, revised, sms_settings};

const ORIGINAL: &str = "PI-1013/2023-24/000112";

async fn measure(kind: Kind, instructions: usize) {
    const PER_INSTRUCTION: usize = 500;
    let world = World::start(kind).await;
    let people: Vec<String> = (0..PER_INSTRUCTION).map(|place| format!("BN-{place}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for place in 0..instructions {
        let number = format!("PI-{place}");
        world.import(&[original(ORIGINAL, &people), revised(&number, ORIGINAL, &people)]);
        world.press_refresh(&number).await;
    }
    for concurrency in [4, 64, 256] {
        let count = instructions * PER_INSTRUCTION / 4;
        let App { store, sealer, clock, .. } = world.app.clone();
        let sms = Sms { concurrency, per_second: 100_000, ..sms_settings(&world.gateway) };
        let limited = Notifications::new(store, sealer, Some(sms), clock).unwrap();
        let before = world.gateway.count();
        let begun = Instant::now();
        let delivery = limited.start();
        while world.gateway.count() < before + count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let sent = world.gateway.count() - before;
        let rate = sent as f64 / begun.elapsed().as_secs_f64();
        delivery.finish().await;
        println!("{kind:?}: {rate:.0} messages a second at SMS_CONCURRENCY={concurrency}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn messages_per_second_sqlite() {
    measure(Kind::Sqlite, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn messages_per_second_postgres() {
    measure(Kind::Postgres, 20).await;
}
