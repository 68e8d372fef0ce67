//! The session store over Redis, alone or behind Sentinel, for several nodes.
//!
//! The rules are those of the database's store: `create` never writes over a session that exists
//! (`SET … NX`), `save` never brings back one that was deleted (`SET … XX`), and Redis itself drops
//! what has expired. Redis replicates after it has answered, so a failover may lose the newest
//! change or bring back an older state; neither lets anybody in whom the database keeps out.
//!
//! Behind Sentinel the primary is asked for anew whenever a connection is lost. A request that meets
//! a failover waits for its end, up to [`DEADLINE`].

mod address;
mod examine;

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use redis::aio::MultiplexedConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, FromRedisValue, RedisError, TlsCertificates, TlsMode};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::{Duration as Span, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

pub use self::address::{Address, AddressError};
use crate::time::Clock;

/// How long one operation is tried: Sentinel needs two to five seconds to promote a replica.
const DEADLINE: Duration = Duration::from_secs(6);

/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(1);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

const PREFIX: &str = "mukkeum:session:";

/// Sessions in Redis; cheap to clone.
#[derive(Clone)]
pub struct RedisStore {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    idle: Duration,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

struct Shared {
    line: Mutex<Line>,
}

/// The way to the primary and the connection that is open.
struct Line {
    way: Way,
    open: Option<MultiplexedConnection>,
    /// raised with each connection, so that one that failed is given up once
    number: u64,
}

enum Way {
    Direct(Box<Client>),
    Watched(Box<SentinelClient>),
}

impl RedisStore {
    /// A store whose sessions expire when they were not saved for `idle`. Nothing is asked yet.
    ///
    /// # Errors
    /// A file of certificates cannot be read or used.
    pub fn new(address: &Address, idle: Duration, clock: Arc<dyn Clock>) -> Result<Self> {
        let way = way(address)?;
        let line = Mutex::new(Line { way, open: None, number: 0 });
        // A minute of grace: a session notes that it was seen at most once a minute.
        Ok(Self { shared: Arc::new(Shared { line }), clock, idle: idle + Duration::from_mins(1) })
    }

    /// Whether Redis answers now.
    ///
    /// # Errors
    /// It does not.
    pub async fn ping(&self) -> Result<()> {
        let until = Instant::now() + ANSWER;
        self.shared.attempt(&redis::cmd("PING"), until).await.map_err(|(_, error)| error)
    }

    fn set(&self, record: &Record, condition: &str) -> Result<Cmd> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let mut command = redis::cmd("SET");
        command.arg(key(&record.id)).arg(data).arg(condition).arg("EX").arg(self.idle.as_secs());
        Ok(command)
    }
}

fn key(id: &Id) -> String {
    format!("{PREFIX}{id}")
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let mut made = self.set(record, "NX")?;
            // The session that is found may be this very one, when an answer was lost.
            let found: Option<String> = self.shared.run(made.arg("GET")).await?;
            let data: Option<serde_json::Value> = found.and_then(|found| serde_json::from_str(&found).ok());
            match data {
                None => return Ok(()),
                Some(data)
                    if serde_json::to_value(&record.data).is_ok_and(|own| own == data) && !record.data.is_empty() =>
                {
                    return Ok(());
                }
                Some(_) => record.id = Id::default(),
            }
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let command = self.set(record, "XX")?;
        self.shared.run::<Option<String>>(&command).await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(data) = self.shared.run::<Option<String>>(redis::cmd("GET").arg(key(id))).await? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::UNIX_EPOCH + Span::milliseconds(self.clock.now().0) + self.idle;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.shared.run::<i64>(redis::cmd("DEL").arg(key(id))).await.map(drop)
    }
}

