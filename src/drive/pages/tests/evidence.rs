//! The evidence of a delivery, on the page and as a file.

use reqwest::StatusCode;
use sha2::{Digest as _, Sha256};

use super::{delivered_with_photo, handed_out, send_photo};
use crate::documents::testing::{streams, text};
use crate::id::{DeliveryId, Id, JobId, OrderId, number_code};
use crate::proofs::testing::photo;
use crate::storage::StorageError;
use crate::text::hex;
use crate::web::testing::{TestApp, TestResponse};

/// A shop with a delivery whose photograph has come: the office, the path of the delivery, the photograph and its hash.
async fn photographed() -> (TestApp, String, Vec<u8>, String) {
    let (office, driver, tour) = handed_out().await;
    let (bytes, hash) = photo(3);
    let (phone, key, pack) = delivered_with_photo(&office, &driver, &tour, &hash).await;
    let job: JobId = Id::parse(pack["stops"][0]["job"].as_str().expect("a job")).expect("an identifier");
    let delivery =
        office.state.storage.read(move |tx| tx.scalar("SELECT delivery_id FROM jobs WHERE id = ?", &[job.into()]));
    let path = format!("/deliveries/{}", number_code(delivery.await.expect("reads")));
    send_photo(&phone, &key, &hash, bytes.clone()).await.ok();
    (office, path, bytes, hash)
}

/// The answer of the page on which a file is verified.
async fn verify(office: &TestApp, bytes: Vec<u8>) -> String {
    let part = reqwest::multipart::Part::bytes(bytes).file_name("받은 파일.pdf");
    office.post_multipart("/downloads/verify", |form| form.part("file", part)).await.ok()
}

async fn download(office: &TestApp, path: &str, fields: &[(&str, &str)]) -> TestResponse {
    let file = office.post_form(path, fields).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "application/pdf"), "{}", file.text);
    assert!(file.header("content-disposition").starts_with("attachment"), "{:?}", file.headers);
    file
}

#[tokio::test]
async fn evidence_has_the_photograph_and_a_digest_that_changes_with_it() {
    let (office, driver, tour) = handed_out().await;
    let (bytes, hash) = photo(3);
    let (phone, key, pack) = delivered_with_photo(&office, &driver, &tour, &hash).await;
    let job: JobId = Id::parse(pack["stops"][0]["job"].as_str().expect("a job")).expect("an identifier");
    let delivery =
        office.state.storage.read(move |tx| tx.scalar("SELECT delivery_id FROM jobs WHERE id = ?", &[job.into()]));
    let delivery = number_code(delivery.await.expect("reads"));
    let digest = |page: &str| {
        let rest = page.split("지문(SHA-256) <span class=\"digest\">").nth(1).expect("a digest");
        rest.split('<').next().expect("a digest").to_owned()
    };
    let before = office.get(&format!("/deliveries/{delivery}/evidence")).await.ok();
    send_photo(&phone, &key, &hash, bytes).await.ok();
    let page = office.get(&format!("/deliveries/{delivery}")).await.ok();
    assert!(page.contains("<img src=\"/drive/proofs/") && page.contains("/evidence\""), "{page}");
    let evidence = office.get(&format!("/deliveries/{delivery}/evidence")).await.ok();
    assert!(evidence.contains(&hash) && evidence.contains("완료") && evidence.contains("gisa"), "{evidence}");
    assert_ne!(digest(&before), digest(&evidence));
    assert_eq!(digest(&office.get(&format!("/deliveries/{delivery}/evidence")).await.ok()), digest(&evidence));
}

