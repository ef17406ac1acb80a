//! What is done about employees, by an administrator on the pages or by a command on the machine: who may do it, what
//! the audit trail is told, and whose sessions end. Rows are locked before they are judged, so that of two
//! administrators who disable each other at once, one is refused.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::audit::{self, Action, NewEvent};
use super::employees::{self, Employee};
use super::schema::tenants;
use super::scope::Scope;
use super::{Db, StoreError, instructions, second_factors};
use crate::access::{Right, Role};
use crate::sealing::Sealer;

/// Who does something about employees.
#[derive(Debug, Clone)]
pub enum Keeper {
    /// Whoever runs a command on the machine, as the audit trail names them: they may do everything.
    Operator(String),
    /// An administrator on the pages: of the employees of their own tenant, and never of themselves.
    Administrator {
        /// The name they signed in with.
        name: String,
        /// Where from.
        address: String,
    },
}

/// Why something is not done about an employee.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is nobody of that name, or not in the administrator's tenant.
    Unknown,
    /// It is the administrator themselves.
    Oneself,
    /// Whoever asks for it keeps no employees, or does so no more.
    NoKeeper,
    /// The tenant lies outside the administrator's.
    TenantOutside,
    /// No payment instruction lies in that tenant.
    TenantUnknown,
    /// Somebody has that name.
    NameTaken,
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum Kept {
    /// It is done; the employee as they were before.
    Done(Employee),
    /// They were so already; nothing was written.
    Already(Employee),
    /// It is not done.
    Refused(Refusal),
}

/// What may be changed of an employee.
#[derive(Debug, Clone)]
pub enum Change {
    /// Shut them out; ends their sessions.
    Disable,
    /// Let them in again.
    Enable,
    /// What they may do; ends their sessions.
    Role(Role),
    /// Whose data they see; ends their sessions.
    Tenant(String),
    /// A password for the next sign-in only, hashed; ends their sessions.
    Password(String),
    /// Take their second factor away, which they lost; ends their sessions.
    ResetSecondFactor,
}

/// An employee to be added.
#[derive(Debug, Clone)]
pub struct NewEmployee {
    /// The name to sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whose data they see.
    pub tenant: String,
    /// Their password, hashed.
    pub password_hash: String,
    /// Whether it is for the first sign-in only.
    pub is_for_once: bool,
    /// Whether the tenant is right though nothing here knows it.
    pub is_new_tenant: bool,
}

impl Keeper {
    fn names_with<'a>(&'a self, name: &'a str) -> Vec<&'a str> {
        match self {
            Self::Operator(_) => vec![name],
            Self::Administrator { name: own, .. } => vec![own, name],
        }
    }

    /// Whose employees they keep, as it stands now: `None` is everybody's.
    fn reach(&self, db: &mut Db) -> Result<Result<Option<Scope>, Refusal>, StoreError> {
        let Self::Administrator { name, .. } = self else { return Ok(Ok(None)) };
        let own = employees::by_name(db, name)?;
        let own = own.filter(|own| !own.is_disabled && own.role.may(Right::KeepEmployees));
        Ok(own.map(|own| Some(Scope::of(&own.tenant_id))).ok_or(Refusal::NoKeeper))
    }

    fn event(
        &self,
        reach: Option<Scope>,
        tenant: &str,
        action: Action,
        subject: String,
        at: NaiveDateTime,
    ) -> NewEvent {
        let (actor, address) = match self {
            Self::Operator(told) => (told.clone(), None),
            Self::Administrator { name, address } => (name.clone(), Some(address.clone())),
        };
        // A command's is told to the administrators of whom it is about.
        let tenant = reach.map_or_else(|| tenant.to_owned(), |own| own.tenant().to_owned());
        NewEvent { at, actor, tenant: Some(tenant), address, action, subject: Some(subject) }
    }
}

