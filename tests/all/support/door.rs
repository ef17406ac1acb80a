//! A door before the simulated JIT: shut, nobody listens there.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A port that leads to a simulator while it is open. It begins shut.
pub(crate) struct Door {
    at: SocketAddr,
    leads_to: SocketAddr,
    opened: Option<JoinHandle<()>>,
}

impl Door {
    pub(crate) fn to(url: &str) -> Self {
        let url: reqwest::Url = url.parse().unwrap();
        let leads_to = url.socket_addrs(|| None).unwrap()[0];
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { at, leads_to, opened: None }
    }

    pub(crate) fn port(&self) -> u16 {
        self.at.port()
    }

    pub(crate) fn open(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.at).unwrap();
        let listener = socket.listen(64).unwrap();
        self.opened = Some(tokio::spawn(let_through(listener, self.leads_to)));
    }

    /// Shuts it, and cuts off whoever is in it.
    pub(crate) fn shut(&mut self) {
        if let Some(opened) = self.opened.take() {
            opened.abort();
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

async fn let_through(listener: TcpListener, leads_to: SocketAddr) {
    // Cut off with the task.
    let mut through = JoinSet::new();
    while let Ok((mut outside, _)) = listener.accept().await {
        through.spawn(async move {
            let Ok(mut inside) = TcpStream::connect(leads_to).await else { return };
            // Either side may go at any time.
            drop(tokio::io::copy_bidirectional(&mut outside, &mut inside).await);
        });
    }
}
