//! JIT.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{
    Secret, SettingFault, SettingFaults, addresses, extra_roots, fault, files, filled, offset, required,
    secret,
};
use crate::jit::{JitConfig, PublicKey};
use crate::store::instructions::LONGEST_TIMEOUT_SECONDS;
use crate::sync::Jit;

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
    /// Certificates (PEM) that are trusted for JIT beside the system's
    #[arg(long, env = "JIT_CA_FILE", value_name = "JIT_CA_FILE")]
    jit_ca_file: Option<PathBuf>,
    /// Application code in the requests
    #[arg(long, env = "JIT_DEPT_CODE", value_name = "JIT_DEPT_CODE", default_value = "MUKTA")]
    jit_dept_code: String,
    /// Longest time for one HTTP exchange, in seconds
    #[arg(long, env = "JIT_TIMEOUT_SECONDS", value_name = "JIT_TIMEOUT_SECONDS", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=i64::from(LONGEST_TIMEOUT_SECONDS)))]
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

impl JitSettings {
    /// Checks all of them, the key file read.
    pub fn validated(&self) -> Result<Jit, SettingFaults> {
        let mut faults = SettingFaults::default();
        let address = required("JIT_BASE_URL", filled(self.jit_base_url.as_deref()));
        let id = required("JIT_CLIENT_ID", filled(self.jit_client_id.as_deref()));
        let secret = secret(
            "JIT_CLIENT_SECRET",
            "JIT_CLIENT_SECRET_FILE",
            self.jit_client_secret.as_ref(),
            self.jit_client_secret_file.as_deref(),
        );
        let secret = secret.and_then(|text| required("JIT_CLIENT_SECRET", text));
        let key = faults.of(self.public_key());
        let base_url = faults.of(address.and_then(|url| jit_base_url(&url)));
        let client_id = faults.of(id.and_then(|id| header_text("JIT_CLIENT_ID", id)));
        let client_secret = faults.of(secret.and_then(|text| header_text("JIT_CLIENT_SECRET", text)));
        let roots = faults.of(extra_roots("JIT_CA_FILE", self.jit_ca_file.as_deref()));
        let date_offset = faults.of(offset("JIT_DATE_OFFSET", &self.jit_date_offset));
        let date_format = faults.of(date_format(&self.jit_date_format));
        let (Some(public_key), Some(base_url), Some(client_id), Some(client_secret)) =
            (key, base_url, client_id, client_secret)
        else {
            return Err(faults);
        };
        let (Some(extra_roots), Some(date_offset), Some(date_format)) = (roots, date_offset, date_format)
        else {
            return Err(faults);
        };
        Ok(Jit {
            config: JitConfig {
                base_url,
                client_id,
                client_secret,
                public_key,
                extra_roots,
                timeout: Duration::from_secs(self.jit_timeout_seconds.into()),
                session_lifetime: Duration::from_secs(self.jit_session_seconds.into()),
                department: self.jit_dept_code.clone(),
                date_offset,
                date_format,
            },
            concurrency: self.jit_concurrency,
        })
    }

    fn public_key(&self) -> Result<PublicKey, SettingFault> {
        let name = "JIT_PUBLIC_KEY_FILE";
        let key = files::read(name, required(name, self.jit_public_key_file.as_ref())?)?;
        PublicKey::parse(&key).map_err(|cause| fault(name, format!("holds no usable key: {cause}")))
    }
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
    let url = addresses::service(name, text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault(name, "must be an address alone, without a query or a fragment"));
    }
    Ok(url)
}

fn date_format(text: &str) -> Result<String, SettingFault> {
    use chrono::format::Item;
    let items: Vec<_> = chrono::format::StrftimeItems::new(text).collect();
    let is_wrong = items.iter().any(|item| matches!(item, Item::Error));
    // Such as yyyy-MM-dd, which would be sent to the letter.
    let tells_a_day = items.iter().any(|item| matches!(item, Item::Numeric(..)));
    if is_wrong || !tells_a_day {
        return Err(fault("JIT_DATE_FORMAT", "is not a date format such as %Y-%m-%d %H:%M:%S"));
    }
    Ok(text.to_owned())
}
