//! `mukkeum doctor`: what is wrong here, and what to do about it.
//!
//! It looks and changes nothing, but that opening the data brings its schema up to date, as every
//! command does. The exit code is 1 when something should be mended soon, 2 when the shop cannot
//! work or may lose something.

use std::io::{self, Write};
use std::sync::Arc;

use super::{Done, Failure, Outcome, block_on, open_storage};
use crate::config::{Config, Database};
use crate::sessions::{Place, RedisStore};
use crate::storage::{Finding, Severity, schema};
use crate::time::SystemClock;

#[derive(clap::Args)]
pub(super) struct Doctor {
    /// 다른 프로그램이 읽을 수 있게 JSON으로
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) fn run(&self, config: &Config) -> Outcome {
        let mut findings = data(config);
        if let Database::MariaDb(address) = &config.database {
            findings.extend(address.examine(&SystemClock));
        }
        findings.extend(folder(config));
        findings.extend(sessions(config)?);
        let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Good);
        self.say(&findings)?;
        match worst {
            Severity::Good => Ok(Done::Whole),
            Severity::Warning => Ok(Done::Part),
            Severity::Bad => Err(Failure("고쳐야 할 것이 있어요.".to_owned())),
        }
    }

    fn say(&self, findings: &[Finding]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::json!({ "findings": findings }));
        }
        for finding in findings {
            let mark = match finding.severity {
                Severity::Good => "좋아요",
                Severity::Warning => "살펴보세요",
                Severity::Bad => "고치세요",
            };
            writeln!(out, "[{mark}] {}: {}", finding.subject, finding.found)?;
            if !finding.advice.is_empty() {
                writeln!(out, "    → {}", finding.advice)?;
            }
        }
        Ok(())
    }
}

/// Whether the data can be opened, and whether the file of SQLite is sound.
fn data(config: &Config) -> Vec<Finding> {
    const SUBJECT: &str = "데이터베이스";
    let storage = match open_storage(config) {
        Ok(storage) => storage,
        Err(failure) => {
            let advice = "주소와 비밀번호, 서버가 켜져 있는지를 확인하세요.";
            return vec![Finding::wrong(Severity::Bad, SUBJECT, failure.to_string(), advice)];
        }
    };
    let mut findings = vec![
        Finding::good(SUBJECT, storage.describe()),
        Finding::good("스키마", format!("{}판, 이 프로그램의 것이에요", schema::VERSION)),
    ];
    if matches!(config.database, Database::Sqlite(_)) {
        let checked = block_on(async { Ok(storage.read(|tx| tx.query_one("PRAGMA quick_check(1)", &[])).await?) });
        let said = checked.ok().flatten().and_then(|mut row| row.text(0).ok()).unwrap_or_default();
        findings.push(if said == "ok" {
            Finding::good("데이터 파일", "온전해요")
        } else {
            let advice = "더 쓰지 말고, 백업에서 복구하세요 (mukkeum restore).";
            Finding::wrong(Severity::Bad, "데이터 파일", format!("망가졌어요: {said}"), advice)
        });
    }
    findings
}

/// Whether the folder of everything that is kept beside the data can be written and has room.
fn folder(config: &Config) -> Vec<Finding> {
    const SUBJECT: &str = "데이터 폴더";
    let path = config.data.display();
    let can_write = match tempfile::tempfile_in(&config.data) {
        Ok(_) => Finding::good(SUBJECT, path.to_string()),
        Err(error) => {
            let advice = "폴더의 주인과 권한을 확인하세요.";
            Finding::wrong(Severity::Bad, SUBJECT, format!("{path}에 쓸 수 없어요: {error}"), advice)
        }
    };
    let left = fs4::available_space(&config.data).ok();
    [can_write].into_iter().chain(left.map(|left| Finding::space("데이터 폴더의 디스크", left))).collect()
}

fn sessions(config: &Config) -> Result<Vec<Finding>, Failure> {
    let Place::Redis(address) = &config.sessions else {
        return Ok(vec![Finding::good("세션", "데이터베이스에 있어요")]);
    };
    let store = RedisStore::new(address, config.session_idle, Arc::new(SystemClock))
        .map_err(|error| Failure(error.to_string()))?;
    block_on(async { Ok(store.examine().await) })
}
