use super::notice::{missing_items, notice_text};
use super::*;
use crate::access::{AccessedOrders, Accessor, NewAccess};
use crate::id::{BreachId, MemberId, OrderId};
use crate::shop::model::Shop;
use crate::time::parse_moment;

fn at(text: &str) -> Moment {
    parse_moment(text).expect("a time")
}

fn record(member: Option<MemberId>, address: &str, action: AccessAction, orders: AccessedOrders) -> AccessRecord {
    let accessor = match member {
        Some(id) => Accessor::Member { id, address: address.to_owned() },
        None => Accessor::CommandLine,
    };
    let access = NewAccess { accessor, action, page: "/orders".to_owned(), query: String::new(), orders };
    AccessRecord { sequence: 1, at: at("2026-11-22 10:00:00"), access, digest: String::new() }
}

fn orders(ids: impl IntoIterator<Item = i64>) -> AccessedOrders {
    ids.into_iter().map(OrderId::from_raw).collect()
}

fn viewed(member: i64, address: &str) -> AccessRecord {
    record(Some(MemberId::from_raw(member)), address, AccessAction::Viewed, orders([1]))
}

fn case(cause: BreachCause) -> Breach {
    Breach {
        id: BreachId::from_raw(1),
        cause,
        is_confirmed: true,
        noticed_at: at("2026-11-22 10:00:00"),
        window: (at("2026-11-20 00:00:00"), at("2026-11-21 00:00:00")),
        scope: BreachScope::default(),
        story: String::new(),
        measures: String::new(),
        evidence: None,
        opened_at: at("2026-11-22 10:00:00"),
        opened_by: None,
        closed: None,
    }
}

fn done(step: BreachStep) -> StepEntry {
    StepEntry { step, outcome: StepOutcome::Done, note: String::new(), at: at("2026-11-22 11:00:00"), username: None }
}

#[test]
fn members_and_addresses_narrow_each_other_and_a_device_matches_by_itself() {
    let all = BreachScope::default();
    assert!(
        all.includes(&viewed(7, "10.0.0.7"))
            && all.includes(&record(None, "", AccessAction::Downloaded, AccessedOrders::NONE))
    );
    let member = BreachScope { members: vec![MemberId::from_raw(7)], ..BreachScope::default() };
    assert!(member.includes(&viewed(7, "10.0.0.7")) && !member.includes(&viewed(8, "10.0.0.7")));
    let both = BreachScope {
        members: vec![MemberId::from_raw(7)],
        addresses: vec!["203.0.113.9".to_owned()],
        ..BreachScope::default()
    };
    assert!(both.includes(&viewed(7, "203.0.113.9")));
    assert!(!both.includes(&viewed(7, "10.0.0.7")) && !both.includes(&viewed(8, "203.0.113.9")));
    let phone = DeviceScope {
        member_id: MemberId::from_raw(9),
        description: "아이폰 · 사파리".to_owned(),
        addresses: vec!["10.0.0.9".to_owned()],
    };
    let device = BreachScope { devices: vec![phone.clone()], ..BreachScope::default() };
    assert!(device.includes(&viewed(9, "10.0.0.9")) && !device.includes(&viewed(9, "10.0.0.7")));
    let either = BreachScope { devices: vec![phone], ..member };
    assert!(either.includes(&viewed(9, "10.0.0.9")) && either.includes(&viewed(7, "10.0.0.1")));
}

#[test]
fn clock_runs_72_hours_from_the_moment_of_knowledge() {
    let case = case(BreachCause::Member);
    assert_eq!(case.due_at(), at("2026-11-25 10:00:00"));
    assert_eq!(case.hours_left(at("2026-11-22 10:00:00")), 72);
    assert_eq!(case.hours_left(at("2026-11-25 09:30:00")), 0);
    assert_eq!(case.hours_left(at("2026-11-25 10:00:01")), -1);
}

#[test]
fn authority_is_informed_from_a_thousand_people_or_after_an_intrusion() {
    for (cause, people, must) in [
        (BreachCause::File, 999, false),
        (BreachCause::File, 1_000, true),
        (BreachCause::Member, 1, false),
        (BreachCause::Outside, 1, true),
        (BreachCause::Tampering, 0, true),
    ] {
        assert_eq!(case(cause).must_report(people), must, "{cause:?} {people}");
    }
    let case = case(BreachCause::Outside);
    assert_eq!(case.open_duties(1, &[]), [BreachStep::Notify, BreachStep::Report]);
    assert_eq!(case.open_duties(1, &[done(BreachStep::Notify)]), [BreachStep::Report]);
    assert_eq!(case.open_duties(1, &[done(BreachStep::Notify), done(BreachStep::Report)]), []);
}

