//! A person's browser: Chromium with a profile of its own, and what the tests ask of every page.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use thirtyfour::extensions::query::ElementPollerWithTimeout;
use thirtyfour::prelude::*;
use thirtyfour::{DesiredCapabilities, TypingData};

use crate::support::World;

/// What a page has to come to pass within; generous, since others use the machine too.
const PATIENCE: Duration = Duration::from_secs(20);

/// The size of the window, in CSS pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    width: u32,
    height: u32,
    /// Device pixels to a CSS pixel: 2 is a zoom of 200 %.
    ratio: u32,
}

/// A desk's screen.
pub(crate) const DESK: Screen = Screen { width: 1280, height: 800, ratio: 1 };
/// The same screen at 200 % zoom.
pub(crate) const DESK_ZOOMED: Screen = Screen { width: 640, height: 400, ratio: 2 };
/// What most offices have.
pub(crate) const OFFICE: Screen = Screen { width: 1366, height: 768, ratio: 1 };
/// A small phone.
pub(crate) const PHONE: Screen = Screen { width: 360, height: 740, ratio: 2 };
/// The narrowest that WCAG 2.2 asks for (1.4.10).
pub(crate) const NARROW: Screen = Screen { width: 320, height: 640, ratio: 1 };

/// Of a page's picture; Chromium refuses more than 16,384 device pixels.
const HIGHEST_PICTURE: f64 = 8000.0;

/// An A4 within the margins of the style sheet, at 96 pixels to the inch.
const PAPER: Screen = Screen { width: 703, height: 1032, ratio: 1 };

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    On,
    Off,
}

/// A chromedriver on a port of its own; it ends with this.
struct Chromedriver {
    process: Child,
    port: u16,
    /// Kept open: a driver that cannot print ends.
    _printed: BufReader<ChildStdout>,
}

impl Chromedriver {
    fn start() -> Self {
        loop {
            if let Some(started) = Self::start_on_a_free_port() {
                return started;
            }
        }
    }

    /// `None` where the port went to somebody else: a driver takes one of IPv4, and ends where IPv6 has it in use.
    fn start_on_a_free_port() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed by ./scripts/test");
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        let port = loop {
            line.clear();
            assert!(printed.read_line(&mut line).unwrap() > 0, "chromedriver ended at once");
            if line.contains("port not available") {
                process.wait().unwrap();
                return None;
            }
            if let Some((_, port)) = line.trim_end().trim_end_matches('.').rsplit_once("on port ")
                && line.contains("started successfully")
            {
                break port.parse().unwrap();
            }
        };
        Some(Self { process, port, _printed: printed })
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The browser.
pub(crate) struct Chromium {
    pub(crate) driver: WebDriver,
    origin: String,
    pub(crate) scripts: Scripts,
    // Dropped after the session, which needs them to end.
    _chromedriver: Chromedriver,
    _profile: tempfile::TempDir,
}

impl Chromium {
    pub(crate) async fn open(world: &World, screen: Screen, scripts: Scripts) -> Self {
        let (chromedriver, profile) = (Chromedriver::start(), tempfile::tempdir().unwrap());
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_binary("/usr/bin/chromium").unwrap();
        let profile_flag = format!("--user-data-dir={}", profile.path().display());
        for flag in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en",
            // Whatever a page asks of another host finds none.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            &profile_flag,
        ] {
            wanted.add_arg(flag).unwrap();
        }
        wanted.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" })).unwrap();
        let driver = WebDriver::builder(format!("http://127.0.0.1:{}", chromedriver.port), wanted)
            .poller(std::sync::Arc::new(ElementPollerWithTimeout::new(PATIENCE, Duration::from_millis(50))))
            .connect()
            .await
            .expect("Chromium starts");
        let origin = format!("http://{}", world.address);
        let chromium = Self { driver, origin, scripts, _chromedriver: chromedriver, _profile: profile };
        // What the browser's own first page fetched is not ours to judge.
        chromium.driver.goto("about:blank").await.unwrap();
        chromium.driver.get_log("performance").await.unwrap();
        chromium.resize(screen).await;
        if scripts == Scripts::Off {
            chromium.tell("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        }
        chromium
    }

    /// Ends the session; forgetting it only makes the test slower.
    pub(crate) async fn close(self) {
        let Self { driver, _chromedriver, _profile, .. } = self;
        driver.quit().await.unwrap();
    }

    /// A command of the Chrome DevTools Protocol.
    pub(crate) async fn tell(&self, command: &str, parameters: Value) -> Value {
        self.driver.cdp().send_raw(command, parameters).await.unwrap()
    }

    pub(crate) async fn resize(&self, screen: Screen) {
        let Screen { width, height, ratio } = screen;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": ratio, "mobile": false });
        self.tell("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Media features such as `("prefers-color-scheme", "dark")`; none takes them back.
    pub(crate) async fn prefer(&self, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        self.tell("Emulation.setEmulatedMedia", json!({ "media": "", "features": features })).await;
    }

    pub(crate) async fn go(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.origin)).await.unwrap();
    }

    /// The path, query and fragment of the page.
    pub(crate) async fn address(&self) -> String {
        let url = self.driver.current_url().await.unwrap().to_string();
        url.strip_prefix(&self.origin).unwrap_or(&url).to_owned()
    }

    /// The first such element, once there is one.
    pub(crate) async fn find(&self, selector: &str) -> WebElement {
        self.driver
            .query(By::Css(selector))
            .first()
            .await
            .unwrap_or_else(|fault| panic!("{selector}: {fault}"))
    }

    pub(crate) async fn count(&self, selector: &str) -> usize {
        self.driver.find_all(By::Css(selector)).await.unwrap().len()
    }

    /// What a person reads there, blanks folded.
    pub(crate) async fn words(&self, selector: &str) -> String {
        let text = self.find(selector).await.text().await.unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) async fn attribute(&self, selector: &str, name: &str) -> String {
        let attribute = self.find(selector).await.attr(name).await.unwrap();
        attribute.unwrap_or_else(|| panic!("{selector} has no {name}"))
    }

    /// Clicks on what changes the page that is there.
    pub(crate) async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap_or_else(|fault| panic!("{selector}: {fault}"));
    }

