//! 법 점검: what of the law's duties can be measured, with what to do about each. Only what was measured is claimed.

mod store;

pub use self::store::{last_verification, measure, save_verification};
use super::store::LONG_RETENTION_PEOPLE;
use crate::storage::{Diagnostic, Severity};
use crate::time::Moment;

/// Age of a verification from which on it is old.
const STALE_VERIFICATION_MS: i64 = 24 * 60 * 60 * 1000;

/// The result of the last verification of the access records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Verification {
    /// when it was done
    pub at: Moment,
    /// records that were read
    pub records: i64,
    /// faults that were found
    pub faults: usize,
}

/// What was measured now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measurements {
    /// the present moment
    pub now: Option<Moment>,
    /// last verification of the access records
    pub verification: Option<Verification>,
    /// whether triggers guard them
    pub is_guarded: bool,
    /// periods whose inspection is due
    pub due_inspections: usize,
    /// tables and columns without a retention class
    pub unclassified: usize,
    /// enabled administrators, and how many of them have an authenticator app
    pub admins: (i64, i64),
    /// other enabled members, and how many of them have one
    pub others: (i64, i64),
    /// members who are asked about because they have not come for 90 days
    pub idle_members: i64,
    /// people whose data the shop has, up to [`LONG_RETENTION_PEOPLE`]
    pub people: i64,
    /// years that access records are kept: those of the settings, or of the law if these are more
    pub access_years: u32,
    /// years of the settings
    pub configured_years: u32,
    /// whether other devices can connect
    pub is_public: bool,
    /// whether they do so unencrypted
    pub is_insecure: bool,
}

/// A line of the page for each duty that can be measured.
pub fn checks(measured: &Measurements) -> Vec<Diagnostic> {
    let mut checks = vec![check_verification(measured)];
    checks.extend(checks_of_state(measured));
    checks
}

/// The lines but that of the last verification, for a caller that verifies by itself.
pub fn checks_of_state(measured: &Measurements) -> Vec<Diagnostic> {
    let guard = if measured.is_guarded {
        Diagnostic::ok("접속기록의 잠금", "데이터베이스가 기록의 수정과 삭제를 막아요")
    } else {
        Diagnostic::problem(
            Severity::Warning,
            "접속기록의 잠금",
            "데이터베이스가 기록의 수정과 삭제를 막지 않아요",
            "MariaDB에서 log_bin_trust_function_creators를 켜고 schema.sql의 트리거를 만드세요. 기록의 지문은 그대로 확인돼요.",
        )
    };
    let mut checks = vec![guard, check_retention(measured)];
    checks.push(zero_or(
        measured.due_inspections,
        "접속기록 점검",
        "끝난 달까지 모두 점검했어요",
        |count| format!("점검하지 않은 기간이 {count}개 있어요"),
        "접속기록의 점검 화면에서 살펴보고 확인하세요.",
    ));
    checks.push(check_network(measured));
    checks.push(check_second_factor(measured));
    checks.push(check_second_factor_of_others(measured));
    checks.push(zero_or(
        usize::try_from(measured.idle_members).unwrap_or_default(),
        "오래 들어오지 않은 회원",
        "90일 동안 들어오지 않은 회원이 없어요",
        |count| format!("90일 동안 들어오지 않은 회원이 {count}명 있어요"),
        "그만둔 사람이면 회원 화면에서 로그인을 막으세요.",
    ));
    checks.push(zero_or(
        measured.unclassified,
        "보관 분류",
        "분류 없는 표와 열이 없어요",
        |count| format!("분류 없는 표나 열이 {count}개 있어요"),
        "프로그램 밖에서 데이터베이스에 더한 것이 있는지 확인하세요.",
    ));
    checks
}

fn check_retention(measured: &Measurements) -> Diagnostic {
    const SUBJECT: &str = "접속기록 보관";
    let Measurements { access_years, configured_years, people, .. } = measured;
    let people = match people {
        LONG_RETENTION_PEOPLE.. => "5만 명 이상이에요".to_owned(),
        _ => format!("{people}명이에요"),
    };
    let found = format!("{access_years}년 보관해요. 전화번호로 센 정보주체는 {people}");
    if access_years == configured_years {
        return Diagnostic::ok(SUBJECT, found);
    }
    let advice = "5만 명 이상이면 2년 이상 보관해야 해요. access_keep_years를 2로 바꾸세요.";
    Diagnostic::problem(Severity::Warning, SUBJECT, found, advice)
}

fn zero_or(count: usize, subject: &str, good: &str, found: impl Fn(usize) -> String, advice: &str) -> Diagnostic {
    if count == 0 {
        Diagnostic::ok(subject, good)
    } else {
        Diagnostic::problem(Severity::Warning, subject, found(count), advice)
    }
}

fn check_verification(measured: &Measurements) -> Diagnostic {
    const SUBJECT: &str = "접속기록의 지문";
    let advice = "서버에서 mukkeum audit verify를 실행하세요.";
    match (measured.verification, measured.now) {
        (Some(Verification { faults, at, .. }), _) if faults > 0 => {
            let found = format!("{at}에 바뀌거나 빠진 기록을 {faults}군데 찾았어요");
            Diagnostic::problem(Severity::Bad, SUBJECT, found, advice)
        }
        (Some(Verification { at, records, .. }), Some(now)) if now.0 - at.0 <= STALE_VERIFICATION_MS => {
            Diagnostic::ok(SUBJECT, format!("{at}에 {records}개를 확인했어요. 바뀌거나 빠진 것이 없어요"))
        }
        (Some(Verification { at, .. }), _) => {
            Diagnostic::problem(Severity::Warning, SUBJECT, format!("마지막으로 {at}에 확인했어요"), advice)
        }
        (None, _) => Diagnostic::problem(Severity::Warning, SUBJECT, "아직 확인하지 않았어요", advice),
    }
}

