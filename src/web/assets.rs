//! Static assets: style sheets, scripts, icons, font, images of the manual. Embedded in the executable, and served under
//! URLs with a hash of the content, so that browsers may cache them for a year.
//!
//! All files of `assets/web` are served, and the images of `assets/help`. A style sheet refers to another asset as
//! `asset:name`, which is replaced by its URL. The sprite `icons.svg` is generated from `assets/web/icons`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::Embed;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::AppState;
use crate::config::Config;

#[derive(Embed)]
#[folder = "assets/web"]
struct WebFiles;

#[derive(Embed)]
#[folder = "assets/help"]
struct HelpFiles;

/// Color of the frame of an installed program, as in the layout.
const THEME_COLOR: &str = "#123c47";

/// Content type of the images of the manual.
const WEBP: &str = "image/webp";

struct Asset {
    hash: String,
    content_type: &'static str,
    bytes: axum::body::Bytes,
}

static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(load);

/// URL of an asset: `/assets/P-kc0NHkuw9f/app.css`.
pub fn url(name: &str) -> String {
    ASSETS.get(name).map_or_else(|| format!("/assets/missing/{name}"), |asset| versioned_url(name, &asset.hash))
}

fn versioned_url(name: &str, hash: &str) -> String {
    format!("/assets/{hash}/{name}")
}

fn load() -> BTreeMap<String, Asset> {
    let mut assets: BTreeMap<String, Asset> =
        BTreeMap::from([("icons.svg".to_owned(), asset("icons.svg", sprite().into()))]);
    for name in HelpFiles::iter().filter(|name| content_type(name) == WEBP) {
        let image = HelpFiles::get(&name).map(|file| file.data.into_owned()).unwrap_or_default();
        assets.insert(name.to_string(), asset(&name, image));
    }
    let (sheets, others): (Vec<_>, Vec<_>) = WebFiles::iter()
        .filter(|name| !name.contains('/'))
        .partition(|name| content_type(name) == "text/css; charset=utf-8");
    for name in others {
        assets.insert(name.to_string(), asset(&name, bytes(&name)));
    }
    for name in sheets {
        let text = String::from_utf8_lossy(&bytes(&name)).into_owned();
        let text = assets.iter().fold(text, |text, (other, asset)| {
            text.replace(&format!("asset:{other}"), &versioned_url(other, &asset.hash))
        });
        assets.insert(name.to_string(), asset(&name, text.into_bytes()));
    }
    assets
}

fn bytes(name: &str) -> Vec<u8> {
    WebFiles::get(name).map(|file| file.data).map(Cow::into_owned).unwrap_or_default()
}

fn asset(name: &str, bytes: Vec<u8>) -> Asset {
    let hash = URL_SAFE_NO_PAD.encode(&Sha256::digest(&bytes)[..9]);
    Asset { hash, content_type: content_type(name), bytes: bytes.into() }
}

/// The files of `icons/` as symbols of one SVG file.
fn sprite() -> String {
    let symbols: String = WebFiles::iter()
        .filter_map(|name| {
            let icon = name.strip_prefix("icons/")?.strip_suffix(".svg")?.to_owned();
            let text = String::from_utf8(bytes(&name)).ok()?;
            let (_, inner) = text.trim().strip_suffix("</svg>")?.split_once('>')?;
            Some(format!(r#"<symbol id="{icon}" viewBox="0 0 16 16">{}</symbol>"#, inner.trim()))
        })
        .collect();
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>"#)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("webp") => WEBP,
        _ => "application/octet-stream",
    }
}

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/assets/{hash}/{name}", get(serve))
        .route("/favicon.ico", get(favicon))
        .route("/manifest.webmanifest", get(manifest))
}

/// Assets with the hash of another release are served too, without caching: during a blue-green switch the new release may
/// be asked for assets of a page that the old one rendered.
async fn serve(Path((hash, name)): Path<(String, String)>) -> Response {
    let Some(asset) = ASSETS.get(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let cache_control = if asset.hash == hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, cache_control),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, asset.bytes.clone()).into_response()
}

/// The manifest of most pages. It starts at `/`, which leads each role to its first page: the role of a member may change after
/// the installation, and browsers fetch the manifest without a login.
async fn manifest(State(config): State<Arc<Config>>) -> Response {
    web_manifest(&config.base_path, AppIcon { name: "묶음", short_name: "묶음", start: "/" })
}

