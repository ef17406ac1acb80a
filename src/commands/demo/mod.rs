//! `mukta-ftps demo`: the whole product on one machine; JIT, the SMS gateway and MUKTASoft simulated.

mod history;
mod muktasoft;
mod samples;

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::Offset;
use clap::Args;
use mukta_ftps::access::{Role, password};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::date::IST;
use mukta_ftps::domain::nights::Nights;
use mukta_ftps::import::{OnFaulty, import};
use mukta_ftps::jit::{JitConfig, PublicKey};
use mukta_ftps::notifications::Sms;
use mukta_ftps::notifications::gateway::GatewayConfig;
use mukta_ftps::sealing::{Sealer, random_hex, unhex};
use mukta_ftps::settings::{Web, bind_address, static_dir};
use mukta_ftps::simulator::jit::{JitSimulator, JitSimulatorOptions};
use mukta_ftps::simulator::muktasoft::MuktasoftSimulatorOptions;
use mukta_ftps::simulator::sms::{SmsSimulator, SmsSimulatorOptions};
use mukta_ftps::store::keeping::NewEmployee;
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::{DatabaseUrl, Store, StoreError, employees, instructions};
use mukta_ftps::sync::{Jit, SyncTimes};
use mukta_ftps::web::tenants::TenantNames;
use mukta_ftps::web::{Sessions, Site, listen};

use super::serve::{serve_until_told, told_to_stop};
use super::simulate::{gateway_started, introduce, muktasoft_started, started};
use super::{CommandError, OrSay, runtime};

/// Somebody who signs in to the demo.
struct User {
    name: &'static str,
    role: Role,
    tenant: &'static str,
    is: &'static str,
}

/// Who signs in to the demo, the state's administrator first.
const USERS: [User; 3] = [
    User { name: "demo", role: Role::Admin, tenant: "od", is: "administrator of Odisha" },
    User { name: "asha", role: Role::Accountant, tenant: "od.jatni", is: "accountant of Jatni" },
    User {
        name: "ravi",
        role: Role::Viewer,
        tenant: "od",
        is: "viewer of Odisha (demo is its administrator)",
    },
];

/// The log, beside the data: the terminal is for people.
const LOG: &str = "mukta-ftps.log";

/// What its towns are called.
const TENANTS: &str = include_str!("tenants.json");

/// How long the simulated JIT takes to answer, and to answer slowly.
const LATENCY: Duration = Duration::from_millis(250);
const SLOW: Duration = Duration::from_secs(8);
/// So few that the run of a fresh demo can be watched for a while.
const CONCURRENCY: u32 = 3;

/// How long Ctrl-C waits for what is under way.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Settings of `demo`.
#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Forget what was done in the demo and begin afresh
    #[arg(long)]
    reset: bool,
    /// Address and port of the web pages
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    bind: String,
    /// Directory of the static files [default: beside the executable, else the source tree]
    #[arg(long, env = "STATIC_DIR", value_name = "STATIC_DIR", hide = true)]
    static_dir: Option<PathBuf>,
    /// Where the demo keeps its data
    #[arg(long, value_name = "DIRECTORY", default_value = "demo-data", hide = true)]
    data: PathBuf,
}

