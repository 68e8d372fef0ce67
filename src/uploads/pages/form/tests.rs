//! Columns of a file are taught, and an unknown file is mapped.

use reqwest::StatusCode;
use reqwest::multipart::Part;

use crate::sheets::tests::sheet_package;
use crate::web::testing::{TestApp, TestResponse};

const HEADERS: [&str; 12] = [
    "상품주문번호",
    "수취인명",
    "수취인연락처1",
    "우편번호",
    "기본배송지",
    "상세배송지",
    "상품명",
    "옵션정보",
    "수량",
    "정산예정금액",
    "주문일시",
    "발송기한",
];
const ROW: [&str; 12] = [
    "2026112700000001",
    "홍길동",
    "010-0000-0001",
    "04524",
    "서울특별시 중구 세종대로 110",
    "본관",
    "소파",
    "색상: 아이보리",
    "1",
    "1000",
    "2026-11-27 10:00",
    "2026-11-30",
];
const PARTNER: [&str; 8] = ["접수번호", "받는분", "받는분 핸드폰", "받는분 주소", "품목명", "갯수", "접수일자", "비고"];
const PARTNER_ROW: [&str; 8] =
    ["P-20261127-001", "김영희", "010-0000-0002", "대구 북구 칠성로 1", "침대", "2", "2026-11-27", "문 앞"];

/// Uploads a file of these rows; returns the path of its page.
async fn upload(app: &TestApp, rows: &[&[&str]]) -> String {
    let part = Part::bytes(sheet_package(rows)).file_name("목록.xlsx");
    let answer = app.post_multipart("/uploads", |form| form.part("files", part)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().to_owned()
}

async fn follow(app: &TestApp, answer: TestResponse) -> String {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    app.get(answer.location()).await.ok()
}

#[tokio::test]
async fn renamed_column_is_taught_and_the_file_is_read_in_place() {
    let app = TestApp::as_admin().await;
    let mut headers = HEADERS;
    (headers[2], headers[11]) = ("받는분 휴대폰", "발송 마감");
    let here = upload(&app, &[&headers, &ROW]).await;
    let page = app.get(&here).await.ok();
    assert!(page.contains("양식과 다른 열") && page.contains("꼭 필요해요"), "{page}");
    assert!(page.contains("<option value=\"받는분 휴대폰\" selected>"), "it is suggested: {page}");

    let teach = format!("{here}/teach");
    let both = [("column-수취인연락처1", "발송 마감"), ("column-발송기한", "발송 마감")];
    let refused = app.post_form(&teach, &both).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("두 곳에 선택했어요"), "{}", refused.text);
    let nothing = app.post_form(&teach, &[]).await;
    assert!(nothing.text.contains("선택한 열이 없어요"), "{}", nothing.text);

    let answer =
        app.post_form(&teach, &[("column-수취인연락처1", "받는분 휴대폰"), ("column-발송기한", "발송 마감")]).await;
    assert!(answer.location().starts_with(&here), "the same upload");
    let page = follow(&app, answer).await;
    assert!(page.contains("stage-previewed") && page.contains("파일의 열을 알려 주었어요"), "{page}");
    assert!(page.contains("<dt>등록</dt><dd>1</dd>"), "{page}");

    // The old file is still read, and the next one with the new names at once.
    let old = app.get(&upload(&app, &[&HEADERS, &ROW]).await).await.ok();
    let new = app.get(&upload(&app, &[&headers, &ROW]).await).await.ok();
    assert!(old.contains("stage-previewed") && new.contains("stage-previewed"));
}

