//! Access records (접속기록): who saw, changed, printed or downloaded whose personal data, when and from where; sign-ins
//! and failures; starts and stops of the program.
//!
//! Source of the items: 개인정보의 안전성 확보조치 기준 제8조. Whose data means the orders behind a page. A list of at most
//! [`MAX_LISTED_ORDERS`] orders is recorded order by order; a longer one with its number and its smallest and largest
//! identifier.
//!
//! Records form a chain: the digest of each covers the one before, so that a changed or removed record is found
//! ([`verify`]). A seal ([`Seal`]) keeps the chain's digest of each day. Triggers refuse to change a record, and to delete
//! one before its retention has ended.
//!
//! A change writes its record in its own transaction ([`append`]). Views are written in batches ([`AccessRecorder`]): a
//! program that is killed loses those of its last second, and its next start is recorded as one after a kill.

pub mod inspection;
pub mod law;
pub mod list;
mod model;
pub mod pages;
mod recorder;
pub mod retention;
mod store;
#[cfg(test)]
mod tests;

pub use self::model::{
    AccessAction, AccessRecord, AccessedOrders, Accessor, ChainFault, MAX_LISTED_ORDERS, NewAccess, Seal, UNCLEAN,
};
pub use self::recorder::AccessRecorder;
pub use self::store::{
    ChainReport, all_orders, append, count_data_subjects, delete_expired, effective_years, head, is_guarded, record,
    record_download, record_edit, record_start, record_stop, seal, verify,
};
