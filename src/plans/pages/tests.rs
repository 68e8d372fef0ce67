//! The pages of plans.

mod jobs;
mod moves;

use reqwest::StatusCode;

use crate::id::number_code;
use crate::storage::StorageError;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

const BOARD: &str = "/plans?day=2024-03-16";

/// A shop with two trucks, whose deliveries are due tomorrow; a member of the delivery team is logged in.
async fn dispatcher() -> TestApp {
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
        for name in ["1호차", "2호차"] {
            trucks::insert(tx, &Truck { volume: 9_000, pieces: 900, ..Truck::suggestion(name.to_owned()) })?;
        }
        Ok::<_, StorageError>(())
    });
    prepared.await.expect("writes");
    let team = app.another_browser();
    team.sign_in_logistics().await;
    team
}

/// The hidden versions of a board.
fn versions(page: &str) -> Vec<(String, String)> {
    page.split("name=\"version-")
        .skip(1)
        .filter_map(|rest| {
            let (column, rest) = rest.split_once("\" value=\"")?;
            Some((format!("version-{column}"), rest.split_once('"')?.0.to_owned()))
        })
        .collect()
}

/// Presses a button of a board that was loaded as `page`; the page that follows.
async fn press(app: &TestApp, page: &str, fields: &[(&str, &str)]) -> String {
    let versions = versions(page);
    let seen = versions.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let all: Vec<(&str, &str)> =
        [("day", "2024-03-16")].into_iter().chain(seen).chain(fields.iter().copied()).collect();
    let answer = app.post_form("/plans", &all).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    app.get(answer.location()).await.ok()
}

/// The first value behind a mark.
fn value_after<'p>(page: &'p str, mark: &str) -> &'p str {
    page.split_once(mark).and_then(|(_, rest)| rest.split('"').next()).expect(mark)
}

#[tokio::test]
async fn board_is_planned_and_fixed_in_three_requests() {
    let app = dispatcher().await;
    let empty = app.get(BOARD).await.ok();
    assert!(empty.contains("1호차") && empty.contains("0곳 배차"));
    let planned = press(&app, &empty, &[("act", "assign")]).await;
    assert!(planned.contains("곳을 배차했") && planned.contains("plan-number"), "{planned}");
    let fixed = press(&app, &planned, &[("act", "fix")]).await;
    assert!(fixed.contains("배차를 확정했어요") && fixed.contains("확정 풀기"));
    let again = press(&app, &fixed, &[("act", "assign")]).await;
    assert!(again.contains("배차할 수 있는 차가 없어요"));
    let week = app.get("/plans?day=2024-03-14").await.ok();
    assert!(week.contains("확정</span>"), "the week shows it");
}

#[tokio::test]
async fn second_dispatcher_is_told_that_a_tour_has_changed() {
    let app = dispatcher().await;
    let admin = app.another_browser();
    admin.sign_in_admin().await;
    let page = app.get(BOARD).await.ok();
    let planned = press(&app, &page, &[("act", "assign")]).await;
    let column = value_after(&planned, "value=\"fix:").to_owned();
    let stale = press(&admin, &page, &[("act", &format!("fix:{column}"))]).await;
    assert!(stale.contains("그 사이 driver 님이") && stale.contains("다시 해 주세요"));
    assert!(press(&admin, &planned, &[("act", &format!("fix:{column}"))]).await.contains("배차를 확정했어요"));
}

