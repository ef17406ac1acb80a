//! A whole running program for one test: a fresh database, the simulators, the web server on a
//! free port, and a browser of sorts.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use mukta_ftps::access::{Role, password};
use mukta_ftps::app::{App, Clock};
use mukta_ftps::ftps::date::IST;
use mukta_ftps::import::import;
use mukta_ftps::jit::{JitConfig, PublicKey};
use mukta_ftps::notifications::gateway::GatewayConfig;
use mukta_ftps::sealing::{Sealer, hex, random_hex};
use mukta_ftps::settings::{Jit, Sessions, Sms, SyncTimes, static_dir};
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions, KnownBeneficiary, KnownInstruction};
use mukta_ftps::simulator::sms::{SmsSimulator, SmsSimulatorOptions};
use mukta_ftps::store::{DatabaseUrl, Store, employees};
use mukta_ftps::sync::nights::Nights;
use mukta_ftps::web::{self, Site};
use scraper::{ElementRef, Html, Selector};
use serde_json::{Value, json};

/// The key of every test's database.
pub(crate) const DATA_KEY: [u8; 32] = [42; 32];

/// The password of every employee of the tests.
pub(crate) const PASSWORD: &str = "four plain words apart";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// Writes each test twice: once on SQLite and once on PostgreSQL.
macro_rules! on_both {
    ($($(#[$meta:meta])* async fn $name:ident($world:ident: World) $body:block)+) => {
        $($(#[$meta])* mod $name {
            #[allow(unused_imports)]
            use super::*;
            async fn story($world: $crate::support::World) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story($crate::support::World::start($crate::support::Kind::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                story($crate::support::World::start($crate::support::Kind::Postgres).await).await;
            }
        })+
    };
}

/// A database that is thrown away.
pub(crate) struct ScratchDatabase {
    pub(crate) url: DatabaseUrl,
    pub(crate) url_text: String,
    pub(crate) directory: tempfile::TempDir,
}

impl ScratchDatabase {
    pub(crate) fn new(kind: Kind) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url_text = match kind {
            Kind::Sqlite => format!("sqlite://{}", directory.path().join("test.db").display()),
            Kind::Postgres => {
                let server = std::env::var("TEST_POSTGRES_URL")
                    .expect("PostgreSQL is started by `cargo nextest run` (.config/nextest.toml)");
                let name = format!("test_{}", random_hex(8).unwrap());
                PgConnection::establish(&format!("{server}/postgres"))
                    .unwrap()
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .unwrap();
                format!("{server}/{name}")
            }
        };
        Self { url: url_text.parse().unwrap(), url_text, directory }
    }
}

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
    }
}

/// Sessions that outlast every leap of a test's clock; `access` tests the deadlines.
fn endless_sessions() -> Sessions {
    let endless = chrono::Duration::days(36_500);
    Sessions { idle: endless, longest: endless, ..Sessions::local(&[7; 64]) }
}

/// The instant at which every test's clock starts.
pub(crate) fn start_of_time() -> DateTime<Utc> {
    "2024-03-31T10:00:00Z".parse().unwrap()
}

