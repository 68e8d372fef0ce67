//! A restore that ends after any of its steps, and the start after it.

use std::sync::Arc;

use super::*;
use crate::backup::Backup;
use crate::config::BackupSettings;
use crate::demo;
use crate::proofs::testing::receive_photos;
use crate::storage::{OpenMode, StorageOptions};
use crate::time::{Clock, SystemClock};

const ORDERS: i64 = 20;

fn open(database: &Path) -> (Storage, crate::storage::Wal) {
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    Storage::open_with_wal_feed(OpenMode::Migrate, database, &options).expect("opens")
}

/// Folder of an encrypted backup of a shop with orders and photographs, its key, and the hashes of the photographs.
async fn backup_of_a_shop() -> (tempfile::TempDir, Key, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let key = Key::generate(&data).expect("a key");
    let config = Config::defaults(&data).expect("valid");
    let address = format!("file://{}", folder.path().join("copies").display());
    let settings = BackupSettings { targets: vec![address], ..config.backup };
    let (storage, wal) = open(&data.join("mukkeum.db"));
    let running = Backup::start(&settings, &data, &storage, wal).expect("starts");
    demo::generate(&storage, 1, 20, SystemClock.now(), |_| ()).await.expect("fills");
    let files = ProofFiles::in_folder(data.join("proofs"));
    let photos = receive_photos(&storage, &files, 0..2).await;
    let committed = SystemClock.now();
    for _ in 0..1_500 {
        let status = running.statuses().remove(0);
        if status.snapshot_at.is_some() && status.copied_at.is_some_and(|at| at > committed.0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.copy_proofs(&files).await;
    assert_eq!(running.statuses()[0].proofs.copied, 2);
    running.stop(Duration::from_secs(20)).await;
    (folder, key, photos)
}

/// What is in the data folder after a start.
#[derive(Debug, PartialEq, Eq)]
struct StartedShop {
    orders: i64,
    photos: usize,
    has_key: bool,
    /// files that no step owns
    leftovers: Vec<String>,
}

/// Starts as the server does: deletes what a crash left, installs, opens.
async fn start(config: &Config, photos: &[String]) -> StartedShop {
    crate::cli::folder::delete_leftovers(config).expect("deletes");
    install_restored(config).expect("installs");
    let Database::Sqlite(database) = &config.database else { panic!("SQLite") };
    let (storage, wal) = open(database);
    let orders = storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await.expect("counts");
    let files = ProofFiles::in_folder(config.data.join("proofs"));
    let mut found = 0;
    for photo in photos {
        found += usize::from(files.get(photo).await.is_ok());
    }
    drop((storage, wal));
    let names = std::fs::read_dir(&config.data).expect("a folder").map(|file| file.expect("a file").file_name());
    let mut leftovers: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    leftovers.retain(|name| name.contains("restor") || name.contains("packed"));
    StartedShop { orders, photos: found, has_key: config.data.join(KEY_FILE).exists(), leftovers }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_that_ends_after_any_step_leaves_an_empty_shop_or_a_whole_one() {
    use FinishedStep::{Database as Restored, Key as KeySaved, Name, Photos, Requests};
    let (backup, key, photos) = backup_of_a_shop().await;
    let target = backup::open_target(&format!("file://{}", backup.path().join("copies").display())).expect("valid");
    for last in [None, Some(Restored), Some(Photos), Some(Requests), Some(KeySaved), Some(Name)] {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::defaults(folder.path()).expect("valid");
        let Database::Sqlite(database) = config.database.clone() else { panic!("SQLite") };
        let request = RestoreRequest {
            target: target.clone(),
            key: Some(key.clone()),
            at: None,
            out: config.restored().expect("a file"),
            requests_file: config.requests_file(),
            data: config.data.clone(),
            folder: String::new(),
        };
        let ended = tokio::spawn(async move {
            let (storage, _wal) = open(&database);
            let proofs = ProofFiles::in_folder(request.data.join("proofs"));
            // A panic runs no code of the error path, as a kill.
            let mut on_step = |step: RestoreStep| {
                let is_last = match last {
                    None => matches!(step, RestoreStep::Downloading { .. }),
                    Some(last) => step == RestoreStep::Done(last),
                };
                assert!(!is_last, "the program is killed here");
            };
            restore(&request, &storage, &proofs, &mut on_step).await
        });
        assert!(ended.await.expect_err("killed").is_panic());

        let shop = start(&config, &photos).await;
        let is_whole = last == Some(Name);
        assert_eq!(shop.orders, if is_whole { ORDERS } else { 0 }, "{last:?}: {shop:?}");
        assert_eq!(shop.has_key, is_whole, "the key comes with the database: {last:?}");
        assert!(shop.photos == photos.len() || matches!(last, None | Some(Restored)), "{last:?}: {shop:?}");
        assert_eq!(shop.leftovers, Vec::<String>::new(), "{last:?}");
    }
}

#[test]
fn start_between_the_key_and_the_database_is_finished_by_the_next_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config::defaults(folder.path()).expect("valid");
    let restored = config.restored().expect("a file");
    let file = |name: &str| config.data.join(name);
    std::fs::write(&restored, "a shop").expect("writes");
    std::fs::write(file(KEY_FILE), "its key, which the start before has installed").expect("writes");
    install_restored(&config).expect("installs");
    assert!(!restored.exists() && file("mukkeum.db").exists());

    std::fs::write(&restored, "another shop").expect("writes");
    std::fs::write(key_beside(&config.data), "its key").expect("writes");
    install_restored(&config).expect("installs");
    let kept = std::fs::read_to_string(file(KEY_FILE)).expect("reads");
    assert!(kept.starts_with("its key, which"), "a key that is there is not replaced");
    assert!(!key_beside(&config.data).exists());
}
