//! Login history: successful and failed logins of each member.

use super::device::DeviceOrigin;
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// Outcome of a login attempt.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum SignInOutcome {
        /// logged in by password
        Password = "password" "로그인",
        /// logged in by remember-me token
        RememberToken = "remember-token" "로그인 유지",
        /// rejected: wrong password
        WrongPassword = "wrong-password" "비밀번호 틀림",
        /// the password was right; the code of the second factor was wrong or not entered
        WrongCode = "wrong-code" "인증 번호 없음",
        /// rejected: the account is disabled
        AccountDisabled = "account-disabled" "사용 중지된 아이디",
        /// rejected: the one-time password has expired
        PasswordExpired = "password-expired" "임시 비밀번호 기한 지남",
        /// rejected: a stolen remember-me token; all sessions were revoked
        TokenTheft = "token-theft" "도난 의심, 모두 로그아웃",
    }
}

impl SignInOutcome {
    /// Whether the member was logged in.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Password | Self::RememberToken)
    }
}

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
