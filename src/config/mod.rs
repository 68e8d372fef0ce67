//! Configuration from command line flags, environment variables, the page 설정 and `mukkeum.toml`, in this order of
//! precedence ([`SettingsLayers`]).
//!
//! [`Settings`] declares each setting once: flag (`--listen`), variable (`MUKKEUM_LISTEN`), key in the file
//! (`listen = …`) and help text. The merged settings are validated once and become a [`Config`].
//!
//! This room also owns the types of its values ([`TlsSource`], [`SessionBackend`], [`BackupSettings`],
//! [`DemoPlan`] …); the rooms that use them depend on `config`, never the reverse.

mod backup_settings;
mod demo_plan;
mod layers;
pub mod pages;
mod redis_address;
mod reset_schedule;
mod session_backend;
mod settings;
mod tls_source;
mod trusted_proxies;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::backup_settings::{BackupSettings, Retention, StoreCredentials};
pub use self::demo_plan::DemoPlan;
pub use self::layers::{PAGE_FILE, PageSettings, SettingSource, SettingsLayers};
pub use self::redis_address::{RedisAddress, RedisAddressError};
pub use self::reset_schedule::{ParseScheduleError, ResetSchedule};
pub use self::session_backend::SessionBackend;
pub use self::settings::{AdminTotp, BACKUP_HEADING, COMMON_HEADING, LogFormat, SERVER_HEADING, Settings};
pub use self::tls_source::TlsSource;
pub use self::trusted_proxies::{AdminNetworks, ParseNetworkError, ProxyNetwork, TrustedProxies};
use crate::storage::{MariaDbAddress, MariaDbAddressError};
use crate::vault::Vault;

/// Years that orders are kept by default and at least: records of contracts and supplies (전자상거래법 시행령 제6조).
const MIN_ORDER_KEEP_YEARS: u32 = 5;

/// Days after which the personal data of ended orders is kept apart, unless the settings say otherwise: what the open markets
/// do.
const DEFAULT_ORDER_SEAL_DAYS: u32 = 90;

/// Days after which the personal data of ended orders may be kept apart: returns and exchanges take a month.
pub const ORDER_SEAL_DAYS: std::ops::RangeInclusive<u32> = 30..=5 * 365;

/// Days that photographs of deliveries are kept, unless the settings say otherwise: disputes about a delivery end within.
const DEFAULT_PROOF_KEEP_DAYS: u32 = 365;

/// Fewer would not outlast a dispute.
const MIN_PROOF_KEEP_DAYS: u32 = 30;

/// No longer than the record of the supply.
const MAX_PROOF_KEEP_DAYS: u32 = 5 * 365;

/// Most years that orders are kept.
const MAX_ORDER_KEEP_YEARS: u32 = 30;

/// Default of `--listen`; its port is the default port of an address without one.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// Folder of the shop's certificate authority and of its certificate, in the data folder.
const TLS_FOLDER: &str = "tls";

/// Default configuration file, in the data folder.
const CONFIG_FILE: &str = "mukkeum.toml";

/// Key of the secrets that are stored readable, in the data folder.
const SECRET_KEY_FILE: &str = "secret.key";

/// The commented configuration file of a new shop.
const CONFIG_SAMPLE: &str = include_str!("../../assets/mukkeum.toml");

/// Default database file, in the data folder.
const DATABASE_FILE: &str = "mukkeum.db";

/// Extension of the file with the answered demands of people, after the name of the database: `mukkeum.db.requests`.
pub const REQUESTS_EXTENSION: &str = "requests";

/// Invalid configuration; the messages are for the user.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file, or a file with a secret, cannot be read.
    #[error("{path} 파일을 읽지 못했어요: {reason}")]
    Unreadable {
        /// the file
        path: PathBuf,
        /// the error of the system
        reason: String,
    },
    /// The configuration file has a syntax error, an unknown key or a value of the wrong type.
    #[error("{path} 파일의 설정이 올바르지 않아요.\n{reason}")]
    InvalidFile {
        /// the file
        path: PathBuf,
        /// the error of the parser, with its position
        reason: String,
    },
    /// A setting has an invalid value.
    #[error("{setting} 설정 값을 쓸 수 없어요: {reason}")]
    InvalidValue {
        /// key of the setting
        setting: &'static str,
        /// the reason, in Korean
        reason: String,
    },
}