#[tokio::test]
async fn evidence_file_has_what_the_page_has_and_is_recognised_later() {
    let (office, path, photo, hash) = photographed().await;
    let page = format!("{path}/evidence");
    let refused = office.post_form(&page, &[("purpose", "other"), ("note", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let file = download(&office, &page, &[("purpose", "customer"), ("note", "분쟁 자료")]).await;
    let read = text(&file.bytes);
    let shown = office.get(&page).await.ok();
    let digest = shown.split("지문(SHA-256) <span class=\"digest\">").nth(1).expect("a digest").split('<').next();
    for part in ["배송 증빙", "수취인", "완료", "gisa", &hash, digest.expect("a digest")] {
        assert!(read.replace('\n', "").contains(part), "{part}: {read}");
    }
    assert!(streams(&file.bytes).iter().any(|(_, stream)| *stream == photo), "the photograph is inside, unchanged");

    let found = verify(&office, file.bytes.clone()).await;
    assert!(found.contains("받은 그대로예요") && found.contains("분쟁 자료") && found.contains(&page), "{found}");
    let mut changed = file.bytes.clone();
    *changed.last_mut().expect("a byte") ^= 1;
    let unknown = verify(&office, changed).await;
    assert!(unknown.contains("이 가게에서 받은 문서가 아니에요"), "{unknown}");
    let listed = office.get("/downloads").await.ok();
    let digest = hex(&Sha256::digest(&file.bytes));
    assert!(listed.contains("배송 증빙") && listed.contains(&digest), "{listed}");
    let recorded = office.state.storage.read(|tx| {
        let sql = "SELECT count(*) FROM access_records WHERE action = 'download' AND query LIKE '%분쟁 자료%' \
                   AND order_count > 0";
        tx.scalar(sql, &[])
    });
    let recorded: i64 = recorded.await.expect("reads");
    assert_eq!(recorded, 1);
}

#[tokio::test]
async fn person_gets_the_photographs_and_signatures_of_the_own_deliveries() {
    let (office, path, photo, hash) = photographed().await;
    let delivery: DeliveryId = Id::parse(path.rsplit('/').next().expect("a key")).expect("an identifier");
    let sql = "SELECT min(id) FROM orders WHERE delivery_id = ?";
    let order = office.state.storage.read(move |tx| tx.scalar(sql, &[delivery.into()])).await.expect("an order");
    let signed = office.state.storage.write(|tx| {
        let details = "{\"signature\":\"M10 20L11 22\"}";
        tx.exec("UPDATE stop_events SET details = ? WHERE kind = 'delivered'", &[details.into()])
    });
    assert_eq!(signed.await.expect("writes"), 1);
    let person = format!("/privacy/people/{}", number_code(order));
    let shown = office.get(&format!("{person}?role=recipient")).await.ok();
    assert!(shown.contains(&hash) && shown.contains("<img src=\"/drive/proofs/"), "{shown}");
    assert!(shown.contains("<path d=\"M10 20L11 22\"/>"), "{shown}");

    let asked = [("role", "recipient"), ("note", "본인이 전화로 요구함")];
    let file = download(&office, &person, &[asked[0], asked[1], ("format", "pdf")]).await;
    let read = text(&file.bytes);
    for part in ["개인정보 열람", "수취인", "보관", &hash, "서명", "바뀐 것"] {
        assert!(read.replace('\n', "").contains(part), "{part}: {read}");
    }
    let inside = streams(&file.bytes);
    assert!(inside.iter().any(|(_, stream)| *stream == photo), "the photograph is inside");
    let team = read.lines().filter(|line| line.contains("gisa")).count();
    assert_eq!(team, 0, "the names of the staff are not the person's data: {read}");
    assert!(verify(&office, file.bytes).await.contains("받은 그대로예요"));

    let json = office.post_form(&person, &[asked[0], asked[1], ("format", "json")]).await;
    assert!(verify(&office, json.bytes.clone()).await.contains("받은 그대로예요"));
    let json: serde_json::Value = serde_json::from_str(&json.ok()).expect("JSON");
    let delivery = &json["deliveries"][0];
    assert_eq!(delivery["photographs"][0]["sha256"], hash);
    assert_eq!(delivery["reports"][0]["signature"], "M10 20L11 22");
    assert!(!json.to_string().contains("gisa"), "{json}");
}

#[tokio::test]
async fn order_is_proven_by_one_file() {
    let (office, path, photo, hash) = photographed().await;
    let delivery: DeliveryId = Id::parse(path.rsplit('/').next().expect("a key")).expect("an identifier");
    let prepared = office.state.storage.write(move |tx| {
        let sql = "SELECT min(id) FROM orders WHERE delivery_id = ?";
        let order = OrderId::from_raw(tx.scalar(sql, &[delivery.into()])?);
        let sql = "INSERT INTO channel_statements (order_id, field, position, value, as_of, upload_id, said_at) \
                   VALUES (?, 'claim', 0, '취소 요청', NULL, (SELECT min(id) FROM uploads), 1710000000000)";
        tx.exec(sql, &[order.into()])?;
        let before = crate::orders::store::find(tx, &[order])?.remove(0);
        crate::orders::testing::edit(tx, &before, |order| {
            order.shipping_memo = "문 앞에 두지 마세요".to_owned();
            order.admin_memo = "까다로운 고객".to_owned();
        })?;
        Ok::<_, StorageError>(order)
    });
    let order = format!("/orders/{}", prepared.await.expect("writes"));
    assert!(office.get(&order).await.ok().contains("주문 증빙"));
    let page = office.get(&format!("{order}/evidence")).await.ok();
    assert!(page.contains("배송 사진") && page.contains("판매채널이 알려 준 것"), "{page}");
    let refused = office.post_form(&format!("{order}/evidence"), &[("purpose", ""), ("note", "")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("purpose", "channel"), ("note", "")];
    let file = download(&office, &format!("{order}/evidence"), &fields).await;
    let read = text(&file.bytes);
    let parts = ["주문 증빙", "취소 요청", ".xlsx", "배송메모", "문 앞에 두지 마세요", "주문의 기록", "완료", &hash];
    for part in parts {
        assert!(read.replace('\n', "").contains(part), "{part}: {read}");
    }
    assert!(!read.contains("까다로운"), "the memo of the office stays in the shop: {read}");
    assert!(streams(&file.bytes).iter().any(|(_, stream)| *stream == photo), "the photograph is inside");
    assert!(verify(&office, file.bytes).await.contains("주문 증빙"));
    for sign_in in [crate::web::Role::Support, crate::web::Role::Viewer, crate::web::Role::Logistics] {
        let other = office.another_browser();
        other.sign_in_as(sign_in).await;
        assert_eq!(other.get(&format!("{order}/evidence")).await.status, StatusCode::FORBIDDEN, "{sign_in:?}");
    }
}

#[tokio::test]
async fn photograph_without_its_file_is_named_in_the_evidence() {
    let (office, path, _, hash) = photographed().await;
    office.state.proofs.delete(&hash).await.expect("removes");
    let file = download(&office, &format!("{path}/evidence"), &[("purpose", "customer"), ("note", "")]).await;
    let read = text(&file.bytes);
    assert!(read.contains("파일을 읽지 못해서 넣지 못한 사진 1장"), "{read}");
}

#[tokio::test]
async fn file_of_evidence_is_for_those_who_may_take_files_away() {
    let (office, path, _, _) = photographed().await;
    let team = office.another_browser();
    team.sign_in_logistics().await;
    let page = team.get(&format!("{path}/evidence")).await;
    assert!(page.status == StatusCode::SEE_OTHER || !page.text.contains("PDF로 받기"), "{}", page.text);
    let refused = team.post_form(&format!("{path}/evidence"), &[("purpose", "customer")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
