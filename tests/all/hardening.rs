//! Keys, files and addresses: what a careless operator is kept from.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mukta_ftps::sealing::hex;
use mukta_ftps::web::Sessions;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::{
    Browser, DATA_KEY, Kind, PEOPLE, REVISED, SESSION_KEY, ScratchDatabase, World, document, fed, on_both,
    pair, program, stderr, stdout, with_database,
};

on_both!(a_newer_schema_is_refused_by_every_command);

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_database_is_its_owners_alone_and_loudly_new() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("new.db");
    let url = format!("sqlite://{}", file.display());
    let mut command = program(&["user", "add", "asha", "--role", "admin", "--tenant", "od"]);
    command.env("DATABASE_URL", &url).env("DATA_KEY", hex(&DATA_KEY));
    let output = fed(command, "four plain words apart\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("new database at"), "{}", stderr(&output));
    assert_eq!(mode(&file), 0o600);
    for beside in ["new.db-wal", "new.db-shm"].map(|name| directory.path().join(name)) {
        assert!(!beside.exists() || mode(&beside) == 0o600, "{}", beside.display());
    }
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = program(&["user", "disable", "asha"]).env("DATABASE_URL", &url).output().unwrap();
    assert!(stderr(&output).contains("can be read by others"), "{}", stderr(&output));
}

