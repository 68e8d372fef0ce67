//! Where MariaDB is: `mysql://user:password@host1[:port],host2[:port]/name[?tls=on&ca=FILE&max_lag=SECONDS]`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;

/// The longest `max_lag`, seconds: shorter than a server may be silent.
const MAX_LAG: u64 = 8;

/// MariaDB's port.
const PORT: u16 = 3306;

/// The hosts of one database, and how to get in.
#[derive(Clone, PartialEq, Eq)]
pub struct MariaDbAddress {
    /// host and port of each server, the primary being whichever is writable
    pub hosts: Vec<(String, u16)>,
    /// the database
    pub name: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) tls: Tls,
    /// how far behind the primary a replica may be that heavy reads go to, as they wait for it so
    /// long; None: they go to the primary
    pub(super) max_lag: Option<Duration>,
}

/// Whether the line is encrypted and the server proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Tls {
    Off,
    /// the certificate is checked against this file, or the roots of the web
    On {
        authority: Option<PathBuf>,
    },
}

/// Without the password.
impl fmt::Debug for MariaDbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `mysql://host1:3306,host2:3306/name`: for people, without user and password.
impl fmt::Display for MariaDbAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        write!(f, "mysql://{}/{}", hosts.join(","), self.name)
    }
}

/// What is wrong with an address, for the person who typed it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MariaDbAddressError {
    /// not an address at all
    #[error("mysql://아이디:비밀번호@호스트1,호스트2/이름 모양이어야 해요.")]
    Shape,
    /// a port that is none
    #[error("포트는 숫자로 적어 주세요: {0}.")]
    Port(String),
    /// a bound on lag that is none, or longer than an answer is waited for
    #[error("max_lag는 1초에서 {MAX_LAG}초 사이여야 해요.")]
    Lag,
    /// a word behind `?` that means nothing
    #[error("물음표 뒤의 {0} 설정을 알지 못해요. tls=on, ca=FILE, max_lag=SECONDS를 쓸 수 있어요.")]
    Option(String),
}

impl FromStr for MariaDbAddress {
    type Err = MariaDbAddressError;

    fn from_str(url: &str) -> Result<Self, MariaDbAddressError> {
        let rest = url.strip_prefix("mysql://").ok_or(MariaDbAddressError::Shape)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (who, place) = rest.rsplit_once('@').ok_or(MariaDbAddressError::Shape)?;
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (hosts, name) = place.split_once('/').ok_or(MariaDbAddressError::Shape)?;
        let mut address = Self {
            hosts: hosts.split(',').map(host).collect::<Result<_, _>>()?,
            name: decoded(name)?,
            user: decoded(user)?,
            password: decoded(password)?,
            tls: Tls::Off,
            max_lag: None,
        };
        if address.user.is_empty() || address.name.is_empty() {
            return Err(MariaDbAddressError::Shape);
        }
        options.split('&').filter(|option| !option.is_empty()).try_for_each(|option| address.option(option))?;
        Ok(address)
    }
}

impl MariaDbAddress {
    fn option(&mut self, option: &str) -> Result<(), MariaDbAddressError> {
        let unknown = || MariaDbAddressError::Option(option.to_owned());
        match option.split_once('=').ok_or_else(unknown)? {
            ("tls", "on") if self.tls == Tls::Off => self.tls = Tls::On { authority: None },
            ("tls", "on") => {}
            ("ca", file) => self.tls = Tls::On { authority: Some(decoded(file)?.into()) },
            ("max_lag", seconds) => {
                let seconds = seconds.parse().ok().filter(|seconds| (1..=MAX_LAG).contains(seconds));
                self.max_lag = Some(Duration::from_secs(seconds.ok_or(MariaDbAddressError::Lag)?));
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Result<String, MariaDbAddressError> {
    percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| MariaDbAddressError::Shape)
}

/// `host`, `host:port`, `[::1]:port`.
fn host(text: &str) -> Result<(String, u16), MariaDbAddressError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| MariaDbAddressError::Port(port.to_owned()))?)
        }
        _ => (text, PORT),
    };
    if host.is_empty() { Err(MariaDbAddressError::Shape) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_hosts_database_and_the_way_in() {
        let address: MariaDbAddress =
            "mysql://shop:p%40ss:word@db1,db2:3307,[::1]:3308/orders?ca=%2Fetc%2Fca.pem&max_lag=5"
                .parse()
                .expect("an address");
        let hosts = [("db1", 3306), ("db2", 3307), ("[::1]", 3308)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(address.hosts, hosts);
        assert_eq!((address.user.as_str(), address.password.as_str()), ("shop", "p@ss:word"));
        assert_eq!(address.tls, Tls::On { authority: Some("/etc/ca.pem".into()) });
        assert_eq!(address.max_lag, Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_password_is_never_shown() {
        let address: MariaDbAddress = "mysql://shop:secret@db1/orders".parse().expect("an address");
        assert_eq!(format!("{address:?} {address}"), "mysql://db1:3306/orders mysql://db1:3306/orders");
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_wrong() {
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
