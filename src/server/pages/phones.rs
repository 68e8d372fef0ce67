//! 휴대전화 준비: installs the shop's certificate authority on a phone, and tests whether a service worker runs there.
//!
//! A phone opens the page over plain HTTP before it trusts the shop ([`crate::server::plain_http`]). There it is one document
//! with its style and pictures inside, because nothing else is answered over plain HTTP, and tells the public part of the
//! certificate only. The test needs HTTPS.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use crate::server::Endpoints;
use crate::server::plain_http::{CA_FILE_PATH, CA_PROFILE_PATH, PHONES_PATH, PlainHttpRequest};
use crate::server::shop_ca::CaCertificate;
use crate::text::hex;
use crate::web::qr::{self, QrCode};
use crate::web::{Error, PageResult, page};

const STYLE: &str = include_str!("../../../assets/web/phones.css");

const WORKER: &str = include_str!("../../../assets/web/phones-worker.js");

/// The policy of all pages, and the style inside of this document.
static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'self'; style-src 'sha256-{hash}'; img-src 'self' data:; form-action 'none'; \
         frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
    )
});

#[derive(Template)]
#[template(path = "server/phones.html")]
struct PhonesPage {
    style: &'static str,
    ca: Option<Arc<CaCertificate>>,
    /// whether browsers reach the shop by HTTPS
    is_encrypted: bool,
    /// whether this request came over plain HTTP to a server with HTTPS
    is_plain_http: bool,
    /// URL of the test over HTTPS
    test_url: Option<String>,
    /// URL of this page for the camera of a phone, and its QR code
    qr: Option<(String, QrCode)>,
}

/// `GET /phones`
pub(super) async fn show(
    State(endpoints): State<Endpoints>,
    plain_http: Option<Extension<PlainHttpRequest>>,
    headers: HeaderMap,
) -> PageResult {
    let ca = endpoints.ca();
    let is_encrypted = endpoints.is_encrypted;
    let base = if ca.is_some() { endpoints.plain_url() } else { endpoints.lan_urls().into_iter().next() };
    let url = base.map(|base| format!("{base}{PHONES_PATH}"));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_authority(host));
    let https = host.map(|host| format!("https://{host}")).or_else(|| endpoints.lan_urls().into_iter().next());
    let response = page(PhonesPage {
        style: STYLE,
        ca,
        is_encrypted,
        is_plain_http: plain_http.is_some(),
        test_url: https.map(|base| format!("{base}{PHONES_PATH}#test")),
        qr: url.and_then(|url| qr::svg(&url).map(|code| (url, code))),
    });
    Ok(([(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY.as_str())], response).into_response())
}

/// Whether the text is a host with an optional port, and nothing that ends the authority of a URL.
fn is_authority(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

/// `GET /phones/ca.crt`: the certificate in DER, for Android, Windows and macOS.
pub(super) async fn ca_file(State(endpoints): State<Endpoints>) -> Result<Response, Error> {
    let ca = endpoints.ca().ok_or(Error::NotFound)?;
    Ok((download_headers("application/x-x509-ca-cert", "mukkeum-ca.crt"), ca.der.clone()).into_response())
}

/// `GET /phones/ca.mobileconfig`: a configuration profile with the certificate, for iOS.
pub(super) async fn ca_profile(State(endpoints): State<Endpoints>) -> Result<Response, Error> {
    let ca = endpoints.ca().ok_or(Error::NotFound)?;
    Ok((download_headers("application/x-apple-aspen-config", "mukkeum-ca.mobileconfig"), profile(&ca)).into_response())
}

fn download_headers(content_type: &str, file_name: &str) -> [(HeaderName, String); 2] {
    [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")),
    ]
}

/// `GET /phones/worker.js`: the service worker of the test; its scope is `/phones/`.
pub(super) async fn worker() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], WORKER).into_response()
}

/// A configuration profile (Apple's Profile-Specific Payload Keys). Its identifiers follow from the certificate, so that a
/// second installation replaces the first one.
fn profile(ca: &CaCertificate) -> String {
    let digest = Sha256::digest(&ca.der);
    let (certificate_id, profile_id) = (uuid(&digest[..16]), uuid(&digest[16..]));
    let mut certificate = String::new();
    for line in STANDARD.encode(&ca.der).as_bytes().chunks(64) {
        // Writing to a `String` does not fail.
        let _ = writeln!(certificate, "{}", String::from_utf8_lossy(line));
    }
    let name = ca.name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>PayloadContent</key>
  <array>
    <dict>
      <key>PayloadType</key><string>com.apple.security.root</string>
      <key>PayloadVersion</key><integer>1</integer>
      <key>PayloadIdentifier</key><string>mukkeum.ca.certificate</string>
      <key>PayloadUUID</key><string>{certificate_id}</string>
      <key>PayloadDisplayName</key><string>{name}</string>
      <key>PayloadCertificateFileName</key><string>mukkeum-ca.crt</string>
      <key>PayloadContent</key>
      <data>
{certificate}      </data>
    </dict>
  </array>
  <key>PayloadType</key><string>Configuration</string>
  <key>PayloadVersion</key><integer>1</integer>
  <key>PayloadIdentifier</key><string>mukkeum.ca</string>
  <key>PayloadUUID</key><string>{profile_id}</string>
  <key>PayloadDisplayName</key><string>{name}</string>
  <key>PayloadDescription</key><string>가게의 묶음을 경고 없이 열어요. 가게 안의 주소에만 쓸 수 있어요.</string>
  <key>PayloadRemovalDisallowed</key><false/>
</dict>
</plist>
"#
    )
}

