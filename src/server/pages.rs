//! 다른 기기에서 접속: the address for other PCs and phones, and whether the way there is safe.

use askama::Template;
use axum::extract::State;

use super::tls::Facts;
use crate::shop::store as shop;
use crate::web::qr::{self, QrCode};
use crate::web::{Access, AppState, Layout, PageResult, Routes, page};

/// The page of this room.
pub fn routes() -> Routes {
    Routes::new().get("/other-devices", Access::Admin, show)
}

#[derive(Template)]
#[template(path = "server/show.html")]
struct OtherDevicesPage {
    layout: Layout,
    /// the likeliest first
    addresses: Vec<String>,
    /// that of the first
    square: Option<QrCode>,
    safety: Safety,
    /// one that the program made itself, which browsers warn of
    made: Option<Facts>,
    /// the file of settings
    settings: String,
}

/// What others may read of what goes to and fro.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Safety {
    /// nobody else gets here
    Closed,
    /// nothing
    Encrypted,
    /// everything
    Open,
}

async fn show(State(state): State<AppState>, layout: Layout) -> PageResult {
    let shop = state.storage.read(shop::find).await?;
    let reach = &state.urls;
    // Where the shop has a name of its own, by a proxy say, that is the one to use.
    let named = Some(shop.address).filter(|address| !address.is_empty());
    let addresses: Vec<String> = named.into_iter().chain(reach.elsewhere()).collect();
    Ok(page(OtherDevicesPage {
        layout,
        square: addresses.first().and_then(|address| qr::svg(address)),
        safety: match (reach.is_unsafe(), addresses.is_empty()) {
            (true, _) => Safety::Open,
            (false, true) => Safety::Closed,
            (false, false) => Safety::Encrypted,
        },
        addresses,
        made: reach.certificate.clone().filter(|_| state.config.is_self_signed()),
        settings: state.config.data.join("mukkeum.toml").display().to_string(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::server::Reach;
    use crate::server::tls::{Facts, Source};
    use crate::time::Moment;
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    async fn page(address: &str, certificate: Option<Facts>) -> String {
        let address = address.parse().expect("an address");
        let source = certificate.is_some().then(|| Source::Made("tls".into()));
        let reach = Reach { address, is_encrypted: certificate.is_some(), certificate };
        let app =
            TestApp::start_with_state(|config| config.tls = source, Routes::new(), |state| state.urls = reach).await;
        app.sign_in_admin().await;
        app.get("/other-devices").await.ok()
    }

    #[tokio::test]
    async fn a_program_for_this_computer_alone_tells_how_to_open_it() {
        let page = page("127.0.0.1:8080", None).await;
        assert!(page.contains("이 컴퓨터에서만") && page.contains("listen = \"0.0.0.0:8080\""), "{page}");
        assert!(!page.contains("QR 코드\""));
    }

    #[tokio::test]
    async fn an_open_program_shows_its_address_and_warns() {
        let page = page("192.168.0.5:8080", None).await;
        assert!(page.contains("http://192.168.0.5:8080") && page.contains("QR 코드\""), "{page}");
        assert!(page.contains("암호화되지 않아요") && page.contains("tls = true"));
    }

    #[tokio::test]
    async fn a_certificate_that_was_made_here_is_told_with_its_fingerprint() {
        let facts = Facts { fingerprint: "AB:CD".to_owned(), until: Moment(1_795_316_400_000) };
        let page = page("192.168.0.5:8443", Some(facts)).await;
        assert!(page.contains("https://192.168.0.5:8443") && page.contains("AB:CD"), "{page}");
        assert!(page.contains("오가는 내용을 암호화해요"));
    }
}