pub(crate) fn run(args: DemoArgs) -> Result<(), CommandError> {
    let web = Web {
        allow_http: true,
        metrics_bind: None,
        bind: bind_address("--bind", &args.bind)?,
        static_dir: static_dir(args.static_dir.as_deref())?,
        tenants: TenantNames::read(TENANTS)
            .map_err(std::io::Error::other)
            .or_say("the demo's names of towns")?,
    };
    // Before anything is forgotten: a demo may be running.
    drop(std::net::TcpListener::bind(web.bind).or_say(no_address(web.bind))?);
    if args.reset && args.data.exists() {
        std::fs::remove_dir_all(&args.data)
            .or_say(format!("{} could not be removed", args.data.display()))?;
    }
    private_directory(&args.data).or_say(format!("{} could not be made", args.data.display()))?;
    log_into(&args.data.join(LOG))?;
    let sealer = Sealer::new(&key(&args.data, "data.key")?, &[]).map_err(StoreError::from)?;
    let sessions = Sessions::local(&key(&args.data, "session.key")?);
    let database = DatabaseUrl::Sqlite(args.data.join("mukta-ftps.db").to_string_lossy().into_owned());
    runtime()?.block_on(async {
        let store = Store::open(&database)?;
        let time = history::Time::default();
        let simulator =
            started(JitSimulatorOptions { slow: SLOW, clock: time.clock(), ..Default::default() }).await?;
        let gateway = gateway_started(SmsSimulatorOptions::default()).await?;
        let sms = Some(sms(&gateway)?);
        let muktasoft = muktasoft_started(MuktasoftSimulatorOptions::default()).await?;
        let app = App::new(store, sealer, jit(&simulator)?, sms, times()?, Clock::system())
            .await?
            .pulling(Some(muktasoft::source(&muktasoft)?))?
            .telling(Some(muktasoft::receiver(&muktasoft)?))?;
        let site = Site::new(app.clone(), sessions, web.static_dir.clone()).naming(web.tenants);
        let (server, address) = listen(&site, web.bind).or_say(no_address(web.bind))?;
        if !app.store.read_blocking(instructions::any)? {
            history::make(&app, &simulator, &time).await?;
        }
        import_samples(&app)?;
        simulator.set_latency(LATENCY);
        gateway.set_latency(LATENCY);
        introduce(&simulator, &app.store, &app.sealer)?;
        muktasoft::introduce(&muktasoft, &simulator, &app)?;
        for sample in samples::IN_PROCESS {
            simulator.script(sample.number, (sample.answers)());
        }
        for &(mobile, answers) in samples::SMS_ANSWERS {
            gateway.script(mobile, answers.to_vec());
        }
        let password = sign_in(&app, &args.data)?;
        let [state, others @ ..] = USERS;
        let others = others.map(|user| format!("\n  or       user name {}, password {password}: {}", user.name, user.is));
        let told = format!(
            "mukta-ftps demo\n  open     http://{address}\n  sign in  user name {}, password {password}{}\n  phones   {}\n  back     {}: what came back to MUKTASoft\n  sync     http://{address}/sync-runs: past nights, and at the first start a run under way\n  log      {}\n  stop     Ctrl-C; your data stays in {} (--reset begins afresh)\n",
            state.name,
            others.concat(),
            gateway.page_url(),
            muktasoft.page_url(),
            args.data.join(LOG).display(),
            args.data.display(),
        );
        let told_to_stop = told_to_stop()?;
        // At once: who reads as far as the sign-ins and goes away does not end the demo.
        std::io::stdout().write_all(told.as_bytes()).or_say("standard output is closed")?;
        serve_until_told(server, site, told_to_stop, STOP_WITHIN).await
    })
}

/// What to do where the address is taken.
fn no_address(wanted: std::net::SocketAddr) -> String {
    format!("{wanted} cannot be listened on (use --bind, such as --bind 127.0.0.1:8090)")
}

/// A key of the demo's own, made at its first start.
fn key<const N: usize>(data: &Path, name: &str) -> Result<[u8; N], CommandError> {
    unhex(&kept(data, name, || Ok(random_hex(N).map_err(StoreError::from)?))?)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| std::io::Error::other(format!("it does not hold {N} bytes in hex")))
        .or_say(format!("{} is damaged (demo --reset begins afresh)", data.join(name).display()))
}

/// A text of the demo's own, made at its first start and kept in a private file.
fn kept(
    data: &Path,
    name: &str,
    make: impl FnOnce() -> Result<String, CommandError>,
) -> Result<String, CommandError> {
    let file = data.join(name);
    if !file.exists() {
        write_private(&file, &make()?).or_say(format!("{} could not be written", file.display()))?;
    }
    let text = std::fs::read_to_string(&file).or_say(format!("{} cannot be read", file.display()))?;
    Ok(text.trim().to_owned())
}

