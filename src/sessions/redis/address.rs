//! Where Redis is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

/// `redis[s]://[user:password@]host[:port][/db]`, or
/// `redis[s]-sentinel://[user:password@]host1[:port],host2[:port]/name[?…]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(super) hosts: Vec<(String, u16)>,
    /// what the Sentinels call the primary; None: there are none, the host is Redis itself
    pub(super) watched: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) sentinel_password: Option<String>,
    pub(super) db: i64,
    pub(super) tls: bool,
    /// the file that certificates are checked against; None: the roots of the web
    pub(super) authority: Option<PathBuf>,
}

/// Without the passwords.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis at {:?}", self.hosts)
    }
}

/// What is wrong with an address, for the person who typed it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "redis://:비밀번호@호스트 또는 redis-sentinel://:비밀번호@호스트1,호스트2,호스트3/이름 모양이어야 해요. \
     TLS는 rediss, 물음표 뒤에는 db, ca, sentinel_password를 쓸 수 있어요."
)]
pub struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = url.split_once("://").ok_or(AddressError)?;
        let (scheme, is_watched) = scheme.strip_suffix("-sentinel").map_or((scheme, false), |scheme| (scheme, true));
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (who, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
        let port = if is_watched { 26_379 } else { 6_379 };
        let mut address = Self {
            hosts: hosts.split(',').map(|text| host(text, port)).collect::<Result<_, _>>()?,
            watched: is_watched.then(|| path.to_owned()),
            user: decoded(user)?,
            password: decoded(password)?,
            sentinel_password: None,
            db: if is_watched || path.is_empty() { 0 } else { path.parse().map_err(|_| AddressError)? },
            tls: match scheme {
                "redis" => false,
                "rediss" => true,
                _ => return Err(AddressError),
            },
            authority: None,
        };
        if address.watched.as_ref().is_some_and(String::is_empty) || (!is_watched && address.hosts.len() > 1) {
            return Err(AddressError);
        }
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=').ok_or(AddressError)? {
                ("db", number) => address.db = number.parse().map_err(|_| AddressError)?,
                ("ca", file) => address.authority = decoded(file)?.map(PathBuf::from),
                ("sentinel_password", password) => address.sentinel_password = decoded(password)?,
                _ => return Err(AddressError),
            }
        }
        // Whoever names an authority believes that the line is encrypted.
        if address.authority.is_some() && !address.tls {
            return Err(AddressError);
        }
        Ok(address)
    }
}

fn decoded(text: &str) -> Result<Option<String>, AddressError> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| AddressError)?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

fn host(text: &str, port: u16) -> Result<(String, u16), AddressError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| AddressError)?),
        _ => (text, port),
    };
    if host.is_empty() { Err(AddressError) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_redis_or_its_sentinels() {
        let one: Address = "rediss://:p%40ss@cache/2?ca=/etc/ca.pem".parse().expect("an address");
        assert_eq!((one.hosts, one.db, one.tls), (vec![("cache".to_owned(), 6_379)], 2, true));
        assert_eq!(one.password.as_deref(), Some("p@ss"));
        let many: Address = "redis-sentinel://a,b:1,c/sess?db=1&sentinel_password=s".parse().expect("an address");
        let hosts = [("a", 26_379), ("b", 1), ("c", 26_379)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!((many.hosts, many.watched.as_deref(), many.db), (hosts.to_vec(), Some("sess"), 1));
        for url in [
            "redis://",
            "redis://a,b",
            "redis-sentinel://a,b",
            "memcached://a",
            "redis://a?x=1",
            "redis://a?ca=b",
            "redis://a/x",
        ] {
            assert_eq!(url.parse::<Address>(), Err(AddressError), "{url}");
        }
    }
}
