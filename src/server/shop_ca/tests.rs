//! The certificate authority as clients see it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::*;
use crate::config::TlsSource;
use crate::server::tls::{Tls, inspect};
use crate::server::{ConnectionLimits, Server};
use crate::time::{Clock, SystemClock};

const NOW: Moment = Moment(1_795_316_400_000);

fn names(hosts: &[&str], addresses: &[&str]) -> ServerNames {
    ServerNames {
        hosts: hosts.iter().map(ToString::to_string).collect(),
        addresses: addresses.iter().map(|address| address.parse().expect("an address")).collect(),
    }
}

fn shop() -> ServerNames {
    names(&["shop-pc", "shop-pc.local", "localhost"], &["127.0.0.1", "192.168.0.5"])
}

fn open(folder: &Path, names: &ServerNames, now: Moment) -> Tls {
    Tls::open_for(&TlsSource::ShopCa(folder.to_owned()), names, now).expect("opens")
}

fn start(tls: &Tls) -> (Server, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/", get(|| async { "shop" }));
    (Server::start(listener, Some(tls), ConnectionLimits::default(), router).expect("starts"), address)
}

/// A handshake of a client that trusts only the CA; the error as text.
async fn connect(ca: &CaCertificate, address: SocketAddr, name: &str) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.der.clone())).expect("a CA");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.expect("connects");
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    connected.map(|_| ()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn client_that_trusts_the_ca_connects_by_address_and_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = open(folder.path(), &shop(), SystemClock.now());
    let ca = tls.ca().expect("a CA");
    let (_server, address) = start(&tls);
    for name in ["127.0.0.1", "192.168.0.5", "shop-pc", "shop-pc.local", "localhost"] {
        assert_eq!(connect(&ca, address, name).await, Ok(()), "{name}");
    }
    assert!(connect(&ca, address, "192.168.0.6").await.is_err(), "not in the certificate");
    let other = tempfile::tempdir().expect("a folder");
    let stranger = open(other.path(), &shop(), SystemClock.now()).ca().expect("a CA");
    assert!(connect(&stranger, address, "shop-pc").await.is_err(), "signed by another CA");
}

#[tokio::test]
async fn names_outside_of_the_constraints_are_rejected_by_clients() {
    let folder = tempfile::tempdir().expect("a folder");
    let ca = open(folder.path(), &shop(), SystemClock.now()).ca().expect("a CA");
    for (hosts, addresses) in [(vec!["bank.example"], vec![]), (vec![], vec!["203.0.113.1"]), (vec!["com"], vec![])] {
        let stolen = names(&hosts, &addresses);
        create_certificate(folder.path(), &ca, &stolen, SystemClock.now()).expect("the key of the CA signs anything");
        let (cert, key) = (cert_file(folder.path()), folder.path().join("key.pem"));
        let tls = Tls::open(&TlsSource::Files { cert, key }, SystemClock.now()).expect("opens");
        let (_server, address) = start(&tls);
        let name = stolen.to_vec().remove(0);
        let rejected = connect(&ca, address, &name).await.expect_err("is outside of the constraints");
        assert!(rejected.contains("NameConstraint"), "{name}: {rejected}");
    }
}

#[tokio::test]
async fn new_address_is_covered_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let tls = open(folder.path(), &shop(), SystemClock.now());
    let (ca, before) = (tls.ca().expect("a CA"), tls.certificate());
    let (_server, address) = start(&tls);
    tls.renew(&names(&["shop-pc"], &["192.168.0.5"]), SystemClock.now()).expect("renews");
    tls.reload().expect("reloads");
    assert_eq!(tls.certificate(), before, "an address that is gone for a while is no reason");

    assert!(connect(&ca, address, "10.0.0.7").await.is_err());
    tls.renew(&names(&["shop-pc"], &["10.0.0.7", "203.0.113.1"]), SystemClock.now()).expect("renews");
    tls.reload().expect("reloads");
    assert_eq!(connect(&ca, address, "10.0.0.7").await, Ok(()));
    assert_eq!(tls.ca().as_deref(), Some(&*ca), "phones need no new one");
}

#[test]
fn certificate_is_private_and_renewed_before_it_expires() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("tls");
    let source = TlsSource::ShopCa(folder.clone());
    assert_eq!((inspect(&source).expect("no error"), CaCertificate::read(&folder).expect("no error")), (None, None));
    let first = open(&folder, &shop(), NOW);
    assert!((VALIDITY_DAYS - 2..VALIDITY_DAYS).contains(&first.certificate().days_left(NOW)));
    assert!(first.ca().expect("a CA").name.contains("shop-pc"));

    let after = |days: i64| open(&folder, &shop(), NOW.plus_ms(days * DAY_MS));
    assert_eq!(after(VALIDITY_DAYS - RENEW_BEFORE_DAYS - 3).certificate(), first.certificate());
    let renewed = after(VALIDITY_DAYS - RENEW_BEFORE_DAYS + 1);
    assert_ne!(renewed.certificate(), first.certificate());
    assert_eq!(renewed.ca(), first.ca());
    let last = after(CA_VALIDITY_DAYS - 20);
    assert_eq!((last.ca(), last.certificate().expires_at), (first.ca(), first.ca().expect("a CA").info.expires_at));
    assert_ne!(after(CA_VALIDITY_DAYS + 1).ca(), first.ca());
    #[cfg(unix)]
    for file in ["ca.key.pem", "ca.pem", "key.pem", "cert.pem"] {
        let mode = std::fs::metadata(folder.join(file)).expect("is there").permissions();
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "{file}");
    }
}

#[test]
fn self_signed_certificate_of_an_earlier_version_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["shop-pc".to_owned()]).expect("params");
    set_validity(&mut params, NOW, NOW.plus_ms(800 * DAY_MS));
    let old = params.self_signed(&key).expect("signs");
    write_atomically(&folder.path().join("key.pem"), &key.serialize_pem()).expect("writes");
    write_atomically(&folder.path().join("cert.pem"), &old.pem()).expect("writes");
    let before = inspect(&TlsSource::ShopCa(folder.path().to_owned())).expect("reads").expect("is there");
    let tls = open(folder.path(), &shop(), NOW);
    assert_ne!(tls.certificate(), before);
    assert!(tls.ca().is_some());
}
