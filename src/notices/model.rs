//! Kinds of texts, the window that a text names, and what a customer needs to be told.

use chrono::{Datelike, NaiveDate};

use crate::id::{DownloadId, JobId, NoticeId};
use crate::text::coded;
use crate::time::Moment;
use crate::trucks::weekdays::WEEKDAY_NAMES;

coded! {
    /// What a text is about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum NoticeKind {
        /// the evening before: day and window
        Visit = "visit" "방문 안내",
        /// day or window differ from what was told
        Change = "change" "변경 안내",
        /// the truck does not come as told
        Cancellation = "cancellation" "취소 안내",
        /// the goods are there
        Completion = "completion" "완료 안내",
    }
}

coded! {
    /// Texts that are exported together.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoticeBatch {
        /// customers who have not been told
        Visit = "visit" "방문 안내",
        /// customers to whom something else was told
        Again = "again" "다시 안내",
        /// customers who have their goods
        Completion = "completion" "완료 안내",
    }
}

impl NoticeBatch {
    /// The batch of a kind.
    pub const fn of(kind: NoticeKind) -> Self {
        match kind {
            NoticeKind::Visit => Self::Visit,
            NoticeKind::Change | NoticeKind::Cancellation => Self::Again,
            NoticeKind::Completion => Self::Completion,
        }
    }
}

coded! {
    /// How a text travels.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum NoticeForm {
        /// 단문
        Sms = "sms" "SMS",
        /// 장문
        Lms = "lms" "LMS",
        /// 카카오 알림톡, by the sender's own template
        Alimtalk = "alimtalk" "알림톡",
    }
}

/// A text that was written into a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// generated identifier
    pub id: NoticeId,
    /// the job
    pub job_id: JobId,
    /// what it is about
    pub kind: NoticeKind,
    /// how it travels
    pub form: NoticeForm,
    /// day of the visit
    pub day: NaiveDate,
    /// first and last minute that it names
    pub window: Option<(i64, i64)>,
    /// the text
    pub message: String,
    /// the download with its file
    pub download_id: DownloadId,
    /// username of who wrote the file; none for the command line
    pub written_by: Option<String>,
    /// when
    pub written_at: Moment,
    /// when a member said that the file was not sent
    pub withdrawn_at: Option<Moment>,
}

/// Minutes of a window that a customer is told.
const WINDOW_MINUTES: i64 = 120;

/// Windows begin at multiples of this.
const STEP_MINUTES: i64 = 30;

/// Last minute of a day.
const LAST_MINUTE: i64 = 24 * 60 - 1;

/// The window to tell for a visit whose work begins at `begins_at`: two hours around it, to the half hour, not before the
/// truck leaves the depot, and inside of what was promised. None if the work begins outside of the promise or after
/// midnight: the plan has to be mended first.
pub fn window_to_tell(begins_at: i64, departs_at: i64, promised: Option<(i64, i64)>) -> Option<(i64, i64)> {
    let (earliest, latest) = promised.unwrap_or((departs_at.div_euclid(STEP_MINUTES) * STEP_MINUTES, LAST_MINUTE));
    if !(earliest..=latest).contains(&begins_at) || begins_at > LAST_MINUTE {
        return None;
    }
    if latest - earliest <= WINDOW_MINUTES {
        return Some((earliest, latest));
    }
    let centre = (begins_at + STEP_MINUTES / 2).div_euclid(STEP_MINUTES) * STEP_MINUTES;
    let from = (centre - WINDOW_MINUTES / 2).clamp(earliest, latest - WINDOW_MINUTES);
    Some((from, from + WINDOW_MINUTES))
}

/// The last thing that a customer was told of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldVisit {
    /// visit, change or cancellation
    pub kind: NoticeKind,
    /// day
    pub day: NaiveDate,
    /// first and last minute
    pub window: Option<(i64, i64)>,
    /// whether the truck was there on that day
    pub is_over: bool,
}

/// What is planned now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedVisit {
    /// day
    pub day: NaiveDate,
    /// minute of the day at which the work begins
    pub begins_at: i64,
}

/// What a customer needs to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeNeed {
    /// day and window, for the first time
    Visit,
    /// another day
    OtherDay,
    /// another window of the same day
    OtherWindow,
    /// the truck does not come as told
    Cancellation,
    /// the goods are there
    Completion,
}

impl NoticeNeed {
    /// The kind of text that tells it.
    pub const fn kind(self) -> NoticeKind {
        match self {
            Self::Visit => NoticeKind::Visit,
            Self::OtherDay | Self::OtherWindow => NoticeKind::Change,
            Self::Cancellation => NoticeKind::Cancellation,
            Self::Completion => NoticeKind::Completion,
        }
    }

    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Visit => "안내 전",
            Self::OtherDay => "날짜가 바뀜",
            Self::OtherWindow => "시간대를 벗어남",
            Self::Cancellation => "방문이 없어짐",
            Self::Completion => "완료 안내 전",
        }
    }
}

