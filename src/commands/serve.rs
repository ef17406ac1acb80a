//! `mukta-ftps serve`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use clap::Args;
use mukta_ftps::alerts::{Alerts, Receiver};
use mukta_ftps::app::App;
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::retention::Limits;
use mukta_ftps::muktasoft::push::StatusPush;
use mukta_ftps::retention::{Retention, SessionTimes};
use mukta_ftps::settings::{
    AlertSettings, DataKeySettings, DatabaseSettings, JitSettings, MuktasoftSettings,
    MuktasoftStatusSettings, PoolSettings, RetentionSettings, SessionSettings, SmsSettings, SyncSettings,
    WebSettings, checked_proxies,
};
use mukta_ftps::store::{DatabaseUrl, Store, StoreError, dormancy, trail};
use mukta_ftps::sync::scheduler::Scheduler;
use mukta_ftps::web::{Bookkeeping, Operators, Site, listen, listen_for_operators};

use super::beating::Beating;
use super::{CommandError, LAST_QUERIES, OrSay, operator, runtime};

/// Settings of `serve`.
#[derive(Args)]
#[command(after_help = format!(
    "Also read: RUST_LOG  {}\n           LOG_FORMAT  {}", crate::LOG_HELP, super::log::FORMAT_HELP
))]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(super) database: DatabaseSettings,
    #[command(flatten)]
    pub(super) pool: PoolSettings,
    #[command(flatten)]
    pub(super) data_key: DataKeySettings,
    #[command(flatten)]
    pub(super) jit: JitSettings,
    #[command(flatten)]
    pub(super) sms: SmsSettings,
    #[command(flatten)]
    pub(super) sync: SyncSettings,
    #[command(flatten)]
    pub(super) muktasoft: MuktasoftSettings,
    #[command(flatten)]
    pub(super) muktasoft_status: MuktasoftStatusSettings,
    #[command(flatten)]
    pub(super) alerts: AlertSettings,
    #[command(flatten)]
    pub(super) sessions: SessionSettings,
    #[command(flatten)]
    pub(super) retention: RetentionSettings,
    #[command(flatten)]
    pub(super) web: WebSettings,
}

pub(crate) fn run(args: &ServeArgs) -> Result<(), CommandError> {
    let (sealer, jit) = (args.data_key.validated()?, args.jit.validated()?);
    checked_proxies()?;
    let (sms, database, sessions) =
        (args.sms.validated()?, args.database.validated()?, args.sessions.validated()?);
    let web = args.web.validated()?.checked(sessions.secure)?;
    let times = args.sync.validated()?;
    let limits = args.retention.validated()?;
    let muktasoft = args.muktasoft.validated()?;
    let receiver = args.muktasoft_status.validated()?;
    let origin = sessions.public_origin.clone().unwrap_or_else(|| format!("http://{}", web.bind));
    let alerted = args.alerts.validated()?.map(|url| Receiver { url, origin });
    let odd =
        args.sync.oddities(&times).into_iter().chain(args.sms.oddities()).chain(args.sessions.oddities());
    for odd in odd.chain(misspelt()) {
        log::warn!("{odd}: is that meant?");
    }
    if database.trusts_the_network() {
        log::warn!("{UNVERIFIED}");
    }
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        pass_hangups_by()?;
        let store =
            writable(&database, args.pool.database_pool).map_err(|fault| not_writable(&database, fault))?;
        let told = told_to_stop()?;
        let app = App::new(store, sealer, jit, sms, times, Clock::system()).await?;
        let app = app.pulling(muktasoft)?.telling(receiver)?.alerting(alerted)?;
        if app.sync.is_paused() {
            log::warn!(
                "SYNC_PAUSED: no night, no retry and no SMS; JIT is asked only where a person asks for it"
            );
        }
        let dormant = sessions.dormant_after.map(|after| tokio::spawn(disable_dormant(app.clone(), after)));
        let site = Site::new(app, sessions, web.static_dir.clone()).naming(web.tenants.clone());
        let for_operators = web.metrics_bind.map(|bind| serve_operators(&site, bind)).transpose()?;
        let site = match for_operators {
            Some(_) => site.on_a_listener_for(Operators::Elsewhere),
            None => site,
        };
        let (server, _) =
            listen(&site, web.bind).or_say(format!("the address {} could not be listened on", web.bind))?;
        log::info!("listening on http://{}", web.bind);
        let erasing = retention(&site.app, limits, args.sessions.times()).start();
        let served = serve_until_told(server, site, told, args.sync.stop_within()).await;
        if let Some(handle) = for_operators {
            handle.stop(false).await;
        }
        erasing.abort();
        if let Some(daily) = dormant {
            daily.abort();
        }
        served
    });
    runtime.shutdown_timeout(LAST_QUERIES);
    served
}

