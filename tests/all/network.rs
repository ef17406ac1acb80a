//! The network outside: a proxy to the internet, and IPv6.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use mukta_ftps::domain::{MessageState, PiStatus};
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, crypto};

use crate::stop::serving;
use crate::support::{Browser, Kind, PEOPLE, REVISED, World, on_both, stderr, stdout};

on_both!(jit_and_the_gateway_are_reached_through_the_proxy_but_what_no_proxy_names, over_ipv6_alone);

/// A proxy, with the far services behind it, which have a certificate of a root of their own.
struct Proxy {
    address: SocketAddr,
    /// The names that it was asked for.
    asked: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    async fn start(behind: HashMap<String, SocketAddr>) -> Self {
        let chain = CertificateDer::pem_slice_iter(include_bytes!("../data/tls/far.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("../data/tls/far-key.pem")).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain.collect::<Result<_, _>>().unwrap(), key)
            .unwrap();
        let (tls, behind) = (TlsAcceptor::from(Arc::new(config)), Arc::new(behind));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<String>>>::default());
        let heard = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (tls, behind, heard) = (tls.clone(), Arc::clone(&behind), Arc::clone(&heard));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let mut byte = [0];
                        if stream.read(&mut byte).await.unwrap_or(0) == 0 {
                            return;
                        }
                        head.push(byte[0]);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let name = head.strip_prefix("CONNECT ").unwrap().split(' ').next().unwrap().to_owned();
                    heard.lock().unwrap().push(name.clone());
                    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                    let Ok(mut near) = tls.accept(stream).await else { return };
                    let Ok(mut far) = TcpStream::connect(behind[&name]).await else { return };
                    // Either side may go at any time.
                    let _gone = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { address, asked, task }
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.asked.lock().unwrap().clone();
        names.sort();
        names.dedup();
        names
    }
}

fn address_of(url: &str) -> SocketAddr {
    url.parse::<Url>().unwrap().socket_addrs(|| None).unwrap()[0]
}

/// The URL of a simulator under another scheme, host and port.
fn moved(url: &str, to: &str) -> String {
    let (url, to): (Url, Url) = (url.parse().unwrap(), to.parse().unwrap());
    to.join(url.path()).unwrap().to_string()
}

async fn jit_and_the_gateway_are_reached_through_the_proxy_but_what_no_proxy_names(world: World) {
    world.import_pair(PEOPLE);
    let (jit, gateway) = (world.jit.base_url(), world.gateway.gateway_url());
    let proxy = Proxy::start(HashMap::from([
        ("jit.example.gov.in:443".to_owned(), address_of(&jit)),
        ("sms.example.gov.in:443".to_owned(), address_of(&gateway)),
    ]))
    .await;
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/tls/far-root.pem");
    let program = |args: &[&str]| {
        let mut command = world.program(args);
        command
            .env("HTTPS_PROXY", format!("http://{}", proxy.address))
            .env("JIT_BASE_URL", moved(&jit, "https://jit.example.gov.in"))
            .env("JIT_CA_FILE", root);
        command
    };
    let past_it = program(&["sync"])
        .env("NO_PROXY", "jit.example.gov.in")
        .env("SYNC_PATIENCE_SECONDS", "1")
        .output()
        .unwrap();
    assert_eq!(past_it.status.code(), Some(3), "{}{}", stdout(&past_it), stderr(&past_it));
    assert!(proxy.names().is_empty(), "what NO_PROXY names is reached without it, or not at all");

    let through_it = program(&["sync"]).env("NO_PROXY", "elsewhere.example.gov.in").output().unwrap();
    assert!(through_it.status.success(), "{}{}", stdout(&through_it), stderr(&through_it));
    assert_eq!(proxy.names(), ["jit.example.gov.in:443"]);
    assert_eq!(world.stored(REVISED).status, PiStatus::Completed);

    let mut serve = program(&["serve"]);
    serve
        .env("SMS_GATEWAY_URL", moved(&gateway, "https://sms.example.gov.in"))
        .env("SMS_TEMPLATE_ID", "1007")
        .env("SMS_CA_FILE", root)
        .stderr(Stdio::null());
    let (program, _) = serving(&world, &mut serve).await;
    let is_sent = || world.messages().iter().all(|message| message.state == MessageState::Sent);
    world.until(is_sent).await;
    program.stop();
    assert_eq!(proxy.names(), ["jit.example.gov.in:443", "sms.example.gov.in:443"]);
    assert_eq!(world.gateway.received().len(), PEOPLE.len());
}

/// Leads from a port of IPv6's own loopback to a simulator.
async fn on_ipv6(leads_to: SocketAddr) -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let Ok(mut far) = TcpStream::connect(leads_to).await else { return };
                // Either side may go at any time.
                let _gone = tokio::io::copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    (port, task)
}

async fn over_ipv6_alone(kind: Kind) {
    let world = World::start(kind).await;
    world.import_pair(PEOPLE);
    let (jit, gateway) = (world.jit.base_url(), world.gateway.gateway_url());
    let ((jit_port, jit_way), (gateway_port, gateway_way)) =
        (on_ipv6(address_of(&jit)).await, on_ipv6(address_of(&gateway)).await);
    let own = std::net::TcpListener::bind("[::1]:0").unwrap().local_addr().unwrap();
    let mut serve = world.program(&["serve"]);
    serve
        .env("JIT_BASE_URL", moved(&jit, &format!("http://[::1]:{jit_port}")))
        .env("SMS_GATEWAY_URL", moved(&gateway, &format!("http://[::1]:{gateway_port}")))
        .env("SMS_TEMPLATE_ID", "1007")
        .env("HTTP_BIND", own.to_string())
        // What is on this machine is reached past any proxy.
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1");
    let program = crate::support::Program::start(&mut serve);
    world.until(|| std::net::TcpStream::connect(own).is_ok()).await;
    let browser = Browser::new(own);
    browser.sign_in("asha").await;
    assert_eq!(browser.press_refresh(REVISED).await.attr("main", "data-pi-status"), "Completed");
    world.until(|| world.messages().iter().all(|message| message.state == MessageState::Sent)).await;
    program.stop();
    jit_way.abort();
    gateway_way.abort();
}
