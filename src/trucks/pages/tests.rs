//! The pages of trucks.

use reqwest::StatusCode;

use crate::routing::points::{PointAccuracy, PostalPoints};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// The first value of an attribute in a page, behind a mark.
fn value_after<'p>(page: &'p str, mark: &str) -> &'p str {
    page.split_once(mark).and_then(|(_, rest)| rest.split('"').next()).expect(mark)
}

const TRUCK: [(&str, &str); 10] = [
    ("name", "1호차"),
    ("crew", "2"),
    ("volume", "12.5"),
    ("pieces", "20"),
    ("starts_at", "08:30"),
    ("ends_at", "17:30"),
    ("overtime", "120"),
    ("weekday", "0"),
    ("weekday", "1"),
    ("enabled", "1"),
];

#[tokio::test]
async fn truck_is_added_changed_and_not_overwritten() {
    let app = TestApp::start().await;
    app.sign_in_logistics().await;
    assert!(
        app.get("/trucks").await.ok().contains("아직 차량이 없어요")
            && app.get("/trucks/new").await.ok().contains("1호차")
    );
    let wrong = app.post_form("/trucks/new", &[("name", "1호차"), ("crew", "9")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("1에서 4명 사이로"));

    let added = app.post_form("/trucks/new", &TRUCK).await;
    let list = app.get(added.location()).await.ok();
    assert!(list.contains("1호차 차량을 저장했어요") && list.contains("12.5 m³") && list.contains("월·화"));
    let again = app.post_form("/trucks/new", &TRUCK).await;
    assert!(again.text.contains("같은 이름의 차량이 있어요"));

    let id = value_after(&list, "<a href=\"/trucks/0").to_owned();
    let path = format!("/trucks/0{id}");
    let change = |version, pieces| {
        let mut fields = TRUCK.to_vec();
        fields[3].1 = pieces;
        fields.push(("version", version));
        fields
    };
    let saved = app.post_form(&path, &change("0", "30")).await;
    assert!(app.get(saved.location()).await.ok().contains("30개"));
    let stale = app.post_form(&path, &change("0", "40")).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.text.contains("그 사이 다른 사람이") && stale.text.contains("name=\"version\" value=\"1\""));
}

#[tokio::test]
async fn weekdays_of_a_district_are_added_and_deleted() {
    let app = TestApp::as_admin().await;
    let unknown = app.post_form("/trucks/days", &[("act", "save"), ("district", "없는시"), ("weekday", "1")]).await;
    assert!(unknown.status == StatusCode::UNPROCESSABLE_ENTITY && unknown.text.contains("목록에서 선택해"));
    let gumi = [("act", "save"), ("district", "경상북도 구미시"), ("weekday", "1"), ("weekday", "4")];
    let saved = app.post_form("/trucks/days", &gumi).await;
    let page = app.get(saved.location()).await.ok();
    assert!(page.contains("경상북도 구미시의 배송 요일을 정했어요: 화·금"));
    assert!(app.post_form("/trucks/days", &gumi).await.text.contains("이미 요일을 정한 지역"));
    let (code, was) = (value_after(&page, "name=\"code\" value=\""), value_after(&page, "name=\"was\" value=\""));
    let stale = app.post_form("/trucks/days", &[("act", "delete"), ("code", code), ("was", "1")]).await;
    assert!(stale.text.contains("그 사이 다른 사람이 이 지역의 요일을"));
    let deleted = app.post_form("/trucks/days", &[("act", "delete"), ("code", code), ("was", was)]).await;
    assert!(!app.get(deleted.location()).await.ok().contains("name=\"code\""));
}

#[tokio::test]
async fn holidays_are_listed_and_changed_by_hand() {
    let app = TestApp::as_admin().await;
    assert!(app.get("/trucks/holidays?year=2027").await.ok().contains("설날 대체공휴일"));
    let fields = [("act", "off"), ("day", "2027-05-04"), ("name", "임시공휴일")];
    let added = app.post_form("/trucks/holidays", &fields).await;
    let page = app.get(added.location()).await.ok();
    assert!(page.contains("2027-05-04: 모든 차량의 휴무로 정했어요") && page.contains("임시공휴일"));
    let work = app.post_form("/trucks/holidays", &[("act", "work"), ("day", "2027-05-05"), ("name", "어린이날")]).await;
    assert!(app.get(work.location()).await.ok().contains("일하는 날</span>"));
    let deleted = app.post_form("/trucks/holidays", &[("act", "delete"), ("day", "2027-05-04")]).await;
    assert!(!app.get(deleted.location()).await.ok().contains("<td data-label=\"이름\">임시공휴일"));
    let wrong = app.post_form("/trucks/holidays", &[("act", "off"), ("day", "5월"), ("name", "x")]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.text.contains("날짜를 선택해 주세요"));
}

