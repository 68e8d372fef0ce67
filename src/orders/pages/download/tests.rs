//! Downloaded files, their purpose and their record.

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use reqwest::StatusCode;
use reqwest::multipart::Part;

use crate::id::number_code;
use crate::orders::store;
use crate::orders::testing::edit;
use crate::storage::{StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// A shop with the orders of the first file, some of them shipped.
async fn shop() -> TestApp {
    let app = TestApp::as_admin().await;
    for file in [ORDERS_FILE, "08_logen_result_header_row2.xls"] {
        app.post_form(&format!("{}/apply", upload_fixture(&app, file).await), &[]).await;
    }
    app
}

/// The sheets of a downloaded workbook: name and rows.
async fn workbook(app: &TestApp, query: &str, purpose: &str) -> (String, Vec<(String, Vec<Vec<Data>>)>) {
    let token = app.token("/account").await;
    let page = app.get(&format!("/orders/download?{query}")).await.ok();
    let held = page.split("name=\"held\" value=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let left_out = page.split("name=\"left_out\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form: Vec<(&str, &str)> = [("csrf", token.as_str()), ("purpose", purpose)]
        .into_iter()
        .chain(left_out.map(|numbers| ("left_out", numbers)))
        .chain(held.map(|id| ("held", id)))
        .collect();
    let answer = app.browser.post(app.url(&format!("/orders/download?{query}"))).form(&form).send().await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let name = answer.headers()["content-disposition"].to_str().expect("plain").to_owned();
    let length = answer.headers()["content-length"].to_str().expect("plain").to_owned();
    let bytes = answer.bytes().await.expect("bytes");
    assert_eq!(length, bytes.len().to_string());
    let mut workbook = Xlsx::new(Cursor::new(bytes)).expect("a workbook");
    let sheets = workbook.worksheets();
    (name, sheets.into_iter().map(|(name, range)| (name, range.rows().map(<[Data]>::to_vec).collect())).collect())
}

#[tokio::test]
async fn purchase_order_has_a_sheet_per_product_and_a_dated_name() {
    let app = shop().await;
    let (name, sheets) = workbook(&app, "content=purchase-order", "factory").await;
    assert!(
        name.ends_with(
            "filename*=UTF-8''2024-03-15%20%EC%A0%84%EC%B2%B4%20%EC%83%81%ED%92%88%20%EB%B0%9C%EC%A3%BC%EA%B1%B4.xlsx"
        ),
        "{name}"
    );
    assert_eq!(sheets.len(), 7);
    assert_eq!(sheets.iter().map(|(_, rows)| rows.len() - 1).sum::<usize>(), 22, "without the one with 취소요청");
    let (first, rows) = &sheets[0];
    assert_eq!(first, "예시공방 린넨 3인 소파");
    assert_eq!(rows[0].len(), 27);
    assert!(rows[1..].iter().all(|row| row[7] == Data::String(first.clone())));
    assert_eq!(rows[1][0], Data::Float(1.0));

    let app = shop().await;
    let (name, sheets) = workbook(&app, "content=purchase-order&product=PILLOW", "factory").await;
    assert!(name.contains("%EB%B0%9C%EC%A3%BC%EA%B1%B4.xlsx") && sheets.len() == 1, "{name}");
}

#[tokio::test]
async fn dispatch_file_has_the_sheet_and_columns_of_the_channel() {
    let app = shop().await;
    let (_, sheets) = workbook(&app, "content=dispatch&state=SHIPPED&channel=SMART_STORE", "channel").await;
    let [(name, rows)] = &sheets[..] else { panic!("{sheets:?}") };
    let text = |cells: [&str; 4]| cells.map(|cell| Data::String(cell.to_owned()));
    assert_eq!(name, "발송처리");
    assert_eq!(rows[0], text(["상품주문번호", "배송방법", "택배사", "송장번호"]));
    assert_eq!(rows[1], text(["2024031500000001", "택배,등기,소포", "로젠택배", "45168300137"]));
    assert_eq!(rows.len(), 9);
}

#[tokio::test]
async fn unknown_courier_is_named_before_the_dispatch_file() {
    let app = shop().await;
    let rename = "UPDATE orders SET courier = '동네배송' WHERE order_number = '2024031500000001'";
    app.state.storage.write(|tx| tx.exec(rename, &[])).await.expect("writes");
    let here = "/orders/download?content=dispatch&state=SHIPPED&channel=SMART_STORE";
    let page = app.get(here).await.ok();
    assert!(page.contains("판매채널이 모르는 택배사 1건") && page.contains("동네배송"), "{page}");
    let answer = app.post_form(here, &[("purpose", "channel")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("아래에서 확인하고 다시 눌러 주세요"), "{}", answer.text);
    let answer = app.post_form(here, &[("purpose", "channel"), ("unknown_couriers", "1")]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn file_for_accounts_has_names_and_no_telephone_number() {
    let app = shop().await;
    let here = "/orders/download?content=orders&state=SHIPPED";
    let form = |purpose: &'static str| [("purpose", purpose), ("format", "csv")];
    let shipping = app.post_form(here, &form("shipping")).await.ok();
    let accounts = app.post_form(here, &form("accounting")).await.ok();
    assert!(shipping.contains("010-0000-"), "{shipping}");
    assert!(!accounts.contains("010-0000-") && accounts.contains("010-****-"), "{accounts}");
    let name = |file: &str| file.lines().nth(1).map(|line| line.split(',').take(3).collect::<String>());
    assert_eq!(name(&accounts), name(&shipping), "the rest is the same");
    assert!(app.get(here).await.ok().contains("정산·회계로 받으면 전화번호와 주소, 메모를 가려요"));
}

#[tokio::test]
async fn purpose_is_required_and_recorded() {
    let app = shop().await;
    let here = "/orders/download?content=orders&state=SHIPPED";
    for (fields, wrong) in [
        (&[("purpose", ""), ("note", "세무사")][..], "무엇에 쓸 파일인지 선택해 주세요"),
        (&[("purpose", "other"), ("note", "  ")], "무엇에 쓸 파일인지 입력해 주세요"),
    ] {
        let answer = app.post_form(here, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(wrong), "{}", answer.text);
    }
    assert!(app.post_form(here, &[("note", "세무사")]).await.text.contains("value=\"세무사\""));
    assert!(app.get("/downloads").await.ok().contains("아직 내려받은 파일이 없어요"), "no download is recorded");

    let answer = app.post_form(here, &[("purpose", "other"), ("note", "세무사"), ("format", "csv")]).await;
    assert!(answer.header("content-type").starts_with("text/csv") && answer.text.lines().count() == 9);
    let page = app.get("/downloads").await.ok();
    for word in ["총 <strong>1</strong>건", "admin", "주문 검색 결과", ">8<", "기타", "세무사", "주문상태 배송됨"]
    {
        assert!(page.contains(word), "{word}: {page}");
    }
}

#[tokio::test]
async fn unavailable_download_shows_its_reason() {
    let app = shop().await;
    let list = app.get("/orders?state=PLACED").await.ok();
    assert!(list.contains("주문상태 ‘배송됨’, 판매채널 ‘스마트스토어’로 찾아야"), "{list}");
    assert!(list.contains("href=\"/orders?state=SHIPPED&#38;channel=SMART_STORE\""), "{list}");
    assert!(list.contains("/orders/download?state=PLACED&#38;content=purchase-order"), "{list}");

    let refused = app.post_form("/orders/download?content=dispatch&state=PLACED", &[("purpose", "channel")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("판매채널 ‘스마트스토어’로 찾아야"), "{}", refused.text);
    let empty = app.post_form("/orders/download?content=orders&q=zzzz", &[("purpose", "customer")]).await;
    assert!(empty.text.contains("조건에 맞는 주문이 없어요"), "{}", empty.text);
    assert_eq!(app.get("/orders/download?content=everything").await.status, StatusCode::NOT_FOUND);
    assert!(app.get("/downloads").await.ok().contains("아직 내려받은 파일이 없어요"), "no download is recorded");
}

#[tokio::test]
async fn held_order_is_named_and_left_out_unless_the_member_names_it() {
    let app = shop().await;
    let id = app.state.storage.write(|tx| {
        let ids = store::find_by_number(tx, "2024031500000001")?;
        let order = store::find(tx, &ids)?.remove(0);
        edit(tx, &order, |order| "취소요청".clone_into(&mut order.claim))?;
        Ok::<_, StorageError>(order.id.to_string())
    });
    let id = id.await.expect("writes");
    let here = "/orders/download?content=dispatch&state=SHIPPED&channel=SMART_STORE";
    let form = |more: &[(&'static str, &str)]| {
        let purpose: (&str, String) = ("purpose", "channel".to_owned());
        let csv = ("format", "csv".to_owned());
        [purpose, csv]
            .into_iter()
            .chain(more.iter().map(|(name, value)| (*name, (*value).to_owned())))
            .collect::<Vec<_>>()
    };
    let post = async |fields: Vec<(&str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.post_form(here, &fields).await
    };
    let page = app.get(here).await.ok();
    assert!(page.contains("판매채널에서 고객의 취소 요청이 거부돼요") && page.contains("2024031500000001"));

    let unseen = post(form(&[])).await;
    assert!(unseen.status == StatusCode::UNPROCESSABLE_ENTITY && unseen.text.contains("2024031500000001"));
    let without = post(form(&[("held", &id)])).await;
    assert!(without.status == StatusCode::OK && !without.text.contains("2024031500000001"));
    let with = post(form(&[("held", &id), ("despite", &id), ("repeats", "1")])).await;
    assert!(with.status == StatusCode::OK && with.text.contains("2024031500000001"));
    let log = app.get(&format!("/orders/{id}")).await.ok();
    assert!(log.contains("클레임에도 진행") && log.contains("스마트스토어 발송처리"));
}

#[tokio::test]
async fn age_of_the_claims_is_told_and_warned_of_before_the_file_is_made() {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    const OLD: &str = "클레임 정보가 오래됐어요";
    let app = shop().await;
    let here = "/orders/download?content=dispatch&state=SHIPPED&channel=SMART_STORE";
    app.clock.advance_ms(4 * HOUR_MS);
    let page = app.get(here).await.ok();
    assert!(page.contains("스마트스토어 2024-03-15 10:00 (4시간 전)") && !page.contains(OLD), "{page}");
    assert!(!app.get("/orders/download?content=orders").await.ok().contains("클레임 정보"), "a list sends nothing");
    app.clock.advance_ms(HOUR_MS);
    let page = app.get(here).await.ok();
    assert!(page.contains(OLD) && page.contains("(5시간 전)까지의 취소 요청만 알아요"), "{page}");
    let slips = app.get("/deliveries/slips").await.ok();
    assert!(slips.contains(OLD) && slips.contains("클레임 정보 스마트스토어 2024-03-15 10:00"), "{slips}");

    let form = [("name", "보기 침대"), ("claim_data_hours", "6")];
    app.post_form("/shop", &form).await;
    assert!(!app.get(here).await.ok().contains(OLD), "the shop allows six hours");
    app.post_form("/shop", &[("claim_data_hours", "4")]).await;
    let list = "상품주문번호,주문상태,취소 처리상태,취소요청일\n2024031500000001,결제완료,취소요청,2024-03-15 15:00\n";
    let part = Part::bytes(list.as_bytes()).file_name("취소관리.csv");
    let answer = app.post_multipart("/uploads", |form| form.part("files", part)).await;
    app.post_form(&format!("{}/apply", answer.location()), &[]).await;
    let page = app.get(here).await.ok();
    assert!(page.contains("2024-03-15 15:00 (0분 전)") && !page.contains(OLD), "{page}");
}

#[tokio::test]
async fn one_press_asks_when_the_claims_are_old_and_courier_files_name_the_claim() {
    let app = shop().await;
    app.clock.advance_ms(5 * 60 * 60 * 1000);
    let ids = placed(&app).await;
    let chosen: Vec<(&str, &str)> = ids.iter().map(|id| ("tick", id.as_str())).collect();
    let one_press = "/orders/download?chosen=1&content=purchase-order";
    let dispatch = "/orders/download?state=SHIPPED&channel=SMART_STORE&content=dispatch";
    for (url, form) in [(one_press, chosen.clone()), (dispatch, vec![("purpose", "channel")])] {
        let asked = app.post_form(url, &form).await;
        assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "{url}");
        assert!(asked.text.contains("파일을 아직 받지 않았어요. 클레임 정보를 확인하고"), "{}", asked.text);
        assert!(asked.text.contains("name=\"claims_seen\" value=\"SMART_STORE\""), "{}", asked.text);
        let purpose = if form.len() > 1 { vec![("purpose", "factory")] } else { Vec::new() };
        let seen = [form, purpose, vec![("left_out", "0.0"), ("claims_seen", "SMART_STORE")]].concat();
        assert_eq!(app.post_form(url, &seen).await.status, StatusCode::OK, "{url}");
    }

    let courier = "/orders/download?state=PLACED&content=courier-order.logen";
    let page = app.get(courier).await.ok();
    assert!(page.contains("취소 요청이 들어와서 빼는 주문 1건") && page.contains("클레임 정보"), "{page}");
    let unseen = app.post_form(courier, &[("purpose", "shipping"), ("claims_seen", "SMART_STORE")]).await;
    assert!(unseen.text.contains("취소 요청이 들어온 주문이 있어요"), "{}", unseen.text);
}

/// Identifiers of placed orders without a claim.
async fn placed(app: &TestApp) -> Vec<String> {
    let found = app.state.storage.read(|tx| {
        let rows = tx.query("SELECT id FROM orders WHERE state = 0 AND claim = '' ORDER BY id LIMIT 4", &[])?;
        rows.iter().map(|row| row.int(0).map(number_code)).collect::<Result<Vec<_>, StorageError>>()
    });
    found.await.expect("reads")
}

/// Order numbers of a downloaded workbook, and its bytes.
async fn press(app: &TestApp, url: &str, fields: &[(&str, &str)]) -> (Vec<String>, Vec<u8>) {
    let token = app.token("/account").await;
    let form = [&[("csrf", token.as_str())][..], fields].concat();
    let answer = app.browser.post(app.url(url)).form(&form).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let bytes = answer.bytes().await.expect("bytes").to_vec();
    let mut workbook = Xlsx::new(Cursor::new(bytes.clone())).expect("a workbook");
    let rows = workbook.worksheets().into_iter().flat_map(|(_, range)| {
        let rows: Vec<Vec<Data>> = range.rows().map(<[Data]>::to_vec).collect();
        let at = rows[0].iter().position(|cell| ["상품주문번호", "주문번호"].contains(&cell.to_string().as_str()));
        let at = at.expect("a column of numbers");
        rows[1..].iter().map(|row| row[at].to_string()).collect::<Vec<_>>()
    });
    (rows.collect(), bytes)
}

#[tokio::test]
async fn second_batch_of_a_day_has_no_order_of_the_first() {
    let app = shop().await;
    let ids = placed(&app).await;
    let url = "/orders/download?state=PLACED&chosen=1&content=purchase-order";
    let chosen = |count: usize| ids[..count].iter().map(|id| ("tick", id.as_str())).collect::<Vec<_>>();
    let (first, bytes) = press(&app, url, &chosen(2)).await;
    assert_eq!(first.len(), 2);

    let named = app.post_form(url, &chosen(4)).await;
    assert_eq!(named.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(named.text.contains("이미 파일로 받은 주문 2건도 다시 넣기"), "{}", named.text);
    let rest = [chosen(4), vec![("purpose", "factory"), ("left_out", "sent.2")]].concat();
    let (second, _) = press(&app, url, &rest).await;
    assert_eq!(second.len(), 2);
    assert!(second.iter().all(|number| !first.contains(number)), "{first:?} {second:?}");
    let all = app.post_form(url, &chosen(4)).await;
    assert!(all.text.contains("모두 이미 파일로 받은 주문이에요"), "{}", all.text);
    let repeated = [chosen(4), vec![("purpose", "factory"), ("left_out", "sent.4"), ("repeats", "1")]].concat();
    assert_eq!(press(&app, url, &repeated).await.0.len(), 4);
    let none = app.post_form(url, &[]).await;
    assert!(app.get(none.location()).await.ok().contains("선택한 주문이 없어요"));

    let log = app.get("/downloads").await.ok();
    let again = log.rsplit("action=\"/downloads/").next().and_then(|rest| rest.split('"').next()).expect("a file");
    let (numbers, same) = press(&app, &format!("/downloads/{again}"), &[]).await;
    assert_eq!((numbers, same), (first, bytes), "the file as it was");
    assert!(app.get(&format!("/orders/{}", ids[0])).await.ok().contains("보낸 파일"));
}

#[tokio::test]
async fn order_with_a_corrected_courier_goes_to_the_channel_again() {
    let app = shop().await;
    let url = "/orders/download?content=dispatch&state=SHIPPED&channel=SMART_STORE";
    let (first, _) = press(&app, url, &[("purpose", "channel")]).await;
    assert_eq!(first.len(), 8);
    let again = app.post_form(url, &[("purpose", "channel")]).await;
    assert!(again.text.contains("모두 이미 파일로 받은 주문이에요"), "{}", again.text);
    app.clock.advance_ms(1);
    let correct = |tx: &mut dyn Tx| {
        let id = store::find_by_number(tx, "2024031500000001")?;
        let before = store::find(tx, &id)?.remove(0);
        edit(tx, &before, |order| order.courier = "한진택배".to_owned())
    };
    app.state.storage.write(correct).await.expect("edits");
    let (second, _) = press(&app, url, &[("purpose", "channel"), ("left_out", "sent.7")]).await;
    assert_eq!(second, ["2024031500000001"]);
}

/// The fields of a download page that confirm what it names.
fn confirmed(page: &str) -> Vec<(&'static str, String)> {
    ["held", "left_out", "claims_seen"]
        .into_iter()
        .flat_map(|name| {
            let field = format!("name=\"{name}\" value=\"");
            let values = page.split(field.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
            values.map(|value| (name, value.to_owned())).collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test]
async fn courier_file_has_the_parcels_that_have_not_gone() {
    let app = shop().await;
    let url = "/orders/download?state=PLACED&content=courier-order.logen";
    let page = app.get(url).await.ok();
    assert!(page.contains("취소 요청이 들어와서 빼는 주문 1건"), "a cancelled order does not leave: {page}");
    let fields = confirmed(&page);
    let form: Vec<(&str, &str)> = [("purpose", "shipping")]
        .into_iter()
        .chain(fields.iter().map(|(name, value)| (*name, value.as_str())))
        .collect();
    let (numbers, _) = press(&app, url, &form).await;
    let parcels = app.state.storage.read(|tx| {
        let sql = "SELECT order_number FROM orders WHERE state = 0 AND tracking_number = '' AND \
                   shipping_method = 'PARCEL' AND claim = ''";
        tx.query(sql, &[])?.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>, StorageError>>()
    });
    let parcels = parcels.await.expect("reads");
    assert!(numbers.len() > 5 && numbers.iter().all(|number| parcels.contains(number)), "{numbers:?}");
    let other = "/orders/download?state=PLACED&content=courier-order.cj";
    let held: Vec<(&str, &str)> = form.iter().filter(|(name, _)| *name == "held").copied().collect();
    let again = app.post_form(other, &[&[("purpose", "shipping")][..], &held[..]].concat()).await;
    assert!(again.text.contains("모두 이미 파일로 받은 주문이에요"), "an order goes to one courier: {}", again.text);
}

#[tokio::test]
async fn ticked_orders_that_are_not_in_the_file_are_named_with_their_reason() {
    let app = shop().await;
    let ids = async |sql: &'static str| {
        let found = app.state.storage.read(move |tx| {
            let rows = tx.query(sql, &[])?;
            let id = |mut row: crate::storage::Row| Ok((number_code(row.int(0)?), row.text(1)?));
            rows.into_iter().map(id).collect::<Result<Vec<(String, String)>, StorageError>>()
        });
        found.await.expect("reads")
    };
    let shipped = ids("SELECT id, order_number FROM orders WHERE state = 3 ORDER BY id LIMIT 3").await;
    let placed = ids("SELECT id, order_number FROM orders WHERE state = 0 AND claim = '' ORDER BY id LIMIT 2").await;
    let ticks = |orders: &[&[(String, String)]]| -> Vec<(&'static str, String)> {
        orders.iter().flat_map(|some| some.iter()).map(|(id, _)| ("tick", id.clone())).collect()
    };
    let url = "/orders/download?chosen=1&content=dispatch";
    let five = ticks(&[&shipped, &placed]);
    let post = async |fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        app.post_form(url, &fields).await
    };
    let asked = post(five.clone()).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(asked.text.contains("배송됨 상태가 아닌 주문 2건"), "{}", asked.text);
    assert!(placed.iter().all(|(_, number)| asked.text.contains(number)), "{}", asked.text);
    let csv = [("purpose", "channel".to_owned()), ("format", "csv".to_owned())];
    let file = post([&five[..], &csv[..], &confirmed(&asked.text)[..]].concat()).await.ok();
    assert!(shipped.iter().all(|(_, number)| file.contains(number)) && file.lines().count() == 4, "{file}");

    let cancelled = placed[0].1.clone();
    let cancel = move |tx: &mut dyn Tx| {
        let ids = store::find_by_number(tx, &cancelled)?;
        let order = store::find(tx, &ids)?.remove(0);
        let now = tx.now();
        edit(tx, &order, |order| order.set_state(crate::orders::model::OrderState::Cancelled, now))
    };
    app.state.storage.write(cancel).await.expect("cancels");
    let purchase: Vec<(&str, &str)> = placed.iter().map(|(id, _)| ("tick", id.as_str())).collect();
    let asked = app.post_form("/orders/download?chosen=1&content=purchase-order", &purchase).await;
    assert!(asked.text.contains("취소된 주문 1건") && asked.text.contains(&placed[0].1), "{}", asked.text);
}

#[tokio::test]
async fn courier_reads_who_sends_and_what_is_missing_of_it_is_told_before() {
    let app = shop().await;
    let url = "/orders/download?state=PLACED&content=courier-order.logen";
    let page = app.get(url).await.ok();
    assert!(page.contains("보내는 사람의 상호, 가게 전화번호, 가게 주소 칸이 비어요"), "{page}");
    let sender = [("name", "보기 침대"), ("tel", "054-555-0100"), ("address", "포항시 남구 예시로 1")];
    app.post_form("/shop", &[&sender[..], &[("claim_data_hours", "4")]].concat()).await;
    let page = app.get(url).await.ok();
    assert!(!page.contains("칸이 비어요"), "{page}");
    let fields = confirmed(&page);
    let fields = fields.iter().map(|(name, value)| (*name, value.as_str()));
    let form: Vec<(&str, &str)> = [("purpose", "shipping"), ("format", "csv")].into_iter().chain(fields).collect();
    let file = app.post_form(url, &form).await.ok();
    let first = file.lines().nth(1).unwrap_or_default();
    assert!(sender.iter().all(|(_, value)| first.contains(value)), "{first}");
}

#[tokio::test]
async fn orders_of_a_bundle_are_one_row_for_the_courier_and_its_number_is_theirs() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let find = |tx: &mut dyn Tx| {
        let found = ["2024031500000001", "2024031500000002"].map(|number| store::find_by_number(tx, number));
        found.into_iter().map(|ids| Ok(ids?[0].to_string())).collect::<Result<Vec<_>, StorageError>>()
    };
    let bundle = app.state.storage.read(find).await.expect("reads");
    let ticks: Vec<(&str, &str)> = bundle.iter().map(|id| ("tick", id.as_str())).collect();
    let csv = [&ticks[..], &[("purpose", "shipping"), ("format", "csv"), ("left_out", "0")]].concat();
    let file = app.post_form("/orders/download?chosen=1&content=courier-order.logen", &csv).await.ok();
    assert_eq!(file.lines().count(), 2, "{file}");
    assert!(
        file.contains("2024031500000001") && file.contains("예시공방 린넨 3인 소파") && file.contains(", "),
        "{file}"
    );

    let list = "주문번호,송장번호\n2024031500000001,45168300137\n";
    let part = Part::bytes(list.as_bytes()).file_name("송장.csv");
    let answer = app.post_multipart("/uploads", |form| form.part("files", part)).await;
    app.post_form(&format!("{}/apply", answer.location()), &[("courier", "로젠택배")]).await;
    let numbers = app.state.storage.read(|tx| {
        let sql = "SELECT tracking_number FROM orders WHERE state = 3 ORDER BY order_number";
        tx.query(sql, &[])?.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>, StorageError>>()
    });
    assert_eq!(numbers.await.expect("reads"), ["45168300137", "45168300137"]);
}
