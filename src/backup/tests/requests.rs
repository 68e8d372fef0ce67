//! Demands of people that were carried out after the restored moment.

use super::*;
use crate::audit::Actor;
use crate::backup::request_copies::restore_requests;
use crate::id::{OrderId, PersonRequestId};
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::orders::testing::edit;
use crate::privacy::answered::synchronize;
use crate::privacy::person::PersonRole;
use crate::privacy::request::{PersonCorrection, RequestAnswer, RequestKind};
use crate::privacy::store::requests;
use crate::storage::{StorageError, Tx};

const KEEP: u32 = 5;

/// A word of the memos, and of the names, that only these have.
const MEMO: &str = "mkqmemo";
const NAME: &str = "mkqname";

fn order_of(number: i64) -> NewOrder {
    let mut order = new_order(&format!("2026112200000{number:03}"));
    order.customer.name = format!("{NAME}{number}");
    order.customer.tel = format!("010-7391-000{number}");
    order.recipient.name = format!("{NAME}{number}");
    order.recipient.tel1 = format!("010-7391-000{number}");
    order.recipient.address1 = format!("경상북도 포항시 북구 예시로 {number}");
    order.customer_message = format!("{MEMO}{number}");
    order.bundle_number = format!("b-{number}");
    order
}

fn ship(tx: &mut dyn Tx, id: OrderId) -> Result<(), StorageError> {
    let (order, now) = (orders::find(tx, &[id])?.remove(0), tx.now());
    edit(tx, &order, |order| order.set_state(OrderState::Shipped, now)).map(drop)
}

/// Carries a demand of the customer of an order out and answers it.
fn carry_out(tx: &mut dyn Tx, order: OrderId, kind: RequestKind) -> Result<PersonRequestId, StorageError> {
    let (actor, person, keep) = (Actor::Program, (order, PersonRole::Customer), RetentionYears::new(KEEP));
    let today = tx.now().date();
    let id = requests::receive(tx, actor, person, kind, today, "전화로 요구함")?.expect("an order");
    let (answer, words) = match kind {
        RequestKind::Delete => requests::delete(tx, actor, id, person, keep)?.expect("a person"),
        RequestKind::Restrict => requests::restrict(tx, actor, id, person, keep)?.expect("a person"),
        RequestKind::Correct => {
            let correction = PersonCorrection { name: Some(format!("{NAME}새이름")), tel: None };
            requests::correct(tx, actor, person, &correction, keep)?.expect("a person")
        }
        RequestKind::Show => (RequestAnswer::Done, "인쇄해서 드림".to_owned()),
    };
    assert!(requests::answer(tx, actor, id, answer, &words)?);
    Ok(id)
}

