//! A store that fails as it is told to.

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

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// no answer comes
    Away,
    /// every answer takes so many milliseconds
    Slow(u64),
    /// no room
    Full,
    /// nobody is let in
    Refusing,
    /// half of each object is there, and an error
    HalfWriting,
    /// writes over objects that it was told to keep
    Careless,
}

const FAULTS: [Fault; 7] =
    [Fault::None, Fault::Away, Fault::Slow(50), Fault::Full, Fault::Refusing, Fault::HalfWriting, Fault::Careless];

#[derive(Debug, Default)]
pub(super) struct Faulty {
    store: InMemory,
    fault: AtomicUsize,
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a store that fails")
    }
}

fn generic(error: io::Error) -> Error {
    Error::Generic { store: "faulty", source: error.into() }
}

impl Faulty {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn fails(&self, fault: Fault) {
        let place = FAULTS.iter().position(|known| *known == fault).expect("a known fault");
        self.fault.store(place, Ordering::Relaxed);
    }

    fn fault(&self) -> Fault {
        FAULTS[self.fault.load(Ordering::Relaxed)]
    }

    async fn before(&self, path: &Path, writes: bool) -> Result<()> {
        match self.fault() {
            Fault::Away => Err(generic(io::ErrorKind::ConnectionRefused.into())),
            Fault::Full if writes => Err(generic(io::ErrorKind::StorageFull.into())),
            Fault::Refusing => Err(Error::PermissionDenied { path: path.to_string(), source: "no".into() }),
            Fault::Slow(milliseconds) => {
                tokio::time::sleep(std::time::Duration::from_millis(milliseconds)).await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, location: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        self.before(location, true).await?;
        if self.fault() == Fault::Careless {
            options.mode = PutMode::Overwrite;
        }
        if self.fault() == Fault::HalfWriting && payload.content_length() > 100 {
            let whole: Vec<u8> = payload.iter().flatten().copied().collect();
            self.store.put_opts(location, whole[..whole.len() / 2].to_vec().into(), options).await?;
            return Err(generic(io::ErrorKind::ConnectionReset.into()));
        }
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.before(location, true).await?;
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.before(location, false).await?;
        self.store.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.fault() {
            Fault::Away => {
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
