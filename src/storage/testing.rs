//! A database for one test: a file of SQLite, or, with `MUKKEUM_TEST_DATABASE`, a database of a
//! MariaDB server (see `tests/with-mariadb`), made for the test and dropped after it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;

use super::{MariaDbAddress, Storage, StorageOptions};

/// A folder and a database, both gone when this is dropped.
pub(crate) struct Scratch {
    folder: tempfile::TempDir,
    server: Option<(String, String)>,
}

impl Scratch {
    /// An empty one.
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let server = std::env::var("MUKKEUM_TEST_DATABASE").ok().map(|url| (url, name));
        let scratch = Self { folder: tempfile::tempdir().expect("a folder"), server };
        scratch.on_server("CREATE DATABASE");
        scratch
    }

    /// The folder, for what is not the database.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the database; more than once, as several programs would.
    pub(crate) fn open(&self, options: &StorageOptions) -> Storage {
        match self.address() {
            Some(address) => Storage::open_mariadb(&address, options).expect("opens"),
            None => Storage::open_sqlite(&self.path().join("test.db"), options).expect("opens"),
        }
    }

    /// The database's address, where it is one of MariaDB.
    pub(crate) fn address(&self) -> Option<MariaDbAddress> {
        self.server.as_ref().map(|(url, name)| format!("{url}/{name}").parse().expect("an address"))
    }

    fn on_server(&self, verb: &str) {
        if let Some((url, name)) = &self.server {
            let mut server =
                Conn::new(format!("{url}/?prefer_socket=false").as_str()).expect("the server of the tests");
            server.query_drop(format!("{verb} {name}")).expect("obeys");
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.on_server("DROP DATABASE");
    }
}
