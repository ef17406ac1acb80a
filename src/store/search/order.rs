//! The orders of the list: by each of its columns, either way.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDateTime;

use crate::domain::words::words;
use crate::sealing::hex;
use crate::store::Db;
use crate::store::instants::literal;

words! {
    /// A column to order by.
    Sort {
        /// The PI number.
        Number = "pi-number",
        /// The first bill number.
        Bill = "bill-number",
        /// The ULB.
        Ulb = "ulb",
        /// The net amount.
        Amount = "amount",
        /// How many payments it has.
        Payments = "payments",
        /// Where it stands.
        Status = "status",
        /// What JIT said last.
        Said = "what-jit-said",
        /// When JIT was asked last.
        Asked = "last-asked",
        /// When it is asked next.
        Next = "next-attempt",
        /// For how long it has been In Process.
        Age = "age",
        /// When it was created.
        Date = "pi-date",
        /// When it was completed.
        Completed = "completed",
        /// How soon somebody should look at it: errors first, and within that the oldest.
        Urgency = "urgency",
    }
}

/// An order of the list. Rows that have nothing in the column come last, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The column.
    pub by: Sort,
    /// The highest first.
    pub descending: bool,
}

impl Order {
    /// What was created last comes first.
    pub const NEWEST: Self = Self { by: Sort::Date, descending: true };
    /// What was created first comes first.
    pub const OLDEST: Self = Self { by: Sort::Date, descending: false };
    /// What waits for action.
    pub const URGENT: Self = Self { by: Sort::Urgency, descending: false };
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.by)
    }
}

/// A text that names no order.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an order of the list")]
pub struct NoOrder;

impl FromStr for Order {
    type Err = NoOrder;

    fn from_str(text: &str) -> Result<Self, NoOrder> {
        let (descending, word) = text.strip_prefix('-').map_or((false, text), |word| (true, word));
        let by = word.to_lowercase().replace([' ', '_'], "-").parse().map_err(|_| NoOrder)?;
        Ok(Self { by, descending })
    }
}

/// What a row `p` is ordered by, in SQL.
#[derive(Debug)]
pub(super) struct Key {
    /// The value, as its index has it.
    pub(super) sql: &'static str,
    /// That there is one, as its index has it; `None` if there always is.
    pub(super) is_there: Option<&'static str>,
    /// Whether the highest value comes first.
    pub(super) descending: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Instant,
}

impl Key {
    pub(super) fn of(order: Order, db: &Db) -> Self {
        let is_sqlite = matches!(db, Db::Sqlite(_));
        let (sql, is_there) = match order.by {
            Sort::Number => ("p.number", None),
            Sort::Bill if is_sqlite => ("substr(p.bill_numbers, 1, 200)", None),
            Sort::Bill => ("(substr(p.bill_numbers, 1, 200) COLLATE \"C\")", None),
            Sort::Ulb => ("p.tenant_id", None),
            Sort::Amount => ("p.net_paise", None),
            Sort::Payments => ("p.payments", None),
            Sort::Status => ("p.status", None),
            Sort::Said if is_sqlite => {
                ("substr(p.ftps_message, 1, 200)", Some("substr(p.ftps_message, 1, 200) IS NOT NULL"))
            }
            Sort::Said => (
                "(substr(p.ftps_message, 1, 200) COLLATE \"C\")",
                Some("(substr(p.ftps_message, 1, 200) COLLATE \"C\") IS NOT NULL"),
            ),
            Sort::Asked => ("p.ftps_called_at", Some("p.ftps_called_at IS NOT NULL")),
            Sort::Next => ("p.next_attempt_at", Some("p.next_attempt_at IS NOT NULL")),
            Sort::Age => ("p.in_process_since", Some("p.action_rank IS NOT NULL")),
            Sort::Date => ("p.place", None),
            Sort::Completed => ("p.completed_at", Some("p.completed_at IS NOT NULL")),
            Sort::Urgency => ("p.action_rank", Some("p.action_rank IS NOT NULL")),
        };
        // Whoever came last has the lowest age.
        let descending = order.descending != (order.by == Sort::Age);
        Self { sql, is_there, descending, kind: order.by.kind() }
    }

    /// The value, and NULL where there is none.
    pub(super) fn or_null(&self) -> String {
        match self.is_there {
            None => self.sql.to_owned(),
            Some(is_there) => format!("CASE WHEN {is_there} THEN {} END", self.sql),
        }
    }

    pub(super) const fn direction(&self) -> &'static str {
        if self.descending { "DESC" } else { "ASC" }
    }

    /// What comes after a row, in comparison.
    pub(super) const fn beyond(&self) -> &'static str {
        if self.descending { "<" } else { ">" }
    }

    /// A value that a cursor tells, in SQL; what cannot be one of these compares with nothing.
    pub(super) fn value(&self, told: &str, db: &Db) -> String {
        match (self.kind.read(told), db) {
            (None, _) => "NULL".to_owned(),
            (Some(Value::Number(number)), _) => number.to_string(),
            (Some(Value::Instant(at)), _) => literal(at),
            // In digits, since texts may hold anything and SQLite numbers what is bound as it appears.
            (Some(Value::Text(text)), Db::Sqlite(_)) => format!("CAST(x'{}' AS TEXT)", hex(text.as_bytes())),
            (Some(Value::Text(text)), Db::Postgres(_)) => {
                format!("convert_from(decode('{}', 'hex'), 'UTF8')", hex(text.as_bytes()))
            }
        }
    }
}

enum Value<'a> {
    Text(&'a str),
    Number(i64),
    Instant(NaiveDateTime),
}

impl Kind {
    fn read(self, told: &str) -> Option<Value<'_>> {
        match self {
            Self::Text => Some(Value::Text(told)),
            Self::Number => told.parse().ok().map(Value::Number),
            Self::Instant => {
                NaiveDateTime::parse_from_str(told, "%Y-%m-%d %H:%M:%S%.f").ok().map(Value::Instant)
            }
        }
    }
}

impl Sort {
    const fn kind(self) -> Kind {
        match self {
            Self::Number | Self::Bill | Self::Ulb | Self::Status | Self::Said => Kind::Text,
            Self::Amount | Self::Payments | Self::Date | Self::Urgency => Kind::Number,
            Self::Asked | Self::Next | Self::Age | Self::Completed => Kind::Instant,
        }
    }

    /// Whether a row's value in this column may read so.
    pub(super) fn may_be(self, told: &str) -> bool {
        match self {
            Self::Urgency => matches!(told, "0" | "1" | "2" | "3"),
            by => told.len() <= 1000 && by.kind().read(told).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_back() {
        for by in Sort::ALL {
            for descending in [false, true] {
                let order = Order { by: *by, descending };
                assert_eq!(order.to_string().parse(), Ok(order));
            }
        }
        assert_eq!("-Last_asked".parse(), Ok(Order { by: Sort::Asked, descending: true }));
        for none in ["", "-", "--amount", "amount-", "id; DROP"] {
            assert!(none.parse::<Order>().is_err(), "{none:?}");
        }
    }
}
