//! Targets that fail, and two programs at one of them.

use super::faulty::Fault;
use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_fails_in_any_way_is_told_of_and_has_everything_when_it_is_well_again() {
    let store = Faulty::new();
    let shop = Shop::beside(&store, 1 << 30);
    shop.work(1).await;
    shop.is_copied().await;
    let target = Target::of(Arc::clone(&store) as _);
    for (fault, words) in [
        (Fault::Away, "닿지 않아요"),
        (Fault::Full, "자리가 없어요"),
        (Fault::Refusing, "권한이 없어요"),
        (Fault::HalfWriting, "닿지 않아요"),
    ] {
        store.fails(fault);
        shop.work(100_000).await;
        let tells =
            |status: &Status| status.trouble.as_ref().is_some_and(|trouble| trouble.to_string().contains(words));
        shop.until(words, tells).await;
        shop.work(100_000).await;
        store.fails(Fault::None);
        shop.is_copied().await;
        assert_eq!(shop.backup.statuses()[0].trouble, None);
        shop.comes_back_from(&target).await;
    }
    store.fails(Fault::Slow(50));
    shop.work(1_000).await;
    shop.is_copied().await;
    shop.comes_back_from(&target).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_full_costs_the_shop_nothing_and_a_generation_begins_when_the_target_is_back() {
    let store = Faulty::new();
    let shop = Shop::beside(&store, 300_000);
    shop.work(1).await;
    shop.is_copied().await;
    let before = shop.backup.statuses()[0].generation.clone();
    store.fails(Fault::Away);
    for round in 0..30 {
        let mut random = demo::Random::new(round);
        let noise: Vec<u8> = (0..40_000).map(|_| random.next_u64().to_le_bytes()[0]).collect();
        let write = move |tx: &mut dyn crate::storage::Tx| {
            let id = tx.new_id();
            tx.exec(
                "INSERT INTO activities (id, at, action, summary) VALUES (?, 0, 'n', hex(?))",
                &[id.into(), noise.as_slice().into()],
            )
        };
        shop.storage.write(write).await.expect("the shop goes on");
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(shop.backup.statuses()[0].waiting_bytes <= 1_000_000);
    }
    store.fails(Fault::None);
    shop.until("another generation", |status| status.generation != before).await;
    shop.is_copied().await;
    shop.comes_back_from(&Target::of(store as _)).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_ignores_conditions_is_found_out_and_named() {
    let store = Faulty::new();
    store.fails(Fault::Careless);
    let shop = Shop::beside(&store, 1 << 30);
    shop.work(1).await;
    shop.is_copied().await;
    assert_eq!(shop.backup.statuses()[0].keeps_first, Some(false));
    shop.comes_back_from(&Target::of(Arc::clone(&store) as _)).await;
    shop.stop().await;
    store.fails(Fault::None);
    let shop = Shop::beside(&Faulty::new(), 1 << 30);
    shop.work(1).await;
    shop.is_copied().await;
    assert_eq!(shop.backup.statuses()[0].keeps_first, Some(true));
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_program_is_refused_until_it_is_told_to_take_over_and_then_the_first_is() {
    let store = Faulty::new();
    let first = Shop::beside(&store, 1 << 30);
    first.work(1).await;
    first.is_copied().await;
    let second = Shop::beside(&store, 1 << 30);
    second.work(2).await;
    let refused = |status: &Status| matches!(status.trouble, Some(Trouble::Other(_)));
    second.until("a refusal", refused).await;
    first.work(3).await;
    first.is_copied().await;
    first.comes_back_from(&Target::of(Arc::clone(&store) as _)).await;

    assert!(second.backup.take_over(0) && !second.backup.take_over(1));
    second.is_copied().await;
    second.comes_back_from(&Target::of(Arc::clone(&store) as _)).await;
    first.work(4).await;
    first.until("a refusal", refused).await;
    first.backup.stop(Duration::from_secs(1)).await;
    second.stop().await;
}
