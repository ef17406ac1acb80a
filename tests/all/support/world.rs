//! A whole running program for one test: a fresh database, the simulators, the web server on a
//! free port, and a browser of sorts.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use mukta_ftps::access::{Role, password};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::notifications::Sms;
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::static_dir;
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions};
use mukta_ftps::simulator::sms::{SmsSimulator, SmsSimulatorOptions};
use mukta_ftps::store::{Store, employees, invariants};
use mukta_ftps::sync::{Jit, SyncTimes};
use mukta_ftps::web::Sessions;
use mukta_ftps::web::{self, Site};

use super::program::with_jit;
use super::settings::{endless_sessions, jit_settings, sync_settings};
use super::{Browser, DATA_KEY, Door, Kind, PASSWORD, Page, ScratchDatabase, sms_settings, start_of_time};

/// How long a call of JIT may take; generous, since other tests use the machine too.
const PATIENCE: Duration = Duration::from_secs(5);

/// The running program, seen from outside.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) jit: JitSimulator,
    pub(crate) gateway: SmsSimulator,
    pub(crate) address: SocketAddr,
    /// Of an administrator of the whole state, signed in.
    pub(crate) browser: Browser,
    pub(crate) site: Site,
    pub(crate) database: ScratchDatabase,
    now: Arc<Mutex<DateTime<Utc>>>,
    server: actix_web::dev::ServerHandle,
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.server.stop(false));
        if !std::thread::panicking() && !self.database.is_spoilt() {
            self.must_not_contradict_itself();
        }
    }
}

impl World {
    /// Whatever a test does, the rules of the data hold at its end; where it took the database away, nobody can tell.
    fn must_not_contradict_itself(&self) {
        if let Ok(broken) = invariants::broken(&self.app.store) {
            assert!(broken.is_empty(), "{broken:#?}");
        }
    }

    pub(crate) async fn start(kind: Kind) -> Self {
        Self::with_timeout(kind, PATIENCE).await
    }

    /// A program whose calls of JIT may take so long.
    pub(crate) async fn with_timeout(kind: Kind, timeout: Duration) -> Self {
        let gateway = SmsSimulator::start(SmsSimulatorOptions {
            slow: Duration::from_millis(100),
            ..Default::default()
        })
        .await
        .unwrap();
        let sms = sms_settings(&gateway);
        Self::with_sms(kind, timeout, gateway, Some(sms)).await
    }

    /// A program that knows no SMS gateway.
    pub(crate) async fn without_gateway(kind: Kind) -> Self {
        let unused = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
        Self::with_sms(kind, PATIENCE, unused, None).await
    }

    /// The program started over a database that has a past.
    pub(crate) async fn over(database: ScratchDatabase) -> Self {
        let gateway = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
        let sms = sms_settings(&gateway);
        Self::over_with(database, PATIENCE, gateway, Some(sms)).await
    }

    async fn with_sms(kind: Kind, timeout: Duration, gateway: SmsSimulator, sms: Option<Sms>) -> Self {
        Self::over_with(ScratchDatabase::new(kind), timeout, gateway, sms).await
    }

    async fn over_with(
        database: ScratchDatabase,
        timeout: Duration,
        gateway: SmsSimulator,
        sms: Option<Sms>,
    ) -> Self {
        let jit = JitSimulator::start(JitSimulatorOptions::default()).await.unwrap();
        let now = Arc::new(Mutex::new(start_of_time()));
        let clock = {
            let now = Arc::clone(&now);
            Clock::of(move || *now.lock().unwrap())
        };
        let app = app_over(&database, jit_settings(&jit, timeout), sms, clock).await;
        let site = Site::new(app.clone(), endless_sessions(), static_dir(None).unwrap());
        let (server, address) = web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
        let handle = server.handle();
        tokio::spawn(server);
        let browser = Browser::new(address);
        let world = Self { app, jit, gateway, address, browser, site, database, now, server: handle };
        world.employ("asha", Role::Admin, "od");
        world.browser.sign_in("asha").await;
        world
    }

    /// A browser at the same program, served a second time with other settings of sessions.
    pub(crate) async fn served_with(&self, sessions: Sessions) -> Browser {
        let site = Site { sessions, ..self.site.clone() };
        let (server, address) = web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
        tokio::spawn(server);
        Browser::new(address)
    }

