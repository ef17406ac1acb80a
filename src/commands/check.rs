//! `mukta-ftps check`: what `serve` would say at its start, and what surrounds it; a line each, `ok`, `warn` or `fail`.

mod online;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use clap::{Arg, Args};
use mukta_ftps::domain::text::{folded, printable};
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{
    AlertSettings, DataKeySettings, DatabaseSettings, JitSettings, MuktasoftSettings,
    MuktasoftStatusSettings, PoolSettings, RetentionSettings, SessionSettings, SettingFault, SettingFaults,
    SmsSettings, SyncSettings, WebSettings, checked_proxies, is_open_to_others,
};
use mukta_ftps::store::{DatabaseUrl, Store, StoreError, keys};

use super::serve::{self, ServeArgs};
use super::{CommandError, Unread, runtime, say};

/// Less room is none, in bytes.
const NO_ROOM: u64 = 64 * 1024 * 1024;

/// Settings of `check`: those of `serve`.
#[derive(Args)]
pub(crate) struct CheckArgs {
    /// Also reach JIT, the SMS gateway, MUKTASoft and the receiver of alerts: names, ports, certificates, JIT's clock
    /// and sign-in
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What could not be read counts as unset, and is told first.
pub(crate) fn run(args: &CheckArgs, unread: &[Unread]) -> Result<(), CommandError> {
    let ServeArgs {
        database,
        pool: _,
        data_key,
        jit,
        sms,
        sync,
        muktasoft,
        muktasoft_status,
        alerts,
        sessions,
        retention,
        web,
    } = &args.serve;
    let mut report = Report::default();
    for unread in unread {
        report.wrong(&unread.name, &unread.to_string())?;
    }
    if let Err(fault) = checked_proxies() {
        report.wrong(fault.name(), &fault.to_string())?;
    }
    let url = report.group::<DatabaseSettings, _>(database.validated())?;
    report.group::<PoolSettings, _>(Ok::<_, SettingFault>(()))?;
    let sealer = report.group::<DataKeySettings, _>(data_key.validated())?;
    let jit = report.group::<JitSettings, _>(jit.validated())?;
    let gateway = report.group::<SmsSettings, _>(sms.validated())?;
    let times = report.group::<SyncSettings, _>(sync.validated())?;
    let search = report.group::<MuktasoftSettings, _>(muktasoft.validated())?.flatten();
    let receiver = report.group::<MuktasoftStatusSettings, _>(muktasoft_status.validated())?.flatten();
    let alerted = report.group::<AlertSettings, _>(alerts.validated())?.flatten();
    let origin = report.group::<SessionSettings, _>(sessions.validated())?;
    report.group::<RetentionSettings, _>(retention.validated())?;
    let is_https = origin.is_none_or(|origin| origin.secure);
    let web = web.validated().and_then(|web| Ok(web.checked(is_https)?));
    let web = report.group::<WebSettings, _>(web)?;
    let odd = times.iter().flat_map(|times| sync.oddities(times));
    for odd in odd.chain(sms.oddities()).chain(sessions.oddities()).chain(serve::misspelt()) {
        report.warn(&format!("{odd}: is that meant?"))?;
    }
    if matches!(gateway, Some(None)) && !report.is_wrong("SMS_GATEWAY_URL") {
        report.warn("SMS_GATEWAY_URL is not set: messages wait in the outbox")?;
    }
    if times.is_some_and(|times| times.is_paused) {
        report.warn("SYNC_PAUSED: no night, no retry and no SMS until it is taken away")?;
    }
    if let Some(web) = web {
        report.address("HTTP_BIND", web.bind)?;
        if let Some(bind) = web.metrics_bind {
            report.address("METRICS_BIND", bind)?;
        }
    }
    if let Some(url) = url.as_ref().filter(|_| !report.is_wrong("DATABASE_URL")) {
        report.database(url, sealer.as_ref())?;
    }
    if args.online {
        let gateway = gateway.flatten().map(|sms| sms.config);
        let services = online::Services { jit, gateway, search, receiver, alerted };
        runtime()?.block_on(services.reach(&mut report))?;
    }
    match report.failed {
        0 => Ok(()),
        1 => Err(CommandError::Refused("1 line says fail, and what to do".to_owned())),
        count => Err(CommandError::Refused(format!("{count} lines say fail, and what to do"))),
    }
}

/// What has been told so far.
#[derive(Default)]
struct Report {
    failed: usize,
    /// The settings that were told to be wrong.
    wrong: Vec<String>,
}

impl Report {
    fn ok(&mut self, told: &str) -> Result<(), CommandError> {
        say(&format!("ok   {told}"))
    }

    fn warn(&mut self, told: &str) -> Result<(), CommandError> {
        say(&format!("warn {told}"))
    }

    fn fail(&mut self, told: &str) -> Result<(), CommandError> {
        self.failed += 1;
        // A fault of the database's may have several lines.
        say(&format!("fail {}", folded(told)))
    }

    /// Tells what is wrong with a setting, once.
    fn wrong(&mut self, name: &str, told: &str) -> Result<(), CommandError> {
        if self.is_wrong(name) {
            return Ok(());
        }
        self.wrong.push(name.to_owned());
        self.fail(told)
    }