#[tokio::test]
async fn ticked_deliveries_are_moved_and_taken_out() {
    let app = dispatcher().await;
    let page = app.get(BOARD).await.ok();
    let (id, column) =
        (value_after(&page, "data-card=\"").to_owned(), value_after(&page, "<option value=\"").to_owned());
    assert!(press(&app, &page, &[("act", "move"), ("to", &column)]).await.contains("바꿀 것이 없어요"));
    let moved = press(&app, &page, &[("act", "move"), ("to", &column), ("tick", &id)]).await;
    assert!(moved.contains("1곳을 옮겼어요: 1호차") && moved.contains("차 고정</span>"));
    let freed = press(&app, &moved, &[("act", &format!("hold:free:{id}"))]).await;
    assert!(freed.contains("고정을 풀었어요"));
    let again = press(&app, &freed, &[("act", "move"), ("to", &column), ("tick", &id)]).await;
    assert!(again.contains("이미 1호차에 있어요"), "{again}");
    let out = press(&app, &freed, &[("act", "off"), ("tick", &id)]).await;
    assert!(out.contains("1곳을 옮겼어요: 미배차"));
    let dropped = press(&app, &out, &[("act", &format!("drop:{id}")), ("drop_to", &column), ("at", "0")]).await;
    assert!(dropped.contains("1곳을 옮겼어요: 1호차"));
    let undo = value_after(&dropped, "value=\"undo:").to_owned();
    let undone = press(&app, &dropped, &[("act", &format!("undo:{undo}"))]).await;
    assert!(undone.contains("되돌렸어요. 1곳을 옮겼어요: 미배차") && !undone.contains("value=\"undo:"), "{undone}");
    let wrong = app.post_form("/plans", &[("day", "2024-03-16"), ("act", "dance")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn move_that_overfills_a_truck_is_a_warning() {
    let app = dispatcher().await;
    let shrunk = app.state.storage.write(|tx| tx.exec("UPDATE trucks SET pieces = 1, volume = 1", &[])).await;
    shrunk.expect("writes");
    let page = app.get(BOARD).await.ok();
    let column = value_after(&page, "<option value=\"").to_owned();
    let ids: Vec<String> = page
        .split("data-card=\"")
        .skip(1)
        .filter_map(|rest| Some(rest.split('"').next()?.to_owned()))
        .take(2)
        .collect();
    let mut fields = vec![("act", "move"), ("to", column.as_str())];
    fields.extend(ids.iter().map(|id| ("tick", id.as_str())));
    let moved = press(&app, &page, &fields).await;
    assert!(
        moved.contains("notice warning") && moved.contains("이대로는 맞지 않아요: ") && moved.contains("개수 초과 ("),
        "{moved}"
    );
    let undo = value_after(&moved, "value=\"undo:").to_owned();
    let undone = press(&app, &moved, &[("act", &format!("undo:{undo}"))]).await;
    assert!(undone.contains("0곳 배차"), "{undone}");
}

#[tokio::test]
async fn fixed_tour_is_handed_out_on_the_board() {
    let app = dispatcher().await;
    let page = app.get(BOARD).await.ok();
    let planned = press(&app, &page, &[("act", "assign")]).await;
    let fixed = press(&app, &planned, &[("act", "fix")]).await;
    // What an open cancellation holds stays beside the trucks.
    let trucks = fixed.split_once("data-fixed").expect("a fixed truck").1;
    assert!(!trucks.contains("name=\"tick\""), "nothing of a fixed truck can be chosen");
    let column = value_after(&fixed, "value=\"hand-out:").to_owned();
    let act = format!("hand-out:{column}");
    assert!(press(&app, &fixed, &[("act", &act)]).await.contains("운전할 사람을 선택해 주세요"));
    let drivers = fixed.split_once(&format!("name=\"driver-{column}\"")).expect("drivers").1;
    let driver = drivers.split("<option value=\"").nth(2).and_then(|rest| rest.split('"').next()).expect("a driver");
    let out = press(&app, &fixed, &[("act", &act), (&format!("driver-{column}"), driver)]).await;
    assert!(
        out.contains("기사에게 넘겼어요. 2024-03-16부터 기사 휴대전화에 보여요.") && out.contains("진행 보기"),
        "{out}"
    );
    let papers = app.get("/plans/print?day=2024-03-16").await.ok();
    assert!(
        papers.contains("<h2 id=\"tour-0\">배차표") && papers.contains("상차표") && papers.contains("모두 인쇄"),
        "{papers}"
    );
}

#[tokio::test]
async fn job_has_a_window_and_is_not_overwritten() {
    let app = dispatcher().await;
    let id = app
        .state
        .storage
        .read(|tx| tx.scalar("SELECT min(id) FROM deliveries WHERE state = 0", &[]))
        .await
        .expect("reads");
    let path = format!("/plans/jobs/{}", number_code(id));
    assert!(app.get(&path).await.ok().contains("안 함"));
    let fields = [("from", "14:00"), ("to", "16:00"), ("minutes", "45")];
    let saved = app.post_form(&path, &fields).await;
    let page = app.get(saved.location()).await.ok();
    assert!(page.contains("배차 정보를 저장했어요") && page.contains("value=\"14:00\""));
    let changed = app.post_form(&path, &[("from", "09:00"), ("to", "12:00"), ("version", "0")]).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER);
    let stale = app.post_form(&path, &[("from", "10:00"), ("to", "12:00"), ("version", "0")]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        stale.text.contains("그 사이 다른 사람이 배차 정보를") && stale.text.contains("name=\"version\" value=\"1\"")
    );
    let wrong = app.post_form(&path, &[("from", "저녁"), ("version", "1")]).await;
    assert!(wrong.text.contains("두 시각을 09:00, 12:00처럼"));
    assert!(app.get(BOARD).await.ok().contains("09:00~12:00"));
    assert_eq!(app.get("/plans/jobs/7").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn tour_is_shown_and_loaded_in_reverse() {
    let app = dispatcher().await;
    let page = app.get(BOARD).await.ok();
    let planned = press(&app, &page, &[("act", "assign")]).await;
    let path = format!("/plans/tours/{}", value_after(&planned, "href=\"/plans/tours/"));
    let tour = app.get(&path).await.ok();
    assert!(tour.contains("배차표 1호차 2024-03-16 (토)") || tour.contains("배차표 2호차 2024-03-16 (토)"));
    assert!(tour.contains("<polyline class=\"route\"") && tour.contains("/deliveries/slips?id="));
    assert!(!tour.contains("data-print-now"));
    assert!(app.get(&format!("{path}?print=now")).await.ok().contains("data-print-now"));
    let loading = app.get(&format!("{path}/loading")).await.ok();
    let positions: Vec<i64> = loading
        .split("data-label=\"배송 순서\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next()?.parse().ok())
        .collect();
    assert!(positions.len() > 1 && positions.is_sorted_by(|one, other| one >= other), "{positions:?}");
    assert_eq!(positions.last(), Some(&1));
    let tels = app.state.storage.read(|tx| {
        let rows = tx.query("SELECT DISTINCT recipient_tel1 FROM orders WHERE recipient_tel1 <> ''", &[])?;
        rows.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>, StorageError>>()
    });
    for tel in tels.await.expect("reads") {
        assert!(!loading.contains(&tel), "who loads needs no telephone number: {tel}");
    }
    assert_eq!(app.get("/plans/tours/7").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn full_day_is_promised_only_knowingly() {
    let team = dispatcher().await;
    let id = team
        .state
        .storage
        .read(|tx| {
            let sql = "SELECT id FROM deliveries WHERE state = 0 AND sigungu_code IS NOT NULL ORDER BY id LIMIT 1";
            tx.query_one(sql, &[])?.ok_or(StorageError::Inconsistent("no delivery".to_owned()))?.int(0)
        })
        .await
        .expect("a delivery");
    let url = format!("/plans/dates?delivery={}", number_code(id));
    let page = team.get(&url).await.text;
    assert!(page.contains("약속할 수 있는 날") && page.contains("운전해요"), "{page}");
    assert!(page.contains("희망배송일</dt>") && page.contains("갈 수 없어요"), "the wished day comes first: {page}");
    let offers = page.split_once("<ul class=\"offers\">").expect("offers").1;
    let day = offers.split("name=\"day\" value=\"").nth(1).expect("an offer")[..10].to_owned();
    let fields = |day: &str| [("delivery", number_code(id)), ("day", day.to_owned()), ("channel", "phone".to_owned())];
    let pairs = fields(&day);
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let kept = team.post_form("/plans/dates", &pairs).await;
    assert_eq!(kept.status, StatusCode::SEE_OTHER);
    let page = team.get(kept.location()).await.text;
    assert!(page.contains("배송일을 약속했어요") && page.contains("약속 기록"), "{page}");

    let sunday = fields("2024-03-24");
    let mut pairs: Vec<(&str, &str)> = sunday.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let refused = team.post_form("/plans/dates", &pairs).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("그래도 이날로 약속할게요"), "{}", refused.text);
    pairs.push(("despite", "1"));
    assert_eq!(team.post_form("/plans/dates", &pairs).await.status, StatusCode::SEE_OTHER);
    let list = team.get("/plans/promises").await.text;
    assert!(list.contains("전화할 곳 1곳") && list.contains("그날 다니는 차가 없어요"), "{list}");
}

#[tokio::test]
async fn customer_without_an_order_is_told_when_a_truck_can_come() {
    let team = dispatcher().await;
    let empty = team.get("/plans/dates").await.text;
    assert!(empty.contains("날짜 찾기") && !empty.contains("약속할 수 있는 날"));
    let found = team.get("/plans/dates?zip=04524&quantity=2").await.text;
    assert!(found.contains("운전해요") && !found.contains("/orders/new"), "{found}");
    let island = team.get("/plans/dates?zip=63100").await.text;
    assert!(island.contains("건너뛴 날 45일") && island.matches("배로 가는 곳이에요").count() == 1, "{island}");
    let wrong = team.get("/plans/dates?zip=123").await.text;
    assert!(wrong.contains("우편번호 다섯 자리"), "{wrong}");
    let admin = TestApp::as_admin().await;
    admin.post_form(&format!("{}/apply", upload_fixture(&admin, ORDERS_FILE).await), &[]).await;
    let form = admin.get("/orders/new?date=2024-03-20").await.ok();
    assert!(form.contains("value=\"2024-03-20\""));
}
