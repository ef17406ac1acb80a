//! Why the treasury declined or rejected an instruction, out of what the adapter wrote down: a plain text,
//! or the text of a Java map (`{errorCode=12, errorMsg=Bill is not in order}`).

/// Keys of a map whose values are for people.
const TELLING: [&str; 4] = ["errormsg", "message", "reason", "description"];

/// The reason, for a person to read.
pub fn reason(told: &str) -> String {
    let entries = told.trim().strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).map(entries);
    let reasons: Vec<&str> = entries
        .iter()
        .flatten()
        .filter(|(key, value)| is_telling(key) && !value.is_empty() && !value.eq_ignore_ascii_case("null"))
        .map(|(_, value)| *value)
        .collect();
    if reasons.is_empty() { told.trim().to_owned() } else { reasons.join("; ") }
}

fn is_telling(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    TELLING.iter().any(|telling| key.contains(telling))
}

/// `key=value` pairs, a comma and a blank between them; values may hold those too, and `=`.
fn entries(inner: &str) -> Vec<(&str, &str)> {
    let mut starts = Vec::new();
    let mut from = 0;
    for part in inner.split(", ") {
        let key = part.split_once('=').map(|(key, _)| key).filter(|key| is_name(key));
        if key.is_some() {
            starts.push(from);
        }
        from += part.len() + 2;
    }
    let ends = starts.iter().skip(1).map(|start| start - 2).chain([inner.len()]);
    let parts = starts.iter().zip(ends).map(|(start, end)| &inner[*start..end]);
    parts.filter_map(|part| part.split_once('=')).map(|(key, value)| (key, value.trim())).collect()
}

fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_stays_as_it_is() {
        for text in ["Bill is not in order", "{}", "{no map, at all}", "{code=7}", "Ratio 1=2, no", "{"] {
            assert_eq!(reason(text), text);
        }
    }

    #[test]
    fn of_a_java_map_what_is_for_people_is_told() {
        let told = "{jitBillNo=PI-1/2, errorCode=12, errorMsg=Not in order, or a=b is wrong, x=1}";
        assert_eq!(reason(told), "Not in order, or a=b is wrong");
        assert_eq!(reason("{errorMsg=null, message=No funds}"), "No funds");
        assert_eq!(reason("{errorMsg=null}"), "{errorMsg=null}");
        assert_eq!(reason("{a_message=One, message=Two}"), "One; Two");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_told_is_read_without_a_panic(text in "[{}=, a-zé]{0,30}") {
            let _ = reason(&text);
        }
    }
}