    fn is_wrong(&self, name: &str) -> bool {
        self.wrong.iter().any(|wrong| wrong == name)
    }

    /// Tells of each setting of a group that is set, and what is wrong with each that is not right.
    fn group<Group: Args, T>(
        &mut self,
        checked: Result<T, impl Into<SettingFaults>>,
    ) -> Result<Option<T>, CommandError> {
        let checked = checked.map_err(Into::into);
        for fault in checked.as_ref().err().into_iter().flat_map(|faults| faults.each()) {
            self.wrong(fault.name(), &fault.to_string())?;
        }
        let group = Group::augment_args(clap::Command::new("group"));
        let secrets: Vec<&str> =
            group.get_arguments().filter(|arg| arg.is_hide_env_values_set()).filter_map(name).collect();
        for name in group.get_arguments().filter_map(name) {
            let Ok(value) = std::env::var(name) else { continue };
            if value.is_empty() || self.is_wrong(name) {
                continue;
            }
            let of_secret = name.strip_suffix("_FILE").is_some_and(|secret| secrets.contains(&secret));
            if of_secret && is_open_to_others(Path::new(&value)) {
                self.warn(&format!(
                    "{name} names {value}, which others on this machine can read: chmod 600 {value}"
                ))?;
            } else if secrets.contains(&name) {
                self.ok(&format!("{name} is set"))?;
            } else {
                self.ok(&format!("{name} is “{}”", printable(&value)))?;
            }
        }
        Ok(checked.ok())
    }

    /// Where `serve` is to listen.
    fn address(&mut self, setting: &str, bind: SocketAddr) -> Result<(), CommandError> {
        match TcpListener::bind(bind) {
            Ok(_) => self.ok(&format!("the address {bind} is free to be listened on")),
            Err(cause) if cause.kind() == std::io::ErrorKind::AddrInUse => self.warn(&format!(
                "the address {bind} is in use: by `serve`, if it runs; else set {setting} to another"
            )),
            Err(cause) => self.fail(&format!(
                "the address {bind} cannot be listened on ({cause}): set {setting} to another"
            )),
        }
    }

    fn database(&mut self, url: &DatabaseUrl, sealer: Option<&Sealer>) -> Result<(), CommandError> {
        if url.trusts_the_network() {
            self.warn(serve::UNVERIFIED)?;
        }
        if let DatabaseUrl::Sqlite(path) = url {
            if !Path::new(path).exists() {
                return self.no_file(path);
            }
            if is_open_to_others(Path::new(path)) {
                self.warn(&format!("{path} can be read by others on this machine: chmod 600 {path}"))?;
            }
        }
        let store = match Store::open_as_it_is(url) {
            Ok(Some(store)) => store,
            Ok(None) => return self.warn("the database is reached, and has no schema yet: `serve` makes it"),
            Err(StoreError::OtherSchema) => {
                return self.warn(
                    "the database is reached, and has an older schema: `serve` or `mukta-ftps migrate` brings it up to date",
                );
            }
            Err(fault) => return self.fail(&fault.to_string()),
        };
        self.ok("the database is reached, and its schema is this program's")?;
        match store.would_take_a_write() {
            Ok(()) => self.ok("the database can be written")?,
            Err(fault) => self.fail(&serve::not_writable(url, fault).to_string())?,
        }
        if let Some(sealer) = sealer {
            match store.read_blocking(|db| keys::fitting(db, sealer)) {
                Ok(_) => self.ok("DATA_KEY fits the database")?,
                Err(fault) => self.fail(&fault.to_string())?,
            }
        }
        self.room(&store)
    }

    fn no_file(&mut self, path: &str) -> Result<(), CommandError> {
        let directory = Path::new(path).parent().filter(|directory| !directory.as_os_str().is_empty());
        if directory.is_none_or(Path::is_dir) {
            return self.warn(&format!(
                "there is no database at {path}: `serve` makes a new one; is DATABASE_URL right?"
            ));
        }
        self.fail(&format!("the directory of {path} is not there: check DATABASE_URL, or make it"))
    }

    /// A migration or a backup takes as much room as the database.
    fn room(&mut self, store: &Store) -> Result<(), CommandError> {
        let mb = |bytes: u64| format!("{} MB", bytes / 1_000_000);
        match store.room() {
            Ok(None) => Ok(()),
            Ok(Some(room)) => {
                let told = format!(
                    "{} are free on the disk of the database, which takes {}",
                    mb(room.free),
                    mb(room.taken)
                );
                if room.free < NO_ROOM {
                    self.fail(&format!("{told}: make room"))
                } else if room.is_little() || room.free < room.taken {
                    self.warn(&format!("{told}: a backup, an upgrade or `prune` takes as much again"))
                } else {
                    self.ok(&told)
                }
            }
            Err(cause) => self.fail(&format!("the room on the disk of the database cannot be read: {cause}")),
        }
    }
}

/// The name of a setting.
fn name(arg: &Arg) -> Option<&str> {
    arg.get_env()?.to_str()
}