/// Serves the operator's tools on a listener of their own, until it is stopped.
fn serve_operators(site: &Site, bind: SocketAddr) -> Result<ServerHandle, CommandError> {
    let (server, address) = listen_for_operators(site, bind)
        .or_say(format!("the address {bind} of METRICS_BIND could not be listened on"))?;
    log::info!("figures for the operator's tools are at http://{address}/metrics");
    let handle = server.handle();
    tokio::spawn(async move {
        if let Err(cause) = server.await {
            log::error!("the listener of METRICS_BIND ended: {cause}");
        }
    });
    Ok(handle)
}

/// What erases each night what is due.
fn retention(app: &App, limits: Limits, sessions: SessionTimes) -> Retention {
    for (days, what) in [(limits.payload_days, "payloads"), (limits.audit_days, "events of the audit trail")]
    {
        if let Some(days) = days {
            log::info!("{what} older than {days} days are erased each night after 3 AM in Odisha");
        }
    }
    let (store, sealer, clock) = (app.store.clone(), Arc::clone(&app.sealer), app.clock.clone());
    Retention { store, sealer, limits, sessions, clock }
}

/// The database, to which a write was tried.
fn writable(url: &DatabaseUrl, connections: u32) -> Result<Store, StoreError> {
    let store = Store::open_with(url, connections)?;
    store.try_a_write()?;
    Ok(store)
}

/// Says which file of the database this program may not write, and whose it is.
pub(super) fn not_writable(url: &DatabaseUrl, fault: StoreError) -> CommandError {
    let DatabaseUrl::Sqlite(path) = url else { return fault.into() };
    let files = [path.clone(), format!("{path}-wal"), format!("{path}-shm")];
    let refused = files.iter().find(|file| {
        let opened = std::fs::OpenOptions::new().write(true).open(file);
        opened.is_err_and(|cause| cause.kind() == std::io::ErrorKind::PermissionDenied)
    });
    let Some(file) = refused else { return fault.into() };
    CommandError::Refused(format!(
        "the database cannot be written: {file} belongs to {}, and this program runs as {}: give the files of the \
         database to that user (chown), and run every command as that user",
        operator::owner_of(file),
        operator::owner_of("/proc/self")
    ))
}

/// What is said where PostgreSQL's certificate is not checked.
pub(super) const UNVERIFIED: &str = "DATABASE_URL leads to another machine without sslmode=verify-full: whoever is \
    between can read and change what is stored";

/// How like a setting's name another must be to be taken for it.
const LIKENESS: f64 = 0.9;

/// Names in the environment that are no settings, but nearly.
pub(super) fn misspelt() -> Vec<String> {
    let known = crate::setting_names();
    let near = |name: &str| {
        let like = |known: &&String| strsim::jaro_winkler(name, known);
        known
            .iter()
            .map(|one| (like(&one), one))
            .filter(|(like, _)| *like >= LIKENESS)
            .max_by(|a, b| a.0.total_cmp(&b.0))
    };
    std::env::vars_os()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| !known.contains(name))
        .filter_map(|name| near(&name).map(|(_, known)| format!("{name} is no setting, but {known} is")))
        .collect()
}

