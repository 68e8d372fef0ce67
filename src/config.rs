//! Settings: flags, then `MUKKEUM_…` variables, then `mukkeum.toml`.
//!
//! [`Settings`] declares each of them once: the words there are what `--help` prints, the flag is
//! `--listen`, the variable `MUKKEUM_LISTEN`, the line in the file `listen = …`. A flag goes before
//! a variable and a variable before the file. What is left is checked once and becomes a
//! [`Config`], which the rest of the program trusts.

mod settings;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::settings::{LogFormat, Settings};
use crate::server::tls::Source;
use crate::sessions::{Place, RedisAddressError};
use crate::storage::{MariaDbAddress, MariaDbAddressError};
use crate::{backup, demo};

/// Where requests are accepted when `--listen` names nothing, and the port when it names only an address.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The folder of the certificate that is made at the first start, in the data folder.
const TLS_NAME: &str = "tls";

/// The file of settings, looked for in the data folder when `--config` names none.
const FILE_NAME: &str = "mukkeum.toml";

/// The database's file, in the data folder when `--database` names none.
const DATABASE_NAME: &str = "mukkeum.db";

/// Why the settings cannot be used; said to the person who typed them.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file of settings or of a secret cannot be read.
    #[error("{path} 파일을 읽지 못했어요: {reason}")]
    Unreadable {
        /// the file
        path: PathBuf,
        /// what the system said
        reason: String,
    },
    /// The file holds something that is not a setting, or a value of the wrong kind.
    #[error("{path} 파일의 설정이 올바르지 않아요.\n{reason}")]
    Invalid {
        /// the file
        path: PathBuf,
        /// what and where
        reason: String,
    },
    /// A value that no part of the program can use.
    #[error("{setting} 설정 값을 쓸 수 없어요: {reason}")]
    Refused {
        /// the setting's name
        setting: &'static str,
        /// why
        reason: String,
    },
}

impl Database {
    /// The one of a data folder that no other was named for.
    pub fn of_folder(data: &Path) -> Self {
        Self::Sqlite(data.join(DATABASE_NAME))
    }
}

/// Which engine holds the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// the file of SQLite
    Sqlite(PathBuf),
    /// the servers of MariaDB
    MariaDb(MariaDbAddress),
}

/// The settings, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// the folder of everything the program keeps
    pub data: PathBuf,
    /// which engine holds the data
    pub database: Database,
    /// where it is kept who is signed in
    pub sessions: Place,
    /// where requests are accepted
    pub listen: SocketAddr,
    /// whose certificate the program shows to browsers; None: it speaks no TLS itself
    pub tls: Option<Source>,
    /// how long a session lasts without a request
    pub session_idle: Duration,
    /// largest uploaded file, bytes
    pub upload_max_bytes: u64,
    /// how long the original of an upload is kept
    pub upload_keep_days: u32,
    /// whether browsers reach the program through HTTPS, its own or a proxy's
    pub behind_tls: bool,
    /// peers whose X-Forwarded-For is believed
    pub trusted_proxies: Vec<IpAddr>,
    /// where metrics are served; None: with the pages
    pub metrics_listen: Option<SocketAddr>,
    /// how long requests are still accepted after the signal to stop
    pub drain: Duration,
    /// how long running requests may take to finish when stopping
    pub shutdown: Duration,
    /// where copies of the data go, and how; without a target there are none
    pub backup: backup::Plan,
    /// how log lines are written
    pub log_format: LogFormat,
    /// which log lines are written, as `tracing` filters write it
    pub log_level: String,
    /// a training shop, from which nothing may leave; None: a real one. Only `mukkeum demo` sets it.
    pub demo: Option<demo::DemoPlan>,
}

impl Config {
    /// Completes what flags and variables gave with the file and the defaults, and checks it.
    /// `variable` reads the environment, for the `…_FILE` variables of secrets.
    ///
    /// # Errors
    /// A [`ConfigError`] that says which setting or file and why.
    pub fn load(given: Settings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = given.or(Settings {
            database: secret_file("MUKKEUM_DATABASE_FILE", &variable)?,
            sessions: secret_file("MUKKEUM_SESSIONS_FILE", &variable)?,
            ..Settings::default()
        });
        let data = given.data.clone().unwrap_or_else(|| PathBuf::from("data"));
        let file = match &given.config {
            Some(path) => read_file(path)?,
            None if data.join(FILE_NAME).exists() => read_file(&data.join(FILE_NAME))?,
            None => Settings::default(),
        };
        Self::check(given.or(file))
    }