impl World {
    pub(crate) async fn start(kind: Kind) -> Self {
        Self::with_timeout(kind, Duration::from_secs(5)).await
    }

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
        Self::with_sms(kind, Duration::from_secs(5), unused, None).await
    }

    async fn with_sms(kind: Kind, timeout: Duration, gateway: SmsSimulator, sms: Option<Sms>) -> Self {
        Self::over_with(ScratchDatabase::new(kind), timeout, gateway, sms).await
    }

    /// The program started over a database that has a past.
    pub(crate) async fn over(database: ScratchDatabase) -> Self {
        let gateway = SmsSimulator::start(SmsSimulatorOptions::default()).await.unwrap();
        let sms = sms_settings(&gateway);
        Self::over_with(database, Duration::from_secs(5), gateway, Some(sms)).await
    }

    async fn over_with(
        database: ScratchDatabase,
        timeout: Duration,
        gateway: SmsSimulator,
        sms: Option<Sms>,
    ) -> Self {
        let store = Store::open(&database.url).unwrap();
        let jit = JitSimulator::start(JitSimulatorOptions::default()).await.unwrap();
        let now = Arc::new(Mutex::new(start_of_time()));
        let clock = {
            let now = Arc::clone(&now);
            Clock::of(move || *now.lock().unwrap())
        };
        let settings = jit_settings(&jit, timeout);
        let sealer = Sealer::new(&DATA_KEY, &[]).unwrap();
        let app = App::new(store, sealer, settings, sms, sync_settings(), clock).await.unwrap();
        Self::serve(app, jit, gateway, database, now, endless_sessions()).await
    }

    async fn serve(
        app: App,
        jit: JitSimulator,
        gateway: SmsSimulator,
        database: ScratchDatabase,
        now: Arc<Mutex<DateTime<Utc>>>,
        sessions: Sessions,
    ) -> Self {
        let site = Site::new(app.clone(), sessions, static_dir(None).unwrap());
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
        let added = self.app.store.write_blocking(|db| employees::add(db, name, role, tenant, &HASH, now));
        assert!(added.unwrap(), "{name} is new");
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

    /// A process over the same database whose JIT is down: nobody listens there.
    pub(crate) async fn without_jit(&self) -> App {
        let mut jit = jit_settings(&self.jit, Duration::from_secs(5));
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        jit.config.base_url = format!("http://{nobody}/jit").parse().unwrap();
        let (store, sealer) =
            (Store::open(&self.database.url).unwrap(), Sealer::new(&DATA_KEY, &[]).unwrap());
        App::new(store, sealer, jit, None, sync_settings(), self.app.clock.clone()).await.unwrap()
    }

    /// `mukta-ftps` with nothing in its environment but what it takes to work on this world: eight
    /// calls in flight, none longer than a second.
    pub(crate) fn program(&self, args: &[&str]) -> std::process::Command {
        let key = self.database.directory.path().join("jit.der");
        std::fs::write(&key, self.jit.public_key_der()).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_mukta-ftps"));
        command
            .args(args)
            .env_clear()
            .stdin(std::process::Stdio::null())
            .env("DATABASE_URL", &self.database.url_text)
            .env("DATA_KEY", hex(&DATA_KEY))
            .env("SESSION_KEY", hex(&[7; 64]))
            .env("HTTP_BIND", "127.0.0.1:0")
            .env("JIT_BASE_URL", self.jit.base_url())
            .env("JIT_CLIENT_ID", self.jit.client_id())
            .env("JIT_CLIENT_SECRET", self.jit.client_secret())
            .env("JIT_PUBLIC_KEY_FILE", key)
            .env("JIT_TIMEOUT_SECONDS", "1")
            .env("JIT_CONCURRENCY", "8")
            .env("RUST_LOG", "warn");
        command
    }

    /// Runs SQL on the database, for what takes time or luck otherwise.
    pub(crate) fn execute(&self, sql: &str) {
        match &self.database.url {
            DatabaseUrl::Sqlite(_) => {
                let path = self.database.url_text.trim_start_matches("sqlite://");
                let mut db = SqliteConnection::establish(path).unwrap();
                db.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}")).unwrap();
            }
            DatabaseUrl::Postgres(_) => {
                PgConnection::establish(&self.database.url_text).unwrap().batch_execute(sql).unwrap();
            }
        }
    }

    /// Makes the database refuse to mark this instruction's beneficiaries as paid.
    pub(crate) fn poison_payments_of(&self, number: &str) {
        let of =
            format!("NEW.instruction_id = (SELECT id FROM payment_instructions WHERE number = '{number}')");
        self.execute(&match &self.database.url {
            DatabaseUrl::Sqlite(_) => format!(
                "CREATE TRIGGER poison BEFORE UPDATE OF utr ON beneficiaries WHEN {of} \
                 BEGIN SELECT RAISE(ABORT, 'poison'); END;"
            ),
            DatabaseUrl::Postgres(_) => format!(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF {of} THEN RAISE EXCEPTION 'poison'; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER poison BEFORE UPDATE OF utr ON beneficiaries \
                 FOR EACH ROW EXECUTE FUNCTION poison();"
            ),
        });
    }

    /// Imports instructions and tells JIT of the revised ones.
    pub(crate) fn import(&self, instructions: &[Value]) {
        let document = json!({ "paymentInstructions": instructions }).to_string();
        import(&self.app.store, &self.app.sealer, document.as_bytes(), self.app.clock.now()).unwrap();
        introduce(&self.jit, &document);
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

/// A browser of sorts: keeps cookies, follows no redirect by itself.
pub(crate) struct Browser {
    pub(crate) client: reqwest::Client,
    pub(crate) address: SocketAddr,
}

impl Browser {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_store(true)
            .build()
            .unwrap();
        Self { client, address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Page {
        Page::of(self.client.get(self.url(path)).send().await.unwrap()).await
    }

    /// Posts a form as it is, without the session's token.
    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        Page::of(self.client.post(self.url(path)).form(fields).send().await.unwrap()).await
    }

    /// Posts a form with the token of the session.
    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.form_token().await;
        let mut fields = fields.to_vec();
        fields.push(("form_token", &token));
        self.post_bare(path, &fields).await
    }

    /// The token that the forms of this session carry.
    pub(crate) async fn form_token(&self) -> String {
        let page = self.get("/sign-in").await;
        let page = if page.status == 303 { self.get("/payment-instructions").await } else { page };
        page.all("input[name=form_token]")[0].attr("value").unwrap().to_owned()
    }

    pub(crate) async fn sign_in(&self, name: &str) {
        let answer = self.try_to_sign_in(name, PASSWORD).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
    }

    pub(crate) async fn try_to_sign_in(&self, name: &str, password: &str) -> Page {
        self.post("/sign-in", &[("username", name), ("password", password)]).await
    }

    pub(crate) async fn view(&self, number: &str) -> Page {
        self.get(&format!("/payment-instructions/{number}")).await
    }

    pub(crate) async fn press_refresh(&self, number: &str) -> Page {
        let page = self.view(number).await;
        let action = page.attr("form#refresh", "action");
        let token = page.attr("form#refresh input[name=form_token]", "value");
        let answer = self.post_bare(&action, &[("form_token", &token)]).await;
        assert_eq!(answer.status, 303, "Refresh leads back to the page: {}", answer.text);
        self.get(&answer.location()).await
    }
}

