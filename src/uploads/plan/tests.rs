//! Plans for a shop that has orders already.

use crate::orders::model::NewOrder;
use crate::orders::testing::{Shop, new_order, order_rows};
use crate::uploads::Outcome;
use crate::uploads::check::{Checked, Outcome as Verdict, Reason};
use crate::uploads::read::Rows;

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
