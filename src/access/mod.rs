//! Who may do what: roles, passwords and second factors.

mod guessable;
pub mod guessing;
pub mod password;
pub mod second_factor;

use crate::domain::words::words;

words! {
    /// What an employee may do (CONTRACT.md, Pages).
    Role {
        /// Sees.
        Viewer = "viewer",
        /// Also refreshes and sends messages again.
        Accountant = "accountant",
        /// Also sees the audit trail and full payloads.
        Admin = "admin",
        /// Sees the audit trail and the runs, and no payment instruction.
        Auditor = "auditor",
    }
}

/// Something that not everybody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// See payment instructions, and whatever is about them.
    SeePayments,
    /// Have FTPS called about a payment instruction.
    Refresh,
    /// Have messages sent again, or settle them.
    Resend,
    /// Write notes on a payment instruction.
    Note,
    /// Have a payment instruction fetched from MUKTASoft.
    Fetch,
    /// See the audit trail.
    SeeAudit,
    /// Open a call's payload in full.
    OpenPayload,
    /// Start a sync, of those who see the whole state.
    StartSync,
    /// Keep the employees of their own tenant.
    KeepEmployees,
}

impl Role {
    /// Whether the role carries that right.
    pub const fn may(self, right: Right) -> bool {
        match right {
            Right::Refresh | Right::Resend | Right::Note | Right::Fetch => {
                matches!(self, Self::Accountant | Self::Admin)
            }
            Right::SeePayments => !matches!(self, Self::Auditor),
            Right::SeeAudit => matches!(self, Self::Admin | Self::Auditor),
            Right::OpenPayload | Right::StartSync | Right::KeepEmployees => matches!(self, Self::Admin),
        }
    }
}

/// Why a name cannot be an employee's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a user's name is 2 to 64 letters, digits, dots, hyphens, underscores or @, without blanks")]
pub struct NameFault;

/// A name as it is stored: without blanks around it, in lower case.
pub fn employee_name(typed: &str) -> Result<String, NameFault> {
    let name = typed.trim().to_lowercase();
    let fits = (2..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || ".-_@".contains(c));
    fits.then_some(name).ok_or(NameFault)
}

/// A name with so many digits may be somebody's account or mobile number, and would stand in the audit trail.
const MOST_DIGITS: usize = 9;

/// Why a name cannot be a new employee's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "a new user's name is 2 to 64 of the letters a to z, digits (eight at most), dots, hyphens, underscores or @, \
     without blanks, and begins with a letter or digit; names of the program itself, such as system, are taken"
)]
pub struct NewNameFault;

/// A new employee's name as it is stored. Letters that look like others are not taken any more; who was added with
/// them before goes on signing in.
pub fn new_employee_name(typed: &str) -> Result<String, NewNameFault> {
    let is_the_programs = |name: &str| {
        name.starts_with("operator") || ["system", "command", "unknown-name", "not-signed-in"].contains(&name)
    };
    let digits = |name: &str| name.chars().filter(char::is_ascii_digit).count();
    let fits = |name: &String| {
        name.is_ascii()
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && !is_the_programs(name)
            && digits(name) < MOST_DIGITS
    };
    employee_name(typed).ok().filter(fits).ok_or(NewNameFault)
}

/// Why a text cannot be a tenant.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a tenant is a state such as `od`, or a town of one such as `od.jatni`")]
pub struct TenantFault;

/// A tenant's id as written, checked.
pub fn tenant(typed: &str) -> Result<String, TenantFault> {
    let part =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    (typed.len() <= 128 && typed.split('.').all(part)).then(|| typed.to_owned()).ok_or(TenantFault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_only_sees_and_an_accountant_also_refreshes() {
        assert!(!Role::Viewer.may(Right::Refresh) && !Role::Viewer.may(Right::Resend));
        assert!(Role::Accountant.may(Right::Refresh) && Role::Accountant.may(Right::Resend));
        assert!(!Role::Viewer.may(Right::Fetch) && Role::Accountant.may(Right::Fetch));
        for right in [Right::SeeAudit, Right::OpenPayload, Right::StartSync, Right::KeepEmployees] {
            assert!(!Role::Viewer.may(right) && !Role::Accountant.may(right) && Role::Admin.may(right));
        }
        assert!(Role::Admin.may(Right::Refresh) && Role::Admin.may(Right::Resend));
    }

    #[test]
    fn an_auditor_sees_the_trail_and_no_payment_instruction() {
        for right in [
            Right::SeePayments,
            Right::Refresh,
            Right::Resend,
            Right::Note,
            Right::Fetch,
            Right::OpenPayload,
            Right::StartSync,
            Right::KeepEmployees,
        ] {
            assert!(!Role::Auditor.may(right), "{right:?}");
        }
        assert!(Role::Auditor.may(Right::SeeAudit));
        assert!(
            [Role::Viewer, Role::Accountant, Role::Admin].iter().all(|role| role.may(Right::SeePayments))
        );
    }

    #[test]
    fn names_are_folded_and_checked() {
        assert_eq!(employee_name(" Asha.Das ").as_deref(), Ok("asha.das"));
        for bad in ["", "a", "a b", "a\0b", "<script>", &"x".repeat(65)] {
            assert_eq!(employee_name(bad), Err(NameFault), "{bad:?}");
        }
    }

    #[test]
    fn a_new_name_is_like_no_other_and_is_nobodys_number() {
        assert_eq!(new_employee_name(" Asha.Das ").as_deref(), Ok("asha.das"));
        for bad in ["аsha", "ଆଶା", "asha\u{200b}", "ａsha", "a", "system", "Operator", "..", "9437-012-345"]
        {
            assert_eq!(new_employee_name(bad), Err(NewNameFault), "{bad:?}");
        }
        assert!(employee_name("ଆଶ").is_ok(), "who was added before goes on signing in");
    }

    #[test]
    fn tenants_are_a_state_or_a_town_of_one() {
        assert!(tenant("od").is_ok() && tenant("od.jatni").is_ok());
        for bad in ["", ".", "od.", "od..x", "od jatni", "od/%"] {
            assert_eq!(tenant(bad), Err(TenantFault), "{bad:?}");
        }
    }
}
