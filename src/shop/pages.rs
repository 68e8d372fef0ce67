//! 가게 정보: what slips say of the shop.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::model::{Problem, Shop};
use super::store;
use crate::audit;
use crate::web::{
    Access, AppState, Form, Layout, Member, PageResult, Routes, page, page_with_status, redirect_with_flash,
};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/shop", Access::Admin, show).post("/shop", Access::Admin, save)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Typed {
    name: String,
    tel: String,
    address: String,
}

#[derive(Template)]
#[template(path = "shop/show.html")]
struct ShopPage {
    layout: Layout,
    typed: Typed,
    problems: Vec<Problem>,
}

impl ShopPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message)
    }
}

async fn show(State(state): State<AppState>, layout: Layout) -> PageResult {
    let Shop { name, tel, address } = state.storage.read(store::find).await?;
    Ok(page(ShopPage { layout, typed: Typed { name, tel, address }, problems: Vec::new() }))
}

async fn save(State(state): State<AppState>, layout: Layout, member: Member, Form(typed): Form<Typed>) -> PageResult {
    let shop = match Shop::typed(&typed.name, &typed.tel, &typed.address) {
        Ok(shop) => shop,
        Err(problems) => {
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, ShopPage { layout, typed, problems }));
        }
    };
    let activity_id = state
        .storage
        .write(move |tx| {
            store::save(tx, &shop)?;
            let summary = json!({ "message": "가게 정보를 저장했어요.", "name": shop.name, "address": shop.address });
            audit::record(tx, Some(member.id), "shop.saved", &summary)
        })
        .await?;
    Ok(redirect_with_flash("/shop", activity_id))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn what_the_shop_is_called_is_kept_and_mistakes_come_back_with_what_was_typed() {
        let app = TestApp::as_admin().await;
        let wrong = app.post_form("/shop", &[("name", "보기 침대"), ("address", "우리 가게")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("value=\"보기 침대\"") && wrong.text.contains("https://로 시작하는"));
        let saved = app.post_form("/shop", &[("name", "보기 침대"), ("address", "https://shop.example/")]).await;
        let page = app.get(saved.location()).await.ok();
        assert!(page.contains("가게 정보를 저장했어요") && page.contains("value=\"https://shop.example\""));
    }
}
