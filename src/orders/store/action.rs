//! Who changes orders, and by what kind of change.

use crate::access::AccessAction;
use crate::audit::Actor;

/// Actor, upload and action of a change, as written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeContext {
    /// who changes, from where
    pub actor: Actor,
    /// upload that causes the change
    pub upload_id: Option<i64>,
    /// kind of change
    pub action: Action,
}

impl ChangeContext {
    /// The member; none for the command line and the program.
    pub const fn member_id(&self) -> Option<i64> {
        self.actor.member_id()
    }
}

/// Kind of change of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// 등록
    Created,
    /// 진행: 발주, 출고, 배송
    Advanced,
    /// 수정
    Edited,
    /// 송장 등록
    TrackingSet,
    /// 확정, 취소, 반품, set by a file of the channel
    StateSet,
    /// 채널 변경 반영: taken over from a file of the channel, or by a decision about it
    Followed,
    /// 묶음 변경: moved between deliveries
    Bundled,
    /// 지역: the districts changed, or a member corrected the district
    Classified,
    /// an act on an order with an open claim that a member named: see [`ClaimGate`](crate::orders::claim::ClaimGate)
    DespiteClaim,
}

impl Action {
    pub(super) const ALL: [Self; 9] = [
        Self::Created,
        Self::Advanced,
        Self::Edited,
        Self::TrackingSet,
        Self::StateSet,
        Self::Followed,
        Self::Bundled,
        Self::Classified,
        Self::DespiteClaim,
    ];

    /// The action of the access record.
    pub(super) const fn access(self) -> AccessAction {
        if matches!(self, Self::Created) { AccessAction::Entered } else { AccessAction::Edited }
    }

    /// Code in the log.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Advanced => "advanced",
            Self::Edited => "edited",
            Self::TrackingSet => "tracking-set",
            Self::StateSet => "state-set",
            Self::Followed => "followed",
            Self::Bundled => "bundled",
            Self::Classified => "classified",
            Self::DespiteClaim => "despite-claim",
        }
    }

    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Created => "등록",
            Self::Advanced => "진행",
            Self::Edited => "수정",
            Self::TrackingSet => "송장 등록",
            Self::StateSet => "채널 상태 반영",
            Self::Followed => "채널 변경 반영",
            Self::Bundled => "묶음 변경",
            Self::Classified => "지역 분류",
            Self::DespiteClaim => "클레임에도 진행",
        }
    }
}
