//! The bytes of photographs by their SHA-256: `proofs/ab/cdef….jpg` in the data folder, or in the object store that the
//! setting `proofs` names. The same bytes are stored once.
//!
//! Several nodes need the object store, because each has a disk of its own: a node on MariaDB without it takes no
//! photographs, and says so.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::{Config, Database};
use crate::objects::{Target, TargetError};
use crate::text::hex;

/// Folder of the photographs in the data folder.
pub const PROOFS_FOLDER: &str = "proofs";

/// Characters of a hash.
pub const HASH_CHARS: usize = 64;

/// The SHA-256 of bytes in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a text is a hash: lower-case hexadecimal.
pub fn is_hash(text: &str) -> bool {
    text.len() == HASH_CHARS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Path of a file below its place: `ab/cdef….jpg`.
fn path_of(hash: &str) -> String {
    let (folder, file) = hash.split_at_checked(2).unwrap_or(("", hash));
    format!("{folder}/{file}.jpg")
}

/// The hash in a path of [`path_of`].
fn hash_of(path: &str) -> Option<String> {
    let (folder, file) = path.strip_suffix(".jpg")?.split_once('/')?;
    Some(format!("{folder}{file}")).filter(|hash| is_hash(hash) && path_of(hash) == path)
}

/// Why a photograph cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ProofFileError {
    /// This node has no place for photographs.
    #[error("이 서버는 사진을 둘 곳이 없어요. 서버가 여러 대면 --proofs로 저장소를 알려 주세요.")]
    NoPlace,
    /// There is no file of this hash.
    #[error("사진 파일이 없어요")]
    Missing,
    /// The file has another content than its name says.
    #[error("사진 파일이 바뀌었어요")]
    Changed,
    /// The disk failed.
    #[error("사진을 쓰거나 읽지 못했어요: {0}")]
    Io(#[from] io::Error),
    /// The object store failed.
    #[error("사진 저장소: {0}")]
    Target(TargetError),
}

impl From<TargetError> for ProofFileError {
    fn from(error: TargetError) -> Self {
        match error {
            TargetError::NotFound(_) => Self::Missing,
            other => Self::Target(other),
        }
    }
}

/// Where the files are.
#[derive(Clone)]
enum ProofLocation {
    Folder(PathBuf),
    Store(Target),
    None,
}

/// The files of photographs; cheap to clone.
#[derive(Clone)]
pub struct ProofFiles {
    place: ProofLocation,
}

impl ProofFiles {
    /// The place that the settings name.
    ///
    /// # Errors
    /// The address of the object store is invalid.
    pub fn open(config: &Config) -> Result<Self, TargetError> {
        let is_alone = matches!(config.database, Database::Sqlite(_));
        Ok(Self {
            // No data of a demo is sent to other systems.
            place: match config.proofs.as_ref().filter(|_| config.demo.is_none()) {
                Some(address) => ProofLocation::Store(Target::open(address, config.backup.credentials.of(address))?),
                None if is_alone => ProofLocation::Folder(config.data.join(PROOFS_FOLDER)),
                None => ProofLocation::None,
            },
        })
    }

    /// The files in a folder.
    pub const fn in_folder(folder: PathBuf) -> Self {
        Self { place: ProofLocation::Folder(folder) }
    }

    /// The files in an object store.
    pub const fn in_store(target: Target) -> Self {
        Self { place: ProofLocation::Store(target) }
    }

    /// No place.
    pub const fn none() -> Self {
        Self { place: ProofLocation::None }
    }

    /// Whether photographs can be taken.
    pub const fn is_available(&self) -> bool {
        !matches!(self.place, ProofLocation::None)
    }

    /// Whether they are on a disk of this computer.
    pub const fn is_folder(&self) -> bool {
        matches!(self.place, ProofLocation::Folder(_))
    }

    /// Address or path, for people.
    pub fn describe(&self) -> String {
        match &self.place {
            ProofLocation::Folder(folder) => folder.display().to_string(),
            ProofLocation::Store(target) => target.shown.clone(),
            ProofLocation::None => "없음".to_owned(),
        }
    }

    /// Writes bytes under their hash. On return they survive a power failure.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub async fn put(&self, bytes: Vec<u8>) -> Result<String, ProofFileError> {
        let hash = hash(&bytes);
        let path = path_of(&hash);
        match &self.place {
            ProofLocation::None => Err(ProofFileError::NoPlace),
            ProofLocation::Store(target) => Ok(target.replace(&path, bytes).await.map(|()| hash)?),
            ProofLocation::Folder(folder) => {
                let folder = folder.clone();
                blocking(move || write_file(&folder, &path, &bytes)).await?;
                Ok(hash)
            }
        }
    }

    /// Reads a file, and compares it with its hash.
    ///
    /// # Errors
    /// [`ProofFileError::Missing`], [`ProofFileError::Changed`], or the place failed.
    pub async fn get(&self, hash: &str) -> Result<Vec<u8>, ProofFileError> {
        let path = path_of(hash);
        let bytes = match &self.place {
            ProofLocation::None => return Err(ProofFileError::NoPlace),
            ProofLocation::Store(target) => target.get(&path).await?,
            ProofLocation::Folder(folder) => {
                let file = folder.join(path);
                blocking(move || std::fs::read(file)).await.map_err(missing)?
            }
        };
        if self::hash(&bytes) == hash { Ok(bytes) } else { Err(ProofFileError::Changed) }
    }

    /// Removes a file. A missing one is no error.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub async fn delete(&self, hash: &str) -> Result<(), ProofFileError> {
        let path = path_of(hash);
        match &self.place {
            ProofLocation::None => Err(ProofFileError::NoPlace),
            ProofLocation::Store(target) => Ok(target.delete(&path).await?),
            ProofLocation::Folder(folder) => {
                let file = folder.join(path);
                match blocking(move || std::fs::remove_file(file)).await {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                    other => Ok(other?),
                }
            }
        }
    }

    /// Removes every file: a demo shop starts anew.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub async fn clear(&self) -> Result<(), ProofFileError> {
        for hash in self.list().await?.into_keys() {
            self.delete(&hash).await?;
        }
        Ok(())
    }

    /// Hash and size in bytes of every file.
    ///
    /// # Errors
    /// [`ProofFileError`].
    pub async fn list(&self) -> Result<BTreeMap<String, u64>, ProofFileError> {
        match &self.place {
            ProofLocation::None => Ok(BTreeMap::new()),
            ProofLocation::Store(target) => {
                let found = target.list("").await?.into_iter();
                Ok(found.filter_map(|(path, bytes)| Some((hash_of(&path)?, bytes))).collect())
            }
            ProofLocation::Folder(folder) => {
                let folder = folder.clone();
                Ok(blocking(move || list_folder(&folder)).await?)
            }
        }
    }
}

