//! `/help/handbook`: one page to print for a new colleague, from the shop's data and the jobs of the role.

use askama::Template;
use axum::extract::State;
use serde::Deserialize;

use super::TOPICS;
use crate::help::model::{self, Topic};
use crate::members::model::Role;
use crate::server::Endpoints;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::Storage;
use crate::web::qr::{self, QrCode};
use crate::web::{Layout, PageResult, Query, page};

/// Longest username.
const MAX_USERNAME_CHARS: usize = 32;

#[derive(Template)]
#[template(path = "help/handbook.html")]
struct HandbookPage {
    layout: Layout,
    shop: Shop,
    role: Role,
    jobs: Vec<&'static Topic>,
    /// of the colleague; empty where nobody in particular is meant
    username: String,
    /// address of the program for the colleague's device
    url: String,
    qr_code: Option<QrCode>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HandbookQuery {
    /// code of [`Role`]
    role: String,
    /// whose guide it is; printed as it is given
    username: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(endpoints): State<Endpoints>,
    layout: Layout,
    Query(query): Query<HandbookQuery>,
) -> PageResult {
    let shop = storage.read(shop::find).await?;
    let role = Role::from_code(&query.role).unwrap_or(Role::Logistics);
    let url = if shop.origin.is_empty() {
        endpoints.lan_urls().into_iter().next().unwrap_or_else(|| endpoints.local_url())
    } else {
        shop.origin.clone()
    };
    let username = query.username.chars().take(MAX_USERNAME_CHARS).collect();
    let (jobs, qr_code) = (model::jobs(&TOPICS, role), qr::svg(&url));
    Ok(page(HandbookPage { layout, shop, role, jobs, username, url, qr_code }))
}

#[cfg(test)]
mod tests {
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn handbook_has_the_shop_and_the_jobs_of_the_role() {
        let app = TestApp::as_admin().await;
        let shop = [
            ("name", "보기 침대"),
            ("origin", "https://order.example.kr"),
            ("helper", "김과장 010-0000-0001"),
            ("claim_data_hours", "4"),
        ];
        app.post_form("/shop", &shop).await;
        let office = app.get("/help/handbook?role=admin").await.ok();
        for text in
            ["보기 침대", "https://order.example.kr", "김과장 010-0000-0001", "공장에 주문하기", "발주로 바꾸기"]
        {
            assert!(office.contains(text), "{text}");
        }
        let driver = app.get("/help/handbook?role=driver&username=kim").await.ok();
        assert!(driver.contains("<dt>내 아이디</dt><dd>kim</dd>"));
        assert!(driver.contains("상차하기") && !driver.contains("발주로 바꾸기"));
    }
}
