//! What a POST answers as a file or prints, as every role: marked data is only in what the role may take away, and in that it is masked
//! where the purpose needs no contact. Workbooks are unpacked and PDF files read back before they are searched.

use std::io::{Cursor, Read};

use super::*;
use crate::app::tests::source_file;
use crate::audit::MemberActor;
use crate::districts::Districts;
use crate::documents::testing::pages;
use crate::id::{MemberId, OrderId, WorkId, number_code};
use crate::members::model::rights;
use crate::orders::export::ExportKind;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::plans::board;
use crate::plans::edit::{self, EditContext};
use crate::plans::model::{ColumnKey, TourState};
use crate::time::parse_date;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::web::PageAction;
use crate::web::testing::{PASSWORD, TestResponse};

/// The day of the tour, on which nothing is due for the delivery team yet.
const DAY: &str = "2024-03-20";

const ROLES: [Role; 6] = [Role::Admin, Role::Orders, Role::Logistics, Role::Support, Role::Viewer, Role::Driver];

/// What a file has of customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Has {
    /// everything that the job needs
    Customers,
    /// names, and masks for the rest
    Masks,
    /// nothing
    Nobody,
}

/// A request whose answer is a file or a print.
struct FileRequest {
    route: &'static str,
    path: String,
    fields: Vec<(&'static str, String)>,
    has: Has,
}

/// POST routes of files that answer files, and answer none themselves.
const PAGES: [&str; 7] = [
    "/backup/snapshot",
    "/backup/{index}/verify",
    "/backup/{index}/take-over",
    // The key and one-time passwords are printed, nobody's data.
    "/backup/key",
    "/deliveries/{id}",
    "/orders/{id}",
    // The file of the same form, made in the background for the member who asked for it and fetched by him alone.
    "/orders/files/{id}",
];

/// A shop with a fixed tour, a case of a leak, an order for the courier and one that the channel is told of.
struct Files {
    shop: Shop,
    breach: String,
}

impl Files {
    async fn open() -> Self {
        let shop = Shop::open().await;
        // A text names its sender.
        shop.app.post_form("/shop", &[("name", "보기 침대"), ("tel", "054-555-0100")]).await;
        let kept = shop.orders.map(|(order, _)| order);
        let prepared = shop.app.state.storage.write(move |tx| {
            tx.exec("UPDATE deliveries SET preferred_shipping_date = ?", &[DAY.into()])?;
            let others =
                "SELECT id FROM orders WHERE state = 0 AND claim = '' AND id NOT IN (?, ?) ORDER BY id LIMIT 2";
            let others: Result<Vec<OrderId>, StorageError> =
                tx.query(others, &[kept[0].into(), kept[1].into()])?.into_iter().map(|row| row.id(0)).collect();
            let (others, now) = (store::find(tx, &others?)?, tx.now());
            let [for_courier, sent] = &others[..] else { panic!("two other orders: {others:?}") };
            let in_state = |order: &Order, state| {
                let mut parcel = Order { shipping_method: ShippingMethod::Parcel, ..order.clone() };
                parcel.set_state(state, now);
                parcel
            };
            let context = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
            store::with_changes(tx, context, |changes| {
                changes.save_current(for_courier, &in_state(for_courier, OrderState::Purchased))?;
                let (courier, tracking_number) = ("로젠택배".to_owned(), "45168300137".to_owned());
                let shipped = Order { courier, tracking_number, ..in_state(sent, OrderState::Shipped) };
                changes.save_current(sent, &shipped)?;
                Ok::<_, StorageError>(())
            })?;
            plan_tour(tx)
        });
        prepared.await.expect("writes");
        // Who saw what before the case: everybody's data is on this page.
        shop.app.get("/orders").await.ok();
        shop.app.state.access.flush().await.expect("writes");
        let form = [
            ("noticed", "2024-03-15T09:00"),
            ("from", "2024-03-14T00:00"),
            ("to", "2024-03-16T00:00"),
            ("cause", "outside"),
        ];
        let opened = shop.app.post_form("/privacy/breaches", &form).await;
        let breach = opened.location().split('?').next().unwrap_or_default().to_owned();
        Self { shop, breach }
    }

