//! 다른 기기에서 접속: the URLs for other computers and phones, and whether the connection is encrypted.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use crate::config::Config;
use crate::server::Endpoints;
use crate::server::certificate::CertificateInfo;
use crate::server::plain_http::PHONES_PATH;
use crate::server::shop_ca::CaCertificate;
use crate::shop::store as shop;
use crate::storage::Storage;
use crate::web::qr::{self, QrCode};
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "server/other_devices.html")]
struct OtherDevicesPage {
    layout: Layout,
    /// most likely reachable first
    urls: Vec<String>,
    /// QR code of the first URL
    qr_code: Option<QrCode>,
    exposure: Exposure,
    /// whether a flag or a variable has set the address, so that 설정 cannot change it
    is_fixed: bool,
    /// the certificate of the server, if a device that does not trust the shop's authority warns of it
    unknown_certificate: Option<CertificateInfo>,
    /// the shop's certificate authority
    ca: Option<Arc<CaCertificate>>,
    /// URL of the page 휴대전화 준비, without a warning, and its QR code
    phones: Option<(String, QrCode)>,
}

/// Who can connect, and whether the connection is encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    LocalOnly,
    Encrypted,
    Unencrypted,
}

/// `GET /other-devices`
pub(super) async fn show(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    State(urls): State<Endpoints>,
    layout: Layout,
) -> PageResult {
    let shop = storage.read(shop::find).await?;
    let endpoints = &urls;
    // The shop's own URL (behind a proxy, for example) is the one to use if it is set.
    let own_url = Some(shop.origin).filter(|origin| !origin.is_empty());
    let urls: Vec<String> = own_url.into_iter().chain(endpoints.lan_urls()).collect();
    let phones = phones_url(endpoints, &urls).and_then(|url| qr::svg(&url).map(|code| (url, code)));
    Ok(page(OtherDevicesPage {
        layout,
        qr_code: urls.first().and_then(|url| qr::svg(url)),
        is_fixed: config.layers.source("listen").is_fixed(),
        exposure: match (endpoints.is_insecure(), endpoints.is_public() || !urls.is_empty()) {
            (true, _) => Exposure::Unencrypted,
            (false, false) => Exposure::LocalOnly,
            (false, true) => Exposure::Encrypted,
        },
        urls,
        unknown_certificate: endpoints.certificate().filter(|_| config.uses_shop_ca()),
        phones,
        ca: endpoints.ca(),
    }))
}

/// The URL of the page 휴대전화 준비 for phones: over plain HTTP if they may not trust the certificate yet.
fn phones_url(endpoints: &Endpoints, urls: &[String]) -> Option<String> {
    let base = if endpoints.ca().is_some() { endpoints.plain_url() } else { urls.first().cloned() };
    base.map(|base| format!("{}{PHONES_PATH}", base.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{AdminTotp, Config, TlsSource};
    use crate::server::Endpoints;
    use crate::server::tls::Tls;
    use crate::time::Moment;
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    /// The page; with TLS if there is a folder for the certificate.
    async fn page(address: &str, folder: Option<&Path>) -> String {
        let (address, is_https) = (address.parse().expect("an address"), folder.is_some());
        let source = folder.map(|folder| TlsSource::ShopCa(folder.to_owned()));
        let tls = source.as_ref().map(|source| Tls::open(source, Moment(1_795_316_400_000)).expect("generates one"));
        let endpoints = Endpoints { tls, ..Endpoints::new(address, is_https, is_https) };
        let change = |config: &mut Config| {
            config.tls = source;
            config.admin_totp = AdminTotp::Off;
        };
        let app = TestApp::start_with_state(change, Routes::new(), |state| state.urls = endpoints).await;
        app.sign_in_admin().await;
        app.get("/other-devices").await.ok()
    }

    #[tokio::test]
    async fn page_of_a_loopback_server_explains_how_to_open_it() {
        let page = page("127.0.0.1:8080", None).await;
        assert!(page.contains("이 컴퓨터에서만") && page.contains("href=\"/settings\""), "{page}");
        assert!(!page.contains("QR 코드\""));
    }

    #[tokio::test]
    async fn page_of_an_unencrypted_server_shows_url_and_warning() {
        let page = page("192.168.0.5:8080", None).await;
        assert!(page.contains("http://192.168.0.5:8080") && page.contains("QR 코드\""), "{page}");
        assert!(page.contains("암호화되지 않아요") && page.contains("href=\"/settings\""));
    }

    #[tokio::test]
    async fn page_shows_the_fingerprints_and_the_plain_url_of_the_preparation() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = page("192.168.0.5:8443", Some(folder.path())).await;
        let tls = Tls::open(&TlsSource::ShopCa(folder.path().to_owned()), Moment(1_795_316_400_000)).expect("opens");
        assert!(page.contains("https://192.168.0.5:8443") && page.contains("http://192.168.0.5:8443/phones"), "{page}");
        assert!(page.contains(&tls.ca().expect("a CA").info.fingerprint), "{page}");
        assert!(page.contains(&tls.certificate().fingerprint) && page.contains("오가는 내용을 암호화해요"));
    }
}