/// Where the data is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// SQLite: path of the file
    Sqlite(PathBuf),
    /// MariaDB: addresses of the servers
    MariaDb(MariaDbAddress),
}

impl Database {
    /// The default database of a data folder.
    pub fn of_folder(data: &Path) -> Self {
        Self::Sqlite(data.join(DATABASE_FILE))
    }
}

/// The validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// the data folder
    pub data: PathBuf,
    /// the database
    pub database: Database,
    /// the session store
    pub sessions: SessionBackend,
    /// address of the listening socket
    pub listen: SocketAddr,
    /// the certificate of the server; None: no TLS
    pub tls: Option<TlsSource>,
    /// idle timeout of a session
    pub session_idle: Duration,
    /// maximum size of an uploaded file, in bytes
    pub upload_max_bytes: u64,
    /// how long original files of uploads are retained, in days
    pub upload_keep_days: u32,
    /// whether administrators need a second factor
    pub admin_totp: AdminTotp,
    /// networks from which administrators' pages open
    pub admin_networks: AdminNetworks,
    /// how long access records are kept, in years
    pub access_keep_years: u32,
    /// how long orders are kept, in years; five at least
    pub order_keep_years: u32,
    /// days after which the personal data of ended orders is kept apart (분리 보관)
    pub order_seal_days: u32,
    /// address of the object store with the photographs of deliveries; None: the data folder
    pub proofs: Option<String>,
    /// how long photographs of deliveries are kept, in days
    pub proof_keep_days: u32,
    /// whether browsers use HTTPS, terminated by the server or by a proxy
    pub behind_tls: bool,
    /// path below which a reverse proxy serves the pages, without a slash at its end: `/oms`; empty: at the root
    pub base_path: String,
    /// reverse proxies whose `X-Forwarded-For` and `Forwarded` headers are trusted
    pub trusted_proxies: TrustedProxies,
    /// separate address for `/metrics`; None: the address of the pages
    pub metrics_listen: Option<SocketAddr>,
    /// how long new connections are accepted after the signal to stop
    pub drain: Duration,
    /// how long requests in flight may take during a shutdown
    pub shutdown: Duration,
    /// the backup; disabled without targets
    pub backup: BackupSettings,
    /// format of log lines
    pub log_format: LogFormat,
    /// log filter, in the syntax of `tracing_subscriber::filter::Targets`
    pub log_level: String,
    /// Options of a demo shop; None: a real shop. Only `mukkeum demo` sets it. No data of a demo may be sent
    /// to other systems.
    pub demo: Option<DemoPlan>,
    /// the layers of the settings, for the page that shows where each value comes from
    pub layers: Arc<SettingsLayers>,
}

impl Config {
    /// Merges the settings of the command line with those of the file and the defaults, and validates them.
    /// `variable` reads an environment variable: secrets may be in files, named by variables such as
    /// `MUKKEUM_DATABASE_FILE`.
    ///
    /// # Errors
    /// A [`ConfigError`] with the setting or file and the reason.
    pub fn load(given: Settings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = given.or(Settings {
            database: secret_file("MUKKEUM_DATABASE_FILE", &variable)?,
            sessions: secret_file("MUKKEUM_SESSIONS_FILE", &variable)?,
            ..Settings::default()
        });
        Self::of_given(given)
    }

    fn of_given(given: Settings) -> Result<Self, ConfigError> {
        let page = PageSettings::load(&data_folder(&given))?;
        Self::of_layers(SettingsLayers { file: settings_file(&given)?, given, page })
    }

