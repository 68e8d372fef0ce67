//! The data folder: creation, lock, and the separation of demo shops from real ones.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::CliError;
use crate::config::{Config, Database};
use crate::time::holidays::{self, HolidayFileError};

/// The default data folder of a demo shop.
pub(super) const DEMO_FOLDER: &str = "demo-data";

/// The file in the data folder that a running server locks.
const LOCK_FILE: &str = "mukkeum.lock";

/// The file that marks the data folder of a demo shop. A demo is emptied at each reset, so it must never
/// share a folder with a real shop.
const DEMO_MARKER: &str = "demo";

const DEMO_MARKER_TEXT: &str = "묶음의 교육용 가게예요. 여기 있는 데이터는 때가 되면 모두 지우고 새로 만들어요.\n";

/// Creates the folder that the option `flag` names, readable by its owner only: it will hold personal data.
///
/// # Errors
/// The system refuses.
pub(super) fn create(folder: &Path, flag: &str) -> Result<(), CliError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        CliError(format!("폴더를 만들지 못했어요: {} ({error})\n다른 폴더를 {flag}로 알려 주세요.", folder.display()))
    })
}

/// Locks the data folder for a server, until the file is dropped.
///
/// # Errors
/// Another server holds the lock, or the folder is not writable.
pub(super) fn lock(data: &Path) -> Result<File, CliError> {
    let path = data.join(LOCK_FILE);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        CliError(format!(
            "데이터 폴더에 쓸 수 없어요: {} ({error})\n폴더의 권한을 수정하거나 다른 폴더를 --data로 알려 주세요.",
            data.display()
        ))
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CliError(format!(
            "이 데이터 폴더로 이미 켜져 있어요: {}\n켜져 있는 프로그램을 쓰거나, 끈 다음 다시 켜세요.",
            data.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Reads the holidays of the data folder, for a server. The caller must hold the lock, so that a folder that cannot be
/// used is reported before.
///
/// # Errors
/// The file is there and cannot be used: with other holidays than the shop expects every deadline is wrong.
pub(super) fn renew_holidays(data: &Path) -> Result<(), CliError> {
    holidays::renew_from(data).map_err(|error| CliError(unread_holidays(data, &error)))
}

/// Sentence about a file of holidays that cannot be used.
pub(super) fn unread_holidays(data: &Path, error: &HolidayFileError) -> String {
    let file = data.join(holidays::HOLIDAY_FILE);
    format!(
        "공휴일 파일을 읽지 못했어요: {} ({error})\n파일을 수정하거나 지우면 프로그램의 공휴일을 써요.",
        file.display()
    )
}

/// Locks the folder of a database file against servers. None if no server has ever used the folder.
///
/// # Errors
/// `running` if a server holds the lock.
pub(super) fn lock_if_used(folder: &Path, running: impl FnOnce() -> CliError) -> Result<Option<File>, CliError> {
    let Ok(file) = File::options().write(true).open(folder.join(LOCK_FILE)) else {
        return Ok(None);
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(running()),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

/// Rejects the data folder of the other kind of shop (demo or real), and marks the folder of a new demo.
/// The caller must hold the lock.
///
/// # Errors
/// The folder belongs to the other kind of shop, or a demo is configured with another database.
pub(super) fn check_kind(config: &Config) -> Result<(), CliError> {
    let (folder, marker) = (config.data.display(), config.data.join(DEMO_MARKER));
    let file = match &config.database {
        Database::Sqlite(file) => Some(file),
        Database::MariaDb(_) => None,
    };
    if config.demo.is_none() {
        if marker.is_file() || file.is_some_and(|file| file.with_file_name(DEMO_MARKER).is_file()) {
            return Err(CliError(format!(
                "교육용 가게의 폴더예요: {folder}\n연습하려면 mukkeum demo로 켜고, 실제 가게라면 다른 폴더를 --data로 알려 주세요."
            )));
        }
        return Ok(());
    }
    if config.database != Database::of_folder(&config.data) {
        return Err(CliError(
            "교육용 가게는 자기 폴더에만 데이터를 둬요. --database(MUKKEUM_DATABASE) 설정을 빼 주세요.".to_owned(),
        ));
    }
    if marker.is_file() {
        return Ok(());
    }
    if file.is_some_and(|file| file.exists()) {
        return Err(CliError(format!(
            "교육용 가게가 아닌 데이터가 있는 폴더예요: {folder}\n교육용 가게는 데이터를 지우고 새로 만드니, 다른 폴더를 --data로 알려 주세요."
        )));
    }
    Ok(std::fs::write(marker, DEMO_MARKER_TEXT)?)
}

/// Endings of files that a crash leaves behind: a download or a restore that did not finish. Each is a copy of the shop.
const LEFTOVER_ENDINGS: [&str; 6] =
    [".download.tmp", ".packed", ".restoring", ".restoring-wal", ".restoring-shm", ".restoring-journal"];

/// Deletes what a crash has left behind in the data folder. The caller must hold the lock.
///
/// # Errors
/// The folder cannot be read, or a file cannot be deleted.
pub(crate) fn delete_leftovers(config: &Config) -> Result<(), CliError> {
    let database = match &config.database {
        Database::Sqlite(file) => file.parent().map(Path::to_owned),
        Database::MariaDb(_) => None,
    };
    for folder in [Some(config.data.clone()), database.filter(|folder| *folder != config.data)].into_iter().flatten() {
        for file in std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder })? {
            let file = file?;
            let is_leftover = |name: &str| LEFTOVER_ENDINGS.iter().any(|ending| name.ends_with(ending));
            if file.file_name().to_str().is_some_and(is_leftover) && file.file_type()?.is_file() {
                tracing::info!(file = %file.path().display(), "갑자기 꺼지면서 남은 파일을 지웠어요");
                std::fs::remove_file(file.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_a_crash_are_deleted_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config::defaults(folder.path()).expect("valid");
        let names = [
            "0123.download.tmp",
            "mukkeum.db.restoring",
            "mukkeum.db.packed",
            "mukkeum.db",
            "mukkeum.db.restored",
            "mukkeum.db.requests",
            "my.tmp",
        ];
        for name in names {
            std::fs::write(folder.path().join(name), "a shop").expect("writes");
        }
        delete_leftovers(&config).expect("deletes");
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, false, false, true, true, true, true]);
    }
}
