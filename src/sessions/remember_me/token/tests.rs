//! Property tests: honest browsers and thieves in any sequence of events.

use crate::id::{DeviceId, MemberId};
use proptest::prelude::*;

use super::*;

const START: Moment = Moment(1_710_464_400_000);
const MINUTE_MS: i64 = 60_000;

/// One browser with its cookie, and the stored login.
struct Simulation {
    now: Moment,
    login: PersistentLogin,
    cookie: RememberToken,
    /// The response that set the cookie also created a session, and the browser has not used it yet.
    session_is_new: bool,
    rotations: u32,
}

/// An action of an honest browser.
#[derive(Clone, Debug)]
enum Event {
    /// Opens one tab per element at once, all with the same cookie. `false`: the response gets lost.
    OpenTabs(Vec<bool>),
    /// Requests another page within the session.
    UseSession,
    /// Waits, in milliseconds.
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        prop::collection::vec(any::<bool>(), 1..4).prop_map(Event::OpenTabs),
        Just(Event::UseSession),
        (0..3 * MINUTE_MS).prop_map(Event::Wait),
        (0..36 * 60 * MINUTE_MS).prop_map(Event::Wait),
    ]
}

impl Simulation {
    fn start() -> Self {
        let cookie = RememberToken::new("series-number-of-it".into(), "token-zero".into());
        let login =
            PersistentLogin::new(&cookie, MemberId::from_raw(1), 0, DeviceId::from_raw(2), "csrf".into(), START);
        Self { now: START, login, cookie, session_is_new: false, rotations: 0 }
    }

    fn next_token(&mut self) -> RememberToken {
        self.rotations += 1;
        self.cookie.rotate(format!("token-{}", self.rotations))
    }

    /// Presents a token; returns the check and the next token if there is one.
    fn present(&mut self, token: &RememberToken) -> (TokenCheck, Option<RememberToken>) {
        let next = self.next_token();
        let check = self.login.verify(token, &next, self.now);
        match &check {
            TokenCheck::Rotated(after) => {
                self.login = after.clone();
                (check, Some(next))
            }
            _ => (check, None),
        }
    }

    fn use_session(&mut self) {
        if self.session_is_new
            && let Some(after) = self.login.confirm_delivery(&self.cookie)
        {
            self.login = after;
        }
        self.session_is_new = false;
    }

    fn apply(&mut self, event: &Event) -> Vec<TokenCheck> {
        match event {
            Event::Wait(ms) => self.now = self.now.plus_ms(*ms),
            Event::UseSession => self.use_session(),
            Event::OpenTabs(delivered) => {
                let cookie = self.cookie.clone();
                let responses: Vec<_> =
                    delivered.iter().map(|is_delivered| (*is_delivered, self.present(&cookie))).collect();
                for (is_delivered, (_, next)) in &responses {
                    if let (true, Some(next)) = (is_delivered, next) {
                        self.cookie = next.clone();
                        self.session_is_new = true;
                    }
                }
                return responses.into_iter().map(|(_, (check, _))| check).collect();
            }
        }
        Vec::new()
    }

    fn apply_all(&mut self, events: &[Event]) {
        for event in events {
            self.apply(event);
        }
    }
}

fn is_valid(check: &TokenCheck) -> bool {
    matches!(check, TokenCheck::Rotated(_) | TokenCheck::Concurrent)
}

proptest! {
    #[test]
    fn honest_browser_is_remembered_for_exactly_fourteen_days(events in prop::collection::vec(event(), 1..60)) {
        let mut simulation = Simulation::start();
        for event in &events {
            let checks = simulation.apply(event);
            let is_live = simulation.now < START.plus_ms(REMEMBER_FOR_MS);
            for check in checks {
                prop_assert!(if is_live { is_valid(&check) } else { check == TokenCheck::Expired }, "{:?} at {:?}", check, event);
            }
        }
    }

    /// After the browser has used a session that a token created, every older token is a copy.
    #[test]
    fn older_token_is_theft(
        before in prop::collection::vec(event(), 0..20),
        after in prop::collection::vec(event(), 0..20),
        later in 2 * MINUTE_MS..60 * MINUTE_MS,
    ) {
        let mut simulation = Simulation::start();
        simulation.apply_all(&before);
        let copy = simulation.cookie.clone();
        for event in [Event::Wait(2 * MINUTE_MS), Event::OpenTabs(vec![true]), Event::UseSession] {
            simulation.apply(&event);
        }
        simulation.apply_all(&after);
        simulation.now = simulation.now.plus_ms(later);
        prop_assume!(simulation.now < START.plus_ms(REMEMBER_FOR_MS) && copy != simulation.cookie);
        prop_assert_eq!(simulation.present(&copy).0, TokenCheck::Stolen);
    }

    /// A thief who uses the copy first logs in, but the browser's next visit reveals it.
    #[test]
    fn theft_is_detected_when_thief_is_first(before in prop::collection::vec(event(), 0..20), later in 0..60 * MINUTE_MS) {
        let mut simulation = Simulation::start();
        simulation.apply_all(&before);
        let copy = simulation.cookie.clone();
        let (_, stolen) = simulation.present(&copy);
        prop_assume!(stolen.is_some());
        let stolen = stolen.expect("the thief's next token");
        if let Some(after) = simulation.login.confirm_delivery(&stolen) {
            simulation.login = after;
        }
        simulation.now = simulation.now.plus_ms(2 * MINUTE_MS + later);
        let check = simulation.present(&copy).0;
        prop_assert!(matches!(check, TokenCheck::Stolen | TokenCheck::Expired), "{:?}", check);
    }
}

#[test]
fn previous_token_is_valid_until_the_next_is_delivered() {
    let mut simulation = Simulation::start();
    let first = simulation.cookie.clone();
    let (_, second) = simulation.present(&first);
    let second = second.expect("rotated");
    simulation.now = simulation.now.plus_ms(24 * 60 * MINUTE_MS);
    assert!(matches!(simulation.present(&first).0, TokenCheck::Rotated(_)), "the second token was not delivered");
    assert_eq!(simulation.present(&second).0, TokenCheck::Stolen, "the second rotation has replaced it");
}

#[test]
fn malformed_tokens_are_rejected_and_secrets_are_not_printed() {
    let token = RememberToken::new("abcdefghijklmnopqrst-_".into(), "0123456789012345678901".into());
    assert_eq!(RememberToken::parse(&token.cookie()), Some(token.clone()));
    assert!(!format!("{token:?}").contains("0123456789"));
    for malformed in [
        "",
        ".",
        "abcdefghijklmnopqrst",
        "abcdefghijklmnopqrst.",
        "short.0123456789012345678901",
        "abcdefghijklmnopq st.0123456789012345678901",
    ] {
        assert_eq!(RememberToken::parse(malformed), None, "{malformed}");
    }
    let login = PersistentLogin::new(&token, MemberId::from_raw(1), 0, DeviceId::from_raw(2), "csrf".into(), START);
    assert!(!serde_json::to_string(&login).expect("JSON").contains("0123456789"), "only hashes are stored");
}
