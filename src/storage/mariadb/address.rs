//! Address of a MariaDB database: `mysql://user:password@host1[:port],host2[:port]/name[?tls=on&ca=FILE&max_lag=SECONDS]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// Largest `max_lag`, seconds; below the read timeout of a connection.
const MAX_LAG_SECONDS: u64 = 8;

const DEFAULT_PORT: u16 = 3306;

/// Hosts, database and credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct MariaDbAddress {
    /// host and port of each server; the primary is the writable one
    pub hosts: Vec<(String, u16)>,
    /// name of the database
    pub name: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) tls: TlsMode,
    /// maximum wait for a lagging replica before a read uses the primary; None: replicas are not used
    pub(super) max_lag: Option<Duration>,
}

/// Encryption of connections and authentication of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TlsMode {
    Disabled,
    Required {
        /// PEM file with the CA of the server certificate; None: the system's roots
        ca: Option<PathBuf>,
    },
}

/// Like `Display`, because the password must not be logged.
impl fmt::Debug for MariaDbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `mysql://host1:3306,host2:3306/name`, without user and password.
impl fmt::Display for MariaDbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        write!(f, "mysql://{}/{}", hosts.join(","), self.name)
    }
}

/// Why an address is invalid.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MariaDbAddressError {
    /// not of the form of an address
    #[error("mysql://아이디:비밀번호@호스트1,호스트2/이름 모양이어야 해요.")]
    Shape,
    /// not a port number
    #[error("포트는 숫자로 입력해 주세요: {0}.")]
    Port(String),
    /// `max_lag` is not a number in its range
    #[error("max_lag는 1초에서 {MAX_LAG_SECONDS}초 사이여야 해요.")]
    Lag,
    /// unknown option after `?`
    #[error("물음표 뒤의 {0} 설정을 알지 못해요. tls=on, ca=FILE, max_lag=SECONDS를 쓸 수 있어요.")]
    Option(String),
}

impl FromStr for MariaDbAddress {
    type Err = MariaDbAddressError;

    fn from_str(url: &str) -> Result<Self, MariaDbAddressError> {
        let rest = url.strip_prefix("mysql://").ok_or(MariaDbAddressError::Shape)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (credentials, location) = rest.rsplit_once('@').ok_or(MariaDbAddressError::Shape)?;
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (hosts, name) = location.split_once('/').ok_or(MariaDbAddressError::Shape)?;
        let mut address = Self {
            hosts: hosts.split(',').map(parse_host).collect::<Result<_, _>>()?,
            name: percent_decoded(name)?,
            user: percent_decoded(user)?,
            password: percent_decoded(password)?,
            tls: TlsMode::Disabled,
            max_lag: None,
        };
        if address.user.is_empty() || address.name.is_empty() {
            return Err(MariaDbAddressError::Shape);
        }
        options.split('&').filter(|option| !option.is_empty()).try_for_each(|option| address.set_option(option))?;
        Ok(address)
    }
}

impl MariaDbAddress {
    fn set_option(&mut self, option: &str) -> Result<(), MariaDbAddressError> {
        let unknown = || MariaDbAddressError::Option(option.to_owned());
        match option.split_once('=').ok_or_else(unknown)? {
            ("tls", "on") if self.tls == TlsMode::Disabled => self.tls = TlsMode::Required { ca: None },
            ("tls", "on") => {}
            ("ca", file) => self.tls = TlsMode::Required { ca: Some(percent_decoded(file)?.into()) },
            ("max_lag", seconds) => {
                let seconds = seconds.parse().ok().filter(|seconds| (1..=MAX_LAG_SECONDS).contains(seconds));
                self.max_lag = Some(Duration::from_secs(seconds.ok_or(MariaDbAddressError::Lag)?));
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

fn percent_decoded(text: &str) -> Result<String, MariaDbAddressError> {
    percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| MariaDbAddressError::Shape)
}

/// Parses `host`, `host:port` or `[::1]:port`.
fn parse_host(text: &str) -> Result<(String, u16), MariaDbAddressError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| MariaDbAddressError::Port(port.to_owned()))?)
        }
        _ => (text, DEFAULT_PORT),
    };
    if host.is_empty() { Err(MariaDbAddressError::Shape) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_hosts_database_credentials_and_options() {
        let address: MariaDbAddress =
            "mysql://shop:p%40ss:word@db1,db2:3307,[::1]:3308/orders?ca=%2Fetc%2Fca.pem&max_lag=5"
                .parse()
                .expect("an address");
        let hosts = [("db1", 3306), ("db2", 3307), ("[::1]", 3308)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(address.hosts, hosts);
        assert_eq!((address.user.as_str(), address.password.as_str()), ("shop", "p@ss:word"));
        assert_eq!(address.tls, TlsMode::Required { ca: Some("/etc/ca.pem".into()) });
        assert_eq!(address.max_lag, Some(Duration::from_secs(5)));
    }

    #[test]
    fn password_is_never_displayed() {
        let address: MariaDbAddress = "mysql://shop:secret@db1/orders".parse().expect("an address");
        assert_eq!(format!("{address:?} {address}"), "mysql://db1:3306/orders mysql://db1:3306/orders");
    }

    #[test]
    fn invalid_address_is_rejected_with_the_reason() {
        for url in
            ["mysql://db/orders", "mysql://me@db", "mysql://me@/orders", "mysql://@db/orders", "mariadb://me@db/x"]
        {
            assert_eq!(url.parse::<MariaDbAddress>(), Err(MariaDbAddressError::Shape), "{url}");
        }
        assert_eq!("mysql://me@db:x/orders".parse::<MariaDbAddress>(), Err(MariaDbAddressError::Port("x".to_owned())));
        for lag in ["0", "9", "soon"] {
            assert_eq!(
                format!("mysql://me@db/o?max_lag={lag}").parse::<MariaDbAddress>(),
                Err(MariaDbAddressError::Lag),
                "{lag}"
            );
        }
        assert_eq!(
            "mysql://me@db/o?tsl=on".parse::<MariaDbAddress>(),
            Err(MariaDbAddressError::Option("tsl=on".to_owned()))
        );
    }
}
