//! `mukta-ftps user`.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::{Args, Subcommand};
use mukta_ftps::access::{self, Role, password};
use mukta_ftps::clock::Clock;
use mukta_ftps::sealing::Sealer;
use mukta_ftps::settings::{DataKeySettings, DatabaseSettings, SettingFault};
use mukta_ftps::store::audit::{self, Action, NewEvent};
use mukta_ftps::store::{Store, StoreError, employees};

use super::{CommandError, OrSay};

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
    /// Create an employee; the password is read from standard input or asked for
    Add {
        /// The name to sign in with
        name: String,
        /// viewer, accountant, admin or auditor
        #[arg(long)]
        role: String,
        /// Whose data they see: a state such as `od`, or a town such as `od.jatni`
        #[arg(long, default_value = "od")]
        tenant: String,
    },
    /// List the employees
    List,
    /// Set a new password, from standard input or asked for; ends their sessions
    Passwd {
        /// The employee's name
        name: String,
    },
    /// Shut an employee out at once
    Disable {
        /// The employee's name
        name: String,
    },
}

pub(crate) fn run(args: UserArgs) -> Result<(), CommandError> {
    let url = args.database.validated()?;
    // With the key at hand, what is done is linked into the audit trail.
    let sealer = args.data_key.at_hand()?;
    let sealer = sealer.as_ref();
    match args.what {
        What::Add { name, role, tenant } => {
            let role: Role = role
                .parse()
                .map_err(|_| SettingFault::new("--role", "must be viewer, accountant, admin or auditor"))?;
            let tenant =
                access::tenant(&tenant).map_err(|fault| SettingFault::new("--tenant", fault.to_string()))?;
            let name = access::employee_name(&name).map_err(refused)?;
            let hash = password::hash_new(&name, &read_password()?).map_err(refused)?;
            add(&Store::open(&url)?, sealer, &name, role, &tenant, &hash)?;
            say(&format!("added {name}: {role} of {tenant}"))
        }
        What::List => Store::open_as_it_is(&url)?.as_ref().map_or(Ok(()), list),
        What::Passwd { name } => {
            let store = Store::open(&url)?;
            let employee = known(&store, &name)?;
            let hash = password::hash_new(&employee.name, &read_password()?).map_err(refused)?;
            let now = Clock::system().now().naive_utc();
            store.write_blocking(|db| {
                employees::set_password(db, employee.id, &hash, None, now)?;
                audit::append(
                    db,
                    sealer,
                    &event(Action::PasswordChanged, &employee.name, &employee.tenant_id),
                )
            })?;
            say(&format!("changed the password of {}; their sessions have ended", employee.name))
        }
        What::Disable { name } => {
            let store = Store::open(&url)?;
            let employee = known(&store, &name)?;
            store.write_blocking(|db| {
                employees::disable(db, employee.id)?;
                audit::append(db, sealer, &event(Action::UserDisabled, &employee.name, &employee.tenant_id))
            })?;
            say(&format!("disabled {}; their sessions have ended", employee.name))
        }
    }
}

fn refused(fault: impl std::fmt::Display) -> CommandError {
    CommandError::Refused(fault.to_string())
}

/// Adds an employee, and notes it in the audit trail.
pub(super) fn add(
    store: &Store,
    sealer: Option<&Sealer>,
    name: &str,
    role: Role,
    tenant: &str,
    hash: &str,
) -> Result<(), CommandError> {
    let now = Clock::system().now().naive_utc();
    let added = store.write_blocking(|db| {
        let added = employees::add(db, name, role, tenant, hash, now)?;
        if added {
            audit::append(db, sealer, &event(Action::UserAdded, name, tenant))?;
        }
        Ok::<_, StoreError>(added)
    })?;
    if added { Ok(()) } else { Err(CommandError::Refused(format!("there is a user {name} already"))) }
}

fn event(action: Action, subject: &str, tenant: &str) -> NewEvent {
    NewEvent {
        at: Clock::system().now().naive_utc(),
        actor: "operator (command)".to_owned(),
        tenant: Some(tenant.to_owned()),
        address: None,
        action,
        subject: Some(subject.to_owned()),
    }
}

fn known(store: &Store, name: &str) -> Result<employees::Employee, CommandError> {
    let folded = access::employee_name(name).map_err(refused)?;
    store.read_blocking(|db| employees::by_name(db, &folded))?.ok_or_else(|| {
        CommandError::Refused(format!("there is no user {folded}: see `mukta-ftps user list`"))
    })
}

fn list(store: &Store) -> Result<(), CommandError> {
    for one in store.read_blocking(employees::all)? {
        let state = if one.is_disabled { "disabled" } else { "active" };
        say(&format!("{:<24} {:<12} {:<20} {state}", one.name, one.role, one.tenant_id))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), CommandError> {
    writeln!(io::stdout(), "{line}").or_say("standard output is closed")
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
