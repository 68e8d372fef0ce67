//! Checks the photographs of deliveries: each file is read and compared with its hash, in an object store a part of them.

use crate::config::Config;
use crate::proofs::files::{ProofFileError, ProofFiles};
use crate::proofs::store;
use crate::storage::{Diagnostic, Severity, Storage};

const SUBJECT: &str = "배송 증빙 사진";

/// Files of an object store that are read: each costs a request. All are listed.
const SAMPLE: usize = 200;

/// Names in a sentence.
const NAMED: usize = 5;

/// What is wrong with the files.
#[derive(Default)]
struct Faults {
    missing: Vec<String>,
    changed: Vec<String>,
    extra: Vec<String>,
    unreadable: Option<String>,
}

/// Checks the files that the settings name against the database.
pub(super) async fn check(config: &Config, storage: &Storage) -> Vec<Diagnostic> {
    let files = match ProofFiles::open(config) {
        Ok(files) => files,
        Err(error) => {
            let advice = "proofs(MUKKEUM_PROOFS)의 주소를 확인하세요.";
            return vec![Diagnostic::problem(Severity::Bad, SUBJECT, error.to_string(), advice)];
        }
    };
    if !files.is_available() {
        let found = "이 서버는 기사의 사진을 받지 않아요. 서버가 여러 대라 둘 곳이 정해지지 않았어요";
        let advice = "모든 서버에 같은 --proofs(MUKKEUM_PROOFS)를 정하세요. 예: s3://버킷/proofs";
        return vec![Diagnostic::problem(Severity::Warning, SUBJECT, found, advice)];
    }
    let live = match storage.read(store::live).await {
        Ok(live) => live,
        Err(error) => {
            return vec![Diagnostic::problem(Severity::Bad, SUBJECT, error.to_string(), "데이터베이스를 확인하세요.")];
        }
    };
    let hashes: Vec<String> = live.into_iter().map(|(hash, _)| hash).collect();
    let faults = find_faults(&files, &hashes).await;
    diagnose(&files.describe(), hashes.len(), &faults)
}

async fn find_faults(files: &ProofFiles, hashes: &[String]) -> Faults {
    let mut faults = Faults::default();
    let present = match files.list().await {
        Ok(present) => present,
        Err(error) => return Faults { unreadable: Some(error.to_string()), ..faults },
    };
    faults.missing = hashes.iter().filter(|hash| !present.contains_key(*hash)).cloned().collect();
    faults.extra = present.keys().filter(|hash| hashes.binary_search(hash).is_err()).cloned().collect();
    let listed: Vec<&String> = hashes.iter().filter(|hash| present.contains_key(*hash)).collect();
    // Hashes are random, so that every nth is a fair sample.
    let step = if files.is_folder() { 1 } else { listed.len().div_ceil(SAMPLE).max(1) };
    for hash in listed.into_iter().step_by(step) {
        match files.get(hash).await {
            Ok(_) => {}
            Err(ProofFileError::Changed) => faults.changed.push(hash.clone()),
            Err(ProofFileError::Missing) => faults.missing.push(hash.clone()),
            Err(error) => {
                faults.unreadable = Some(error.to_string());
                break;
            }
        }
    }
    faults
}

fn names(hashes: &[String]) -> String {
    let shown: Vec<&str> = hashes.iter().take(NAMED).map(String::as_str).collect();
    format!("{}{}", shown.join(", "), if hashes.len() > NAMED { " …" } else { "" })
}

fn diagnose(place: &str, count: usize, faults: &Faults) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if let Some(error) = &faults.unreadable {
        let found = format!("{place}: {error}");
        diagnostics.push(Diagnostic::problem(Severity::Bad, SUBJECT, found, "저장소와 폴더의 권한을 확인하세요."));
    }
    for (hashes, what) in [(&faults.missing, "없어진"), (&faults.changed, "바뀐")] {
        if !hashes.is_empty() {
            let found = format!("{what} 파일이 {}개 있어요: {}", hashes.len(), names(hashes));
            let advice = "백업에서 복원하세요: mukkeum restore는 빠지거나 바뀐 사진만 다시 담아요.";
            diagnostics.push(Diagnostic::problem(Severity::Bad, SUBJECT, found, advice));
        }
    }
    if !faults.extra.is_empty() {
        let found = format!("데이터베이스가 모르는 파일이 {}개 있어요: {}", faults.extra.len(), names(&faults.extra));
        let advice = "더 예전 시점으로 복원했다면 그 뒤의 사진이에요. 필요 없으면 지우세요.";
        diagnostics.push(Diagnostic::problem(Severity::Warning, SUBJECT, found, advice));
    }
    if diagnostics.is_empty() {
        diagnostics.push(Diagnostic::ok(SUBJECT, format!("{count}장, 지문이 모두 맞아요 ({place})")));
    }
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn flipped_byte_missing_and_unknown_files_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = ProofFiles::in_folder(folder.path().to_owned());
        let mut hashes = Vec::new();
        for text in ["one", "two", "three"] {
            hashes.push(files.put(text.as_bytes().to_vec()).await.expect("writes"));
        }
        let extra = files.put(b"extra".to_vec()).await.expect("writes");
        hashes.sort();
        let good = hashes[..3].to_vec();
        files.delete(&extra).await.expect("deletes");
        assert_eq!(diagnose("곳", 3, &find_faults(&files, &good).await)[0].severity, Severity::Good);

        files.put(b"extra".to_vec()).await.expect("writes");
        files.delete(&hashes[0]).await.expect("deletes");
        let changed = folder.path().join(&hashes[1][..2]).join(format!("{}.jpg", &hashes[1][2..]));
        let mut bytes = std::fs::read(&changed).expect("reads");
        bytes[0] ^= 1;
        std::fs::write(&changed, bytes).expect("writes");
        let faults = find_faults(&files, &good).await;
        assert_eq!(
            (&faults.missing, &faults.changed, &faults.extra),
            (&vec![hashes[0].clone()], &vec![hashes[1].clone()], &vec![extra])
        );
        let diagnostics = diagnose("곳", 3, &faults);
        assert_eq!(diagnostics.iter().map(|found| found.severity).max(), Some(Severity::Bad));
        assert!(diagnostics[1].found.contains(&hashes[1]), "{diagnostics:?}");
    }
}
