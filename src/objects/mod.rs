//! Files in a folder or an object store, by address: the backup writes to such places, and photographs of deliveries can
//! be in one.

mod target;

pub use self::target::{Target, TargetError};