    /// Clicks on what leads to another page, and waits for it.
    pub(crate) async fn click_through(&self, selector: &str) {
        let target = self.find(selector).await;
        self.leave_by(&target).await;
    }

    /// Follows a link to another page.
    pub(crate) async fn follow(&self, words: &str) {
        let link = self.driver.query(By::LinkText(words)).first().await;
        self.leave_by(&link.unwrap_or_else(|fault| panic!("a link {words}: {fault}"))).await;
    }

    async fn leave_by(&self, target: &WebElement) {
        let page = self.find("html").await;
        target.click().await.unwrap();
        self.gone(&page).await;
    }

    /// Waits until another page has taken the place of the one that this is of.
    pub(crate) async fn gone(&self, page: &WebElement) {
        self.until("the next page", async || !page.is_present().await.unwrap_or(false)).await;
        self.loaded().await;
    }

    /// Waits until all of the page is there.
    pub(crate) async fn loaded(&self) {
        self.until("a page in full", async || self.run("return document.readyState").await == "complete")
            .await;
    }

    /// Clears a field and types into it.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Keys pressed where the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    /// Whether that element has the focus.
    pub(crate) async fn has_focus(&self, selector: &str) -> bool {
        self.count(&format!("{selector}:focus")).await == 1
    }

    /// Runs a function body in the page.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver.execute(script, Vec::new()).await.unwrap().json().clone()
    }