/// An icon by which a page is installed.
#[derive(Clone, Copy, Debug)]
pub struct AppIcon {
    /// name
    pub name: &'static str,
    /// name below the icon
    pub short_name: &'static str,
    /// path of the page that it opens
    pub start: &'static str,
}

/// The web app manifest, by which the program is installed with name and icon. Its scope is the whole program, so that the
/// login stays in its window.
pub fn web_manifest(base_path: &str, app: AppIcon) -> Response {
    let path = |path: &str| format!("{base_path}{path}");
    let icon = |name: &str, size: u32, purpose: &str| {
        let src = path(&url(name));
        json!({ "src": src, "sizes": format!("{size}x{size}"), "type": "image/png", "purpose": purpose })
    };
    let manifest = json!({
        "id": path(app.start),
        "name": app.name,
        "short_name": app.short_name,
        "description": "주문을 모으고, 묶어서 배송해요.",
        "lang": "ko",
        "start_url": path(app.start),
        "scope": path("/"),
        "display": "standalone",
        "theme_color": THEME_COLOR,
        "background_color": "#ffffff",
        "icons": [
            icon("icon-192.png", 192, "any"),
            icon("icon-512.png", 512, "any"),
            icon("icon-maskable-192.png", 192, "maskable"),
            icon("icon-maskable-512.png", 512, "maskable"),
        ],
    });
    ([(header::CONTENT_TYPE, "application/manifest+json"), (header::CACHE_CONTROL, "no-cache")], manifest.to_string())
        .into_response()
}

async fn favicon() -> Response {
    super::redirect(&url("favicon.svg"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    fn templates(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                templates(&path, found);
            } else {
                found.push(std::fs::read_to_string(path).expect("text"));
            }
        }
    }

    fn named<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
        text.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn assets_and_icons_named_by_templates_exist() {
        let mut texts = Vec::new();
        templates(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut texts);
        let icons = sprite();
        for text in &texts {
            for name in named(text, "assets::url(\"") {
                assert!(ASSETS.contains_key(name), "asset {name}");
            }
            for name in named(text, "icon(\"") {
                assert!(icons.contains(&format!("<symbol id=\"{name}\"")), "icon {name}");
            }
        }
    }

    #[tokio::test]
    async fn program_is_installable_with_name_and_icons() {
        let app = TestApp::start_with(|config| config.base_path = "/oms".to_owned(), Routes::new()).await;
        let manifest = app.get("/oms/manifest.webmanifest").await;
        assert_eq!(manifest.header("content-type"), "application/manifest+json");
        let manifest: serde_json::Value = serde_json::from_str(&manifest.ok()).expect("JSON");
        assert_eq!((&manifest["name"], &manifest["start_url"]), (&json!("묶음"), &json!("/oms/")));
        let icons = manifest["icons"].as_array().expect("icons");
        for (size, purpose) in [(192, "any"), (512, "any"), (192, "maskable"), (512, "maskable")] {
            let sizes = json!(format!("{size}x{size}"));
            let icon = icons.iter().find(|icon| icon["sizes"] == sizes && icon["purpose"] == purpose);
            let path = icon.and_then(|icon| icon["src"].as_str()).expect("an icon");
            let answer = app.browser.get(app.url(path)).send().await.expect("answers");
            assert_eq!(answer.headers()["content-type"], "image/png");
            let bytes = answer.bytes().await.expect("a picture");
            // Width and height of a PNG are in its first chunk (W3C PNG, section 11.2.1).
            let [width, height] = [16, 20].map(|at| bytes.get(at..at + 4).map(<[u8]>::to_vec));
            let expected = Some(u32::to_be_bytes(size).to_vec());
            assert_eq!((width, height), (expected.clone(), expected), "{path}");
        }
        assert!(app.get("/oms/setup").await.ok().contains("href=\"/oms/manifest.webmanifest\""));
        assert!(include_str!("../../templates/layout.html").contains(THEME_COLOR));
    }

    #[test]
    fn style_sheets_refer_to_assets_by_url() {
        let sheet = std::str::from_utf8(&ASSETS["app.css"].bytes).expect("text");
        assert!(sheet.contains(&url("pretendard.woff2")));
        assert!(!sheet.contains("asset:"));
    }
}
