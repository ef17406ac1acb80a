//! The house as docs/ARCHITECTURE.md draws it: floors of rooms, each of which imports lower ones only, and
//! no circle within a room.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A module: its path from the crate's root, such as `["web", "pages", "list"]`.
type Module = Vec<String>;

/// A `use` of one module in another, and where it stands.
struct Import {
    from: Module,
    to: Module,
    line: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The program's own modules with their code; what only its tests see is left out.
fn modules() -> BTreeMap<Module, (PathBuf, String)> {
    let source = root().join("src");
    files(&source)
        .into_iter()
        .filter(|path| !path.to_string_lossy().ends_with("tests.rs"))
        .map(|path| {
            let mut module: Module = path
                .strip_prefix(&source)
                .unwrap()
                .with_extension("")
                .iter()
                .map(|part| part.to_string_lossy().into_owned())
                .collect();
            module.retain(|part| !["mod", "lib"].contains(&part.as_str()));
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
            (module, (path.strip_prefix(root()).unwrap().to_owned(), code))
        })
        .collect()
}

/// The paths that a `use` names: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn spread(tree: &str, before: &[&str], into: &mut Vec<Module>) {
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in tree.char_indices().chain([(tree.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                let one = tree[start..at].trim();
                start = at + 1;
                let (path, inner) = one.split_once('{').unwrap_or((one, ""));
                let path = path.split(" as ").next().unwrap();
                let parts = path.split("::").map(str::trim).filter(|part| !part.is_empty());
                let parts: Vec<&str> = before.iter().copied().chain(parts).collect();
                if inner.is_empty() {
                    into.push(parts.iter().map(|part| (*part).to_owned()).collect());
                } else {
                    spread(inner.strip_suffix('}').unwrap(), &parts, into);
                }
            }
            _ => {}
        }
    }
}

/// Where a path leads, seen from `from`: the longest part of it that is a module of ours.
fn resolved(path: &[String], from: &Module, known: &BTreeSet<Module>) -> Option<Module> {
    let mut at = match path.first()?.as_str() {
        "crate" | "mukta_ftps" => Module::new(),
        "super" => from[..from.len() - 1].to_vec(),
        "self" => from.clone(),
        _ => return None,
    };
    for part in &path[1..] {
        if part == "super" {
            at.pop();
            continue;
        }
        at.push(part.clone());
        if !known.contains(&at) {
            at.pop();
            break;
        }
    }
    Some(at)
}

/// Every import of one module by another.
fn imports() -> Vec<Import> {
    let modules = modules();
    let known: BTreeSet<Module> = modules.keys().cloned().collect();
    let mut imports = Vec::new();
    for (from, (file, code)) in &modules {
        let mut rest = code.as_str();
        let mut number = 1;
        while let Some(at) = ["crate::", "super::", "mukta_ftps::", "self::"]
            .iter()
            .filter_map(|opening| rest.find(opening))
            .min()
        {
            number += rest[..at].matches('\n').count();
            let told = &rest[at..];
            // Up to the end of a `use`, or of the path where it stands within the code.
            let is_use = rest[..at].trim_end().ends_with("use");
            let end = if is_use {
                told.find(';').unwrap()
            } else {
                told.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(told.len())
            };
            let is_comment = rest[..at].rsplit('\n').next().unwrap().trim_start().starts_with("//");
            if !is_comment {
                let mut paths = Vec::new();
                spread(told[..end].trim_end_matches(':'), &[], &mut paths);
                for path in paths {
                    if let Some(to) = resolved(&path, from, &known) {
                        let line = format!("{}:{number}: {}", file.display(), path.join("::"));
                        imports.push(Import { from: from.clone(), to, line });
                    }
                }
            }
            number += told[..end].matches('\n').count();
            rest = &told[end..];
        }
    }
    assert!(imports.len() > 500, "the imports are found: {}", imports.len());
    imports
}

