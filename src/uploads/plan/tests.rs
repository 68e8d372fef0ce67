//! Plans against stored orders.

mod sequences;

use super::{NamedOrder, set_tracking};
use crate::audit::Actor;
use crate::channels::model::OrderOption;
use crate::id::UploadId;
use crate::orders::follow::{ChannelProgress, HoldReason};
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::store::{channel_conflicts, find_by_number};
use crate::orders::testing::{NOW, Shop, all_orders, checked, edit, new_order, order_rows};
use crate::orders::tests::invariants::hold;
use crate::storage::{Result, Tx};
use crate::uploads::check::{CheckedRow, Reason, RowCheck, StateChange, StateRow, TrackingRow};
use crate::uploads::decisions::{ChosenConflicts, ChosenValue, decide_conflicts};
use crate::uploads::parse::ParsedRows;
use crate::uploads::{Report, RowOutcome};

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
fn repeated_number_with_other_content_is_told() {
    use RowOutcome::{Created, Skipped};
    let shop = Shop::open();
    shop.write(|tx, files| {
        let more = NewOrder { quantity: 5, ..new_order("1") };
        let note = NewOrder { customer_message: "문 앞".into(), ..new_order("1") };
        let report = files.order(tx, "SMART_STORE", vec![new_order("1"), new_order("1"), more, note])?;
        let outcomes: Vec<RowOutcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Created, Skipped, Skipped, Skipped]);
        assert!(report.findings.notes[0].contains("2행"), "{:?}", report.findings.notes);
        let message = |row: usize| report.rows[row].reasons[0].message.as_str();
        assert_eq!(message(1), "2행에 같은 주문이 있어요");
        assert!(
            message(2).contains("내용이 달라요(수량)") && message(3).contains("내용이 달라요(고객메시지)"),
            "{report:?}"
        );
        assert_eq!(all_orders(tx)?[0].quantity, 1);
        Ok(())
    })
    .expect("plans");
}

#[test]
fn other_spelling_of_an_option_is_the_same_variant() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let with_option = |number: &str, value: &str| {
            let options = vec![OrderOption { key: "색상".to_owned(), value: value.to_owned() }];
            NewOrder { options, options_raw: format!("색상: {value}"), ..new_order(number) }
        };
        files.order(tx, "SMART_STORE", vec![with_option("1", "Ivory"), with_option("2", "ivory ")])?;
        let report = files.order(
            tx,
            "SMART_STORE",
            vec![with_option("1", "Ｉvory"), with_option("3", "IVORY"), with_option("4", "Ivory 2")],
        )?;
        assert_eq!(outcomes(&report), [RowOutcome::Skipped, RowOutcome::Created, RowOutcome::Created]);
        assert_eq!(report.findings.variants_created.len(), 1, "{:?}", report.findings);
        let variants = tx.query("SELECT option_value FROM variants ORDER BY id", &[])?;
        let variants: Vec<String> = variants.into_iter().map(|mut row| row.text(0)).collect::<Result<_>>()?;
        assert_eq!(variants, ["Ivory", "Ivory 2"]);
        for number in ["1", "2", "3"] {
            assert_eq!(order(tx, number)?.options[0].value, "Ivory", "its label is found by the stored spelling");
        }
        Ok(())
    })
    .expect("plans");
}

#[test]
fn number_that_may_lack_its_zeros_counts_only_if_it_is_known() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        files.order(tx, "SMART_STORE", vec![new_order("12345678901")])?;
        let ParsedRows::Orders(mut rows) = order_rows(vec![new_order("12345678901"), new_order("22345678901")]) else {
            unreachable!()
        };
        for row in &mut rows {
            row.is_inexact = true;
        }
        let report = files.upload(tx, "SMART_STORE", ParsedRows::Orders(rows))?;
        assert_eq!(outcomes(&report), [RowOutcome::Skipped, RowOutcome::Rejected]);
        assert!(report.rows[1].reasons[0].message.contains("앞의 0"), "{report:?}");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn invalid_row_of_a_known_order_is_rejected_but_its_good_cells_are_followed() {
    use RowOutcome::{Created, Rejected, Skipped, Updated};
    let shop = Shop::open();
    shop.write(|tx, files| {
        let faulty = |key: &str, partial: Option<NewOrder>| {
            let reason =
                Reason { column: "수량".into(), value: "두개".into(), message: "숫자가 아니에요".into() };
            let outcome = RowCheck::<NewOrder>::Rejected(vec![reason]);
            let partial = partial.map(Box::new);
            let key = key.to_owned();
            CheckedRow { row: 9, key, outcome, is_inexact: false, is_hidden: false, sheet: 0, partial }
        };
        let claimed = |key: &str| NewOrder { claim: "취소요청".into(), ..new_order(key) };
        files.order(tx, "SMART_STORE", vec![new_order("1"), new_order("4")])?;
        let ParsedRows::Orders(mut rows) = order_rows(vec![new_order("2")]) else { unreachable!() };
        rows.push(faulty("1", Some(claimed("1"))));
        rows.push(faulty("4", Some(new_order("4"))));
        rows.extend(["2", "3", ""].map(|key| faulty(key, None)));
        let report = files.upload(tx, "SMART_STORE", ParsedRows::Orders(rows))?;
        let outcomes: Vec<RowOutcome> = report.rows.iter().map(|row| row.outcome).collect();
        assert_eq!(outcomes, [Created, Updated, Rejected, Skipped, Rejected, Rejected]);
        assert_eq!(report.rows[1].changes[0].new, "취소요청");
        assert!(!report.rows[1].reasons.is_empty(), "the bad cell is told");
        Ok(())
    })
    .expect("plans");
}

