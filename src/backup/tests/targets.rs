//! Faulty targets, and two programs at one target.

use super::faulty::StoreFault;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_reported_and_uploads_resume_after_it() {
    let store = FaultyStore::new();
    let shop = BackedUpShop::with_store(&store, 1 << 30);
    shop.commit(1).await;
    shop.wait_until_copied().await;
    let target = Target::from_store(Arc::clone(&store) as _);
    for (fault, message) in [
        (StoreFault::Unreachable, "닿지 않아요"),
        (StoreFault::Full, "공간이 없어요"),
        (StoreFault::Denied, "권한이 없어요"),
        (StoreFault::Truncating, "닿지 않아요"),
    ] {
        store.set_fault(fault);
        shop.commit(100_000).await;
        let is_reported = |status: &TargetStatus| {
            status.problem.as_ref().is_some_and(|problem| problem.to_string().contains(message))
        };
        shop.wait_for(message, is_reported).await;
        shop.commit(100_000).await;
        store.set_fault(StoreFault::None);
        shop.wait_until_copied().await;
        assert_eq!(shop.backup.statuses()[0].problem, None);
        shop.assert_restorable_from(&target).await;
    }
    store.set_fault(StoreFault::Slow(50));
    shop.commit(1_000).await;
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_spool_does_not_block_the_shop_and_a_generation_follows() {
    let store = FaultyStore::new();
    let shop = BackedUpShop::with_store(&store, 300_000);
    shop.commit(1).await;
    shop.wait_until_copied().await;
    let before = shop.backup.statuses()[0].generation.clone();
    store.set_fault(StoreFault::Unreachable);
    for round in 0..30 {
        let mut random = crate::random::seeded::Random::new(round);
        let noise: Vec<u8> = (0..40_000).map(|_| random.next_u64().to_le_bytes()[0]).collect();
        let write = move |tx: &mut dyn crate::storage::Tx| {
            let name = format!("note.{}", tx.new_number());
            tx.exec("INSERT INTO settings (name, value) VALUES (?, hex(?))", &[name.into(), noise.as_slice().into()])
        };
        shop.storage.write(write).await.expect("the shop goes on");
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(shop.backup.statuses()[0].spool_bytes <= 1_000_000);
    }
    store.set_fault(StoreFault::None);
    shop.wait_for("another generation", |status| status.generation != before).await;
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&Target::from_store(store as _)).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_without_conditional_puts_is_detected() {
    let store = FaultyStore::new();
    store.set_fault(StoreFault::Unconditional);
    let shop = BackedUpShop::with_store(&store, 1 << 30);
    shop.commit(1).await;
    shop.wait_until_copied().await;
    assert_eq!(shop.backup.statuses()[0].supports_conditional_put, Some(false));
    shop.assert_restorable_from(&Target::from_store(Arc::clone(&store) as _)).await;
    shop.stop().await;
    store.set_fault(StoreFault::None);
    let shop = BackedUpShop::with_store(&FaultyStore::new(), 1 << 30);
    shop.commit(1).await;
    shop.wait_until_copied().await;
    assert_eq!(shop.backup.statuses()[0].supports_conditional_put, Some(true));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_program_is_refused_until_it_takes_over() {
    let store = FaultyStore::new();
    let first = BackedUpShop::with_store(&store, 1 << 30);
    first.commit(1).await;
    first.wait_until_copied().await;
    let second = BackedUpShop::with_store(&store, 1 << 30);
    second.commit(2).await;
    let is_refused = |status: &TargetStatus| matches!(status.problem, Some(TargetProblem::OtherOwner(_)));
    second.wait_for("a refusal", is_refused).await;
    first.commit(3).await;
    first.wait_until_copied().await;
    first.assert_restorable_from(&Target::from_store(Arc::clone(&store) as _)).await;

    assert!(second.backup.take_over(0) && !second.backup.take_over(1));
    second.wait_until_copied().await;
    second.assert_restorable_from(&Target::from_store(Arc::clone(&store) as _)).await;
    first.commit(4).await;
    first.wait_for("a refusal", is_refused).await;
    first.backup.stop(Duration::from_secs(1)).await;
    second.stop().await;
}
