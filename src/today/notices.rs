//! What waits for an administrator or 주문 담당: notices of the bar above every page, and of the first page.
//!
//! [`notices`] is a pure function of facts. Each notice has its way out: the page on which it is settled.

use crate::backup::TargetStatus;
use crate::objects::readable_address;
use crate::storage::{Diagnostic, Severity};
use crate::time::Moment;

use super::dashboard::{Figure, OpenWork};

/// Age of the last copy above which the backup has stopped: half an hour.
const MAX_BACKUP_AGE_MS: i64 = 30 * 60 * 1000;

/// Days before the end of a certificate from which it is a notice. The program renews its own earlier.
const CERTIFICATE_DAYS: i64 = 14;

/// How urgent a notice is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// data or a customer is at risk
    Danger,
    /// it waits for somebody
    Waiting,
    /// it can wait; not counted in the bar
    Later,
}

impl Urgency {
    /// Class of its icon.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Danger => "danger",
            Self::Waiting => "warning",
            Self::Later => "later",
        }
    }

    /// Its icon.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Danger => "exclamation-triangle",
            Self::Waiting => "info-circle",
            Self::Later => "list-check",
        }
    }
}

/// Something that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// how urgent it is
    pub urgency: Urgency,
    /// what waits, such as `기한이 지난 주문`
    pub subject: String,
    /// what happened and what to do
    pub advice: String,
    /// how many there are; none for one thing
    pub figure: Option<Figure>,
    /// the page on which it is settled
    pub href: String,
    /// label of the link
    pub action: &'static str,
    /// whether 주문 담당 sees it as well: it is settled with orders or uploads
    pub is_for_orders: bool,
}

/// The notices of 주문 담당.
pub fn for_orders(mut notices: Vec<Notice>) -> Vec<Notice> {
    notices.retain(|notice| notice.is_for_orders);
    notices
}

/// The backup of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackupFact {
    /// no backup by this program: a demo, or a shop in MariaDB
    NotNeeded,
    /// no place to back up to
    Off,
    /// the state of each target
    Targets(Vec<TargetStatus>),
    /// all targets are folders on the disk of the data, and their state
    SameDisk(Vec<TargetStatus>),
}

/// What the notices follow from, besides the open work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineFacts {
    /// the present
    pub now: Moment,
    /// the backup
    pub backup: BackupFact,
    /// end of the certificate in use, in whole days; none without one
    pub certificate_days: Option<i64>,
    /// whether passwords cross the network unencrypted
    pub is_insecure: bool,
    /// free bytes on the disk of the data; none if unknown
    pub free_bytes: Option<u64>,
}

/// The notices, the most urgent first.
pub fn notices(work: &OpenWork, machine: &MachineFacts) -> Vec<Notice> {
    let mut notices = work_notices(work);
    notices.extend(machine_notices(machine));
    notices.sort_by_key(|notice| notice.urgency);
    notices
}

/// Number of notices that wait for somebody.
pub fn waiting_count(notices: &[Notice]) -> usize {
    notices.iter().filter(|notice| notice.urgency != Urgency::Later).count()
}

