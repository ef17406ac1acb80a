//! Whether the program can serve (CONTRACT.md, `/health/ready`), and how each of its parts is.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::site::Site;
use crate::domain::date::ist_minute;
use crate::domain::{MessageState, RunState};
use crate::store::readings::Readings;
use crate::store::sync_runs::SyncRun;
use crate::store::vitals::Ailment;

/// A scheduler that was at work so long ago, or tried its latest write then, is at work no more.
const SILENCE: Duration = Duration::from_secs(45);

/// What is stored may be ahead of the clock by so much: two processes' clocks are never the same.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(30);

/// What keeps the program from serving, part by part.
#[derive(Debug)]
pub struct Readiness {
    database: Option<String>,
    schema: Option<String>,
    scheduler: Option<String>,
}

impl Readiness {
    /// Asks the database, for a second at the most, and hears the scheduler.
    pub async fn of(site: &Site) -> Self {
        let (sync, vitals) = (&site.app.sync, site.app.sync.vitals());
        let looked = vitals.look().await;
        let scheduler = unheard(sync.scheduler_silent_for());
        let written = vitals.wrote().map(|found| (found.at.elapsed(), found.state));
        let written = unwritten(written);
        let (database, schema) = match looked {
            Err(Ailment::Schema(fault)) => (written, Some(fault)),
            Err(ailment) => (Some(ailment.to_string()), None),
            Ok(()) => (written, None),
        };
        Self { database, schema, scheduler }
    }

    /// What keeps it from serving, if anything does.
    pub fn fault(&self) -> Option<&str> {
        self.database.as_deref().or(self.schema.as_deref()).or(self.scheduler.as_deref())
    }

    /// The parts without which the program cannot serve, and whether each is as it must be.
    pub const fn essential(&self) -> [(&'static str, bool); 3] {
        [
            ("database", self.database.is_none()),
            ("schema", self.schema.is_none()),
            ("scheduler", self.scheduler.is_none()),
        ]
    }

    /// Each part, for the operator's tools.
    pub async fn details(&self, site: &Site) -> Value {
        let read = site.readings.get(&site.app).await;
        let readings = read.as_ref().map(|read| &read.readings);
        let wrote = site.app.sync.vitals().wrote();
        let beat = site.app.sync.scheduler_silent_for();
        let essential = |fault: &Option<String>| match fault {
            None => Part::ok(),
            Some(fault) => Part::new("fault", fault),
        };
        let parts = [
            (
                "database",
                essential(&self.database)
                    .with("write_tried_seconds_ago", wrote.map(|wrote| wrote.at.elapsed().as_secs())),
            ),
            ("schema", essential(&self.schema)),
            (
                "scheduler",
                essential(&self.scheduler).with("beat_seconds_ago", beat.map(|silent| silent.as_secs())),
            ),
            ("night", night(site, readings)),
            ("jit", jit(site)),
            ("gateway", gateway(site, readings)),
            ("disk", disk(site)),
            ("clock", clock(site, readings)),
        ];
        let parts: Map<String, Value> =
            parts.into_iter().map(|(name, part)| (name.to_owned(), Value::Object(part.0))).collect();
        json!({
            "ready": self.fault().is_none(),
            "version": env!("VERSION"),
            "figures_seconds_ago": read.map(|read| read.at.elapsed().as_secs()),
            "parts": parts,
        })
    }
}

/// What is wrong with a scheduler that has been silent for so long, if it was ever heard.
fn unheard(silent: Option<Duration>) -> Option<String> {
    match silent {
        Some(silent) if silent < SILENCE => None,
        Some(_) => Some(format!("the scheduler has had no beat for {} s", SILENCE.as_secs())),
        None => Some("the scheduler has not begun".to_owned()),
    }
}

/// What is wrong with the database after what came of the latest write that was tried, so long ago.
fn unwritten(tried: Option<(Duration, Result<(), Ailment>)>) -> Option<String> {
    match tried {
        None => Some("no write has been tried yet".to_owned()),
        Some((ago, _)) if ago >= SILENCE => {
            Some(format!("no write has come to an end for {} s", SILENCE.as_secs()))
        }
        Some((_, state)) => state.err().map(|ailment| ailment.to_string()),
    }
}

/// How a part is: `ok`, `warning`, `fault`, or `unknown` where the database has not said.
struct Part(Map<String, Value>);

impl Part {
    fn ok() -> Self {
        Self(Map::from_iter([("state".to_owned(), "ok".into())]))
    }

    fn new(state: &str, told: &str) -> Self {
        Self(Map::from_iter([("state".to_owned(), state.into()), ("told".to_owned(), told.into())]))
    }

    fn warning(told: &str) -> Self {
        Self::new("warning", told)
    }

