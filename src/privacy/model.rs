//! Retention of orders, certificates, and what 법 점검 says of both.

use chrono::{Months, NaiveDate};

use crate::id::DestructionId;
use crate::storage::{Diagnostic, Severity};
use crate::text::coded;
use crate::time::Moment;

/// Years that contracts and supplies have to be kept (전자상거래법 시행령 제6조 ①).
pub const CONTRACT_YEARS: u32 = 5;

/// Years that complaints and disputes have to be kept (전자상거래법 시행령 제6조 ①).
pub const COMPLAINT_YEARS: u32 = 3;

/// Years that grants and withdrawals of rights have to be kept (안전성 확보조치 기준 제5조).
const GRANT_YEARS: u32 = 3;

/// Days after the end of the retention within which data has to be destroyed (표준 개인정보 보호지침 제10조).
pub const DESTRUCTION_DAYS: i64 = 5;

/// Days that the preview looks ahead.
pub const PREVIEW_DAYS: u64 = 30;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Years that the shop keeps orders: at least [`CONTRACT_YEARS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionYears(u32);

impl RetentionYears {
    /// The configured years, or those of the law if these are more.
    pub fn new(configured: u32) -> Self {
        Self(configured.max(CONTRACT_YEARS))
    }

    /// The number.
    pub const fn years(self) -> u32 {
        self.0
    }

    /// Data of days before this one is due: the retention ends at midnight, so that a run a day is enough.
    pub fn first_kept_day(self, today: NaiveDate) -> NaiveDate {
        years_before(today, self.0)
    }
}

/// The first day whose entries of the audit log are kept. What has to be proven of an order is in its own log.
pub fn first_kept_audit_day(today: NaiveDate) -> NaiveDate {
    years_before(today, GRANT_YEARS)
}

fn years_before(today: NaiveDate, years: u32) -> NaiveDate {
    today.checked_sub_months(Months::new(years.saturating_mul(12))).unwrap_or(NaiveDate::MIN)
}

coded! {
    /// Why data was destroyed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DestructionReason {
        /// its retention ended
        Retention = "retention" "보관 기간이 끝나서",
        /// the person demanded it
        Request = "request" "본인이 요구해서",
    }
}

/// What was destroyed, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DestroyedCounts {
    /// orders
    pub orders: u64,
    /// deliveries without any other order
    pub deliveries: u64,
    /// entries of the logs of orders, of deliveries and of members
    pub log_entries: u64,
    /// search terms
    pub search_terms: u64,
    /// uploads whose report was destroyed
    pub uploads: u64,
    /// rows of reports
    pub upload_rows: u64,
    /// downloads whose search words and notes were overwritten
    pub download_notes: u64,
    /// photographs of deliveries
    pub photos: u64,
}

impl DestroyedCounts {
    /// Whether nothing was destroyed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each number with its label.
    pub const fn lines(&self) -> [(&'static str, u64); 8] {
        [
            ("주문", self.orders),
            ("배송", self.deliveries),
            ("로그", self.log_entries),
            ("검색어", self.search_terms),
            ("업로드 결과", self.uploads),
            ("업로드 결과의 행", self.upload_rows),
            ("내려받기 기록의 조건과 메모", self.download_notes),
            ("배송 증빙 사진", self.photos),
        ]
    }
}

/// Certificate of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destruction {
    /// identifier
    pub id: DestructionId,
    /// start
    pub started_at: Moment,
    /// end; none while it runs
    pub finished_at: Option<Moment>,
    /// why
    pub reason: DestructionReason,
    /// username of the member who did it; none for the program
    pub username: Option<String>,
    /// data of earlier days was destroyed
    pub before: NaiveDate,
    /// what was destroyed
    pub counts: DestroyedCounts,
}

/// What is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DuePreview {
    /// orders
    pub orders: i64,
    /// first and last 주문일 of them
    pub placed: Option<(Moment, Moment)>,
    /// uploads
    pub uploads: i64,
}

/// What was measured about destruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestructionStatus {
    /// years that orders are kept
    pub keep: RetentionYears,
    /// data of earlier days is due
    pub before: NaiveDate,
    /// what is due now
    pub due: DuePreview,
    /// what will be due in [`PREVIEW_DAYS`], with what is due now
    pub soon: DuePreview,
    /// orders that were due more than [`DESTRUCTION_DAYS`] ago
    pub overdue: i64,
    /// orders that would be due, but for a claim, a job or a value that is not settled
    pub open: i64,
    /// when the job last looked for due data
    pub checked_at: Option<Moment>,
    /// the last certificate
    pub last: Option<Destruction>,
}

impl DestructionStatus {
    /// The line of 법 점검 and of `mukkeum doctor`.
    pub fn check(&self, now: Moment) -> Diagnostic {
        const SUBJECT: &str = "보관 기간이 끝난 주문";
        let years = self.keep.years();
        if self.overdue > 0 {
            let found = format!("보관 기간이 끝난 지 {DESTRUCTION_DAYS}일이 넘은 주문이 {}건 있어요", self.overdue);
            let advice =
                "프로그램을 켜 두면 자동으로 파기해요. 켜 두었는데도 남아 있으면 기록(로그)의 오류를 확인하세요.";
            return Diagnostic::problem(Severity::Warning, SUBJECT, found, advice);
        }
        if self.open > 0 {
            let found =
                format!("{years}년이 지났지만 클레임이나 일감, 확인할 값이 남아 있는 주문이 {}건 있어요", self.open);
            let advice = "주문을 열어서 마무리하면 파기해요.";
            return Diagnostic::problem(Severity::Warning, SUBJECT, found, advice);
        }
        let last = self.last.as_ref().map_or_else(String::new, |last| {
            format!(". 마지막으로 {}에 주문 {}건을 파기했어요", last.started_at, last.counts.orders)
        });
        match self.checked_at {
            Some(at) if now.0 - at.0 <= 2 * DAY_MS => {
                Diagnostic::ok(SUBJECT, format!("{at}에 확인했어요. {years}년이 지난 주문이 남아 있지 않아요{last}"))
            }
            Some(at) => Diagnostic::problem(
                Severity::Warning,
                SUBJECT,
                format!("마지막으로 {at}에 확인했어요"),
                "프로그램을 켜 두면 한 시간마다 확인하고 파기해요.",
            ),
            None => Diagnostic::problem(
                Severity::Warning,
                SUBJECT,
                "아직 확인하지 않았어요",
                "프로그램을 켜 두면 한 시간 안에 확인하고 파기해요.",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn orders_are_kept_for_five_years_whatever_is_configured() {
        for (configured, today, first) in [
            (5, "2026-11-22", "2021-11-22"),
            (1, "2026-11-22", "2021-11-22"),
            (7, "2026-11-22", "2019-11-22"),
            (5, "2028-02-29", "2023-02-28"),
        ] {
            assert_eq!(RetentionYears::new(configured).first_kept_day(day(today)), day(first), "{today}");
        }
        assert_eq!(first_kept_audit_day(day("2026-11-22")), day("2023-11-22"));
    }

    #[test]
    fn overdue_orders_and_a_job_that_does_not_run_are_reported() {
        let now = Moment::start_of(day("2026-11-22"));
        let status = |overdue, checked_at| DestructionStatus {
            keep: RetentionYears::new(5),
            before: day("2021-11-22"),
            due: DuePreview::default(),
            soon: DuePreview::default(),
            overdue,
            open: 0,
            checked_at,
            last: None,
        };
        let severity = |status: DestructionStatus| status.check(now).severity;
        assert_eq!(severity(status(0, Some(now.plus_ms(-3_600_000)))), Severity::Good);
        assert_eq!(severity(status(0, Some(now.plus_ms(-3 * DAY_MS)))), Severity::Warning);
        assert_eq!(severity(status(0, None)), Severity::Warning);
        assert_eq!(severity(status(1, Some(now))), Severity::Warning);
        assert_eq!(severity(DestructionStatus { open: 1, ..status(0, Some(now)) }), Severity::Warning);
    }
}
