//! The load: kept-alive connections that each ask again as soon as they are answered. A client with more comfort
//! would be what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long it runs before it is looked at.
const WARM_UP: Duration = Duration::from_millis(500);

/// A request, as it goes over the wire, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    address: SocketAddr,
    bytes: Arc<[u8]>,
}

impl Request {
    pub(crate) fn get(address: SocketAddr, path: &str, cookies: &str) -> Self {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookies}\r\n\r\n");
        Self { address, bytes: head.into_bytes().into() }
    }

    /// `headers` are whole lines.
    pub(crate) fn post(address: SocketAddr, path: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        let whole = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        Self { address, bytes: whole.into_bytes().into() }
    }
}

/// What a load came to.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) per_second: f64,
    pub(crate) p99: Duration,
}

/// So many connections ask for that long. Every answer must be whole, and of status 200.
pub(crate) fn load(request: &Request, connections: usize, time: Duration) -> Result<Load> {
    // On one thread: a client needs less than the server, and leaves it the rest of the machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let begun = Instant::now() + WARM_UP;
    let mut took = runtime.block_on(async {
        let asking: Vec<_> =
            (0..connections).map(|_| tokio::spawn(ask(request.clone(), begun, begun + time))).collect();
        let mut took = Vec::new();
        for one in asking {
            took.extend(one.await??);
        }
        anyhow::Ok(took)
    })?;
    ensure!(!took.is_empty(), "nothing was answered within {time:?}");
    took.sort_unstable();
    let per_second = took.len() as f64 / time.as_secs_f64();
    Ok(Load { per_second, p99: took[took.len() * 99 / 100] })
}

/// Each of so many connections, one after another, asks so often, with a pause after each answer; how long the
/// answers took.
pub(crate) fn one_by_one(
    request: &Request,
    connections: usize,
    asked: usize,
    pause: Duration,
) -> Result<Vec<Duration>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut took = Vec::new();
        for _ in 0..connections {
            let mut connection = Connection::to(request.address).await?;
            for _ in 0..asked {
                let begun = Instant::now();
                connection.exchange(&request.bytes).await?;
                took.push(begun.elapsed());
                tokio::time::sleep(pause).await;
            }
        }
        Ok(took)
    })
}

/// How long each answer took that came between the two instants.
async fn ask(request: Request, from: Instant, to: Instant) -> Result<Vec<Duration>> {
    let mut connection = Connection::to(request.address).await?;
    let mut took = Vec::new();
    let mut asked = Instant::now();
    while asked < to {
        connection.exchange(&request.bytes).await?;
        let answered = Instant::now();
        if answered >= from && answered < to {
            took.push(answered - asked);
        }
        asked = answered;
    }
    Ok(took)
}

struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    async fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("{address} is not there"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::with_capacity(128 * 1024) })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        let head_end = self.position(0, b"\r\n\r\n").await?;
        let head = std::str::from_utf8(&self.unread[..head_end]).context("a head that is no text")?;
        ensure!(
            head.starts_with("HTTP/1.1 200 "),
            "not a good answer: {}",
            head.lines().next().unwrap_or_default()
        );
        let length = header(head, "content-length").map(str::parse::<usize>).transpose()?;
        let is_chunked = header(head, "transfer-encoding") == Some("chunked");
        let end = match length {
            Some(length) => head_end + 4 + length,
            None if is_chunked => self.chunks_from(head_end + 4).await?,
            None => bail!("an answer of no known length"),
        };
        self.until(end).await?;
        self.unread.drain(..end);
        Ok(())
    }

    /// Where the chunks that begin there end.
    async fn chunks_from(&mut self, mut at: usize) -> Result<usize> {
        loop {
            let line_end = self.position(at, b"\r\n").await?;
            let size = usize::from_str_radix(std::str::from_utf8(&self.unread[at..line_end])?, 16)?;
            at = line_end + 2 + size + 2;
            if size == 0 {
                return Ok(at);
            }
        }
    }

    /// Where those bytes next are, once they have come.
    async fn position(&mut self, from: usize, wanted: &[u8]) -> Result<usize> {
        self.until(from).await?;
        loop {
            if let Some(at) = self.unread[from..].windows(wanted.len()).position(|bytes| bytes == wanted) {
                return Ok(from + at);
            }
            self.read_more().await?;
        }
    }

    /// Reads on until there are so many bytes.
    async fn until(&mut self, count: usize) -> Result<()> {
        while self.unread.len() < count {
            self.read_more().await?;
        }
        Ok(())
    }

    async fn read_more(&mut self) -> Result<()> {
        ensure!(self.stream.read_buf(&mut self.unread).await? > 0, "the server hung up");
        Ok(())
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then(|| value.trim()))
}
