//! What the program counts in its memory, and Prometheus's text format 0.0.4, in which its tools read it.
//!
//! Made by hand: it is less than what a crate for it would bring, and the official one writes another format.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The content type of the format.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the names of all metrics begin with.
const PREFIX: &str = "mukta_ftps_";

/// Upper bounds of what is counted together, in seconds: from a page out of memory to three time-outs of JIT.
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 90.0];

/// How often something happened and how long it took, apart for each value of its labels.
#[derive(Debug)]
pub struct Meter<const LABELS: usize> {
    labels: [&'static str; LABELS],
    cells: Mutex<BTreeMap<[String; LABELS], Cell>>,
}

#[derive(Debug, Clone, Default)]
struct Cell {
    /// Those that took no longer than each bound, and longer than the one before.
    within: [u64; BOUNDS.len()],
    all: u64,
    seconds: f64,
}

impl<const LABELS: usize> Meter<LABELS> {
    /// Nothing has happened yet. Whoever notes something has a bounded number of values for each label.
    pub const fn new(labels: [&'static str; LABELS]) -> Self {
        Self { labels, cells: Mutex::new(BTreeMap::new()) }
    }

    /// It happened, and took so long.
    pub fn note(&self, values: [&str; LABELS], took: Duration) {
        let seconds = took.as_secs_f64();
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = cells.entry(values.map(str::to_owned)).or_default();
        if let Some(place) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            cell.within[place] += 1;
        }
        cell.all += 1;
        cell.seconds += seconds;
    }

    fn cells(&self) -> BTreeMap<[String; LABELS], Cell> {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A page of metrics as it is written.
#[derive(Debug, Default)]
pub struct Exposition(String);

impl Exposition {
    /// A value of this moment.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Into<f64>) {
        self.gauges(name, help, [([], value)]);
    }

    /// Such a value, where it is known.
    pub fn gauge_if_known(&mut self, name: &str, help: &str, value: Option<impl Into<f64>>) {
        self.gauges(name, help, value.map(|value| ([], value)));
    }

    /// Values of this moment, each with its labels.
    pub fn gauges<'a, const LABELS: usize>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = ([(&'a str, &'a str); LABELS], impl Into<f64>)>,
    ) {
        self.head(name, help, "gauge");
        for (labels, value) in values {
            self.sample(name, &labels, value.into());
        }
    }

    /// What a meter has counted.
    pub fn histogram<const LABELS: usize>(&mut self, name: &str, help: &str, meter: &Meter<LABELS>) {
        self.head(name, help, "histogram");
        let bounds = BOUNDS.map(|bound| bound.to_string());
        for (values, cell) in meter.cells() {
            let mut labels: Vec<(&str, &str)> =
                meter.labels.iter().copied().zip(values.iter().map(String::as_str)).collect();
            let mut so_far = 0;
            for (bound, within) in bounds.iter().zip(cell.within) {
                so_far += within;
                labels.push(("le", bound));
                self.sample(&format!("{name}_bucket"), &labels, as_f64(so_far));
                labels.pop();
            }
            labels.push(("le", "+Inf"));
            self.sample(&format!("{name}_bucket"), &labels, as_f64(cell.all));
            labels.pop();
            self.sample(&format!("{name}_sum"), &labels, cell.seconds);
            self.sample(&format!("{name}_count"), &labels, as_f64(cell.all));
        }
    }

    /// The page.
    pub fn written(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.line(format_args!("{PREFIX}{name}{labels} {value}\n"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes whatever is written.
        let _written = self.0.write_fmt(line);
    }
}

/// Exact up to 2^53.
#[allow(clippy::cast_precision_loss)] // the format knows no other numbers
fn as_f64(count: u64) -> f64 {
    count as f64
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_is_written_as_prometheus_reads_it() {
        let meter = Meter::new(["outcome"]);
        for (outcome, millis) in [("success", 5), ("success", 6), ("a \"b\\\n", 100_000)] {
            meter.note([outcome], Duration::from_millis(millis));
        }
        let mut page = Exposition::default();
        page.histogram("calls_seconds", "Calls.", &meter);
        page.gauge("open", "Whether.", 1);
        page.gauge_if_known("age_seconds", "How old.", None::<f64>);
        let page = page.written();
        for line in [
            "# HELP mukta_ftps_calls_seconds Calls.",
            "# TYPE mukta_ftps_calls_seconds histogram",
            "mukta_ftps_calls_seconds_bucket{outcome=\"success\",le=\"0.005\"} 1",
            "mukta_ftps_calls_seconds_bucket{outcome=\"success\",le=\"0.01\"} 2",
            "mukta_ftps_calls_seconds_bucket{outcome=\"success\",le=\"90\"} 2",
            "mukta_ftps_calls_seconds_bucket{outcome=\"success\",le=\"+Inf\"} 2",
            "mukta_ftps_calls_seconds_sum{outcome=\"success\"} 0.011",
            "mukta_ftps_calls_seconds_count{outcome=\"success\"} 2",
            "mukta_ftps_calls_seconds_bucket{outcome=\"a \\\"b\\\\\\n\",le=\"90\"} 0",
            "mukta_ftps_calls_seconds_bucket{outcome=\"a \\\"b\\\\\\n\",le=\"+Inf\"} 1",
            "mukta_ftps_open 1",
            "# TYPE mukta_ftps_age_seconds gauge",
        ] {
            assert!(page.lines().any(|written| written == line), "{line} is not in:\n{page}");
        }
        assert!(!page.contains("\nmukta_ftps_age_seconds"));
    }
}