/// The floors of docs/ARCHITECTURE.md: the rooms of each, the ground floor first.
fn floors() -> BTreeMap<String, usize> {
    let document = std::fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let mut floors = BTreeMap::new();
    for line in document.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, floor, room, ..] = cells[..] else { continue };
        let Ok(floor) = floor.parse::<usize>() else { continue };
        for room in room.split('`').skip(1).step_by(2) {
            assert!(floors.insert(room.to_owned(), floor).is_none(), "{room} is on one floor");
        }
    }
    floors
}

/// The room that a module belongs to; the binary's files are `commands`.
fn room(module: &Module) -> &str {
    match module.first().map(String::as_str) {
        Some("main") => "commands",
        Some(room) => room,
        None => "the crate's root",
    }
}

#[test]
fn no_room_imports_a_higher_one_or_one_beside_it() {
    let floors = floors();
    let rooms: BTreeSet<String> =
        modules().keys().filter(|module| !module.is_empty()).map(|module| room(module).to_owned()).collect();
    let drawn: BTreeSet<String> = floors.keys().cloned().collect();
    assert_eq!(drawn, rooms, "docs/ARCHITECTURE.md names every room");
    let floor = |module: &Module| floors.get(room(module)).copied();
    let offending: Vec<String> = imports()
        .into_iter()
        .filter(|import| !import.from.is_empty() && !import.to.is_empty())
        .filter(|import| room(&import.from) != room(&import.to) && floor(&import.from) <= floor(&import.to))
        .map(|import| import.line)
        .collect();
    assert!(offending.is_empty(), "imports that lead up or sideways:\n{}", offending.join("\n"));
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    // Of every folder: what its members import of one another.
    let mut folders: BTreeMap<Module, BTreeMap<String, BTreeMap<String, String>>> = BTreeMap::new();
    for Import { from, to, line } in imports() {
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        // A folder and what lies in it are one: only members beside each other count.
        if shared < from.len() && shared < to.len() {
            let folder = folders.entry(from[..shared].to_vec()).or_default();
            folder.entry(from[shared].clone()).or_default().insert(to[shared].clone(), line);
        }
    }
    for (folder, members) in &folders {
        for start in members.keys() {
            let mut reached: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            let mut open = vec![(start.as_str(), Vec::new())];
            while let Some((at, way)) = open.pop() {
                for (to, line) in members.get(at).into_iter().flatten() {
                    let way: Vec<&str> = way.iter().copied().chain([line.as_str()]).collect();
                    assert!(
                        to != start,
                        "a circle in {}:\n{}",
                        if folder.is_empty() { "src".to_owned() } else { folder.join("/") },
                        way.join("\n")
                    );
                    if reached.insert(to, way.clone()).is_none() {
                        open.push((to, way));
                    }
                }
            }
        }
    }
}

/// Commands print by `say` and `tell`, which let nothing steer the terminal; what is not so is data, or our own.
#[test]
fn commands_print_by_what_writes_controls_out() {
    let data_or_own = ["main", "mod", "import", "demo", "simulate", "sync"];
    for (module, (file, code)) in modules() {
        let is_of_commands = module.first().is_some_and(|room| room == "commands");
        if is_of_commands && module.len() > 1 && !data_or_own.contains(&module[1].as_str()) {
            for way in ["stdout()", "stderr()", "println!", "eprint"] {
                let printing = code.lines().find(|line| line.contains(way));
                assert_eq!(printing, None, "{}", file.display());
            }
        }
    }
}

#[test]
fn the_domain_does_nothing_but_think() {
    let deeds = ["std::fs", "std::io", "std::net", "tokio", "reqwest", "log::", "::now()", "sql_query"];
    for (module, (file, code)) in modules() {
        if module.first().is_some_and(|room| room == "domain") {
            for deed in deeds {
                let doing = code.lines().find(|line| line.contains(deed) && !line.trim().starts_with("//"));
                assert_eq!(doing, None, "{}", file.display());
            }
        }
    }
}
