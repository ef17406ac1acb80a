//! What the documents claim.

use std::path::Path;

fn sources(directory: &Path, into: &mut String) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_the_security_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let mut source = String::new();
    sources(&root.join("src"), &mut source);
    sources(&root.join("tests"), &mut source);
    let mut named = 0;
    for row in document.lines().filter(|line| line.starts_with("| V")) {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        for name in tests.split('`').skip(1).step_by(2) {
            assert!(source.contains(&format!("fn {name}(")), "{name}");
            named += 1;
        }
    }
    assert!(named > 40, "the table is read: {named}");
}

#[test]
fn every_test_that_the_document_on_reliability_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/RELIABILITY.md")).unwrap();
    let mut source = String::new();
    sources(&root.join("src"), &mut source);
    sources(&root.join("tests"), &mut source);
    let named: Vec<&str> = document
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| {
            name.len() > 20 && name.chars().all(|c| c.is_lowercase() || c == '_' || c.is_numeric())
        })
        .collect();
    for name in &named {
        assert!(source.contains(&format!("fn {name}(")), "{name}");
    }
    assert!(named.len() > 50, "the tables are read: {}", named.len());
}

/// Every document that the code, the tests and the documents themselves name is in the repository.
#[test]
fn every_document_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![
        root.join("README.md"),
        root.join("CONTRIBUTING.md"),
        root.join("CHANGELOG.md"),
        root.join("migrations/README.md"),
    ];
    documents.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests"), &mut text);
    for document in &documents {
        text.push_str(&std::fs::read_to_string(document).unwrap());
    }
    let named: std::collections::BTreeSet<&str> = text
        .split(|c: char| !(c.is_alphanumeric() || "._-/".contains(c)))
        .filter(|word| word.ends_with(".md") && word.len() > 3)
        .collect();
    assert!(named.len() > 8, "documents are named: {named:?}");
    for name in named {
        let last = name.rsplit('/').next().unwrap();
        assert!(documents.iter().any(|document| document.ends_with(last)), "{name} is not there");
    }
}

/// What a document links to or shows, beside other documents too, is in the repository.
#[test]
fn every_link_of_a_document_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    documents.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut followed = 0;
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.contains("://") {
                let target = document.parent().unwrap().join(link);
                assert!(target.exists(), "{}: {link}", document.display());
                followed += 1;
            }
        }
    }
    assert!(followed > 20, "links are followed: {followed}");
}

/// A link to a section of a document leads to one of its headings.
#[test]
fn every_section_that_a_document_links_to_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    documents.extend(std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path()));
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    let slug = |heading: &str| -> String {
        let kept = heading
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
    };
    let mut followed = 0;
    for document in &documents {
        let text = std::fs::read_to_string(document).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let Some((file, section)) = link.split_once('#').filter(|_| !link.contains("://")) else {
                continue;
            };
            let target =
                if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            let target = std::fs::read_to_string(&target).unwrap();
            let mut headings = target.lines().filter(|line| line.starts_with('#'));
            assert!(headings.any(|heading| slug(heading) == section), "{}: {link}", document.display());
            followed += 1;
        }
    }
    assert!(followed > 8, "sections are linked to: {followed}");
}

/// A section of DOMAIN.md that is named is one of its sections.
#[test]
fn every_section_of_the_domain_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let domain = std::fs::read_to_string(root.join("docs/DOMAIN.md")).unwrap();
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("tests"), &mut text);
    let mut named = 0;
    for (at, opening) in text.match_indices(concat!("DOMAIN.md", " §")) {
        let section: String = text[at + opening.len()..].chars().take_while(char::is_ascii_digit).collect();
        assert!(domain.contains(&format!("\n## {section}. ")), "§{section} of DOMAIN.md");
        named += 1;
    }
    assert!(named > 30, "sections are named: {named}");
}

/// What the table of troubles says that an operator sees is what the program says.
#[test]
fn every_message_that_the_operations_document_quotes_is_one_that_the_program_can_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = std::fs::read_to_string(root.join("docs/OPERATIONS.md")).unwrap();
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    // Literals that go on in the next line are in one piece.
    let mut said = String::new();
    let mut rest = code.as_str();
    while let Some((before, after)) = rest.split_once("\\\n") {
        said.push_str(before);
        rest = after.trim_start();
    }
    said.push_str(rest);
    let troubles = document.split("## 11 PM: when something goes wrong").nth(1).unwrap();
    let mut quoted = 0;
    for row in troubles.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let seen = row.split('|').nth(1).unwrap();
        for message in seen.split(['`', '*']).skip(1).step_by(2) {
            for part in message.split('…').map(str::trim) {
                assert!(said.contains(part), "nobody says “{part}”");
            }
            quoted += 1;
        }
    }
    assert!(quoted >= 5, "messages are quoted: {quoted}");
}