/// The order with that number.
fn order(tx: &mut dyn Tx, number: &str) -> Result<Order> {
    Ok(all_orders(tx)?.into_iter().find(|order| order.order_number == number).expect("an order"))
}

fn outcomes(report: &Report) -> Vec<RowOutcome> {
    report.rows.iter().map(|row| row.outcome).collect()
}

#[test]
fn edited_field_waits_for_a_decision_until_someone_chooses() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let with_tel = |tel: &str| {
            let mut new = new_order("1");
            new.recipient.tel1 = tel.to_owned();
            vec![new]
        };
        files.order(tx, "SMART_STORE", with_tel("010-0000-0001"))?;
        let before = order(tx, "1")?;
        assert!(edit(tx, &before, |order| order.recipient.tel1 = "010-0000-7777".to_owned())?);
        let again = files.order(tx, "SMART_STORE", with_tel("010-0000-0001"))?;
        assert_eq!((outcomes(&again), again.conflict_count()), (vec![RowOutcome::Skipped], 0), "nothing new");

        let upload_id = tx.new_id::<UploadId>();
        let report = files.upload_as(tx, upload_id, "SMART_STORE", order_rows(with_tel("010-0000-9999")))?;
        let conflict = &report.rows[0].conflicts[0];
        assert_eq!((conflict.channel.as_str(), conflict.ours.as_str()), ("010-0000-9999", "010-0000-7777"));
        assert!(conflict.edited_at.is_some());
        assert_eq!(order(tx, "1")?.recipient.tel1, "010-0000-7777");
        let again = files.order(tx, "SMART_STORE", with_tel("010-0000-9999"))?;
        assert_eq!(again.conflict_count(), 0, "the same conflict is not opened twice");

        let open = channel_conflicts::of_upload(tx, upload_id, 0..=9)?;
        let chosen = ChosenConflicts::Some(vec![open[0].id]);
        let decided =
            decide_conflicts(tx, (upload_id, Actor::Program), ChosenValue::Channel, &chosen, &files.districts)?;
        assert_eq!((decided.resolved, decided.failed.len()), (1, 0));
        assert_eq!(order(tx, "1")?.recipient.tel1, "010-0000-9999");
        let twice = decide_conflicts(tx, (upload_id, Actor::Program), ChosenValue::Own, &chosen, &files.districts)?;
        assert_eq!((twice.resolved, twice.failed.len()), (0, 1), "it is decided");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn older_file_is_named_and_undoes_nothing() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let rows = |message: &str, claim: &str| {
            let changed = NewOrder { customer_message: message.into(), claim: claim.into(), ..new_order("1") };
            vec![changed, new_order("2"), new_order("3")]
        };
        let (morning, noon) = (rows("", ""), rows("문 앞", "취소요청"));
        files.order(tx, "SMART_STORE", morning.clone())?;
        let report = files.order(tx, "SMART_STORE", noon.clone())?;
        assert_eq!(outcomes(&report), [RowOutcome::Updated, RowOutcome::Skipped, RowOutcome::Skipped]);
        let after_noon = all_orders(tx)?;
        let upload_id = tx.new_id::<UploadId>();
        let report = files.upload_as(tx, upload_id, "SMART_STORE", order_rows(morning))?;
        assert!(report.is_older_file && report.conflict_count() == 2, "{report:?}");
        assert_eq!(all_orders(tx)?, after_noon);
        let report = files.order(tx, "SMART_STORE", noon)?;
        assert!(!report.is_older_file && report.conflict_count() == 0 && all_orders(tx)? == after_noon);
        let own = decide_conflicts(
            tx,
            (upload_id, Actor::Program),
            ChosenValue::Own,
            &ChosenConflicts::All,
            &files.districts,
        )?;
        assert_eq!((own.resolved, all_orders(tx)? == after_noon), (2, true));
        Ok(())
    })
    .expect("plans");
}

