//! Accounts that nobody has used for long (`DORMANT_DAYS`): they are disabled, at the next try to sign in or by the
//! daily look. The last active administrator of a whole state stays: somebody has to let the others in again.

use std::collections::BTreeMap;

use chrono::{NaiveDateTime, TimeDelta};

use super::audit::{self, Action, NewEvent};
use super::employees::{self, Employee};
use super::scope::Scope;
use super::{Db, StoreError};
use crate::access::Role;
use crate::sealing::Sealer;

/// Who did it, as the audit trail names them.
const ACTOR: &str = "system";

/// Whom a look at the accounts was about.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Those who are disabled since.
    pub disabled: Vec<String>,
    /// Those who are not, each being the last active administrator of a state.
    pub spared: Vec<String>,
}

/// Whether an account has not been used for so long.
pub fn is_due(one: &Employee, after: TimeDelta, now: NaiveDateTime) -> bool {
    !one.is_disabled && now - one.last_use() >= after
}

fn keeps_a_state(one: &Employee) -> bool {
    one.role == Role::Admin && Scope::of(&one.tenant_id).is_state()
}

/// Disables the accounts that have not been used for so long; of one employee alone, if a name is given.
pub fn disable(
    db: &mut Db,
    sealer: &Sealer,
    only: Option<&str>,
    after: TimeDelta,
    now: NaiveDateTime,
) -> Result<Looked, StoreError> {
    let is_meant = |one: &Employee| is_due(one, after, now) && only.is_none_or(|only| one.name == only);
    let all = employees::all(db)?;
    if !all.iter().any(is_meant) {
        return Ok(Looked::default());
    }
    // Whoever is the last is judged with the others held.
    let held: Vec<&str> = all
        .iter()
        .filter(|one| is_meant(one) || (!one.is_disabled && keeps_a_state(one)))
        .map(|one| one.name.as_str())
        .collect();
    employees::lock(db, &held)?;
    let mut active = employees::all(db)?;
    active.retain(|one| !one.is_disabled && held.contains(&one.name.as_str()));
    let mut keepers: BTreeMap<String, usize> = BTreeMap::new();
    for one in active.iter().filter(|one| keeps_a_state(one)) {
        *keepers.entry(one.tenant_id.clone()).or_default() += 1;
    }
    let mut due: Vec<Employee> = active.into_iter().filter(is_meant).collect();
    due.sort_by_key(Employee::last_use);
    let mut looked = Looked::default();
    for one in due {
        if keeps_a_state(&one) {
            let left = keepers.entry(one.tenant_id.clone()).or_default();
            if *left <= 1 {
                looked.spared.push(one.name);
                continue;
            }
            *left -= 1;
        }
        employees::put_to_sleep(db, one.id)?;
        audit::append(db, Some(sealer), &event(&one, now))?;
        looked.disabled.push(one.name);
    }
    Ok(looked)
}

fn event(one: &Employee, now: NaiveDateTime) -> NewEvent {
    NewEvent {
        at: now,
        actor: ACTOR.to_owned(),
        tenant: Some(one.tenant_id.clone()),
        address: None,
        action: Action::UserDisabled,
        subject: Some(one.name.clone()),
    }
}

impl Looked {
    /// Tells the log.
    pub fn log(&self, after: TimeDelta) {
        let days = after.num_days();
        for name in &self.disabled {
            log::info!(
                "{name} has been disabled: nobody had used that account for {days} days (DORMANT_DAYS)"
            );
        }
        for name in &self.spared {
            log::warn!(
                "nobody has used the account {name} for {days} days, and it is not disabled (DORMANT_DAYS), since no \
                 other administrator of that state is left to let people in again"
            );
        }
    }
}
