//! TLS for the tests of what goes out.

use std::sync::Arc;

use reqwest::Url;

/// Speaks TLS in front of a simulator, with a certificate of a root that nobody knows.
pub(crate) struct TlsFront {
    pub(crate) base_url: Url,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsFront {
    /// The root that its certificate ends in.
    pub(crate) fn roots() -> Vec<reqwest::Certificate> {
        reqwest::Certificate::from_pem_bundle(include_bytes!("../../tests/data/tls/root.pem")).unwrap()
    }

    pub(crate) async fn start(behind: Url) -> Self {
        use tokio_rustls::rustls::pki_types::pem::PemObject;
        use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
        let chain = CertificateDer::pem_slice_iter(include_bytes!("../../tests/data/tls/server.pem"))
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let key =
            PrivateKeyDer::from_pem_slice(include_bytes!("../../tests/data/tls/server-key.pem")).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let config = tokio_rustls::rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut base_url = behind.clone();
        base_url.set_scheme("https").unwrap();
        base_url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let target = format!("127.0.0.1:{}", behind.port().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, target) = (acceptor.clone(), target.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut behind = tokio::net::TcpStream::connect(target).await.unwrap();
                    let _broken = tokio::io::copy_bidirectional(&mut stream, &mut behind).await;
                });
            }
        });
        Self { base_url, task }
    }
}