    fn unknown() -> Self {
        Self::new("unknown", "the database has not told yet")
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn night(site: &Site, readings: Option<&Readings>) -> Part {
    let (now, sync) = (site.app.clock.now(), &site.app.sync);
    let Some(readings) = readings else { return Part::unknown() };
    let missing = sync.missing_night(readings.nights, now);
    let told = match (missing, &readings.last_night) {
        (Some(missing), _) => {
            Some(format!("the sync of {} has not begun, and an hour has passed", ist_minute(missing)))
        }
        (None, _) if sync.is_paused() => Some("SYNC_PAUSED: no night, no retry and no SMS".to_owned()),
        (None, Some((run, counts))) => match (run.state, counts.left()) {
            (RunState::Interrupted, unasked) => {
                Some(format!("the last night was interrupted: {unasked} were not asked about then"))
            }
            (_, 1..) => Some(format!("the last night left {} unasked", counts.left())),
            _ => None,
        },
        (None, None) => None,
    };
    let mut part = told.as_deref().map_or_else(Part::ok, Part::warning);
    if let Some((run, counts)) = &readings.last_night {
        part = part
            .with("last_began", instant(run.started_at.and_utc()))
            .with("last_ended", ended(run))
            .with("expected", counts.expected)
            .with("successful", counts.successful)
            .with("errors", counts.errors)
            .with("glitches", counts.glitches)
            .with("no_response", counts.no_response)
            .with("unasked", counts.left());
    }
    part.with("next", sync.next_night(now).map(instant))
}

fn ended(run: &SyncRun) -> Option<String> {
    run.finished_at.map(|at| instant(at.and_utc()))
}

fn jit(site: &Site) -> Part {
    let sync = &site.app.sync;
    if let Some(refusal) = sync.sign_in_refusal() {
        let told = format!("JIT did not let us sign in: {}", refusal.glitch);
        return Part::warning(&told).with("since", instant(refusal.since));
    }
    match sync.jit_away_since() {
        Some(since) => Part::warning("JIT is away, or does not answer in time").with("since", instant(since)),
        None => Part::ok(),
    }
}

fn gateway(site: &Site, readings: Option<&Readings>) -> Part {
    let notifications = &site.app.notifications;
    let part = match notifications.gateway_away_since() {
        _ if !notifications.has_gateway() => {
            Part::warning("SMS_GATEWAY_URL is not set: messages wait in the outbox")
        }
        Some(since) => Part::warning("the SMS gateway takes no messages").with("since", instant(since)),
        None => Part::ok(),
    };
    let Some(readings) = readings else { return part };
    part.with("waiting", readings.messages(MessageState::Waiting))
        .with("waiting_since", readings.waiting_since.map(|at| instant(at.and_utc())))
        .with("failed", readings.messages(MessageState::Failed))
        .with("unknown", readings.messages(MessageState::Unknown))
        .with("held", readings.messages(MessageState::Held))
}

/// The room of PostgreSQL's machine is its own operator's to watch.
fn disk(site: &Site) -> Part {
    match site.app.store.room() {
        Ok(None) => Part::new("ok", "the database is a server's, whose disk is not seen from here"),
        Ok(Some(room)) => {
            let told = format!("only {} MiB are free where the database lies", room.free >> 20);
            let part = if room.is_little() { Part::warning(&told) } else { Part::ok() };
            part.with("free_bytes", room.free).with("database_bytes", room.taken)
        }
        Err(cause) => Part::warning(&format!("how much room there is could not be found out: {cause}")),
    }
}

fn clock(site: &Site, readings: Option<&Readings>) -> Part {
    let now = site.app.clock.now();
    let Some(readings) = readings else { return Part::unknown().with("now", instant(now)) };
    let latest = readings.latest_stored.map(|at| at.and_utc());
    let part = match latest.filter(|latest| *latest > now + CLOCKS_DIFFER) {
        Some(ahead) => Part::warning(&format!(
            "the clock is {} s behind what is stored: this machine's, or another process's, is wrong",
            (ahead - now).num_seconds()
        )),
        None => Part::ok(),
    };
    part.with("now", instant(now)).with("latest_stored", latest.map(instant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_or_a_write_of_which_nothing_is_heard_for_45_s_is_a_fault() {
        let (before, after) = (Duration::from_millis(44_999), Duration::from_secs(45));
        assert_eq!(unheard(Some(before)), None);
        assert_eq!(unheard(Some(after)).as_deref(), Some("the scheduler has had no beat for 45 s"));
        assert_eq!(unheard(None).as_deref(), Some("the scheduler has not begun"));
        assert_eq!(unwritten(Some((before, Ok(())))), None);
        let refused = Some((before, Err(Ailment::NotWritable("disk full".to_owned()))));
        assert_eq!(unwritten(refused).as_deref(), Some("the database cannot be written: disk full"));
        assert_eq!(unwritten(Some((after, Ok(())))).as_deref(), Some("no write has come to an end for 45 s"));
        assert_eq!(unwritten(None).as_deref(), Some("no write has been tried yet"));
    }
}
