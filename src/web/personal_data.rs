//! Pages with personal data: each response states whose, and the middleware records the access.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;

use super::{AuthContext, ClientInfo, page_with_status};
use crate::access::{AccessAction, AccessRecorder, AccessedOrders, Accessor, NewAccess};
use crate::id::OrderId;

/// A page that shows personal data.
pub trait PersonalData {
    /// The orders whose data it shows.
    fn orders(&self) -> Vec<OrderId>;
}

/// What a response discloses, in its extensions.
#[derive(Clone, Debug)]
struct Disclosure(AccessedOrders);

/// Renders a page with personal data. Its access is recorded.
pub fn personal_page(template: impl askama::Template + PersonalData) -> Response {
    personal_page_with_status(StatusCode::OK, template)
}

/// As [`personal_page`], with a status such as 422.
pub fn personal_page_with_status(status: StatusCode, template: impl askama::Template + PersonalData) -> Response {
    let orders = template.orders();
    disclosing(page_with_status(status, template), orders)
}

/// A response that discloses the data of these orders, which may be none: the log of downloads has search words.
pub fn disclosing(mut response: Response, orders: impl IntoIterator<Item = OrderId>) -> Response {
    response.extensions_mut().insert(Disclosure(orders.into_iter().collect()));
    response
}

/// Middleware: records what the response discloses. It is inside of authentication.
pub(super) async fn record_access(
    State(access): State<AccessRecorder>,
    client: ClientInfo,
    request: Request,
    next: Next,
) -> Response {
    let member_id = request.extensions().get::<AuthContext>().and_then(AuthContext::member).map(|member| member.id);
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let uri = request.uri().clone();
    let mut response = next.run(request).await;
    if let (Some(Disclosure(orders)), Some(id)) = (response.extensions_mut().remove(), member_id) {
        let query = recorded_query(&uri);
        let accessor = Accessor::Member { id, address: client.address.to_string() };
        let page = page_of(&uri, route.as_deref());
        access.record(NewAccess { accessor, action: action_of(&query), page, query, orders }).await;
    }
    response
}

/// The path of the page; the declared one for a path that is longer than a stored one.
fn page_of(uri: &Uri, route: Option<&str>) -> String {
    let path = uri.path();
    if path.len() <= 128 { path.to_owned() } else { route.unwrap_or_default().to_owned() }
}

/// The query without empty and technical parameters, decoded: `q=홍길동&state=PLACED`.
fn recorded_query(uri: &Uri) -> String {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(uri.query().unwrap_or_default()).unwrap_or_default();
    let kept = pairs.iter().filter(|(name, value)| !value.is_empty() && name != "done");
    kept.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn action_of(query: &str) -> AccessAction {
    let is_search = query.split('&').any(|pair| pair.starts_with("q="));
    if is_search { AccessAction::Searched } else { AccessAction::Viewed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_query_is_decoded_and_has_what_was_asked_for() {
        let uri: Uri = "/orders?q=%ED%99%8D&state=&page=2&done=ABC".parse().expect("a URL");
        let query = recorded_query(&uri);
        assert_eq!((query.as_str(), action_of(&query)), ("q=홍&page=2", AccessAction::Searched));
        assert_eq!(action_of("state=PLACED"), AccessAction::Viewed);
    }
}
