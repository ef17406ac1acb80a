//! Every setting of the program, once: clap's derive reads flags and environment, and
//! `validated` turns what was written into what the program uses.
//!
//! A setting that is missing or malformed is a [`SettingFault`] of one line that names it; the
//! program then ends with exit code 2.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::FixedOffset;
use clap::Args;

use crate::jit::{JitConfig, PublicKey};
use crate::sealing::{Sealer, unhex};
use crate::store::DatabaseUrl;

/// A setting that is missing or malformed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {problem}")]
pub struct SettingFault {
    name: &'static str,
    problem: String,
}

impl SettingFault {
    /// `name` is the setting's, `problem` what is wrong and what to write instead.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }
}

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

/// The value of a secret from its setting or from the file that its `_FILE` twin names.
fn secret(
    name: &'static str,
    file_name: &'static str,
    value: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<String>, SettingFault> {
    match (value.map(|secret| secret.0.as_str()).filter(|text| !text.is_empty()), file) {
        (Some(_), Some(_)) => Err(fault(name, format!("and {file_name} are both set: set one of them"))),
        (Some(text), None) => Ok(Some(text.to_owned())),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(cause) => {
                Err(fault(file_name, format!("names {}, which cannot be read: {cause}", path.display())))
            }
        },
        (None, None) => Ok(None),
    }
}

fn required<T>(name: &'static str, value: Option<T>) -> Result<T, SettingFault> {
    value.ok_or_else(|| fault(name, "is not set (see --help for what it means)"))
}

fn key_bytes<const N: usize>(name: &'static str, text: &str) -> Result<[u8; N], SettingFault> {
    unhex(text.trim()).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        fault(name, format!("must be {N} bytes in hex, {} digits (openssl rand -hex {N})", 2 * N))
    })
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

impl DatabaseSettings {
    /// The URL, read.
    pub fn validated(&self) -> Result<DatabaseUrl, SettingFault> {
        let text = secret(
            "DATABASE_URL",
            "DATABASE_URL_FILE",
            self.database_url.as_ref(),
            self.database_url_file.as_deref(),
        )?
        .unwrap_or_else(|| "sqlite://mukta-ftps.db".to_owned());
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
}

impl DataKeySettings {
    /// The keys, ready to seal and open.
    pub fn validated(&self) -> Result<Sealer, SettingFault> {
        let text =
            secret("DATA_KEY", "DATA_KEY_FILE", self.data_key.as_ref(), self.data_key_file.as_deref())?;
        let current = key_bytes("DATA_KEY", &required("DATA_KEY", text)?)?;
        let previous = self
            .data_key_previous
            .iter()
            .flat_map(|keys| keys.0.split(','))
            .filter(|key| !key.trim().is_empty())
            .map(|key| key_bytes("DATA_KEY_PREVIOUS", key))
            .collect::<Result<Vec<_>, _>>()?;
        Sealer::new(&current, &previous)
            .map_err(|cause| fault("DATA_KEY", format!("cannot be used: {cause}")))
    }
}

/// JIT's address, credentials and manners (DOMAIN.md §5).
#[derive(Debug, Clone, Args)]
pub struct JitSettings {
    /// Base URL of JIT's web services, https except on loopback [required]
    #[arg(long, env = "JIT_BASE_URL", value_name = "JIT_BASE_URL")]
    jit_base_url: Option<String>,
    /// Our client id at JIT [required]
    #[arg(long, env = "JIT_CLIENT_ID", value_name = "JIT_CLIENT_ID")]
    jit_client_id: Option<String>,
    /// Our client secret at JIT [required]
    #[arg(long, env = "JIT_CLIENT_SECRET", value_name = "JIT_CLIENT_SECRET", hide_env_values = true)]
    jit_client_secret: Option<Secret>,
    /// A file that holds JIT_CLIENT_SECRET
    #[arg(long, env = "JIT_CLIENT_SECRET_FILE", value_name = "JIT_CLIENT_SECRET_FILE")]
    jit_client_secret_file: Option<PathBuf>,
    /// JIT's RSA public key, DER or PEM [required]
    #[arg(long, env = "JIT_PUBLIC_KEY_FILE", value_name = "JIT_PUBLIC_KEY_FILE")]
    jit_public_key_file: Option<PathBuf>,
    /// Application code in the requests
    #[arg(long, env = "JIT_DEPT_CODE", value_name = "JIT_DEPT_CODE", default_value = "MUKTA")]
    jit_dept_code: String,
    /// Longest time for one HTTP exchange, in seconds
    #[arg(long, env = "JIT_TIMEOUT_SECONDS", value_name = "JIT_TIMEOUT_SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=600))]
    jit_timeout_seconds: u32,
    /// Calls in flight at once, per process
    #[arg(long, env = "JIT_CONCURRENCY", value_name = "JIT_CONCURRENCY", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=256))]
    jit_concurrency: u32,
    /// Age at which JIT's session is renewed, in seconds; JIT ends it after about 30 minutes
    #[arg(long, env = "JIT_SESSION_SECONDS", value_name = "JIT_SESSION_SECONDS", default_value = "1500", value_parser = clap::value_parser!(u32).range(1..=86400))]
    jit_session_seconds: u32,
    /// Offset in which bill dates are written
    #[arg(
        long,
        env = "JIT_DATE_OFFSET",
        value_name = "JIT_DATE_OFFSET",
        default_value = "+00:00",
        allow_hyphen_values = true
    )]
    jit_date_offset: String,
    /// Format in which bill dates are written (strftime)
    #[arg(
        long,
        env = "JIT_DATE_FORMAT",
        value_name = "JIT_DATE_FORMAT",
        default_value = "%Y-%m-%d %H:%M:%S"
    )]
    jit_date_format: String,
}

