//! The outbox: messages a second into a gateway that answers at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use mukta_ftps::domain::sms::Sms;
use mukta_ftps::notifications::gateway::{Gateway, GatewayConfig, Verdict};
use mukta_ftps::simulator::sms::{SmsSimulator, SmsSimulatorOptions};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::bench::{AT_ONCE, Bench};
use crate::database::Kind;
use crate::figure::{Figure, Round};
use crate::jit::Jit;

/// `SMS_CONCURRENCY`.
const SMS_AT_ONCE: usize = 64;

/// How long the outbox may take to begin, and to empty.
const PATIENCE: Duration = Duration::from_secs(300);

pub(crate) fn messages(bench: &mut Bench) -> Result<Vec<Figure>> {
    let pairs = bench.pairs(2_000, 10);
    let waiting = pairs.count * pairs.people;
    // The first are the start's, the last may wait for the outbox's next look.
    let (first, last) = (waiting / 20, waiting * 9 / 10);
    let apart = Runtime::new()?;
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let synced = bench.synced(kind, pairs)?;
        let mut figure = Figure::new("sms", kind, "/s").against("bare client loop");
        for _ in 0..bench.rounds {
            let gateway = apart.block_on(SmsSimulator::start(SmsSimulatorOptions::default()))?;
            let bare = bench.client.block_on(bare_loop(&gateway, waiting))?;
            let before = gateway.count();
            let database = synced.copied()?;
            let mut settings = Jit::quiet()?.settings(bench.place(), AT_ONCE)?;
            settings.extend([
                ("SMS_GATEWAY_URL", gateway.gateway_url()),
                ("SMS_TEMPLATE_ID", "1007".to_owned()),
                ("SMS_CONCURRENCY", SMS_AT_ONCE.to_string()),
                ("SMS_PER_SECOND", "100000".to_owned()),
            ]);
            let _server = bench.program.serve(&database, &bench.client, &settings)?;
            until_received(&gateway, before + first)?;
            let (from, begun) = (gateway.count(), Instant::now());
            until_received(&gateway, before + last)?;
            let sent = gateway.count() - from;
            figure.push(Round::beside(bare, sent as f64 / begun.elapsed().as_secs_f64()));
        }
        figure.note(format!("an outbox of {waiting}, {SMS_AT_ONCE} at once"));
        figures.push(figure);
    }
    Ok(figures)
}

fn until_received(gateway: &SmsSimulator, count: usize) -> Result<()> {
    let begun = Instant::now();
    while gateway.count() < count {
        ensure!(begun.elapsed() < PATIENCE, "the gateway has {} of {count} messages", gateway.count());
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Messages a second of the program's own client that keeps nothing.
async fn bare_loop(simulator: &SmsSimulator, count: usize) -> Result<f64> {
    let gateway = Arc::new(Gateway::new(GatewayConfig {
        url: simulator.gateway_url().parse()?,
        extra_roots: Vec::new(),
        timeout: Duration::from_secs(30),
        action: "singleSMS".to_owned(),
        source: "ODIGOV".to_owned(),
        department_id: "D001002".to_owned(),
        template_id: "1007".to_owned(),
    })?);
    let text = "Payment of Rs. 1230.00 for MUKTA, transaction SBINN00000000000000001 is made to your registered bank \
                account. Contact your bank if not credited within 72 hours. MUKTA - Govt. of Odisha.";
    let sms = Arc::new(Sms { to: "7500000001".to_owned(), text: text.to_owned() });
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut loops = JoinSet::new();
    for _ in 0..SMS_AT_ONCE {
        let (gateway, sms, next) = (Arc::clone(&gateway), Arc::clone(&sms), Arc::clone(&next));
        loops.spawn(async move {
            while next.fetch_add(1, Ordering::Relaxed) < count {
                let answer = gateway.send(&sms).await;
                ensure!(answer.verdict == Verdict::Accepted, "the gateway answers {answer:?}");
            }
            Ok(())
        });
    }
    while let Some(ended) = loops.join_next().await {
        ended??;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