    /// Where a restored shop waits until the program begins with it.
    pub fn restored(&self) -> Option<PathBuf> {
        match &self.database {
            Database::Sqlite(path) => Some(path.with_added_extension("restored")),
            Database::MariaDb(_) => None,
        }
    }

    /// Whether the data is copied away. Of a training shop nothing is, and MariaDB has replicas and
    /// tools of its own.
    pub fn is_backed_up(&self) -> bool {
        !self.backup.targets.is_empty() && self.demo.is_none() && matches!(self.database, Database::Sqlite(_))
    }

    /// Whether browsers are shown a certificate that nobody vouches for. One day there may be none any
    /// more, and a browser must not have been told to insist on HTTPS.
    pub fn is_self_signed(&self) -> bool {
        matches!(self.tls, Some(Source::Made(_)))
    }

    fn check(settings: Settings) -> Result<Self, ConfigError> {
        let data = settings.data.unwrap_or_else(|| PathBuf::from("data"));
        let database = database(settings.database.as_deref(), &data)?;
        let positive = |setting, value: Option<u32>, default| match value.unwrap_or(default) {
            0 => Err(refused(setting, "1 이상이어야 해요.")),
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
            behind_tls: tls.is_some() || settings.behind_tls.unwrap_or(false),
            tls,
            trusted_proxies: settings.trusted_proxies.unwrap_or_default(),
            metrics_listen: settings.metrics_listen,
            drain: Duration::from_secs(settings.drain_seconds.unwrap_or(0).into()),
            shutdown: Duration::from_secs(settings.shutdown_seconds.unwrap_or(30).into()),
            backup: backup::Plan {
                targets: settings.backup.unwrap_or_default(),
                snapshot_every: hours(positive("backup_snapshot_hours", settings.backup_snapshot_hours, 24)?),
                verify_every: Some(hours(settings.backup_verify_hours.unwrap_or(24))).filter(|every| !every.is_zero()),
                queue_bytes: u64::from(positive("backup_queue_mb", settings.backup_queue_mb, 2048)?) * 1024 * 1024,
                keep: backup::Keep {
                    moments: hours(settings.backup_keep_hours.unwrap_or(72)),
                    days: settings.backup_keep_days.unwrap_or(31),
                    months: settings.backup_keep_months.unwrap_or(12),
                },
            },
            log_format: settings.log_format.unwrap_or_default(),
            log_level: settings.log_level.unwrap_or_else(|| "info".to_owned()),
            demo: None,
            data,
        })
    }

    /// All defaults, with the data in `data`.
    ///
    /// # Errors
    /// None that a default could cause.
    pub fn defaults(data: &Path) -> Result<Self, ConfigError> {
        Self::check(Settings { data: Some(data.to_owned()), ..Settings::default() })
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
                .map_err(|error: MariaDbAddressError| refused("database", &error.to_string()))?;
            Ok(Database::MariaDb(address))
        }
        Some(_) => {
            Err(refused("database", "sqlite:PATH나 mysql://아이디:비밀번호@호스트1,호스트2/이름 모양이어야 해요."))
        }
    }
}

fn listen(address: Option<&str>) -> Result<SocketAddr, ConfigError> {
    let Some(address) = address else { return Ok(LISTEN) };
    let alone = || address.parse().map(|ip: IpAddr| SocketAddr::new(ip, LISTEN.port()));
    let whole = address.parse().or_else(|_| alone());
    whole.map_err(|_| refused("listen", "0.0.0.0이나 127.0.0.1:8080 같은 주소를 적어 주세요."))
}

fn tls(
    made: Option<bool>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    data: &Path,
) -> Result<Option<Source>, ConfigError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(Source::Given { cert, key })),
        (None, None) => Ok((made == Some(true)).then(|| Source::Made(data.join(TLS_NAME)))),
        (Some(_), None) => Err(refused("tls_key", "tls_cert와 함께 개인 키 파일도 적어 주세요.")),
        (None, Some(_)) => Err(refused("tls_cert", "tls_key와 함께 인증서 파일도 적어 주세요.")),
    }
}