    /// Every file of every route: the table that a new download needs a line in.
    async fn requests(&self) -> Vec<FileRequest> {
        let request = |route: &'static str, path: String, fields: &[(&'static str, &str)], has| {
            let fields = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
            FileRequest { route, path, fields, has }
        };
        let (order, delivery) = (self.shop.order(1), self.shop.delivery(1));
        let mut all = Vec::new();
        for kind in ExportKind::all() {
            let (search, has) = match kind {
                ExportKind::Dispatch => ("&state=SHIPPED&channel=SMART_STORE", Has::Nobody),
                ExportKind::Orders | ExportKind::PurchaseOrder | ExportKind::CourierOrder(_) => ("", Has::Customers),
            };
            let path = format!("/orders/download?content={}{search}", kind.code());
            for format in ["xlsx", "csv"] {
                let fields = [("purpose", "shipping"), ("format", format)];
                all.push(request("/orders/download", path.clone(), &fields, has));
            }
            if kind == ExportKind::Orders {
                let fields = [("purpose", "accounting"), ("format", "xlsx")];
                all.push(request("/orders/download", path, &fields, Has::Masks));
            }
        }
        let customer = [("purpose", "customer")];
        all.push(request("/orders/{id}/evidence", format!("{order}/evidence"), &customer, Has::Customers));
        let evidence = format!("/deliveries/{delivery}/evidence");
        all.push(request("/deliveries/{id}/evidence", evidence, &customer, Has::Customers));
        all.push(request("/deliveries/slips", "/deliveries/slips".to_owned(), &[("id", &delivery)], Has::Customers));
        for format in ["xlsx", "csv"] {
            let fields = [("batch", "visit"), ("purpose", "shipping"), ("format", format)];
            all.push(request("/notices/download", format!("/notices/download?day={DAY}"), &fields, Has::Customers));
        }
        let person = self.shop.path("/privacy/people/{id}");
        for format in ["pdf", "json"] {
            let fields = [("note", "본인이 요구함"), ("format", format)];
            all.push(request("/privacy/people/{id}", person.clone(), &fields, Has::Customers));
        }
        let people = format!("{}/people", self.breach);
        all.push(request("/privacy/breaches/{id}/people", people, &[], Has::Customers));
        all.push(request("/downloads/{id}", self.sent_file().await, &[], Has::Customers));
        all.push(request("/backup/download", "/backup/download".to_owned(), &[], Has::Customers));
        all
    }

    /// The path of a file for the factory that was taken before.
    async fn sent_file(&self) -> String {
        let path = "/orders/download?content=purchase-order".to_owned();
        let fields = vec![("purpose", "factory".to_owned()), ("format", "xlsx".to_owned())];
        let request = FileRequest { route: "", path, fields, has: Has::Customers };
        assert_eq!(send(&self.shop.app, &request).await.status, StatusCode::OK);
        let id = self.shop.app.state.storage.read(|tx| tx.scalar("SELECT max(download_id) FROM download_files", &[]));
        format!("/downloads/{}", number_code(id.await.expect("a file")))
    }
}

/// The deliveries of the day on a fixed tour.
fn plan_tour(tx: &mut dyn Tx) -> Result<(), StorageError> {
    let mut settings = trucks::settings(tx)?;
    "04524".clone_into(&mut settings.depot_zip);
    settings.default_handling.minutes = 5;
    trucks::save_settings(tx, &settings)?;
    let truck = Truck { volume: 9_000, pieces: 900, ..Truck::suggestion("1호차".to_owned()) };
    let column = ColumnKey { truck_id: trucks::insert(tx, &truck)?, round: 1 };
    let (districts, day) = (Districts::embedded(), parse_date(DAY).expect("a date"));
    let id = MemberId::from_raw(tx.scalar("SELECT min(id) FROM members", &[])?);
    let actor = MemberActor { id, address: std::net::IpAddr::from([127, 0, 0, 1]) };
    let ids: Vec<WorkId> = board::load(tx, &districts, day)?.pool.iter().take(3).map(|item| item.work.key).collect();
    let context = EditContext { actor, day, seen: std::collections::HashMap::new() };
    edit::move_to(tx, &districts, &context, (column, None), &ids)?.expect("moves");
    let seen =
        board::load(tx, &districts, day)?.columns.iter().map(|column| (column.key(), column.version())).collect();
    edit::set_state(tx, &districts, &EditContext { actor, day, seen }, TourState::Fixed, None)?.expect("fixes");
    Ok(())
}

/// Sends the form with what its page names as left out, which the member has to confirm; follows to what is printed.
async fn send(browser: &TestApp, request: &FileRequest) -> TestResponse {
    let mut fields: Vec<(&str, String)> = request.fields.clone();
    if request.path.starts_with("/orders/download") {
        let page = browser.get(&request.path).await.text;
        for name in ["held", "left_out", "unknown_couriers", "claims_seen"] {
            let values =
                page.split(&format!("name=\"{name}\" value=\"")).skip(1).map(str::to_owned).collect::<Vec<_>>();
            fields.extend(values.iter().filter_map(|rest| Some((name, rest.split('"').next()?.to_owned()))));
        }
    }
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = browser.post_form(&request.path, &fields).await;
    if answer.location().contains("print=now") { browser.get(answer.location()).await } else { answer }
}

/// Everything that can be read in an answer: the parts of a workbook, the lines of a PDF file, bytes as text.
fn readable(answer: &TestResponse) -> String {
    let mut text = answer.text.clone();
    if answer.bytes.starts_with(b"PK") {
        let mut parts = zip::ZipArchive::new(Cursor::new(&answer.bytes)).expect("a workbook");
        for part in 0..parts.len() {
            parts.by_index(part).expect("a part").read_to_string(&mut text).expect("text");
        }
    }
    if answer.bytes.starts_with(b"%PDF") {
        // A long value is broken into lines.
        text.extend(pages(&answer.bytes).into_iter().flatten());
    }
    text
}

