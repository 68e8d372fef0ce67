//! The board as its template shows it.

use chrono::NaiveDate;

use super::column_text;
use crate::districts::Districts;
use crate::id::DeliveryId;
use crate::masking::{MaskPolicy, mask};
use crate::orders::bundle::DeliveryState;
use crate::plans::assign::reason_label;
use crate::plans::board::{Board, BoardItem, Column};
use crate::plans::edit::column_name;
use crate::plans::model::{Attempt, Hold, JobKind, window_label};
use crate::plans::schedule::{Excess, Visit};
use crate::plans::work::{StopEffort, WorkChange};
use crate::routing::points::PointAccuracy;
use crate::time::duration_label;
use crate::trucks::model::{clock_label, volume_label};

/// A delivery on the board.
pub(super) struct Card {
    pub(super) id: String,
    /// the delivery
    pub(super) delivery_id: DeliveryId,
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) address: String,
    pub(super) district: String,
    /// `30분 · 2명 · 1.5m³ · 2개`
    pub(super) effort: String,
    pub(super) has_default_effort: bool,
    pub(super) window: Option<String>,
    /// arrival and departure, for a stop
    pub(super) times: Option<(String, String)>,
    pub(super) waiting: i64,
    pub(super) is_late: bool,
    pub(super) hold: Hold,
    pub(super) changes: Vec<ChangeTag>,
    pub(super) tags: Vec<(&'static str, String)>,
    /// why it is not planned
    pub(super) reasons: Vec<String>,
    /// attempts that failed before: `지난 실패 2번: 11/28 부재, 11/29 연락 안 됨`
    pub(super) attempts: Option<String>,
    /// whether it is chosen, after a preview of its move
    pub(super) is_ticked: bool,
}

/// What has changed since the plan was made.
pub(super) struct ChangeTag {
    pub(super) label: String,
    pub(super) is_alarming: bool,
    /// whether nothing is left to do
    pub(super) is_end: bool,
}

impl Card {
    /// Whether nothing is left to do: it leaves the tour instead of being acknowledged.
    pub(super) fn is_over(&self) -> bool {
        self.changes.iter().any(|change| change.is_end)
    }

    fn new(item: &BoardItem, districts: &Districts) -> Self {
        let (work, effort) = (&item.work, item.effort);
        let mut tags = Vec::new();
        let kind = work.kind();
        if kind != JobKind::Deliver {
            tags.push(("accent", kind.label().to_owned()));
        } else if !work.apart.is_empty() {
            tags.push(("accent", "나눔".to_owned()));
        }
        if kind == JobKind::Deliver && work.state == DeliveryState::Preparing {
            tags.push(("", "출고 전".to_owned()));
        }
        tags.extend(work.claims().into_iter().map(|claim| ("danger", claim.to_owned())));
        match item.place {
            Some((_, PointAccuracy::District)) => tags.push(("", "위치 어림".to_owned())),
            Some((_, PointAccuracy::Corrected)) => tags.push(("", "위치 바로잡음".to_owned())),
            Some((_, PointAccuracy::Zone | PointAccuracy::Neighbours)) | None => {}
        }
        Self {
            id: work.key.to_string(),
            delivery_id: work.delivery_id,
            position: 0,
            name: work.recipient.name.clone(),
            summary: work.summary(),
            address: work.recipient.address1.clone(),
            district: work.sigungu_code.and_then(|code| districts.display_name(code)).unwrap_or_default(),
            effort: effort_label(&effort, kind),
            has_default_effort: effort.has_default,
            window: item.window().map(window_label),
            times: None,
            waiting: 0,
            is_late: false,
            hold: Hold::Free,
            changes: Vec::new(),
            tags,
            reasons: Vec::new(),
            attempts: attempts_label(&item.attempts),
            is_ticked: false,
        }
    }

    /// Masks the recipient if the delivery is hidden on the board of `day`.
    pub(super) fn mask(&mut self, masking: &MaskPolicy, day: NaiveDate) {
        if masking.hides(self.delivery_id, masking.is_due_on(day)) {
            self.name = mask::name(&self.name);
            self.address = mask::address(&self.address);
        }
    }

    /// A delivery that is not planned.
    fn unplanned(item: &BoardItem, board: &Board, districts: &Districts) -> Self {
        let mut card = Self::new(item, districts);
        let wished = item.work.preferred_date.filter(|_| item.work.task.is_none());
        match item.job.as_ref().and_then(|job| job.day).or(wished) {
            Some(date) if date < board.day => {
                card.tags.insert(0, ("accent", format!("{}부터", date.format("%-m/%-d"))));
            }
            Some(_) => {}
            None => card.tags.insert(0, ("", "날짜 없음".to_owned())),
        }
        if item.work.is_held() {
            card.reasons.push("취소 요청이 있어 자동으로 배차하지 않아요".to_owned());
        } else if let Some(refusal) = &item.not_served {
            card.reasons.push(refusal.sentence());
        } else if item.place.is_none() {
            card.reasons.push("우편번호의 위치를 몰라 거리를 계산하지 못해요".to_owned());
        } else if let Some((day, rules)) = item.job.as_ref().and_then(|job| job.left_out.as_ref())
            && *day == board.day
        {
            card.reasons.extend(rules.iter().map(|rule| reason_label(rule).to_owned()));
        }
        card
    }
}

/// A bar: how much of a limit is used.
pub(super) struct Bar {
    pub(super) name: &'static str,
    pub(super) value: i64,
    pub(super) max: i64,
    pub(super) text: String,
    pub(super) is_over: bool,
}

