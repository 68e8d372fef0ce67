//! Photographs and a tour for tests.

use super::files::{self, ProofFiles};
use super::jpeg::reencode;
use super::jpeg::testing::camera_file;
use super::receive::receive;
use super::store::{self, NamingEvent};
use crate::id::{JobId, MemberId, TourId};
use crate::members::model::Role;
use crate::members::store as members;
use crate::storage::{Result, Storage, Tx};
use crate::time::Moment;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;

/// A photograph as a phone sends it, and its hash.
pub(crate) fn photo(seed: u64) -> (Vec<u8>, String) {
    let bytes = reencode(&camera_file((640, 480), 1, seed)).expect("a photograph").bytes;
    let hash = files::hash(&bytes);
    (bytes, hash)
}

/// Inserts a tour on the road.
pub(crate) fn insert_tour(tx: &mut dyn Tx) -> Result<TourId> {
    let truck = trucks::insert(tx, &Truck::suggestion("1호차".to_owned()))?;
    let member = members::add(tx, "gisa", Role::Driver, "hash")?.expect("a free name");
    let (id, now) = (tx.new_id::<TourId>(), tx.now());
    let sql = "INSERT INTO tours (id, day, truck_id, round, state, driver_id, changed_by, changed_at) \
               VALUES (?, '2026-11-20', ?, 1, 'out', ?, ?, ?)";
    tx.exec(sql, &[id.into(), truck.into(), member.into(), member.into(), now.into()])?;
    Ok(id)
}

/// Stores that an event of a tour, which need not exist, names a photograph.
pub(crate) fn name(tx: &mut dyn Tx, tour_id: TourId, event_id: &str, hash: &str) -> Result<()> {
    store::name(
        tx,
        NamingEvent { tour_id, job_id: JobId::from_raw(7), event_id, member_id: MemberId::from_raw(1) },
        hash,
        Moment(1),
    )
}

/// A tour with received photographs; answers their hashes.
pub(crate) async fn receive_photos(storage: &Storage, files: &ProofFiles, seeds: std::ops::Range<u64>) -> Vec<String> {
    let tour = storage.write(|tx| insert_tour(tx)).await.expect("a tour");
    let mut hashes = Vec::new();
    for seed in seeds {
        let (bytes, hash) = photo(seed);
        let (event, named) = (format!("{seed:032x}"), hash.clone());
        storage.write(move |tx| name(tx, tour, &event, &named)).await.expect("names");
        receive(storage, files, tour, &hash, bytes).await.expect("is taken");
        hashes.push(hash);
    }
    hashes.sort();
    hashes
}
