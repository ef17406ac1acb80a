//! What is measured: figures beside their yardsticks, as a table for people and as JSON for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::database::Kind;

/// What a figure is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    fn told(self) -> String {
        match self {
            Self::AtLeast(bound) => format!("≥ {bound}"),
            Self::AtMost(bound) => format!("≤ {bound}"),
        }
    }
}

/// One round: the figure, and what its yardstick showed just before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) measured: f64,
    pub(crate) yardstick: Option<f64>,
}

impl Round {
    pub(crate) fn alone(measured: f64) -> Self {
        Self { measured, yardstick: None }
    }

    pub(crate) fn beside(yardstick: f64, measured: f64) -> Self {
        Self { measured, yardstick: Some(yardstick) }
    }

    fn ratio(self) -> Option<f64> {
        self.yardstick.map(|yardstick| self.measured / yardstick)
    }
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Figure {
    name: &'static str,
    database: Kind,
    unit: &'static str,
    /// What it is measured against; without one, the bounds are of the figure itself.
    against: Option<&'static str>,
    goal: Option<Bound>,
    aim: Option<Bound>,
    rounds: Vec<Round>,
    notes: Vec<String>,
}

impl Figure {
    pub(crate) fn new(name: &'static str, database: Kind, unit: &'static str) -> Self {
        Self {
            name,
            database,
            unit,
            against: None,
            goal: None,
            aim: None,
            rounds: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn against(self, yardstick: &'static str) -> Self {
        Self { against: Some(yardstick), ..self }
    }

    pub(crate) fn goal(self, goal: Bound) -> Self {
        Self { goal: Some(goal), ..self }
    }

    pub(crate) fn aim(self, aim: Bound) -> Self {
        Self { aim: Some(aim), ..self }
    }

    /// Adds a round, and says so to whoever waits.
    pub(crate) fn push(&mut self, round: Round) {
        let beside = round.yardstick.map(|yardstick| format!(" beside {}", number(yardstick)));
        let (name, database, measured) = (self.name, self.database, number(round.measured));
        eprintln!("{name} on {database}: {measured} {}{}", self.unit, beside.unwrap_or_default());
        self.rounds.push(round);
    }

    /// Adds what a reader of the table must know of it.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn measured(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().map(|round| round.measured))
    }

    fn yardstick(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|round| round.yardstick))
    }

    fn ratio(&self) -> Option<Spread> {
        Spread::of(self.rounds.iter().copied().filter_map(Round::ratio))
    }

    /// Of the bounds' median: the ratio's, where there is a yardstick.
    fn is_met(&self, bound: Bound) -> bool {
        self.ratio().or_else(|| self.measured()).is_some_and(|spread| bound.is_met(spread.median))
    }

    fn met(&self) -> &'static str {
        match (self.goal, self.aim) {
            (_, Some(aim)) if self.is_met(aim) => "aim",
            (Some(goal), _) if self.is_met(goal) => "yes",
            (Some(_), _) => "no",
            (None, _) => "",
        }
    }

    fn row(&self) -> [String; 8] {
        let told = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| spread.told());
        let bound = |bound: Option<Bound>| bound.map_or_else(String::new, Bound::told);
        let yardstick = match (self.yardstick(), self.against) {
            (Some(spread), Some(against)) => format!("{against}: {}", spread.told()),
            _ => String::new(),
        };
        [
            self.name.to_owned(),
            self.database.to_string(),
            format!("{} {}", told(self.measured()), self.unit),
            yardstick,
            told(self.ratio()),
            bound(self.goal),
            bound(self.aim),
            self.met().to_owned(),
        ]
    }

    fn json(&self) -> Value {
        let spread = |spread: Option<Spread>| {
            spread.map(|spread| json!({ "median": spread.median, "lowest": spread.lowest, "highest": spread.highest }))
        };
        let bound = |bound: Option<Bound>| bound.map(Bound::told);
        let rounds: Vec<Value> = self
            .rounds
            .iter()
            .map(|round| json!({ "measured": round.measured, "yardstick": round.yardstick, "ratio": round.ratio() }))
            .collect();
        json!({
            "figure": self.name,
            "database": self.database.to_string(),
            "unit": self.unit,
            "measured": spread(self.measured()),
            "against": self.against,
            "yardstick": spread(self.yardstick()),
            "ratio": spread(self.ratio()),
            "goal": bound(self.goal),
            "aim": bound(self.aim),
            "met": self.met(),
            "notes": self.notes,
            "rounds": rounds,
        })
    }
}

/// The median of some numbers, and how far apart they are.
#[derive(Debug, Clone, Copy)]
struct Spread {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let median = values[last / 2].midpoint(values[values.len() / 2]);
        Some(Self { lowest: values[0], median, highest: values[last] })
    }

    fn told(self) -> String {
        if self.lowest == self.highest {
            return number(self.median);
        }
        format!("{} ({} to {})", number(self.median), number(self.lowest), number(self.highest))
    }
}

/// With about three digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The table as docs/PERFORMANCE.md holds it, with its notes below.
pub(crate) fn table(figures: &[Figure]) -> String {
    let heading =
        ["figure", "database", "measured", "yardstick", "ratio", "goal", "aim", "met"].map(str::to_owned);
    let rows: Vec<[String; 8]> = std::iter::once(heading).chain(figures.iter().map(Figure::row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..8).map(width).collect();
    let mut table = String::new();
    for (place, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(table, "| {cell:<width$} ");
        }
        table.push_str("|\n");
        if place == 0 {
            widths.iter().for_each(|width| table.push_str(&format!("|{}", "-".repeat(width + 2))));
            table.push_str("|\n");
        }
    }
    for figure in figures {
        for note in &figure.notes {
            let _ = write!(table, "\n- {} on {}: {note}", figure.name, figure.database);
        }
    }
    table
}

/// All of it, each round included.
pub(crate) fn document(figures: &[Figure], about: Value) -> Value {
    json!({ "about": about, "figures": figures.iter().map(Figure::json).collect::<Vec<_>>() })
}
