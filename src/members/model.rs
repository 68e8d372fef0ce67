//! What a member is, and the rules of names and passwords.

use std::fmt;
use std::str::FromStr;

use crate::storage::crockford;
use crate::time::Moment;

/// How long a one-time password lets in, in milliseconds: a week.
pub const ONE_TIME_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// 관리자: everything
    Admin,
    /// 배송팀: deliveries and slips
    Logistics,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Admin, Self::Logistics];

    /// The word in the database, on the command line and in forms.
    pub fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Logistics => "logistics",
        }
    }

    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Admin => "관리자",
            Self::Logistics => "배송팀",
        }
    }

    /// What a member of this role sees, in a sentence.
    pub fn sees(self) -> &'static str {
        match self {
            Self::Admin => "모든 화면을 보고 바꿔요.",
            Self::Logistics => "배송 화면만 봐요.",
        }
    }

    /// The page a member of this role begins with.
    pub fn home(self) -> &'static str {
        match self {
            Self::Admin => "/",
            Self::Logistics => "/deliveries",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(code: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.code() == code).ok_or(UnknownRole)
    }
}

/// A word that names no [`Role`].
#[derive(Debug, thiserror::Error)]
#[error("역할은 admin(관리자)이나 logistics(배송팀)예요.")]
pub struct UnknownRole;

/// A member who is signed in: what a page knows of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// time-sorted identifier
    pub id: i64,
    /// the name they sign in with
    pub username: String,
    /// what they may do
    pub role: Role,
}

impl Member {
    /// Whether the member is an administrator.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// A member as administrators see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// who
    pub member: Member,
    /// whether they may sign in
    pub enabled: bool,
    /// when they were added
    pub created_at: Moment,
    /// when they last signed in
    pub signed_in_at: Option<Moment>,
    /// when an administrator made their password: until when it lets in
    pub one_time_until: Option<Moment>,
}

impl Account {
    /// The identifier as addresses carry it.
    pub fn number(&self) -> String {
        crockford(self.member.id)
    }
}

/// What is wrong with a name or a password; said at its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// too short, too long or with control characters
    #[error("아이디는 2~32자로 적어 주세요.")]
    Username,
    /// someone has it
    #[error("이미 쓰고 있는 아이디예요. 다른 아이디를 적어 주세요.")]
    UsernameTaken,
    /// too short
    #[error("비밀번호는 8자 이상이어야 해요.")]
    PasswordShort,
    /// too long
    #[error("비밀번호는 256자까지 쓸 수 있어요.")]
    PasswordLong,
    /// the repetition differs
    #[error("두 비밀번호가 서로 달라요. 다시 적어 주세요.")]
    PasswordRepeat,
    /// the one there is already
    #[error("지금 비밀번호와 다른 비밀번호로 적어 주세요.")]
    PasswordSame,
}

/// A name as it is stored: trimmed, 2 to 32 characters.
///
/// # Errors
/// [`Refusal::Username`].
pub fn username(typed: &str) -> Result<&str, Refusal> {
    let name = typed.trim();
    let sound = (2..=32).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if sound { Ok(name) } else { Err(Refusal::Username) }
}

/// A password that may be set: 8 to 256 characters, whatever they are.
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// Checks what was typed.
    ///
    /// # Errors
    /// [`Refusal::PasswordShort`] or [`Refusal::PasswordLong`].
    pub fn new(typed: String) -> Result<Self, Refusal> {
        match typed.chars().count() {
            0..8 => Err(Refusal::PasswordShort),
            8..=256 => Ok(Self(typed)),
            _ => Err(Refusal::PasswordLong),
        }
    }

    /// Checks what was typed twice.
    ///
    /// # Errors
    /// As [`Self::new`], and [`Refusal::PasswordRepeat`].
    pub fn repeated(typed: String, again: &str) -> Result<Self, Refusal> {
        let password = Self::new(typed)?;
        if password.0 == again { Ok(password) } else { Err(Refusal::PasswordRepeat) }
    }

    /// The password itself, to be hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(username(" 김사장 "), Ok("김사장"));
        assert_eq!(username("김"), Err(Refusal::Username));
        assert_eq!(username(&"a".repeat(33)), Err(Refusal::Username));
        assert_eq!(username("a\nb"), Err(Refusal::Username));
    }

    #[test]
    fn passwords_are_counted_in_characters_and_never_printed() {
        assert!(NewPassword::new("비밀번호여덟자".to_owned()).is_err());
        let password = NewPassword::new("비밀번호여덟자요".to_owned()).expect("eight characters");
        assert!(!format!("{password:?}").contains("비밀"));
        assert_eq!(NewPassword::repeated("12345678".into(), "12345679").err(), Some(Refusal::PasswordRepeat));
        assert_eq!(NewPassword::new("x".repeat(257)).err(), Some(Refusal::PasswordLong));
    }
}
