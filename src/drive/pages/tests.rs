//! The driver's pages, the day key, and the service worker.

mod evidence;
mod jobs;
mod paper;
mod permissions;

use axum::http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::app::rooms;
use crate::drive::key::KEY_HEADER;
use crate::id::number_code;
use crate::plans::model::FailureReason;
use crate::proofs::files::ProofFiles;
use crate::proofs::jpeg::testing::camera_file;
use crate::proofs::testing::photo;
use crate::storage::StorageError;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::{TestApp, TestResponse};
use crate::web::{Access, AppState, Role, Routes};

/// The day of the tests' clock.
const DAY: &str = "2024-03-15";

/// The value after a mark, up to a quote.
pub(crate) fn after(text: &str, mark: &str) -> String {
    text.split(mark).nth(1).unwrap_or_else(|| panic!("{mark}")).split('"').next().expect("a value").to_owned()
}

/// A shop whose first tour is handed out to the driver `gisa`; the office, the driver's browser, the tour.
pub(crate) async fn handed_out() -> (TestApp, TestApp, String) {
    handed_out_by(|state| {
        let folder = state.config.data.join("proofs");
        state.proofs = ProofFiles::in_folder(folder);
    })
    .await
}

async fn handed_out_by(change: impl FnOnce(&mut AppState)) -> (TestApp, TestApp, String) {
    let app = TestApp::start_with_state(|_| (), Routes::new(), change).await;
    app.sign_in_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let prepared = app.state.storage.write(|tx| {
        let sql = "UPDATE deliveries SET shipping_method = 'DIRECT', preferred_shipping_date = ? WHERE state = 0";
        tx.exec(sql, &[DAY.into()])?;
        let mut settings = trucks::settings(tx)?;
        "04524".clone_into(&mut settings.depot_zip);
        settings.default_handling.minutes = 5;
        trucks::save_settings(tx, &settings)?;
        trucks::insert(tx, &Truck { volume: 9_000, pieces: 900, crew: 4, ..Truck::suggestion("1호차".to_owned()) })?;
        Ok::<_, StorageError>(())
    });
    prepared.await.expect("writes");
    let driver = app.another_browser();
    driver.sign_in_driver().await;
    let board = format!("/plans?day={DAY}");
    for act in ["assign", "fix"] {
        let page = app.get(&board).await.ok();
        let version = after(&page, "name=\"version-");
        let value = after(&page, &format!("name=\"version-{version}\" value=\""));
        let fields = [("day", DAY), ("act", act), (&*format!("version-{version}"), &*value)];
        assert_eq!(app.post_form("/plans", &fields).await.status, StatusCode::SEE_OTHER);
    }
    let tour = after(&app.get(&board).await.ok(), "href=\"/plans/tours/");
    let page = app.get(&format!("/plans/tours/{tour}")).await.ok();
    let id = page.split("<option value=\"").find(|rest| rest.contains(">gisa<")).expect("the driver");
    let id = id.split('"').next().expect("an id").to_owned();
    let version = after(&page, "name=\"version\" value=\"");
    let fields = [("act", "hand-out"), ("version", version.as_str()), ("driver", id.as_str())];
    app.post_form(&format!("/plans/tours/{tour}"), &fields).await;
    (app, driver, tour)
}

/// Ticks everything and leaves.
pub(crate) async fn leave(driver: &TestApp, tour: &str) {
    let path = format!("/drive/loading/{tour}");
    let page = driver.get(&path).await.ok();
    // Goods of an open cancellation stay here.
    let items = page.split("<li").skip(1).filter(|item| !item.starts_with(" class=\"stopped\""));
    let lines: Vec<String> = items
        .filter_map(|item| Some(item.split_once("name=\"line\" value=\"")?.1.split('"').next()?.to_owned()))
        .collect();
    let mut fields: Vec<(&str, &str)> =
        lines.iter().flat_map(|line| [("line", line.as_str()), ("tick", line)]).collect();
    fields.extend([("act", "leave"), ("despite", "전화로 확인")]);
    let answer = driver.post_form(&path, &fields).await;
    let page = driver.get(answer.location()).await.ok();
    assert!(page.contains("싣고 출발했어요"), "{page}");
}

/// The key that a driver's browser gets.
async fn day_key(driver: &TestApp) -> String {
    let answer = driver.post_form("/drive/keys", &[]).await.ok();
    let keys: Value = serde_json::from_str(&answer).expect("JSON");
    keys["keys"][0]["key"].as_str().expect("a key").to_owned()
}

