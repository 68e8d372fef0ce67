//! Database for one test: a SQLite file or, with `MUKKEUM_TEST_DATABASE`, a database on that MariaDB server
//! (see `tests/with-mariadb`), created for the test and dropped after it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;

use super::{MariaDbAddress, Storage, StorageOptions};

/// A folder and a database; both are deleted on drop.
pub(crate) struct ScratchDatabase {
    folder: tempfile::TempDir,
    server: Option<(String, String)>,
}

impl ScratchDatabase {
    /// Creates an empty database.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let server = std::env::var("MUKKEUM_TEST_DATABASE").ok().map(|url| (url, name));
        let scratch = Self { folder: tempfile::tempdir().expect("a folder"), server };
        scratch.execute_on_server("CREATE DATABASE");
        scratch
    }

    /// The folder, for other files of the test.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Opens the database; several times for the tests of concurrent programs.
    pub(crate) fn open(&self, options: &StorageOptions) -> Storage {
        match self.address() {
            Some(address) => Storage::open_mariadb(&address, options).expect("opens"),
            None => Storage::open_sqlite(&self.path().join("test.db"), options).expect("opens"),
        }
    }

    /// Address of a MariaDB database; None for SQLite.
    pub(crate) fn address(&self) -> Option<MariaDbAddress> {
        self.server.as_ref().map(|(url, name)| format!("{url}/{name}").parse().expect("an address"))
    }

    fn execute_on_server(&self, verb: &str) {
        if let Some((url, name)) = &self.server {
            let mut server =
                Conn::new(format!("{url}/?prefer_socket=false").as_str()).expect("the server of the tests");
            server.query_drop(format!("{verb} {name}")).expect("obeys");
        }
    }
}

impl Drop for ScratchDatabase {
    fn drop(&mut self) {
        self.execute_on_server("DROP DATABASE");
    }
}
