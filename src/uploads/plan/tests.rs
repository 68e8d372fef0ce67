//! Plans against stored orders.

use crate::orders::model::{NewOrder, OrderState};
use crate::orders::store::find_by_number;
use crate::orders::testing::{NOW, Shop, all_orders, checked, new_order, order_rows};
use crate::storage::{Result, Tx};
use crate::uploads::RowOutcome;
use crate::uploads::check::{CheckedRow, Reason, RowCheck, StateChange, StateRow};
use crate::uploads::parse::ParsedRows;

fn bundled(number: &str, bundle: &str) -> NewOrder {
    NewOrder { bundle_number: bundle.to_owned(), ..new_order(number) }
}

fn of_channel(channel: &str, order: NewOrder) -> NewOrder {
    NewOrder { sales_channel: channel.to_owned(), ..order }
}

/// Bundle number and order count of each delivery.
fn deliveries(tx: &mut dyn Tx) -> Result<Vec<(String, i64)>> {
    let rows = tx.query("SELECT bundle_number, order_count FROM deliveries ORDER BY bundle_number", &[])?;
    rows.into_iter().map(|mut row| Ok((row.text(0)?, row.int(1)?))).collect()
}

#[test]
fn orders_of_a_disabled_product_get_a_warning() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        tx.exec("UPDATE products SET enabled = 0", &[])?;
        let chair = NewOrder { product_number: "CHAIR".into(), product_name: "의자".into(), ..new_order("4") };
        let report = files.order(tx, "SMART_STORE", vec![new_order("2"), new_order("3"), chair])?;
        assert_eq!((report.count(RowOutcome::Created), report.warned()), (3, 2));
        assert!(report.rows[0].reasons[0].message.contains("사용하지 않는 상품"), "{:?}", report.rows[0]);
        let [product] = &report.findings.disabled[..] else { panic!("{:?}", report.findings) };
        assert_eq!((product.product_number.as_str(), product.orders), ("BED", 2));
        Ok(())
    })
    .expect("plans");
}

#[test]
fn known_order_is_skipped_even_if_its_row_is_invalid() {
    use RowOutcome::{Created, Rejected, Skipped};
    let shop = Shop::open();
    shop.write(|tx, files| {
        let faulty = |key: &str| {
            let reason =
                Reason { column: "수량".into(), value: "두개".into(), message: "숫자가 아니에요".into() };
            let outcome = RowCheck::<NewOrder>::Rejected(vec![reason]);
            CheckedRow { row: 9, key: key.to_owned(), outcome, is_inexact: false, is_hidden: false, sheet: 0 }
        };
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        let ParsedRows::Orders(mut rows) = order_rows(vec![new_order("2")]) else { unreachable!() };
        rows.extend(["1", "2", "3", ""].map(faulty));
        let report = files.upload(tx, "SMART_STORE", ParsedRows::Orders(rows))?;
        let outcomes: Vec<RowOutcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Created, Skipped, Skipped, Rejected, Rejected], "known, in the file, unknown, no number");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn status_file_changes_only_orders_of_its_channel() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        files.order(
            tx,
            "COUPANG",
            vec![of_channel("COUPANG", new_order("1")), of_channel("COUPANG", new_order("2"))],
        )?;
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        let confirmed = ["1", "2"].map(|number| {
            (number.to_owned(), StateRow { order_number: number.to_owned(), change: StateChange::Confirm(NOW) })
        });
        let report = files.upload(tx, "SMART_STORE", ParsedRows::States(checked(confirmed.into_iter())))?;
        let outcomes: Vec<RowOutcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [RowOutcome::Updated, RowOutcome::Skipped]);
        let states: Vec<OrderState> = all_orders(tx)?.iter().map(|order| order.state).collect();
        assert_eq!(states, [OrderState::Placed, OrderState::Placed, OrderState::Confirmed]);
        assert_eq!(find_by_number(tx, "1")?.len(), 2);
        Ok(())
    })
    .expect("plans");
}

#[test]
fn equal_bundle_numbers_of_two_channels_are_separate_bundles() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let order = |channel: &str, number: &str| of_channel(channel, bundled(number, "77"));
        files.order(tx, "SMART_STORE", vec![order("SMART_STORE", "1")])?;
        files.order(tx, "COUPANG", vec![order("COUPANG", "2")])?;
        files.order(tx, "COUPANG", vec![order("COUPANG", "3")])?;
        files.order(tx, "SMART_STORE", vec![order("SMART_STORE", "4")])?;
        assert_eq!(deliveries(tx)?, [("77".to_owned(), 2), ("77-COUPANG".to_owned(), 2)]);
        Ok(())
    })
    .expect("plans");
}
