//! What a file of the list tells of a row beyond the list: payment advice, and the facts that a revised PI
//! leaves to its original (DOMAIN.md §8).

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::Listed;
use crate::domain::record::folded;
use crate::domain::text::filled;
use crate::store::connection::{lower, on_either};
use crate::store::instructions::{InstructionId, PaymentAdvice, PaymentInstruction};
use crate::store::schema::{payment_advices, payment_instructions as pi};
use crate::store::{Db, StoreError};

/// Parents are followed so far.
const LONGEST_LINE: usize = 50;

/// A row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Exported {
    /// The row of the list.
    pub listed: Listed,
    /// Its payment advice, in its order.
    pub advices: Vec<PaymentAdvice>,
    /// Its head of account, or the original's.
    pub head_of_account: Option<String>,
    /// Its master allotment ID, or the original's.
    pub master_allotment_id: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = pi)]
struct Ancestor {
    number: String,
    tenant_id: String,
    parent_number: Option<String>,
    head_of_account: Option<String>,
    master_allotment_id: Option<String>,
}

type Ancestors = HashMap<(String, String), Ancestor>;

/// The same rows with what a file tells of them.
pub(super) fn exported(db: &mut Db, rows: Vec<Listed>) -> Result<Vec<Exported>, StoreError> {
    let mut advices = advices(db, &rows)?;
    let ancestors = ancestors(db, &rows)?;
    let exported = |listed: Listed| {
        let row = &listed.instruction;
        let original = original(row, &ancestors);
        let of_original = |fact: fn(&Ancestor) -> &Option<String>| original.and_then(|one| fact(one).clone());
        let told = |fact: &Option<String>| filled(fact.as_deref()).map(str::to_owned);
        Exported {
            advices: advices.remove(&row.id).unwrap_or_default(),
            head_of_account: told(&row.head_of_account).or_else(|| of_original(|one| &one.head_of_account)),
            master_allotment_id: told(&row.master_allotment_id)
                .or_else(|| of_original(|one| &one.master_allotment_id)),
            listed,
        }
    };
    Ok(rows.into_iter().map(exported).collect())
}

fn advices(db: &mut Db, rows: &[Listed]) -> Result<HashMap<InstructionId, Vec<PaymentAdvice>>, StoreError> {
    let ids: Vec<InstructionId> = rows.iter().map(|row| row.instruction.id).collect();
    let advices: Vec<PaymentAdvice> = on_either!(db, db => payment_advices::table
        .filter(payment_advices::instruction_id.eq_any(&ids))
        .order((payment_advices::instruction_id, payment_advices::position))
        .select(PaymentAdvice::as_select())
        .load(db)?);
    let mut by_instruction: HashMap<InstructionId, Vec<PaymentAdvice>> = HashMap::new();
    for advice in advices {
        by_instruction.entry(advice.instruction_id).or_default().push(advice);
    }
    Ok(by_instruction)
}

/// The parents of those that leave facts to them, and theirs, generation by generation.
fn ancestors(db: &mut Db, rows: &[Listed]) -> Result<Ancestors, StoreError> {
    let lacks = |row: &&PaymentInstruction| {
        filled(row.head_of_account.as_deref()).is_none()
            || filled(row.master_allotment_id.as_deref()).is_none()
    };
    let mut wanted: HashSet<String> = rows
        .iter()
        .map(|row| &row.instruction)
        .filter(lacks)
        .filter_map(|row| row.parent_number.as_deref().map(folded))
        .collect();
    let mut found = Ancestors::new();
    for _ in 0..LONGEST_LINE {
        if wanted.is_empty() {
            break;
        }
        let numbers: Vec<String> = wanted.drain().collect();
        let parents: Vec<Ancestor> = on_either!(db, db => pi::table
            .filter(lower(pi::number).eq_any(&numbers))
            .select(Ancestor::as_select())
            .load(db)?);
        for parent in parents {
            let further = parent.parent_number.as_deref().map(folded);
            let key = (parent.tenant_id.clone(), folded(&parent.number));
            let further = further.map(|number| (parent.tenant_id.clone(), number));
            found.insert(key, parent);
            wanted.extend(further.filter(|key| !found.contains_key(key)).map(|(_, number)| number));
        }
    }
    Ok(found)
}

/// The first original of a revised PI, as far as its parents are known.
fn original<'a>(row: &PaymentInstruction, ancestors: &'a Ancestors) -> Option<&'a Ancestor> {
    let mut parent = row.parent_number.as_deref().map(folded);
    for _ in 0..LONGEST_LINE {
        let ancestor = ancestors.get(&(row.tenant_id.clone(), parent?))?;
        if ancestor.parent_number.is_none() {
            return Some(ancestor);
        }
        parent = ancestor.parent_number.as_deref().map(folded);
    }
    None
}
