//! `mukta-ftps user`.

use std::io::{self, BufRead, IsTerminal};

use clap::{Args, Subcommand};
use mukta_ftps::access::{self, Role, password};
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::date::ist_minute;
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings, SettingFault};
use mukta_ftps::store::audit::{self, Action};
use mukta_ftps::store::employees::{self, Employee};
use mukta_ftps::store::scope::Scope;
use mukta_ftps::store::{Db, Store, StoreError, instructions, second_factors};

use super::operator::event;
use super::{CommandError, OrSay, say, tell};

/// What to do about employees.
#[derive(Args)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    database: DatabaseSettings,
    #[command(flatten)]
    data_key: DataKeySettings,
}

#[derive(Subcommand)]
enum What {
    /// Create an employee; the password, for the first sign-in only, is read from standard input or asked for
    Add {
        /// The name to sign in with
        name: String,
        /// viewer, accountant, admin or auditor
        #[arg(long)]
        role: String,
        /// Whose data they see: a state such as `od`, or a town such as `od.jatni`
        #[arg(long)]
        tenant: String,
        /// The tenant is right, though the database holds no payment instruction of it yet
        #[arg(long)]
        new_tenant: bool,
    },
    /// List the employees: name, role, tenant, state, last sign-in, second factor
    List,
    /// Set a password for the next sign-in only, from standard input or asked for; ends their sessions
    Passwd {
        /// The employee's name
        name: String,
    },
    /// Shut an employee out at once
    Disable {
        /// The employee's name
        name: String,
    },
    /// Let an employee in again
    Enable {
        /// The employee's name
        name: String,
    },
    /// Change what an employee may do; ends their sessions
    Role {
        /// The employee's name
        name: String,
        /// viewer, accountant, admin or auditor
        role: String,
    },
    /// Change whose data an employee sees; ends their sessions
    Tenant {
        /// The employee's name
        name: String,
        /// A state such as `od`, or a town such as `od.jatni`
        tenant: String,
    },
    /// Take an employee's second factor away that was lost, with its recovery codes; ends their sessions
    ResetSecondFactor {
        /// The employee's name
        name: String,
    },
}

pub(crate) fn run(args: UserArgs) -> Result<(), CommandError> {
    let url = args.database.validated()?;
    // With the key at hand, what is done is linked into the audit trail.
    let sealer = args.data_key.at_hand()?;
    let open = || Store::open(&url).map(|store| Desk { store, sealer: sealer.as_ref() });
    match args.what {
        What::List => Store::open_as_it_is(&url)?.as_ref().map_or(Ok(()), list),
        What::Add { name, role, tenant, new_tenant } => {
            let (role, tenant) = (role_of(&role, "--role")?, tenant_of(&tenant, "--tenant")?);
            let name = access::employee_name(&name).map_err(refused)?;
            let hash = password::hash_new(&name, &read_password()?).map_err(refused)?;
            let desk = open()?;
            if !new_tenant && !desk.store.read_blocking(|db| is_known(db, &tenant))? {
                return Err(CommandError::Refused(format!(
                    "no payment instruction here lies in {tenant}: check the tenant, or say --new-tenant if it is right"
                )));
            }
            add(&desk.store, desk.sealer, &name, role, &tenant, Password::ForOnce(&hash))?;
            say(&format!("added {name}: {role} of {tenant}; the password is for the first sign-in only"))
        }
        What::Passwd { name } => {
            let desk = open()?;
            let name = desk.known(&name)?.name;
            let hash = password::hash_new(&name, &read_password()?).map_err(refused)?;
            desk.change(&name, Action::PasswordChanged, |db, employee| {
                employees::set_password(db, employee.id, &hash, None, Clock::system().now().naive_utc())?;
                employees::password_is_for_once(db, &employee.name)?;
                Ok(None)
            })?;
            say(&format!(
                "changed the password of {name}, for the next sign-in only; their sessions have ended"
            ))
        }
        What::Disable { name } => {
            let name = open()?.change(&name, Action::UserDisabled, |db, employee| {
                employees::disable(db, employee.id)?;
                Ok(None)
            })?;
            say(&format!("disabled {name}; their sessions have ended"))
        }
        What::Enable { name } => {
            let name = open()?.change(&name, Action::UserEnabled, |db, employee| {
                employees::enable(db, employee.id)?;
                Ok(None)
            })?;
            say(&format!("enabled {name}"))
        }
        What::Role { name, role } => {
            let role = role_of(&role, "ROLE")?;
            let name = open()?.change(&name, Action::RoleChanged, |db, employee| {
                employees::set_role(db, employee.id, role)?;
                Ok(Some(format!("{}, now {role}", employee.role)))
            })?;
            say(&format!("{name} is {role} now; their sessions have ended"))
        }
        What::Tenant { name, tenant } => {
            let (desk, tenant) = (open()?, tenant_of(&tenant, "TENANT")?);
            let name = desk.change(&name, Action::TenantChanged, |db, employee| {
                employees::set_tenant(db, employee.id, &tenant)?;
                Ok(Some(format!("{}, now {tenant}", employee.tenant_id)))
            })?;
            if !desk.store.read_blocking(|db| is_known(db, &tenant))? {
                tell(&format!("note: no payment instruction here lies in {tenant}"))?;
            }
            say(&format!("{name} is of {tenant} now; their sessions have ended"))
        }
        What::ResetSecondFactor { name } => {
            let name = open()?.change(&name, Action::SecondFactorReset, |db, employee| {
                second_factors::remove(db, employee.id)?;
                Ok(None)
            })?;
            say(&format!("{name} has no second factor any more; their sessions have ended"))
        }
    }
}