async fn get_pack(app: &TestApp, key: &str) -> TestResponse {
    app.send(app.browser.get(app.url("/drive/pack")).header(KEY_HEADER, key)).await
}

async fn hand_in(app: &TestApp, key: &str, body: &Value) -> TestResponse {
    let request = app.browser.post(app.url("/drive/events")).header(KEY_HEADER, key);
    app.send(request.header("content-type", "application/json").body(body.to_string())).await
}

fn event(pack: &Value, stop: usize, number: i64, kind: &str) -> Value {
    json!({
        "id": format!("{number:032x}"), "job": pack["stops"][stop]["job"], "number": number,
        "happened_at": pack["now"], "clock_offset": 0, "kind": kind, "details": {}, "saw": pack["stops"][stop]["version"],
    })
}

#[tokio::test]
async fn day_without_a_script_is_driven_by_forms() {
    let (office, driver, tour) = handed_out().await;
    let page = driver.get("/drive").await.ok();
    assert!(page.contains("상차하기") && !page.contains("href=\"/deliveries"), "{page}");
    leave(&driver, &tour).await;
    let page = driver.get("/drive").await.ok();
    let stop = format!(
        "/drive/{}",
        page.split("href=\"/drive/")
            .find(|rest| rest.contains("<strong>1. "))
            .expect("a stop")
            .split('"')
            .next()
            .expect("a key")
    );
    assert!(driver.get(&stop).await.ok().contains("href=\"tel:"));
    let arrived = driver.post_form(&stop, &[("act", "arrived")]).await;
    assert!(arrived.location().starts_with(&stop));
    let done = driver.post_form(&stop, &[("act", "delivered")]).await;
    assert!(driver.get(done.location()).await.ok().contains("완료"));
    assert!(!driver.get(&stop).await.ok().contains("href=\"tel:"), "the number is hidden once done");
    let wrong = driver.post_form(&stop, &[("act", "failed")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let live = office.get(&format!("/plans/tours/{tour}")).await.ok();
    assert!(live.contains("배송 중") && live.contains(">완료<") && live.contains("위치는 모으지 않아요"));

    let second = page
        .split("href=\"/drive/")
        .find(|rest| rest.contains("<strong>2. "))
        .expect("a stop")
        .split('"')
        .next()
        .expect("a key")
        .to_owned();
    let no_time = office.post_form(&format!("/drive/{second}"), &[("act", "failed"), ("reason", "absent")]).await;
    assert!(no_time.text.contains("종이에 적힌 시각을"));
    let paper = [("act", "failed"), ("reason", "absent"), ("at", "09:30"), ("note", "쪽지를 남김")];
    assert_eq!(office.post_form(&format!("/drive/{second}"), &paper).await.status, StatusCode::SEE_OTHER);
    let live = office.get(&format!("/plans/tours/{tour}")).await.ok();
    assert!(live.contains("실패: 부재") && live.contains(">종이<") && live.contains("쪽지를 남김"));
    let close = office.post_form(&format!("/plans/tours/{tour}/close"), &[]).await;
    let page = office.get(close.location()).await.ok();
    assert!(page.contains("기록이 없는 곳이 있어요") || page.contains("수량이 맞지 않아"), "{page}");
}

/// A member who drives and has a desk types what is on paper too.
#[tokio::test]
async fn paper_of_the_own_tour_has_the_time_of_the_paper() {
    let (office, _, tour) = handed_out().await;
    let prepared = office.state.storage.write(|tx| {
        tx.exec("UPDATE tours SET driver_id = (SELECT id FROM members WHERE role = 'admin')", &[])?;
        Ok::<_, StorageError>(())
    });
    prepared.await.expect("writes");
    leave(&office, &tour).await;
    let page = office.get("/drive").await.ok();
    let stop = |number: usize| {
        let mark = format!("<strong>{number}. ");
        let item = page.split("href=\"/drive/").find(|rest| rest.contains(&mark)).expect("a stop");
        format!("/drive/{}", item.split('"').next().expect("a key"))
    };
    assert!(office.get(&stop(1)).await.ok().contains("종이에 적힌 시각"));
    office.post_form(&stop(1), &[("act", "arrived")]).await;
    assert!(office.get(&stop(1)).await.ok().contains("도착 <span class=\"drive-small\">화면"));
    office.post_form(&stop(1), &[("act", "delivered"), ("at", "09:30")]).await;
    let shown = office.get(&stop(1)).await.ok();
    assert!(shown.contains("완료 <span class=\"drive-small\">종이") && shown.contains("09:30"), "{shown}");

    office.clock.advance_ms(24 * 60 * 60 * 1000);
    office.sign_in_admin().await;
    let late = [("act", "failed"), ("reason", "absent")];
    assert!(office.post_form(&stop(2), &late).await.text.contains("종이에 적힌 시각을"), "yesterday's sheet");
    office.post_form(&stop(2), &[("at", "17:05"), late[0], late[1]]).await;
    let shown = office.get(&stop(2)).await.ok();
    assert!(shown.contains("17:05") && shown.contains(">종이"), "{shown}");
}

/// The icon on the home screen opens where the service worker answers without the server.
#[tokio::test]
async fn icon_of_a_driver_opens_the_page_that_works_without_a_signal() {
    let (office, driver, _) = handed_out().await;
    let link = "<link rel=\"manifest\" href=\"/drive/manifest.webmanifest\">";
    for (app, path) in [(&driver, "/drive"), (&driver, "/account"), (&driver, "/drive/offline"), (&office, "/drive")] {
        assert!(app.get(path).await.ok().contains(link), "{path}");
    }
    assert!(!office.get("/orders").await.ok().contains(link), "an office starts on its first page");
    let manifest: Value = serde_json::from_str(&office.get("/drive/manifest.webmanifest").await.ok()).expect("JSON");
    assert_eq!(
        (&manifest["start_url"], &manifest["id"], &manifest["scope"]),
        (&json!("/drive"), &json!("/drive"), &json!("/"))
    );
    assert_eq!(driver.get("/drive/worker.js").await.header("service-worker-allowed"), "/drive");
}

/// The day of whoever drove on this browser is taken off it, on every page that can sign out.
#[tokio::test]
async fn every_page_with_a_sign_out_takes_the_day_off_the_phone() {
    let (office, driver, _) = handed_out().await;
    for (app, path) in [(&office, "/orders"), (&office, "/drive"), (&driver, "/drive"), (&driver, "/account")] {
        let page = app.get(path).await.ok();
        assert!(page.contains("action=\"/logout\"") && page.contains("/drive-sign-out.js\""), "{path}");
    }
}

#[tokio::test]
async fn clock_of_a_phone_is_compared_when_it_hands_in() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let phone = office.another_browser();
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    let contact = pack["now"].as_i64().expect("a moment");
    let hour = 60 * 60 * 1000;
    // Set back by three hours after the contact; three hours later the clock says what it said then.
    driver.clock.advance_ms(3 * hour);
    let mut done = event(&pack, 0, 1, "delivered");
    done["happened_at"] = json!(contact - hour);
    done["contact"] = json!(contact);
    let body = json!({ "clock": contact, "events": [done] });
    hand_in(&phone, &key, &body).await.ok();
    let stop = pack["stops"][0]["key"].as_str().expect("a key");
    let page = office.get(&format!("/drive/{stop}")).await.ok();
    let at = |ms: i64| crate::time::Moment(ms).to_string();
    assert!(page.contains(&format!("{} 완료", at(contact + 2 * hour))), "{page}");
    assert!(page.contains(&format!("휴대전화 시계 {}", at(contact - hour))));
    assert!(office.get("/drive/findings").await.ok().contains("휴대전화 시계가 틀림"));
}

#[tokio::test]
async fn driver_sees_nothing_but_the_own_tour_of_today() {
    let (office, driver, tour) = handed_out().await;
    assert_eq!(driver.get("/").await.location(), "/drive");
    let stop = driver.get("/drive").await.ok();
    let stop = format!(
        "/drive/{}",
        stop.split("href=\"/drive/")
            .find(|rest| rest.contains("<strong>1. "))
            .expect("a stop")
            .split('"')
            .next()
            .expect("a key")
    );
    let other = office.another_browser();
    other.add_member("other", Role::Driver).await;
    other
        .post_form_from("/login", "/login", &[("username", "other"), ("password", crate::web::testing::PASSWORD)])
        .await;
    for path in [&stop, &format!("/drive/loading/{tour}")] {
        assert_eq!(driver.get(path).await.status, StatusCode::OK, "{path}");
        assert_eq!(other.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    driver.clock.advance_ms(24 * 60 * 60 * 1000);
    driver.sign_in_driver().await;
    assert_eq!(driver.get(&stop).await.status, StatusCode::NOT_FOUND, "yesterday's");
    driver.clock.advance_ms(-2 * 24 * 60 * 60 * 1000);
    driver.sign_in_driver().await;
    assert_eq!(driver.get(&stop).await.status, StatusCode::NOT_FOUND, "tomorrow's");
    let today = driver.get("/drive").await.ok();
    assert!(today.contains("오늘 맡은 배송이 없어요") && today.contains("다음 배송: "), "{today}");
}

#[tokio::test]
async fn phone_hands_in_with_its_day_key_and_can_be_cut_off() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let phone = office.another_browser();
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    assert_eq!(
        (pack["state"].as_str(), pack["reasons"].as_array().map(Vec::len)),
        (Some("out"), Some(FailureReason::ALL.len()))
    );
    assert!(pack["stops"].as_array().is_some_and(|stops| stops.len() > 1));
    let garbled = json!({ "id": "x", "kind": "dance" });
    let body = json!({ "waiting": 2, "events": [event(&pack, 0, 1, "delivered"), garbled] });
    let answer: Value = serde_json::from_str(&hand_in(&phone, &key, &body).await.ok()).expect("JSON");
    assert_eq!(
        (answer["events"][0]["accepted"].as_bool(), answer["events"][1]["accepted"].as_bool()),
        (Some(true), Some(false))
    );
    let page = office.get(&format!("/plans/tours/{tour}")).await.ok();
    assert!(page.contains("전하지 않은 기록 2건") && page.contains("받아들이지 않은 기록 1건"), "{page}");
    assert!(page.contains(">휴대전화<"));
    let cut_off = after(&page, "value=\"cut-off:");
    let act = format!("cut-off:{cut_off}");
    office.post_form(&format!("/plans/tours/{tour}"), &[("act", &act)]).await;
    assert_eq!(get_pack(&phone, &key).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(hand_in(&phone, &key, &body).await.status, StatusCode::UNAUTHORIZED);
    assert!(office.get(&format!("/plans/tours/{tour}")).await.ok().contains(">끊음<"));

    let key = day_key(&driver).await;
    driver.clock.advance_ms(24 * 60 * 60 * 1000);
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    assert_eq!(
        (pack["wiped"].as_bool(), pack["stops"].as_array().map(Vec::len)),
        (Some(true), Some(0)),
        "the day is over"
    );
    driver.clock.advance_ms(15 * 24 * 60 * 60 * 1000);
    assert_eq!(get_pack(&phone, &key).await.status, StatusCode::UNAUTHORIZED, "expired");
}

#[tokio::test]
async fn phone_of_a_disabled_driver_gets_no_address_and_hands_in_nothing() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let phone = office.another_browser();
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    let find = |tx: &mut dyn crate::storage::Tx| crate::members::store::find_id(tx, "gisa");
    let id = office.state.storage.read(find).await.expect("reads").expect("the driver").to_string();
    for (enabled, why) in [("0", "disabled"), ("1", "enabled again: the key of before has ended")] {
        let answer = office.post_form(&format!("/members/{id}/enabled"), &[("enabled", enabled)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{why}");
        assert_eq!(get_pack(&phone, &key).await.status, StatusCode::UNAUTHORIZED, "{why}");
        let body = json!({ "events": [event(&pack, 0, 1, "delivered")] });
        assert_eq!(hand_in(&phone, &key, &body).await.status, StatusCode::UNAUTHORIZED, "{why}");
    }
    driver.sign_in_driver().await;
    let renewed = day_key(&driver).await;
    let body = json!({ "events": [event(&pack, 0, 1, "delivered")] });
    let answer: Value = serde_json::from_str(&hand_in(&phone, &renewed, &body).await.ok()).expect("JSON");
    assert_eq!(answer["events"][0]["accepted"].as_bool(), Some(true), "after a login nothing of the day is lost");
}

/// The key is worth nothing on any other page: each answers as to a stranger.
#[tokio::test]
async fn day_key_opens_no_other_route() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let (phone, stranger) = (office.another_browser(), office.another_browser());
    let id = number_code(1);
    for route in rooms().iter().flat_map(Routes::specs).filter(|route| route.access != Access::Public) {
        let path: String = route
            .path
            .split('/')
            .map(|part| if part.starts_with('{') { id.as_str() } else { part })
            .collect::<Vec<_>>()
            .join("/");
        let request = |app: &TestApp| {
            let url = app.url(&path);
            if route.method == Method::GET {
                app.browser.get(url)
            } else {
                app.browser.request(route.method.clone(), url)
            }
        };
        let with_key = phone.send(request(&phone).header(KEY_HEADER, &key)).await;
        let without = stranger.send(request(&stranger)).await;
        assert_eq!((with_key.status, with_key.location()), (without.status, without.location()), "{path}");
        assert!(with_key.location().starts_with("/login"), "{path}");
    }
}

#[tokio::test]
async fn worker_and_its_page_have_no_data() {
    let app = TestApp::start().await;
    let worker = app.get("/drive/worker.js").await;
    assert_eq!((worker.header("service-worker-allowed"), worker.header("cache-control")), ("/drive", "no-cache"));
    assert!(worker.text.contains("/drive.js\"") && !worker.text.contains("/*"), "{}", worker.text);
    let page = app.get("/drive/offline").await.ok();
    assert!(page.contains("data-offline") && !page.contains("csrf"));
}

async fn send_photo(app: &TestApp, key: &str, hash: &str, bytes: Vec<u8>) -> TestResponse {
    let request = app.browser.put(app.url(&format!("/drive/proofs/{hash}"))).header(KEY_HEADER, key);
    app.send(request.header("content-type", "image/jpeg").body(bytes)).await
}

/// Hands in a completed stop that names a photograph; returns the phone and its key.
async fn delivered_with_photo(office: &TestApp, driver: &TestApp, tour: &str, hash: &str) -> (TestApp, String, Value) {
    leave(driver, tour).await;
    let key = day_key(driver).await;
    let phone = office.another_browser();
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    assert_eq!(pack["photos"].as_bool(), Some(true));
    let mut event = event(&pack, 0, 1, "delivered");
    event["details"] = json!({ "photos": [{ "hash": hash, "taken_at": pack["now"] }] });
    let answer: Value =
        serde_json::from_str(&hand_in(&phone, &key, &json!({ "events": [event] })).await.ok()).expect("JSON");
    assert_eq!(answer["events"][0]["accepted"].as_bool(), Some(true), "{answer}");
    (phone, key, pack)
}

fn answer_of(response: &TestResponse) -> (StatusCode, bool, bool) {
    let status = response.status;
    let answer: Value = serde_json::from_str(&response.text).expect("JSON");
    (status, answer["accepted"].as_bool().unwrap_or_default(), answer["retry"].as_bool().unwrap_or_default())
}

#[tokio::test]
async fn photograph_reaches_the_delivery_that_its_event_names() {
    let (office, driver, tour) = handed_out().await;
    let (bytes, hash) = photo(1);
    let (phone, key, pack) = delivered_with_photo(&office, &driver, &tour, &hash).await;
    let stop = pack["stops"][0]["key"].as_str().expect("a key").to_owned();
    assert!(driver.get(&format!("/drive/{stop}")).await.ok().contains("아직 휴대전화에 있어요"));
    let close = office.get(&format!("/plans/tours/{tour}/close")).await.ok();
    assert!(close.contains("사진 1장"), "the close names what is missing: {close}");

    // Not named, another content, no photograph, too large, a stranger.
    let (other, other_hash) = photo(2);
    assert_eq!(
        answer_of(&send_photo(&phone, &key, &other_hash, other.clone()).await),
        (StatusCode::CONFLICT, false, true)
    );
    assert_eq!(answer_of(&send_photo(&phone, &key, &hash, other).await), (StatusCode::CONFLICT, false, true));
    assert_eq!(send_photo(&phone, &key, &hash, vec![0; 700 * 1024]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send_photo(&phone, "wrong", &hash, bytes.clone()).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer_of(&send_photo(&phone, &key, "no-hash", bytes.clone()).await).0, StatusCode::NOT_FOUND);
    assert_eq!(answer_of(&send_photo(&phone, &key, &hash, bytes.clone()).await), (StatusCode::OK, true, false));
    assert_eq!(answer_of(&send_photo(&phone, &key, &hash, Vec::new()).await), (StatusCode::OK, true, false), "again");

    let page = driver.get(&format!("/drive/{stop}")).await.ok();
    let shown = format!("/drive/proofs/{}", after(&page, "<img src=\"/drive/proofs/"));
    let image = office.get(&shown).await;
    assert_eq!(
        (image.status, image.header("content-type"), image.header("cache-control")),
        (StatusCode::OK, "image/jpeg", "no-store")
    );
    assert_eq!(driver.get(&shown).await.status, StatusCode::OK, "the own tour of today");
    let stranger = office.another_browser();
    assert!(stranger.get(&shown).await.location().starts_with("/login"));
    assert!(
        stranger
            .send(stranger.browser.get(office.url(&shown)).header(KEY_HEADER, &key))
            .await
            .location()
            .starts_with("/login")
    );
    office.state.access.flush().await.expect("writes");
    let viewed: i64 = office
        .state
        .storage
        .read(move |tx| tx.scalar("SELECT count(*) FROM access_records WHERE page = ?", &[shown.as_str().into()]))
        .await
        .expect("reads");
    assert_eq!(viewed, 2, "each view is recorded");
    let close = office.get(&format!("/plans/tours/{tour}/close")).await.ok();
    assert!(!close.contains("사진 1장"));
}

#[tokio::test]
async fn camera_file_of_a_form_is_stored_without_its_position() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let page = driver.get("/drive").await.ok();
    let stop = page.split("href=\"/drive/").find(|rest| rest.contains("<strong>1. ")).expect("a stop");
    let stop = format!("/drive/{}", stop.split('"').next().expect("a key"));
    let part = |bytes: Vec<u8>| {
        let file = reqwest::multipart::Part::bytes(bytes).file_name("photo.jpg");
        move |form: reqwest::multipart::Form| form.part("photo", file)
    };
    let photos = format!("{stop}/photos");
    let early = driver.post_multipart(&photos, part(camera_file((1_600, 1_200), 6, 4))).await;
    assert!(driver.get(early.location()).await.ok().contains("완료나 실패를 누른 다음"));
    driver.post_form(&stop, &[("act", "delivered")]).await;
    let sent = driver.post_multipart(&photos, part(camera_file((1_600, 1_200), 6, 4))).await;
    let page = driver.get(sent.location()).await.ok();
    assert!(page.contains("사진을 받았어요") && page.contains("width=\"960\" height=\"1280\""), "upright: {page}");
    let text = driver.post_multipart(&photos, part(b"<html>".to_vec())).await;
    assert!(driver.get(text.location()).await.ok().contains("사진(JPEG)이 아니에요"));
    let stored = office.state.proofs.list().await.expect("lists");
    assert_eq!(stored.len(), 1);
    let bytes = office.state.proofs.get(stored.keys().next().expect("one")).await.expect("reads");
    assert!(memchr::memmem::find(&bytes, b"Exif").is_none());
}

#[tokio::test]
async fn record_takes_six_photographs_and_no_seventh() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let phone = office.another_browser();
    let pack: Value = serde_json::from_str(&get_pack(&phone, &key).await.ok()).expect("JSON");
    let mut done = event(&pack, 0, 1, "delivered");
    let names: Vec<Value> =
        (1..=6).map(|name| json!({ "hash": format!("{name:064x}"), "taken_at": pack["now"] })).collect();
    done["details"] = json!({ "photos": names });
    hand_in(&phone, &key, &json!({ "events": [done] })).await.ok();
    let stop = pack["stops"][0]["key"].as_str().expect("a key");
    let file = reqwest::multipart::Part::bytes(camera_file((64, 48), 6, 4)).file_name("photo.jpg");
    let sent = driver.post_multipart(&format!("/drive/{stop}/photos"), move |form| form.part("photo", file)).await;
    assert!(driver.get(sent.location()).await.ok().contains("사진은 6장까지 보낼 수 있어요"));
}

#[tokio::test]
async fn node_without_a_place_takes_no_photographs_and_says_so() {
    let (office, driver, tour) = handed_out_by(|state| state.proofs = ProofFiles::none()).await;
    leave(&driver, &tour).await;
    let key = day_key(&driver).await;
    let pack: Value = serde_json::from_str(&get_pack(&office.another_browser(), &key).await.ok()).expect("JSON");
    assert_eq!(pack["photos"].as_bool(), Some(false));
}