/// A round of a truck.
pub(super) struct ColumnView {
    pub(super) key: String,
    pub(super) version: i64,
    /// link to the stored tour
    pub(super) href: Option<String>,
    pub(super) name: String,
    pub(super) crew: i64,
    pub(super) day_off: Option<String>,
    pub(super) is_fixed: bool,
    pub(super) is_handed_out: bool,
    /// who drives, once the tour was handed out
    pub(super) driver: Option<String>,
    pub(super) state: &'static str,
    /// `08:30~17:10 · 운전 130분`
    pub(super) times: String,
    pub(super) bars: Vec<Bar>,
    pub(super) excesses: Vec<&'static str>,
    pub(super) cards: Vec<Card>,
    /// stops that have changed since they were planned
    pub(super) changed: usize,
}

impl ColumnView {
    pub(super) fn new(column: &Column, districts: &Districts) -> Self {
        let (schedule, truck, round) = (&column.schedule, &column.truck, &column.round);
        let excesses = column.excesses();
        let is_over = |excess: Excess| excesses.contains(&excess);
        let bar = |name, value: i64, max: i64, text, is_over| Bar { name, value, max, text, is_over };
        let worked = schedule.duration.min(round.shift_minutes);
        let mut bars = vec![
            bar(
                "부피",
                schedule.volume,
                truck.volume,
                format!("{} / {}m³", volume_label(schedule.volume), volume_label(truck.volume)),
                is_over(Excess::Volume),
            ),
            bar(
                "개수",
                schedule.pieces,
                truck.pieces,
                format!("{} / {}개", schedule.pieces, truck.pieces),
                is_over(Excess::Pieces),
            ),
            bar(
                "시간",
                worked,
                round.shift_minutes,
                format!("{} / {}", duration_label(worked), duration_label(round.shift_minutes)),
                false,
            ),
        ];
        if round.overtime_minutes > 0 || schedule.overtime > 0 {
            bars.push(bar(
                "연장",
                schedule.overtime,
                round.overtime_minutes.max(1),
                format!("{} / {}", duration_label(schedule.overtime), duration_label(round.overtime_minutes)),
                is_over(Excess::Overtime),
            ));
        }
        let card = |(position, (stop, visit)): (usize, (&crate::plans::board::BoardStop, &Visit))| Card {
            position,
            times: Some((clock_label(visit.arrives_at), clock_label(visit.leaves_at))),
            waiting: visit.waiting,
            is_late: visit.is_late,
            hold: stop.stop.hold,
            changes: stop.changes.iter().map(change_tag).collect(),
            ..Card::new(&stop.item, districts)
        };
        Self {
            key: column_text(column.key()),
            version: column.version(),
            href: column.tour.as_ref().map(|tour| format!("/plans/tours/{}", tour.id)),
            name: column_name(column),
            crew: truck.crew,
            day_off: column.day_off.clone(),
            is_fixed: column.is_fixed(),
            is_handed_out: column.is_handed_out(),
            driver: None,
            state: column.tour.as_ref().map_or("", |tour| tour.state.label()),
            times: format!(
                "{}~{} · 운전 {}",
                clock_label(round.starts_at),
                clock_label(schedule.returns_at),
                duration_label(schedule.driving)
            ),
            bars,
            excesses: excesses.iter().map(|excess| excess.label()).collect(),
            changed: column.stops.iter().filter(|stop| stop.changes.iter().any(WorkChange::is_alarming)).count(),
            cards: (1..).zip(column.visits()).map(card).collect(),
        }
    }
}

/// `30분 · 2명 · 1.5m³ · 2개`, with what is collected: `회수 0.8m³ · 1개`.
fn effort_label(effort: &StopEffort, kind: JobKind) -> String {
    let mut parts = vec![duration_label(effort.minutes), format!("{}명", effort.crew)];
    if kind.delivers() {
        parts.push(format!("{}m³ · {}개", volume_label(effort.volume), effort.pieces));
    }
    if kind.collects() {
        parts.push(format!("회수 {}m³ · {}개", volume_label(effort.collected_volume), effort.collected_pieces));
    }
    parts.join(" · ")
}

fn attempts_label(attempts: &[Attempt]) -> Option<String> {
    let labels: Vec<String> = attempts.iter().map(Attempt::label).collect();
    (!labels.is_empty()).then(|| format!("지난 실패 {}번: {}", labels.len(), labels.join(", ")))
}

fn change_tag(change: &WorkChange) -> ChangeTag {
    ChangeTag { label: change.label(), is_alarming: change.is_alarming(), is_end: change.is_end() }
}

/// The columns and the pool of a board.
pub(super) fn views(board: &Board, districts: &Districts) -> (Vec<ColumnView>, Vec<Card>) {
    let columns = board.columns.iter().map(|column| ColumnView::new(column, districts)).collect();
    let mut pool: Vec<Card> = board.pool.iter().map(|item| Card::unplanned(item, board, districts)).collect();
    pool.sort_by(|one, other| (&one.district, &one.name).cmp(&(&other.district, &other.name)));
    (columns, pool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_names_what_is_brought_and_what_is_taken() {
        let effort = StopEffort {
            minutes: 30,
            crew: 2,
            volume: 150,
            pieces: 2,
            collected_volume: 80,
            collected_pieces: 1,
            has_default: false,
        };
        assert_eq!(effort_label(&effort, JobKind::Deliver), "30분 · 2명 · 1.5m³ · 2개");
        assert_eq!(effort_label(&effort, JobKind::Collect), "30분 · 2명 · 회수 0.8m³ · 1개");
        assert_eq!(effort_label(&effort, JobKind::Swap), "30분 · 2명 · 1.5m³ · 2개 · 회수 0.8m³ · 1개");
        assert_eq!(effort_label(&effort, JobKind::Measure), "30분 · 2명");
    }
}
