//! Photographs at a target.

use super::*;
use crate::backup::proof_copies;
use crate::proofs::files::ProofFiles;
use crate::proofs::store;
use crate::proofs::testing::receive_photos;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_photograph_is_copied_once_and_a_restore_brings_it_back() {
    let shop = BackedUpShop::new();
    let files = ProofFiles::in_folder(shop.folder.path().join("data/proofs"));
    shop.wait_until_copied().await;
    shop.snapshot().await;
    let bytes_of_snapshot = fs::metadata(shop.database()).expect("a file").len();
    let hashes = receive_photos(&shop.storage, &files, 0..20).await;
    shop.backup.copy_proofs(&files).await;
    let status = shop.backup.statuses()[0].proofs.clone();
    assert_eq!((status.copied, status.waiting, status.problem), (20, 0, None));

    let target = target(shop.folder.path());
    let copies = || async { target.list("proofs").await.expect("lists") };
    let before = copies().await;
    assert_eq!(before.len(), 20);
    let photos: u64 = files.list().await.expect("lists").values().sum();
    shop.wait_until_copied().await;
    shop.snapshot().await;
    let grown = fs::metadata(shop.database()).expect("a file").len() - bytes_of_snapshot;
    assert!(grown < photos / 2, "the database does not have the bytes: {grown} of {photos}");
    shop.backup.copy_proofs(&files).await;
    assert_eq!(copies().await, before, "nothing is copied again");

    // Another computer: the database, and a folder without photographs.
    restore_copies(shop.folder.path(), None).await.expect("restores");
    let database = shop.folder.path().join("restored.db");
    let elsewhere = ProofFiles::in_folder(shop.folder.path().join("elsewhere"));
    let key = Key::load(&shop.folder.path().join("data")).expect("reads");
    let restored =
        restore_proofs((&target, key.as_ref()), &database, &elsewhere, &mut |_, _| ()).await.expect("restores");
    assert_eq!((restored.restored, restored.present, restored.missing.len()), (20, 0, 0));
    for hash in &hashes {
        assert_eq!(elsewhere.get(hash).await.expect("reads"), files.get(hash).await.expect("reads"));
    }
    let again = restore_proofs((&target, key.as_ref()), &database, &elsewhere, &mut |_, _| ()).await.expect("restores");
    assert_eq!((again.restored, again.present), (0, 20));

    // A copy that disappears or changes is found by the verification, and named by a restore.
    let path = |hash: &str| shop.folder.path().join(format!("copies/proofs/{}/{}.proof", &hash[..2], &hash[2..]));
    fs::remove_file(path(&hashes[0])).expect("removes");
    let later = SystemClock.now().plus_ms(60 * 60 * 1000);
    let missing = proof_copies::count_missing((&target, key.as_ref()), &shop.storage, later).await.expect("counts");
    assert_eq!(missing, 1);
    let mut damaged = fs::read(path(&hashes[1])).expect("reads");
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    fs::write(path(&hashes[1]), damaged).expect("writes");
    let empty = ProofFiles::in_folder(shop.folder.path().join("empty"));
    let restored = restore_proofs((&target, key.as_ref()), &database, &empty, &mut |_, _| ()).await.expect("restores");
    assert_eq!((restored.restored, restored.missing), (18, hashes[..2].to_vec()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroyed_photograph_leaves_the_target_and_an_unknown_one_stays() {
    let shop = BackedUpShop::new();
    let files = ProofFiles::in_folder(shop.folder.path().join("data/proofs"));
    let hashes = receive_photos(&shop.storage, &files, 0..2).await;
    shop.wait_until_copied().await;
    shop.backup.copy_proofs(&files).await;
    let gone = hashes[0].clone();
    let destroyed = shop.storage.write(move |tx| {
        let sql = "UPDATE proofs SET destroyed_at = 1 WHERE hash = ?";
        tx.exec(sql, &[gone.as_str().into()])?;
        store::destroyed(tx)
    });
    assert!(destroyed.await.expect("writes").contains(&hashes[0]));
    let target = target(shop.folder.path());
    let stranger = format!("proofs/ab/{}.proof", "0".repeat(62));
    target.replace(&stranger, b"of another moment".to_vec()).await.expect("writes");
    shop.backup.copy_proofs(&files).await;
    let left: Vec<String> = target.list("proofs").await.expect("lists").into_iter().map(|(path, _)| path).collect();
    let copy = format!("proofs/{}/{}.proof", &hashes[1][..2], &hashes[1][2..]);
    let mut expected = vec![copy, stranger];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(shop.backup.statuses()[0].proofs.copied, 1);
}