fn work_notices(work: &OpenWork) -> Vec<Notice> {
    use Urgency::{Danger, Later, Waiting};
    let [late_placed, late_purchased] = &work.late;
    let [changed_plans, changed_loads] = &work.changed_stops;
    let rows = [
        (
            Danger,
            "유출 사건",
            "개인정보가 새었거나 새었을 수 있어요. 알게 된 때부터 72시간 안에 알려야 해요.",
            &work.breaches,
            "대응하기",
        ),
        (
            Danger,
            "실은 다음 바뀐 배송",
            "이미 실었거나 나간 차에 취소되거나 바뀐 주문이 있어요. 기사에게 전화하고 배차판의 ‘바뀜’을 확인해 주세요.",
            changed_loads,
            "배차 보기",
        ),
        (Danger, "발주하지 않은 기한 지난 주문", "발송기한이 지났는데 아직 주문 상태예요.", late_placed, "주문 보기"),
        (
            Danger,
            "출고하지 않은 기한 지난 주문",
            "발송기한이 지났는데 아직 발주 상태예요.",
            late_purchased,
            "주문 보기",
        ),
        (Waiting, "처리할 클레임", "고객이 취소·반품·교환을 요청했어요.", &work.claims, "주문 보기"),
        (
            Waiting,
            "오류 행이 남은 업로드",
            "수정해서 다시 올리거나 처리 완료로 표시해 주세요.",
            &work.rejected,
            "오류 보기",
        ),
        (Waiting, "결정할 값이 남은 업로드", "판매채널 값과 우리 값 중 선택해 주세요.", &work.undecided, "결정하기"),
        (Waiting, "미분류 주문", "우편번호로 시/군/구를 찾지 못했어요.", &work.unclassified, "바로잡기"),
        (Waiting, "확인할 기사 기록", "기사가 전한 것과 사무실이 아는 것이 달라요.", &work.drive_findings, "확인하기"),
        (
            Waiting,
            "확정한 다음 바뀐 배송",
            "배차를 확정한 다음 취소되거나 바뀐 주문이 있어요. 싣기 전에 ‘바뀜’을 확인해 주세요.",
            changed_plans,
            "배차 보기",
        ),
        (
            Waiting,
            "접속기록을 점검할 달",
            "개인정보를 함부로 보지 않았는지 확인하고 남겨 주세요.",
            &work.inspections,
            "점검하기",
        ),
        (
            Waiting,
            "지연을 알릴 주문",
            "결제하고 3영업일이나 약속한 날이 지났어요. 고객에게 이유를 알리고 기록해 주세요.",
            &work.delays,
            "주문 보기",
        ),
        (
            Waiting,
            "답할 본인 요구",
            "자기 정보를 보여 주거나 수정하거나 지워 달라는 요구예요. 받은 날부터 10일 안에 답해야 해요.",
            &work.requests,
            "답하기",
        ),
        (
            Waiting,
            "오래 들어오지 않은 회원",
            "90일 넘게 들어오지 않았어요. 로그인을 막거나 그대로 둘지 정해 주세요.",
            &work.absent_members,
            "회원 보기",
        ),
        (Later, "발주서 표기 미지정 상품", "발주서에 쓸 옵션 이름을 정해 주세요.", &work.missing_labels, "상품 보기"),
    ];
    rows.into_iter()
        .filter(|(_, _, _, figure, _)| !figure.is_zero())
        .map(|(urgency, subject, advice, figure, action)| Notice {
            urgency,
            subject: subject.to_owned(),
            advice: advice.to_owned(),
            figure: Some(figure.clone()),
            href: figure.href.clone(),
            action,
            is_for_orders: ["/orders", "/uploads"].iter().any(|page| figure.href.starts_with(page)),
        })
        .collect()
}

