//! JIT as it is played for the program, and the bare loop that it is measured against: the same client asks the
//! same of the same simulator, and nothing is kept of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::{AnswerData, BillToAsk, Reply};
use mukta_ftps::jit::envelope::{self, SymmetricKey};
use mukta_ftps::jit::{JitClient, JitConfig, PublicKey};
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::instructions::{Pairs, bill};
use crate::load::{Request, load};

/// How long a sync may take until it has asked JIT.
const PATIENCE: Duration = Duration::from_secs(30);

/// The simulated JIT on threads of its own, so that it is to the program what another process would be.
pub(crate) struct Jit {
    pub(crate) simulator: JitSimulator,
    pairs: Pairs,
    // After the simulator, whose tasks it runs.
    _runtime: Runtime,
}

impl Jit {
    /// One that pays all of them, each call after that time.
    pub(crate) fn paying(pairs: Pairs, latency: Duration) -> Result<Self> {
        let runtime = Runtime::new()?;
        let options =
            JitSimulatorOptions { latency, clock: Clock::system(), ..JitSimulatorOptions::default() };
        let simulator = runtime.block_on(JitSimulator::start(options))?;
        (0..pairs.count).for_each(|pair| simulator.know(pairs.known(pair)));
        Ok(Self { simulator, pairs, _runtime: runtime })
    }

    /// One that is there, and is not asked.
    pub(crate) fn quiet() -> Result<Self> {
        Self::paying(Pairs { count: 0, people: 0 }, Duration::ZERO)
    }

    /// The settings by which the program reaches it.
    pub(crate) fn settings(
        &self,
        place: &std::path::Path,
        at_once: usize,
    ) -> Result<Vec<(&'static str, String)>> {
        let key_file = place.join("jit.der");
        std::fs::write(&key_file, self.simulator.public_key_der())?;
        Ok(vec![
            ("JIT_BASE_URL", self.simulator.base_url()),
            ("JIT_CLIENT_ID", self.simulator.client_id().to_owned()),
            ("JIT_CLIENT_SECRET", self.simulator.client_secret().to_owned()),
            ("JIT_PUBLIC_KEY_FILE", key_file.display().to_string()),
            ("JIT_CONCURRENCY", at_once.to_string()),
        ])
    }

    /// Waits until it has been asked more often than that: then a run has begun.
    pub(crate) fn until_asked(&self, before: usize) -> Result<()> {
        let begun = Instant::now();
        while self.simulator.calls_received() <= before {
            ensure!(begun.elapsed() < PATIENCE, "the sync does not begin");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Answers a second of a bare loop that asks so often, so much at once.
    pub(crate) fn bare_loop(&self, client: &Runtime, at_once: usize, asks: usize) -> Result<f64> {
        client.block_on(async {
            let jit = JitClient::new(self.config()?, Clock::system())?;
            let bills: Arc<Vec<BillToAsk>> =
                Arc::new((0..self.pairs.count).map(bill).collect::<Result<_>>()?);
            asked(&jit, &bills[0]).await.context("signing in")?;
            let next = Arc::new(AtomicUsize::new(0));
            let begun = Instant::now();
            let mut loops = JoinSet::new();
            for _ in 0..at_once {
                let (jit, bills, next) = (jit.clone(), Arc::clone(&bills), Arc::clone(&next));
                loops.spawn(async move {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        if place >= asks {
                            return anyhow::Ok(());
                        }
                        asked(&jit, &bills[place % bills.len()]).await?;
                    }
                });
            }
            while let Some(ended) = loops.join_next().await {
                ended??;
            }
            Ok(asks as f64 / begun.elapsed().as_secs_f64())
        })
    }

    /// Answers a second to a client that does nothing but send the same call again and again.
    pub(crate) fn ceiling(&self, client: &Runtime, at_once: usize, time: Duration) -> Result<f64> {
        let (token, body) = client.block_on(self.ready_call())?;
        let url: reqwest::Url = self.simulator.base_url().parse()?;
        let address = *url.socket_addrs(|| None)?.first().context("an address")?;
        let path = format!("{}/get-jit-service-data", url.path());
        let headers = format!("authToken: {token}\r\nContent-Type: application/json\r\n");
        Ok(load(&Request::post(address, &path, &headers, &body), at_once, time)?.per_second)
    }

    /// A session's token, and the body of a call within it.
    async fn ready_call(&self) -> Result<(String, String)> {
        let app_key = SymmetricKey::random()?;
        let body =
            envelope::authenticate_body(&PublicKey::parse(self.simulator.public_key_der())?, &app_key)?;
        let reply = reqwest::Client::builder()
            .no_proxy()
            .build()?
            .post(format!("{}/authenticate", self.simulator.base_url()))
            .header("clientId", self.simulator.client_id())
            .header("clientSecret", self.simulator.client_secret())
            .body(body)
            .send()
            .await?
            .text()
            .await?;
        let reply: Value = serde_json::from_str(&reply)?;
        let told = |name: &str| reply[name].as_str().with_context(|| format!("no {name}"));
        let sek = envelope::open_sek(&app_key, told("sek")?)?;
        let request = JitClient::new(self.config()?, Clock::system())?.request_json(&bill(0)?);
        Ok((told("authToken")?.to_owned(), envelope::call_body(&sek, &SymmetricKey::random()?, &request)?))
    }

    fn config(&self) -> Result<JitConfig> {
        Ok(JitConfig {
            base_url: self.simulator.base_url().parse()?,
            client_id: self.simulator.client_id().to_owned(),
            client_secret: self.simulator.client_secret().to_owned(),
            public_key: PublicKey::parse(self.simulator.public_key_der())?,
            extra_roots: Vec::new(),
            timeout: Duration::from_secs(30),
            session_lifetime: Duration::from_secs(1500),
            department: "MUKTA".to_owned(),
            date_offset: "+00:00".parse()?,
            date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
        })
    }
}

/// Asks about one bill; it must have been paid.
async fn asked(jit: &JitClient, bill: &BillToAsk) -> Result<()> {
    let reply = jit.ask(bill).await.map_err(|_| anyhow::anyhow!("signing in pauses"))?.reply;
    let is_paid = matches!(&reply, Reply::Answered(answer) if matches!(answer.data, AnswerData::Entries(_)));
    ensure!(is_paid, "JIT answers {reply:?}");
    Ok(())
}
