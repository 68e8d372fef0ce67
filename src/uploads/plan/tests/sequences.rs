//! Any sequence of a channel's files leaves what the newest says, but for what people edited and what waits for a decision.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::id::UploadId;
use crate::orders::follow::{ChannelProgress, FollowedField};
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store::channel_conflicts;
use crate::orders::testing::{Files, NOW, Shop, all_orders, edit, new_order};
use crate::orders::tests::invariants::hold;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// What the channel has of an order at one time.
#[derive(Clone, Debug)]
struct Version {
    message: u8,
    tel: u8,
    address: u8,
    /// pieces cancelled since the version before
    cancelled: i64,
    has_claim: bool,
    /// steps that the state has advanced since the version before
    steps: usize,
}

#[derive(Clone, Debug)]
enum Step {
    /// the file that the channel made of that version
    Upload(usize),
    /// a member types another telephone number
    Edit(u8),
}

const STATES: [OrderState; 4] = [OrderState::Placed, OrderState::Shipped, OrderState::Confirmed, OrderState::Cancelled];

fn versions() -> impl Strategy<Value = Vec<[Version; 2]>> {
    let version = || {
        (0..3_u8, 0..3_u8, 0..3_u8, 0..2_i64, any::<bool>(), prop_oneof![4 => Just(0_usize), 1 => Just(1_usize)])
            .prop_map(|(message, tel, address, cancelled, has_claim, steps)| Version {
                message,
                tel,
                address,
                cancelled,
                has_claim,
                steps,
            })
    };
    proptest::collection::vec([version(), version()], 1..6)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..6_usize).prop_map(Step::Upload),
        1 => (3..5_u8).prop_map(Step::Edit),
    ];
    proptest::collection::vec(step, 1..12)
}

/// The row of an order in the file of a version.
fn row(versions: &[[Version; 2]], number: usize, index: usize) -> NewOrder {
    let version = &versions[index][number];
    let past = versions[..=index].iter().map(|version| &version[number]);
    let mut new = new_order(&format!("202611010000000{number}"));
    new.customer_message = ["", "문 앞", "경비실"][usize::from(version.message)].to_owned();
    new.recipient.tel1 = format!("010-0000-000{}", version.tel);
    new.recipient.address1 = format!("경상북도 포항시 북구 예시로 {}", version.address);
    new.quantity = 9 - past.clone().map(|version| version.cancelled).sum::<i64>();
    new.claim = if version.has_claim { "취소요청" } else { "" }.to_owned();
    let state = STATES[past.map(|version| version.steps).sum::<usize>().min(STATES.len() - 1)];
    new.said.progress = Some(ChannelProgress { state, at: Some(NOW), is_exchange: false });
    if state == OrderState::Cancelled {
        new.claim.clear();
    }
    new
}

/// When the channel made the file of a version.
pub(super) fn made_at(index: usize) -> Moment {
    NOW.plus_ms(-60_000 * (10 - i64::try_from(index).expect("small")))
}

pub(super) fn upload(tx: &mut dyn Tx, files: &Files, rows: Vec<NewOrder>, made_at: Option<Moment>) -> Result<()> {
    let upload_id = tx.new_id::<UploadId>();
    let sql = "INSERT INTO uploads (id, created_at, member_id, kind, channel_code, courier, file_name, file_size, \
               file_sha256, file_kept, stage, refusal, findings) \
               VALUES (?, ?, NULL, 'orders', 'SMART_STORE', '', '', 0, '', 0, 'applied', '', '')";
    tx.exec(sql, &[upload_id.into(), NOW.into()])?;
    files.order_made_at(tx, "SMART_STORE", (upload_id, made_at), rows)?;
    tx.exec("UPDATE uploads SET made_at = ? WHERE id = ?", &[made_at.into(), upload_id.into()]).map(drop)
}

/// Fields of an order that a member edited, or that wait for a decision.
fn undecided(tx: &mut dyn Tx, order: &Order) -> Result<BTreeSet<FollowedField>> {
    let open = channel_conflicts::of_orders(tx, &[order.id])?;
    Ok(open.into_iter().filter(|conflict| conflict.resolved.is_none()).map(|conflict| conflict.field).collect())
}

fn check(tx: &mut dyn Tx, order: &Order, newest: &NewOrder, is_edited: bool) -> Result<()> {
    let undecided = undecided(tx, order)?;
    let progress = newest.said.progress.expect("a state");
    assert!(order.state >= progress.state, "{order:?}");
    for field in FollowedField::ALL {
        let is_free = matches!(field, FollowedField::State) || undecided.contains(&field);
        let is_edited = is_edited && field == FollowedField::RecipientTel1;
        // An order that was sent or cancelled in between keeps what it had then.
        let is_closed = order.state >= OrderState::Shipped;
        if !is_free && !is_edited && !is_closed {
            assert_eq!(field.of_order(order), field.of_row(newest), "{field:?} of {order:#?}");
        }
    }
    Ok(())
}

fn run(is_stamped: bool) {
    let shop = Shop::open();
    let config = ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&(versions(), steps()), |(versions, steps)| {
            // Rolled back, so that each case starts with an empty shop.
            let done = shop.write(move |tx, files| {
                let (mut newest, mut is_edited) = (None, false);
                for step in &steps {
                    match step {
                        Step::Upload(index) => {
                            // Without the time in its name, only a file that the shop had before is known to be older.
                            let next = newest.map_or(0, |newest| newest + 1);
                            let most = if is_stamped { versions.len() - 1 } else { next.min(versions.len() - 1) };
                            let index = (*index).min(most);
                            let rows = (0..2).map(|number| row(&versions, number, index)).collect();
                            upload(tx, files, rows, is_stamped.then(|| made_at(index)))?;
                            newest = newest.max(Some(index));
                        }
                        Step::Edit(tel) => {
                            for order in all_orders(tx)? {
                                let tel = format!("010-0000-000{tel}");
                                assert!(edit(tx, &order, |order| order.recipient.tel1 = tel)?);
                                is_edited = true;
                            }
                        }
                    }
                    let Some(newest) = newest else { continue };
                    for (number, order) in all_orders(tx)?.iter().enumerate() {
                        check(tx, order, &row(&versions, number, newest), is_edited)?;
                    }
                }
                hold(tx)?;
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
fn files_in_any_order_leave_what_the_newest_says() {
    run(true);
}

#[test]
fn repeated_files_without_a_time_leave_what_the_newest_says() {
    run(false);
}