#[test]
fn a_secret_is_taken_from_no_argument() {
    for (argument, named) in [("--data-key", "DATA_KEY"), ("--database-url", "DATABASE_URL")] {
        let output = program(&["export", argument, "5ec2e7"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(
            stderr(&output).contains(named) && !stderr(&output).contains("5ec2e7"),
            "{}",
            stderr(&output)
        );
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

/// Names, words and paths of others go to a terminal with what would steer it written out.
#[test]
fn nothing_that_a_command_prints_steers_the_terminal() {
    let database = ScratchDatabase::new(Kind::Sqlite);
    let steering = "\u{1b}[2J\u{9b}31m\nimported 9: 9 created\u{7}";
    let [original, revised] = pair(PEOPLE);
    let good = document(&[original.clone(), revised.clone()]);
    let printed = |args: &[&str], input: &str, code: i32, told: &str| {
        let output = fed(with_database(args, &database), input);
        let said = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{args:?}: {said:?}");
        assert!(!said.lines().any(|line| line.starts_with("imported 9")), "{args:?}: {said:?}");
        assert!(said.contains(told), "{args:?}: {said}");
    };
    printed(&["import", "-"], &good, 0, "imported 2");
    let faulty = document(&[original.clone(), revised.clone().but(|one| one["piStatus"] = steering.into())]);
    printed(&["import", "-"], &faulty, 1, "has a control character in it");
    printed(&["import", "--skip-faulty", "-"], &faulty, 0, "left out");
    let twice = good.replacen("\"tenantId\"", "\"\\u001b[2J\":1,\"\\u001b[2J\":2,\"tenantId\"", 1);
    printed(&["import", "-"], &twice, 1, r"\u{1b}[2J");
    let other = document(&[original, revised.person(0, "voucherNumber", steering)]);
    printed(&["compare", "-"], &other, 1, "");
    printed(&["import", "/nowhere/\u{1b}[2J"], "", 1, r"/nowhere/\u{1b}[2J");
    printed(&["user", "disable", "\u{1b}[2J"], "", 1, "");
}

#[test]
fn one_byte_repeated_is_no_key_and_files_of_keys_that_others_can_read_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", directory.path().join("none.db").display());
    let output =
        program(&["verify"]).env("DATABASE_URL", &url).env("DATA_KEY", "ab".repeat(32)).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("DATA_KEY is one byte repeated"), "{}", stderr(&output));
    let (key, earlier) = (directory.path().join("key"), directory.path().join("earlier"));
    std::fs::write(&key, hex(&DATA_KEY)).unwrap();
    std::fs::write(
        &earlier,
        format!("{}\n{}\n", hex(&SESSION_KEY[..32]).replace("07", "08"), "12".repeat(31) + "13"),
    )
    .unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::set_permissions(&earlier, std::fs::Permissions::from_mode(0o600)).unwrap();
    let with_files = || {
        let mut command = program(&["verify"]);
        command.env("DATABASE_URL", &url).env("DATA_KEY_FILE", &key).env("DATA_KEY_PREVIOUS_FILE", &earlier);
        command.output().unwrap()
    };
    let output = with_files();
    assert!(stderr(&output).contains("DATA_KEY_PREVIOUS is one byte repeated"), "{}", stderr(&output));
    assert!(stderr(&output).contains("chmod 600"), "{}", stderr(&output));
    std::fs::write(&earlier, "12".repeat(31) + "13\n").unwrap();
    let output = with_files();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn pages_beyond_this_machine_need_https_or_a_word() {
    let serve = |more: &[(&str, &str)]| {
        let mut command = program(&["serve"]);
        let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jit-public-key.der");
        command
            .env("DATA_KEY", hex(&DATA_KEY))
            .env("SESSION_KEY", hex(&SESSION_KEY))
            .env("JIT_BASE_URL", "http://127.0.0.1:9")
            .env("JIT_CLIENT_ID", "id")
            .env("JIT_CLIENT_SECRET", "secret")
            .env("JIT_PUBLIC_KEY_FILE", key)
            .env("HTTP_BIND", "0.0.0.0:0")
            .env("DATABASE_URL", "sqlite:///nowhere/at/all.db")
            .envs(more.iter().copied());
        command.output().unwrap()
    };
    let refused = serve(&[]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("ALLOW_HTTP=yes"), "{}", stderr(&refused));
    for taken in [("ALLOW_HTTP", "yes"), ("PUBLIC_URL", "https://pay.example")] {
        let output = serve(&[taken]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "it went on, to a database that is not there: {}",
            stderr(&output)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_for_another_host_is_misdirected() {
    let world = World::start(Kind::Sqlite).await;
    let sessions =
        Sessions { public_origin: Some("https://pay.example".to_owned()), ..Sessions::local(&SESSION_KEY) };
    let ours = world.served_with(sessions).await;
    for (host, path, status) in [
        ("pay.example", "/sign-in", 200),
        ("PAY.example:443", "/sign-in", 200),
        ("evil.example", "/sign-in", 421),
        ("pay.example.evil.example", "/sign-in", 421),
        ("pay.example:8443", "/", 421),
        ("evil.example", "/static/app.js", 421),
        ("evil.example", "/health/live", 200),
        ("evil.example", "/metrics", 200),
    ] {
        let answer = reqwest::Client::new().get(ours.url(path)).header("host", host).send().await.unwrap();
        assert_eq!(answer.status(), status, "{host} {path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    }
    assert_eq!(Browser::new(world.address).get("/sign-in").await.status, 200, "nobody's name is known");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_of_the_file_holds_what_the_earlier_key_sealed() {
    let world = World::start(Kind::Sqlite).await;
    world.import_pair(PEOPLE);
    world.press_refresh(REVISED).await;
    let earlier = world.app.sealer.current_prefix();
    let in_files = || {
        let file = Path::new(world.database.file()).to_owned();
        let wal = file.with_file_name(format!("{}-wal", file.file_name().unwrap().to_str().unwrap()));
        let bytes = [file, wal].map(|file| std::fs::read(file).unwrap_or_default()).concat();
        bytes.windows(earlier.len()).filter(|window| *window == earlier).count()
    };
    assert!(in_files() > 0);
    let mut reseal = with_database(&["reseal"], &world.database);
    reseal.env("DATA_KEY_PREVIOUS", hex(&DATA_KEY)).env("DATA_KEY", "34".repeat(31) + "35");
    let output = reseal.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(in_files(), 0);
}

/// The statements of a section of OPERATIONS.md, for that database and that role.
fn grants(database: &str, role: &str) -> String {
    let operations = include_str!("../../docs/OPERATIONS.md");
    let from = operations.find("GRANT CONNECT ON DATABASE").unwrap();
    let block = operations[from..].split("END").next().unwrap();
    block.replace("DATABASE mukta ", &format!("DATABASE {database} ")).replace("\"mukta-ftps\"", role)
}

#[test]
fn the_program_runs_as_a_role_that_does_not_own_the_database() {
    let database = ScratchDatabase::new(Kind::Postgres);
    let mut url: reqwest::Url = database.url_text.parse().unwrap();
    let name = url.path().trim_start_matches('/').to_owned();
    let role = format!("app_{name}");
    database.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'app'"));
    database.execute(&grants(&name, &role));
    url.set_username(&role).unwrap();
    url.set_password(Some("app")).unwrap();
    let as_role = |args: &[&str]| {
        let mut command = program(args);
        command.env("DATABASE_URL", url.as_str()).env("DATA_KEY", hex(&DATA_KEY));
        command
    };
    let add = || {
        let command = as_role(&["user", "add", "asha", "--role", "admin", "--tenant", "od"]);
        fed(command, "four plain words apart\n")
    };
    let forgotten = add();
    assert_eq!(forgotten.status.code(), Some(1), "{}", stderr(&forgotten));
    assert!(stderr(&forgotten).contains("run `mukta-ftps migrate` as the owner"), "{}", stderr(&forgotten));
    let migrated = with_database(&["migrate"], &database).output().unwrap();
    assert!(migrated.status.success(), "{}", stderr(&migrated));
    let added = add();
    assert!(added.status.success(), "{}", stderr(&added));
    let imported = fed(as_role(&["import", "-"]), &document(&pair(PEOPLE)));
    assert!(imported.status.success(), "{}", stderr(&imported));
    let verified = as_role(&["verify"]).output().unwrap();
    assert!(verified.status.success(), "{}", stderr(&verified));
    let mut db = PgConnection::establish(url.as_str()).unwrap();
    for statement in [
        "ALTER TABLE audit_events DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_events_keep ON audit_events",
        "TRUNCATE audit_events",
        "SET session_replication_role = replica",
    ] {
        let refused = db.batch_execute(statement).unwrap_err().to_string();
        assert!(
            refused.contains("must be owner") || refused.contains("permission denied"),
            "{statement}: {refused}"
        );
    }
    drop(db);
    database.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

async fn a_newer_schema_is_refused_by_every_command(world: World) {
    world.database.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000001')");
    for args in [&["verify"][..], &["migrate"], &["export"], &["user", "list"], &["user", "disable", "asha"]]
    {
        let output = with_database(args, &world.database).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("a newer version of this program"), "{args:?}: {}", stderr(&output));
    }
}