/// Tells JIT of the revised instructions of a document.
pub(crate) fn introduce(jit: &JitSimulator, document: &str) {
    let document: Value = serde_json::from_str(document).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    for one in document["paymentInstructions"].as_array().unwrap() {
        if one["parentPiNumber"].is_null() {
            continue;
        }
        let beneficiaries =
            one["beneficiaryDetails"].as_array().unwrap().iter().map(|person| KnownBeneficiary {
                payment_id: text(&person["beneficiaryNumber"]).unwrap(),
                account: text(&person["benfAcctNo"]),
                ifsc: text(&person["benfBankIfscCode"]),
            });
        let number = text(&one["jitBillNo"]).unwrap();
        jit.know(KnownInstruction { number, beneficiaries: beneficiaries.collect() });
    }
}

/// How a program reaches the simulator.
pub(crate) fn jit_settings(jit: &JitSimulator, timeout: Duration) -> Jit {
    Jit {
        config: JitConfig {
            base_url: jit.base_url().parse().unwrap(),
            client_id: jit.client_id().to_owned(),
            client_secret: jit.client_secret().to_owned(),
            public_key: PublicKey::parse(jit.public_key_der()).unwrap(),
            timeout,
            session_lifetime: Duration::from_secs(1500),
            department: "MUKTA".to_owned(),
            date_offset: "+00:00".parse().unwrap(),
            date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
        },
        concurrency: 8,
    }
}

/// How a program reaches the simulated SMS gateway.
pub(crate) fn sms_settings(gateway: &SmsSimulator) -> Sms {
    Sms {
        config: GatewayConfig {
            url: gateway.gateway_url().parse().unwrap(),
            // Long enough for a machine that is busy with other tests.
            timeout: Duration::from_secs(5),
            action: "singleSMS".to_owned(),
            source: "ODIGOV".to_owned(),
            department_id: "D001002".to_owned(),
            template_id: "1007".to_owned(),
        },
        concurrency: 4,
        per_second: 10_000,
        retry_first: Duration::from_secs(60),
        retry_max: Duration::from_secs(21_600),
    }
}