fn machine_notices(machine: &MachineFacts) -> Vec<Notice> {
    let notice = |urgency, subject: &str, advice: String, href: &str, action| Notice {
        urgency,
        subject: subject.to_owned(),
        advice,
        figure: None,
        href: href.to_owned(),
        action,
        is_for_orders: false,
    };
    let mut notices = Vec::new();
    match &machine.backup {
        BackupFact::NotNeeded => {}
        BackupFact::Off => {
            let advice = "데이터가 이 컴퓨터에만 있어요. 컴퓨터가 고장 나면 주문을 모두 잃어요.";
            notices.push(notice(Urgency::Danger, "백업이 꺼져 있어요", advice.to_owned(), "/backup", "백업 켜기"));
        }
        BackupFact::Targets(statuses) | BackupFact::SameDisk(statuses) => {
            if matches!(machine.backup, BackupFact::SameDisk(_)) {
                let advice = "디스크가 고장 나면 둘 다 잃어요. USB 드라이브나 다른 디스크, 클라우드에도 백업해 주세요.";
                let subject = "백업이 데이터와 같은 디스크에 있어요";
                notices.push(notice(Urgency::Waiting, subject, advice.to_owned(), "/settings", "백업할 곳 추가"));
            }
            for status in statuses {
                if let Some(advice) = backup_problem(status, machine.now) {
                    let subject = format!("백업이 멈췄어요: {}", readable_address(&status.target));
                    notices.push(notice(Urgency::Danger, &subject, advice, "/backup", "백업 보기"));
                }
            }
        }
    }
    if let Some(days) = machine.certificate_days.filter(|days| *days < CERTIFICATE_DAYS) {
        let advice = match days {
            ..0 => "다른 기기의 브라우저가 접속을 막아요. 새 인증서로 바꿔 주세요.".to_owned(),
            days => format!("{days}일 뒤부터 다른 기기에서 열리지 않아요. 새 인증서로 바꿔 주세요."),
        };
        let subject =
            if days < 0 { "인증서의 기한이 지났어요" } else { "인증서의 기한이 곧 끝나요" };
        let urgency = if days < 0 { Urgency::Danger } else { Urgency::Waiting };
        notices.push(notice(urgency, subject, advice, "/other-devices", "인증서 보기"));
    }
    if machine.is_insecure {
        let advice = "다른 기기와 오가는 비밀번호와 주문을 같은 네트워크에서 엿볼 수 있어요.";
        let subject = "통신이 암호화되지 않아요";
        notices.push(notice(Urgency::Danger, subject, advice.to_owned(), "/other-devices", "설정 보기"));
    }
    if let Some(free) = machine.free_bytes {
        let found = Diagnostic::free_space("", free);
        if found.severity != Severity::Good {
            let urgency = if found.severity == Severity::Bad { Urgency::Danger } else { Urgency::Waiting };
            let advice = format!("{}. {}", found.found, found.advice);
            notices.push(notice(urgency, "디스크 공간이 부족해요", advice, "/help/trouble", "할 일 보기"));
        }
    }
    notices
}