/// Serves, keeps the schedule, sends the SMS and tells MUKTASoft, until SIGTERM or Ctrl-C; then answers what is under way and
/// records every call and message, for `stop_within` at the longest.
pub(crate) async fn serve_until_told(
    server: actix_web::dev::Server,
    site: Site,
    told_to_stop: impl Future<Output = ()>,
    stop_within: Duration,
) -> Result<(), CommandError> {
    let app = &site.app;
    let beating = Beating::begin(app).await?;
    let bookkeeping = Bookkeeping::start(site.clone());
    let delivery = app.notifications.start();
    let pulling = app.muktasoft.start(app.sync.nights());
    let trail = tokio::spawn(tell_trail(app.store.clone()));
    let telling = app.status_push.as_ref().map(StatusPush::start);
    let watching = app.alerts.as_ref().map(Alerts::start);
    let mut scheduler =
        Scheduler::start(app.sync.clone()).or_say("the scheduler's thread could not be started")?;
    let handle = server.handle();
    let mut serving = tokio::spawn(server);
    let told = tokio::select! {
        ended = &mut serving => ended
            .map_err(std::io::Error::other)
            .and_then(|ended| ended)
            .or_say("the web server ended"),
        () = scheduler.ended() => Err(CommandError::SchedulerEnded),
        retired = beating.until_the_key_is_retired() => Err(retired),
        () = told_to_stop => Ok(()),
    };
    let stopping = Instant::now();
    trail.abort();
    site.door.close();
    log::info!("stopping: pages, calls and messages under way are finished first");
    let told_muktasoft = async {
        if let Some(telling) = telling {
            telling.finish().await;
        }
    };
    let told_of_alerts = async {
        if let Some(watching) = watching {
            watching.finish().await;
        }
    };
    // The last pages that are shown stand in the read log too.
    let last_pages = async {
        site.door.all_answered().await;
        bookkeeping.finish().await;
    };
    let finished = async {
        let ((), is_finished, (), (), (), ()) = tokio::join!(
            last_pages,
            app.sync.finish(stop_within),
            delivery.finish(stop_within),
            pulling.finish(),
            told_muktasoft,
            told_of_alerts
        );
        beating.end().await;
        is_finished
    };
    if tokio::time::timeout(stop_within, finished).await != Ok(true) {
        log::warn!("stopped with calls or messages under way: their claims end by themselves");
    }
    // Until now whoever came was told to come again.
    let closing = LAST_REFUSALS.min(stop_within.saturating_sub(stopping.elapsed()));
    if tokio::time::timeout(closing, handle.stop(true)).await.is_err() {
        log::debug!("connections that nothing came on are cut");
    }
    match app.sync.unrecorded() {
        0 => told,
        answers => told.and(Err(CommandError::AnswersGivenUp(answers))),
    }
}

/// How long those that were refused at the last are waited for, and connections that browsers keep.
const LAST_REFUSALS: Duration = Duration::from_secs(1);

/// How often the log is told where the audit trail ends; and how soon again where that could not be read.
const TRAIL_TOLD: Duration = Duration::from_secs(3600);
const TRAIL_TOLD_AGAIN: Duration = Duration::from_secs(5);

/// How often accounts are looked for that nobody uses; and how soon again where that failed.
const DORMANT_LOOKED_FOR: Duration = Duration::from_secs(86_400);
const DORMANT_LOOKED_FOR_AGAIN: Duration = Duration::from_secs(600);

/// Disables the accounts that nobody has used for so long, at the start and each day.
async fn disable_dormant(app: App, after: chrono::TimeDelta) {
    loop {
        let (sealer, now) = (Arc::clone(&app.sealer), app.clock.now().naive_utc());
        let looked = app.store.write(move |db| dormancy::disable(db, &sealer, None, after, now)).await;
        let again = match looked {
            Ok(looked) => {
                looked.log(after);
                DORMANT_LOOKED_FOR
            }
            Err(fault) => {
                log::error!("accounts that nobody has used for long could not be disabled: {fault}");
                DORMANT_LOOKED_FOR_AGAIN
            }
        };
        tokio::time::sleep(again).await;
    }
}

/// Tells the log where the audit trail ends, at the start and each hour: what was said there, the database cannot
/// take back.
async fn tell_trail(store: Store) {
    loop {
        let next = match store.read(trail::end).await {
            Ok((events, link)) => {
                log::info!("the audit trail has had {events} events; its chain ends in {link}");
                TRAIL_TOLD
            }
            Err(fault) => {
                log::warn!("where the audit trail ends could not be read: {fault}");
                TRAIL_TOLD_AGAIN
            }
        };
        tokio::time::sleep(next).await;
    }
}

/// Has SIGHUP end nothing from now on: there is nothing to read anew, and a terminal that closes is no reason to stop.
fn pass_hangups_by() -> Result<(), CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangups = signal(SignalKind::hangup()).or_say("signals could not be listened for")?;
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            log::info!("SIGHUP: nothing is read anew; settings count from the next start");
        }
    });
    Ok(())
}

/// Listens for SIGTERM and Ctrl-C from now on; the future ends with the first.
pub(super) fn told_to_stop() -> Result<impl Future<Output = ()>, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).or_say("signals could not be listened for");
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