impl Shared {
    /// Runs a command that may be run twice, on the primary that there is, up to the deadline.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.attempt(command, until.min(Instant::now() + ANSWER * 2)).await {
                Ok(answer) => return Ok(answer),
                Err((false, error)) => return Err(error),
                Err((true, error)) if Instant::now() + PAUSE >= until => return Err(error),
                Err((true, error)) => {
                    tracing::debug!(%error, "Redis is tried again");
                    metrics::counter!("mukkeum_sessions_retries_total").increment(1);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// One attempt; an error comes with whether another may help.
    async fn attempt<T: FromRedisValue>(&self, command: &Cmd, until: Instant) -> std::result::Result<T, (bool, Error)> {
        let silent = || (true, Error::Backend("Redis does not answer".to_owned()));
        let (mut connection, number) = match timeout_at(until, self.connection()).await {
            Ok(connection) => connection.map_err(|error| (!is_refused_by_tls(&error), backend(&error)))?,
            Err(_) => return Err(silent()),
        };
        let error = match timeout_at(until, command.query_async(&mut connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => (is_of_the_server(&error), backend(&error)),
            Err(_) => silent(),
        };
        if error.0 {
            self.give_up(number).await;
        }
        Err(error)
    }

    async fn connection(&self) -> redis::RedisResult<(MultiplexedConnection, u64)> {
        let mut line = self.line.lock().await;
        if let Some(connection) = &line.open {
            return Ok((connection.clone(), line.number));
        }
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(Some(ANSWER)).set_response_timeout(Some(ANSWER));
        let connection = match &mut line.way {
            Way::Direct(client) => client.get_multiplexed_async_connection_with_config(&config).await?,
            Way::Watched(client) => client.get_async_connection_with_config(&config).await?,
        };
        line.number += 1;
        line.open = Some(connection.clone());
        Ok((connection, line.number))
    }

    async fn give_up(&self, number: u64) {
        let mut line = self.line.lock().await;
        if line.number == number {
            line.open = None;
        }
    }
}

/// Lost, starting, read-only, without replicas: another connection may be better. A command that
/// Redis refuses otherwise it will refuse again.
fn is_of_the_server(error: &RedisError) -> bool {
    let passing = ["READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "BUSY"];
    (error.is_io_error() && !is_refused_by_tls(error))
        || error.is_connection_dropped()
        || error.is_timeout()
        || error.code().is_some_and(|code| passing.contains(&code))
}

/// A certificate that is not good: waiting mends none.
fn is_refused_by_tls(error: &RedisError) -> bool {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>())
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

fn backend(error: &RedisError) -> Error {
    Error::Backend(if is_refused_by_tls(error) {
        format!(
            "인증서를 믿을 수 없어요 ({error}). ca=FILE이 그 인증서를 만든 기관의 것인지, 인증서에 이 주소가 적혀 \
             있고 기한이 남았는지 확인하세요."
        )
    } else {
        error.to_string()
    })
}

fn way(address: &Address) -> Result<Way> {
    let certificates = address.authority.as_deref().map(certificates).transpose()?;
    let built = match &address.watched {
        Some(name) => watched(address, name, certificates).map(|client| Way::Watched(Box::new(client))),
        None => direct(address, certificates).map(|client| Way::Direct(Box::new(client))),
    };
    built.map_err(|error| backend(&error))
}

fn certificates(file: &Path) -> Result<TlsCertificates> {
    let root_cert = std::fs::read(file).map_err(|error| Error::Backend(format!("{}: {error}", file.display())))?;
    Ok(TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
}

fn at(address: &Address) -> impl Iterator<Item = ConnectionAddr> {
    let tls = address.tls;
    address.hosts.iter().cloned().map(move |(host, port)| {
        if tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    })
}

fn direct(address: &Address, certificates: Option<TlsCertificates>) -> redis::RedisResult<Client> {
    use redis::IntoConnectionInfo;
    let mut login = redis::RedisConnectionInfo::default().set_db(address.db);
    if let Some(user) = &address.user {
        login = login.set_username(user);
    }
    if let Some(password) = &address.password {
        login = login.set_password(password);
    }
    let info = at(address)
        .next()
        .ok_or((redis::ErrorKind::InvalidClientConfig, "no host"))?
        .into_connection_info()?
        .set_redis_settings(login);
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

fn watched(address: &Address, name: &str, certificates: Option<TlsCertificates>) -> redis::RedisResult<SentinelClient> {
    let mut builder =
        SentinelClientBuilder::new(at(address), name, SentinelServerType::Master)?.set_client_to_redis_db(address.db);
    if address.tls {
        builder =
            builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(user) = &address.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = &address.password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(password) = &address.sentinel_password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use reqwest::header::COOKIE;
    use tower_sessions::session::Id;

    use crate::sessions::{self, Place};
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn without_redis_a_signed_in_page_says_so_and_the_program_is_not_ready() {
        let nobody = "redis://127.0.0.1:1".parse().expect("an address");
        let app = TestApp::start_with(|config| config.sessions = Place::Redis(nobody), Routes::new()).await;
        let ready = app.get("/health/ready").await;
        assert_eq!((ready.status, ready.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "sessions\n"));
        let cookie = format!("{}={}", sessions::COOKIE, Id::default());
        let page = app.send(app.browser.get(app.url("/orders")).header(COOKIE, cookie)).await;
        assert_eq!((page.status, page.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
        assert!(page.text.contains("지금은 답하지 못해요") && !page.text.contains("127.0.0.1"), "{}", page.text);
    }
}
