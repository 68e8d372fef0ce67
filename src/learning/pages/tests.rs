//! The page of learnt values.

use reqwest::StatusCode;

use crate::drive::model::{EventDetails, EventKind, EventSource, StopEvent};
use crate::drive::store::events;
use crate::id::{DeliveryId, JobId, MemberId, OrderId, ProductId, TourId};
use crate::members::model::Role;
use crate::plans::model::Job;
use crate::plans::store as plans;
use crate::storage::{StorageError, Tx};
use crate::time::Moment;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// Minutes that each stop took; the plan reckons with 20.
const TOOK: i64 = 30;

fn event(id: i64, ids: (TourId, JobId, MemberId), at: Moment, kind: EventKind) -> StopEvent {
    let (tour_id, job_id, member_id) = ids;
    StopEvent {
        id: format!("{id:032x}"),
        tour_id,
        job_id,
        key_id: None,
        member_id,
        source: EventSource::Page,
        number: id,
        happened_at: at,
        clock_offset: 0,
        sent_offset: None,
        received_at: at,
        kind,
        details: EventDetails::default(),
        saw_version: String::new(),
    }
}

/// A closed tour of yesterday with a stop for each order of one product.
fn finished_day(tx: &mut dyn Tx) -> Result<ProductId, StorageError> {
    let truck_id = trucks::insert(tx, &Truck::suggestion("1호차".to_owned()))?;
    let member = MemberId::from_raw(tx.scalar("SELECT min(id) FROM members", &[])?);
    let tour = tx.new_id::<TourId>();
    tx.exec(
        "INSERT INTO tours (id, day, truck_id, round, state, driver_id, changed_by, changed_at) \
         VALUES (?, '2024-03-14', ?, 1, 'closed', ?, ?, 0)",
        &[tour.into(), truck_id.into(), member.into(), member.into()],
    )?;
    let sql = "SELECT product_id FROM orders GROUP BY product_id ORDER BY count(DISTINCT delivery_id) DESC, product_id LIMIT 1";
    let product = ProductId::from_raw(tx.scalar(sql, &[])?);
    let sql = "SELECT min(id), delivery_id FROM orders GROUP BY delivery_id ORDER BY delivery_id LIMIT 9";
    let orders: Vec<(OrderId, DeliveryId)> = tx
        .query(sql, &[])?
        .iter()
        .map(|row| Ok::<_, StorageError>((row.id(0)?, row.id(1)?)))
        .collect::<Result<_, _>>()?;
    let start = tx.now().plus_ms(-24 * 60 * 60 * 1000);
    for (number, (order, delivery)) in (1..).zip(orders) {
        tx.exec("UPDATE orders SET product_id = ?, options = '[]' WHERE id = ?", &[product.into(), order.into()])?;
        let mut jobs = [Job { delivery_id: delivery, ..Job::default() }];
        plans::insert_jobs(tx, &mut jobs)?;
        let job = jobs[0].id;
        tx.exec(
            "INSERT INTO loads (tour_id, order_id, job_id, expected, loaded, reason, loaded_by, loaded_at) \
             VALUES (?, ?, ?, 1, 1, '', ?, 0)",
            &[tour.into(), order.into(), job.into(), member.into()],
        )?;
        let ids = (tour, job, member);
        let arrived = start.plus_ms(number * 60 * 60 * 1000);
        events::insert(tx, &event(2 * number, ids, arrived, EventKind::Arrived))?;
        let ended = arrived.plus_ms(TOOK * 60 * 1000);
        events::insert(tx, &event(2 * number + 1, ids, ended, EventKind::Delivered))?;
    }
    Ok(product)
}

#[tokio::test]
async fn learnt_minutes_are_shown_and_accepted_one_by_one() {
    let app = TestApp::as_admin().await;
    app.post_form(&format!("{}/apply", upload_fixture(&app, ORDERS_FILE).await), &[]).await;
    let team = app.another_browser();
    team.sign_in_as(Role::Logistics).await;
    assert!(team.get("/learning").await.ok().contains("아직 배운 값이 없어요"));
    let product = app.state.storage.write(finished_day).await.expect("writes");
    let page = team.get("/learning").await.ok();
    assert!(page.contains("20분") && page.contains("30분") && page.contains("9곳"), "{page}");
    let value =
        page.split_once("name=\"accept\" value=\"").and_then(|(_, rest)| rest.split('"').next()).expect("a row");
    assert!(value.ends_with("-20-30"), "{value}");
    let other = value.replace("-30", "-31");
    let stale = team.post_form("/learning", &[("accept", &other)]).await;
    assert!(team.get(stale.location()).await.ok().contains("그 사이 값이 바뀌었어요"));
    let accepted = team.post_form("/learning", &[("accept", value)]).await;
    assert!(team.get(accepted.location()).await.ok().contains("작업 시간을 20분에서 30분으로 바꿨어요"));
    let stored = app.state.storage.read(move |tx| trucks::product_handling(tx)).await.expect("reads");
    assert_eq!(stored.get(&product).map(|handling| (handling.minutes, handling.crew)), Some((30, 2)));
    assert!(team.get("/learning").await.ok().contains("지금 값과 같아요"), "now it is reckoned with");
    assert_eq!(team.post_form("/learning", &[("accept", "?")]).await.status, StatusCode::NOT_FOUND);
}