/// Why a target has stopped; none if it is up to date. A target that has copied nothing yet has just been set up.
fn backup_problem(status: &TargetStatus, now: Moment) -> Option<String> {
    if let Some(problem) = status.problem.as_ref().or(status.snapshot_problem.as_ref()) {
        return Some(problem.to_string());
    }
    let failure = status.verification.as_ref().and_then(|verification| verification.failure.as_ref());
    if let Some(failure) = failure {
        return Some(format!("복원 테스트에 실패했어요: {failure}"));
    }
    let is_old = status.copied_at.is_some_and(|at| now.0 - at > MAX_BACKUP_AGE_MS);
    is_old.then(|| format!("{}에 마지막으로 복사했어요.", Moment(status.copied_at.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{TargetProblem, Verification};
    use crate::orders::list::Total;

    const NOW: Moment = Moment(1_795_316_400_000);
    const FINE: MachineFacts = MachineFacts {
        now: NOW,
        backup: BackupFact::NotNeeded,
        certificate_days: None,
        is_insecure: false,
        free_bytes: None,
    };

    fn figure(number: i64) -> Figure {
        Figure { total: Total::Exactly(number), href: format!("/{number}") }
    }

    fn figure_of(page: &str, number: i64) -> Figure {
        Figure { total: Total::Exactly(number), href: page.to_owned() }
    }

    fn work(late: [i64; 2], rest: [i64; 6]) -> OpenWork {
        let [claims, rejected, undecided, unclassified, inspections, missing_labels] = rest.map(figure);
        OpenWork {
            late: late.map(figure),
            claims,
            rejected,
            undecided,
            unclassified,
            drive_findings: figure(0),
            changed_stops: [figure(0), figure(0)],
            inspections,
            delays: figure(0),
            requests: figure(0),
            breaches: figure(0),
            absent_members: figure(0),
            missing_labels,
        }
    }

    fn subjects(machine: &MachineFacts) -> Vec<String> {
        notices(&work([0; 2], [0; 6]), machine).into_iter().map(|notice| notice.subject).collect()
    }

    fn copied(at: Moment) -> TargetStatus {
        TargetStatus { target: "file:///usb".to_owned(), copied_at: Some(at.0), ..TargetStatus::default() }
    }

    #[test]
    fn quiet_shop_has_no_notice() {
        assert_eq!(notices(&work([0; 2], [0; 6]), &FINE), []);
    }

    #[test]
    fn change_after_loading_is_shouted_and_one_before_it_waits() {
        let changed = |of| OpenWork { changed_stops: of, ..work([0; 2], [0; 6]) };
        let urgency = |work: &OpenWork| notices(work, &FINE).iter().map(|notice| notice.urgency).collect::<Vec<_>>();
        assert_eq!(urgency(&changed([figure(1), figure(0)])), [Urgency::Waiting]);
        assert_eq!(urgency(&changed([figure(1), figure(2)])), [Urgency::Danger, Urgency::Waiting]);
    }

    #[test]
    fn late_orders_come_first_and_labels_can_wait() {
        let found = notices(&work([3, 0], [1, 0, 2, 0, 0, 5]), &FINE);
        let seen: Vec<_> = found.iter().map(|notice| (notice.urgency, notice.href.as_str())).collect();
        assert_eq!(
            seen,
            [(Urgency::Danger, "/3"), (Urgency::Waiting, "/1"), (Urgency::Waiting, "/2"), (Urgency::Later, "/5")]
        );
        assert_eq!(waiting_count(&found), 3, "labels are not counted in the bar");
    }

    #[test]
    fn those_who_work_with_orders_see_late_orders_and_errors_of_uploads() {
        let work = OpenWork {
            late: [figure_of("/orders?late", 3), figure_of("/orders?late", 0)],
            rejected: figure_of("/uploads?rows=rejected", 2),
            breaches: figure_of("/privacy/breaches", 1),
            unclassified: figure_of("/districts/unknown", 1),
            ..work([0; 2], [0; 6])
        };
        let all = notices(&work, &MachineFacts { backup: BackupFact::Off, ..FINE });
        let seen: Vec<String> = for_orders(all).into_iter().map(|notice| notice.href).collect();
        assert_eq!(seen, ["/orders?late", "/uploads?rows=rejected"]);
    }

    #[test]
    fn backup_that_is_off_failing_or_old_is_a_danger() {
        let of = |backup| subjects(&MachineFacts { backup, ..FINE });
        assert_eq!(of(BackupFact::Off), ["백업이 꺼져 있어요"]);
        let targets = |status| of(BackupFact::Targets(vec![status]));
        assert_eq!(targets(copied(NOW)), [""; 0]);
        assert_eq!(targets(TargetStatus { copied_at: None, ..copied(NOW) }), [""; 0], "just set up");
        assert_eq!(of(BackupFact::SameDisk(vec![copied(NOW)])), ["백업이 데이터와 같은 디스크에 있어요"]);
        let stopped = ["백업이 멈췄어요: /usb"];
        assert_eq!(targets(copied(Moment(NOW.0 - MAX_BACKUP_AGE_MS - 1))), stopped);
        let problem = Some(TargetProblem::Message("드라이브가 없어요".to_owned()));
        assert_eq!(targets(TargetStatus { problem, ..copied(NOW) }), stopped);
        let verification =
            Verification { at: NOW.0, restored_at: None, orders: None, failure: Some("깨졌어요".to_owned()) };
        assert_eq!(targets(TargetStatus { verification: Some(verification), ..copied(NOW) }), stopped);
    }

    #[test]
    fn certificate_network_and_disk_are_watched() {
        let certificate = |days| subjects(&MachineFacts { certificate_days: Some(days), ..FINE });
        assert_eq!(certificate(CERTIFICATE_DAYS), [""; 0]);
        assert_eq!(certificate(3), ["인증서의 기한이 곧 끝나요"]);
        assert_eq!(certificate(-1), ["인증서의 기한이 지났어요"]);
        assert_eq!(subjects(&MachineFacts { is_insecure: true, ..FINE }), ["통신이 암호화되지 않아요"]);
        let disk = |free| subjects(&MachineFacts { free_bytes: Some(free), ..FINE }).len();
        assert_eq!([disk(1 << 40), disk(2 << 30), disk(1 << 20)], [0, 1, 1]);
    }

    #[test]
    fn each_notice_has_a_way_out() {
        let machine = MachineFacts {
            backup: BackupFact::Off,
            certificate_days: Some(-1),
            is_insecure: true,
            free_bytes: Some(0),
            ..FINE
        };
        for notice in notices(&work([1; 2], [1; 6]), &machine) {
            assert!(notice.href.starts_with('/') && !notice.action.is_empty() && !notice.advice.is_empty());
        }
    }
}
