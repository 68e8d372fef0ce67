//! Plans for a shop that has orders already.

use crate::orders::model::{NewOrder, OrderState};
use crate::orders::store::find_by_number;
use crate::orders::testing::{NOW, Shop, all_orders, checked, new_order, order_rows};
use crate::storage::{Result, Tx};
use crate::uploads::Outcome;
use crate::uploads::check::{Checked, Outcome as Verdict, Reason, StateChange, StateRow};
use crate::uploads::read::Rows;

fn bundled(number: &str, bundle: &str) -> NewOrder {
    NewOrder { bundle_number: bundle.to_owned(), ..new_order(number) }
}

fn of_channel(channel: &str, order: NewOrder) -> NewOrder {
    NewOrder { sales_channel: channel.to_owned(), ..order }
}

/// The bundle numbers of the deliveries, each with how many orders it has.
fn deliveries(tx: &mut dyn Tx) -> Result<Vec<(String, i64)>> {
    let rows = tx.query("SELECT bundle_number, order_count FROM deliveries ORDER BY bundle_number", &[])?;
    rows.into_iter().map(|mut row| Ok((row.text(0)?, row.int(1)?))).collect()
}

#[test]
fn orders_of_a_product_that_is_not_in_use_are_told() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        tx.exec("UPDATE products SET enabled = 0", &[])?;
        let chair = NewOrder { product_number: "CHAIR".into(), product_name: "의자".into(), ..new_order("4") };
        let report = files.order(tx, "SMART_STORE", vec![new_order("2"), new_order("3"), chair])?;
        assert_eq!((report.count(Outcome::Created), report.warned()), (3, 2));
        assert!(report.rows[0].reasons[0].message.contains("사용하지 않는 상품"), "{:?}", report.rows[0]);
        let [product] = &report.findings.disabled[..] else { panic!("{:?}", report.findings) };
        assert_eq!((product.product_number.as_str(), product.orders), ("BED", 2));
        Ok(())
    })
    .expect("plans");
}

#[test]
fn an_order_that_is_known_is_skipped_whatever_its_row_says_now() {
    use Outcome::{Created, Rejected, Skipped};
    let shop = Shop::open();
    shop.write(|tx, files| {
        let faulty = |key: &str| {
            let reason =
                Reason { column: "수량".into(), value: "두개".into(), message: "숫자가 아니에요".into() };
            Checked { row: 9, key: key.to_owned(), outcome: Verdict::<NewOrder>::Rejected(vec![reason]) }
        };
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        let Rows::Orders(mut rows) = order_rows(vec![new_order("2")]) else { unreachable!() };
        rows.extend(["1", "2", "3", ""].map(faulty));
        let report = files.upload(tx, "SMART_STORE", Rows::Orders(rows))?;
        let outcomes: Vec<Outcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Created, Skipped, Skipped, Rejected, Rejected], "known, in the file, unknown, no number");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn a_list_of_a_channel_is_about_the_orders_of_that_channel() {
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
        let report = files.upload(tx, "SMART_STORE", Rows::States(checked(confirmed.into_iter())))?;
        let outcomes: Vec<Outcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Outcome::Updated, Outcome::Skipped]);
        let states: Vec<OrderState> = all_orders(tx)?.iter().map(|order| order.state).collect();
        assert_eq!(states, [OrderState::Placed, OrderState::Placed, OrderState::Confirmed]);
        assert_eq!(find_by_number(tx, "1")?.len(), 2);
        Ok(())
    })
    .expect("plans");
}

#[test]
fn a_bundle_number_is_of_its_channel() {
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
