//! Delay notices, and consents to a restricted withdrawal.

use chrono::NaiveDate;

use crate::id::OrderId;
use crate::text::coded;
use crate::time::Moment;

/// Maximum length of the reason of a delay, and of the note of a consent, in characters.
pub const MAX_REASON_CHARS: usize = 300;

coded! {
    /// How the buyer was told.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoticeWay {
        /// 문자, 알림톡
        Message = "message" "문자·알림톡",
        /// 전화
        Phone = "phone" "전화",
        /// 판매채널의 문의, 발송지연 안내
        Channel = "channel" "판매채널의 발송지연 안내",
    }
}

coded! {
    /// How the buyer consented that a made-to-order good cannot be withdrawn from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ConsentWay {
        /// a signed paper
        Paper = "paper" "서명한 종이",
        /// a message in which the buyer says so
        Message = "message" "문자·메일 답장",
        /// ticked when it was ordered on the channel
        Channel = "channel" "판매채널 주문서의 동의",
    }
}

/// A notice that an order is late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelayNotice {
    /// identifier
    pub id: OrderId,
    /// why it is late
    pub reason: String,
    /// the new day; none if it is not known yet
    pub new_day: Option<NaiveDate>,
    /// how the buyer was told
    pub way: NoticeWay,
    /// the text as it was sent
    pub text: String,
    /// when
    pub sent_at: Moment,
    /// name of the member; none after the member is deleted
    pub username: Option<String>,
}

/// The buyer's consent that the good is made for him and that he cannot withdraw (시행령 제21조).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalConsent {
    /// day of the consent: before the good was made
    pub given_on: NaiveDate,
    /// how
    pub way: ConsentWay,
    /// where the proof is
    pub proof: String,
    /// when it was recorded
    pub recorded_at: Moment,
    /// name of the member; none after the member is deleted
    pub username: Option<String>,
}
