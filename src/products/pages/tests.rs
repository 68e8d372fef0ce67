//! Tests of the product pages.

use reqwest::StatusCode;

use crate::id::Id;
use crate::orders::model::OrderState;
use crate::products::store::{self, NewVariant};
use crate::web::testing::{TestApp, TestResponse};

/// A shop with a sofa of two colours and a pillow; returns the identifiers of both.
async fn shop() -> (TestApp, String, String) {
    let app = TestApp::as_admin().await;
    let made = app.state.storage.write(|tx| {
        let sofa = store::insert(tx, "SOFA3", "린넨 소파", None)?.id;
        let pillow = store::insert(tx, "PILLOW", "경추 베개", None)?.id;
        store::insert_variant(tx, sofa, &NewVariant::unlabelled("색상", "아이보리"), None)?;
        store::insert_variant(tx, sofa, &NewVariant { key: "색상", value: "네이비", label: "NV" }, None)?;
        Ok::<_, crate::storage::StorageError>((sofa, pillow))
    });
    let (sofa, pillow) = made.await.expect("writes");
    (app, sofa.to_string(), pillow.to_string())
}

/// Adds that many orders of the product in that state to the counts.
async fn add_orders(app: &TestApp, product: &str, state: OrderState, orders: i64) {
    let id: crate::id::ProductId = Id::parse(product).expect("an identifier");
    let keys = move || [("state", state.ordinal().into()), ("channel_id", 1_i64.into()), ("product_id", id.into())];
    let added = app.state.storage.write(move |tx| tx.increment("order_tallies", &keys(), "order_count", orders));
    added.await.expect("writes");
}

async fn save(app: &TestApp, id: &str, fields: &[(&str, &str)]) -> TestResponse {
    let named: Vec<(String, &str)> = fields.iter().map(|(name, value)| (format!("{name}-{id}"), *value)).collect();
    let pairs: Vec<(&str, &str)> = named.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    app.post_form("/products", &[pairs, vec![("tick", id)]].concat()).await
}

#[tokio::test]
async fn new_product_is_last_and_has_a_unique_number_and_name() {
    let (app, ..) = shop().await;
    let taken = app.post_form("/products/new", &[("number", "SOFA3"), ("name", " 경추 베개 ")]).await;
    assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(taken.text.contains("이미 있는 상품번호예요") && taken.text.contains("같은 이름의 상품이 있어요"));
    assert!(taken.text.contains("value=\"SOFA3\""), "what was typed stays");
    let empty = app.post_form("/products/new", &[]).await;
    assert!(empty.text.contains("상품번호를 입력해 주세요") && empty.text.contains("상품명을 입력해 주세요"));

    let added = app.post_form("/products/new", &[("number", "BED1"), ("name", "원목 침대")]).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER);
    assert!(app.get(added.location()).await.ok().contains("우선순위 2"), "after 0 and 1");
}

#[tokio::test]
async fn usage_is_shown_before_a_product_is_disabled() {
    let (app, _, pillow) = shop().await;
    add_orders(&app, &pillow, OrderState::Placed, 12).await;
    add_orders(&app, &pillow, OrderState::Shipped, 1_234).await;
    let fields = [("version", "0"), ("name", "경추 베개"), ("priority", "1")];
    let asked = save(&app, &pillow, &fields).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text.contains("href=\"/orders?product=PILLOW&#38;state=SHIPPED\""), "{}", asked.text);
    assert!(asked.text.contains("12건") && asked.text.contains("1,234건"));
    assert!(asked.text.contains(&format!("name=\"sure-{pillow}\"")));
    assert!(app.get("/products").await.ok().contains("사용 <span>2</span>"), "nothing has changed");

    let again = save(&app, &pillow, &[&fields[..], &[("sure", "1")]].concat()).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert!(!app.get("/products").await.ok().contains("경추 베개"));
    let disabled = app.get("/products?show=disabled").await.ok();
    assert!(disabled.contains("경추 베개") && disabled.contains("사용 안 함 <span>1</span>"));
    assert!(app.get(&format!("/products/{pillow}")).await.ok().contains("주문 목록에는 보이지 않아요"));
}

