//! `mukta-ftps user`.

use std::io::{self, BufRead, IsTerminal};

use clap::{Args, Subcommand};
use mukta_ftps::access::{self, Role, password};
use mukta_ftps::clock::Clock;
use mukta_ftps::domain::date::ist_minute;
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings, SettingFault};
use mukta_ftps::store::Store;
use mukta_ftps::store::employees::{self, Employee};
use mukta_ftps::store::keeping::{self, Change, Keeper, Kept, NewEmployee, Refusal};

use super::operator::operator;
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
    /// List the employees: name, role, tenant, state (active, disabled, or dormant: disabled since nobody used the
    /// account for DORMANT_DAYS), last sign-in, second factor
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
            let name = access::new_employee_name(&name).map_err(refused)?;
            let password_hash = password::hash_new(&name, &read_password()?).map_err(refused)?;
            let told =
                format!("added {name}: {role} of {tenant}; the password is for the first sign-in only");
            let new = NewEmployee {
                name,
                role,
                tenant,
                password_hash,
                is_for_once: true,
                is_new_tenant: new_tenant,
            };
            let desk = open()?;
            add(&desk.store, desk.sealer, &new)?;
            say(&told)
        }
        What::Passwd { name } => {
            let desk = open()?;
            let name = desk.known(&name)?.name;
            let hash = password::hash_new(&name, &read_password()?).map_err(refused)?;
            desk.change(&name, &Change::Password(hash), |name| {
                format!(
                    "changed the password of {name}, for the next sign-in only; their sessions have ended"
                )
            })
        }
        What::Disable { name } => open()?
            .change(&name, &Change::Disable, |name| format!("disabled {name}; their sessions have ended")),
        What::Enable { name } => open()?.change(&name, &Change::Enable, |name| format!("enabled {name}")),
        What::Role { name, role } => {
            let role = role_of(&role, "ROLE")?;
            open()?.change(&name, &Change::Role(role), |name| {
                format!("{name} is {role} now; their sessions have ended")
            })
        }
        What::Tenant { name, tenant } => {
            let (desk, tenant) = (open()?, tenant_of(&tenant, "TENANT")?);
            desk.change(&name, &Change::Tenant(tenant.clone()), |name| {
                format!("{name} is of {tenant} now; their sessions have ended")
            })?;
            if !desk.store.read_blocking(|db| keeping::has_instructions(db, &tenant))? {
                tell(&format!("note: no payment instruction here lies in {tenant}"))?;
            }
            Ok(())
        }
        What::ResetSecondFactor { name } => open()?.change(&name, &Change::ResetSecondFactor, |name| {
            format!("{name} has no second factor any more; their sessions have ended")
        }),
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

/// Adds an employee, and notes it in the audit trail.
pub(super) fn add(store: &Store, sealer: Option<&Sealer>, new: &NewEmployee) -> Result<(), CommandError> {
    let (keeper, now) = (Keeper::Operator(operator()), Clock::system().now().naive_utc());
    let added = store.write_blocking(|db| keeping::add(db, sealer, &keeper, new, now))?;
    added.map(drop).map_err(|refusal| not_done(refusal, &new.name, &new.tenant))
}

/// Why something was not done about an employee.
fn not_done(refusal: Refusal, name: &str, tenant: &str) -> CommandError {
    CommandError::Refused(match refusal {
        Refusal::Unknown => format!("there is no user {name}: see `mukta-ftps user list`"),
        Refusal::NameTaken => format!("there is a user {name} already"),
        Refusal::TenantUnknown => format!(
            "no payment instruction here lies in {tenant}: check the tenant, or say --new-tenant if it is right"
        ),
        Refusal::Oneself | Refusal::NoKeeper | Refusal::TenantOutside => {
            format!("{name} cannot be changed by you")
        }
    })
}

/// Where what is done about employees is written.
struct Desk<'a> {
    store: Store,
    sealer: Option<&'a Sealer>,
}

impl Desk<'_> {
    fn known(&self, typed: &str) -> Result<Employee, CommandError> {
        let name = access::employee_name(typed).map_err(refused)?;
        let known = self.store.read_blocking(|db| employees::by_name(db, &name))?;
        known.ok_or_else(|| not_done(Refusal::Unknown, &name, ""))
    }

    /// Changes an employee, and says what is so now.
    fn change(
        &self,
        typed: &str,
        change: &Change,
        told: impl Fn(&str) -> String,
    ) -> Result<(), CommandError> {
        let name = access::employee_name(typed).map_err(refused)?;
        let (keeper, now) = (Keeper::Operator(operator()), Clock::system().now().naive_utc());
        let kept =
            self.store.write_blocking(|db| keeping::change(db, self.sealer, &keeper, &name, change, now))?;
        match kept {
            Kept::Done(_) => say(&told(&name)),
            Kept::Already(_) => say(&format!("{name} is so already: nothing was changed")),
            Kept::Refused(refusal) => Err(not_done(refusal, &name, "")),
        }
    }
}

fn list(store: &Store) -> Result<(), CommandError> {
    for one in store.read_blocking(employees::all)? {
        let state = match (one.is_disabled, one.is_dormant) {
            (false, _) => "active",
            (true, false) => "disabled",
            // For want of use (DORMANT_DAYS).
            (true, true) => "dormant",
        };
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