fn check_network(measured: &Measurements) -> Diagnostic {
    match (measured.is_insecure, measured.is_public) {
        (true, _) => Diagnostic::problem(
            Severity::Bad,
            "암호화 통신",
            "다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요",
            "--tls를 켜거나 HTTPS 프록시 뒤에 두세요.",
        ),
        (false, true) => Diagnostic::ok("암호화 통신", "다른 기기와도 암호화해서 주고받아요"),
        (false, false) => Diagnostic::ok("암호화 통신", "이 컴퓨터에서만 열려요"),
    }
}

fn check_second_factor(measured: &Measurements) -> Diagnostic {
    let (admins, with_app) = measured.admins;
    if admins == with_app {
        return Diagnostic::ok("관리자의 인증 앱", format!("관리자 {admins}명 모두 연결했어요"));
    }
    let severity = if measured.is_public { Severity::Bad } else { Severity::Warning };
    let found = format!("관리자 {admins}명 중 {}명이 연결하지 않았어요", admins - with_app);
    Diagnostic::problem(severity, "관리자의 인증 앱", found, "내 계정의 인증 앱에서 연결하세요.")
}

/// Whoever comes from outside needs more than a password (안전성 확보조치 기준 제6조 ②), not administrators only.
fn check_second_factor_of_others(measured: &Measurements) -> Diagnostic {
    const SUBJECT: &str = "다른 회원의 인증 앱";
    let (others, with_app) = measured.others;
    if !measured.is_public {
        return Diagnostic::ok(SUBJECT, "이 컴퓨터에서만 열려서 없어도 돼요");
    }
    if others == with_app {
        return Diagnostic::ok(SUBJECT, format!("다른 회원 {others}명 모두 연결했어요"));
    }
    let found = format!("다른 회원 {others}명 중 {}명은 비밀번호만으로 들어와요", others - with_app);
    let advice = "가게 밖에서 들어오는 회원이면 회원 화면에서 인증 앱을 꼭 쓰게 하세요.";
    Diagnostic::problem(Severity::Warning, SUBJECT, found, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_795_316_400_000);

    fn good() -> Measurements {
        Measurements {
            now: Some(NOW),
            verification: Some(Verification { at: NOW.plus_ms(-180_000), records: 9, faults: 0 }),
            is_guarded: true,
            admins: (2, 2),
            access_years: 2,
            configured_years: 2,
            ..Measurements::default()
        }
    }

    fn worst(measured: &Measurements) -> (Severity, usize) {
        let checks = checks(measured);
        let worst = checks.iter().map(|check| check.severity).max().expect("a line");
        (worst, checks.iter().filter(|check| check.severity != Severity::Good).count())
    }

    #[test]
    fn shop_that_meets_what_is_measured_is_green() {
        assert_eq!(worst(&good()), (Severity::Good, 0));
    }

    #[test]
    fn members_need_an_app_where_others_can_connect() {
        let others = |others, is_public| check_second_factor_of_others(&Measurements { others, is_public, ..good() });
        assert_eq!(others((3, 1), false).severity, Severity::Good, "nobody comes from outside");
        assert_eq!(others((3, 3), true).severity, Severity::Good);
        assert!(others((3, 1), true).found.contains("3명 중 2명"));
    }

    #[test]
    fn retention_below_two_years_is_refused_from_many_people_on() {
        let check = |configured_years, people| {
            let access_years = crate::access::effective_years(configured_years, people);
            check_retention(&Measurements { people, access_years, configured_years, ..good() })
        };
        assert_eq!(check(1, 49_999).severity, Severity::Good);
        let many = check(1, 50_000);
        assert!(many.severity == Severity::Warning && many.found.starts_with("2년 보관해요"), "{many:?}");
        let long = check(2, 50_000);
        assert!(long.severity == Severity::Good && long.found.ends_with("5만 명 이상이에요"), "{long:?}");
    }

    #[test]
    fn each_measured_failure_has_its_line_and_advice() {
        let verification = |at, faults| Some(Verification { at, records: 9, faults });
        for (measured, severity) in [
            (Measurements { verification: None, ..good() }, Severity::Warning),
            (Measurements { verification: verification(NOW.plus_ms(-90_000_000), 0), ..good() }, Severity::Warning),
            (Measurements { verification: verification(NOW, 1), ..good() }, Severity::Bad),
            (Measurements { is_guarded: false, ..good() }, Severity::Warning),
            (Measurements { due_inspections: 1, ..good() }, Severity::Warning),
            (Measurements { is_public: true, is_insecure: true, ..good() }, Severity::Bad),
            (Measurements { admins: (2, 1), ..good() }, Severity::Warning),
            (Measurements { admins: (2, 1), is_public: true, ..good() }, Severity::Bad),
            (Measurements { others: (3, 1), is_public: true, ..good() }, Severity::Warning),
            (Measurements { configured_years: 1, ..good() }, Severity::Warning),
            (Measurements { idle_members: 1, ..good() }, Severity::Warning),
            (Measurements { unclassified: 1, ..good() }, Severity::Warning),
        ] {
            assert_eq!(worst(&measured), (severity, 1), "{measured:?}");
            let failed = checks(&measured).into_iter().find(|check| check.severity != Severity::Good);
            assert!(failed.is_some_and(|check| !check.advice.is_empty()), "{measured:?}");
        }
    }
}
