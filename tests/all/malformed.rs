//! What is no HTTP, or no request of ours: what is answered to it, and what the log says of it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::{Kind, Program, World};

/// Sends bytes as they are, and reads what comes back until the connection ends or is silent.
fn sent(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A server that has said what it had to say may reset the connection.
    let _ended = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(line: &str, more: &str) -> Vec<u8> {
    format!("{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n{more}\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_asked_for_is_answered_with_what_binds_the_browser() {
    let world = World::start(Kind::Sqlite).await;
    for (line, more, status) in [
        ("OPTIONS * HTTP/1.1", "", "404"),
        ("CONNECT 127.0.0.1:80 HTTP/1.1", "", "303"),
        ("OPTIONS / HTTP/1.1", "", "303"),
        ("BREW / HTTP/1.1", "", "303"),
        ("GET /static/app.css HTTP/1.1", "", "200"),
        ("GET /static/app.css HTTP/1.1", "Range: bytes=99999999-\r\n", "416"),
        ("GET /static/app.css HTTP/1.1", "If-Match: \"no\"\r\n", "412"),
        ("POST /static/app.css HTTP/1.1", "Content-Length: 0\r\n", "405"),
        ("GET /static/ HTTP/1.1", "", "404"),
        ("GET /static HTTP/1.1", "", "404"),
        ("GET /static/none.css HTTP/1.1", "", "404"),
        ("GET /static/none.0123456789abcdef.css HTTP/1.1", "", "404"),
        ("GET /static/.hidden HTTP/1.1", "", "4"),
        ("GET /static/../Cargo.toml HTTP/1.1", "", "4"),
        ("GET /static/%2e%2e/Cargo.toml HTTP/1.1", "", "4"),
        ("GET /static/..%2fCargo.toml HTTP/1.1", "", "4"),
        ("GET /static/%ff HTTP/1.1", "", "4"),
        ("GET /static/a%00b HTTP/1.1", "", "4"),
        ("GET /.well-known/security.txt HTTP/1.1", "", "404"),
        ("GET /.well-known/none HTTP/1.1", "", "404"),
    ] {
        let answer = sent(world.address, &request(line, more));
        let (head, _) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{line}: {head}");
        for header in ["content-security-policy: default-src 'none'", "x-content-type-options: nosniff"] {
            assert!(head.contains(header), "{line} is answered without {header}: {head}");
        }
    }
}

/// What comes before any of our code, and is answered by actix itself: a status, no content, the end of the
/// connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_answered_with_nothing_but_its_status_and_is_no_error_in_the_log() {
    let world = World::start(Kind::Sqlite).await;
    let log = world.database.directory.path().join("serve.log");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut serve = world.program(&["serve"]);
    serve.env("RUST_LOG", "info,actix_http=debug").env("HTTP_BIND", port.to_string());
    let program = Program::start(serve.stderr(std::fs::File::create(&log).unwrap()));
    let said = || std::fs::read_to_string(&log).unwrap();
    world.until(|| said().contains("listening on")).await;
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    for (bytes, status) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n".as_slice(), "400"),
        (b"\x1b[2J\x1b[31mGET / HTTP/1.1\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nNo Header\r\n\r\n", "400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "400"),
        (long.as_bytes(), "431"),
    ] {
        let answer = sent(port, bytes);
        let what = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "nothing that a browser could show: {answer}");
    }
    world.until(|| said().contains("stream error")).await;
    program.stop();
    let said = said();
    assert!(!said.contains("ERROR") && !said.contains("\x1b[31m"), "{said}");
    assert!(said.lines().any(|line| line.contains("DEBUG") && line.contains("stream error")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_weakness_is_to_be_reported_stands_in_a_file_of_the_operators() {
    let world = World::start(Kind::Sqlite).await;
    let files = tempfile::tempdir().unwrap();
    std::fs::create_dir(files.path().join(".well-known")).unwrap();
    let told = "Contact: mailto:security@example.gov.in\nExpires: 2027-01-01T00:00:00Z\n";
    std::fs::write(files.path().join(".well-known/security.txt"), told).unwrap();
    let site = mukta_ftps::web::Site::new(
        world.app.clone(),
        crate::support::endless_sessions(),
        files.path().to_owned(),
    );
    let (server, address) = mukta_ftps::web::listen(&site, ([127, 0, 0, 1], 0).into()).unwrap();
    tokio::spawn(server);
    let stranger = crate::support::Browser::new(address);
    let page = stranger.get("/.well-known/security.txt").await;
    assert_eq!((page.status, page.text.as_str()), (200, told));
    assert_eq!(page.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(stranger.get("/.well-known/other.txt").await.status, 404);
    assert_eq!(stranger.get("/static/.well-known/security.txt").await.status, 400);
}
