//! Every setting of the program, once: clap's derive reads flags and environment, and
//! `validated` turns what was written into what the program uses.
//!
//! A setting that is missing or malformed is a [`SettingFault`] of one line that names it; the
//! program then ends with exit code 2.

mod addresses;
mod alerts;
mod faults;
mod files;
mod jit;
mod muktasoft;
mod muktasoft_status;
mod retention;
mod sessions;
mod sms;
mod sync;
mod web;
mod written;

use std::path::{Path, PathBuf};

use chrono::FixedOffset;
use clap::Args;

use crate::sealing::{Sealer, unhex};
use crate::store::{CONNECTIONS, DatabaseUrl};

pub use addresses::checked_proxies;
pub use alerts::AlertSettings;
pub use faults::{SettingFault, SettingFaults};
pub use jit::JitSettings;
pub use muktasoft::MuktasoftSettings;
pub use muktasoft_status::MuktasoftStatusSettings;
pub use retention::RetentionSettings;
pub use sessions::{SessionSettings, SessionTimesSettings};
pub use sms::SmsSettings;
pub use sync::SyncSettings;
pub use web::{Web, WebSettings, bind_address, static_dir};
pub use written::not_part_of_a_value;

fn fault(name: &'static str, problem: impl Into<String>) -> SettingFault {
    SettingFault::new(name, problem)
}

/// A text that must not be shown: a key, a password, or an address that may hold one.
#[derive(Clone)]
pub struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The value of a secret from its setting or from the file that its `_FILE` twin names. An empty one is not set.
fn secret(
    name: &'static str,
    file_name: &'static str,
    value: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<String>, SettingFault> {
    match (value.map(|secret| secret.0.as_str()).filter(|text| !text.is_empty()), file) {
        (Some(_), Some(_)) => Err(fault(name, format!("and {file_name} are both set: set one of them"))),
        (Some(text), None) => Ok(Some(text.to_owned())),
        (None, Some(path)) => {
            let text = files::read_text(file_name, path)?;
            if is_open_to_others(path) {
                log::warn!(
                    "{file_name} names {}, which others on this machine can read: chmod 600 {}",
                    path.display(),
                    path.display()
                );
            }
            let text = text.trim_end_matches(['\r', '\n']);
            Ok((!text.is_empty()).then(|| text.to_owned()))
        }
        (None, None) => Ok(None),
    }
}

/// Whether others than the owner of a file may read or write it.
pub fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

fn required<T>(name: &'static str, value: Option<T>) -> Result<T, SettingFault> {
    value.ok_or_else(|| fault(name, "is not set (see --help for what it means)"))
}

fn key_bytes<const N: usize>(name: &'static str, text: &str) -> Result<[u8; N], SettingFault> {
    let bytes: [u8; N] = unhex(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        fault(name, format!("must be {N} bytes in hex, {} digits (openssl rand -hex {N})", 2 * N))
    })?;
    if bytes.iter().all(|byte| *byte == bytes[0]) {
        return Err(fault(name, format!("is one byte repeated, which is no key (openssl rand -hex {N})")));
    }
    Ok(bytes)
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://…` [default: sqlite://mukta-ftps.db]
    #[arg(long, env = "DATABASE_URL", value_name = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<Secret>,
    /// A file that holds the database's URL
    #[arg(long, env = "DATABASE_URL_FILE", value_name = "DATABASE_URL_FILE")]
    database_url_file: Option<PathBuf>,
}

/// From where to where everything is copied.
#[derive(Debug, Clone, Args)]
pub struct CopySettings {
    #[command(flatten)]
    database: DatabaseSettings,
    /// Where to: `postgres://…`
    #[arg(long, value_name = "DATABASE_URL")]
    to: Secret,
}

impl CopySettings {
    /// The SQLite database and the PostgreSQL one.
    pub fn validated(&self) -> Result<(DatabaseUrl, DatabaseUrl), SettingFault> {
        let from = self.database.validated()?;
        let to = self.to.0.parse().map_err(|problem: String| fault("--to", problem))?;
        match (&from, &to) {
            (DatabaseUrl::Postgres(_), _) => {
                Err(fault("DATABASE_URL", "must be sqlite://PATH: only a SQLite database is copied"))
            }
            (_, DatabaseUrl::Sqlite(_)) => {
                Err(fault("--to", "must be postgres://…: only PostgreSQL is copied into"))
            }
            _ => Ok((from, to)),
        }
    }
}

/// How many connections a program that serves has.
#[derive(Debug, Clone, Args)]
pub struct PoolSettings {
    /// Connections to the database
    #[arg(long, env = "DATABASE_POOL", value_name = "DATABASE_POOL", default_value_t = CONNECTIONS, value_parser = clap::value_parser!(u32).range(2..=200))]
    pub database_pool: u32,
}

