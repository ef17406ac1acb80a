//! The columns of each tab, and the orders that they give: what is the same in every row of a tab has none.

use super::request::{ListRequest, Tab};
use crate::language::{Phrase, phrase};
use crate::store::search::{Order, Sort};

/// A column of the table.
pub(super) struct Column {
    /// What it is ordered by.
    pub sort: Sort,
    /// Its heading.
    pub label: Phrase,
    /// The list in the order that a click brings.
    pub link: String,
    /// `aria-sort`, of the column that the list is ordered by.
    pub sorted: Option<&'static str>,
}

impl Column {
    /// The class of its cells.
    pub(super) fn class(&self) -> &'static str {
        match self.sort {
            Sort::Amount | Sort::Payments => " class=\"number\"",
            _ => "",
        }
    }
}

/// An order to choose from.
pub(super) struct Choice {
    /// As addresses write it; blank for the tab's own.
    pub value: String,
    /// In words.
    pub words: Phrase,
    /// Whether it is the list's.
    pub is_current: bool,
}

const fn label(sort: Sort) -> Phrase {
    match sort {
        Sort::Number => phrase("PI number"),
        Sort::Bill => phrase("Bill number"),
        Sort::Ulb => phrase("ULB"),
        Sort::Amount => phrase("Amount"),
        Sort::Payments => phrase("Payments"),
        Sort::Status => phrase("Status"),
        Sort::Said => phrase("What JIT said"),
        Sort::Asked => phrase("Last asked"),
        Sort::Next => phrase("Next attempt"),
        Sort::Age => phrase("Age"),
        Sort::Date => phrase("PI date"),
        Sort::Completed => phrase("Completed on"),
        Sort::Urgency => phrase("Urgency"),
    }
}

/// The columns of what is asked for.
pub(super) fn columns(asked: &ListRequest, names_tenants: bool) -> Vec<Column> {
    let shown: &[Sort] = match asked.tab {
        Tab::Waiting => &[
            Sort::Number,
            Sort::Bill,
            Sort::Ulb,
            Sort::Amount,
            Sort::Payments,
            Sort::Said,
            Sort::Asked,
            Sort::Next,
            Sort::Age,
        ],
        Tab::NeedsYou => &[
            Sort::Number,
            Sort::Bill,
            Sort::Ulb,
            Sort::Amount,
            Sort::Payments,
            Sort::Status,
            Sort::Said,
            Sort::Asked,
            Sort::Age,
        ],
        Tab::All => &[
            Sort::Number,
            Sort::Date,
            Sort::Bill,
            Sort::Ulb,
            Sort::Amount,
            Sort::Payments,
            Sort::Status,
            Sort::Said,
            Sort::Asked,
        ],
    };
    let of = asked.order();
    let column = |sort: &Sort| {
        let is_current = of.by == *sort;
        let order = Order { by: *sort, descending: is_current && !of.descending };
        let sorted = is_current.then_some(if of.descending { "descending" } else { "ascending" });
        Column { sort: *sort, label: label(*sort), link: asked.sorted(order), sorted }
    };
    shown.iter().filter(|sort| names_tenants || **sort != Sort::Ulb).map(column).collect()
}

/// The orders to choose from without the headings: on a phone, and by keyboard.
pub(super) fn choices(asked: &ListRequest, columns: &[Column]) -> Vec<Choice> {
    let usual = Choice {
        value: String::new(),
        words: usual_order(asked.tab),
        is_current: asked.filters.order.is_none(),
    };
    let both = columns.iter().flat_map(|column| {
        [false, true].map(|descending| {
            let order = Order { by: column.sort, descending };
            Choice {
                value: order.to_string(),
                words: in_words(order),
                is_current: asked.filters.order == Some(order),
            }
        })
    });
    std::iter::once(usual).chain(both).collect()
}

/// The order of the list in words.
pub(super) fn order_words(asked: &ListRequest) -> Phrase {
    asked.filters.order.map_or_else(|| usual_order(asked.tab), in_words)
}

const fn usual_order(tab: Tab) -> Phrase {
    match tab {
        Tab::Waiting => phrase("errors first, then oldest first"),
        Tab::NeedsYou => phrase("oldest first"),
        Tab::All => phrase("newest first"),
    }
}

fn in_words(order: Order) -> Phrase {
    let words =
        if order.descending { phrase("%{column}, descending") } else { phrase("%{column}, ascending") };
    words.with("column", label(order.by))
}
