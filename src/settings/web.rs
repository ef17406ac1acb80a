//! The pages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{SettingFault, SettingFaults, fault, files, filled, is_yes};
use crate::web::tenants::TenantNames;

/// How the pages are served.
#[derive(Debug, Clone, Args)]
pub struct WebSettings {
    /// Address and port of the web pages
    #[arg(long, env = "HTTP_BIND", value_name = "HTTP_BIND", default_value = "127.0.0.1:8080")]
    http_bind: String,
    /// `yes`: the pages may be reached beyond this machine without https
    #[arg(long, env = "ALLOW_HTTP", value_name = "ALLOW_HTTP")]
    allow_http: Option<String>,
    /// Directory of the static files [default: beside the executable, else the source tree]
    #[arg(long, env = "STATIC_DIR", value_name = "STATIC_DIR")]
    static_dir: Option<PathBuf>,
    /// Address and port of a listener of its own for /metrics and the details of /health/ready [default: none; they are
    /// told to this machine on HTTP_BIND]
    #[arg(long, env = "METRICS_BIND", value_name = "METRICS_BIND")]
    metrics_bind: Option<String>,
    /// Names of the Urban Local Bodies: JSON, `[{"id","en","or","hi"}]` [default: the last part of the id]
    #[arg(long, env = "TENANTS_FILE", value_name = "TENANTS_FILE")]
    tenants_file: Option<PathBuf>,
}

/// What [`WebSettings`] come to.
#[derive(Debug, Clone)]
pub struct Web {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Where to listen for the operator's tools alone.
    pub metrics_bind: Option<SocketAddr>,
    /// Whether the pages may be reached beyond this machine without https.
    pub allow_http: bool,
    /// Where the static files are.
    pub static_dir: PathBuf,
    /// What the Urban Local Bodies are called.
    pub tenants: TenantNames,
}

impl Web {
    /// Whether passwords and pages would go over a network in clear.
    pub fn checked(self, is_https: bool) -> Result<Self, SettingFault> {
        if is_https || self.allow_http || self.bind.ip().is_loopback() {
            return Ok(self);
        }
        Err(fault(
            "PUBLIC_URL",
            format!(
                "is not https, and HTTP_BIND listens beyond this machine on {}: put a proxy with TLS in front and set \
                 PUBLIC_URL to its https address, or say ALLOW_HTTP=yes",
                self.bind
            ),
        ))
    }
}

impl WebSettings {
    /// Checks all of them.
    pub fn validated(&self) -> Result<Web, SettingFaults> {
        let mut faults = SettingFaults::default();
        let allow_http = faults.of(is_yes("ALLOW_HTTP", self.allow_http.as_deref()));
        let bind = faults.of(bind_address("HTTP_BIND", &self.http_bind));
        let metrics = filled(self.metrics_bind.as_deref());
        let metrics = metrics.map(|address| metrics_address(&address, bind)).transpose();
        let metrics = faults.of(metrics);
        let files = faults.of(static_dir(self.static_dir.as_deref()));
        let tenants = faults.of(tenants(self.tenants_file.as_deref()));
        let (Some(allow_http), Some(bind), Some(metrics_bind), Some(static_dir), Some(tenants)) =
            (allow_http, bind, metrics, files, tenants)
        else {
            return Err(faults);
        };
        Ok(Web { bind, metrics_bind, allow_http, static_dir, tenants })
    }
}

/// Where to listen for the operator's tools, which is not where browsers come.
fn metrics_address(text: &str, browsers: Option<SocketAddr>) -> Result<SocketAddr, SettingFault> {
    let name = "METRICS_BIND";
    let bind = bind_address(name, text)?;
    // Port 0 is any that is free.
    if browsers == Some(bind) && bind.port() != 0 {
        return Err(fault(name, "is the same as HTTP_BIND: give the figures a port of their own"));
    }
    Ok(bind)
}

/// The names in the file, if one is named.
fn tenants(file: Option<&Path>) -> Result<TenantNames, SettingFault> {
    let name = "TENANTS_FILE";
    let Some(file) = file.filter(|file| !file.as_os_str().is_empty()) else {
        return Ok(TenantNames::default());
    };
    let json = files::read_text(name, file)?;
    TenantNames::read(&json).map_err(|cause| fault(name, format!("names {}, which {cause}", file.display())))
}

/// An address such as `127.0.0.1:8080`.
pub fn bind_address(name: &'static str, text: &str) -> Result<SocketAddr, SettingFault> {
    text.parse().map_err(|_| fault(name, "must be an address and port such as 127.0.0.1:8080"))
}

/// `STATIC_DIR`, else `static` beside the executable, else that of the source tree that built it.
pub fn static_dir(given: Option<&Path>) -> Result<PathBuf, SettingFault> {
    if let Some(given) = given.filter(|path| !path.as_os_str().is_empty()) {
        return if holds_ours(given) {
            Ok(given.to_owned())
        } else {
            Err(fault(
                "STATIC_DIR",
                format!("names {}, which does not hold the program's app.css", given.display()),
            ))
        };
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join("static")));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    beside.into_iter().chain([source]).find(|dir| holds_ours(dir)).ok_or_else(|| {
        fault("STATIC_DIR", "is not set, and there is no `static` directory beside the program")
    })
}

/// Whether a directory is the program's own of static files: any other would be shown to everybody.
fn holds_ours(directory: &Path) -> bool {
    directory.join("app.css").is_file()
}