fn sessions(url: Option<&str>) -> Result<Place, ConfigError> {
    match url {
        None | Some("database") => Ok(Place::Database),
        Some(url) => {
            url.parse().map(Place::Redis).map_err(|error: RedisAddressError| refused("sessions", &error.to_string()))
        }
    }
}

fn refused(setting: &'static str, reason: &str) -> ConfigError {
    ConfigError::Refused { setting, reason: reason.to_owned() }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

fn read_file(path: &Path) -> Result<Settings, ConfigError> {
    toml::from_str(&read(path)?)
        .map_err(|error| ConfigError::Invalid { path: path.to_owned(), reason: error.to_string() })
}

fn secret_file(name: &str, variable: &impl Fn(&str) -> Option<String>) -> Result<Option<String>, ConfigError> {
    variable(name).map(|path| Ok(read(Path::new(&path))?.trim_end().to_owned())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn what_was_given_goes_before_the_file_and_the_file_before_the_default() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE_NAME), "listen = '0.0.0.0:1'\nupload_max_mb = 7\n").expect("writes");
        let given = Settings {
            data: Some(folder.path().to_owned()),
            listen: Some("127.0.0.1:2".to_owned()),
            ..Settings::default()
        };
        let config = Config::load(given, none).expect("is right");
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.upload_max_bytes, 7 * 1024 * 1024);
        assert_eq!(config.upload_keep_days, 90);
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE_NAME), "lisen = '0.0.0.0:1'\n").expect("writes");
        let given = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let refused = Config::load(given, none).expect_err("a typing mistake");
        assert!(refused.to_string().contains("lisen"), "{refused}");
    }

    #[test]
    fn an_address_needs_no_port_and_a_certificate_needs_its_key() {
        let check = |settings: Settings| Config::check(settings).map_err(|error| error.to_string());
        let listen = |address: &str| check(Settings { listen: Some(address.to_owned()), ..Settings::default() });
        assert_eq!(listen("0.0.0.0").expect("is right").listen, SocketAddr::from(([0, 0, 0, 0], 8080)));
        assert_eq!(listen("[::]:81").expect("is right").listen.port(), 81);
        assert!(listen("가게").expect_err("no address").contains("listen"));

        let made = check(Settings { tls: Some(true), ..Settings::default() }).expect("is right");
        assert!(made.behind_tls && made.is_self_signed());
        let (cert, key) = (PathBuf::from("cert"), PathBuf::from("key"));
        let own = Settings { tls_cert: Some(cert.clone()), tls_key: Some(key.clone()), ..Settings::default() };
        let own = check(own).expect("is right");
        assert!(own.behind_tls && !own.is_self_signed() && own.tls == Some(Source::Given { cert: cert.clone(), key }));
        let half = check(Settings { tls_cert: Some(cert), ..Settings::default() });
        assert!(half.expect_err("no key").contains("tls_key"));
    }

    #[test]
    fn a_secret_may_come_from_a_file_of_its_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("secret");
        std::fs::write(&secret, "sqlite:/elsewhere.db\n").expect("writes");
        let variable = |name: &str| (name == "MUKKEUM_DATABASE_FILE").then(|| secret.display().to_string());
        let config = Config::load(Settings::default(), variable).expect("is right");
        assert_eq!(config.database, Database::Sqlite(PathBuf::from("/elsewhere.db")));
    }

    #[test]
    fn what_is_wrong_with_a_database_is_said_without_its_password() {
        let given = |url: &str| Settings { database: Some(url.to_owned()), ..Settings::default() };
        let config = Config::load(given("mysql://user:secret@db1,db2/name"), none).expect("is right");
        assert!(!format!("{config:?}").contains("secret"));
        let refused = Config::load(given("mysql://user:secret@host/name?tsl=on"), none).expect_err("a typing mistake");
        let refused = refused.to_string();
        assert!(refused.contains("tsl=on") && !refused.contains("secret"), "{refused}");
    }
}