/// The employees who sign in to the demo, made at its first start; returns their password.
fn sign_in(app: &App, data: &Path) -> Result<String, CommandError> {
    let password = kept(data, "password", || Ok(random_hex(6).map_err(StoreError::from)?))?;
    let mut hash = None;
    for User { name, role, tenant, .. } in USERS {
        if app.store.read_blocking(|db| employees::by_name(db, name))?.is_some() {
            continue;
        }
        let new = || password::hash_new(name, &password);
        let hash: &String = match &mut hash {
            Some(hash) => hash,
            none => none.insert(new().map_err(|fault| CommandError::Refused(fault.to_string()))?),
        };
        let new = NewEmployee {
            name: name.to_owned(),
            role,
            tenant: tenant.to_owned(),
            password_hash: hash.clone(),
            is_for_once: false,
            is_new_tenant: true,
        };
        super::user::add(&app.store, Some(&app.sealer), &new)?;
    }
    Ok(password)
}

/// Has the log written to the end of that file.
fn log_into(file: &Path) -> Result<(), CommandError> {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(file)
        .or_say(format!("{} could not be written", file.display()))?;
    let mut logger = crate::logger();
    logger.target(env_logger::Target::Pipe(Box::new(log)));
    super::log::start(logger)
}

/// Makes a directory that only its owner may enter, unless it is there.
fn private_directory(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that only its owner may read.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .write_all(text.as_bytes())
}

/// How to reach the simulator.
fn jit(simulator: &JitSimulator) -> Result<Jit, CommandError> {
    Ok(Jit {
        config: JitConfig {
            base_url: simulator
                .base_url()
                .parse()
                .map_err(std::io::Error::other)
                .or_say("the simulator's address")?,
            client_id: simulator.client_id().to_owned(),
            client_secret: simulator.client_secret().to_owned(),
            public_key: PublicKey::parse(simulator.public_key_der())
                .map_err(std::io::Error::other)
                .or_say("the simulator's key")?,
            timeout: Duration::from_secs(10),
            extra_roots: Vec::new(),
            session_lifetime: Duration::from_secs(1500),
            department: "MUKTA".to_owned(),
            date_offset: chrono::Utc.fix(),
            date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
        },
        concurrency: CONCURRENCY,
    })
}

/// How to reach the SMS gateway.
fn sms(gateway: &SmsSimulator) -> Result<Sms, CommandError> {
    Ok(Sms {
        config: GatewayConfig {
            url: gateway
                .gateway_url()
                .parse()
                .map_err(std::io::Error::other)
                .or_say("the simulated SMS gateway's address")?,
            extra_roots: Vec::new(),
            timeout: Duration::from_secs(10),
            action: "singleSMS".to_owned(),
            source: "ODIGOV".to_owned(),
            department_id: "D001002".to_owned(),
            template_id: "1007".to_owned(),
        },
        concurrency: 4,
        per_second: 200,
        retry_first: Duration::from_secs(20),
        retry_max: Duration::from_secs(300),
    })
}

/// 10 PM in Odisha, and the retries, as in production.
fn times() -> Result<SyncTimes, CommandError> {
    Ok(SyncTimes {
        nights: Nights::new("0 0 22 * * *", IST, Clock::system().now())
            .map_err(std::io::Error::other)
            .or_say("the demo's schedule")?,
        retry_first: Duration::from_secs(60),
        retry_longest: Duration::from_secs(3600),
        run_longest: Duration::from_secs(28_800),
        is_paused: false,
    })
}

/// Imports the samples, once.
fn import_samples(app: &App) -> Result<(), CommandError> {
    let first = samples::IN_PROCESS.first().map(|sample| sample.number).unwrap_or_default();
    if app.store.read_blocking(|db| instructions::find(db, &Scope::of("od"), first))?.is_some() {
        return Ok(());
    }
    let document = samples::document(app.clock.now()).to_string();
    import(&app.store, &app.sealer, document.as_bytes(), OnFaulty::Refuse, &app.clock)?;
    Ok(())
}
