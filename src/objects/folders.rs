//! Drives and folders of this computer, as a list from which a person chooses one: `templates/objects/folders.html`.

use std::io;
use std::path::{Path, PathBuf};

/// Maximum number of folders in the list.
const MAX_FOLDERS: usize = 500;

/// A folder or a drive of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderRow {
    /// as shown
    pub name: String,
    /// absolute path
    pub path: String,
}

/// The folders in a folder, or the drives of this computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderList {
    /// the open folder; empty: the list of drives
    pub path: String,
    /// the folder above, empty for the list of drives; None in that list
    pub parent: Option<String>,
    /// what can be opened
    pub folders: Vec<FolderRow>,
    /// why the folder cannot be opened, as a sentence
    pub problem: Option<String>,
}

impl FolderList {
    /// Opens the folder of an absolute path; of any other text, the list of drives.
    pub fn open(path: &str) -> Self {
        let folder = PathBuf::from(path);
        if path.is_empty() || !folder.is_absolute() {
            let drives = drives().into_iter().map(|(name, path)| FolderRow { name, path: path.display().to_string() });
            return Self { folders: drives.collect(), ..Self::default() };
        }
        let parent = folder.parent().map(|parent| parent.display().to_string()).unwrap_or_default();
        let (folders, problem) = match subfolders(&folder) {
            Ok(folders) => (folders, None),
            Err(error) => (Vec::new(), Some(unreadable_sentence(&folder, &error))),
        };
        Self { path: path.to_owned(), parent: Some(parent), folders, problem }
    }
}

fn unreadable_sentence(folder: &Path, error: &io::Error) -> String {
    let folder = folder.display();
    match error.kind() {
        io::ErrorKind::NotFound => format!("폴더가 없어요: {folder}. 드라이브가 연결되어 있는지 확인해 주세요."),
        io::ErrorKind::PermissionDenied => format!("폴더를 볼 권한이 없어요: {folder}. 다른 폴더를 선택해 주세요."),
        _ => format!("폴더를 열지 못했어요: {folder} ({error})"),
    }
}

/// The visible folders in `folder`, by name.
fn subfolders(folder: &Path) -> io::Result<Vec<FolderRow>> {
    let entries = std::fs::read_dir(folder)?.flatten();
    let folders = entries.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with(['.', '$']))?;
        Some(FolderRow { name, path: entry.path().display().to_string() })
    });
    let mut folders: Vec<FolderRow> = folders.take(MAX_FOLDERS).collect();
    folders.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(folders)
}

/// Removable drives first, then the home folder and the whole computer.
#[cfg(not(windows))]
fn drives() -> Vec<(String, PathBuf)> {
    let mounted = |root: &str, depth: usize| -> Vec<PathBuf> {
        let mut level = vec![PathBuf::from(root)];
        for _ in 0..depth {
            level = level.iter().flat_map(std::fs::read_dir).flatten().flatten().map(|entry| entry.path()).collect();
        }
        level.into_iter().filter(|path| path.is_dir()).collect()
    };
    let removable = [("/media", 2), ("/run/media", 2), ("/mnt", 1), ("/Volumes", 1)];
    let removable = removable.into_iter().flat_map(|(root, depth)| mounted(root, depth));
    let mut drives: Vec<(String, PathBuf)> =
        removable.map(|path| (format!("드라이브 {}", path.display()), path)).collect();
    drives.extend(std::env::home_dir().filter(|home| home.is_dir()).map(|home| ("내 폴더".to_owned(), home)));
    drives.push(("이 컴퓨터 전체".to_owned(), PathBuf::from("/")));
    drives
}

/// The drives with a letter, those other than `C:` first.
#[cfg(windows)]
fn drives() -> Vec<(String, PathBuf)> {
    let letters = (b'D'..=b'Z').chain([b'C', b'A', b'B']);
    let drives = letters.map(|letter| PathBuf::from(format!("{}:\\", char::from(letter))));
    drives.filter(|path| path.is_dir()).map(|path| (format!("드라이브 {}", path.display()), path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_listed_by_name_without_hidden_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["나", "가", ".hidden", "$RECYCLE.BIN"] {
            std::fs::create_dir(folder.path().join(name)).expect("creates");
        }
        std::fs::write(folder.path().join("file"), "").expect("writes");
        let list = FolderList::open(&folder.path().display().to_string());
        let names: Vec<&str> = list.folders.iter().map(|row| row.name.as_str()).collect();
        assert_eq!((names, list.problem), (vec!["가", "나"], None));
        assert_eq!(list.parent, folder.path().parent().map(|parent| parent.display().to_string()));
    }

    #[test]
    fn text_that_is_no_path_opens_the_list_of_drives() {
        for text in ["", "usb"] {
            let list = FolderList::open(text);
            assert!(list.path.is_empty() && list.parent.is_none() && !list.folders.is_empty());
        }
    }

    #[test]
    fn folder_that_is_away_is_a_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = FolderList::open(&folder.path().join("usb").display().to_string());
        assert!(list.problem.is_some_and(|problem| problem.contains("드라이브가 연결되어 있는지")));
    }
}