#[tokio::test]
async fn handling_of_a_product_is_saved_with_defaults() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let page = app.get("/trucks/handling").await.ok();
    let key = value_after(&page, "name=\"was-").to_owned();
    let field = |name: &str| format!("{name}-{key}");
    let (minutes, was) = (field("minutes"), field("was"));
    let saved = app.post_form("/trucks/handling", &[(&minutes, "45"), (&was, "")]).await;
    let page = app.get(saved.location()).await.ok();
    assert!(page.contains("작업 기준 1개를 저장했어요") && page.contains("value=\"45,2,100,1\""));
    let stale = app.post_form("/trucks/handling", &[(&minutes, "50"), (&was, "")]).await;
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(stale.text.contains("그 사이 다른 사람이 바꿨어요"));
    let wrong = app.post_form("/trucks/handling", &[(&minutes, "많이"), (&was, "45,2,100,1")]).await;
    assert!(wrong.text.contains("0에서 600분 사이로"));
    let options = app.get(&format!("/trucks/handling/{key}")).await.ok();
    assert!(options.contains("옵션이 여럿이면 큰 값을"));
}

#[tokio::test]
async fn point_is_corrected_by_another_code_or_a_map_and_taken_back() {
    let app = TestApp::as_admin().await;
    assert!(app.get("/trucks/points?zip=04524").await.ok().contains("구역 가운데로 알고 있어요"));
    let save = |location| [("act", "save"), ("zip", "4524"), ("location", location)];
    let saved = app.post_form("/trucks/points", &save("36.1195, 128.3446")).await;
    let page = app.get(saved.location()).await.ok();
    assert!(page.contains("우편번호 04524의 위치를 바로잡았어요") && page.contains("36.119500, 128.344600"), "{page}");
    let districts = app.state.districts.refresh(&app.state.storage).await.expect("reads");
    let located = PostalPoints::new(&districts).locate("04524");
    assert!(located.is_some_and(|(point, accuracy)| point.lat < 36.2 && accuracy == PointAccuracy::Corrected));
    let like = app.post_form("/trucks/points", &save("39867")).await;
    assert!(app.get(like.location()).await.ok().contains("39867의 위치"));
    for wrong in ["여기", "04524", "99999"] {
        let refused = app.post_form("/trucks/points", &save(wrong)).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        assert!(refused.text.contains("location-problem"), "{}", refused.text);
    }
    let undone = app.post_form("/trucks/points", &[("act", "delete"), ("zip", "04524")]).await;
    assert!(app.get(undone.location()).await.ok().contains("처음 값으로 되돌렸어요"));
    let districts = app.state.districts.refresh(&app.state.storage).await.expect("reads");
    let located = PostalPoints::new(&districts).locate("04524");
    assert!(located.is_some_and(|(point, accuracy)| point.lat > 37.5 && accuracy == PointAccuracy::Zone));
}

#[tokio::test]
async fn factor_of_a_road_is_set_changed_and_deleted() {
    let app = TestApp::as_admin().await;
    let save = |from, to, percent| [("act", "save"), ("from", from), ("to", to), ("percent", percent)];
    let saved = app.post_form("/trucks/roads", &save("경상북도 구미시", "경상북도 김천시", "120")).await;
    let page = app.get(saved.location()).await.ok();
    assert!(page.contains("운전 시간을 120%로 보정했어요") && page.contains("직접 입력"), "{page}");
    let changed = app.post_form("/trucks/roads", &save("경상북도 김천시", "경상북도 구미시", "130%")).await;
    let page = app.get(changed.location()).await.ok();
    assert!(page.contains("130%</td>") && !page.contains("120%</td>"), "one factor for both directions: {page}");
    let areas = value_after(&page, "name=\"areas\" value=\"").to_owned();
    for wrong in
        [save("없는시", "", "120"), save("경상북도 구미시", "없는시", "120"), save("경상북도 구미시", "", "20")]
    {
        assert_eq!(app.post_form("/trucks/roads", &wrong).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let deleted = app.post_form("/trucks/roads", &[("act", "delete"), ("areas", &areas)]).await;
    assert!(app.get(deleted.location()).await.ok().contains("보정한 길이 없어요"));
}

#[tokio::test]
async fn depot_is_set() {
    let app = TestApp::as_admin().await;
    let form = [
        ("depot_zip", "39867"),
        ("lead_days", "3"),
        ("minutes", "25"),
        ("crew", "2"),
        ("volume", "1"),
        ("pieces", "1"),
    ];
    let saved = app.post_form("/trucks/settings", &form).await;
    let page = app.get(saved.location()).await.ok();
    assert!(
        page.contains("배송 기준을 저장했어요") && page.contains("value=\"39867\"") && page.contains("value=\"25\"")
    );
    let wrong = app.post_form("/trucks/settings", &[("depot_zip", "1"), ("ferry_zips", "제주")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("우편번호 다섯 자리") && wrong.text.contains("‘제주’을 읽지 못했어요"));
}
