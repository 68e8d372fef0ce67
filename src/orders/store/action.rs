//! Who changes orders, and by what kind of change.

use crate::access::AccessAction;
use crate::audit::Actor;
use crate::id::{MemberId, UploadId};
use crate::text::coded;

/// Actor, upload and action of a change, as written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeContext {
    /// who changes, from where
    pub actor: Actor,
    /// upload that causes the change
    pub upload_id: Option<UploadId>,
    /// kind of change
    pub action: Action,
}

impl ChangeContext {
    /// The member; none for the command line and the program.
    pub const fn member_id(&self) -> Option<MemberId> {
        self.actor.member_id()
    }
}

coded! {
    /// Kind of change of an order.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Action {
        /// 등록
        Created = "created" "등록",
        /// 진행: 발주, 출고, 배송
        Advanced = "advanced" "진행",
        /// 수정
        Edited = "edited" "수정",
        /// 송장 등록
        TrackingSet = "tracking-set" "송장 등록",
        /// 확정, 취소, 반품, set by a file of the channel
        StateSet = "state-set" "판매채널 상태 반영",
        /// 판매채널 변경 반영: taken over from a file of the channel, or by a decision about it
        Followed = "followed" "판매채널 변경 반영",
        /// 묶음 변경: moved between deliveries
        Bundled = "bundled" "묶음 변경",
        /// 지역: the districts changed, or a member corrected the district
        Classified = "classified" "지역 분류",
        /// an act on an order with an open claim that a member named: see [`ClaimGate`](crate::orders::claim::ClaimGate)
        DespiteClaim = "despite-claim" "클레임에도 진행",
        /// 업로드 되돌리기: an upload was taken back
        UploadUndone = "upload-undone" "업로드 되돌리기",
    }
}

impl Action {
    /// Whether the change follows the channel, or takes that back: no edit by a member.
    pub(super) const fn is_of_channel(self) -> bool {
        matches!(self, Self::Followed | Self::UploadUndone)
    }

    /// The action of the access record.
    pub(super) const fn access(self) -> AccessAction {
        if matches!(self, Self::Created) { AccessAction::Entered } else { AccessAction::Edited }
    }
}
