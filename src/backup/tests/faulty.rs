//! An object store with injected faults.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The injected fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StoreFault {
    None,
    /// connections are refused
    Unreachable,
    /// each response is delayed by that many milliseconds
    Slow(u64),
    /// writes fail for lack of space
    Full,
    /// permission is denied
    Denied,
    /// half of each object is written, then the connection breaks
    Truncating,
    /// the condition of a conditional put is ignored
    Unconditional,
}

const FAULTS: [StoreFault; 7] = [
    StoreFault::None,
    StoreFault::Unreachable,
    StoreFault::Slow(50),
    StoreFault::Full,
    StoreFault::Denied,
    StoreFault::Truncating,
    StoreFault::Unconditional,
];

#[derive(Debug, Default)]
pub(super) struct FaultyStore {
    store: InMemory,
    fault: AtomicUsize,
}

impl std::fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a store that fails")
    }
}

fn generic(error: io::Error) -> Error {
    Error::Generic { store: "faulty", source: error.into() }
}

impl FaultyStore {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn set_fault(&self, fault: StoreFault) {
        let index = FAULTS.iter().position(|known| *known == fault).expect("a known fault");
        self.fault.store(index, Ordering::Relaxed);
    }

    fn fault(&self) -> StoreFault {
        FAULTS[self.fault.load(Ordering::Relaxed)]
    }

    async fn inject(&self, path: &Path, writes: bool) -> Result<()> {
        match self.fault() {
            StoreFault::Unreachable => Err(generic(io::ErrorKind::ConnectionRefused.into())),
            StoreFault::Full if writes => Err(generic(io::ErrorKind::StorageFull.into())),
            StoreFault::Denied => Err(Error::PermissionDenied { path: path.to_string(), source: "no".into() }),
            StoreFault::Slow(milliseconds) => {
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        self.inject(location, true).await?;
        if self.fault() == StoreFault::Unconditional {
            options.mode = PutMode::Overwrite;
        }
        if self.fault() == StoreFault::Truncating && payload.content_length() > 100 {
            let object: Vec<u8> = payload.iter().flatten().copied().collect();
            self.store.put_opts(location, object[..object.len() / 2].to_vec().into(), options).await?;
            return Err(generic(io::ErrorKind::ConnectionReset.into()));
        }
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inject(location, true).await?;
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inject(location, false).await?;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault() {
            StoreFault::Unreachable => {
                Box::pin(futures_util::stream::once(async { Err(generic(io::ErrorKind::ConnectionRefused.into())) }))
            }
            _ => self.store.list(prefix),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}