    /// Polls until it holds.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds().await {
            assert!(Instant::now() < deadline, "never came to pass: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What must hold of every page, in whatever state.
    pub(crate) async fn check_page(&self, what: &str) {
        self.check_page_of_status(what, 200).await;
    }

    /// The same of a page that answers `status`.
    pub(crate) async fn check_page_of_status(&self, what: &str, status: u16) {
        self.check_console(what, status).await;
        self.check_requests(what).await;
        self.check_width(what).await;
        if self.scripts == Scripts::On {
            self.check_axe(what).await;
        }
    }

    /// Nothing on the console: no fault of a script, nothing that the content security policy refused.
    async fn check_console(&self, what: &str, status: u16) {
        let told: Vec<String> =
            self.driver.browser_log().await.unwrap().into_iter().map(|entry| entry.message).collect();
        // Chromium notes there that the page itself answered something else than 200.
        let of_status = format!("the server responded with a status of {status}");
        // And what it cleared when somebody signed out.
        let told: Vec<_> = told
            .iter()
            .filter(|message| status == 200 || !message.contains(&of_status))
            .filter(|message| !message.contains("Clear-Site-Data header on"))
            .collect();
        assert!(told.is_empty(), "{what}: the console says {told:#?}");
    }

    /// Nothing was asked of another host, since the last look.
    async fn check_requests(&self, what: &str) {
        for entry in self.driver.get_log("performance").await.unwrap() {
            let event: Value = serde_json::from_str(&entry.message).unwrap();
            let event = &event["message"];
            if event["method"] == "Network.requestWillBeSent" {
                let url = event["params"]["request"]["url"].as_str().unwrap();
                let is_ours = url.strip_prefix(&self.origin).is_some_and(|path| path.starts_with('/'));
                // Chromium draws its own date picker from pictures in `data:` addresses.
                assert!(is_ours || url.starts_with("data:"), "{what}: {url} was asked for");
            }
        }
    }

    /// No sideways scrolling of the page.
    pub(crate) async fn check_width(&self, what: &str) {
        let metrics = self.tell("Page.getLayoutMetrics", json!({})).await;
        let (content, window) =
            (&metrics["cssContentSize"]["width"], &metrics["cssLayoutViewport"]["clientWidth"]);
        assert!(content.as_f64() <= window.as_f64(), "{what}: {content} px wide in a window of {window} px");
    }

    /// No violation of WCAG 2.2 AA, nor of axe's best practices.
    pub(crate) async fn check_axe(&self, what: &str) {
        self.check_axe_without(what, json!({})).await;
    }

    /// The same with some rules left out, as axe's `rules` option writes it.
    pub(crate) async fn check_axe_without(&self, what: &str, rules: Value) {
        static AXE: LazyLock<String> = LazyLock::new(|| {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/node_modules/axe-core/axe.min.js");
            std::fs::read_to_string(file).expect("axe-core is installed by ./scripts/test")
        });
        const RUN: &str = "const done = arguments[1];
            axe.run(document, { resultTypes: ['violations'], preload: false, rules: arguments[0], runOnly:
                ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
            .then((found) => done(found.violations.map((broken) => ({
                rule: broken.id, help: broken.help,
                at: broken.nodes.map((node) => node.html + ' :: ' + node.failureSummary) }))))
            .catch((fault) => done([String(fault)]));";
        self.driver.execute(AXE.as_str(), Vec::new()).await.unwrap();
        let found = self.driver.execute_async(RUN, vec![rules]).await.unwrap();
        let found = found.json().as_array().unwrap().clone();
        assert!(found.is_empty(), "{what}: {}", serde_json::to_string_pretty(&found).unwrap());
    }

    /// The page on paper, as a PDF.
    pub(crate) async fn print(&self) -> Vec<u8> {
        let printed = self.tell("Page.printToPDF", json!({ "preferCSSPageSize": true })).await;
        base64::engine::general_purpose::STANDARD.decode(printed["data"].as_str().unwrap()).unwrap()
    }

    /// Keeps a picture of the page as it is printed, on the part of an A4 within the margins.
    pub(crate) async fn picture_on_paper(&self, name: &str) {
        self.tell("Emulation.setEmulatedMedia", json!({ "media": "print" })).await;
        self.resize(PAPER).await;
        self.picture(name).await;
        self.prefer(&[]).await;
        self.resize(DESK).await;
    }

    /// Keeps a picture of the page, as far down as Chromium draws, where `SCREENSHOTS` names a folder.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("SCREENSHOTS") else { return };
        let size = self.tell("Page.getLayoutMetrics", json!({})).await["cssContentSize"].clone();
        let height = size["height"].as_f64().unwrap().min(HIGHEST_PICTURE);
        let clip = json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        let wanted = json!({ "captureBeyondViewport": true, "clip": clip });
        let taken = self.tell("Page.captureScreenshot", wanted).await;
        let png = base64::engine::general_purpose::STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), png).unwrap();
    }
}