#[test]
fn newer_file_stays_newer_although_the_channel_took_states_back() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let row = |number: &str, state| {
            let mut new = new_order(number);
            new.said.progress = Some(ChannelProgress { state, at: None, is_exchange: false });
            new
        };
        let noon = ["1", "2", "3"].map(|number| row(number, OrderState::Shipped)).into();
        sequences::upload(tx, files, noon, Some(sequences::made_at(1)))?;
        let mut moved = row("3", OrderState::Shipped);
        moved.recipient.tel1 = "010-0000-9999".to_owned();
        moved.customer_message = "문 앞".to_owned();
        let rows = vec![row("1", OrderState::Placed), row("2", OrderState::Placed), moved];
        let upload_id = tx.new_id::<UploadId>();
        let report = files.order_made_at(tx, "SMART_STORE", (upload_id, Some(sequences::made_at(2))), rows)?;
        assert!(!report.is_older_file, "{report:?}");
        assert!(report.rows[0].reasons[0].message.contains("판매채널이 상태를 되돌렸어요"), "{report:?}");
        assert!(report.rows[2].conflicts.iter().all(|conflict| conflict.reason != HoldReason::Older), "{report:?}");
        assert_eq!(order(tx, "1")?.state, OrderState::Shipped, "a member decides");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn claim_of_a_new_order_has_its_moment() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let hour_ms = 60 * 60 * 1000;
        let mut claimed = NewOrder { claim: "취소요청".into(), ..new_order("1") };
        claimed.said.claim_as_of = Some(NOW.plus_ms(-hour_ms));
        files.order(tx, "SMART_STORE", vec![claimed])?;
        let withdrawn = |hours: i64| {
            let change = StateChange::ClearClaim("취소철회".to_owned(), Some(NOW.plus_ms(-hours * hour_ms)));
            let row = ("1".to_owned(), StateRow { order_number: "1".to_owned(), change });
            ParsedRows::States(checked(std::iter::once(row)))
        };
        let report = files.upload(tx, "SMART_STORE", withdrawn(3))?;
        assert_eq!((order(tx, "1")?.claim.as_str(), report.conflict_count()), ("취소요청", 1), "an earlier request");
        files.upload(tx, "SMART_STORE", withdrawn(0))?;
        assert_eq!(order(tx, "1")?.claim, "");
        Ok(())
    })
    .expect("plans");
}

#[test]
fn orders_come_in_with_the_state_of_their_channel() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let states = [OrderState::Shipped, OrderState::Confirmed, OrderState::Cancelled, OrderState::Refunded];
        let new = states.iter().zip(["1", "2", "3", "4"]).map(|(state, number)| {
            let mut new = new_order(number);
            new.said.progress = Some(ChannelProgress { state: *state, at: None, is_exchange: false });
            new
        });
        let new: Vec<NewOrder> = new.collect();
        assert_eq!(outcomes(&files.order(tx, "SMART_STORE", new.clone())?), [RowOutcome::Created; 4]);
        let stored: Vec<OrderState> = all_orders(tx)?.iter().map(|order| order.state).collect();
        assert_eq!(stored, states);
        let before = order(tx, "1")?;
        assert!(edit(tx, &before, |order| order.set_state(OrderState::Purchased, NOW))?);
        files.order(tx, "SMART_STORE", new)?;
        assert_eq!(order(tx, "1")?.state, OrderState::Purchased, "the channel says what it said before");
        hold(tx)
    })
    .expect("plans");
}

#[test]
fn changed_address_of_one_order_warns_about_its_bundle() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let moved = |number: &str| {
            let mut new = bundled(number, "77");
            new.recipient.address1 = "부산광역시 해운대구 센텀로 9".to_owned();
            new.recipient.zip_code = "48058".to_owned();
            new
        };
        files.order(tx, "SMART_STORE", vec![bundled("1", "77"), bundled("2", "77")])?;
        let report = files.order(tx, "SMART_STORE", vec![moved("1")])?;
        assert!(report.rows[0].reasons.iter().any(|reason| reason.message.contains("같은 묶음")), "{report:?}");
        assert_eq!(order(tx, "1")?.sigungu_code, files.districts.lookup("48058").district());
        let report = files.order(tx, "SMART_STORE", vec![moved("2")])?;
        assert!(report.rows[0].reasons.is_empty(), "both have moved");
        hold(tx)
    })
    .expect("plans");
}