#[tokio::test]
async fn unknown_file_is_mapped_and_recognised_the_next_time() {
    let app = TestApp::as_admin().await;
    let title: [&str; 1] = ["11월 27일 출고 요청"];
    let here = upload(&app, &[&title, &PARTNER, &PARTNER_ROW]).await;
    let page = app.get(&here).await.ok();
    assert!(page.contains("stage-refused") && page.contains("새 양식 만들기"), "{page}");
    let form = format!("{here}/form");
    let page = app.get(&form).await.ok();
    assert!(page.contains("김영희") && page.contains("<option value=\"2\" selected>2행 접수번호"), "{page}");

    let fields = |name: &'static str, fields: [&'static str; 8]| {
        let mut pairs = vec![("name".to_owned(), name.to_owned()), ("row".to_owned(), "2".to_owned())];
        for (place, (header, field)) in PARTNER.iter().zip(fields).enumerate() {
            pairs.push((format!("header-{place}"), (*header).to_owned()));
            pairs.push((format!("field-{place}"), field.to_owned()));
        }
        pairs
    };
    let post = async |pairs: Vec<(String, String)>| {
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        app.post_form(&form, &pairs).await
    };
    let chosen =
        ["order_number", "recipient_name", "recipient_tel1", "address", "product_name", "quantity", "placed_at", ""];
    let mut wrong = chosen;
    (wrong[0], wrong[7]) = ("", "quantity");
    let refused = post(fields("스마트스토어", wrong)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    for told in
        ["이미 있는 판매채널 이름이에요", "꼭 필요한 항목의 열이 없어요: 상품주문번호", "‘갯수’ 열에 이미 선택했어요"]
    {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }

    let page = follow(&app, post(fields("칠성 협력점", chosen)).await).await;
    assert!(page.contains("stage-previewed") && page.contains("칠성 협력점 주문"), "{page}");
    assert!(page.contains("<dt>등록</dt><dd>1</dd>"), "{page}");
    let page = follow(&app, app.post_form(&format!("{here}/apply"), &[]).await).await;
    assert!(page.contains("stage-applied"), "{page}");

    let mut next = PARTNER_ROW;
    next[0] = "P-20261128-001";
    let mut reordered = PARTNER;
    reordered.reverse();
    next.reverse();
    let next = app.get(&upload(&app, &[&reordered, &next]).await).await.ok();
    assert!(next.contains("칠성 협력점 주문") && next.contains("<dt>등록</dt><dd>1</dd>"), "{next}");

    let list = app.get("/channels/profiles").await.ok();
    assert!(list.contains("칠성 협력점") && list.contains("2개"), "{list}");
}

#[tokio::test]
async fn empty_sheet_has_nothing_to_map() {
    let app = TestApp::as_admin().await;
    let here = upload(&app, &[]).await;
    let page = follow(&app, app.get(&format!("{here}/form")).await).await;
    assert!(page.contains("제목 줄을 찾지 못했어요"), "{page}");
}

#[tokio::test]
async fn refused_file_is_kept_until_it_is_discarded() {
    let app = TestApp::as_admin().await;
    let here = upload(&app, &[&PARTNER, &PARTNER_ROW]).await;
    follow(&app, app.post_form(&format!("{here}/discard"), &[]).await).await;
    let page = app.get(&here).await.ok();
    assert!(page.contains("stage-discarded") && !page.contains("새 양식 만들기"), "{page}");
    let page = follow(&app, app.get(&format!("{here}/form")).await).await;
    assert!(page.contains("원본 파일이 없어요"), "{page}");
}

/// The form of a file: its kind and name, and the field of each header.
fn mapped(kind: &str, name: &str, fields: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut pairs = vec![("kind".to_owned(), kind.to_owned()), ("name".to_owned(), name.to_owned())];
    for (place, (header, field)) in fields.iter().enumerate() {
        pairs.push((format!("header-{place}"), (*header).to_owned()));
        pairs.push((format!("field-{place}"), (*field).to_owned()));
    }
    pairs.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    pairs
}

async fn post(app: &TestApp, path: &str, pairs: &[(String, String)]) -> TestResponse {
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.post_form(path, &pairs).await
}

/// A shop with one order of 스마트스토어, 2026112700000001.
async fn shop_with_an_order() -> TestApp {
    let app = TestApp::as_admin().await;
    let here = upload(&app, &[&HEADERS, &ROW]).await;
    follow(&app, app.post_form(&format!("{here}/apply"), &[]).await).await;
    app
}