    /// Adds an employee whose password is [`PASSWORD`].
    pub(crate) fn employ(&self, name: &str, role: Role, tenant: &str) {
        static HASH: LazyLock<String> = LazyLock::new(|| password::hash_new("nobody", PASSWORD).unwrap());
        let now = self.app.clock.now().naive_utc();
        assert!(self.write(|db| employees::add(db, name, role, tenant, &HASH, now)), "{name} is new");
    }

    /// A browser in which an employee of that role and tenant has signed in.
    pub(crate) async fn browser_of(&self, name: &str, role: Role, tenant: &str) -> Browser {
        self.employ(name, role, tenant);
        let browser = Browser::new(self.address);
        browser.sign_in(name).await;
        browser
    }

    /// Moves the clock on.
    pub(crate) fn later(&self, by: chrono::Duration) {
        *self.now.lock().unwrap() += by;
    }

    /// Sets the clock.
    pub(crate) fn set_clock(&self, to: DateTime<Utc>) {
        *self.now.lock().unwrap() = to;
    }

    /// Waits for what other tasks do, for some seconds at most.
    pub(crate) async fn until(&self, met: impl Fn() -> bool) {
        for _ in 0..4000 {
            if met() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it did not come to that");
    }

    /// Another process over the same database: its own connections, slots, circuit and session.
    pub(crate) async fn another_app(&self) -> App {
        let jit = jit_settings(&self.jit, PATIENCE);
        app_over(&self.database, jit, Some(sms_settings(&self.gateway)), self.app.clock.clone()).await
    }

    /// Another process over the same database, started with `SYNC_PAUSED`.
    pub(crate) async fn paused_app(&self) -> App {
        let jit = jit_settings(&self.jit, PATIENCE);
        let times = SyncTimes { is_paused: true, ..sync_settings() };
        let sms = Some(sms_settings(&self.gateway));
        app_timed(&self.database, jit, sms, times, self.app.clock.clone()).await
    }

    /// A browser at the pages of another process on this database.
    pub(crate) fn browser_at(&self, app: &App) -> Browser {
        let site = Site { app: app.clone(), ..self.site.clone() };
        let (server, address) = web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
        tokio::spawn(server);
        Browser::new(address)
    }

    /// Another process over the same database that reaches JIT through a door.
    pub(crate) async fn another_app_behind(&self, door: &Door) -> App {
        let mut jit = jit_settings(&self.jit, PATIENCE);
        jit.config.base_url.set_port(Some(door.port())).unwrap();
        app_over(&self.database, jit, Some(sms_settings(&self.gateway)), self.app.clock.clone()).await
    }

    /// The program as a process on this world's database: eight calls in flight, none longer than a
    /// second.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        let mut command = with_jit(args, &self.database, &self.jit);
        command.env("JIT_TIMEOUT_SECONDS", "1").env("JIT_CONCURRENCY", "8").env("RUST_LOG", "warn");
        command
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        self.browser.get(path).await
    }

    /// The View page of an instruction.
    pub(crate) async fn view(&self, number: &str) -> Page {
        self.browser.view(number).await
    }

    /// Posts a form, and opens the page it leads to.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.browser.post(path, fields).await;
        if answer.status == 303 { self.get(&answer.location()).await } else { answer }
    }

    /// Presses Refresh as a browser would: the form of the page, then the page it leads to.
    pub(crate) async fn press_refresh(&self, number: &str) -> Page {
        self.browser.press_refresh(number).await
    }
}

/// The program over that database.
async fn app_over(database: &ScratchDatabase, jit: Jit, sms: Option<Sms>, clock: Clock) -> App {
    app_timed(database, jit, sms, sync_settings(), clock).await
}

async fn app_timed(
    database: &ScratchDatabase,
    jit: Jit,
    sms: Option<Sms>,
    times: SyncTimes,
    clock: Clock,
) -> App {
    let store = Store::open(&database.url).unwrap();
    let sealer = Sealer::new(&DATA_KEY, &[]).unwrap();
    App::new(store, sealer, jit, sms, times, clock).await.unwrap()
}
