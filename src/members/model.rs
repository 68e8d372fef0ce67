//! Members: roles, accounts, and the validation of usernames and passwords.

mod common_passwords;
pub mod device;
pub mod rights;
pub mod sign_in;

use std::fmt;
use std::str::FromStr;

use self::common_passwords::is_guessable;
use self::rights::{PageAction, PageKind};
use crate::id::MemberId;
use crate::text::coded;
use crate::time::Moment;

/// Validity of a one-time password in milliseconds: a week.
pub const ONE_TIME_PASSWORD_VALID_MS: i64 = 7 * 24 * 60 * 60 * 1000;

coded! {
    /// Permissions of a member.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Role {
        /// 관리자: everything
        Admin = "admin" "관리자",
        /// 주문 담당: orders, uploads, products, deliveries and plans
        Orders = "orders" "주문 담당",
        /// 배송팀: deliveries, slips and plans
        Logistics = "logistics" "배송팀",
        /// 상담: answers callers; personal data is masked until it is opened with a reason
        Support = "support" "상담",
        /// 조회만: looks at orders and deliveries, masked
        Viewer = "viewer" "조회만",
        /// 기사: the own tour of today
        Driver = "driver" "기사",
    }
}

impl Role {
    /// A sentence about the pages that members of this role can view.
    pub fn can_view(self) -> &'static str {
        match self {
            Self::Admin => "모든 화면을 보고 바꿔요.",
            Self::Orders => "주문과 업로드, 상품, 배송, 배차를 맡아요.",
            Self::Logistics => "배송과 배차를 맡아요. 오늘과 내일 배송할 곳만 가리지 않고 보여요.",
            Self::Support => "전화를 받아요. 이름과 연락처, 주소는 이유를 입력해야 보여요.",
            Self::Viewer => "주문과 배송을 보기만 해요. 이름과 연락처, 주소는 가려요.",
            Self::Driver => "자기가 가는 오늘 배송만 봐요.",
        }
    }

    /// The path of the role's first page after login.
    pub fn home(self) -> &'static str {
        match self {
            Self::Admin => "/",
            Self::Orders | Self::Support | Self::Viewer => "/orders",
            Self::Logistics => "/deliveries/today",
            Self::Driver => "/drive",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(code: &str) -> Result<Self, UnknownRole> {
        Self::from_code(code).ok_or(UnknownRole)
    }
}

/// The code is not that of a [`Role`].
#[derive(Debug, thiserror::Error)]
#[error(
    "역할은 admin(관리자), orders(주문 담당), logistics(배송팀), support(상담), viewer(조회만), driver(기사) 가운데 하나예요."
)]
pub struct UnknownRole;

/// A member as every page knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// time-sorted identifier
    pub id: MemberId,
    /// login name
    pub username: String,
    /// permissions
    pub role: Role,
}

impl Member {
    /// Whether the member is an administrator.
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }

    /// Whether the member may take the action on this kind of page.
    pub const fn may(&self, page: PageKind, action: PageAction) -> bool {
        rights::may(self.role, page, action)
    }
}

/// A member's account as shown to administrators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// the member
    pub member: Member,
    /// whether the member may log in
    pub enabled: bool,
    /// time of creation
    pub created_at: Moment,
    /// time of the last login
    pub signed_in_at: Option<Moment>,
    /// expiry of the one-time password; None when the member chose the password
    pub one_time_until: Option<Moment>,
    /// whether an administrator demands a second factor
    pub requires_totp: bool,
    /// whether the member has a second factor
    pub has_second_factor: bool,
}

impl Account {
    /// The identifier as used in URLs.
    pub fn number(&self) -> String {
        self.member.id.to_string()
    }
}

/// Why a username is rejected. The message is shown at its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// too short, too long or with control characters
    #[error("아이디는 2~32자로 입력해 주세요.")]
    Invalid,
    /// another member has it
    #[error("이미 쓰고 있는 아이디예요. 다른 아이디를 입력해 주세요.")]
    Taken,
}

/// Why a new password is rejected. The message is shown at its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// fewer than 8 characters
    #[error("비밀번호는 8자 이상이어야 해요.")]
    TooShort,
    /// more than 256 characters
    #[error("비밀번호는 256자까지 입력할 수 있어요.")]
    TooLong,
    /// among the first guesses of an attacker
    #[error("너무 흔하거나 이름으로 알아맞히기 쉬운 비밀번호예요. 여러 낱말을 이어 입력해 보세요.")]
    Guessable,
    /// the repetition differs
    #[error("두 비밀번호가 서로 달라요. 다시 입력해 주세요.")]
    Mismatch,
    /// equal to the current password
    #[error("현재 비밀번호와 다른 비밀번호로 입력해 주세요.")]
    Unchanged,
}

/// Validates a username: 2 to 32 characters after trimming, none of them a control character.
///
/// # Errors
/// [`UsernameError::Invalid`].
pub fn validate_username(typed: &str) -> Result<&str, UsernameError> {
    let username = typed.trim();
    let is_valid = (2..=32).contains(&username.chars().count()) && !username.chars().any(char::is_control);
    if is_valid { Ok(username) } else { Err(UsernameError::Invalid) }
}

/// A valid new password: 8 to 256 arbitrary characters, and not easily guessed.
#[derive(Clone)]
pub struct NewPassword(String);

impl NewPassword {
    /// Validates a password. `names` are known to everybody, such as the username: it must not be made of them.
    ///
    /// # Errors
    /// [`PasswordError::TooShort`], [`PasswordError::TooLong`] or [`PasswordError::Guessable`].
    pub fn new(typed: String, names: &[&str]) -> Result<Self, PasswordError> {
        match typed.chars().count() {
            0..8 => Err(PasswordError::TooShort),
            8..=256 if is_guessable(&typed, names) => Err(PasswordError::Guessable),
            8..=256 => Ok(Self(typed)),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// Validates a password and its repetition.
    ///
    /// # Errors
    /// As [`Self::new`], and [`PasswordError::Mismatch`].
    pub fn repeated(typed: String, again: &str, names: &[&str]) -> Result<Self, PasswordError> {
        let password = Self::new(typed, names)?;
        if password.0 == again { Ok(password) } else { Err(PasswordError::Mismatch) }
    }

    /// A password that the program itself chose: a generated one, or the published one of a demo.
    pub fn of_program(password: &str) -> Self {
        Self(password.to_owned())
    }

    /// The plain password, for hashing.
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
    fn usernames_are_trimmed_and_bounded() {
        assert_eq!(validate_username(" 김사장 "), Ok("김사장"));
        assert_eq!(validate_username("김"), Err(UsernameError::Invalid));
        assert_eq!(validate_username(&"a".repeat(33)), Err(UsernameError::Invalid));
        assert_eq!(validate_username("a\nb"), Err(UsernameError::Invalid));
    }

    #[test]
    fn password_length_is_counted_in_characters_and_debug_hides_it() {
        assert!(NewPassword::new("비밀번호여덟자".to_owned(), &[]).is_err());
        let password = NewPassword::new("비밀번호여덟자요".to_owned(), &[]).expect("eight characters");
        assert!(!format!("{password:?}").contains("비밀"));
        assert_eq!(
            NewPassword::repeated("긴 비밀번호 하나".into(), "긴 비밀번호 둘이", &[]).err(),
            Some(PasswordError::Mismatch)
        );
        assert_eq!(NewPassword::new("x".repeat(257), &[]).err(), Some(PasswordError::TooLong));
        assert_eq!(NewPassword::new("gisagisa".into(), &["gisa"]).err(), Some(PasswordError::Guessable));
    }
}