impl DatabaseSettings {
    /// The URL, read.
    pub fn validated(&self) -> Result<DatabaseUrl, SettingFault> {
        let text = secret(
            "DATABASE_URL",
            "DATABASE_URL_FILE",
            self.database_url.as_ref(),
            self.database_url_file.as_deref(),
        )?;
        let text = match (text, &self.database_url_file) {
            (Some(text), _) => text,
            (None, Some(_)) => return Err(fault("DATABASE_URL_FILE", "names a file that is empty")),
            (None, None) => "sqlite://mukta-ftps.db".to_owned(),
        };
        if self.database_url.as_ref().is_some_and(|url| url.0.trim().is_empty()) {
            return Err(fault(
                "DATABASE_URL",
                "is empty: set it, or take it away for sqlite://mukta-ftps.db",
            ));
        }
        text.parse().map_err(|problem: String| fault("DATABASE_URL", problem))
    }
}

/// The key that seals what is sensitive in the database.
#[derive(Debug, Clone, Args)]
pub struct DataKeySettings {
    /// 32 bytes in hex; seals account numbers, mobile numbers and raw payloads [required]
    #[arg(long, env = "DATA_KEY", value_name = "DATA_KEY", hide_env_values = true)]
    data_key: Option<Secret>,
    /// A file that holds DATA_KEY
    #[arg(long, env = "DATA_KEY_FILE", value_name = "DATA_KEY_FILE")]
    data_key_file: Option<PathBuf>,
    /// Earlier keys, comma-separated, for reading what they sealed
    #[arg(long, env = "DATA_KEY_PREVIOUS", value_name = "DATA_KEY_PREVIOUS", hide_env_values = true)]
    data_key_previous: Option<Secret>,
    /// A file that holds DATA_KEY_PREVIOUS
    #[arg(long, env = "DATA_KEY_PREVIOUS_FILE", value_name = "DATA_KEY_PREVIOUS_FILE")]
    data_key_previous_file: Option<PathBuf>,
}

impl DataKeySettings {
    /// The keys, if there are any: for commands that do without.
    pub fn at_hand(&self) -> Result<Option<Sealer>, SettingFaults> {
        self.current()?.map(|_| self.validated()).transpose()
    }

    /// The keys, ready to seal and open.
    pub fn validated(&self) -> Result<Sealer, SettingFaults> {
        let mut faults = SettingFaults::default();
        let current = self.current().and_then(|text| key_bytes("DATA_KEY", &required("DATA_KEY", text)?));
        let (current, previous) = (faults.of(current), faults.of(self.previous()));
        let (Some(current), Some(previous)) = (current, previous) else { return Err(faults) };
        Sealer::new(&current, &previous)
            .map_err(|cause| fault("DATA_KEY", format!("cannot be used: {cause}")).into())
    }

    fn current(&self) -> Result<Option<String>, SettingFault> {
        secret("DATA_KEY", "DATA_KEY_FILE", self.data_key.as_ref(), self.data_key_file.as_deref())
    }

    fn previous(&self) -> Result<Vec<[u8; 32]>, SettingFault> {
        let name = "DATA_KEY_PREVIOUS";
        let text = secret(
            name,
            "DATA_KEY_PREVIOUS_FILE",
            self.data_key_previous.as_ref(),
            self.data_key_previous_file.as_deref(),
        )?;
        let Some(text) = text else { return Ok(Vec::new()) };
        let keys = text.split([',', '\n']).filter(|key| !key.trim().is_empty());
        let keys = keys.map(|key| key_bytes(name, key)).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(fault(name, HOLDS_NONE)) } else { Ok(keys) }
    }
}

/// What is wrong with a list in which nothing stands.
const HOLDS_NONE: &str = "has nothing in it but commas: write what belongs there, or take it away";

/// The certificates of a PEM file, if one is named: at least one, each fit to be a root.
fn extra_roots(name: &'static str, file: Option<&Path>) -> Result<Vec<reqwest::Certificate>, SettingFault> {
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else { return Ok(Vec::new()) };
    let pem = files::read(name, file)?;
    let roots = reqwest::Certificate::from_pem_bundle(&pem)
        .ok()
        .filter(|roots| !roots.is_empty())
        .ok_or_else(|| fault(name, format!("names {}, which holds no certificate in PEM", file.display())))?;
    reqwest::Client::builder().tls_certs_only(roots.iter().cloned()).build().map_err(|_| {
        fault(name, format!("names {}, which holds a certificate that cannot be used", file.display()))
    })?;
    Ok(roots)
}

/// Says that a longest step is shorter than the first.
fn steps_that_shrink(first: (&str, u32), longest: (&str, u32)) -> Option<String> {
    (longest.1 < first.1)
        .then(|| format!("{} ({}) is shorter than {} ({})", longest.0, longest.1, first.0, first.1))
}

fn filled(text: Option<&str>) -> Option<String> {
    crate::domain::text::filled(text).map(str::to_owned)
}

/// A switch that is `yes`, or not set.
fn is_yes(name: &'static str, text: Option<&str>) -> Result<bool, SettingFault> {
    match filled(text).as_deref() {
        None => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => Err(fault(name, "must be `yes`, or not be set")),
    }
}

/// An offset such as `+05:30`.
fn offset(name: &'static str, text: &str) -> Result<FixedOffset, SettingFault> {
    text.trim().parse().map_err(|_| fault(name, "must be an offset from UTC such as +05:30"))
}
