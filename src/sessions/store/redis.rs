//! The session store in Redis, standalone or behind Sentinel, shared by several nodes.
//!
//! Invariants as in the database store: `create` never overwrites an existing session (`SET … NX`), `save`
//! never restores a deleted one (`SET … XX`), and Redis deletes expired ones. Replication in Redis is
//! asynchronous, so a failover may lose the newest write or restore an older state; this is safe, because
//! the database decides whether a member may log in.
//!
//! With Sentinel, the primary is resolved again whenever a connection is lost. A request during a
//! failover retries until the failover is over, for up to [`RETRY_TIMEOUT`].

mod diagnostics;

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

use super::storage_key;
use crate::config::RedisAddress;
use crate::sessions::LAST_SEEN_INTERVAL;
use crate::time::Clock;

/// Timeout of an operation including retries: Sentinel takes two to five seconds to promote a replica.
const RETRY_TIMEOUT: Duration = Duration::from_secs(6);

/// Timeout of one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Delay between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Prefix of all keys.
const KEY_PREFIX: &str = "mukkeum:session:";

/// The session store in Redis; cheap to clone.
#[derive(Clone)]
pub struct RedisStore {
    client: Arc<RetryingClient>,
    clock: Arc<dyn Clock>,
    idle: Duration,
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

/// Runs commands on the primary, reconnecting and retrying as needed.
struct RetryingClient {
    connection: Mutex<Connection>,
}

/// The current connection to the primary, if there is one.
struct Connection {
    topology: Topology,
    current: Option<MultiplexedConnection>,
    /// Incremented for each connection, so that concurrent failures discard a connection only once.
    generation: u64,
}

/// How the primary is found.
enum Topology {
    Standalone(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

impl RedisStore {
    /// A store whose sessions expire after `idle` without a request. Connects at the first operation.
    ///
    /// # Errors
    /// The file of CA certificates cannot be read or parsed.
    pub fn new(address: &RedisAddress, idle: Duration, clock: Arc<dyn Clock>) -> Result<Self> {
        let topology = connect_options(address)?;
        let connection = Mutex::new(Connection { topology, current: None, generation: 0 });
        // Tolerance, because `last_seen_at` is saved no more often than this.
        let idle = idle.saturating_add(LAST_SEEN_INTERVAL);
        Ok(Self { client: Arc::new(RetryingClient { connection }), clock, idle })
    }

    /// Checks that Redis answers, without retries.
    ///
    /// # Errors
    /// Redis does not answer in time.
    pub async fn ping(&self) -> Result<()> {
        let until = Instant::now() + RESPONSE_TIMEOUT;
        self.client.attempt(&redis::cmd("PING"), until).await.map_err(|(_, error)| error)
    }

    fn set(&self, record: &Record, condition: &str) -> Result<Cmd> {
        let data = serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
        let mut command = redis::cmd("SET");
        command.arg(key(&record.id)).arg(data).arg(condition).arg("EX").arg(self.idle.as_secs());
        Ok(command)
    }
}

fn key(id: &Id) -> String {
    format!("{KEY_PREFIX}{}", storage_key(id))
}

#[async_trait]
impl SessionStore for RedisStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let mut command = self.set(record, "NX")?;
            // After a lost response, the retry finds the session that the first attempt has created.
            let existing: Option<String> = self.client.run(command.arg("GET")).await?;
            let data: Option<serde_json::Value> = existing.and_then(|existing| serde_json::from_str(&existing).ok());
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
        self.client.run::<Option<String>>(&command).await.map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let Some(data) = self.client.run::<Option<String>>(redis::cmd("GET").arg(key(id))).await? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::UNIX_EPOCH + Span::milliseconds(self.clock.now().0) + self.idle;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.client.run::<i64>(redis::cmd("DEL").arg(key(id))).await.map(drop)
    }
}

impl RetryingClient {
    /// Runs an idempotent command on the current primary, with retries until the timeout.
    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let until = Instant::now() + RETRY_TIMEOUT;
        loop {
            match self.attempt(command, until.min(Instant::now() + RESPONSE_TIMEOUT * 2)).await {
                Ok(answer) => return Ok(answer),
                Err((false, error)) => return Err(error),
                Err((true, error)) if Instant::now() + RETRY_DELAY >= until => return Err(error),
                Err((true, error)) => {
                    tracing::debug!(%error, "retrying on Redis");
                    metrics::counter!("mukkeum_sessions_retries_total").increment(1);
                    sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    /// One attempt. The flag beside an error is true if a retry may succeed.
    async fn attempt<T: FromRedisValue>(&self, command: &Cmd, until: Instant) -> std::result::Result<T, (bool, Error)> {
        let timed_out = || (true, Error::Backend("Redis does not answer".to_owned()));
        let (mut connection, generation) = match timeout_at(until, self.connection()).await {
            Ok(connection) => connection.map_err(|error| (!is_certificate_error(&error), backend(&error)))?,
            Err(_) => return Err(timed_out()),
        };
        let error = match timeout_at(until, command.query_async(&mut connection)).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => (is_retryable(&error), backend(&error)),
            Err(_) => timed_out(),
        };
        if error.0 {
            self.discard(generation).await;
        }
        Err(error)
    }

    async fn connection(&self) -> redis::RedisResult<(MultiplexedConnection, u64)> {
        let mut state = self.connection.lock().await;
        if let Some(connection) = &state.current {
            return Ok((connection.clone(), state.generation));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let connection = match &mut state.topology {
            Topology::Standalone(client) => client.get_multiplexed_async_connection_with_config(&config).await?,
            Topology::Sentinel(client) => client.get_async_connection_with_config(&config).await?,
        };
        state.generation += 1;
        state.current = Some(connection.clone());
        Ok((connection, state.generation))
    }

    async fn discard(&self, generation: u64) {
        let mut state = self.connection.lock().await;
        if state.generation == generation {
            state.current = None;
        }
    }
}

/// Whether another connection may succeed: the connection was lost, or the server is loading, read-only
/// or without replicas. Other errors are permanent.
fn is_retryable(error: &RedisError) -> bool {
    let transient = ["READONLY", "LOADING", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN", "CLUSTERDOWN", "BUSY"];
    (error.is_io_error() && !is_certificate_error(error))
        || error.is_connection_dropped()
        || error.is_timeout()
        || error.code().is_some_and(|code| transient.contains(&code))
}

/// Whether the TLS certificate was rejected, which no retry can change.
fn is_certificate_error(error: &RedisError) -> bool {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<Arc<dyn std::error::Error + Send + Sync>>())
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

fn backend(error: &RedisError) -> Error {
    Error::Backend(if is_certificate_error(error) {
        format!(
            "인증서를 믿을 수 없어요 ({error}). ca=FILE이 그 인증서를 만든 기관의 것인지, 인증서에 이 주소가 적혀 \
             있고 기한이 남았는지 확인하세요."
        )
    } else {
        error.to_string()
    })
}

fn connect_options(address: &RedisAddress) -> Result<Topology> {
    let certificates = address.ca_file.as_deref().map(certificates).transpose()?;
    let topology = match &address.sentinel_service {
        Some(name) => via_sentinel(address, name, certificates).map(|client| Topology::Sentinel(Box::new(client))),
        None => standalone(address, certificates).map(|client| Topology::Standalone(Box::new(client))),
    };
    topology.map_err(|error| backend(&error))
}

fn certificates(file: &Path) -> Result<TlsCertificates> {
    let root_cert = std::fs::read(file).map_err(|error| Error::Backend(format!("{}: {error}", file.display())))?;
    Ok(TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
}

fn connection_addrs(address: &RedisAddress) -> impl Iterator<Item = ConnectionAddr> {
    let tls = address.tls;
    address.hosts.iter().cloned().map(move |(host, port)| {
        if tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        }
    })
}

fn standalone(address: &RedisAddress, certificates: Option<TlsCertificates>) -> redis::RedisResult<Client> {
    use redis::IntoConnectionInfo;
    let mut login = redis::RedisConnectionInfo::default().set_db(address.db);
    if let Some(user) = &address.user {
        login = login.set_username(user);
    }
    if let Some(password) = &address.password {
        login = login.set_password(password);
    }
    let info = connection_addrs(address)
        .next()
        .ok_or((redis::ErrorKind::InvalidClientConfig, "no host"))?
        .into_connection_info()?
        .set_redis_settings(login);
    match certificates {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}

fn via_sentinel(
    address: &RedisAddress,
    name: &str,
    certificates: Option<TlsCertificates>,
) -> redis::RedisResult<SentinelClient> {
    let mut builder = SentinelClientBuilder::new(connection_addrs(address), name, SentinelServerType::Master)?
        .set_client_to_redis_db(address.db);
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

    use crate::config::SessionBackend;
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn unreachable_redis_makes_pages_and_readiness_answer_503() {
        let unreachable = "redis://127.0.0.1:1".parse().expect("an address");
        let app =
            TestApp::start_with(|config| config.sessions = SessionBackend::Redis(unreachable), Routes::new()).await;
        let ready = app.get("/health/ready").await;
        assert_eq!((ready.status, ready.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "sessions\n"));
        let cookie = format!("{}={}", app.state.cookies.session_name(), Id::default());
        let page = app.send(app.browser.get(app.url("/orders")).header(COOKIE, cookie)).await;
        assert_eq!((page.status, page.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
        assert!(page.text.contains("지금은 연결할 수 없어요") && !page.text.contains("127.0.0.1"), "{}", page.text);
    }
}