/// 10 PM in Odisha, and the retries as CONTRACT.md has them.
pub(crate) fn sync_settings() -> SyncTimes {
    SyncTimes {
        nights: Nights::new("0 0 22 * * *", IST, start_of_time()).unwrap(),
        retry_first: Duration::from_secs(60),
        retry_longest: Duration::from_secs(3600),
    }
}

/// A page as it arrived.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    html: Html,
}

impl Page {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let html = Html::parse_document(&text);
        Self { status, headers, text, html }
    }

    pub(crate) fn location(&self) -> String {
        self.headers["location"].to_str().unwrap().to_owned()
    }

    pub(crate) fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.html.select(&Selector::parse(selector).unwrap()).collect()
    }

    /// The only element of that kind.
    pub(crate) fn one(&self, selector: &str) -> ElementRef<'_> {
        let all = self.all(selector);
        assert_eq!(all.len(), 1, "{selector} on a page of status {}:\n{}", self.status, self.text);
        all[0]
    }

    pub(crate) fn attr(&self, selector: &str, name: &str) -> String {
        self.one(selector).attr(name).unwrap_or_else(|| panic!("{selector} has no {name}")).to_owned()
    }

    pub(crate) fn words(&self, selector: &str) -> String {
        words(self.one(selector))
    }

    /// The SMS status of every beneficiary.
    pub(crate) fn sms_statuses(&self) -> Vec<String> {
        self.all("tr[data-payment-id]")
            .iter()
            .map(|row| row.attr("data-sms-status").unwrap().to_owned())
            .collect()
    }

    /// The payment status of every beneficiary.
    pub(crate) fn payment_statuses(&self) -> Vec<String> {
        self.all("tr[data-payment-id]")
            .iter()
            .map(|row| row.attr("data-payment-status").unwrap().to_owned())
            .collect()
    }
}

/// An element's text with its blanks folded.
pub(crate) fn words(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An original PI whose payments failed, with its bill reference.
pub(crate) fn original(number: &str, people: &[&str]) -> Value {
    let mut original = instruction(number, None, "PARTIAL", "Payment Failed", people);
    original["paDetails"] = json!([
        { "paBillRefNumber": "  ", "paFinYear": "2023-24" },
        { "paBillRefNumber": "202211033261", "paFinYear": "2023-24", "paAdviceId": "601",
          "paAdviceDate": "2023-11-05", "paTokenNumber": "401", "paTokenDate": "2023-11-05" }
    ]);
    original
}

/// A revised PI In Process.
pub(crate) fn revised(number: &str, parent: &str, people: &[&str]) -> Value {
    instruction(number, Some(parent), "INITIATED", "Payment In Process", people)
}

/// An instruction of `od.jatni` in the import's format.
pub(crate) fn instruction(
    number: &str,
    parent: Option<&str>,
    status: &str,
    payment: &str,
    people: &[&str],
) -> Value {
    let people: Vec<Value> = people
        .iter()
        .enumerate()
        .map(|(place, id)| {
            json!({
                "beneficiaryNumber": id,
                "beneficiaryId": format!("person-{place}"),
                "beneficiaryType": "IND",
                "benefName": format!("Sabita Nayak {place}"),
                "benfAcctNo": format!("3013150001{place:04}"),
                "benfBankIfscCode": "SBIN0012345",
                "benfMobileNo": format!("555001{place:04}"),
                "amount": "1230.50",
                "paymentStatus": payment,
            })
        })
        .collect();
    json!({
        "tenantId": "od.jatni",
        "jitBillNo": number,
        "parentPiNumber": parent,
        "piStatus": status,
        "netAmount": 1230.50 * people.len() as f64,
        "auditDetails": { "createdTime": 1_711_000_000_000_i64 },
        "additionalDetails": { "billNumber": ["WB/2023-24/000512"], "hoaCode": "221705800100000351201900078", "mstAllotmentId": "3362" },
        "beneficiaryDetails": people,
    })
}