    fn of_layers(layers: SettingsLayers) -> Result<Self, ConfigError> {
        let SettingsLayers { given, page, file } = layers.clone();
        let config = Self::validate(given.or(page.to_settings()).or(file))?;
        let credentials = if page.credentials.is_empty() {
            StoreCredentials::default()
        } else {
            let path = config.secret_key_file();
            let vault = Vault::open_read_only(&path)
                .map_err(|error| ConfigError::Unreadable { path, reason: error.to_string() })?;
            page.unseal(&vault)
        };
        Ok(Self { backup: BackupSettings { credentials, ..config.backup }, layers: Arc::new(layers), ..config })
    }

    /// The configuration of the same flags and variables with the files as they are now.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(&self) -> Result<Self, ConfigError> {
        let next = Self::of_given(self.layers.given.clone())?;
        Ok(Self {
            demo: self.demo,
            upload_max_bytes: if self.demo.is_some() { self.upload_max_bytes } else { next.upload_max_bytes },
            ..next
        })
    }

    /// The configuration with other settings of the page, and with the file as it is now: what the restart will load.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn with_page(&self, page: PageSettings) -> Result<Self, ConfigError> {
        let given = self.layers.given.clone();
        Self::of_layers(SettingsLayers { file: settings_file(&given)?, given, page })
    }

    /// The key of the secrets that are stored readable.
    pub fn secret_key_file(&self) -> PathBuf {
        self.data.join(SECRET_KEY_FILE)
    }

    /// Writes the commented configuration file to the data folder, unless there is one or the settings name another.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write_sample(&self) -> std::io::Result<()> {
        if self.layers.given.config.is_some() {
            return Ok(());
        }
        match std::fs::File::create_new(self.data.join(CONFIG_FILE)) {
            Ok(mut file) => std::io::Write::write_all(&mut file, CONFIG_SAMPLE.as_bytes()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The restored database that the server installs at its next start. None with MariaDB.
    pub fn restored(&self) -> Option<PathBuf> {
        match &self.database {
            Database::Sqlite(path) => Some(path.with_added_extension("restored")),
            Database::MariaDb(_) => None,
        }
    }

    /// The file beside the database with the answered demands of people, which a restored database may lack.
    pub fn requests_file(&self) -> PathBuf {
        match &self.database {
            Database::Sqlite(path) => path.with_added_extension(REQUESTS_EXTENSION),
            Database::MariaDb(_) => self.data.join("mukkeum").with_added_extension(REQUESTS_EXTENSION),
        }
    }

    /// Whether the program backs up the database. Demos are not backed up; MariaDB has replicas and
    /// `mariadb-dump` instead.
    pub fn is_backed_up(&self) -> bool {
        !self.backup.targets.is_empty() && self.demo.is_none() && matches!(self.database, Database::Sqlite(_))
    }

    /// Whether the certificate is signed by the shop's own certificate authority. HSTS must not be sent then: the owner may later disable TLS,
    /// and browsers that remember HSTS could not connect any more.
    pub fn uses_shop_ca(&self) -> bool {
        matches!(self.tls, Some(TlsSource::ShopCa(_)))
    }

    /// Whether the settings name a reverse proxy, through which other devices connect to whatever address the program
    /// listens on.
    pub fn is_proxied(&self) -> bool {
        let is_encrypted_before = self.behind_tls && self.tls.is_none();
        is_encrypted_before || self.trusted_proxies.is_named() || !self.base_path.is_empty()
    }

    /// Whether every administrator must have a second factor, if other devices can connect (`is_public`).
    pub fn demands_admin_totp(&self, is_public: bool) -> bool {
        self.admin_totp == AdminTotp::Auto && is_public
    }

    fn validate(settings: Settings) -> Result<Self, ConfigError> {
        let data = settings.data.unwrap_or_else(|| PathBuf::from("data"));
        let database = database(settings.database.as_deref(), &data)?;
        let positive = |setting, value: Option<u32>, default| match value.unwrap_or(default) {
            0 => Err(invalid(setting, "1 이상이어야 해요.")),
            value => Ok(value),
        };
        let idle = positive("session_idle_minutes", settings.session_idle_minutes, 480)?;
        let hours = |hours: u32| Duration::from_hours(hours.into());
        let tls = tls(settings.tls, settings.tls_cert, settings.tls_key, &data)?;
        Ok(Self {
            database,
            sessions: sessions(settings.sessions.as_deref())?,
            listen: listen(settings.listen.as_deref())?,
            session_idle: Duration::from_secs(u64::from(idle) * 60),
            upload_max_bytes: u64::from(positive("upload_max_mb", settings.upload_max_mb, 30)?) * 1024 * 1024,
            upload_keep_days: positive("upload_keep_days", settings.upload_keep_days, 90)?,
            admin_totp: settings.admin_totp.unwrap_or_default(),
            admin_networks: AdminNetworks::new(settings.admin_networks.unwrap_or_default()),
            access_keep_years: positive("access_keep_years", settings.access_keep_years, 2)?,
            order_keep_years: match settings.order_keep_years.unwrap_or(MIN_ORDER_KEEP_YEARS) {
                years @ MIN_ORDER_KEEP_YEARS..=MAX_ORDER_KEEP_YEARS => years,
                _ => {
                    return Err(invalid(
                        "order_keep_years",
                        "5부터 30까지 입력해 주세요. 계약의 기록은 5년 보관해야 해요.",
                    ));
                }
            },
            order_seal_days: match settings.order_seal_days.unwrap_or(DEFAULT_ORDER_SEAL_DAYS) {
                days if ORDER_SEAL_DAYS.contains(&days) => days,
                _ => return Err(invalid("order_seal_days", "30부터 1825까지 입력해 주세요.")),
            },
            proofs: proofs(settings.proofs)?,
            proof_keep_days: match settings.proof_keep_days.unwrap_or(DEFAULT_PROOF_KEEP_DAYS) {
                days @ MIN_PROOF_KEEP_DAYS..=MAX_PROOF_KEEP_DAYS => days,
                _ => return Err(invalid("proof_keep_days", "30부터 1825까지 입력해 주세요.")),
            },
            behind_tls: tls.is_some() || settings.behind_tls.unwrap_or(false),
            tls,
            base_path: base_path(settings.base_path.as_deref())?,
            trusted_proxies: TrustedProxies::new(settings.trusted_proxies.unwrap_or_default()),
            metrics_listen: settings.metrics_listen,
            drain: Duration::from_secs(settings.drain_seconds.unwrap_or(0).into()),
            shutdown: Duration::from_secs(settings.shutdown_seconds.unwrap_or(30).into()),
            backup: BackupSettings {
                targets: settings.backup.unwrap_or_default(),
                credentials: StoreCredentials::default(),
                is_unsealed: settings.backup_unsealed.unwrap_or(false),
                snapshot_every: hours(positive("backup_snapshot_hours", settings.backup_snapshot_hours, 24)?),
                verify_every: Some(hours(settings.backup_verify_hours.unwrap_or(24))).filter(|every| !every.is_zero()),
                spool_limit_bytes: u64::from(positive("backup_spool_mb", settings.backup_spool_mb, 2048)?)
                    * 1024
                    * 1024,
                retention: Retention {
                    moments: hours(settings.backup_keep_hours.unwrap_or(72)),
                    days: settings.backup_keep_days.unwrap_or(31),
                    months: settings.backup_keep_months.unwrap_or(12),
                },
            },
            log_format: settings.log_format.unwrap_or_default(),
            log_level: settings.log_level.unwrap_or_else(|| "info".to_owned()),
            demo: None,
            layers: Arc::default(),
            data,
        })
    }

    /// The default configuration for a data folder.
    ///
    /// # Errors
    /// None: the defaults are valid.
    pub fn defaults(data: &Path) -> Result<Self, ConfigError> {
        Self::validate(Settings { data: Some(data.to_owned()), ..Settings::default() })
    }
}

fn database(url: Option<&str>, data: &Path) -> Result<Database, ConfigError> {
    match url.map(|url| url.split_once(':')) {
        None => Ok(Database::of_folder(data)),
        Some(Some(("sqlite", path))) if !path.is_empty() => Ok(Database::Sqlite(PathBuf::from(path))),
        Some(Some(("mysql", _))) => {
            let address = url
                .unwrap_or_default()
                .parse()
                .map_err(|error: MariaDbAddressError| invalid("database", &error.to_string()))?;
            Ok(Database::MariaDb(address))
        }
        Some(_) => {
            Err(invalid("database", "sqlite:PATH나 mysql://아이디:비밀번호@호스트1,호스트2/이름 모양이어야 해요."))
        }
    }
}

/// The address itself is parsed where the store is opened.
fn proofs(address: Option<String>) -> Result<Option<String>, ConfigError> {
    let is_known =
        |address: &str| ["file", "s3", "gs", "az"].iter().any(|scheme| address.starts_with(&format!("{scheme}://")));
    match address {
        Some(address) if !is_known(&address) => Err(invalid(
            "proofs",
            "s3://버킷/경로, gs://버킷/경로, az://컨테이너/경로, file:///폴더 모양으로 입력해 주세요.",
        )),
        address => Ok(address),
    }
}

fn listen(address: Option<&str>) -> Result<SocketAddr, ConfigError> {
    let Some(address) = address else { return Ok(DEFAULT_LISTEN) };
    let alone = || address.parse().map(|ip: IpAddr| SocketAddr::new(ip, DEFAULT_LISTEN.port()));
    let whole = address.parse().or_else(|_| alone());
    whole.map_err(|_| invalid("listen", "0.0.0.0이나 127.0.0.1:8080 같은 주소를 입력해 주세요."))
}

fn base_path(path: Option<&str>) -> Result<String, ConfigError> {
    let path = path.unwrap_or_default().trim_end_matches('/');
    let is_valid = path.split('/').skip(1).all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    });
    if (path.is_empty() || path.starts_with('/')) && is_valid {
        Ok(path.to_owned())
    } else {
        Err(invalid(
            "base_path",
            "/oms처럼 빗금으로 시작하는 경로를 입력해 주세요. 영문자, 숫자, -, _, .을 쓸 수 있어요.",
        ))
    }
}

