//! What keeps a training shop whole that is open to everybody (`mukkeum demo --public`): nobody asks
//! too often, and nobody changes the members that all share.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::client::Client;
use super::{AppState, Error};
use crate::time::Moment;

/// Requests of one address in a minute: somebody who clicks as fast as they can.
const A_MINUTE: u32 = 120;

const MINUTE_MS: i64 = 60 * 1000;

/// How often each address has asked in the minute under way.
#[derive(Clone, Default)]
pub(super) struct Pace(Arc<Mutex<(i64, HashMap<IpAddr, u32>)>>);

impl Pace {
    /// Counts a request, and tells whether it was one too many.
    fn is_too_fast(&self, address: IpAddr, now: Moment) -> bool {
        let mut pace = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.0 / MINUTE_MS;
        if pace.0 != minute {
            *pace = (minute, HashMap::new());
        }
        let asked = pace.1.entry(household(address)).or_default();
        *asked += 1;
        *asked > A_MINUTE
    }
}

/// Who has one IPv6 address has 2⁶⁴ of them.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

pub(super) async fn guard(State((state, pace)): State<(AppState, Pace)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let client = match Client::from_request_parts(&mut parts, &state).await {
        Ok(client) => client,
        Err(error) => return error.into_response(),
    };
    if pace.is_too_fast(client.address, state.now()) {
        return Error::TooFast.into_response();
    }
    if parts.method == Method::POST && parts.uri.path().starts_with("/members") {
        let words = "누구나 들어오는 연습 가게라 회원은 바꾸지 않아요. 다른 화면은 마음껏 눌러 보세요.";
        return Error::BadRequest(words.to_owned()).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::demo::{ACCOUNTS, Plan, ResetEvery};
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    async fn open(is_public: bool) -> TestApp {
        let plan = Plan { orders: 20, reset_every: ResetEvery::DAILY, is_public };
        let app = TestApp::start_with(|config| config.demo = Some(plan), Routes::new()).await;
        let demo = app.state.demo.clone().expect("a training shop");
        demo.keep_fresh(&app.state.storage, &app.state.passwords).await.expect("makes it");
        let fields = [("username", ACCOUNTS[0].username), ("password", ACCOUNTS[0].password)];
        app.post_form_from("/login", "/login", &fields).await;
        app
    }

    #[tokio::test]
    async fn who_asks_too_often_waits_for_the_next_minute() {
        let app = open(true).await;
        let mut last = app.get("/deliveries").await;
        for _ in 0..A_MINUTE {
            last = app.get("/deliveries").await;
        }
        assert!(last.status == StatusCode::TOO_MANY_REQUESTS && last.text.contains("1분 뒤에"), "{}", last.text);
        assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
        app.clock.advance_ms(MINUTE_MS);
        assert_eq!(app.get("/deliveries").await.status, StatusCode::OK);

        let at_home = open(false).await;
        for _ in 0..=A_MINUTE {
            last = at_home.get("/help").await;
        }
        assert_eq!(last.status, StatusCode::OK);
    }

    #[tokio::test]
    async fn nobody_shuts_the_others_out() {
        let app = open(true).await;
        let answer = app.post_form("/members", &[("username", "mine"), ("role", "admin")]).await;
        assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains("회원은 바꾸지 않아요"));
        app.clock.advance_ms(10 * MINUTE_MS);
        let answer = app.post_form("/practice/reset", &[]).await;
        assert!(answer.status == StatusCode::BAD_REQUEST && answer.text.contains("정해진 때에"), "{}", answer.text);
    }

    #[test]
    fn the_addresses_of_one_household_are_one() {
        let pace = Pace::default();
        let address = |text: &str| text.parse().expect("an address");
        for place in 0..A_MINUTE {
            assert!(!pace.is_too_fast(address(&format!("2001:db8::{place:x}")), Moment(0)));
        }
        assert!(pace.is_too_fast(address("2001:db8::ffff"), Moment(1)));
        assert!(!pace.is_too_fast(address("2001:db8:0:1::1"), Moment(1)));
        assert!(!pace.is_too_fast(address("192.0.2.1"), Moment(1)));
        assert!(!pace.is_too_fast(address("2001:db8::ffff"), Moment(MINUTE_MS)));
    }
}