impl Change {
    /// Makes it, and says what the audit trail is told; nothing where it is so already.
    fn make(
        &self,
        db: &mut Db,
        one: &Employee,
        now: NaiveDateTime,
    ) -> Result<Option<(Action, String)>, StoreError> {
        let name = &one.name;
        Ok(Some(match self {
            Self::Disable if one.is_disabled => return Ok(None),
            Self::Enable if !one.is_disabled => return Ok(None),
            Self::Role(role) if one.role == *role => return Ok(None),
            Self::Tenant(tenant) if one.tenant_id == *tenant => return Ok(None),
            Self::ResetSecondFactor if one.second_factor_at.is_none() => return Ok(None),
            Self::Disable => {
                employees::disable(db, one.id)?;
                (Action::UserDisabled, name.clone())
            }
            Self::Enable => {
                employees::enable(db, one.id, now)?;
                (Action::UserEnabled, name.clone())
            }
            Self::Role(role) => {
                employees::set_role(db, one.id, *role)?;
                (Action::RoleChanged, format!("{name}: {}, now {role}", one.role))
            }
            Self::Tenant(tenant) => {
                employees::set_tenant(db, one.id, tenant)?;
                (Action::TenantChanged, format!("{name}: {}, now {tenant}", one.tenant_id))
            }
            Self::ResetSecondFactor => {
                second_factors::remove(db, one.id)?;
                (Action::SecondFactorReset, name.clone())
            }
            Self::Password(hash) => {
                employees::set_password(db, one.id, hash, None, now)?;
                employees::password_is_for_once(db, name)?;
                (Action::PasswordChanged, name.clone())
            }
        }))
    }
}

/// Changes an employee.
pub fn change(
    db: &mut Db,
    sealer: Option<&Sealer>,
    keeper: &Keeper,
    name: &str,
    change: &Change,
    now: NaiveDateTime,
) -> Result<Kept, StoreError> {
    employees::lock(db, &keeper.names_with(name))?;
    let reach = match keeper.reach(db)? {
        Ok(reach) => reach,
        Err(refusal) => return Ok(Kept::Refused(refusal)),
    };
    let found = employees::by_name(db, name)?
        .filter(|one| reach.as_ref().is_none_or(|reach| reach.covers(&one.tenant_id)));
    let Some(one) = found else { return Ok(Kept::Refused(Refusal::Unknown)) };
    if matches!(keeper, Keeper::Administrator { name, .. } if *name == one.name) {
        return Ok(Kept::Refused(Refusal::Oneself));
    }
    if let (Some(reach), Change::Tenant(tenant)) = (&reach, change)
        && !reach.covers(tenant)
    {
        return Ok(Kept::Refused(Refusal::TenantOutside));
    }
    let Some((action, subject)) = change.make(db, &one, now)? else { return Ok(Kept::Already(one)) };
    audit::append(db, sealer, &keeper.event(reach, &one.tenant_id, action, subject, now))?;
    Ok(Kept::Done(one))
}

/// Adds an employee: their row, or why not.
pub fn add(
    db: &mut Db,
    sealer: Option<&Sealer>,
    keeper: &Keeper,
    new: &NewEmployee,
    now: NaiveDateTime,
) -> Result<Result<i64, Refusal>, StoreError> {
    let NewEmployee { name, role, tenant, .. } = new;
    employees::lock(db, &keeper.names_with(name))?;
    let reach = match keeper.reach(db)? {
        Ok(reach) => reach,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if reach.as_ref().is_some_and(|reach| !reach.covers(tenant)) {
        return Ok(Err(Refusal::TenantOutside));
    }
    // A page offers the tenants of the database, whatever brought them here; a command's is typed.
    let is_known =
        new.is_new_tenant || has_instructions(db, tenant)? || (reach.is_some() && is_here(db, tenant)?);
    if !is_known {
        return Ok(Err(Refusal::TenantUnknown));
    }
    if !employees::add(db, name, *role, tenant, &new.password_hash, now)? {
        return Ok(Err(Refusal::NameTaken));
    }
    if new.is_for_once {
        employees::password_is_for_once(db, name)?;
    }
    let subject = format!("{name}: {role}");
    audit::append(db, sealer, &keeper.event(reach, tenant, Action::UserAdded, subject, now))?;
    let added = employees::by_name(db, name)?.ok_or(diesel::result::Error::NotFound)?;
    Ok(Ok(added.id))
}

/// Whether the tenant may be meant: some payment instruction lies in it, or there is none at all yet.
pub fn has_instructions(db: &mut Db, tenant: &str) -> Result<bool, StoreError> {
    Ok(instructions::any_in(db, &Scope::of(tenant))? || !instructions::any(db)?)
}

fn is_here(db: &mut Db, tenant: &str) -> Result<bool, StoreError> {
    let known: i64 = tenants::table.filter(tenants::id.eq(tenant)).count().get_result(db)?;
    Ok(known > 0)
}