#[test]
fn case_is_closed_after_every_step() {
    let mut steps: Vec<StepEntry> = BreachStep::ALL.into_iter().map(done).collect();
    assert_eq!(missing_steps(&steps), []);
    steps.remove(0);
    assert_eq!(missing_steps(&steps), [BreachStep::Contain]);
}

#[test]
fn open_case_is_a_warning_and_a_late_notice_is_bad() {
    let severity = |open, late| check_cases(open, late).severity;
    assert_eq!([severity(0, 0), severity(2, 0), severity(2, 1)], [Severity::Good, Severity::Warning, Severity::Bad]);
}

#[test]
fn what_was_seen_taken_and_changed_adds_up_by_order() {
    let mut found = ExposedOrders::default();
    let scope = BreachScope::default();
    found.add(&scope, &record(Some(MemberId::from_raw(7)), "a", AccessAction::Viewed, orders([1, 2])));
    found.add(&scope, &record(Some(MemberId::from_raw(7)), "a", AccessAction::Downloaded, orders([2])));
    found.add(&scope, &record(Some(MemberId::from_raw(7)), "a", AccessAction::Downloaded, orders(100..700)));
    found.add(&scope, &record(Some(MemberId::from_raw(7)), "b", AccessAction::SignInFailed, AccessedOrders::NONE));
    let words = |id| found.of(id).map(|exposure| (exposure.words(), exposure.is_uncertain));
    assert_eq!(words(OrderId::from_raw(1)), Some(("봄".to_owned(), false)));
    assert_eq!(words(OrderId::from_raw(2)), Some(("봄, 가져감".to_owned(), false)));
    assert_eq!(words(OrderId::from_raw(150)), Some(("가져감".to_owned(), true)), "within a long list");
    assert_eq!(words(OrderId::from_raw(900)), None);
    assert_eq!(found.records, 4);
    let lines = found.accessor_lines();
    assert_eq!((lines[0].address.as_str(), lines[0].records, lines[1].failures), ("a", 3, 1));
}

#[test]
fn overlapping_lists_are_read_once() {
    let mut found = ExposedOrders::default();
    for orders in [1_000..2_000, 5_000..6_000, 1_500..3_000, 1_000..2_000] {
        found.add(
            &BreachScope::default(),
            &record(Some(MemberId::from_raw(7)), "a", AccessAction::Viewed, self::orders(orders)),
        );
    }
    assert_eq!(
        (found.ranges.len(), found.spans()),
        (
            3,
            [(1_000, 2_999), (5_000, 5_999)]
                .map(|(first, last)| (OrderId::from_raw(first), OrderId::from_raw(last)))
                .to_vec()
        )
    );
}

#[test]
fn person_with_several_orders_is_counted_once() {
    let person = |name: &str, tel: &str| Person { name: name.to_owned(), tels: vec![tel.to_owned()] };
    let exposure = Exposure { is_seen: true, ..Exposure::default() };
    let mut people = AffectedPeople::default();
    people.add(OrderId::from_raw(1), [person("홍길동", "010-1234-5678"), person("홍 길동", "01012345678")], exposure);
    people.add(OrderId::from_raw(2), [person("홍길동", "010-1234-5678"), person("김견본", "010-1111-2222")], exposure);
    people.add(OrderId::from_raw(3), [person("", ""), Person { name: String::new(), tels: Vec::new() }], exposure);
    let list = people.into_list();
    let found: Vec<_> = list.iter().map(|one| (one.person.name.as_str(), one.order_ids.as_slice())).collect();
    assert_eq!(found.iter().find(|(name, _)| *name == "홍길동"), Some(&("홍길동", &[1, 2].map(OrderId::from_raw)[..])));
    assert!(found.contains(&("김견본", &[2].map(OrderId::from_raw)[..])), "{found:?}");
}

#[test]
fn notice_has_the_six_items_and_says_what_is_missing() {
    let mut shop = Shop::default();
    let mut case = case(BreachCause::Outside);
    assert_eq!(missing_items(&case, &shop).len(), 3);
    assert!(notice_text(&case, &shop).contains("(가게 이름)"));
    (shop.name, shop.tel) = ("나무공방".to_owned(), "02-123-4567".to_owned());
    case.story = "훔친 비밀번호로 누군가 주문 목록을 내려받았어요.".to_owned();
    case.measures = "비밀번호를 모두 바꾸고 경찰에 신고했어요.".to_owned();
    assert_eq!(missing_items(&case, &shop), [""; 0]);
    let text = notice_text(&case, &shop);
    for words in [
        "유출된 개인정보의 항목",
        "2026-11-20 00:00부터",
        &case.story,
        "하실 수 있는 일",
        &case.measures,
        "02-123-4567",
        "손해배상",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    case.is_confirmed = false;
    let text = notice_text(&case, &shop);
    assert!(text.contains("유출 가능성 안내") && text.contains("확인되면 다시 알려"), "{text}");
}
