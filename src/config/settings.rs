//! The settings as they are given: each is a flag, a variable and a line in the file.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $kind:ty,)*) => {
        /// The settings as they were given, each of them or none.
        #[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[$attribute])* pub $name: Option<$kind>,)*
        }

        impl Settings {
            /// The names of all settings, as the file writes them.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// These settings, and where one is missing, `other`'s.
            pub(super) fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }
        }
    };
}

settings! {
    /// 설정 파일 [기본값: 데이터 폴더의 mukkeum.toml]
    #[arg(long, global = true, env = "MUKKEUM_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    config: PathBuf,

    /// 데이터 폴더 [기본값: ./data]
    #[arg(long, global = true, env = "MUKKEUM_DATA", value_name = "DIR")]
    data: PathBuf,

    /// 데이터베이스 주소, sqlite:PATH 또는 mysql://아이디:비밀번호@호스트1,호스트2/이름 [기본값: 데이터 폴더의 mukkeum.db]
    #[arg(long, global = true, env = "MUKKEUM_DATABASE", hide_env_values = true, value_name = "URL")]
    database: String,

    /// 접속을 받을 주소, 0.0.0.0이면 다른 기기에서도 열려요 [기본값: 127.0.0.1:8080]
    #[arg(long, global = true, env = "MUKKEUM_LISTEN", value_name = "ADDRESS")]
    listen: String,

    /// 스스로 만든 인증서로 HTTPS를 써요 [기본값: false]
    #[arg(long, global = true, env = "MUKKEUM_TLS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    tls: bool,

    /// HTTPS에 쓸 인증서(PEM), 중간 인증서까지 이어 붙인 것 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TLS_CERT", value_name = "FILE")]
    tls_cert: PathBuf,

    /// 그 인증서의 개인 키(PEM) [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TLS_KEY", value_name = "FILE")]
    tls_key: PathBuf,

    /// 세션을 두는 곳, database나 redis://호스트나 redis-sentinel://호스트1,호스트2/이름 [기본값: database]
    #[arg(long, global = true, env = "MUKKEUM_SESSIONS", hide_env_values = true, value_name = "URL")]
    sessions: String,

    /// 이 시간(분) 동안 쓰지 않으면 로그아웃돼요 [기본값: 480]
    #[arg(long, global = true, env = "MUKKEUM_SESSION_IDLE_MINUTES", value_name = "MINUTES")]
    session_idle_minutes: u32,

    /// 업로드 파일 하나의 최대 크기(MB) [기본값: 30]
    #[arg(long, global = true, env = "MUKKEUM_UPLOAD_MAX_MB", value_name = "MB")]
    upload_max_mb: u32,

    /// 업로드한 원본 파일을 보관하는 기간(일) [기본값: 90]
    #[arg(long, global = true, env = "MUKKEUM_UPLOAD_KEEP_DAYS", value_name = "DAYS")]
    upload_keep_days: u32,

    /// HTTPS 뒤에서 쓰면 true, 쿠키가 HTTPS로만 오가요 [기본값: false]
    #[arg(long, global = true, env = "MUKKEUM_BEHIND_TLS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    behind_tls: bool,

    /// 앞단 프록시의 주소, 쉼표로 나눠요. 여기서 온 X-Forwarded-For만 믿어요 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TRUSTED_PROXIES", value_delimiter = ',', value_name = "IP")]
    trusted_proxies: Vec<IpAddr>,

    /// 지표(/metrics)를 따로 받을 주소 [기본값: 접속 주소와 같음]
    #[arg(long, global = true, env = "MUKKEUM_METRICS_LISTEN", value_name = "ADDRESS")]
    metrics_listen: SocketAddr,

    /// 멈추라는 신호 뒤에 새 접속을 더 받는 시간(초), 부하 분산기가 알아챌 틈이에요 [기본값: 0]
    #[arg(long, global = true, env = "MUKKEUM_DRAIN_SECONDS", value_name = "SECONDS")]
    drain_seconds: u32,

    /// 멈출 때 남은 요청을 기다리는 시간(초) [기본값: 30]
    #[arg(long, global = true, env = "MUKKEUM_SHUTDOWN_SECONDS", value_name = "SECONDS")]
    shutdown_seconds: u32,

    /// 주문을 백업할 곳, 쉼표로 나눠요: file:///폴더, s3://버킷/경로, gs://버킷/경로, az://컨테이너/경로 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP", value_delimiter = ',', value_name = "URL")]
    backup: Vec<String>,

    /// 백업의 전체 사본을 새로 뜨는 간격(시간) [기본값: 24]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_SNAPSHOT_HOURS", value_name = "HOURS")]
    backup_snapshot_hours: u32,

    /// 백업을 실제로 되살려 확인하는 간격(시간), 0이면 하지 않아요 [기본값: 24]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_VERIFY_HOURS", value_name = "HOURS")]
    backup_verify_hours: u32,

    /// 모든 순간으로 되살릴 수 있는 기간(시간) [기본값: 72]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_HOURS", value_name = "HOURS")]
    backup_keep_hours: u32,

    /// 하루에 하나씩 사본을 남기는 기간(일) [기본값: 31]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_DAYS", value_name = "DAYS")]
    backup_keep_days: u32,

    /// 한 달에 하나씩 사본을 남기는 기간(달) [기본값: 12]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_MONTHS", value_name = "MONTHS")]
    backup_keep_months: u32,

    /// 백업할 곳에 닿지 않을 때 이 컴퓨터에 모아 두는 최대 크기(MB) [기본값: 2048]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_QUEUE_MB", value_name = "MB")]
    backup_queue_mb: u32,

    /// 로그 형식 [기본값: text]
    #[arg(long, global = true, env = "MUKKEUM_LOG_FORMAT", value_name = "FORMAT")]
    log_format: LogFormat,

    /// 로그 수준, tracing 필터를 써요 [기본값: info]
    #[arg(long, global = true, env = "MUKKEUM_LOG_LEVEL", value_name = "LEVEL")]
    log_level: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// for people
    #[default]
    Text,
    /// one JSON object a line, for collectors
    Json,
}
