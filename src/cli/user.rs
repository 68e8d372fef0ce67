//! `mukkeum user`: manages members, also while the server runs.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::{CliError, CommandResult, Outcome, block_on, open_existing, open_storage};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::config::Config;
use crate::drive::store::keys;
use crate::id::MemberId;
use crate::members::model::{Account, NewPassword, PasswordError, Role, UsernameError, validate_username};
use crate::members::passwords::PasswordHasher;
use crate::members::store::{self, UpdateError, login_throttle, second_factor};
use crate::random;
use crate::storage::{Result, Storage, Tx};

#[derive(Subcommand)]
pub(super) enum User {
    /// 회원을 추가해요. 비밀번호를 물어봐요
    Add {
        /// 아이디, 2~32자
        #[arg(value_name = "USERNAME")]
        username: String,
        /// admin(관리자), orders(주문 담당), logistics(배송팀), support(상담), viewer(조회만) 또는 driver(기사) [기본값: admin]
        #[arg(long, value_name = "ROLE", default_value = "admin")]
        role: Role,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// 비밀번호를 바꿔요. 그 회원은 모든 기기에서 로그아웃돼요
    Passwd {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
        #[command(flatten)]
        password: PasswordSource,
    },
    /// 역할을 바꿔요
    Role {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
        /// admin(관리자), orders(주문 담당), logistics(배송팀), support(상담), viewer(조회만) 또는 driver(기사)
        #[arg(value_name = "ROLE")]
        role: Role,
    },
    /// 인증 앱을 풀어요. 휴대전화와 복구 코드를 잃어버렸을 때 써요
    ResetTotp {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
    },
    /// 다시 로그인할 수 있게 해요
    Enable {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
    },
    /// 로그인하지 못하게 해요. 바로 로그아웃돼요
    Disable {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
    },
    /// 비밀번호를 여러 번 틀려 막힌 로그인을 풀어요
    Unlock {
        /// 아이디
        #[arg(value_name = "USERNAME")]
        username: String,
    },
    /// 회원 목록을 보여 줘요
    List {
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub(super) struct PasswordSource {
    /// 첫 줄에 비밀번호가 있는 파일. -는 표준 입력
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// 임시 비밀번호를 만들어 보여 줘요. 로그인하면 바꿔야 해요
    #[arg(long, conflicts_with = "password_file")]
    one_time: bool,
}

/// The new password of a member.
struct HashedPassword {
    hash: String,
    /// the generated one-time password, to be printed
    one_time: Option<String>,
}

impl From<UsernameError> for CliError {
    fn from(error: UsernameError) -> Self {
        Self(error.to_string())
    }
}

impl From<PasswordError> for CliError {
    fn from(error: PasswordError) -> Self {
        Self(error.to_string())
    }
}

impl From<UpdateError> for CliError {
    fn from(error: UpdateError) -> Self {
        Self(error.to_string())
    }
}

impl User {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        // The first member may be added before the server has ever started.
        let storage = if matches!(self, Self::Add { .. }) { open_storage(config)? } else { open_existing(config)? };
        match self {
            Self::Add { username, role, password } => add(&storage, &username, role, &password),
            Self::Passwd { username, password } => set_password(&storage, username, &password),
            Self::Role { username, role } => {
                let event = |username| AuditEvent::RoleChanged { username, role: role.code().to_owned() };
                change(&storage, username, event, "역할을 바꿨어요.", move |tx, id| {
                    with_keys(tx, id, |tx| store::set_role(tx, id, role))
                })
            }
            Self::ResetTotp { username } => {
                let event = |username| AuditEvent::TotpDisabled { username };
                change(
                    &storage,
                    username,
                    event,
                    "인증 앱을 풀었어요. 비밀번호만으로 로그인해서 다시 연결하세요.",
                    |tx, id| second_factor::disable(tx, id).map(|_| Ok(())),
                )
            }
            Self::Enable { username } => {
                let event = |username| AuditEvent::MemberEnabled { username };
                change(&storage, username, event, "이제 로그인할 수 있어요.", |tx, id| {
                    with_keys(tx, id, |tx| store::set_enabled(tx, id, true))
                })
            }
            Self::Disable { username } => {
                let event = |username| AuditEvent::MemberDisabled { username };
                change(&storage, username, event, "이제 로그인하지 못해요.", |tx, id| {
                    with_keys(tx, id, |tx| store::set_enabled(tx, id, false))
                })
            }
            Self::Unlock { username } => unlock(&storage, username),
            Self::List { json } => list(&storage, json),
        }
    }
}

/// Changes what a member may do; the day keys of the phones of the member end with it.
fn with_keys(
    tx: &mut dyn Tx,
    id: MemberId,
    change: impl FnOnce(&mut dyn Tx) -> Result<std::result::Result<(), UpdateError>>,
) -> Result<std::result::Result<(), UpdateError>> {
    match change(tx)? {
        Ok(()) => keys::expire_of_member(tx, id).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

fn add(storage: &Storage, username: &str, role: Role, password: &PasswordSource) -> CommandResult {
    let username = validate_username(username)?.to_owned();
    let HashedPassword { hash, one_time } = password.resolve(&username)?;
    let event = AuditEvent::MemberAdded { username: username.clone(), role: role.code().to_owned() };
    let message = event.sentence();
    let is_one_time = one_time.is_some();
    block_on(async {
        let added = storage.write(move |tx| {
            let added = store::add(tx, &username, role, &hash)?;
            if let Ok(id) = added {
                if is_one_time {
                    store::make_one_time(tx, id)?;
                }
                audit::record(tx, Actor::CommandLine, AuditObject::one(id), &event)?;
            }
            Ok::<_, CliError>(added)
        });
        Ok(added.await??)
    })?;
    print(&message)?;
    print_one_time(one_time)
}

fn set_password(storage: &Storage, username: String, password: &PasswordSource) -> CommandResult {
    let HashedPassword { hash, one_time } = password.resolve(&username)?;
    let is_one_time = one_time.is_some();
    let event = |username| {
        if is_one_time {
            AuditEvent::OneTimePasswordIssued { username }
        } else {
            AuditEvent::PasswordChanged { username }
        }
    };
    change(storage, username, event, "비밀번호를 바꿨어요.", move |tx, id| {
        let changed = store::set_password(tx, id, &hash)?.map(drop);
        if is_one_time {
            store::make_one_time(tx, id)?;
        }
        Ok(changed)
    })?;
    print_one_time(one_time)
}

fn print_one_time(password: Option<String>) -> CommandResult {
    password
        .map_or(Ok(Outcome::Complete), |password| print(&format!("임시 비밀번호 (7일 안에 바꿔야 해요): {password}")))
}

/// Changes one member, and records the change in the audit log.
fn change(
    storage: &Storage,
    username: String,
    event: impl FnOnce(String) -> AuditEvent,
    message: &str,
    act: impl Fn(&mut dyn Tx, MemberId) -> Result<Result<(), UpdateError>> + Send + 'static,
) -> CommandResult {
    let event = event(username.clone());
    block_on(async {
        let changed = storage.write(move |tx| {
            let id = match store::find_id(tx, &username)? {
                Ok(id) => id,
                Err(unknown) => return Ok(Err(unknown)),
            };
            let changed = act(tx, id)?;
            if changed.is_ok() {
                audit::record(tx, Actor::CommandLine, AuditObject::one(id), &event)?;
            }
            Ok::<_, CliError>(changed)
        });
        Ok(changed.await??)
    })?;
    print(message)
}

fn unlock(storage: &Storage, username: String) -> CommandResult {
    let unlocked = storage.write(move |tx| {
        if let Err(unknown) = store::find_id(tx, &username)? {
            return Ok(Err(unknown));
        }
        login_throttle::unlock(tx, &username).map(Ok)
    });
    block_on(async { Ok(unlocked.await??) })?;
    print("막힌 로그인을 풀었어요.")
}

fn list(storage: &Storage, as_json: bool) -> CommandResult {
    let accounts = block_on(async { Ok(storage.read(store::list).await?) })?;
    let mut out = io::stdout().lock();
    if as_json {
        let members: Vec<_> = accounts.iter().map(json_of).collect();
        writeln!(out, "{}", serde_json::Value::from(members))?;
        return Ok(Outcome::Complete);
    }
    for Account { member, enabled, signed_in_at, one_time_until, .. } in &accounts {
        let state = match (enabled, one_time_until) {
            (false, _) => "  (쓰지 않음)",
            (true, Some(_)) => "  (임시 비밀번호, 바꿔야 함)",
            (true, None) => "",
        };
        let last_sign_in =
            signed_in_at.map_or_else(|| "로그인한 적 없음".to_owned(), |at| format!("마지막 로그인 {at}"));
        writeln!(out, "{}  {}  {last_sign_in}{state}", member.username, member.role.label())?;
    }
    Ok(Outcome::Complete)
}

fn json_of(account: &Account) -> serde_json::Value {
    json!({
        "username": account.member.username,
        "role": account.member.role.code(),
        "enabled": account.enabled,
        "must_change_password": account.one_time_until.is_some(),
        "has_totp": account.has_second_factor,
        "requires_totp": account.requires_totp,
        "created_at": account.created_at.iso(),
        "signed_in_at": account.signed_in_at.map(crate::time::Moment::iso),
    })
}

fn print(message: &str) -> CommandResult {
    writeln!(io::stdout().lock(), "{message}")?;
    Ok(Outcome::Complete)
}

impl PasswordSource {
    fn resolve(&self, username: &str) -> Result<HashedPassword, CliError> {
        let one_time =
            self.one_time.then(random::long_code).transpose().map_err(|error| CliError(error.to_string()))?;
        let password = one_time
            .as_deref()
            .map_or_else(|| self.read(username), |password| Ok(NewPassword::of_program(password)))?;
        let hash = block_on(async {
            PasswordHasher::default().hash(password).await.map_err(|error| CliError(error.to_string()))
        })?;
        Ok(HashedPassword { hash, one_time })
    }

    fn read(&self, username: &str) -> Result<NewPassword, CliError> {
        let names = [username];
        let is_stdin = self.password_file.as_deref() == Some(Path::new("-"));
        match &self.password_file {
            Some(path) if !is_stdin => Ok(NewPassword::new(first_line(&mut io::BufReader::new(open(path)?))?, &names)?),
            None if io::stdin().is_terminal() => {
                let password = rpassword::prompt_password("새 비밀번호: ")?;
                let repeated = rpassword::prompt_password("한 번 더: ")?;
                Ok(NewPassword::repeated(password, &repeated, &names)?)
            }
            _ => Ok(NewPassword::new(first_line(&mut io::stdin().lock())?, &names)?),
        }
    }
}

fn open(path: &Path) -> Result<std::fs::File, CliError> {
    std::fs::File::open(path).map_err(|error| CliError(format!("{} 파일을 읽지 못했어요: {error}", path.display())))
}

fn first_line(reader: &mut impl BufRead) -> Result<String, CliError> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
