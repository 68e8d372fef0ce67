//! Photographs against the database: naming, receipt, destruction.

use super::destroy::{self, ProofRetention};
use super::files::{self, ProofFiles};
use super::jpeg::PhotoError;
use super::jpeg::testing::camera_file;
use super::receive::{ReceiveError, is_received, receive};
use super::store;
use super::testing::{insert_tour, name, photo};
use crate::id::{ProofId, TourId};
use crate::orders::testing::Shop;
use crate::storage::StorageError;

const EVENT: &str = "00000000000000000000000000000001";

fn shop_with_tour() -> (Shop, TourId) {
    let shop = Shop::open();
    let tour = shop.write(|tx, _| insert_tour(tx));
    (shop, tour.expect("a tour"))
}

#[test]
fn photograph_is_taken_only_when_an_event_of_its_tour_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ProofFiles::in_folder(folder.path().to_owned());
    let (shop, tour) = shop_with_tour();
    let (bytes, hash) = photo(1);
    let send = |hash: &str, bytes: Vec<u8>| shop.block_on(receive(&shop.storage, &files, tour, hash, bytes));
    assert!(matches!(send(&hash, bytes.clone()), Err(ReceiveError::NotNamed)));
    let named = hash.clone();
    shop.write(move |tx, _| name(tx, tour, EVENT, &named)).expect("names");
    assert_eq!(shop.block_on(is_received(&shop.storage, tour, &hash)).expect("reads"), Some(false));
    assert!(matches!(send(&hash, photo(2).0), Err(ReceiveError::WrongHash)));
    let other = shop.block_on(receive(&shop.storage, &files, TourId::from_raw(tour.raw() + 1), &hash, bytes.clone()));
    assert!(matches!(other, Err(ReceiveError::NotNamed)), "another tour");
    assert!(shop.block_on(files.list()).expect("lists").is_empty(), "nothing was written");

    send(&hash, bytes.clone()).expect("is taken");
    send(&hash, bytes.clone()).expect("again, because the answer was lost");
    let rows = shop.read(move |tx, _| store::of_tour(tx, tour)).expect("reads");
    let size = i64::try_from(bytes.len()).expect("small");
    assert_eq!((rows.len(), rows[0].bytes, rows[0].size), (1, size, (640, 480)));
    assert_eq!(shop.block_on(files.get(&hash)).expect("reads"), bytes);

    // A camera's own file, and text, under the hash that an event names.
    for (bytes, error) in
        [(camera_file((64, 48), 1, 3), PhotoError::HasMetadata), (b"<html>".to_vec(), PhotoError::NotAPhoto)]
    {
        let hash = files::hash(&bytes);
        let named = hash.clone();
        shop.write(move |tx, _| name(tx, tour, EVENT, &named)).expect("names");
        let refused = shop.block_on(receive(&shop.storage, &files, tour, &hash, bytes));
        assert!(matches!(refused, Err(ReceiveError::Photo(found)) if found == error), "{error:?}");
    }
}

#[test]
fn due_photograph_is_destroyed_and_its_row_says_when() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ProofFiles::in_folder(folder.path().to_owned());
    let (shop, tour) = shop_with_tour();
    let ((bytes, hash), shared) = (photo(1), "00000000000000000000000000000002");
    let named = hash.clone();
    let named = shop.write(move |tx, _| {
        name(tx, tour, EVENT, &named)?;
        name(tx, tour, shared, &named)
    });
    named.expect("names");
    shop.block_on(receive(&shop.storage, &files, tour, &hash, bytes)).expect("is taken");
    let retention = ProofRetention { files: files.clone(), days: 30 };
    assert!(shop.block_on(destroy::due(&shop.storage, &retention)).expect("reads").is_empty());
    shop.write(|tx, _| tx.exec("UPDATE proofs SET received_at = 1", &[])).expect("a long time ago");

    let rows = shop.block_on(destroy::due(&shop.storage, &retention)).expect("reads");
    assert_eq!(rows.len(), 2);
    shop.block_on(destroy::remove_files(&shop.storage, &files, &rows[..1])).expect("removes");
    assert!(shop.block_on(files.get(&hash)).is_ok(), "another event has the same photograph");
    shop.block_on(destroy::remove_files(&shop.storage, &files, &rows)).expect("removes");
    let ids: Vec<ProofId> = rows.iter().map(|row| row.id).collect();
    assert_eq!(shop.write(move |tx, _| store::mark_destroyed(tx, &ids)).expect("marks"), 2);
    assert!(shop.block_on(files.list()).expect("lists").is_empty());
    let (rows, live, gone) = shop
        .read(move |tx, _| Ok::<_, StorageError>((store::of_tour(tx, tour)?, store::live(tx)?, store::destroyed(tx)?)))
        .expect("reads");
    assert!(rows.iter().all(|row| row.destroyed_at.is_some() && !row.is_shown() && row.hash == hash));
    assert!(live.is_empty() && gone.contains(&hash));
}
