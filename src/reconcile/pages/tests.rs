//! Reconciliation of order and settlement lists with a shop, and their reports.

use reqwest::StatusCode;
use reqwest::multipart::Part;

use crate::config::{DemoPlan, ResetSchedule};
use crate::storage::StorageError;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::Routes;
use crate::web::testing::{TestApp, TestResponse};

async fn shop() -> TestApp {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    app
}

/// Compares a file; `period` are the two days of the form.
async fn compare(app: &TestApp, name: &str, bytes: Vec<u8>, period: [&str; 2]) -> TestResponse {
    let part = Part::bytes(bytes).file_name(name.to_owned());
    let [from, to] = period.map(str::to_owned);
    app.post_multipart("/reconcile", |form| form.part("file", part).text("from", from).text("to", to)).await
}

fn fixture() -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{ORDERS_FILE}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
}

/// The number in the row of the table of sums.
fn number(page: &str, label: &str) -> i64 {
    let row = page.split(&format!("<th scope=\"row\">{label}</th>")).nth(1).expect("the row");
    let cell = row.split("data-label=\"주문\">").nth(1).expect("its number");
    let text = cell.split("</td>").next().expect("its end");
    let digits: String = text.rsplit('>').find(|part| !part.is_empty()).unwrap_or(text).replace("</a", "");
    digits.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a number")
}

#[tokio::test]
async fn order_list_is_compared_and_every_number_leads_to_its_rows() {
    let app = shop().await;
    app.state
        .storage
        .write(|tx| {
            tx.exec("UPDATE orders SET price = price + 1 WHERE order_number = '2024031500000001'", &[])?;
            tx.exec(
                "UPDATE orders SET order_number = '2024031599999999' WHERE order_number = '2024031500000002'",
                &[],
            )?;
            Ok::<_, StorageError>(())
        })
        .await
        .expect("writes");
    let answer = compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let here = answer.location().to_owned();
    let page = app.get(&here).await.ok();
    assert_eq!((number(&page, "여기에 없음"), number(&page, "판매채널에 없음")), (1, 1), "{page}");
    assert_eq!(number(&page, "금액 다름"), 1);
    for (rows, order) in [
        ("missing-here", "2024031500000002"),
        ("missing-there", "2024031599999999"),
        ("amount-differs", "2024031500000001"),
    ] {
        assert!(app.get(&format!("{here}?rows={rows}")).await.ok().contains(order), "{rows}");
    }
    assert!(page.contains("등록하기") && page.contains("admin"), "{page}");
    let upload = page.split("href=\"/uploads/").nth(1).and_then(|rest| rest.split('"').next()).expect("the upload");
    app.post_form(&format!("/uploads/{upload}/apply"), &[]).await;
    let again = compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await;
    assert_eq!(number(&app.get(again.location()).await.ok(), "여기에 없음"), 0, "the missing order was taken in");
    assert!(app.get("/reconcile").await.ok().contains("총 <strong>2</strong>건"));
}

