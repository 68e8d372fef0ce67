//! What the answer to a bulk action offers: its orders, the file for the next step, and its undo.

use crate::audit::downloads::Purpose;
use crate::audit::{self, AuditEvent};
use crate::id::AuditEntryId;
use crate::orders::bulk_action;
use crate::orders::export::{ExportKind, SMART_STORE};
use crate::orders::filter::OrderQuery;
use crate::orders::model::OrderState;
use crate::orders::store::bulk_actions;
use crate::storage::{Result, Tx};

/// Links and buttons beside the sentence that says what was changed.
pub(super) struct ActionOffers {
    /// identifier in URLs
    pub(super) id: String,
    pub(super) order_count: i64,
    pub(super) is_undoable: bool,
    /// the files that the changed orders need now
    pub(super) files: Vec<FileOffer>,
}

/// A file of the changed orders, which one press downloads.
pub(super) struct FileOffer {
    pub(super) label: &'static str,
    /// URL of the download
    pub(super) href: String,
    pub(super) purpose: Purpose,
}

impl ActionOffers {
    /// The offers of the action with this audit entry; none if it was no bulk action.
    pub(super) fn of(
        tx: &mut dyn Tx,
        audit_entry_id: Option<AuditEntryId>,
        query: &OrderQuery,
    ) -> Result<Option<Self>> {
        let Some(id) = audit_entry_id else { return Ok(None) };
        let Some(action) = bulk_actions::by_id(tx, id)? else { return Ok(None) };
        let event = audit::find(tx, id)?.map(|entry| entry.event);
        Ok(Some(Self {
            id: id.to_string(),
            order_count: action.order_count,
            is_undoable: bulk_action::undoable(tx, id)?.is_some(),
            files: event.map(|event| files(&event, &id.to_string(), query)).unwrap_or_default(),
        }))
    }
}

/// The files for the next step of orders that were advanced.
fn files(event: &AuditEvent, action: &str, query: &OrderQuery) -> Vec<FileOffer> {
    let AuditEvent::OrdersAdvanced { to, .. } = event else { return Vec::new() };
    let of_action = OrderQuery { action: action.to_owned(), product: query.product.clone(), ..OrderQuery::default() };
    let offer = |label, kind: ExportKind, purpose, more: &[(&str, &str)]| FileOffer {
        label,
        href: format!("/orders/download?{}&content={}", of_action.to_query_string(more), kind.code()),
        purpose,
    };
    match OrderState::parse(to) {
        Some(state @ OrderState::Purchased) => {
            vec![offer("발주서 받기", ExportKind::PurchaseOrder, Purpose::Factory, &[("state", state.code())])]
        }
        Some(state @ OrderState::Shipped) => {
            let of_channel = [("state", state.code()), ("channel", SMART_STORE)];
            vec![offer("발송처리 파일 받기", ExportKind::Dispatch, Purpose::Channel, &of_channel)]
        }
        _ => Vec::new(),
    }
}
