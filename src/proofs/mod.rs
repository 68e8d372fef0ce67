//! Proofs of deliveries (배송 증빙): photographs that drivers take at the door.
//!
//! | module | content |
//! | --- | --- |
//! | [`jpeg`] | what a photograph must be: a JPEG of a limited size without any metadata |
//! | [`files`] | the bytes, by their SHA-256: in the data folder, or in an object store |
//! | [`store`] | SQL: which event names which photograph, receipt, destruction |
//! | [`receive`] | receipt of a photograph |
//! | [`destroy`] | destruction at the end of the retention |
//!
//! A photograph is outside the database: the daily snapshot of the backup does not grow, and the backup copies each file
//! once. An event names its photographs by hash. A file is accepted only if an event of the same tour names it, so that
//! it cannot land at another stop. The strokes of a signature are part of their event: they belong to the record of the
//! supply, which is kept for longer than a photograph.
//!
//! A row outlives its file: it says that the photograph with this hash was destroyed, and when.

pub mod destroy;
pub mod files;
pub mod jpeg;
pub mod receive;
pub mod store;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
