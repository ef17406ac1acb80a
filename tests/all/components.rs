//! `scripts/sbom`: what the program is made of.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

fn sbom() -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/sbom");
    let output = Command::new(script).arg("--offline").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} of {value}"))
}

#[test]
fn the_bill_of_materials_names_what_is_built_and_nothing_else() {
    let told = sbom();
    assert_eq!(told, sbom(), "the same lock is told the same");
    let bom: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((text(&bom, "bomFormat"), text(&bom, "specVersion")), ("CycloneDX", "1.5"));
    assert!(text(&bom, "serialNumber").starts_with("urn:uuid:"));
    assert_eq!(text(&bom["metadata"]["component"], "name"), env!("CARGO_PKG_NAME"));

    let components = bom["components"].as_array().unwrap();
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
    let mut refs: BTreeSet<&str> = BTreeSet::from([text(&bom["metadata"]["component"], "bom-ref")]);
    for one in components {
        let (name, version) = (text(one, "name"), text(one, "version"));
        assert_eq!(text(one, "purl"), format!("pkg:cargo/{name}@{version}"));
        assert!(refs.insert(text(one, "bom-ref")), "{name} is named once");
        assert!(!text(&one["licenses"][0], "expression").is_empty(), "{name} has a licence");
        let checksum = text(&one["hashes"][0], "content");
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let entry = lock.split("[[package]]\n").find(|entry| entry.starts_with(&locked));
        assert!(entry.is_some_and(|entry| entry.contains(checksum)), "{name} {version} is as it is locked");
    }
    for dependency in bom["dependencies"].as_array().unwrap() {
        let of = dependency["dependsOn"].as_array().unwrap().iter().map(|one| one.as_str().unwrap());
        for named in of.chain([text(dependency, "ref")]) {
            assert!(refs.contains(named), "{named} is a component");
        }
    }
    let names: BTreeSet<&str> = components.iter().map(|one| text(one, "name")).collect();
    for built in ["actix-web", "diesel", "libsqlite3-sys", "openssl-src", "pq-src", "aws-lc-sys", "rustls"] {
        assert!(names.contains(built), "{built}");
    }
    for of_tests in ["insta", "proptest", "scraper", "thirtyfour"] {
        assert!(!names.contains(of_tests), "{of_tests}");
    }
}