/// The 16 bytes in the form of a UUID.
fn uuid(bytes: &[u8]) -> String {
    let hex = hex(bytes).to_uppercase();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use reqwest::StatusCode;

    use super::*;
    use crate::config::TlsSource;
    use crate::server::tls::Tls;
    use crate::server::{ConnectionLimits, Server};
    use crate::time::{Clock, SystemClock};
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    /// A server with HTTPS on this computer, and its address.
    async fn start(source: &TlsSource) -> (TestApp, Server, SocketAddr) {
        let tls = Tls::open(source, SystemClock.now()).expect("opens");
        let address = SocketAddr::from(([192, 168, 0, 5], 8443));
        let endpoints = Endpoints { tls: Some(tls.clone()), ..Endpoints::new(address, true, true) };
        let app = TestApp::start_with_state(|_| (), Routes::new(), |state| state.urls = endpoints).await;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = crate::app::router(&app.state);
        let server = Server::start(listener, Some(&tls), ConnectionLimits::default(), router).expect("starts");
        (app, server, address)
    }

    async fn get(address: SocketAddr, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let answer = reqwest::get(format!("http://{address}{path}")).await.expect("answers");
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.bytes().await.expect("a body").to_vec())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn plain_http_answers_the_page_and_the_certificate_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let (app, _server, address) = start(&TlsSource::ShopCa(folder.path().to_owned())).await;
        let ca = app.state.urls.ca().expect("a CA");

        let (status, headers, body) = get(address, "/phones").await;
        let text = String::from_utf8(body).expect("text");
        assert_eq!(status, StatusCode::OK);
        assert!(text.contains(&ca.info.fingerprint) && text.contains(CA_FILE_PATH) && text.contains(CA_PROFILE_PATH));
        assert!(text.contains(&format!("https://{address}/phones#test")) && !text.contains("<script"), "{text}");
        assert!(headers["content-security-policy"].to_str().expect("text").contains("style-src 'sha256-"));
        assert!(!headers.contains_key("set-cookie") && !headers.contains_key("strict-transport-security"));

        let (_, headers, body) = get(address, CA_FILE_PATH).await;
        assert_eq!((headers["content-type"].to_str().expect("text"), &body), ("application/x-x509-ca-cert", &ca.der));
        let (_, headers, body) = get(address, CA_PROFILE_PATH).await;
        assert_eq!(headers["content-type"], "application/x-apple-aspen-config");
        let profile = String::from_utf8(body).expect("text");
        let data = profile.split("<data>").nth(1).and_then(|rest| rest.split("</data>").next()).expect("data");
        let der = STANDARD.decode(data.split_whitespace().collect::<String>()).expect("base64");
        assert_eq!(der, ca.der);

        for path in ["/", "/login", "/phones/worker.js", "/phones/", "/assets/x/app.css", "/health/live", "/help"] {
            let (status, _, body) = get(address, path).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}");
            assert!(String::from_utf8_lossy(&body).contains("https://로"), "{path}");
        }
        let client = reqwest::Client::new();
        let posted = client.post(format!("http://{address}/phones")).body("a=b").send().await.expect("answers");
        assert_eq!(posted.status(), StatusCode::BAD_REQUEST);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn own_certificate_needs_no_installation() {
        let folder = tempfile::tempdir().expect("a folder");
        Tls::open(&TlsSource::ShopCa(folder.path().to_owned()), SystemClock.now()).expect("generates one");
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let (_app, _server, address) = start(&TlsSource::Files { cert, key }).await;
        let (_, _, body) = get(address, "/phones").await;
        let text = String::from_utf8(body).expect("text");
        assert!(text.contains("설치할 것이 없어요") && !text.contains(CA_FILE_PATH), "{text}");
        assert_eq!(get(address, CA_FILE_PATH).await.0, StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn page_of_an_unencrypted_server_tells_what_will_not_work() {
        let app = TestApp::start().await;
        let page = app.get("/phones").await.ok();
        assert!(page.contains("암호화하지 않아요") && page.contains("phones.js"), "{page}");
        assert!(app.get("/phones/worker.js").await.header("content-type").starts_with("text/javascript"));
    }

    #[test]
    fn host_header_is_no_way_to_another_site() {
        assert!(is_authority("192.168.0.5:8080") && is_authority("[fd00::2]:8080") && is_authority("shop-pc.local"));
        for host in ["", "a/b", "a@b", "a b", "a\"b", "a?b", "가게"] {
            assert!(!is_authority(host), "{host}");
        }
    }
}
