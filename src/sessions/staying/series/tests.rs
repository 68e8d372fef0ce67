//! Honest browsers and thieves, in every order of things.

use proptest::prelude::*;

use super::*;

const START: Moment = Moment(1_710_464_400_000);
const MINUTE_MS: i64 = 60_000;

/// A browser with its cookie, and the server's series.
struct World {
    now: Moment,
    series: Series,
    jar: Ticket,
    /// the answer that brought the ticket of the jar began a session, which nothing has shown yet
    session_is_new: bool,
    drawn: u32,
}

/// What an honest browser does.
#[derive(Clone, Debug)]
enum Event {
    /// Tabs are opened at once, each bringing what the jar held then; some answers are lost.
    Open(Vec<bool>),
    /// another page, in the session there is
    GoOn,
    /// nothing happens for a while
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        prop::collection::vec(any::<bool>(), 1..4).prop_map(Event::Open),
        Just(Event::GoOn),
        (0..3 * MINUTE_MS).prop_map(Event::Wait),
        (0..36 * 60 * MINUTE_MS).prop_map(Event::Wait),
    ]
}

impl World {
    fn begin() -> Self {
        let jar = Ticket::new("series-number-of-it".into(), "token-zero".into());
        let series = Series::begin(&jar, 1, 0, 2, "csrf".into(), START);
        Self { now: START, series, jar, session_is_new: false, drawn: 0 }
    }

    fn draw(&mut self) -> Ticket {
        self.drawn += 1;
        self.jar.followed_by(format!("token-{}", self.drawn))
    }

    /// The verdict, and the next ticket where there is one.
    fn bring(&mut self, ticket: &Ticket) -> (Verdict, Option<Ticket>) {
        let next = self.draw();
        let verdict = self.series.offered(ticket, &next, self.now);
        match &verdict {
            Verdict::Renewed(after) => {
                self.series = after.clone();
                (verdict, Some(next))
            }
            _ => (verdict, None),
        }
    }

    fn go_on(&mut self) {
        if self.session_is_new
            && let Some(after) = self.series.after_arrival_of(&self.jar)
        {
            self.series = after;
        }
        self.session_is_new = false;
    }

    fn happen(&mut self, event: &Event) -> Vec<Verdict> {
        match event {
            Event::Wait(ms) => self.now = self.now.plus_ms(*ms),
            Event::GoOn => self.go_on(),
            Event::Open(arrives) => {
                let brought = self.jar.clone();
                let answers: Vec<_> = arrives.iter().map(|arrives| (*arrives, self.bring(&brought))).collect();
                for (arrives, (_, next)) in &answers {
                    if let (true, Some(next)) = (arrives, next) {
                        self.jar = next.clone();
                        self.session_is_new = true;
                    }
                }
                return answers.into_iter().map(|(_, (verdict, _))| verdict).collect();
            }
        }
        Vec::new()
    }

    fn live(&mut self, events: &[Event]) {
        for event in events {
            self.happen(event);
        }
    }
}

fn is_in(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Renewed(_) | Verdict::AnotherTab)
}

proptest! {
    #[test]
    fn an_honest_browser_comes_in_for_fourteen_days_and_not_longer(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::begin();
        for event in &events {
            let verdicts = world.happen(event);
            let lasts = world.now < START.plus_ms(STAYS_MS);
            for verdict in verdicts {
                prop_assert!(if lasts { is_in(&verdict) } else { verdict == Verdict::Over }, "{:?} at {:?}", verdict, event);
            }
        }
    }

    /// Once the browser goes on in a session that a ticket began, every older ticket is a copy.
    #[test]
    fn an_old_ticket_is_theft(
        before in prop::collection::vec(event(), 0..20),
        after in prop::collection::vec(event(), 0..20),
        later in 2 * MINUTE_MS..60 * MINUTE_MS,
    ) {
        let mut world = World::begin();
        world.live(&before);
        let copy = world.jar.clone();
        for event in [Event::Wait(2 * MINUTE_MS), Event::Open(vec![true]), Event::GoOn] {
            world.happen(&event);
        }
        world.live(&after);
        world.now = world.now.plus_ms(later);
        prop_assume!(world.now < START.plus_ms(STAYS_MS) && copy != world.jar);
        prop_assert_eq!(world.bring(&copy).0, Verdict::Stolen);
    }

    /// A thief who comes first is in, but the browser's next visit shows it.
    #[test]
    fn a_thief_who_comes_first_is_found_out(before in prop::collection::vec(event(), 0..20), later in 0..60 * MINUTE_MS) {
        let mut world = World::begin();
        world.live(&before);
        let copy = world.jar.clone();
        let (_, stolen) = world.bring(&copy);
        prop_assume!(stolen.is_some());
        let stolen = stolen.expect("the thief's next ticket");
        if let Some(after) = world.series.after_arrival_of(&stolen) {
            world.series = after;
        }
        world.now = world.now.plus_ms(2 * MINUTE_MS + later);
        let found = world.bring(&copy).0;
        prop_assert!(matches!(found, Verdict::Stolen | Verdict::Over), "{:?}", found);
    }
}

#[test]
fn a_lost_answer_is_forgiven_until_the_next_ticket_is_seen() {
    let mut world = World::begin();
    let first = world.jar.clone();
    let (_, second) = world.bring(&first);
    let second = second.expect("renewed");
    world.now = world.now.plus_ms(24 * 60 * MINUTE_MS);
    assert!(matches!(world.bring(&first).0, Verdict::Renewed(_)), "nobody has seen the second ticket");
    assert_eq!(world.bring(&second).0, Verdict::Stolen, "which was replaced with the first");
}

#[test]
fn only_whole_tickets_are_read_and_no_token_is_shown() {
    let ticket = Ticket::new("abcdefghijklmnopqrst-_".into(), "0123456789012345678901".into());
    assert_eq!(Ticket::parse(&ticket.cookie()), Some(ticket.clone()));
    assert!(!format!("{ticket:?}").contains("0123456789"));
    for wrong in [
        "",
        ".",
        "abcdefghijklmnopqrst",
        "abcdefghijklmnopqrst.",
        "short.0123456789012345678901",
        "abcdefghijklmnopq st.0123456789012345678901",
    ] {
        assert_eq!(Ticket::parse(wrong), None, "{wrong}");
    }
    let series = Series::begin(&ticket, 1, 0, 2, "csrf".into(), START);
    assert!(!serde_json::to_string(&series).expect("JSON").contains("0123456789"), "hashes alone are kept");
}
