//! Deterministic pseudo-random numbers: for synthetic shops and for searches that must be reproducible.

/// SplitMix64 generator: small, fast, and identical on every platform. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Stream of the `index`-th item of a seed; streams of different indexes are independent.
    pub fn for_index(seed: u64, index: u64) -> Self {
        Self(Self(seed ^ index.wrapping_mul(0xd1b5_4a32_d192_ed03)).next_u64())
    }

    /// Next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Number in `0..limit`; 0 if `limit` is 0.
    pub fn below(&mut self, limit: u32) -> u32 {
        u32::try_from((u128::from(self.next_u64()) * u128::from(limit)) >> 64).unwrap_or_default()
    }

    /// Number in `0..1`, a multiple of 2⁻⁵³.
    pub fn fraction(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit exactly")]
        let bits = (self.next_u64() >> 11) as f64;
        bits / 9_007_199_254_740_992.0
    }

    /// Number in `min..=max`.
    pub fn between(&mut self, min: u32, max: u32) -> u32 {
        min + self.below(max.saturating_sub(min) + 1)
    }

    /// True with a probability of `percent` %.
    pub fn chance(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One element; `None` if there is none.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(u32::try_from(all.len()).unwrap_or(u32::MAX)) as usize)
    }

    /// One word; empty if there is none.
    pub fn word<'a>(&mut self, all: &[&'a str]) -> &'a str {
        self.pick(all).copied().unwrap_or_default()
    }
}
