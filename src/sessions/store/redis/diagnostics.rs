//! Checks of the configuration of Redis for `mukkeum doctor`.

use std::collections::HashMap;

use redis::{Cmd, FromRedisValue};
use tokio::time::Instant;
use tower_sessions::session_store::Result;

use super::{RESPONSE_TIMEOUT, RedisStore};
use crate::storage::{Diagnostic, Severity};

const SUBJECT: &str = "세션 Redis";

/// Minimum major version: `SET … NX GET`, which creates a session, exists since Redis 7.
const MIN_VERSION: u32 = 7;

impl RedisStore {
    /// Checks clock, version and configuration of the primary.
    pub async fn diagnose(&self) -> Vec<Diagnostic> {
        let before = self.clock.now();
        let time: Vec<i64> = match self.query(&redis::cmd("TIME")).await {
            Ok(time) => time,
            Err(error) => {
                let advice = "Redis와 Sentinel이 켜져 있는지, 비밀번호가 맞는지 확인하세요.";
                return vec![Diagnostic::problem(Severity::Bad, SUBJECT, format!("답하지 않아요: {error}"), advice)];
            }
        };
        let midpoint = i64::midpoint(before.0, self.clock.now().0);
        let ahead =
            time.first().map_or(0, |seconds| seconds * 1000 - midpoint) + time.get(1).map_or(0, |micro| micro / 1000);
        let mut findings = vec![self.version().await, Diagnostic::clock_offset("Redis의 시계", ahead)];
        findings.extend(match self.settings().await {
            Ok(settings) => check_settings(&settings),
            Err(error) => {
                let advice = "maxmemory-policy가 noeviction이고 appendonly가 yes인지 직접 확인하세요.";
                vec![Diagnostic::problem(Severity::Warning, SUBJECT, format!("설정을 볼 수 없어요: {error}"), advice)]
            }
        });
        findings
    }

    async fn version(&self) -> Diagnostic {
        let info: String = self.query(redis::cmd("INFO").arg("server")).await.unwrap_or_default();
        let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("?").trim();
        let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_some_and(|major| major < MIN_VERSION) {
            let advice = format!("Redis {MIN_VERSION} 이상으로 올리세요. 로그인할 수 없어요.");
            return Diagnostic::problem(Severity::Bad, SUBJECT, format!("Redis {version}이에요"), advice);
        }
        Diagnostic::ok(SUBJECT, format!("Redis {version}"))
    }

    async fn settings(&self) -> Result<HashMap<String, String>> {
        let mut settings = HashMap::new();
        for name in ["maxmemory-policy", "appendonly", "save"] {
            let values: HashMap<String, String> = self.query(redis::cmd("CONFIG").arg("GET").arg(name)).await?;
            settings.extend(values);
        }
        Ok(settings)
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.client.attempt(command, Instant::now() + RESPONSE_TIMEOUT).await.map_err(|(_, error)| error)
    }
}

fn check_settings(settings: &HashMap<String, String>) -> Vec<Diagnostic> {
    let setting = |name: &str| settings.get(name).map_or("", String::as_str);
    let policy = setting("maxmemory-policy");
    let eviction = if policy == "noeviction" || policy.starts_with("volatile") {
        Diagnostic::ok(SUBJECT, format!("maxmemory-policy {policy}"))
    } else {
        let advice = "maxmemory-policy를 noeviction으로 바꾸세요. 지금은 공간이 모자라면 다른 것부터 지워질 수 있어요.";
        Diagnostic::problem(Severity::Warning, SUBJECT, format!("maxmemory-policy가 {policy}이에요"), advice)
    };
    let persistence = if setting("appendonly") == "yes" {
        Diagnostic::ok(SUBJECT, "디스크에도 적어요 (appendonly)")
    } else if setting("save").is_empty() {
        let advice = "appendonly yes로 바꾸세요.";
        Diagnostic::problem(Severity::Warning, SUBJECT, "디스크에 적지 않아요. 다시 켜지면 모두 로그아웃돼요", advice)
    } else {
        let advice = "appendonly yes로 바꾸세요.";
        let found = "가끔만 디스크에 적어요 (save). 다시 켜지면 그 사이에 로그인한 사람은 로그아웃돼요";
        Diagnostic::problem(Severity::Warning, SUBJECT, found, advice)
    };
    vec![eviction, persistence]
}
