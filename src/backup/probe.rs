//! A test write to a target, before a shop relies on it.

use std::io;
use std::time::Duration;

use crate::objects::{Target, TargetError};
use crate::text::hex;

/// How long a test write may take: a person waits for it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// Creates the folder of a folder target, and writes, reads and deletes an object.
///
/// # Errors
/// Why the target cannot be used, as a sentence for the owner of the shop.
pub async fn probe(target: &Target) -> Result<(), TargetError> {
    if let Some(folder) = target.folder_path() {
        std::fs::create_dir_all(folder).map_err(|error| {
            let message = format!("{} ({error})", folder.display());
            match error.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    TargetError::NotWritable(message)
                }
                io::ErrorKind::StorageFull => TargetError::NoSpace(message),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TargetError::Unreachable(format!(
                    "{}. 그 드라이브와 위 폴더가 있는지 확인해 주세요.",
                    folder.display()
                )),
                _ => TargetError::Unreachable(message),
            }
        })?;
    }
    let seconds = PROBE_TIMEOUT.as_secs();
    let late = |_| TargetError::Unreachable(format!("{seconds}초 동안 답이 없어요"));
    tokio::time::timeout(PROBE_TIMEOUT, write_read_delete(target)).await.map_err(late)?
}

async fn write_read_delete(target: &Target) -> Result<(), TargetError> {
    let random = crate::random::bytes::<8>().map_err(|error| TargetError::Unreachable(error.to_string()))?;
    let text = hex(&random);
    let name = format!("mukkeum-test-{text}");
    target.replace(&name, text.clone().into_bytes()).await.map_err(|error| match error {
        // Nothing is read yet: the bucket itself is missing.
        TargetError::NotFound(_) => TargetError::Unreachable(format!("버킷이나 컨테이너가 없어요 ({})", target.shown)),
        error => error,
    })?;
    let read = target.get(&name).await;
    target.delete(&name).await?;
    if read? == text.as_bytes() {
        Ok(())
    } else {
        Err(TargetError::Unreachable("쓴 것과 다른 내용을 읽었어요".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn folder_is_created_and_left_empty() {
        let drive = tempfile::tempdir().expect("a folder");
        let folder = drive.path().join("new/mukkeum-backup");
        let address = url::Url::from_directory_path(&folder).expect("a path");
        let target = Target::parse(address.as_str(), []).expect("an address");
        probe(&target).await.expect("can be used");
        assert_eq!(std::fs::read_dir(&folder).expect("is there").count(), 0);
    }

    #[tokio::test]
    async fn place_that_is_no_folder_is_refused() {
        let drive = tempfile::tempdir().expect("a folder");
        std::fs::write(drive.path().join("file"), "").expect("writes");
        let address = url::Url::from_directory_path(drive.path().join("file/backup")).expect("a path");
        let target = Target::parse(address.as_str(), []).expect("an address");
        let refused = probe(&target).await.expect_err("a file").to_string();
        assert!(refused.contains("닿지 않아요") && refused.contains("file/backup"), "{refused}");
    }
}