fn missing(error: io::Error) -> ProofFileError {
    if error.kind() == io::ErrorKind::NotFound { ProofFileError::Missing } else { error.into() }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn list_folder(folder: &Path) -> io::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    let folders = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        folders => folders?,
    };
    for below in folders {
        let below = below?;
        if !below.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(below.path())? {
            let file = file?;
            let path = format!("{}/{}", below.file_name().to_string_lossy(), file.file_name().to_string_lossy());
            if let Some(hash) = hash_of(&path) {
                found.insert(hash, file.metadata()?.len());
            }
        }
    }
    Ok(found)
}

/// Writes a file that nobody but this user can read, under a temporary name first, so that no crash leaves half of it.
fn write_file(folder: &Path, path: &str, bytes: &[u8]) -> io::Result<()> {
    let file = folder.join(path);
    let below = file.parent().unwrap_or(folder);
    if file.exists() && std::fs::read(&file)? == bytes {
        return Ok(());
    }
    create_private_folder(folder)?;
    create_private_folder(below)?;
    // The temporary file has the mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(below)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(&file).map_err(|error| error.error)?;
    sync_folder(below)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

/// Makes a rename durable; Windows needs no extra step.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_written_once_and_read_back(files: &ProofFiles) {
        let hash = files.put(b"photo".to_vec()).await.expect("writes");
        assert_eq!(files.put(b"photo".to_vec()).await.expect("writes again"), hash);
        assert_eq!(files.get(&hash).await.expect("reads"), b"photo");
        assert_eq!(files.list().await.expect("lists"), BTreeMap::from([(hash.clone(), 5)]));
        files.delete(&hash).await.expect("deletes");
        files.delete(&hash).await.expect("deletes again");
        assert!(matches!(files.get(&hash).await, Err(ProofFileError::Missing)));
    }

    #[tokio::test]
    async fn same_bytes_are_one_file_in_a_folder_and_in_a_store() {
        let folder = tempfile::tempdir().expect("a folder");
        is_written_once_and_read_back(&ProofFiles::in_folder(folder.path().join("proofs"))).await;
        let store = std::sync::Arc::new(object_store::memory::InMemory::new());
        is_written_once_and_read_back(&ProofFiles::in_store(Target::from_store(store))).await;
        assert!(matches!(ProofFiles::none().put(Vec::new()).await, Err(ProofFileError::NoPlace)));
    }

    #[tokio::test]
    async fn changed_file_is_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ProofFiles::in_folder(folder.path().to_owned());
        let hash = files.put(b"photo".to_vec()).await.expect("writes");
        std::fs::write(folder.path().join(path_of(&hash)), b"phot0").expect("changes");
        assert!(matches!(files.get(&hash).await, Err(ProofFileError::Changed)));
        files.put(b"photo".to_vec()).await.expect("repairs");
        assert!(files.get(&hash).await.is_ok());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn other_users_cannot_read_files() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().expect("a folder");
        let folder = data.path().join(PROOFS_FOLDER);
        let hash = ProofFiles::in_folder(folder.clone()).put(b"photo".to_vec()).await.expect("writes");
        let mode = |path: &Path| std::fs::metadata(path).expect("exists").permissions().mode() & 0o777;
        let file = folder.join(path_of(&hash));
        assert_eq!((mode(&folder), mode(file.parent().expect("a folder")), mode(&file)), (0o700, 0o700, 0o600));
    }

    #[test]
    fn paths_are_those_of_hashes() {
        let hash = hash(b"photo");
        assert_eq!(hash_of(&path_of(&hash)), Some(hash));
        for other in ["ab/cd.jpg", "../x.jpg", "readme.txt"] {
            assert_eq!(hash_of(other), None);
        }
        assert!(!is_hash(&"A".repeat(64)) && !is_hash("ab"));
    }
}
