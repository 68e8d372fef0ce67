//! The pages of texts for customers.

use reqwest::StatusCode;

use crate::districts::Districts;
use crate::id::{MemberId, WorkId};
use crate::members::model::Role;
use crate::plans::board;
use crate::plans::edit::{self, EditContext};
use crate::plans::model::{ColumnKey, TourState};
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::storage::StorageError;
use crate::time::parse_date;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

const DAY: &str = "2024-03-16";
const PAGE: &str = "/notices?day=2024-03-16";

/// A shop whose deliveries of tomorrow are on a fixed tour. The administrator is logged in.
async fn fixed_tour() -> TestApp {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let prepared = app.state.storage.write(|tx| {
        tx.exec(
            "UPDATE deliveries SET shipping_method = 'DIRECT', preferred_shipping_date = '2024-03-16' WHERE state = 0",
            &[],
        )?;
        let mut settings = trucks::settings(tx)?;
        "04524".clone_into(&mut settings.depot_zip);
        settings.default_handling.minutes = 5;
        trucks::save_settings(tx, &settings)?;
        let truck = Truck { volume: 9_000, pieces: 900, ..Truck::suggestion("1호차".to_owned()) };
        let column = ColumnKey { truck_id: trucks::insert(tx, &truck)?, round: 1 };
        shop::save(tx, &Shop { name: "예시 가구".to_owned(), tel: "054-000-0000".to_owned(), ..Shop::default() })?;
        let day = parse_date(DAY).expect("a date");
        let member = MemberId::from_raw(tx.scalar("SELECT min(id) FROM members", &[])?);
        let actor = crate::audit::MemberActor { id: member, address: std::net::IpAddr::from([127, 0, 0, 1]) };
        let districts = Districts::embedded();
        let empty = board::load(tx, &districts, day)?;
        let ids: Vec<WorkId> = empty.pool.iter().take(3).map(|item| item.work.key).collect();
        let context = EditContext { actor, day, seen: std::collections::HashMap::new() };
        edit::move_to(tx, &districts, &context, (column, None), &ids)?.expect("moves");
        let planned = board::load(tx, &districts, day)?;
        let seen = planned.columns.iter().map(|column| (column.key(), column.version())).collect();
        let context = EditContext { actor, day, seen };
        edit::set_state(tx, &districts, &context, TourState::Fixed, None)?.expect("fixes");
        Ok::<_, StorageError>(())
    });
    prepared.await.expect("writes");
    app
}

#[tokio::test]
async fn file_is_downloaded_with_a_purpose_and_marks_customers_as_told() {
    let app = fixed_tour().await;
    let page = app.get(PAGE).await.ok();
    assert!(page.contains("안내 전") && page.contains("batch=visit") && page.contains("3월 16일(토)"), "{page}");
    let form = app.get("/notices/download?day=2024-03-16&batch=visit").await.ok();
    assert!(form.contains("내려받고 안내한 것으로 적기"));
    let path = "/notices/download?day=2024-03-16";
    let without = app.post_form(path, &[("batch", "visit")]).await;
    assert_eq!(without.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(without.text.contains("무엇에 쓸 파일인지"));
    let file = app.post_form(path, &[("batch", "visit"), ("purpose", "shipping"), ("format", "csv")]).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(file.header("content-disposition").contains("attachment") && file.text.contains("수신번호"));
    let told = app.get(PAGE).await.ok();
    assert!(told.contains("방문 안내 ") && told.contains("보내지 않았어요"), "{told}");
    let again = app.post_form(path, &[("batch", "visit"), ("purpose", "shipping")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "everybody is told");
    assert!(app.get("/downloads").await.ok().contains("안내 문자"));

    let id = told.split_once("name=\"file\" value=\"").and_then(|(_, rest)| rest.split('"').next()).expect("a file");
    let back = app.post_form("/notices", &[("day", DAY), ("file", id)]).await;
    assert!(app.get(back.location()).await.ok().contains("보내지 않은 것으로 바꿨어요"));
}

#[tokio::test]
async fn delivery_team_reads_but_takes_no_file() {
    let app = fixed_tour().await;
    let team = app.another_browser();
    team.sign_in_as(Role::Logistics).await;
    let page = team.get(PAGE).await.ok();
    assert!(page.contains("파일은 주문 담당이나 관리자가 받아요") && !page.contains("파일로 받기"));
    assert_eq!(team.get("/notices/download?day=2024-03-16&batch=visit").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn wording_is_previewed_checked_and_saved() {
    let app = fixed_tour().await;
    let page = app.get("/notices/wordings").await.ok();
    assert!(page.contains("미리보기는 배차한 곳 하나로") && page.contains("바이트"), "{page}");
    let form = |body: &'static str, act: &'static str| {
        [("kind", "visit"), ("body", body), ("short_body", "{날짜} {시간대}"), ("version", "0"), ("act", act)]
    };
    let unknown = app.post_form("/notices/wordings", &form("{주소}로 가요", "save")).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("이 문구에 쓸 수 없어요"));
    let preview = app.post_form("/notices/wordings", &form("{가게}예요. {시간대}에 가요.", "preview")).await;
    assert!(preview.status == StatusCode::OK && preview.text.contains("예시 가구예요."), "{}", preview.text);
    let saved = app.post_form("/notices/wordings", &form("{가게}예요. {시간대}에 가요.", "save")).await;
    assert!(app.get(saved.location()).await.ok().contains("방문 안내 문구를 저장했어요"));
    let stale = app.post_form("/notices/wordings", &form("{가게}", "save")).await;
    assert!(app.get(stale.location()).await.ok().contains("다른 사람이 문구를 바꿨어요"));
    let initial = app.post_form("/notices/wordings", &form("", "initial")).await;
    assert!(app.get(initial.location()).await.ok().contains("처음 문구로 되돌렸어요"));
}