/// The orders that have a memo, the sealed ones, the deliveries that are stopped, and the open demands.
async fn state(storage: &Storage) -> [i64; 4] {
    let counts = [
        "SELECT count(*) FROM orders WHERE customer_message <> ''",
        "SELECT count(*) FROM order_seals WHERE opened_at IS NULL",
        "SELECT count(*) FROM restrictions",
        "SELECT count(*) FROM person_requests WHERE answered_at IS NULL",
    ];
    let read = storage.read(move |tx| {
        let mut found = [0; 4];
        for (found, sql) in found.iter_mut().zip(counts) {
            *found = tx.scalar(sql, &[])?;
        }
        Ok::<_, StorageError>(found)
    });
    read.await.expect("counts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn demands_carried_out_since_the_restored_moment_are_done_again() {
    let shop = BackedUpShop::new();
    let files = Files::open();
    let created = shop.storage.write(move |tx| {
        files.order(tx, "SMART_STORE", (1..=5).map(order_of).collect())?;
        let ids = tx.query("SELECT id FROM orders ORDER BY order_number", &[])?;
        let ids = ids.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, _>>()?;
        // The first is shipped only after the moment that is restored.
        for id in &ids[1..] {
            ship(tx, *id)?;
        }
        Ok::<_, StorageError>(ids)
    });
    let ids: [OrderId; 5] = created.await.expect("orders").try_into().expect("five");
    shop.wait_until_copied().await;
    let before = SystemClock.now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let carried_out = shop.storage.write(move |tx| {
        ship(tx, ids[0])?;
        carry_out(tx, ids[0], RequestKind::Delete)?;
        carry_out(tx, ids[1], RequestKind::Delete)?;
        carry_out(tx, ids[2], RequestKind::Restrict)?;
        carry_out(tx, ids[3], RequestKind::Correct)?;
        carry_out(tx, ids[4], RequestKind::Show)
    });
    carried_out.await.expect("carries out");
    assert_eq!(state(&shop.storage).await, [2, 3, 3, 0], "memos of the corrected and the shown order");
    shop.wait_until_copied().await;
    shop.backup.copy_requests().await;
    let folder = shop.stop().await;

    let (target, restored) = (target(folder.path()), folder.path().join("restored.db"));
    let key = Key::load(&folder.path().join("data")).expect("reads");
    let file = folder.path().join("restored.db.requests");
    let restore_list = || restore_requests((&target, key.as_ref()), &restored, &file);
    restore_copies(folder.path(), None).await.expect("restores");
    assert_eq!(
        restore_list().await.expect("reads").sentences(),
        Vec::<String>::new(),
        "the newest moment has them all"
    );

    restore_copies(folder.path(), Some(before)).await.expect("restores");
    assert!(has_word(std::slice::from_ref(&restored), &format!("{MEMO}2")), "the older moment has what was deleted");
    let again = restore_list().await.expect("reads");
    let (today, words) = (SystemClock.now().date(), again.sentences().join("\n"));
    assert!(words.contains(&format!("처리정지 1건({today}), 삭제 2건({today}, {today})")), "{words}");
    assert!(words.contains(&format!("정정 1건({today})")) && !words.contains("열람"), "{words}");
    let listed = fs::read_to_string(&file).expect("reads");
    for personal in [NAME, MEMO, "010-7391", "0107391", "전화로", "드림"] {
        assert!(!words.contains(personal) && !listed.contains(personal), "{personal}: {listed}");
    }

    // The start after the restore.
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let storage = Storage::open_sqlite(&restored, &options).expect("opens");
    assert_eq!(state(&storage).await, [5, 0, 0, 0]);
    synchronize(&storage, &file).await.expect("does them again");
    assert_eq!(state(&storage).await, [3, 2, 2, 1], "one is under way, one is stopped, the correction is open");
    storage.write(move |tx| ship(tx, ids[0])).await.expect("ships");
    synchronize(&storage, &file).await.expect("does the last one");
    assert_eq!(state(&storage).await, [2, 3, 3, 1]);
    let sealed = |number: i64| {
        let sql = format!("SELECT count(*) FROM order_seals WHERE content LIKE '%{MEMO}{number}%'");
        storage.read(move |tx| tx.scalar(&sql, &[]))
    };
    for (number, memos) in [(1, 0), (2, 0), (3, 1)] {
        assert_eq!(
            sealed(number).await.expect("counts"),
            memos,
            "a deleted memo is in no seal, a stopped one is: {number}"
        );
    }
    let audited = || storage.read(|tx| tx.scalar("SELECT count(*) FROM audit_entries", &[]));
    let entries = audited().await.expect("counts");
    synchronize(&storage, &file).await.expect("has nothing to do");
    assert_eq!(audited().await.expect("counts"), entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_list_is_said_and_an_older_file_in_its_place_is_repaired_from_the_target() {
    let shop = BackedUpShop::new();
    let channel_files = Files::open();
    let created = shop.storage.write(move |tx| {
        channel_files.order(tx, "SMART_STORE", vec![order_of(1)])?;
        let id = OrderId::from_raw(tx.scalar("SELECT max(id) FROM orders", &[])?);
        ship(tx, id)?;
        Ok::<_, StorageError>(id)
    });
    let id = created.await.expect("an order");
    shop.wait_until_copied().await;
    let folder = shop.stop().await;
    let files = ["mukkeum.db", "mukkeum.db-wal"].map(|file| folder.path().join("data").join(file));
    let older = files.each_ref().map(|file| fs::read(file).unwrap_or_default());
    let shop = BackedUpShop::reopen(folder);
    shop.storage.write(move |tx| carry_out(tx, id, RequestKind::Delete)).await.expect("deletes");
    shop.wait_until_copied().await;
    shop.backup.copy_requests().await;
    let folder = shop.stop().await;

    for (file, bytes) in files.iter().zip(older) {
        fs::write(file, bytes).expect("writes");
    }
    let shop = BackedUpShop::reopen(folder);
    assert_eq!(state(&shop.storage).await, [1, 0, 0, 0]);
    shop.wait_until_copied().await;
    shop.backup.copy_requests().await;
    assert_eq!(state(&shop.storage).await, [0, 1, 1, 0]);
    let folder = shop.stop().await;

    let list = folder.path().join("copies/requests.list");
    let mut damaged = fs::read(&list).expect("reads");
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&list, damaged).expect("writes");
    let file = folder.path().join("elsewhere.requests");
    let again = restore_requests((&target(folder.path()), None), &files[0], &file).await.expect("goes on");
    assert!(again.is_unreadable && again.sentences()[0].contains("목록을 읽지 못했어요"), "{again:?}");
}
