//! Files in a folder or an object store, by address: the backup writes to such places, and photographs of deliveries can
//! be in one. A person chooses a place from the list of [`folders`] or with the form of a [`store`](StoreForm).

pub mod folders;
mod store_form;
mod target;

pub use self::store_form::StoreForm;
pub use self::target::{Target, TargetError, is_on_disk_of, readable_address};