/// What [`JitSettings`] come to.
#[derive(Debug, Clone)]
pub struct Jit {
    /// For the client.
    pub config: JitConfig,
    /// Calls in flight at once.
    pub concurrency: u32,
}

impl JitSettings {
    /// Checks all of them, the key file read.
    pub fn validated(&self) -> Result<Jit, SettingFault> {
        let secret_text = secret(
            "JIT_CLIENT_SECRET",
            "JIT_CLIENT_SECRET_FILE",
            self.jit_client_secret.as_ref(),
            self.jit_client_secret_file.as_deref(),
        )?;
        let key_file = required("JIT_PUBLIC_KEY_FILE", self.jit_public_key_file.as_ref())?;
        let key = std::fs::read(key_file).map_err(|cause| {
            fault(
                "JIT_PUBLIC_KEY_FILE",
                format!("names {}, which cannot be read: {cause}", key_file.display()),
            )
        })?;
        let timeout = Duration::from_secs(self.jit_timeout_seconds.into());
        Ok(Jit {
            config: JitConfig {
                base_url: jit_base_url(&required("JIT_BASE_URL", filled(self.jit_base_url.as_deref()))?)?,
                client_id: header_text(
                    "JIT_CLIENT_ID",
                    required("JIT_CLIENT_ID", filled(self.jit_client_id.as_deref()))?,
                )?,
                client_secret: header_text("JIT_CLIENT_SECRET", required("JIT_CLIENT_SECRET", secret_text)?)?,
                public_key: PublicKey::parse(&key)
                    .map_err(|cause| fault("JIT_PUBLIC_KEY_FILE", format!("holds no usable key: {cause}")))?,
                timeout,
                session_lifetime: Duration::from_secs(self.jit_session_seconds.into()),
                department: self.jit_dept_code.clone(),
                date_offset: offset("JIT_DATE_OFFSET", &self.jit_date_offset)?,
                date_format: date_format(&self.jit_date_format)?,
            },
            concurrency: self.jit_concurrency,
        })
    }
}

fn filled(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn header_text(name: &'static str, text: String) -> Result<String, SettingFault> {
    if text.is_empty() || !text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Err(fault(name, "must be printable ASCII text"));
    }
    Ok(text)
}

/// TLS is required but to loopback: JIT's own encryption does not protect the session (DOMAIN.md §5).
fn jit_base_url(text: &str) -> Result<reqwest::Url, SettingFault> {
    let name = "JIT_BASE_URL";
    let url: reqwest::Url = text.parse().map_err(|cause| fault(name, format!("is not a URL: {cause}")))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        "http" => Err(fault(name, "must begin with https:// (http:// is accepted to loopback only)")),
        _ => Err(fault(name, "must begin with https://")),
    }
}

/// An offset such as `+05:30`.
fn offset(name: &'static str, text: &str) -> Result<FixedOffset, SettingFault> {
    text.trim().parse().map_err(|_| fault(name, "must be an offset from UTC such as +05:30"))
}

fn date_format(text: &str) -> Result<String, SettingFault> {
    let items = chrono::format::StrftimeItems::new(text);
    if text.is_empty() || items.into_iter().any(|item| matches!(item, chrono::format::Item::Error)) {
        return Err(fault("JIT_DATE_FORMAT", "is not a date format such as %Y-%m-%d %H:%M:%S"));
    }
    Ok(text.to_owned())
}

/// How the pages are served.
#[derive(Debug, Clone, Args)]
pub struct WebSettings {
    /// Address and port of the web pages
    #[arg(long, env = "HTTP_BIND", value_name = "HTTP_BIND", default_value = "127.0.0.1:8080")]
    http_bind: String,
    /// Directory of the static files [default: beside the executable, else the source tree]
    #[arg(long, env = "STATIC_DIR", value_name = "STATIC_DIR")]
    static_dir: Option<PathBuf>,
}

/// What [`WebSettings`] come to.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where to listen.
    pub bind: std::net::SocketAddr,
    /// Where the static files are.
    pub static_dir: PathBuf,
}

impl WebSettings {
    /// Checks all of them.
    pub fn validated(&self) -> Result<Web, SettingFault> {
        Ok(Web {
            bind: bind_address("HTTP_BIND", &self.http_bind)?,
            static_dir: static_dir(self.static_dir.as_deref())?,
        })
    }
}

/// An address such as `127.0.0.1:8080`.
pub fn bind_address(name: &'static str, text: &str) -> Result<std::net::SocketAddr, SettingFault> {
    text.parse().map_err(|_| fault(name, "must be an address and port such as 127.0.0.1:8080"))
}

/// `STATIC_DIR`, else `static` beside the executable, else that of the source tree that built it.
pub fn static_dir(given: Option<&Path>) -> Result<PathBuf, SettingFault> {
    if let Some(given) = given.filter(|path| !path.as_os_str().is_empty()) {
        return if given.is_dir() {
            Ok(given.to_owned())
        } else {
            Err(fault("STATIC_DIR", format!("names {}, which is not a directory", given.display())))
        };
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join("static")));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    beside.into_iter().chain([source]).find(|dir| dir.is_dir()).ok_or_else(|| {
        fault("STATIC_DIR", "is not set, and there is no `static` directory beside the program")
    })
}