/// What a customer needs to be told of a visit before it. `planned` is none if no truck goes there: the delivery was
/// cancelled, or waits for another day.
pub fn need(told: Option<&ToldVisit>, planned: Option<&PlannedVisit>, today: NaiveDate) -> Option<NoticeNeed> {
    let told = told.filter(|told| told.kind != NoticeKind::Cancellation && !told.is_over);
    match (told, planned) {
        (None, None) => None,
        (None, Some(_)) => Some(NoticeNeed::Visit),
        // A day that has passed needs no cancellation any more.
        (Some(told), None) => (told.day >= today).then_some(NoticeNeed::Cancellation),
        (Some(told), Some(planned)) if told.day != planned.day => Some(NoticeNeed::OtherDay),
        (Some(told), Some(planned)) => {
            let is_kept = told.window.is_none_or(|(from, to)| (from..=to).contains(&planned.begins_at));
            (!is_kept).then_some(NoticeNeed::OtherWindow)
        }
    }
}

/// A day as customers read it: `12월 1일(화)`.
pub fn day_label(day: NaiveDate) -> String {
    let weekday = WEEKDAY_NAMES[day.weekday().num_days_from_monday() as usize];
    format!("{}월 {}일({weekday})", day.month(), day.day())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;

    fn day(text: &str) -> NaiveDate {
        parse_date(text).expect("a date")
    }

    #[test]
    fn window_is_two_hours_around_the_visit_to_the_half_hour() {
        let window = |begins_at| window_to_tell(begins_at, 510, None);
        assert_eq!(window(640), Some((570, 690)), "10:40 is told as 09:30~11:30");
        assert_eq!(window(645), Some((600, 720)));
        for begins_at in 560..1_300 {
            let (from, to) = window(begins_at).expect("a window");
            assert!(to - from == 120 && from % 30 == 0, "{begins_at}");
            assert!(begins_at - from >= 45 && to - begins_at >= 45, "{begins_at} has room on both sides");
        }
    }

    #[test]
    fn window_begins_after_the_departure_and_ends_in_the_day() {
        assert_eq!(window_to_tell(530, 510, None), Some((510, 630)));
        assert_eq!(window_to_tell(520, 525, None), Some((510, 630)));
        assert_eq!(window_to_tell(1_439, 510, None), Some((1_319, 1_439)));
        assert_eq!(window_to_tell(1_445, 510, None), None, "after midnight");
    }

    #[test]
    fn window_stays_inside_of_the_promise() {
        let promised = |begins_at, promise| window_to_tell(begins_at, 510, Some(promise));
        assert_eq!(promised(640, (600, 660)), Some((600, 660)), "a promise of an hour is told as it is");
        assert_eq!(promised(600, (540, 720)), Some((540, 660)));
        assert_eq!(promised(715, (540, 720)), Some((600, 720)));
        assert_eq!(promised(730, (540, 720)), None, "the plan breaks the promise");
        assert_eq!(promised(530, (540, 720)), None);
    }

    #[test]
    fn customer_is_told_once_and_again_when_the_plan_leaves_what_was_told() {
        let today = day("2026-12-01");
        let told =
            ToldVisit { kind: NoticeKind::Visit, day: day("2026-12-02"), window: Some((570, 690)), is_over: false };
        let planned = |text: &str, begins_at| PlannedVisit { day: day(text), begins_at };
        let on_time = planned("2026-12-02", 640);
        assert_eq!(need(None, Some(&on_time), today), Some(NoticeNeed::Visit));
        assert_eq!(need(Some(&told), Some(&on_time), today), None);
        for begins_at in [570, 690] {
            assert_eq!(need(Some(&told), Some(&planned("2026-12-02", begins_at)), today), None, "still inside");
        }
        assert_eq!(need(Some(&told), Some(&planned("2026-12-02", 691)), today), Some(NoticeNeed::OtherWindow));
        assert_eq!(need(Some(&told), Some(&planned("2026-12-03", 640)), today), Some(NoticeNeed::OtherDay));
        assert_eq!(need(Some(&told), None, today), Some(NoticeNeed::Cancellation));
        assert_eq!(need(Some(&told), None, day("2026-12-03")), None, "the day has passed");
        assert_eq!(need(None, None, today), None);
    }

    #[test]
    fn cancelled_or_past_visit_is_told_anew() {
        let today = day("2026-12-01");
        let on_time = PlannedVisit { day: day("2026-12-02"), begins_at: 640 };
        let cancelled =
            ToldVisit { kind: NoticeKind::Cancellation, day: day("2026-12-02"), window: None, is_over: false };
        assert_eq!(need(Some(&cancelled), Some(&on_time), today), Some(NoticeNeed::Visit));
        assert_eq!(need(Some(&cancelled), None, today), None);
        let nobody_home =
            ToldVisit { kind: NoticeKind::Visit, day: day("2026-11-30"), window: Some((570, 690)), is_over: true };
        assert_eq!(need(Some(&nobody_home), Some(&on_time), today), Some(NoticeNeed::Visit));
        assert_eq!(need(Some(&nobody_home), None, today), None);
    }

    #[test]
    fn day_is_written_with_its_weekday() {
        assert_eq!(day_label(day("2026-12-01")), "12월 1일(화)");
    }
}
