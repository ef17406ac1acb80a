//! What is always true of the data, whatever happened: each rule a query for what breaks it (docs/RELIABILITY.md).
//!
//! The chains of what is written once are checked beside it ([`trail::check`](super::trail::check)).

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::search::kept;
use super::{Db, Store, StoreError};

/// Of what breaks a rule, so many are told of.
const TOLD: usize = 20;

/// What breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What is so, and must never be.
    pub what: &'static str,
    /// Of which payment instructions, messages, runs: the first of many.
    pub told: Vec<String>,
    /// Whether there are more.
    pub has_more: bool,
}

/// A rule, by what breaks it.
struct Rule {
    /// What must never be.
    what: &'static str,
    /// A row `told` for each that is so.
    sql: &'static str,
}

macro_rules! kept_is_not_so {
    () => {
        concat!("SELECT number AS told FROM payment_instructions WHERE (", kept!(), ") IS NOT TRUE")
    };
}

/// In SQL that both databases read alike.
const RULES: &[Rule] = &[
    Rule {
        what: "completed by FTPS, with a beneficiary who is neither Payment Successful with a UTR nor returned since",
        sql: "SELECT DISTINCT p.number AS told FROM payment_instructions p \
              JOIN beneficiaries b ON b.instruction_id = p.id WHERE p.completed_by = 'ftps' \
              AND ((b.payment_status <> 'Payment Successful' AND b.returned_at IS NULL) OR COALESCE(b.utr, '') = '')",
    },
    Rule {
        what: "completed by FTPS, without a successful call that was applied",
        sql: "SELECT p.number AS told FROM payment_instructions p WHERE p.completed_by = 'ftps' \
              AND NOT EXISTS (SELECT 1 FROM ftps_calls c \
                  WHERE c.instruction_id = p.id AND c.outcome = 'success' AND c.applied)",
    },
    Rule {
        what: "a successful call was applied, and FTPS has not completed it",
        sql: "SELECT DISTINCT p.number AS told FROM ftps_calls c JOIN payment_instructions p ON p.id = c.instruction_id \
              WHERE c.outcome = 'success' AND c.applied AND COALESCE(p.completed_by, '') <> 'ftps'",
    },
    Rule {
        what: "who completed it and when does not fit its status",
        sql: "SELECT number AS told FROM payment_instructions WHERE completed_by = 'ftps' \
              AND (status <> 'Completed' OR completed_at IS NULL)",
    },
    Rule {
        what: "In Process, with a beneficiary who is Payment Successful",
        sql: "SELECT DISTINCT p.number AS told FROM payment_instructions p \
              JOIN beneficiaries b ON b.instruction_id = p.id \
              WHERE p.status = 'In Process' AND b.payment_status = 'Payment Successful'",
    },
    Rule {
        what: "completed by FTPS, and not exactly one message for a beneficiary",
        sql: "SELECT p.number || ' ' || b.payment_id AS told FROM payment_instructions p \
              JOIN beneficiaries b ON b.instruction_id = p.id WHERE p.completed_by = 'ftps' \
              AND (SELECT count(*) FROM outbox_messages m WHERE m.beneficiary_id = b.id) <> 1",
    },
    Rule {
        what: "a message about what FTPS did not complete, or to a beneficiary of another payment instruction",
        sql: "SELECT 'message ' || CAST(m.id AS TEXT) || ' of ' || p.number AS told FROM outbox_messages m \
              JOIN payment_instructions p ON p.id = m.instruction_id JOIN beneficiaries b ON b.id = m.beneficiary_id \
              WHERE COALESCE(p.completed_by, '') <> 'ftps' OR b.instruction_id <> m.instruction_id",
    },
    Rule {
        what: "a message that stands otherwise than its last event says",
        sql: "SELECT 'message ' || CAST(m.id AS TEXT) || ', ' || m.state AS told FROM outbox_messages m \
              WHERE CASE m.state WHEN 'sending' THEN 'waiting' ELSE m.state END <> COALESCE((\
                  SELECT CASE e.what WHEN 'settle' THEN 'settled' WHEN 'resend' THEN 'waiting' \
                      WHEN 'renewed' THEN 'waiting' ELSE e.what END \
                  FROM outbox_events e WHERE e.message_id = m.id AND e.applied ORDER BY e.id DESC LIMIT 1), 'waiting')",
    },
    Rule {
        what: "a run whose counts are not those of its payment instructions",
        sql: "SELECT 'run ' || CAST(r.id AS TEXT) || ', ' || i.tenant_id AS told FROM sync_runs r JOIN (\
                  SELECT run_id, tenant_id, count(*) AS expected, \
                      count(CASE outcome WHEN 'success' THEN 1 END) AS successful, \
                      count(CASE outcome WHEN 'error' THEN 1 END) AS errors, \
                      count(CASE outcome WHEN 'glitch' THEN 1 END) AS glitches, \
                      count(CASE outcome WHEN 'no-response' THEN 1 END) AS no_response, \
                      count(CASE outcome WHEN 'skipped' THEN 1 END) AS skipped \
                  FROM sync_run_items GROUP BY run_id, tenant_id) i ON i.run_id = r.id \
              LEFT JOIN sync_run_counts k ON k.run_id = r.id AND k.tenant_id = i.tenant_id \
              WHERE r.state <> 'running' AND ((k.expected, k.successful, k.errors, k.glitches, k.no_response, k.skipped) \
                  = (i.expected, i.successful, i.errors, i.glitches, i.no_response, i.skipped)) IS NOT TRUE",
    },
    Rule { what: "what it keeps of its payments is not what they are", sql: kept_is_not_so!() },
    Rule {
        what: "a change without a number that was drawn",
        sql: "SELECT number AS told FROM payment_instructions, change_counter \
              WHERE change_number < 1 OR change_number > latest",
    },
    Rule {
        what: "MUKTASoft was told of changes beyond the last",
        sql: "SELECT 'change ' || CAST(p.change_number AS TEXT) AS told FROM status_push p, change_counter c \
              WHERE p.change_number > c.latest",
    },
    Rule {
        what: "no search would find it",
        sql: "SELECT p.number AS told FROM payment_instructions p \
              WHERE NOT EXISTS (SELECT 1 FROM search_texts t WHERE t.instruction_id = p.id)",
    },
    Rule {
        what: "belongs to nothing",
        sql: "SELECT 'beneficiary ' || CAST(c.id AS TEXT) AS told FROM beneficiaries c \
              LEFT JOIN payment_instructions p ON p.id = c.instruction_id WHERE p.id IS NULL \
              UNION ALL SELECT 'payment advice ' || CAST(c.id AS TEXT) FROM payment_advices c \
              LEFT JOIN payment_instructions p ON p.id = c.instruction_id WHERE p.id IS NULL \
              UNION ALL SELECT 'call ' || CAST(c.id AS TEXT) FROM ftps_calls c \
              LEFT JOIN payment_instructions p ON p.id = c.instruction_id WHERE p.id IS NULL \
              UNION ALL SELECT 'note ' || CAST(c.id AS TEXT) FROM notes c \
              LEFT JOIN payment_instructions p ON p.id = c.instruction_id WHERE p.id IS NULL \
              UNION ALL SELECT 'message ' || CAST(c.id AS TEXT) FROM outbox_messages c \
              LEFT JOIN beneficiaries p ON p.id = c.beneficiary_id WHERE p.id IS NULL \
              UNION ALL SELECT 'event of a message ' || CAST(c.id AS TEXT) FROM outbox_events c \
              LEFT JOIN outbox_messages p ON p.id = c.message_id WHERE p.id IS NULL \
              UNION ALL SELECT 'payment instruction ' || CAST(c.instruction_id AS TEXT) || ' in a run' \
              FROM sync_run_items c LEFT JOIN payment_instructions p ON p.id = c.instruction_id WHERE p.id IS NULL",
    },
];

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    told: String,
}

/// How many rules there are.
pub const fn count() -> usize {
    RULES.len()
}

/// The rules that are broken, as the data stands at one moment, in one transaction that only reads. Blocks, for as long
/// as it takes to read the data through.
pub fn broken(store: &Store) -> Result<Vec<Broken>, StoreError> {
    store.read_blocking(broken_in)
}

/// The same as this transaction sees the data.
pub fn broken_in(db: &mut Db) -> Result<Vec<Broken>, StoreError> {
    let all = RULES.iter().map(|rule| rule.broken(db));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

impl Rule {
    fn broken(&self, db: &mut Db) -> Result<Option<Broken>, StoreError> {
        let sql = format!("SELECT r.told FROM ({}) r LIMIT {}", self.sql, TOLD + 1);
        let rows: Vec<Told> = diesel::sql_query(sql).load(db)?;
        let has_more = rows.len() > TOLD;
        let told: Vec<String> = rows.into_iter().take(TOLD).map(|row| row.told).collect();
        Ok((!told.is_empty()).then_some(Broken { what: self.what, told, has_more }))
    }
}