#[test]
fn order_of_another_product_keeps_its_goods() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        let other = NewOrder {
            product_number: "CHAIR".into(),
            product_name: "의자".into(),
            options: Vec::new(),
            options_raw: String::new(),
            quantity: 9,
            ..new_order("1")
        };
        let report = files.order(tx, "SMART_STORE", vec![other])?;
        assert!(report.rows[0].changes.is_empty() && report.rows[0].reasons[0].message.contains("다른 상품"));
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

fn parcel_row(number: &str) -> TrackingRow {
    let (order_number, tracking_number) = (number.to_owned(), format!("4516830{number:0>4}"));
    TrackingRow { order_number, tracking_number, courier: Some("로젠택배".to_owned()) }
}

#[test]
fn courier_has_goods_of_the_own_team_only_if_somebody_says_so() {
    for method in [ShippingMethod::Direct, ShippingMethod::Quick, ShippingMethod::Pickup] {
        let mut order = Order::of_new(&NewOrder { shipping_method: method, ..new_order("1") });
        let before = order.clone();
        let asked = set_tracking(&mut order, &parcel_row("1"), NOW, NamedOrder::default());
        assert_eq!((asked.outcome, &order), (RowOutcome::Rejected, &before), "nothing is delivered");
        assert!(asked.conflict.is_some() && asked.reasons[0].value == method.label(), "{:?}", asked.reasons);

        let named = NamedOrder { as_parcel: true, ..NamedOrder::default() };
        assert_eq!(set_tracking(&mut order, &parcel_row("1"), NOW, named).outcome, RowOutcome::Updated);
        assert_eq!((order.shipping_method, order.state), (ShippingMethod::Parcel, OrderState::Shipped));
    }
    let other = NewOrder { shipping_method: ShippingMethod::Other, ..new_order("1") };
    let mut order = Order::of_new(&other);
    let plan = set_tracking(&mut order, &parcel_row("1"), NOW, NamedOrder::default());
    assert_eq!((plan.outcome, order.state), (RowOutcome::Updated, OrderState::Shipped), "it may be a parcel");
}

#[test]
fn tracking_numbers_for_the_own_team_are_counted_and_the_others_registered() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let parcel = NewOrder { shipping_method: ShippingMethod::Parcel, ..new_order("2") };
        files.order(tx, "SMART_STORE", vec![new_order("1"), parcel, new_order("3")])?;
        let rows = ["1", "2", "3"].map(|number| (number.to_owned(), parcel_row(number)));
        let report = files.upload(tx, "LOGEN", ParsedRows::Tracking(checked(rows.into_iter())))?;
        assert_eq!(outcomes(&report), [RowOutcome::Rejected, RowOutcome::Updated, RowOutcome::Rejected]);
        assert!(report.findings.notes.iter().any(|note| note.contains("2행")), "{:?}", report.findings.notes);
        assert_eq!((order(tx, "1")?.state, order(tx, "1")?.tracking_number.as_str()), (OrderState::Placed, ""));
        hold(tx)
    })
    .expect("plans");
}

#[test]
fn order_file_with_a_number_for_the_own_team_is_asked_about_and_a_new_order_of_it_is_told() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let numbered = |number: &str| NewOrder {
            tracking_number: "45168300137".into(),
            courier: "로젠택배".into(),
            ..new_order(number)
        };
        files.order(tx, "SMART_STORE", vec![new_order("1")])?;
        let upload_id = tx.new_id::<UploadId>();
        let rows = order_rows(vec![numbered("1"), numbered("2")]);
        let report = files.upload_as(tx, upload_id, "SMART_STORE", rows)?;
        assert_eq!((report.conflict_count(), report.warned()), (1, 1), "{report:?}");
        assert_eq!(order(tx, "1")?.tracking_number, "");
        let by = (upload_id, Actor::Program);
        decide_conflicts(tx, by, ChosenValue::Channel, &ChosenConflicts::All, &files.districts)?;
        let decided = order(tx, "1")?;
        assert_eq!(
            (decided.shipping_method, decided.tracking_number.as_str()),
            (ShippingMethod::Parcel, "45168300137")
        );
        hold(tx)
    })
    .expect("plans");
}
