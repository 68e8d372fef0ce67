//! Login history: successful and failed logins of each member.

use std::str::FromStr;

use super::device::DeviceOrigin;
use crate::time::Moment;

/// Outcome of a login attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// logged in by password
    Password,
    /// logged in by remember-me token
    RememberToken,
    /// rejected: wrong password
    WrongPassword,
    /// the password was right; the code of the second factor was wrong or not entered
    WrongCode,
    /// rejected: the account is disabled
    AccountDisabled,
    /// rejected: the one-time password has expired
    PasswordExpired,
    /// rejected: a stolen remember-me token; all sessions were revoked
    TokenTheft,
}

impl SignInOutcome {
    const ALL: [Self; 7] = [
        Self::Password,
        Self::RememberToken,
        Self::WrongPassword,
        Self::WrongCode,
        Self::AccountDisabled,
        Self::PasswordExpired,
        Self::TokenTheft,
    ];

    /// The code in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RememberToken => "remember-token",
            Self::WrongPassword => "wrong-password",
            Self::WrongCode => "wrong-code",
            Self::AccountDisabled => "account-disabled",
            Self::PasswordExpired => "password-expired",
            Self::TokenTheft => "token-theft",
        }
    }

    /// The label on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "로그인",
            Self::RememberToken => "로그인 유지",
            Self::WrongPassword => "비밀번호 틀림",
            Self::WrongCode => "인증 번호 없음",
            Self::AccountDisabled => "사용 중지된 아이디",
            Self::PasswordExpired => "임시 비밀번호 기한 지남",
            Self::TokenTheft => "도난 의심, 모두 로그아웃",
        }
    }

    /// Whether the member was logged in.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Password | Self::RememberToken)
    }
}

impl FromStr for SignInOutcome {
    type Err = UnknownOutcome;

    fn from_str(code: &str) -> Result<Self, UnknownOutcome> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code).ok_or(UnknownOutcome)
    }
}

/// The code is not that of a [`SignInOutcome`].
#[derive(Clone, Copy, Debug)]
pub struct UnknownOutcome;

/// One entry of the login history.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// time of the attempt
    pub at: Moment,
    /// its outcome
    pub outcome: SignInOutcome,
    /// its browser
    pub origin: DeviceOrigin,
}
