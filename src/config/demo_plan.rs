//! Options of the demo shop.

use super::ResetSchedule;

/// Options of the demo shop that `mukkeum demo` runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DemoPlan {
    /// number of synthetic orders after a reset
    pub orders: u64,
    /// how often the demo shop is reset
    pub reset_every: ResetSchedule,
    /// Whether the demo is open to the public: each visitor gets a sandbox, and requests are rate-limited.
    pub is_public: bool,
}
