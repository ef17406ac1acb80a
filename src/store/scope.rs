//! Whose data a person may see. Every query that reads payment instructions for a page takes one.

use diesel::prelude::*;

use super::schema::tenants;
use super::{Db, StoreError};

/// A tenant, and what its people see: of a state (`od`) all of its towns, of a town (`od.jatni`)
/// only that town.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    tenant: String,
}

impl Scope {
    /// What a person of `tenant` sees.
    pub fn of(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned() }
    }

    /// The tenant itself.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Whether it is a whole state's.
    pub fn is_state(&self) -> bool {
        !self.tenant.contains('.')
    }

    /// Whether it is a state's, and `tenant` one of its towns.
    pub fn holds(&self, tenant: &str) -> bool {
        self.is_state() && tenant.contains('.') && state_of(tenant) == self.tenant
    }

    /// Whether what is of `tenant` is in it.
    pub fn covers(&self, tenant: &str) -> bool {
        tenant == self.tenant || self.holds(tenant)
    }

    /// That a row `p` is in this scope, as SQL in which `bind` is [`tenant`](Self::tenant).
    pub(super) fn condition(&self, bind: &str) -> String {
        self.condition_on("p", bind)
    }

    /// The same of another row than `p`.
    pub(super) fn condition_on(&self, row: &str, bind: &str) -> String {
        if self.is_state() {
            format!("{row}.tenant_id IN (SELECT id FROM tenants WHERE id = {bind} OR state = {bind})")
        } else {
            format!("{row}.tenant_id = {bind}")
        }
    }

    /// That a row `p` is in this scope, as SQL that no planner reads by: another condition, or the order, says which
    /// index is read. SQLite keeps no statistics, and takes what all rows of a state fulfil for the best to read by.
    pub(super) fn condition_beside(&self, bind: &str) -> String {
        if self.is_state() {
            format!("({}) IS TRUE", self.condition(bind))
        } else {
            format!("p.tenant_id || '' = {bind}")
        }
    }

    /// The ids of the tenants in this scope, as a sub-select.
    #[diesel::dsl::auto_type(no_type_alias)]
    pub(super) fn tenants(&self) -> _ {
        // No tenant has an empty state (a CHECK of the schema): of a town only the id matches.
        let state: String = if self.is_state() { self.tenant.clone() } else { String::new() };
        let tenant: String = self.tenant.clone();
        tenants::table.filter(tenants::id.eq(tenant).or(tenants::state.eq(state))).select(tenants::id)
    }
}

/// The towns in a scope, in alphabetical order.
pub fn towns(db: &mut Db, scope: &Scope) -> Result<Vec<String>, StoreError> {
    let known: Vec<String> = scope.tenants().order(tenants::id).load(db)?;
    Ok(known.into_iter().filter(|tenant| tenant != scope.tenant()).collect())
}

/// The state that a tenant belongs to: the part before the first dot.
pub fn state_of(tenant: &str) -> &str {
    tenant.split('.').next().unwrap_or(tenant)
}