fn refused(fault: impl std::fmt::Display) -> CommandError {
    CommandError::Refused(fault.to_string())
}

fn role_of(typed: &str, argument: &'static str) -> Result<Role, SettingFault> {
    typed.parse().map_err(|_| SettingFault::new(argument, "must be viewer, accountant, admin or auditor"))
}

fn tenant_of(typed: &str, argument: &'static str) -> Result<String, SettingFault> {
    access::tenant(typed).map_err(|fault| SettingFault::new(argument, fault.to_string()))
}

/// Whether the tenant may be meant: some payment instruction lies in it, or there is none at all yet.
fn is_known(db: &mut Db, tenant: &str) -> Result<bool, StoreError> {
    Ok(instructions::any_in(db, &Scope::of(tenant))? || !instructions::any(db)?)
}

/// A password, hashed.
#[derive(Clone, Copy)]
pub(super) enum Password<'a> {
    /// For the first sign-in only.
    ForOnce(&'a str),
    /// For good: the demo's.
    ForGood(&'a str),
}

/// Adds an employee, and notes it in the audit trail.
pub(super) fn add(
    store: &Store,
    sealer: Option<&Sealer>,
    name: &str,
    role: Role,
    tenant: &str,
    password: Password<'_>,
) -> Result<(), CommandError> {
    let now = Clock::system().now().naive_utc();
    let (Password::ForOnce(hash) | Password::ForGood(hash)) = password;
    let added = store.write_blocking(|db| {
        let added = employees::add(db, name, role, tenant, hash, now)?;
        if added {
            if matches!(password, Password::ForOnce(_)) {
                employees::password_is_for_once(db, name)?;
            }
            audit::append(db, sealer, &event(Action::UserAdded, Some(tenant), format!("{name}: {role}")))?;
        }
        Ok::<_, StoreError>(added)
    })?;
    if added { Ok(()) } else { Err(CommandError::Refused(format!("there is a user {name} already"))) }
}

/// Where what is done about employees is written.
struct Desk<'a> {
    store: Store,
    sealer: Option<&'a Sealer>,
}

impl Desk<'_> {
    fn known(&self, typed: &str) -> Result<Employee, CommandError> {
        let name = access::employee_name(typed).map_err(refused)?;
        self.store.read_blocking(|db| employees::by_name(db, &name))?.ok_or_else(|| unknown(&name))
    }

    /// Changes an employee, and notes it in the audit trail with what the change says of itself; their name.
    fn change(
        &self,
        typed: &str,
        action: Action,
        change: impl Fn(&mut Db, &Employee) -> Result<Option<String>, StoreError>,
    ) -> Result<String, CommandError> {
        let name = access::employee_name(typed).map_err(refused)?;
        let changed = self.store.write_blocking(|db| {
            let Some(employee) = employees::locked(db, &name)? else { return Ok(false) };
            let subject = match change(db, &employee)? {
                Some(what) => format!("{name}: {what}"),
                None => name.clone(),
            };
            audit::append(db, self.sealer, &event(action, Some(&employee.tenant_id), subject))?;
            Ok::<_, StoreError>(true)
        })?;
        if changed { Ok(name) } else { Err(unknown(&name)) }
    }
}

fn unknown(name: &str) -> CommandError {
    CommandError::Refused(format!("there is no user {name}: see `mukta-ftps user list`"))
}

fn list(store: &Store) -> Result<(), CommandError> {
    for one in store.read_blocking(employees::all)? {
        let state = if one.is_disabled { "disabled" } else { "active" };
        let signed_in = one
            .last_sign_in_at
            .map_or_else(|| "never signed in".to_owned(), |at| format!("{} IST", ist_minute(at.and_utc())));
        let factor = if one.second_factor_at.is_some() { "second factor" } else { "no second factor" };
        say(&format!(
            "{:<24} {:<12} {:<20} {state:<10} {signed_in:<20} {factor}",
            one.name, one.role, one.tenant_id
        ))?;
    }
    Ok(())
}

/// The password from a prompt on a terminal, else the first line of standard input.
fn read_password() -> Result<String, CommandError> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password("Password: ").or_say("the password could not be read");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).or_say("the password could not be read from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