#[tokio::test]
async fn product_without_orders_is_disabled_without_confirmation() {
    let (app, sofa, _) = shop().await;
    let saved = save(&app, &sofa, &[("version", "0"), ("name", "린넨 소파"), ("priority", "0")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn errors_and_conflicts_are_shown_at_their_fields() {
    let (app, sofa, _) = shop().await;
    let wrong = save(&app, &sofa, &[("version", "0"), ("name", ""), ("priority", "10000"), ("enabled", "1")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("상품명을 입력해 주세요") && wrong.text.contains("0부터 9999까지"));
    let taken =
        save(&app, &sofa, &[("version", "0"), ("name", "경추 베개"), ("priority", "0"), ("enabled", "1")]).await;
    assert!(taken.text.contains("같은 이름의 상품이 있어요"));

    let fields = |name| [("version", "0"), ("name", name), ("priority", "3"), ("enabled", "1")];
    assert_eq!(save(&app, &sofa, &fields("3인 소파")).await.status, StatusCode::SEE_OTHER);
    let late = save(&app, &sofa, &fields("4인 소파")).await;
    assert!(late.text.contains("지금 ‘3인 소파’, 입력 ‘4인 소파’"), "{}", late.text);
    assert!(late.text.contains(&format!("name=\"version-{sofa}\" value=\"1\"")), "the next save wins");
}

#[tokio::test]
async fn list_filters_products_with_missing_labels() {
    let (app, sofa, pillow) = shop().await;
    let list = app.get("/products?labels=missing").await.ok();
    assert!(list.contains(&sofa) && !list.contains(&pillow));
    let page = app.get(&format!("/products/{sofa}?labels=missing")).await.ok();
    assert!(page.contains("아이보리") && !page.contains("네이비"));
}

#[tokio::test]
async fn variant_is_added_once_with_its_label() {
    let (app, sofa, _) = shop().await;
    let add = async |key, value, label| {
        let fields = [("key", key), ("value", value), ("label", label)];
        app.post_form(&format!("/products/{sofa}/variants"), &fields).await
    };
    assert_eq!(add("색상", " 차콜 (주문제작) ", "CH").await.status, StatusCode::SEE_OTHER);
    assert_eq!(add("방향", "왼쪽", "").await.status, StatusCode::SEE_OTHER);
    let page = app.get(&format!("/products/{sofa}")).await.ok();
    assert!(page.contains("차콜 (주문제작)") && page.contains("value=\"CH\""));
    assert!(page.contains("value=\"왼쪽\""), "the label is the value where none was typed");
    let twice = add("색상", "차콜 (주문제작)", "다른 말").await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(twice.text.contains("이미 있는 옵션 값이에요") && twice.text.contains("value=\"다른 말\""));
    assert!(add("", "값", "").await.text.contains("옵션 이름을 입력해 주세요"));
    let elsewhere = app.post_form("/products/0000000000001/variants", &[("key", "색상"), ("value", "값")]).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn thousands_of_variants_are_searched_and_paginated() {
    let (app, sofa, _) = shop().await;
    let id = Id::parse(&sofa).expect("an identifier");
    let filled = app.state.storage.write(move |tx| {
        for number in 0..3_000 {
            store::insert_variant(tx, id, &NewVariant::unlabelled("각인", &format!("문구 {number:04}")), None)?;
        }
        Ok::<_, crate::storage::StorageError>(())
    });
    filled.await.expect("writes");
    let last = app.get(&format!("/products/{sofa}?size=50&page=60")).await.ok();
    assert!(last.contains("총 <strong>3,002</strong>건") && last.contains("문구 2999"));
    let found = app.get(&format!("/products/{sofa}?q=2345")).await.ok();
    assert!(found.contains("총 <strong>1</strong>건") && found.contains("문구 2345"));

    let version = format!("/products/{sofa}?q=2345&page=1&size=25");
    let (_, row) = found.split_once("name=\"label-").expect("a label");
    let row = row.split('"').next().expect("its identifier");
    let fields = [(format!("version-{row}"), "0"), (format!("label-{row}"), "민수네"), ("tick".into(), row)];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let saved = app.post_form(&version, &fields).await;
    assert!(saved.location().starts_with(&version), "back to the same search: {}", saved.location());
    assert!(app.get(saved.location()).await.ok().contains("value=\"민수네\""));
    let late = app.post_form(&version, &fields).await;
    assert!(late.text.contains("그 사이 다른 사람이 바꿨어요"));
}
