//! Jobs beside deliveries on the driver's pages: goods taken back, by forms and in the pack of a phone.

use super::*;
use crate::id::{DeliveryId, Id, StopId, TourId};
use crate::plans::model::{Hold, Job, JobKind, Task, TaskState};
use crate::plans::store::tasks;

/// Puts a collection of two pieces at the end of a tour; the path of its stop.
async fn add_collection(app: &TestApp, tour: &str) -> String {
    let tour_id: TourId = Id::parse(tour).expect("an identifier");
    let write = app.state.storage.write(move |tx| {
        let delivery_id = DeliveryId::from_raw(tx.scalar("SELECT min(id) FROM deliveries", &[])?);
        let task = Task {
            number: 0,
            kind: JobKind::Collect,
            state: TaskState::Open,
            goods: "헌 침대".to_owned(),
            pieces: 2,
            volume: 100,
            note: "현관 앞".to_owned(),
            orders: Vec::new(),
        };
        let job = tasks::insert(tx, &Job { delivery_id, ..Job::default() }, &task)?;
        let id = tx.new_id::<StopId>();
        let sql = "INSERT INTO stops (id, tour_id, job_id, position, hold, basis) VALUES (?, ?, ?, 999, ?, '{}')";
        tx.exec(sql, &[id.into(), tour_id.into(), job.into(), Hold::Free.code().into()])?;
        Ok::<_, StorageError>(job)
    });
    let job = write.await.expect("writes");
    format!("/drive/{tour}-{job}")
}

#[tokio::test]
async fn collection_in_part_needs_its_reason() {
    let (office, driver, tour) = handed_out().await;
    leave(&driver, &tour).await;
    let stop = add_collection(&office, &tour).await;
    assert!(driver.get("/drive").await.ok().contains("회수 2개"));
    let page = driver.get(&stop).await.ok();
    assert!(page.contains("회수한 수량: 헌 침대") && page.contains("현관 앞") && page.contains("회수 완료"), "{page}");
    let key = day_key(&driver).await;
    let pack: Value = serde_json::from_str(&get_pack(&driver, &key).await.ok()).expect("JSON");
    let stops = pack["stops"].as_array().expect("stops");
    let collection = stops.iter().find(|stop| stop["kind"] == "collect").expect("the collection");
    assert_eq!((&collection["task"]["pieces"], &collection["done"]), (&json!(2), &json!("회수 완료")));

    let report = |fields: &'static [(&'static str, &'static str)]| driver.post_form(&stop, fields);
    let refused = report(&[("act", "delivered"), ("planned", "1")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("다 가져오지 못한 이유를 선택해 주세요"));
    assert!(report(&[("act", "delivered"), ("planned", "0")]).await.text.contains("‘실패’를 눌러 주세요"));
    assert!(report(&[("act", "delivered"), ("planned", "3")]).await.text.contains("회수할 수량까지"));
    let done = report(&[("act", "delivered"), ("planned", "1"), ("collect_reason", "damaged")]).await;
    assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.text);
    let page = office.get(&stop).await.ok();
    assert!(page.contains("헌 침대 1개") && page.contains("다 가져오지 못한 이유: 파손"), "{page}");
    assert!(office.get("/drive/findings").await.ok().contains("다 가져오지 못한 상품"));
    let close = office.get(&format!("/plans/tours/{tour}/close")).await.ok();
    assert!(close.contains("회수: 헌 침대"), "{close}");
}
