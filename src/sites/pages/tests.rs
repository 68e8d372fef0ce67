//! The pages of site cards.

use reqwest::StatusCode;

use crate::id::SiteId;
use crate::members::model::Role;
use crate::storage::StorageError;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// A shop with deliveries of tomorrow; the administrator is logged in. The pages of two deliveries to one building.
async fn two_units() -> (TestApp, [String; 2]) {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let ids = app.state.storage.write(|tx| {
        tx.exec("UPDATE deliveries SET preferred_shipping_date = '2024-03-16'", &[])?;
        let rows = tx.query("SELECT id FROM deliveries WHERE state = 0 ORDER BY id LIMIT 2", &[])?;
        let ids = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<SiteId>, _>>()?;
        for (id, (road, unit)) in ids.iter().zip([
            ("경상북도 포항시 북구 예시로 12", "101동 1203호"),
            ("경북 포항시 북구 예시로 12 (덕수동)", "101동 402호"),
        ]) {
            tx.exec(
                "UPDATE orders SET recipient_address1 = ?, recipient_address2 = ? WHERE delivery_id = ?",
                &[road.into(), unit.into(), (*id).into()],
            )?;
        }
        Ok::<_, StorageError>(ids)
    });
    let ids = ids.await.expect("writes");
    let pages = [ids[0], ids[1]].map(|id| format!("/sites/{id}"));
    (app, pages)
}

#[tokio::test]
async fn card_of_a_building_is_shown_for_its_other_units() {
    let (app, [first, second]) = two_units().await;
    assert!(app.get(&first).await.ok().contains("아직 물어보지 않았어요"));
    let wrong = app.post_form(&first, &[("version", "0"), ("parking_metres", "5000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("0에서 1000m 사이로"));
    let secret = app.post_form(&first, &[("version", "0"), ("note", "주인 900101-1234567")]).await;
    assert!(secret.status == StatusCode::UNPROCESSABLE_ENTITY && secret.text.contains("주민등록번호가 들어 있어요"));
    let form = [("version", "0"), ("elevator", "missing"), ("entry_code", "#8246"), ("note", "뒷문으로")];
    let saved = app.post_form(&first, &form).await;
    assert!(app.get(saved.location()).await.ok().contains("현장 카드를 저장했어요. 공동현관 비밀번호가 있어요."));
    let stale = app.post_form(&second, &form).await;
    assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.text.contains("다른 사람이 이 건물의 카드를"));
    let other = app.get(&second).await.ok();
    assert!(other.contains("#8246") && other.contains("뒷문으로") && other.contains("상품 한 개마다 6분"), "{other}");
    let delivery = app.get(&second.replace("/sites", "/deliveries")).await.ok();
    assert!(delivery.contains("계단 3층") && !delivery.contains("#8246"), "the page of the delivery has no code");
    let stored = app.state.storage.read(|tx| {
        Ok::<_, StorageError>(tx.query_one("SELECT entry_code FROM sites", &[])?.map(|mut row| row.opt_blob(0)))
    });
    let sealed = stored.await.expect("reads").expect("a row").expect("a blob").expect("a code");
    assert!(!sealed.windows(4).any(|four| four == b"8246"), "it is sealed");
    let sql = "SELECT count(*) FROM access_records WHERE action = 'edit' AND page = ?";
    let edits = app.state.storage.read(move |tx| tx.scalar(sql, &[first.as_str().into()])).await;
    assert_eq!(edits.expect("reads"), 1, "the saved form, not the refused ones");
}

#[tokio::test]
async fn card_of_a_masked_delivery_has_no_code_and_is_not_changed() {
    let (app, [first, _]) = two_units().await;
    app.post_form(&first, &[("version", "0"), ("entry_code", "#8246"), ("note", "비번 8246")]).await;
    let later =
        app.state.storage.write(|tx| tx.exec("UPDATE deliveries SET preferred_shipping_date = '2099-01-05'", &[]));
    later.await.expect("writes");
    let team = app.another_browser();
    team.sign_in_as(Role::Logistics).await;
    let page = team.get(&first).await.ok();
    assert!(!page.contains("8246") && page.contains("이유를 입력하고 보기"), "{page}");
    let changed = team.post_form(&first, &[("version", "1"), ("note", "가려진 채로")]).await;
    assert_eq!(changed.status, StatusCode::BAD_REQUEST);
    for role in [Role::Support, Role::Viewer, Role::Driver] {
        let other = app.another_browser();
        other.sign_in_as(role).await;
        assert_eq!(other.get(&first).await.status, StatusCode::FORBIDDEN, "{role:?}");
    }
}

#[tokio::test]
async fn rates_are_saved_and_checked() {
    let (app, [first, _]) = two_units().await;
    app.post_form(&first, &[("version", "0"), ("elevator", "missing")]).await;
    let form = |fee: &'static str| {
        [
            ("stairs_minutes", "3"),
            ("carry_minutes", "2"),
            ("ladder_minutes", "30"),
            ("stairs_fee", fee),
            ("ladder_fee", "0"),
        ]
    };
    assert_eq!(app.post_form("/sites/rates", &form("-1")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let saved = app.post_form("/sites/rates", &form("5,000")).await;
    assert!(app.get(saved.location()).await.ok().contains("현장 기준을 저장했어요"));
    let page = app.get(&first).await.ok();
    assert!(page.contains("상품 한 개마다 33분") && page.contains("55,000원"), "{page}");
}
