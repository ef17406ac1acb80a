//! Not tests but figures: how fast the outbox empties into a gateway that answers at once.
//!
//! `cargo nextest run --release --run-ignored only messages_per_second --no-capture -j1`

use std::time::{Duration, Instant};

use mukta_ftps::app::App;
use mukta_ftps::notifications::{Notifications, Sms};

use crate::support::{Kind, ORIGINAL, World, on_both, original, payment_ids, revised, sms_settings};

on_both!(
    #[ignore = "a measurement"]
    messages_per_second,
);

async fn messages_per_second(world: World) {
    const PER_INSTRUCTION: usize = 500;
    let instructions = match world.database.kind {
        Kind::Sqlite => 40,
        Kind::Postgres => 20,
    };
    let people = payment_ids(PER_INSTRUCTION);
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
        delivery.finish(Duration::from_secs(30)).await;
        let kind = world.database.kind;
        println!("{kind:?}: {rate:.0} messages a second at SMS_CONCURRENCY={concurrency}");
    }
}
