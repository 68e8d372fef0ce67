//! `/shop`: the shop's data.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::model::{Shop, ShopFieldError, ShopForm, SlipPaper};
use super::store;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::storage::Storage;
use crate::web::{Access, Flash, Form, Layout, PageResult, Routes, page, page_with_status, redirect_with_flash};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/shop", Access::Admin, show).post("/shop", Access::Admin, update)
}

#[derive(Template)]
#[template(path = "shop/show.html")]
struct ShopPage {
    layout: Layout,
    form: ShopForm,
    problems: Vec<ShopFieldError>,
}

impl ShopPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message)
    }
}

async fn show(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let form = storage.read(store::find).await?.into();
    Ok(page(ShopPage { layout, form, problems: Vec::new() }))
}

async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<ShopForm>,
) -> PageResult {
    let shop = match Shop::from_form(&form) {
        Ok(shop) => shop,
        Err(problems) => {
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, ShopPage { layout, form, problems }));
        }
    };
    let flash = storage
        .write(move |tx| {
            store::save(tx, &shop)?;
            let event = AuditEvent::ShopSaved { name: shop.name.clone(), address: shop.origin.clone() };
            audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
            Flash::success(event.sentence()).save(tx, actor.id)
        })
        .await?;
    Ok(redirect_with_flash("/shop", flash))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn shop_is_saved_and_invalid_input_is_shown_again() {
        let app = TestApp::as_admin().await;
        let wrong = app.post_form("/shop", &[("name", "보기 침대"), ("origin", "우리 가게")]).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.text.contains("value=\"보기 침대\"") && wrong.text.contains("https://로 시작하는"));
        let right = [("name", "보기 침대"), ("address", "포항시 남구 예시로 1"), ("origin", "https://shop.example/")];
        let saved = app.post_form("/shop", &right).await;
        let page = app.get(saved.location()).await.ok();
        assert!(page.contains("가게 정보를 저장했어요") && page.contains("value=\"https://shop.example\""));
        assert!(page.contains("value=\"포항시 남구 예시로 1\""));
    }
}