/// What is wrong with the answer to a role that may take the file, or may not.
fn fault_of(has: Has, answer: &TestResponse, (role, may): (Role, bool)) -> Option<String> {
    let text = readable(answer);
    let found = leaks("", &text);
    if !may {
        return (answer.status != StatusCode::FORBIDDEN || !found.is_empty())
            .then(|| format!("{} with {found:?} instead of a refusal", answer.status));
    }
    if answer.status != StatusCode::OK {
        return Some(format!("{} instead of a file", answer.status));
    }
    let is_masked = text.contains('*');
    let names = ["나구매다", "바수취사"];
    match has {
        Has::Customers if matches!(role, Role::Admin | Role::Orders) => {
            found.is_empty().then(|| "has nobody: the search is blind".to_owned())
        }
        Has::Customers => (!found.is_empty() || !is_masked).then(|| format!("has {found:?}, masks: {is_masked}")),
        Has::Masks => {
            let is_right = found.contains(&names[1]) && found.iter().all(|mark| names.contains(mark)) && is_masked;
            (!is_right).then(|| format!("has {found:?}, masks: {is_masked}"))
        }
        Has::Nobody => (!found.is_empty()).then(|| format!("has {found:?}")),
    }
}

fn post_routes() -> Vec<RouteSpec> {
    let routes: Vec<RouteSpec> = rooms().iter().flat_map(Routes::specs).cloned().collect();
    routes.into_iter().filter(|route| route.method == Method::POST).collect()
}

/// Whether the route may answer a file or a print: its right is one of these, or the file of its handler sends files.
fn may_answer_a_file(route: &RouteSpec) -> bool {
    let right = route.access.right().map(|(_, action)| action);
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join(source_file(route))).expect("a source file");
    matches!(right, Some(PageAction::Download | PageAction::Print))
        || ["CONTENT_DISPOSITION", "content_disposition", "send_document", "send_json"]
            .iter()
            .any(|word| source.contains(word))
}

#[tokio::test]
async fn every_file_and_print_of_a_post_has_no_more_than_the_role_may_take() {
    let files = Files::open().await;
    let requests = files.requests().await;
    let covered: BTreeSet<&str> = requests.iter().map(|request| request.route).collect();
    let routes = post_routes();
    for route in routes.iter().filter(|route| may_answer_a_file(route)) {
        let is_listed = covered.contains(route.path) || PAGES.contains(&route.path);
        assert!(is_listed, "{}: add what it answers to `Files::requests`, or to `PAGES`", route.path);
    }
    let mut faults = Vec::new();
    for role in ROLES {
        let browser = files.shop.browser(role).await;
        let again = [("password", PASSWORD), ("next", "/account")];
        browser.post_form("/password", &again).await;
        for request in &requests {
            if request.route == "/backup/download" && files.shop.app.state.config.restored().is_none() {
                continue;
            }
            let forget = |tx: &mut dyn Tx| {
                // An order goes into a file once, and a text is sent once.
                tx.exec("DELETE FROM download_orders", &[])?;
                tx.exec("DELETE FROM notices", &[])
            };
            files.shop.app.state.storage.write(forget).await.expect("writes");
            let route = routes.iter().find(|route| route.path == request.route).expect("a declared route");
            let right = route.access.right().expect("a right");
            let answer = send(&browser, request).await;
            if let Some(fault) = fault_of(request.has, &answer, (role, rights::may(role, right.0, right.1))) {
                let start: String = answer.text.chars().take(3_000).collect();
                faults.push(format!("{} {:?} as {role:?}: {fault}: {start}", request.path, request.fields));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test]
async fn no_post_answers_marked_data_to_a_masked_role_and_none_runs_without_its_right() {
    let files = Files::open().await;
    let (tick, delivery) = (files.shop.orders[1].0.to_string(), files.shop.delivery(1));
    let fields = [("tick", tick.as_str()), ("id", &tick), ("delivery", &delivery), ("order", &tick), ("day", DAY)];
    for role in [Role::Logistics, Role::Support, Role::Viewer, Role::Driver] {
        let browser = files.shop.browser(role).await;
        let token = browser.token("/account").await;
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        for route in post_routes().iter().filter(|route| route.path != "/logout") {
            let path = files.shop.path(route.path);
            let answer = browser.post_bare(&path, &fields).await;
            assert_eq!(leaks("", &readable(&answer)), Vec::<&str>::new(), "{path} as {role:?}");
            if let Some((page, action)) = route.access.right()
                && !rights::may(role, page, action)
            {
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} as {role:?}");
            }
        }
        assert!(browser.get("/account").await.status == StatusCode::OK, "{role:?} is still signed in");
    }
}
