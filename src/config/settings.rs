//! The declaration of all settings: each is a flag, an environment variable and a key in `mukkeum.toml`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

use super::ProxyNetwork;

macro_rules! settings {
    ($($(#[$attribute:meta])* $name:ident: $kind:ty,)*) => {
        /// The settings of one source (command line or file); each may be missing.
        #[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Settings {
            $($(#[$attribute])* pub $name: Option<$kind>,)*

            /// keys of the settings that flags of the command line have given, in contrast to environment variables
            #[arg(skip)]
            #[serde(skip)]
            pub flags: Vec<&'static str>,
        }

        impl Settings {
            /// The keys of all settings in the file.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// These settings, with missing ones taken from `other`.
            pub(super) fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* flags: self.flags }
            }

            /// Whether the setting with this key is given.
            pub(super) fn has(&self, key: &str) -> bool {
                match key {
                    $(stringify!($name) => self.$name.is_some(),)*
                    _ => false,
                }
            }
        }
    };
}

/// Heading of the settings that every command uses, for `--help`.
pub const COMMON_HEADING: &str = "공통 옵션";

/// Heading of the settings of the server.
pub const SERVER_HEADING: &str = "서버 설정";

/// Heading of the settings of the backup.
pub const BACKUP_HEADING: &str = "백업 설정";

settings! {
    /// 설정 파일 [기본값: 데이터 폴더의 mukkeum.toml]
    #[arg(long, global = true, env = "MUKKEUM_CONFIG", help_heading = COMMON_HEADING, value_name = "FILE")]
    #[serde(skip)]
    config: PathBuf,

    /// 데이터 폴더 [기본값: ./data]
    #[arg(long, global = true, env = "MUKKEUM_DATA", help_heading = COMMON_HEADING, value_name = "DIR")]
    data: PathBuf,

    /// 데이터베이스 주소, sqlite:PATH 또는 mysql://아이디:비밀번호@호스트1,호스트2/이름 [기본값: 데이터 폴더의 mukkeum.db]
    #[arg(long, global = true, env = "MUKKEUM_DATABASE", help_heading = COMMON_HEADING, hide_env_values = true, value_name = "URL")]
    database: String,

    /// 접속을 받을 주소, 0.0.0.0이면 다른 기기에서도 열려요 [기본값: 127.0.0.1:8080]
    #[arg(long, global = true, env = "MUKKEUM_LISTEN", help_heading = SERVER_HEADING, value_name = "ADDRESS")]
    listen: String,

    /// 가게 인증서를 만들어 HTTPS를 써요 [기본값: false]
    #[arg(long, global = true, env = "MUKKEUM_TLS", help_heading = SERVER_HEADING, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    tls: bool,

    /// HTTPS 인증서 파일(PEM), 중간 인증서 포함 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TLS_CERT", help_heading = SERVER_HEADING, value_name = "FILE")]
    tls_cert: PathBuf,

    /// HTTPS 인증서의 개인 키 파일(PEM) [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TLS_KEY", help_heading = SERVER_HEADING, value_name = "FILE")]
    tls_key: PathBuf,

    /// 세션 저장소: database, redis://호스트, redis-sentinel://호스트1,호스트2/이름 [기본값: database]
    #[arg(long, global = true, env = "MUKKEUM_SESSIONS", help_heading = SERVER_HEADING, hide_env_values = true, value_name = "URL")]
    sessions: String,

    /// 사용하지 않으면 로그아웃되는 시간(분) [기본값: 480]
    #[arg(long, global = true, env = "MUKKEUM_SESSION_IDLE_MINUTES", help_heading = SERVER_HEADING, value_name = "MINUTES")]
    session_idle_minutes: u32,

    /// 업로드 파일 하나의 최대 크기(MB) [기본값: 30]
    #[arg(long, global = true, env = "MUKKEUM_UPLOAD_MAX_MB", help_heading = SERVER_HEADING, value_name = "MB")]
    upload_max_mb: u32,

    /// 업로드한 원본 파일의 보관 기간(일) [기본값: 90]
    #[arg(long, global = true, env = "MUKKEUM_UPLOAD_KEEP_DAYS", help_heading = SERVER_HEADING, value_name = "DAYS")]
    upload_keep_days: u32,

    /// 다른 기기에서도 열릴 때 관리자에게 인증 앱을 요구할지: auto, off. VPN 안에서만 쓰면 off로 할 수 있어요 [기본값: auto]
    #[arg(long, global = true, env = "MUKKEUM_ADMIN_TOTP", help_heading = SERVER_HEADING, hide_possible_values = true, value_name = "MODE")]
    admin_totp: AdminTotp,

    /// 접속기록의 보관 기간(년). 5만 명 이상의 정보가 있으면 2년보다 짧게 할 수 없어요 [기본값: 2]
    #[arg(long, global = true, env = "MUKKEUM_ACCESS_KEEP_YEARS", help_heading = SERVER_HEADING, value_name = "YEARS")]
    access_keep_years: u32,

    /// 주문의 보관 기간(년). 지나면 파기해요. 법에 따라 5년보다 짧게 할 수 없어요 [기본값: 5]
    #[arg(long, global = true, env = "MUKKEUM_ORDER_KEEP_YEARS", help_heading = SERVER_HEADING, value_name = "YEARS")]
    order_keep_years: u32,

    /// 끝난 주문의 개인정보를 분리 보관하기까지의 기간(일), 30부터 1825까지 [기본값: 90]
    #[arg(long, global = true, env = "MUKKEUM_ORDER_SEAL_DAYS", help_heading = SERVER_HEADING, value_name = "DAYS")]
    order_seal_days: u32,

    /// 배송 증빙 사진의 저장소: s3://버킷/경로, gs://, az://, file:///. 서버가 여러 대면 필요해요 [기본값: 데이터 폴더의 proofs]
    #[arg(long, global = true, env = "MUKKEUM_PROOFS", help_heading = SERVER_HEADING, value_name = "URL")]
    proofs: String,

    /// 배송 증빙 사진의 보관 기간(일), 30부터 1825까지 [기본값: 365]
    #[arg(long, global = true, env = "MUKKEUM_PROOF_KEEP_DAYS", help_heading = SERVER_HEADING, value_name = "DAYS")]
    proof_keep_days: u32,

    /// 관리자 화면을 열 수 있는 IP 주소나 대역(192.168.0.0/24), 쉼표로 구분. 이 컴퓨터에서는 늘 열려요 [기본값: 어디서나]
    #[arg(long, global = true, env = "MUKKEUM_ADMIN_NETWORKS", help_heading = SERVER_HEADING, value_delimiter = ',', value_name = "IP")]
    admin_networks: Vec<ProxyNetwork>,

    /// HTTPS 프록시 뒤에서 쓰면 true. 쿠키를 HTTPS로만 보내요 [기본값: false]
    #[arg(long, global = true, env = "MUKKEUM_BEHIND_TLS", help_heading = SERVER_HEADING, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    behind_tls: bool,

    /// 리버스 프록시가 이 프로그램을 여는 경로. 예: /oms [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_BASE_PATH", help_heading = SERVER_HEADING, value_name = "PATH")]
    base_path: String,

    /// X-Forwarded-For와 Forwarded를 신뢰할 프록시의 IP 주소나 대역(10.0.0.0/8), 쉼표로 구분 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_TRUSTED_PROXIES", help_heading = SERVER_HEADING, value_delimiter = ',', value_name = "IP")]
    trusted_proxies: Vec<ProxyNetwork>,

    /// 지표(/metrics)를 따로 제공할 주소 [기본값: 접속 주소와 같음]
    #[arg(long, global = true, env = "MUKKEUM_METRICS_LISTEN", help_heading = SERVER_HEADING, value_name = "ADDRESS")]
    metrics_listen: SocketAddr,

    /// 종료 신호를 받은 뒤 새 접속을 더 받는 시간(초). 부하 분산기가 알아채는 데 필요한 시간이에요 [기본값: 0]
    #[arg(long, global = true, env = "MUKKEUM_DRAIN_SECONDS", help_heading = SERVER_HEADING, value_name = "SECONDS")]
    drain_seconds: u32,

    /// 종료할 때 처리 중인 요청과 적용 중인 업로드를 기다리는 시간(초) [기본값: 30]
    #[arg(long, global = true, env = "MUKKEUM_SHUTDOWN_SECONDS", help_heading = SERVER_HEADING, value_name = "SECONDS")]
    shutdown_seconds: u32,

    /// 백업 위치, 쉼표로 구분: file:///폴더, s3://버킷/경로, gs://버킷/경로, az://컨테이너/경로 [기본값: 없음]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP", help_heading = BACKUP_HEADING, value_delimiter = ',', value_name = "URL")]
    backup: Vec<String>,

    /// 백업을 암호화하지 않아요 [기본값: false]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_UNSEALED", help_heading = BACKUP_HEADING, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    backup_unsealed: bool,

    /// 전체 백업을 만드는 간격(시간) [기본값: 24]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_SNAPSHOT_HOURS", help_heading = BACKUP_HEADING, value_name = "HOURS")]
    backup_snapshot_hours: u32,

    /// 백업을 시험 복원하는 간격(시간), 0이면 하지 않아요 [기본값: 24]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_VERIFY_HOURS", help_heading = BACKUP_HEADING, value_name = "HOURS")]
    backup_verify_hours: u32,

    /// 원하는 시점으로 복원할 수 있는 기간(시간) [기본값: 72]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_HOURS", help_heading = BACKUP_HEADING, value_name = "HOURS")]
    backup_keep_hours: u32,

    /// 사본을 하루에 하나씩 보관하는 기간(일) [기본값: 31]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_DAYS", help_heading = BACKUP_HEADING, value_name = "DAYS")]
    backup_keep_days: u32,

    /// 사본을 한 달에 하나씩 보관하는 기간(개월) [기본값: 12]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_KEEP_MONTHS", help_heading = BACKUP_HEADING, value_name = "MONTHS")]
    backup_keep_months: u32,

    /// 백업 위치에 연결되지 않을 때 이 컴퓨터에 쌓아 둘 최대 크기(MB) [기본값: 2048]
    #[arg(long, global = true, env = "MUKKEUM_BACKUP_SPOOL_MB", help_heading = BACKUP_HEADING, value_name = "MB")]
    backup_spool_mb: u32,

    /// 로그 형식: text, json [기본값: text]
    #[arg(long, global = true, env = "MUKKEUM_LOG_FORMAT", help_heading = SERVER_HEADING, hide_possible_values = true, value_name = "FORMAT")]
    log_format: LogFormat,

    /// 로그 수준: error, warn, info, debug 또는 대상=수준 [기본값: info]
    #[arg(long, global = true, env = "MUKKEUM_LOG_LEVEL", help_heading = SERVER_HEADING, value_name = "LEVEL")]
    log_level: String,
}

/// Whether administrators need a second factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AdminTotp {
    /// where other devices can connect
    #[default]
    Auto,
    /// never: access from outside is protected in another way
    Off,
}

/// Format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// human-readable
    #[default]
    Text,
    /// one JSON object per line, for log collectors
    Json,
}
