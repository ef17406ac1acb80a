//! What a person sees of `/`: when its first byte is there, and when its largest part is painted, in Chromium.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use thirtyfour::prelude::*;
use thirtyfour::{Cookie, DesiredCapabilities};

use crate::bench::{AT_ONCE, Bench};
use crate::database::Kind;
use crate::figure::{Figure, Round};
use crate::jit::Jit;
use crate::program::Server;

/// The page is opened so often in a round; the first times are the browser's own start.
const OPENED: usize = 5;

pub(crate) fn first_sight(bench: &mut Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for kind in Kind::BOTH {
        let answered = bench.answered(kind)?;
        let server = bench.serve(&answered, &Jit::quiet()?, AT_ONCE)?;
        let mut first_byte = Figure::new("day-first-byte", kind, "ms");
        let mut largest_paint = Figure::new("day-largest-paint", kind, "ms");
        for _ in 0..bench.rounds {
            let (byte, paint) = bench.client.block_on(opened(&server))?;
            first_byte.push(Round::alone(byte));
            largest_paint.push(Round::alone(paint));
        }
        figures.extend([first_byte, largest_paint]);
    }
    Ok(figures)
}

/// Milliseconds from the navigation's start to the first byte and to the largest paint: of several, the fastest.
async fn opened(server: &Server) -> Result<(f64, f64)> {
    let (chromedriver, profile) = (Chromedriver::start()?, tempfile::tempdir()?);
    let mut wanted = DesiredCapabilities::chrome();
    for flag in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--window-size=1366,768",
        &format!("--user-data-dir={}", profile.path().display()),
    ] {
        wanted.add_arg(flag)?;
    }
    let driver = WebDriver::new(format!("http://127.0.0.1:{}", chromedriver.port), wanted).await?;
    let origin = format!("http://{}", server.address);
    driver.goto(format!("{origin}/health/live")).await?;
    for cookie in server.browser.cookies()?.split("; ") {
        let (name, value) = cookie.split_once('=').context("a cookie has a name")?;
        driver.add_cookie(Cookie::new(name, value)).await?;
    }
    let (mut first_byte, mut largest_paint) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..OPENED {
        driver.goto(format!("{origin}/")).await?;
        ensure!(!driver.find_all(By::Css("[data-figure]")).await?.is_empty(), "the day's page is not there");
        let seen = driver
            .execute_async(
                "const done = arguments[0], [navigation] = performance.getEntriesByType('navigation');
                 new PerformanceObserver((list) => done([navigation.responseStart, list.getEntries().at(-1).startTime]))
                     .observe({ type: 'largest-contentful-paint', buffered: true });",
                Vec::new(),
            )
            .await?;
        let at = |place: usize| seen.json()[place].as_f64().context("no time");
        first_byte = first_byte.min(at(0)?);
        largest_paint = largest_paint.min(at(1)?);
    }
    driver.quit().await?;
    Ok((first_byte, largest_paint))
}

/// A chromedriver on a port of its own; it ends with this.
struct Chromedriver {
    process: Child,
    port: u16,
    /// Kept open: a driver that cannot print ends.
    printed: BufReader<ChildStdout>,
}

impl Chromedriver {
    fn start() -> Result<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver is installed by ./scripts/test")?;
        let printed = process.stdout.take().context("it was piped")?;
        let mut started = Self { process, port: 0, printed: BufReader::new(printed) };
        let mut line = String::new();
        while started.port == 0 {
            line.clear();
            if started.printed.read_line(&mut line)? == 0 {
                bail!("chromedriver ended at once");
            }
            if let Some((_, port)) =
                line.trim_end().trim_end_matches('.').rsplit_once("successfully on port ")
            {
                started.port = port.parse()?;
            }
        }
        Ok(started)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