fn tls(
    shop_ca: Option<bool>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    data: &Path,
) -> Result<Option<TlsSource>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(TlsSource::Files { cert, key })),
        (None, None) => Ok((shop_ca == Some(true)).then(|| TlsSource::ShopCa(data.join(TLS_FOLDER)))),
        (Some(_), None) => Err(invalid("tls_key", "tls_cert와 함께 개인 키 파일도 입력해 주세요.")),
        (None, Some(_)) => Err(invalid("tls_cert", "tls_key와 함께 인증서 파일도 입력해 주세요.")),
    }
}

fn sessions(url: Option<&str>) -> Result<SessionBackend, ConfigError> {
    match url {
        None | Some("database") => Ok(SessionBackend::Database),
        Some(url) => url
            .parse()
            .map(SessionBackend::Redis)
            .map_err(|error: RedisAddressError| invalid("sessions", &error.to_string())),
    }
}

fn invalid(setting: &'static str, reason: &str) -> ConfigError {
    ConfigError::InvalidValue { setting, reason: reason.to_owned() }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

fn data_folder(given: &Settings) -> PathBuf {
    given.data.clone().unwrap_or_else(|| PathBuf::from("data"))
}

/// The settings of the file, which need not exist unless it is named.
fn settings_file(given: &Settings) -> Result<Settings, ConfigError> {
    let default = data_folder(given).join(CONFIG_FILE);
    match &given.config {
        Some(path) => read_file(path),
        None if default.exists() => read_file(&default),
        None => Ok(Settings::default()),
    }
}

fn read_file(path: &Path) -> Result<Settings, ConfigError> {
    toml::from_str(&read(path)?)
        .map_err(|error| ConfigError::InvalidFile { path: path.to_owned(), reason: error.to_string() })
}

fn secret_file(name: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<String>, ConfigError> {
    variable(name).map(|path| Ok(read(Path::new(&path))?.trim_end().to_owned())).transpose()
}

#[cfg(test)]
mod tests;
