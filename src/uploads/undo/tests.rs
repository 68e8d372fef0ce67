//! After any history, taking an upload back leaves the shop as it was before it, but for what later work depends on.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::{plan_undo, undo};
use crate::audit::Actor;
use crate::id::{OrderId, UploadId};
use crate::orders::follow::ChannelProgress;
use crate::orders::model::{NewOrder, Order, OrderOption, OrderState};
use crate::orders::store::statements;
use crate::orders::testing::{Files, NOW, Shop, all_orders, edit, new_order, order_rows};
use crate::orders::tests::invariants::hold;
use crate::storage::{Result, StorageError, Tx};
use crate::uploads::store;

/// A row of a file.
#[derive(Clone, Debug)]
struct FileRow {
    number: usize,
    tel: u8,
    quantity: i64,
    option: u8,
    is_desk: bool,
    has_claim: bool,
    state: u8,
}

#[derive(Clone, Debug)]
enum Step {
    Upload(Vec<FileRow>),
    Edit(usize, u8),
    Advance(usize),
}

fn file() -> impl Strategy<Value = Vec<FileRow>> {
    let row = (0..5_usize, 0..3_u8, 1..4_i64, 0..3_u8, any::<bool>(), prop::bool::weighted(0.2), 0..6_u8).prop_map(
        |(number, tel, quantity, option, is_desk, has_claim, state)| FileRow {
            number,
            tel,
            quantity,
            option,
            is_desk,
            has_claim,
            state,
        },
    );
    proptest::collection::vec(row, 1..5)
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        file().prop_map(Step::Upload),
        (0..5_usize, 3..5_u8).prop_map(|(number, tel)| Step::Edit(number, tel)),
        (0..5_usize).prop_map(Step::Advance),
    ];
    proptest::collection::vec(step, 0..most)
}

fn new(row: &FileRow) -> NewOrder {
    let mut new = new_order(&format!("202611010000000{}", row.number));
    new.bundle_number = format!("B{}", row.number / 2);
    new.recipient.tel1 = format!("010-0000-000{}", row.tel);
    new.quantity = row.quantity;
    let value = ["월넛", "오크", "화이트"][usize::from(row.option)];
    new.options = vec![OrderOption { key: "색상".to_owned(), value: value.to_owned() }];
    new.options_raw = format!("색상: {value}");
    if row.is_desk {
        (new.product_number, new.product_name) = ("DESK".to_owned(), "예시 책상".to_owned());
    }
    let state = match row.state {
        4 => OrderState::Shipped,
        5 => OrderState::Cancelled,
        _ => OrderState::Placed,
    };
    if row.has_claim && state < OrderState::Cancelled {
        new.claim = "취소요청".to_owned();
    }
    new.said.progress = Some(ChannelProgress { state, at: Some(NOW), is_exchange: false });
    new
}

fn upload(tx: &mut dyn Tx, files: &Files, rows: &[FileRow]) -> Result<UploadId> {
    let mut seen = BTreeSet::new();
    let rows = rows.iter().filter(|row| seen.insert(row.number)).map(new).collect();
    files.upload_recorded(tx, "SMART_STORE", order_rows(rows))
}

fn run_step(tx: &mut dyn Tx, files: &Files, step: &Step) -> Result<()> {
    let named = |tx: &mut dyn Tx, number: usize| -> Result<Option<Order>> {
        let number = format!("202611010000000{number}");
        Ok(all_orders(tx)?.into_iter().find(|order| order.order_number == number))
    };
    match step {
        Step::Upload(rows) => upload(tx, files, rows).map(drop),
        Step::Edit(number, tel) => match named(tx, *number)? {
            Some(order) => edit(tx, &order, |order| order.recipient.tel1 = format!("010-0000-000{tel}")).map(drop),
            None => Ok(()),
        },
        Step::Advance(number) => match named(tx, *number)?.filter(|order| order.state < OrderState::Dispatched) {
            Some(order) => edit(tx, &order, |order| {
                order.advance(OrderState::Dispatched, NOW);
            })
            .map(drop),
            None => Ok(()),
        },
    }
}

/// Statements, without first ones that say no more than the order.
fn said(tx: &mut dyn Tx, order: &Order) -> Result<Vec<(String, i64, String)>> {
    let stored = statements::stored(tx, &[order.id])?;
    let is_alone = |field| stored.iter().filter(|other| other.field == field).count() == 1;
    let told = stored.iter().filter(|said| !(is_alone(said.field) && said.field.last_said(&[], order) == said.value));
    Ok(told.map(|said| (said.field.code().to_owned(), said.position, said.value.clone())).collect())
}

type Statements = Vec<(String, i64, String)>;

#[derive(Debug, PartialEq)]
struct Snapshot {
    orders: BTreeMap<OrderId, (Order, Statements)>,
    products: Vec<String>,
    variants: Vec<String>,
    deliveries: Vec<String>,
}

fn texts(tx: &mut dyn Tx, sql: &str) -> Result<Vec<String>> {
    tx.query(sql, &[])?.into_iter().map(|mut row| row.text(0)).collect()
}

fn snapshot(tx: &mut dyn Tx) -> Result<Snapshot> {
    let mut orders = BTreeMap::new();
    for order in all_orders(tx)? {
        let said = said(tx, &order)?;
        orders.insert(order.id, (Order { version: 0, ..order }, said));
    }
    Ok(Snapshot {
        orders,
        products: texts(tx, "SELECT number FROM products ORDER BY number")?,
        variants: texts(tx, "SELECT option_value FROM variants ORDER BY product_id, option_value")?,
        deliveries: texts(tx, "SELECT bundle_number FROM deliveries ORDER BY bundle_number")?,
    })
}

