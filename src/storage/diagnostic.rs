//! Results of the checks that `mukkeum doctor` runs.

use serde::Serialize;

/// Largest difference between two synchronised clocks, milliseconds.
const MAX_CLOCK_OFFSET_MS: i64 = 2_000;

const GIB: u64 = 1 << 30;

/// Free space below this fills up within a working day.
const MIN_FREE_BYTES: u64 = GIB;

/// Free space below this fills up within a busy month.
const LOW_FREE_BYTES: u64 = 5 * GIB;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// no problem
    Good,
    /// works, but should be fixed soon
    Warning,
    /// the program cannot work, or data may be lost
    Bad,
}

/// Result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// how serious it is
    pub severity: Severity,
    /// the component that was checked
    pub subject: String,
    /// its state
    pub found: String,
    /// how to fix it; empty when there is no problem
    pub advice: String,
}

impl Diagnostic {
    /// A check that found no problem.
    pub fn ok(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { severity: Severity::Good, subject: subject.into(), found: found.into(), advice: String::new() }
    }

    /// A check that found a problem.
    pub fn problem(
        severity: Severity,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity, subject: subject.into(), found: found.into(), advice: advice.into() }
    }

    /// Checks the offset of another computer's clock, positive when it is ahead of this one's.
    pub fn clock_offset(subject: impl Into<String>, ahead_ms: i64) -> Self {
        let found = format!("이 컴퓨터와 {}.{}초 달라요", ahead_ms.abs() / 1000, ahead_ms.abs() % 1000 / 100);
        if ahead_ms.abs() <= MAX_CLOCK_OFFSET_MS {
            return Self::ok(subject, found);
        }
        let advice = "두 컴퓨터의 시계를 맞추세요 (chrony, systemd-timesyncd). 세션과 기록의 시각이 어긋나요.";
        Self::problem(Severity::Warning, subject, found, advice)
    }

    /// Checks the free space of a disk.
    pub fn free_space(subject: impl Into<String>, free_bytes: u64) -> Self {
        let found = format!("{} 남았어요", human_size(free_bytes));
        let advice = "공간을 비우거나 디스크를 늘리세요. 가득 차면 저장하지 못해요.";
        match free_bytes {
            ..MIN_FREE_BYTES => Self::problem(Severity::Bad, subject, found, advice),
            MIN_FREE_BYTES..LOW_FREE_BYTES => Self::problem(Severity::Warning, subject, found, advice),
            _ => Self::ok(subject, found),
        }
    }
}

/// Formats a number of bytes: `12.3 GB`.
pub(super) fn human_size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    if bytes >= GIB { format!("{} GB", tenths(GIB)) } else { format!("{} MB", tenths(1 << 20)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_below_a_limit_is_reported() {
        let severity = |free| Diagnostic::free_space("디스크", free).severity;
        assert_eq!(
            [severity(MIN_FREE_BYTES - 1), severity(MIN_FREE_BYTES), severity(LOW_FREE_BYTES)],
            [Severity::Bad, Severity::Warning, Severity::Good]
        );
        assert_eq!(Diagnostic::free_space("디스크", 1_610_612_736).found, "1.5 GB 남았어요");
    }

    #[test]
    fn clock_offset_above_the_limit_is_reported() {
        assert_eq!(Diagnostic::clock_offset("시계", -2_000).severity, Severity::Good);
        let late = Diagnostic::clock_offset("시계", -2_150);
        assert_eq!((late.severity, late.found.as_str()), (Severity::Warning, "이 컴퓨터와 2.1초 달라요"));
    }
}
