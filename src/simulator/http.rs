//! A small HTTP/1.1 server that can also misbehave on purpose, which no proper server can.
//!
//! For simulators only: bodies need a `Content-Length`, and there is no TLS.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
const READ_BYTES: usize = 16 * 1024;

/// A request, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// Path and query, as sent.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// The first header of this name, without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What the server does with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Answers properly.
    Respond {
        /// HTTP status.
        status: u16,
        /// Further headers; `Content-Length` is added.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// Aborts the TCP connection: the client sees it reset.
    Reset,
    /// Closes the connection in good order, without an answer.
    CloseWithoutReply,
    /// Answers with status 200 and ends before the whole body is sent.
    Truncate {
        /// The part that is sent.
        body: Vec<u8>,
        /// How many bytes more are announced.
        missing: usize,
    },
    /// Never answers; ends when the client leaves.
    Hang,
}

impl Action {
    /// An answer without headers of its own.
    pub fn respond(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Respond { status, headers: Vec::new(), body: body.into() }
    }

    /// An answer in JSON.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Respond { status, headers, body: body.into() }
    }
}

/// Starts servers.
#[derive(Debug)]
pub struct HttpSimulator;

/// A server; it stops, and cuts its connections, when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Its address as a URL without a path, such as `http://127.0.0.1:8080`.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl HttpSimulator {
    /// Listens on an address (port 0: any free one) and serves as tasks of the current tokio
    /// runtime. The handler is dropped in its midst when its client leaves; a delay is a sleep in it.
    pub async fn start<H, F>(addr: SocketAddr, handler: H) -> io::Result<Running>
    where
        H: Fn(HttpRequest) -> F + Send + Sync + 'static,
        F: Future<Output = Action> + Send + 'static,
    {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(accept(listener, Arc::new(handler)));
        Ok(Running { addr, task })
    }
}

async fn accept<H, F>(listener: TcpListener, handler: Arc<H>)
where
    H: Fn(HttpRequest) -> F + Send + Sync + 'static,
    F: Future<Output = Action> + Send + 'static,
{
    // Dropped with this task, the set aborts every connection.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&handler)));
            }
            Err(error) => {
                // Out of file descriptors, most likely: some come back when connections end.
                log::warn!("a simulator cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until either side has had enough. How it ends concerns only the client.
async fn serve<H, F>(stream: TcpStream, handler: Arc<H>)
where
    H: Fn(HttpRequest) -> F + Send + Sync + 'static,
    F: Future<Output = Action> + Send + 'static,
{
    // Without this, small answers wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection { stream, unread: Vec::new() };
    while let Ok(Some(request)) = connection.read_request().await {
        let keep_alive =
            !request.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let Some(action) = connection.unless_client_leaves(handler(request)).await else {
            return;
        };
        if !matches!(connection.act(action).await, Ok(true)) || !keep_alive {
            return;
        }
    }
}

struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Reads some more; `false` at the end.
    async fn read_more(&mut self) -> io::Result<bool> {
        self.unread.reserve(READ_BYTES);
        Ok(self.stream.read_buf(&mut self.unread).await? > 0)
    }

    /// The next request; `None` at the end, or after refusing one that is not understood.
    async fn read_request(&mut self) -> io::Result<Option<HttpRequest>> {
        let head_end = loop {
            if let Some(position) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break position;
            }
            if self.unread.len() > MAX_HEAD_BYTES {
                return self.refuse(431).await;
            }
            if !self.read_more().await? {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&self.unread[..head_end]).into_owned();
        self.unread.drain(..head_end + 4);
        let Some(mut request) = parse_head(&head) else {
            return self.refuse(400).await;
        };
        if request.header("transfer-encoding").is_some() {
            return self.refuse(411).await;
        }
        let Ok(length) = request.header("content-length").unwrap_or("0").trim().parse::<usize>() else {
            return self.refuse(400).await;
        };
        if length > MAX_BODY_BYTES {
            return self.refuse(413).await;
        }
        if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        while self.unread.len() < length {
            if !self.read_more().await? {
                return Ok(None);
            }
        }
        request.body = self.unread.drain(..length).collect();
        Ok(Some(request))
    }

    async fn refuse(&mut self, status: u16) -> io::Result<Option<HttpRequest>> {
        self.stream.write_all(&head(status, &[("Connection".to_owned(), "close".to_owned())], 0)).await?;
        Ok(None)
    }

    /// What the work comes to; `None` if the client leaves before. A next request that the client
    /// already sends is kept.
    async fn unless_client_leaves<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                more = self.read_more() => {
                    if !more.unwrap_or(false) || self.unread.len() > MAX_BODY_BYTES {
                        return None;
                    }
                }
            }
        }
    }

    /// Does it; whether the connection can go on.
    async fn act(&mut self, action: Action) -> io::Result<bool> {
        match action {
            Action::Respond { status, headers, body } => {
                let mut whole = head(status, &headers, body.len());
                whole.extend_from_slice(&body);
                self.stream.write_all(&whole).await?;
                Ok(true)
            }
            Action::Truncate { body, missing } => {
                let mut part = head(200, &[], body.len().saturating_add(missing));
                part.extend_from_slice(&body);
                self.stream.write_all(&part).await?;
                self.stream.shutdown().await?;
                Ok(false)
            }
            Action::Reset => {
                self.stream.set_zero_linger()?;
                Ok(false)
            }
            Action::CloseWithoutReply => {
                self.stream.shutdown().await?;
                Ok(false)
            }
            Action::Hang => {
                self.unless_client_leaves(std::future::pending::<()>()).await;
                Ok(false)
            }
        }
    }
}

