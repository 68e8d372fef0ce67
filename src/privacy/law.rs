//! What the lines of 법 점검 depend on beside the database. `mukkeum doctor` and the metrics tell the same.

use super::{RetentionYears, SealDays};
use crate::config::Config;

/// Settings and network of the program, as far as the law cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LawScope {
    /// years that access records are kept, as configured
    pub access_years: u32,
    /// years that orders are kept
    pub keep: RetentionYears,
    /// days after which ended orders are kept apart; none in a practice shop, which moves none
    pub seal: Option<SealDays>,
    /// whether other devices can connect
    pub is_public: bool,
    /// whether they do so unencrypted
    pub is_insecure: bool,
}

impl LawScope {
    /// The scope of these settings; the network is that of the running server, or what the settings ask for.
    pub fn of(config: &Config, is_public: bool, is_insecure: bool) -> Self {
        Self {
            access_years: config.access_keep_years,
            keep: RetentionYears::new(config.order_keep_years),
            seal: config.demo.is_none().then_some(SealDays(config.order_seal_days)),
            is_public,
            is_insecure,
        }
    }
}
