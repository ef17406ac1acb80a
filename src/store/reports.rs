//! The month's report: payments and messages of each ULB (CONTRACT.md, `GET /reports/{yyyy-mm}`).
//!
//! *Paid* falls in the IST day of our completion by FTPS, and stays in its month whatever comes later;
//! *returned* in the day on which it became known here; *open* is what was In Process at the month's end, or
//! is now.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use super::figures::month_of;
use super::instants::literal;
use super::scope::Scope;
use super::{Db, StoreError};
use crate::domain::{MessageState, Paise};

/// Payments, and what they come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: i64,
    /// What they come to.
    pub paise: Paise,
}

/// A ULB's month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TownMonth {
    /// Reported paid by FTPS.
    pub paid: Sum,
    /// Successful in instructions that MUKTASoft completed.
    pub paid_by_muktasoft: Sum,
    /// Known to have come back.
    pub returned: Sum,
    /// In Process at the end.
    pub open: Sum,
    /// Messages about payments of the month, by where they stand now.
    pub messages: BTreeMap<MessageState, i64>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    paise: Paise,
}

#[derive(QueryableByName)]
struct MessagesRow {
    #[diesel(sql_type = Text)]
    tenant_id: String,
    #[diesel(sql_type = Text)]
    state: MessageState,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The month that holds `day`, of each ULB in scope in which anything happened.
pub fn month(db: &mut Db, scope: &Scope, day: NaiveDate) -> Result<BTreeMap<String, TownMonth>, StoreError> {
    let [from, below] = month_of(day).map(literal);
    let within = |at: &str| format!("{at} >= {from} AND {at} < {below}");
    let completed = within("p.completed_at");
    let mut towns: BTreeMap<String, TownMonth> = BTreeMap::new();
    type Field = fn(&mut TownMonth) -> &mut Sum;
    let sums: [(String, Field); 4] = [
        (format!("p.completed_by = 'ftps' AND {completed}"), |town| &mut town.paid),
        (
            format!(
                "p.completed_by = 'muktasoft' AND b.payment_status = 'Payment Successful' AND {completed}"
            ),
            |town| &mut town.paid_by_muktasoft,
        ),
        (within("b.returned_at"), |town| &mut town.returned),
        (
            format!(
                "p.id IN (SELECT id FROM payment_instructions WHERE action_rank IS NOT NULL \
                 UNION ALL SELECT id FROM payment_instructions WHERE completed_at >= {below}) \
                 AND p.is_active AND p.is_revised AND p.in_process_since < {below} AND (p.status = 'In Process' \
                 OR (p.status = 'Completed' AND p.completed_at >= {below}))"
            ),
            |town| &mut town.open,
        ),
    ];
    for (condition, field) in sums {
        let sql = format!(
            "SELECT p.tenant_id || '' AS tenant_id, count(*) AS count, CAST(sum(b.amount_paise) AS BIGINT) AS paise \
             FROM beneficiaries b JOIN payment_instructions p ON p.id = b.instruction_id \
             WHERE {condition} AND {} GROUP BY 1",
            scope.condition_beside("$1")
        );
        for row in diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load::<Row>(db)? {
            *field(towns.entry(row.tenant_id).or_default()) = Sum { count: row.count, paise: row.paise };
        }
    }
    let sql = format!(
        "SELECT p.tenant_id || '' AS tenant_id, m.state, count(*) AS count \
         FROM outbox_messages m JOIN payment_instructions p ON p.id = m.instruction_id \
         WHERE {completed} AND {} GROUP BY 1, m.state",
        scope.condition_beside("$1")
    );
    for row in diesel::sql_query(sql).bind::<Text, _>(scope.tenant()).load::<MessagesRow>(db)? {
        *towns.entry(row.tenant_id).or_default().messages.entry(row.state.shown()).or_default() += row.count;
    }
    Ok(towns)
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.paise.0 += other.paise.0;
    }
}

impl TownMonth {
    /// With another's added.
    pub fn add(&mut self, other: &Self) {
        self.paid.add(other.paid);
        self.paid_by_muktasoft.add(other.paid_by_muktasoft);
        self.returned.add(other.returned);
        self.open.add(other.open);
        for (state, count) in &other.messages {
            *self.messages.entry(*state).or_default() += count;
        }
    }
}
