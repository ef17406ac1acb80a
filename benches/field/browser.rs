//! A browser of sorts: signs in, opens a page, posts a form.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use reqwest::cookie::{CookieStore as _, Jar};

/// Who signs in.
pub(crate) const EMPLOYEE: &str = "asha.das";
pub(crate) const PASSWORD: &str = "four plain words apart";

#[derive(Debug)]
pub(crate) struct Browser {
    address: SocketAddr,
    jar: Arc<Jar>,
    client: reqwest::Client,
}

impl Browser {
    pub(crate) fn at(address: SocketAddr) -> Result<Self> {
        let jar = Arc::new(Jar::default());
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .cookie_provider(Arc::clone(&jar))
            .build()?;
        Ok(Self { address, jar, client })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Whether there is a good answer.
    pub(crate) async fn answers(&self, path: &str) -> bool {
        self.client.get(self.url(path)).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    /// A page; it must be there.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        let answer = self.client.get(self.url(path)).send().await?;
        ensure!(answer.status() == 200, "{path} answers {}", answer.status());
        Ok(answer.text().await?)
    }

    /// Signs in, for good.
    pub(crate) async fn sign_in(&self) -> Result<()> {
        self.post("/sign-in", "/sign-in", &[("username", EMPLOYEE), ("password", PASSWORD)]).await
    }

    /// Posts a form that stands on a page.
    pub(crate) async fn post(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Result<()> {
        let page = self.get(page).await?;
        let token = page
            .split_once(r#"name="form_token" value=""#)
            .and_then(|(_, rest)| rest.split('"').next())
            .context("a form has a token")?;
        let fields: Vec<_> = fields.iter().copied().chain([("form_token", token)]).collect();
        let answer = self.client.post(self.url(path)).form(&fields).send().await?;
        let status = answer.status();
        ensure!(status == 303, "{path} answers {status} to a form: {}", answer.text().await?);
        Ok(())
    }

    /// Its cookies, as a request tells them.
    pub(crate) fn cookies(&self) -> Result<String> {
        let cookies = self.jar.cookies(&self.url("/").parse()?).context("nobody has signed in")?;
        Ok(cookies.to_str()?.to_owned())
    }
}
