//! Pages over HTTP, and what reads their HTML.

use std::net::SocketAddr;

use scraper::{ElementRef, Html, Selector};

use super::PASSWORD;

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
        let page = if page.status == 303 { self.get(&page.location()).await } else { page };
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
