//! The address of Redis: one server, or a primary behind Sentinel.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// A parsed URL: `redis[s]://[user:password@]host[:port][/db]`, or
/// `redis[s]-sentinel://[user:password@]host1[:port],host2[:port]/name[?…]`.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// host and port of Redis itself, or of each Sentinel
    pub hosts: Vec<(String, u16)>,
    /// name of the primary at the Sentinels; None: a single server without Sentinel
    pub sentinel_service: Option<String>,
    /// ACL user
    pub user: Option<String>,
    /// password of Redis
    pub password: Option<String>,
    /// password of the Sentinels
    pub sentinel_password: Option<String>,
    /// number of the database
    pub db: i64,
    /// whether connections are encrypted
    pub tls: bool,
    /// file of CA certificates (PEM); None: the public web roots
    pub ca_file: Option<PathBuf>,
}

/// Without passwords.
impl fmt::Debug for RedisAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis at {:?}", self.hosts)
    }
}

/// The URL is no valid address of Redis.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "redis://:비밀번호@호스트 또는 redis-sentinel://:비밀번호@호스트1,호스트2,호스트3/이름 모양이어야 해요. \
     TLS는 rediss, 물음표 뒤에는 db, ca, sentinel_password를 쓸 수 있어요."
)]
pub struct RedisAddressError;

impl FromStr for RedisAddress {
    type Err = RedisAddressError;

    fn from_str(url: &str) -> Result<Self, RedisAddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(RedisAddressError)?;
        let (scheme, is_sentinel) = scheme.strip_suffix("-sentinel").map_or((scheme, false), |scheme| (scheme, true));
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (login, location) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (hosts, path) = location.split_once('/').unwrap_or((location, ""));
        let port = if is_sentinel { 26_379 } else { 6_379 };
        let mut address = Self {
            hosts: hosts.split(',').map(|text| host(text, port)).collect::<Result<_, _>>()?,
            sentinel_service: is_sentinel.then(|| path.to_owned()),
            user: decoded(user)?,
            password: decoded(password)?,
            sentinel_password: None,
            db: if is_sentinel || path.is_empty() { 0 } else { path.parse().map_err(|_| RedisAddressError)? },
            tls: match scheme {
                "redis" => false,
                "rediss" => true,
                _ => return Err(RedisAddressError),
            },
            ca_file: None,
        };
        if address.sentinel_service.as_ref().is_some_and(String::is_empty) || (!is_sentinel && address.hosts.len() > 1)
        {
            return Err(RedisAddressError);
        }
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=').ok_or(RedisAddressError)? {
                ("db", number) => address.db = number.parse().map_err(|_| RedisAddressError)?,
                ("ca", file) => address.ca_file = decoded(file)?.map(PathBuf::from),
                ("sentinel_password", password) => address.sentinel_password = decoded(password)?,
                _ => return Err(RedisAddressError),
            }
        }
        // A CA file without TLS would give a false sense of security.
        if address.ca_file.is_some() && !address.tls {
            return Err(RedisAddressError);
        }
        Ok(address)
    }
}

fn decoded(text: &str) -> Result<Option<String>, RedisAddressError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| RedisAddressError)?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

fn host(text: &str, port: u16) -> Result<(String, u16), RedisAddressError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| RedisAddressError)?),
        _ => (text, port),
    };
    if host.is_empty() { Err(RedisAddressError) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_redis_and_sentinels_are_parsed() {
        let one: RedisAddress = "rediss://:p%40ss@cache/2?ca=/etc/ca.pem".parse().expect("an address");
        assert_eq!((one.hosts, one.db, one.tls), (vec![("cache".to_owned(), 6_379)], 2, true));
        assert_eq!(one.password.as_deref(), Some("p@ss"));
        let many: RedisAddress = "redis-sentinel://a,b:1,c/sess?db=1&sentinel_password=s".parse().expect("an address");
        let hosts = [("a", 26_379), ("b", 1), ("c", 26_379)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!((many.hosts, many.sentinel_service.as_deref(), many.db), (hosts.to_vec(), Some("sess"), 1));
        for url in [
            "redis://",
            "redis://a,b",
            "redis-sentinel://a,b",
            "memcached://a",
            "redis://a?x=1",
            "redis://a?ca=b",
            "redis://a/x",
        ] {
            assert_eq!(url.parse::<RedisAddress>(), Err(RedisAddressError), "{url}");
        }
    }
}
