//! Personal data in trouble and at the end of its life: leaks, what a person may demand, what is destroyed and the certificate of it.
//!
//! A background job ([`job`]) destroys orders once their retention has ended ([`RetentionYears`]), with everything that belongs
//! to them: log, deliveries, plans, search terms, rows of upload reports, statements of the channel; and old reports, notes
//! of downloads and the audit log. SQLite overwrites what it deletes; the file is compacted every few days
//! ([`Storage::compact`](crate::storage::Storage::compact)), and the write-ahead log is emptied at the end of a run
//! ([`Storage::erase_log`](crate::storage::Storage::erase_log)).
//!
//! [`person`] collects what the shop has of one person, who may demand to see it; [`document`] writes it down.
//!
//! [`request`] is what the person may demand, with its deadline and the duties that stand against a deletion.
//!
//! [`answered`] is the list of answered demands outside of the database: a restore of an older moment undoes none of them.
//!
//! [`seal`] moves the personal data of ended orders apart, long before it is destroyed.
//!
//! [`law`] and [`store::law`] are the lines of 법 점검, of `mukkeum doctor` and of the metrics.
//!
//! [`breach`] is the worksheet of a leak: whose data was seen or taken, the notice, the 72 hours, what was done.
//!
//! Due is what the clock says, not what a list says: a backup of an earlier moment that is restored is destroyed again at
//! the next start. A run that was interrupted is continued by the next one.

pub mod answered;
pub mod breach;
mod destruction;
pub mod document;
pub mod job;
pub mod law;
pub mod measures;
pub mod model;
pub mod pages;
pub mod person;
pub mod request;
pub mod seal;
pub mod store;
#[cfg(test)]
mod tests;

pub use self::destruction::destroy_due;
pub use self::law::LawScope;
pub use self::model::RetentionYears;
pub use self::seal::SealDays;
