//! What a look at the set-up found.

use serde::Serialize;

/// Clocks of the same set-up that differ by more are not set by anybody.
const CLOCKS_MS: i64 = 2_000;

/// Less free space than this is the end of a working day, and less than the second of a busy month.
const GIB: u64 = 1 << 30;
const LITTLE: u64 = 5 * GIB;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// as it should be
    Good,
    /// mend it soon
    Warning,
    /// the shop cannot work, or may lose something
    Bad,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// how bad it is
    pub severity: Severity,
    /// what was looked at
    pub subject: String,
    /// what was found
    pub found: String,
    /// what to do; nothing where all is well
    pub advice: String,
}

impl Finding {
    /// As it should be.
    pub fn good(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self { severity: Severity::Good, subject: subject.into(), found: found.into(), advice: String::new() }
    }

    /// Not as it should be.
    pub fn wrong(
        severity: Severity,
        subject: impl Into<String>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { severity, subject: subject.into(), found: found.into(), advice: advice.into() }
    }

    /// How far ahead of this computer's clock another one is.
    pub fn clock(subject: impl Into<String>, ahead_ms: i64) -> Self {
        let found = format!("이 컴퓨터와 {}.{}초 달라요", ahead_ms.abs() / 1000, ahead_ms.abs() % 1000 / 100);
        if ahead_ms.abs() <= CLOCKS_MS {
            return Self::good(subject, found);
        }
        let advice = "두 컴퓨터의 시계를 맞추세요 (chrony, systemd-timesyncd). 세션과 기록의 시각이 어긋나요.";
        Self::wrong(Severity::Warning, subject, found, advice)
    }

    /// How many bytes are left on a disk.
    pub fn space(subject: impl Into<String>, left: u64) -> Self {
        let found = format!("{} 남았어요", size(left));
        let advice = "자리를 비우거나 디스크를 늘리세요. 가득 차면 저장하지 못해요.";
        match left {
            ..GIB => Self::wrong(Severity::Bad, subject, found, advice),
            GIB..LITTLE => Self::wrong(Severity::Warning, subject, found, advice),
            _ => Self::good(subject, found),
        }
    }
}

/// `12.3 GB`.
pub(super) fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    if bytes >= GIB { format!("{} GB", tenths(GIB)) } else { format!("{} MB", tenths(1 << 20)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_space_and_clocks_that_differ_are_said() {
        let space = |left| Finding::space("디스크", left).severity;
        assert_eq!([space(GIB - 1), space(GIB), space(LITTLE)], [Severity::Bad, Severity::Warning, Severity::Good]);
        assert_eq!(Finding::space("디스크", 1_610_612_736).found, "1.5 GB 남았어요");
        assert_eq!(Finding::clock("시계", -2_000).severity, Severity::Good);
        let wrong = Finding::clock("시계", -2_150);
        assert_eq!((wrong.severity, wrong.found.as_str()), (Severity::Warning, "이 컴퓨터와 2.1초 달라요"));
    }
}