fn check(tx: &mut dyn Tx, files: &Files, before: &[Step], rows: &[FileRow], later: &[Step]) -> Result<()> {
    for step in before {
        run_step(tx, files, step)?;
    }
    let was = snapshot(tx)?;
    let id = upload(tx, files, rows)?;
    let uploaded = snapshot(tx)?;
    let versions: BTreeMap<OrderId, i64> = all_orders(tx)?.iter().map(|order| (order.id, order.version)).collect();
    for step in later {
        run_step(tx, files, step)?;
    }
    let worked = snapshot(tx)?;
    let is_touched = |order: &Order| versions.get(&order.id) != Some(&order.version);
    let touched: BTreeSet<OrderId> = all_orders(tx)?
        .iter()
        .filter(|order| {
            is_touched(order)
                || uploaded.orders.get(&order.id).map(|(_, said)| said) != Some(&worked.orders[&order.id].1)
        })
        .map(|order| order.id)
        .collect();
    let planned = plan_undo(tx, id)?.expect("is applied");
    let (done, _) = undo(tx, id, Actor::Program)?.expect("is applied");
    assert_eq!((planned.deleted, planned.kept), (done.deleted.clone(), done.kept.clone()), "the preview tells");
    assert!(undo(tx, id, Actor::Program)?.is_none(), "is taken back once");
    hold(tx)?;
    let is = snapshot(tx)?;
    if touched.is_empty() {
        assert_eq!(is, was);
        let row = tx.query_one("SELECT open_conflicts FROM uploads WHERE id = ?", &[id.into()])?;
        assert_eq!(row.expect("the upload").int(0)?, 0);
    }
    for (id, now) in &worked.orders {
        if touched.contains(id) {
            let after = is.orders.get(id).expect("an order with later work stays");
            let before = was.orders.get(id).unwrap_or(now);
            assert!([&before.0.state, &now.0.state].contains(&&after.0.state));
            assert!([&before.0.recipient, &now.0.recipient].contains(&&after.0.recipient));
        } else {
            assert_eq!(is.orders.get(id), was.orders.get(id), "an order without later work is as before");
        }
    }
    Ok(())
}

#[test]
fn shop_is_as_before_but_for_later_work() {
    let shop = Shop::open();
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(steps(4), file(), steps(4)), |(before, rows, later)| {
            // Rolled back, so that each case starts with an empty shop.
            let done = shop.write(move |tx, files| {
                check(tx, files, &before, &rows, &later)?;
                Err::<(), _>(StorageError::Unavailable("undone".to_owned()))
            });
            match done {
                Err(StorageError::Unavailable(_)) => Ok(()),
                other => Err(TestCaseError::fail(format!("{other:?}"))),
            }
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn order_in_a_sent_file_or_with_a_printed_slip_stays() {
    let shop = Shop::open();
    let kept = shop.write(|tx, files| {
        let rows: Vec<NewOrder> = (0..3)
            .map(|number| {
                let mut new = new_order(&format!("202611010000000{number}"));
                new.bundle_number = format!("B{number}");
                new
            })
            .collect();
        let id = files.upload_recorded(tx, "SMART_STORE", order_rows(rows))?;
        let orders = all_orders(tx)?;
        tx.exec(
            "INSERT INTO downloads (id, downloaded_at, member_id, content, source, row_count, note) \
             VALUES (1, ?, NULL, 'purchase-order', '', 1, '')",
            &[NOW.plus_ms(1).into()],
        )?;
        tx.exec(
            "INSERT INTO download_orders (order_id, sent_to, download_id) VALUES (?, 'factory', 1)",
            &[orders[0].id.into()],
        )?;
        tx.exec(
            "INSERT INTO delivery_events (id, delivery_id, logged_at, member_id, audit_entry_id, action, details) \
             VALUES (1, ?, ?, NULL, 1, 'printed', '{}')",
            &[orders[1].delivery_id.into(), NOW.plus_ms(1).into()],
        )?;
        let (plan, _) = undo(tx, id, Actor::Program)?.expect("is applied");
        assert_eq!(plan.deleted.len(), 1);
        hold(tx)?;
        Ok(plan.kept.into_iter().map(|(_, kept)| kept.reason).collect::<Vec<_>>())
    });
    let kept = kept.expect("writes");
    assert!(kept.len() == 2 && kept[0].contains("발주서") && kept[1].contains("전표"), "{kept:?}");
}

#[test]
fn rejected_rows_that_the_upload_settled_are_open_again() {
    let shop = Shop::open();
    let open = shop.write(|tx, files| {
        let first = files.upload_recorded(tx, "SMART_STORE", order_rows(vec![new_order("2026110100000000")]))?;
        tx.exec(
            "UPDATE upload_rows SET outcome = 'rejected', resolution = 'uploaded', resolved_at = ? WHERE upload_id = ?",
            &[NOW.into(), first.into()],
        )?;
        tx.exec("UPDATE uploads SET rejected = 1 WHERE id = ?", &[first.into()])?;
        let id = files.upload_recorded(tx, "SMART_STORE", order_rows(vec![new_order("2026110100000001")]))?;
        undo(tx, id, Actor::Program)?.expect("is applied");
        Ok(store::find(tx, first)?.expect("the upload").open_rows)
    });
    assert_eq!(open.expect("writes"), 1);
}
