//! What does not belong to a value, but came with it from a file of settings.

/// The settings whose values have blanks in them.
const WITH_BLANKS: [&str; 5] =
    ["JIT_DATE_FORMAT", "SYNC_SCHEDULE", "MUKTASOFT_TENANTS", "TRUSTED_PROXIES", "DATA_KEY_PREVIOUS"];

/// What is wrong with a setting's value as it stands in the environment: systemd and `docker --env-file` keep a
/// comment behind a value, and docker quotes around it. A secret that is truly so has its file.
pub fn not_part_of_a_value(name: &str, value: &str) -> Option<&'static str> {
    let is_blank = |c: char| c.is_whitespace();
    if value.trim().is_empty() {
        return None;
    }
    if value.split(is_blank).skip(1).any(|word| word.starts_with('#')) {
        return Some("has a comment behind its value: comments stand on lines of their own");
    }
    if value.starts_with(is_blank) || value.ends_with(is_blank) {
        return Some("has blanks around its value: take them away");
    }
    if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
        return Some("has quotes around its value, which nothing took away: write it without them");
    }
    let may_have_blanks = WITH_BLANKS.contains(&name) || is_path(name);
    (!may_have_blanks && value.contains(is_blank)).then_some("has blanks in its value, where none can be")
}

/// Names of files, and what may hold one.
fn is_path(name: &str) -> bool {
    name.ends_with("_FILE") || name.ends_with("_DIR") || name == "DATABASE_URL"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_with_a_value_is_told_from_it() {
        for (name, value, problem) in [
            ("SMS_TEMPLATE_ID", "1007   # the DLT template's number", "comment"),
            ("DATABASE_URL", "sqlite:///var/lib/mukta.db\t# or postgres://…", "comment"),
            ("JIT_DATE_FORMAT", "%Y-%m-%d # dates", "comment"),
            ("JIT_CLIENT_ID", "MUKTA ", "around"),
            ("JIT_CLIENT_SECRET", "\tsecret", "around"),
            ("PUBLIC_URL", "\"https://mukta.example\"", "quotes"),
            ("SYNC_SCHEDULE", "'0 0 22 * * *'", "quotes"),
            ("SMS_SOURCE", "ODI GOV", "in its value"),
            ("JIT_TIMEOUT_SECONDS", "3 0", "in its value"),
        ] {
            let said = not_part_of_a_value(name, value).unwrap_or_default();
            assert!(said.contains(problem), "{name}={value}: {said}");
        }
        for (name, value) in [
            ("SYNC_SCHEDULE", "0 0 22 * * *"),
            ("JIT_DATE_FORMAT", "%Y-%m-%d %H:%M:%S"),
            ("DATABASE_URL", "sqlite:///srv/public works/mukta.db"),
            ("JIT_CLIENT_SECRET", "a#b'c\"d"),
            ("MUKTASOFT_TENANTS", "od.jatni, od.dhenkanal"),
            ("TENANTS_FILE", "/srv/public works/tenants.json"),
            ("SMS_GATEWAY_URL", ""),
            ("SMS_GATEWAY_URL", "https://sms.example/send#x"),
        ] {
            assert_eq!(not_part_of_a_value(name, value), None, "{name}={value}");
        }
    }
}