#[tokio::test]
async fn settlement_list_adds_base_and_fees_and_needs_a_period_for_what_it_lacks() {
    let app = shop().await;
    let price = app.state.storage.read(|tx| {
        let sql = "SELECT price FROM orders WHERE order_number = '2024031500000001'";
        tx.scalar(sql, &[])
    });
    let base = price.await.expect("reads") + 50;
    let list = format!(
        "주문번호,상품주문번호,구분,상품명,정산기준금액,Npay 수수료,매출연동 수수료\n\
         1,2024031500000001,상품주문,소파,{base},-30,-20\n1,2024031500000001,배송비,배송비,3000,-10,0\n"
    );
    let answer = compare(&app, "정산.csv", list.clone().into_bytes(), ["", ""]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let page = app.get(answer.location()).await.ok();
    assert_eq!((number(&page, "목록의 주문"), number(&page, "일치"), number(&page, "판매채널에 없음")), (1, 1, 0));
    assert!(page.contains("기간을 정하지 않아서"));
    let answer = compare(&app, "정산.csv", list.into_bytes(), ["2024-01-01", "2024-12-31"]).await;
    let page = app.get(answer.location()).await.ok();
    assert!(number(&page, "판매채널에 없음") > 10, "{page}");
}

#[tokio::test]
async fn number_that_a_spreadsheet_rounded_is_neither_missing_here_nor_there() {
    const FOLDER: &str = "cases/25-sixteenth-digit";
    let app = TestApp::as_admin().await;
    let here = upload_fixture(&app, "cases/25-sixteenth-digit/orders.xlsx").await;
    app.post_form(&format!("{here}/apply"), &[]).await;
    let read = |name: &str| {
        std::fs::read(format!("{}/tests/fixtures/{FOLDER}/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
    };
    let whole = app.get(compare(&app, "orders.xlsx", read("orders.xlsx"), ["", ""]).await.location()).await.ok();
    assert!(!whole.contains("빼고 대조했어요"), "{whole}");
    let saved = compare(&app, "orders-resaved.xlsx", read("orders-resaved.xlsx"), ["", ""]).await;
    let saved = app.get(saved.location()).await.ok();
    assert_eq!((number(&saved, "여기에 없음"), number(&saved, "판매채널에 없음")), (0, 0), "{saved}");
    assert!(saved.contains("빼고 대조했어요") && !saved.contains("모두 일치해요"), "{saved}");
}

#[tokio::test]
async fn list_waits_for_its_turn_and_wrong_passwords_are_counted() {
    let app = TestApp::as_admin().await;
    let turns = [app.state.uploads.turns.wait().await, app.state.uploads.turns.wait().await];
    let waits =
        tokio::time::timeout(std::time::Duration::from_millis(500), compare(&app, "a.csv", fixture(), ["", ""]));
    assert!(waits.await.is_err(), "two files are being read");
    drop(turns);
    assert_eq!(compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await.status, StatusCode::SEE_OTHER);

    let member = app.state.storage.read(|tx| crate::members::store::find_id(tx, "admin")).await.expect("reads");
    for _ in 0..10 {
        app.state.uploads.password_tries.count(member.expect("is there"), app.state.now());
    }
    let answer = compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await;
    assert!(answer.text.contains("비밀번호를 여러 번 틀렸어요"), "{}", answer.text);
}

#[tokio::test]
async fn public_demo_limits_the_number_of_lists() {
    let plan = DemoPlan { orders: 1, reset_every: ResetSchedule::DAILY, is_public: true };
    let app = TestApp::start_with(|config| config.demo = Some(plan), Routes::new()).await;
    app.sign_in_admin().await;
    for _ in 0..2 {
        compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await;
    }
    let more = app.state.storage.write(|tx| {
        let sql = "INSERT INTO uploads (id, created_at, kind, channel_code, courier, file_name, file_size, file_sha256, \
                   file_kept, stage, refusal, findings) VALUES (?, 0, NULL, '', '', '', 0, '', 0, 'refused', '', '{}')";
        tx.exec_many(sql, &mut (1..17_i64).map(|id| vec![id.into()]))
    });
    more.await.expect("writes");
    let answer = compare(&app, "전체주문.xlsx", fixture(), ["", ""]).await;
    assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains("여기까지예요"), "{}", answer.text);
}

#[tokio::test]
async fn file_that_is_no_list_is_refused_with_its_reason() {
    let app = shop().await;
    let answer = compare(&app, "메모.csv", b"a,b\n1,2\n".to_vec(), ["", ""]).await;
    assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains("file-problem"));
    let answer = compare(&app, "전체주문.xlsx", fixture(), ["2024-03-20", "2024-03-10"]).await;
    assert!(answer.text.contains("끝나는 날이 시작하는 날보다 빨라요"), "{}", answer.text);
}

#[tokio::test]
async fn files_of_a_month_are_one_list_and_every_number_leads_to_its_rows() {
    let app = shop().await;
    let price = |number: &'static str| {
        app.state.storage.read(move |tx| {
            let sql = "SELECT price FROM orders WHERE order_number = ?";
            tx.scalar(sql, &[number.into()])
        })
    };
    let header = "주문번호,상품주문번호,구분,상품명,정산기준금액";
    let first = price("2024031500000001").await.expect("reads");
    let second = price("2024031500000002").await.expect("reads") + 1;
    let one = format!("{header}\n1,2024031500000001,상품주문,소파,{first}\n");
    let two = format!("{header}\n1,2024031500000002,상품주문,소파,{second}\n1,번호 없음,상품주문,소파,5\n");
    let answer = app
        .post_multipart("/reconcile", |form| {
            let part = |name: &str, text: &str| Part::bytes(text.as_bytes().to_vec()).file_name(name.to_owned());
            let form = form.part("file", part("정산1.csv", &one)).part("file", part("정산2.csv", &two));
            let again = form.part("file", part("정산1 (1).csv", &one));
            again.text("from", "2024-01-01").text("to", "2024-12-31")
        })
        .await;
    let here = answer.location().to_owned();
    let page = app.get(&here).await.ok();
    assert!(page.contains("정산1.csv, 정산2.csv") && !page.contains("정산1 (1).csv"), "{page}");
    let numbers = ["목록의 주문", "일치", "금액 다름", "읽지 못한 행"].map(|label| number(&page, label));
    assert_eq!(numbers, [2, 1, 1, 1], "{page}");
    let total = app.state.storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await.expect("reads");
    assert_eq!(number(&page, "판매채널에 없음"), total - 2, "no order of one file is missing in the other");
    for (rows, place, order) in [
        ("listed", "정산1.csv 2", "2024031500000001"),
        ("listed", "정산2.csv 2", "2024031500000002"),
        ("matched", "정산1.csv 2", "2024031500000001"),
        ("amount-differs", "정산2.csv 2", "2024031500000002"),
        ("unread", "정산2.csv 3", "읽지 못한 행 1건"),
    ] {
        let page = app.get(&format!("{here}?rows={rows}")).await.ok();
        assert!(page.contains(place) && page.contains(order), "{rows}: {page}");
    }
}

#[tokio::test]
async fn typed_password_opens_the_upload_of_missing_orders_too() {
    let app = TestApp::as_admin().await;
    let name = "03_smartstore_encrypted_agile_aes128_sha1.xlsx";
    let bytes = std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture");
    let part = Part::bytes(bytes).file_name(name);
    let answer = app.post_multipart("/reconcile", |form| form.part("file", part).text("password", "1234")).await;
    let page = app.get(answer.location()).await.ok();
    assert_eq!(number(&page, "여기에 없음"), 12);
    let upload = page.split("href=\"/uploads/").nth(1).and_then(|rest| rest.split('"').next()).expect("the upload");
    assert!(app.get(&format!("/uploads/{upload}")).await.ok().contains("미리보기예요"), "no password is asked again");
}