#[tokio::test]
async fn unknown_tracking_list_is_mapped_with_its_courier() {
    let app = shop_with_an_order().await;
    let (headers, row) = (["의뢰번호", "화물 추적번호", "도착지"], ["2026112700000001", "451683001370", "중구"]);
    let here = upload(&app, &[&headers, &row]).await;
    let form = format!("{here}/form");
    let page = app.get(&format!("{form}?kind=tracking")).await.ok();
    assert!(page.contains("<option value=\"tracking\" selected>") && page.contains("목록 이름"), "{page}");
    assert!(!page.contains("value=\"recipient_name\""), "only the fields of a tracking list: {page}");

    let fields = [(headers[0], "order_number"), (headers[1], "")];
    let refused = post(&app, &form, &mapped("tracking", "동네 물류", &fields, &[])).await;
    assert!(refused.text.contains("꼭 필요한 항목의 열이 없어요: 송장번호"), "{}", refused.text);
    let fields = [(headers[0], "order_number"), (headers[1], "tracking_number")];
    let taken = post(&app, &form, &mapped("tracking", "로젠택배", &fields, &[])).await;
    assert!(taken.text.contains("이미 있는 이름이에요"), "{}", taken.text);
    let answer = post(&app, &form, &mapped("tracking", "동네 물류", &fields, &[("courier", "경동택배")])).await;
    let page = follow(&app, answer).await;
    assert!(page.contains("stage-previewed") && page.contains("동네 물류 송장") && page.contains("경동택배"), "{page}");

    // Recognised the next time, and taken back.
    let next = app.get(&upload(&app, &[&headers, &row]).await).await.ok();
    assert!(next.contains("stage-previewed") && next.contains("동네 물류 송장"), "{next}");
}

#[tokio::test]
async fn unknown_list_of_states_is_mapped_for_its_channel() {
    let app = shop_with_an_order().await;
    let headers = ["주문 식별", "진행 단계", "처리된 날"];
    let row = ["2026112700000001", "없던 일로", "2026-11-28 10:00"];
    let here = upload(&app, &[&headers, &row]).await;
    let form = format!("{here}/form");
    let page = app.get(&format!("{form}?kind=states")).await.ok();
    assert!(page.contains("<option value=\"SMART_STORE\">스마트스토어</option>"), "{page}");

    let fields = [(headers[0], "order_number"), (headers[1], "status"), (headers[2], "moment")];
    let nowhere = post(&app, &form, &mapped("states", "", &fields, &[("words-cancel", "없던 일로")])).await;
    assert!(nowhere.text.contains("어느 판매채널의 목록인지"), "{}", nowhere.text);
    let unknown = post(&app, &form, &mapped("states", "SMART_STORE", &fields, &[])).await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(unknown.text.contains("무슨 뜻인지 모르는 상태가 있어요: ‘없던 일로’"), "{}", unknown.text);
    let words = [("words-cancel", "없던 일로")];
    let page = follow(&app, post(&app, &form, &mapped("states", "SMART_STORE", &fields, &words)).await).await;
    assert!(page.contains("stage-previewed") && page.contains("스마트스토어 주문상태"), "{page}");
    let page = follow(&app, app.post_form(&format!("{here}/apply"), &[]).await).await;
    assert!(page.contains("stage-applied") && page.contains("취소"), "{page}");

    // Another layout of the same channel joins the first.
    let other = ["번호", "반품 단계", "끝난 날"];
    let returned = ["2026112700000001", "반품완료", "2026-11-29 10:00"];
    let there = upload(&app, &[&other, &returned]).await;
    let fields = [(other[0], "order_number"), (other[1], "status"), (other[2], "moment")];
    let page =
        follow(&app, post(&app, &format!("{there}/form"), &mapped("states", "SMART_STORE", &fields, &[])).await).await;
    assert!(page.contains("stage-previewed"), "{page}");
    for (headers, row) in [(headers, row), (other, returned)] {
        let page = app.get(&upload(&app, &[&headers, &row]).await).await.ok();
        assert!(page.contains("stage-previewed") && page.contains("스마트스토어 주문상태"), "{page}");
    }
}
