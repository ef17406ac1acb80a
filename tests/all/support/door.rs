//! A door before the simulated JIT, or a database: shut, nobody listens there; frozen, nobody is answered.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A port that leads to a simulator while it is open. It begins shut.
pub(crate) struct Door {
    at: SocketAddr,
    leads_to: SocketAddr,
    opened: Option<JoinHandle<()>>,
    is_frozen: watch::Sender<bool>,
}

impl Door {
    pub(crate) fn to(url: &str) -> Self {
        let url: reqwest::Url = url.parse().unwrap();
        let leads_to = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
        let leads_to = std::net::ToSocketAddrs::to_socket_addrs(&leads_to).unwrap().next().unwrap();
        let at = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { at, leads_to, opened: None, is_frozen: watch::Sender::new(false) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.at.port()
    }

    pub(crate) fn open(&mut self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.at).unwrap();
        let listener = socket.listen(64).unwrap();
        self.opened = Some(tokio::spawn(let_through(listener, self.leads_to, self.is_frozen.subscribe())));
    }

    /// Whoever is in it, or comes, hears nothing any more until it is shut.
    pub(crate) fn freeze(&self) {
        self.is_frozen.send_replace(true);
    }

    /// Shuts it, and cuts off whoever is in it.
    pub(crate) fn shut(&mut self) {
        if let Some(opened) = self.opened.take() {
            opened.abort();
            self.is_frozen.send_replace(false);
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

async fn let_through(listener: TcpListener, leads_to: SocketAddr, is_frozen: watch::Receiver<bool>) {
    // Cut off with the task.
    let mut through = JoinSet::new();
    while let Ok((mut outside, _)) = listener.accept().await {
        let mut is_frozen = is_frozen.clone();
        through.spawn(async move {
            let Ok(mut inside) = TcpStream::connect(leads_to).await else { return };
            tokio::select! {
                // Either side may go at any time.
                _gone = tokio::io::copy_bidirectional(&mut outside, &mut inside) => {}
                () = frozen(&mut is_frozen) => std::future::pending().await,
            }
        });
    }
}

async fn frozen(is_frozen: &mut watch::Receiver<bool>) {
    // The door outlives whoever is in it.
    let _frozen = is_frozen.wait_for(|is_frozen| *is_frozen).await;
}
