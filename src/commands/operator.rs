//! Who runs a command on the machine, as the audit trail names them.

use std::os::unix::fs::MetadataExt;

use mukta_ftps::clock::Clock;
use mukta_ftps::store::audit::{Action, NewEvent};

/// What the kernel says where nobody signed in to the machine.
const NOBODY: u32 = u32::MAX;

/// What the operator does by a command, for the audit trail.
pub(crate) fn event(action: Action, tenant: Option<&str>, subject: String) -> NewEvent {
    NewEvent {
        at: Clock::system().now().naive_utc(),
        actor: operator(),
        tenant: tenant.map(str::to_owned),
        address: None,
        action,
        subject: Some(subject),
    }
}

/// The operator, with the names that the system has for them: of the user of this process, and of who signed in to
/// the machine, where that is another.
pub(crate) fn operator() -> String {
    let user = std::fs::metadata("/proc/self").ok().map(|about| about.uid());
    let signed_in = std::fs::read_to_string("/proc/self/loginuid")
        .ok()
        .and_then(|id| id.trim().parse::<u32>().ok())
        .filter(|id| *id != NOBODY);
    told(user, signed_in, &users())
}

/// Whose a file is, by the name that the system has for them.
pub(crate) fn owner_of(path: &str) -> String {
    std::fs::metadata(path).map_or_else(|_| "somebody".to_owned(), |about| name(about.uid(), &users()))
}

/// The system's list of users; without one they are told by their numbers.
fn users() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_default()
}

fn told(user: Option<u32>, signed_in: Option<u32>, users: &str) -> String {
    match (user, signed_in.filter(|id| Some(*id) != user)) {
        (Some(user), Some(other)) => {
            format!("operator (command, {} for {})", name(user, users), name(other, users))
        }
        (Some(id), None) | (None, Some(id)) => format!("operator (command, {})", name(id, users)),
        (None, None) => "operator (command)".to_owned(),
    }
}

/// The name of a user's number, by the lines of `/etc/passwd`; the number where they have none.
fn name(id: u32, users: &str) -> String {
    let named = users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    });
    named.unwrap_or_else(|| format!("uid {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_as_the_system_names_them() {
        let users = "root:x:0:0:root:/root:/bin/bash\nasha:x:1001:1001::/home/asha:/bin/bash\n";
        assert_eq!(told(Some(1001), Some(1001), users), "operator (command, asha)");
        assert_eq!(told(Some(0), Some(1001), users), "operator (command, root for asha)");
        assert_eq!(told(Some(7), None, users), "operator (command, uid 7)");
        assert_eq!(told(None, None, users), "operator (command)");
        assert!(operator().starts_with("operator (command"));
    }
}
