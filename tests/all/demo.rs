//! `mukta-ftps demo`: what stands on the terminal, and what there is to see.

use std::process::Stdio;

use crate::support::{Browser, Program, program, stderr};

/// What the demo prints, as far as the line on how to stop.
fn told(demo: &mut Program) -> Vec<String> {
    demo.lines(10)
}

fn start(data: &str) -> Program {
    let mut demo = program(&["demo", "--bind", "127.0.0.1:0", "--data", data]);
    Program::start(demo.stdout(Stdio::piped()).stderr(Stdio::piped()))
}

/// The name and password of each sign-in.
fn sign_ins(told: &[String]) -> Vec<(String, String)> {
    let of = |line: &String| {
        let (_, rest) = line.split_once("user name ")?;
        let (name, rest) = rest.split_once(", password ")?;
        Some((name.to_owned(), rest.split(':').next()?.to_owned()))
    };
    told.iter().filter_map(of).collect()
}

fn browser(told: &[String]) -> Browser {
    let address = told.iter().find_map(|line| line.trim().strip_prefix("open")).unwrap();
    Browser::new(address.trim().strip_prefix("http://").unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_is_quiet_says_how_to_sign_in_and_has_half_a_year_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data").to_string_lossy().into_owned();
    let mut demo = start(&data);
    let first = told(&mut demo);
    assert_eq!(first[0], "mukta-ftps demo");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&data).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o700);
    assert!(first[9].contains("--reset"), "{first:?}");
    let people = sign_ins(&first);
    assert_eq!(people.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["demo", "asha", "ravi"]);
    for ((name, password), works_for) in people.iter().zip(["Odisha", "Jatni", "Odisha"]) {
        let browser = browser(&first);
        browser.try_to_sign_in(name, password).await;
        let page = browser.get("/").await;
        assert!(page.words(".who").ends_with(works_for), "{name}: {}", page.words(".who"));
    }
    let state = browser(&first);
    state.try_to_sign_in(&people[0].0, &people[0].1).await;
    let mut link = state.get("/").await.attr("a[href^='/reports/']", "href");
    let mut months = 0;
    for _ in 0..6 {
        let report = state.get(&link).await;
        months += usize::from(report.all("tbody tr[data-tenant]").len() == 4);
        link = report.attr("a[rel=prev]", "href");
    }
    assert!(months >= 5, "so many months have something of each town: {months}");
    let list = state.get("/payment-instructions?tab=all&q=000256").await;
    assert!(list.words("main").contains("Jatni"));

    let (status, log) = demo.stop_in_vain();
    assert_eq!((status, log.as_str()), (Some(0), ""), "nothing else stands on the terminal");
    assert!(std::fs::read_to_string(format!("{data}/mukta-ftps.log")).unwrap().contains("sync run"));

    // Starting it again keeps the data.
    let mut again = start(&data);
    assert_eq!(sign_ins(&told(&mut again)), people);
}

#[test]
fn a_port_that_is_taken_is_said_with_what_to_do_and_nothing_is_forgotten() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("password"), "kept").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let data_text = data.to_string_lossy().into_owned();
    let output = program(&["demo", "--reset", "--bind", &bind, "--data", &data_text]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("use --bind") && stderr(&output).lines().count() == 1,
        "{}",
        stderr(&output)
    );
    assert!(data.join("password").exists());
}