fn head(status: u16, headers: &[(String, String)], length: usize) -> Vec<u8> {
    // The reason phrase may be empty (RFC 9112 §4), but not the blank before it.
    let mut head = format!("HTTP/1.1 {status} \r\nContent-Length: {length}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn parse_head(head: &str) -> Option<HttpRequest> {
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, path, version) = (first.next()?, first.next()?, first.next()?);
    if !version.starts_with("HTTP/1.") {
        return None;
    }
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_lowercase(), value.trim().to_owned()))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(HttpRequest { method: method.to_owned(), path: path.to_owned(), headers, body: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn client_of(action: Action) -> (Running, reqwest::Client) {
        let running = HttpSimulator::start(([127, 0, 0, 1], 0).into(), move |_| {
            let action = action.clone();
            async move { action }
        })
        .await
        .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .retry(reqwest::retry::never())
            .timeout(Duration::from_millis(300))
            .build()
            .unwrap();
        (running, client)
    }

    #[tokio::test]
    async fn a_handler_sees_the_whole_request_on_a_kept_connection() {
        let running = HttpSimulator::start(([127, 0, 0, 1], 0).into(), |request: HttpRequest| async move {
            let kind = request.header("X-Kind").unwrap_or("none").to_owned();
            Action::json(201, format!("{} {} {kind} {}", request.method, request.path, request.body.len()))
        })
        .await
        .unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for size in [0, 3, 100_000] {
            let reply = client
                .post(format!("{}/a?b=c", running.url()))
                .header("x-kind", "k")
                .body(vec![b'x'; size])
                .send()
                .await
                .unwrap();
            assert_eq!(reply.status(), 201);
            assert_eq!(reply.text().await.unwrap(), format!("POST /a?b=c k {size}"));
        }
    }

    #[tokio::test]
    async fn it_misbehaves_as_told() {
        for action in [Action::Reset, Action::CloseWithoutReply] {
            let (running, client) = client_of(action).await;
            let error = client.get(running.url()).send().await.unwrap_err();
            assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        }
        let (running, client) = client_of(Action::Hang).await;
        assert!(client.get(running.url()).send().await.unwrap_err().is_timeout());
        let (running, client) = client_of(Action::Truncate { body: b"half".to_vec(), missing: 4 }).await;
        let reply = client.get(running.url()).send().await.unwrap();
        assert!(reply.text().await.is_err());
    }

    #[tokio::test]
    async fn a_stopped_server_no_longer_answers() {
        let (running, client) = client_of(Action::respond(200, "ok")).await;
        let url = running.url();
        assert_eq!(client.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
        drop(running);
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(client.get(&url).send().await.is_err());
    }

    #[tokio::test]
    async fn what_is_not_http_is_refused() {
        let (running, _) = client_of(Action::respond(200, "ok")).await;
        for (sent, status) in [
            (&b"hello\r\n\r\n"[..], "400"),
            (b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "400"),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "413"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "411"),
        ] {
            let mut stream = TcpStream::connect(running.addr).await.unwrap();
            stream.write_all(sent).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        }
    }
}
