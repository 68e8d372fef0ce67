//! Order files: each row becomes a [`NewOrder`].

use super::{Cells, Checked, Key, Visit, columns, each, ignored, is_total};
use crate::channels::{Field, Table, parse_options};
use crate::orders::model::{ChargeType, Customer, NewOrder, OrderOption, Recipient, ShippingMethod};
use crate::sheets::{Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::time::Moment;

/// A message or the text of the options; longer ones are mistakes, though their columns would hold them.
const MAX_TEXT: usize = 10_000;

/// Where a table keeps what an order needs.
struct Plan {
    key: Key,
    fields: Vec<Vec<usize>>,
    address: Vec<(usize, Option<usize>, bool)>,
}

impl Plan {
    fn of(table: &Table) -> Self {
        const LAST: usize = Field::Status as usize;
        let mut fields = vec![Vec::new(); LAST + 1];
        for field in table.profile.columns.keys() {
            if let Some(place) = fields.get_mut(*field as usize) {
                *place = columns(table, *field);
            }
        }
        let pair = |pair: &Vec<String>| {
            let (first, second) = (pair.first()?, pair.get(1));
            let doubtful = table.profile.doubtful_address.contains(first);
            Some((table.column(first)?, second.and_then(|header| table.column(header)), doubtful))
        };
        Self { key: Key::of(table), fields, address: table.profile.address.iter().filter_map(pair).collect() }
    }

    fn columns(&self, field: Field) -> &[usize] {
        self.fields.get(field as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Checks the rows of an order table.
///
/// # Errors
/// The file broke off; rows may have been visited before.
pub fn orders(workbook: &mut Workbook, table: &Table, visit: &mut Visit<'_, NewOrder>) -> Result<(), SheetError> {
    let plan = Plan::of(table);
    each(workbook, table, visit, |row| check(table, row, &plan))
}

fn check(table: &Table, row: &Row<'_>, plan: &Plan) -> Checked<NewOrder> {
    if plan.key.is_blank(row) && (is_total(row) || is_footer(row, plan)) {
        return ignored(row.number);
    }
    let mut cells = Cells::new(table, row);
    let order_number = plan.key.read(&mut cells);
    if let Some(column) = over(&cells, plan) {
        return cells.skipped(order_number, column, "이미 취소되었거나 반품된 주문이에요");
    }
    let (product_number, product_name) = product(&mut cells, plan);
    let profile = &table.profile;
    let options_text = text(&mut cells, plan.columns(Field::Options));
    let options = options(&mut cells, plan, &options_text);
    let recipient = recipient(&mut cells, plan);
    let (shipping_method, shipping_method_word) = shipping_method(&mut cells, plan);
    let order = NewOrder {
        order_number: order_number.clone(),
        sales_channel: profile.code.clone(),
        product_number,
        product_name,
        options,
        options_text,
        quantity: cells.read(plan.columns(Field::Quantity), values::quantity),
        price: cells.read(plan.columns(Field::Price), values::money),
        customer: customer(&mut cells, plan, &recipient),
        recipient,
        customer_message: text(&mut cells, plan.columns(Field::CustomerMessage)),
        shipping_method,
        shipping_method_word,
        charge_type: charge_type(&mut cells, plan),
        bundle_number: optional_id(&mut cells, plan.columns(Field::BundleNumber)),
        placed_at: placed_at(&mut cells, plan),
        dispatch_deadline: day(&mut cells, plan.columns(Field::DispatchDeadline)),
        preferred_shipping_date: preferred(&mut cells, plan.columns(Field::PreferredShippingDate)),
        claim: claim(&mut cells, plan),
        courier: cells.word(plan.columns(Field::Courier), text_limits::COURIER),
        tracking_number: tracking_number(&mut cells, plan),
    };
    cells.finish(order_number, order)
}

/// A note below the rows: neither key nor product nor recipient nor quantity.
fn is_footer(row: &Row<'_>, plan: &Plan) -> bool {
    [Field::ProductName, Field::RecipientName, Field::Quantity]
        .iter()
        .all(|field| plan.columns(*field).iter().all(|column| row.cell(*column).is_blank()))
}

/// The column that says the line is over, if any does.
fn over(cells: &Cells<'_, '_>, plan: &Plan) -> Option<usize> {
    let words = &cells.table.profile.values.cancelled;
    plan.columns(Field::Claim).iter().copied().find(|&column| words.contains(&values::line(cells.row.cell(column))))
}

fn text(cells: &mut Cells<'_, '_>, columns: &[usize]) -> String {
    let text = values::lines(cells.cell(columns));
    if text.chars().count() > MAX_TEXT {
        cells.too_long(cells.pick(columns).unwrap_or_default(), &text, MAX_TEXT);
    }
    text
}

fn options(cells: &mut Cells<'_, '_>, plan: &Plan, text: &str) -> Vec<OrderOption> {
    let profile = &cells.table.profile;
    let options = parse_options(text, profile.options, &profile.values.no_option);
    let column = cells.pick(plan.columns(Field::Options)).unwrap_or_default();
    for option in &options {
        for (text, most) in [(&option.key, text_limits::OPTION_KEY), (&option.value, text_limits::OPTION_VALUE)] {
            if text.chars().count() > most {
                cells.too_long(column, text, most);
            }
        }
    }
    options
}

fn needed(cells: &mut Cells<'_, '_>, columns: &[usize], most: usize) -> String {
    let line = cells.line(columns, most);
    if line.is_empty() {
        cells.problem(columns.first().copied().unwrap_or_default(), "비어 있어요");
    }
    line
}

fn optional_id(cells: &mut Cells<'_, '_>, columns: &[usize]) -> String {
    cells.read(columns, values::id)
}

fn product(cells: &mut Cells<'_, '_>, plan: &Plan) -> (String, String) {
    let name = needed(cells, plan.columns(Field::ProductName), text_limits::PRODUCT_NAME);
    let own = plan.columns(Field::ProductNumber);
    let number = optional_id(cells, own);
    if !number.is_empty() {
        return (number, name);
    }
    let channels = plan.columns(Field::ChannelProductNumber);
    let number = optional_id(cells, channels);
    let column = own.first().or(channels.first()).copied();
    let (number, message) = if number.is_empty() {
        (name.chars().take(64).collect(), "판매자 상품코드가 없어 상품명으로 상품을 정했어요")
    } else {
        (number, "판매자 상품코드가 없어 판매채널의 상품번호로 상품을 정했어요")
    };
    match column {
        Some(column) => cells.warn(column, message),
        None => note(cells, "판매자 상품코드", message),
    }
    (number, name)
}

/// A warning about a column that the file does not have.
fn note(cells: &mut Cells<'_, '_>, column: &str, message: &str) {
    cells.warnings.push(super::Reason { column: column.to_owned(), value: String::new(), message: message.to_owned() });
}

fn customer(cells: &mut Cells<'_, '_>, plan: &Plan, recipient: &Recipient) -> Customer {
    let (name, tel) = (plan.columns(Field::CustomerName), plan.columns(Field::CustomerTel));
    if name.is_empty() {
        return Customer { name: recipient.name.clone(), tel: recipient.tel1.clone() };
    }
    let tel = values::phone(cells.cell(tel)).unwrap_or_else(|_| cells.word(tel, text_limits::TEL));
    Customer { name: cells.line(name, text_limits::PERSON_NAME), tel }
}

fn recipient(cells: &mut Cells<'_, '_>, plan: &Plan) -> Recipient {
    let name = needed(cells, plan.columns(Field::RecipientName), text_limits::PERSON_NAME);
    let (first, second) = (plan.columns(Field::RecipientTel1), plan.columns(Field::RecipientTel2));
    let mut tel1 = cells.read(first, values::phone);
    let mut tel2 = cells.read(second, values::phone);
    if tel1.is_empty() && cells.cell(first).is_blank() {
        tel1 = std::mem::take(&mut tel2);
        if tel1.is_empty() && cells.cell(second).is_blank() {
            cells.problem(first.first().copied().unwrap_or_default(), "수취인 연락처가 비어 있어요");
        }
    }
    let (address1, address2) = address(cells, plan);
    Recipient { name, tel1, tel2, zip_code: zip_code(cells, plan), address1, address2 }
}

fn address(cells: &mut Cells<'_, '_>, plan: &Plan) -> (String, String) {
    let row = cells.row;
    let Some(&(first, second, doubtful)) = plan.address.iter().find(|(first, ..)| !row.cell(*first).is_blank()) else {
        cells.problem(plan.address.first().map_or(0, |(first, ..)| *first), "주소가 비어 있어요");
        return Default::default();
    };
    if doubtful {
        cells.warn(first, "주소가 나뉘어 있지 않아 한 칸에 모두 넣었어요");
    }
    let detail = second.map(|column| cells.line(&[column], text_limits::ADDRESS)).unwrap_or_default();
    (cells.line(&[first], text_limits::ADDRESS), detail)
}

fn zip_code(cells: &mut Cells<'_, '_>, plan: &Plan) -> String {
    const UNKNOWN: &str = "우편번호가 없어 지역이 미분류예요";
    let columns = plan.columns(Field::ZipCode);
    let Some(column) = cells.pick(columns) else {
        note(cells, "우편번호", UNKNOWN);
        return String::new();
    };
    match values::zip_code(cells.row.cell(column)) {
        Ok(code) if !code.is_empty() => code,
        Ok(code) => {
            cells.warn(column, UNKNOWN);
            code
        }
        Err(problem) => {
            cells.warn(column, &format!("{problem}. 지역이 미분류예요"));
            String::new()
        }
    }
}

fn shipping_method(cells: &mut Cells<'_, '_>, plan: &Plan) -> (ShippingMethod, String) {
    let columns = plan.columns(Field::ShippingMethod);
    let word = cells.word(columns, text_limits::SHIPPING_METHOD_WORD);
    let profile = &cells.table.profile;
    if word.is_empty() {
        return (profile.defaults.shipping_method, word);
    }
    let known = profile.values.shipping_method.get(&word).copied();
    if known.is_none() {
        cells.warn(cells.pick(columns).unwrap_or_default(), "모르는 배송방법이라 기타로 두었어요");
    }
    (known.unwrap_or(ShippingMethod::Other), word)
}

fn charge_type(cells: &mut Cells<'_, '_>, plan: &Plan) -> ChargeType {
    let columns = plan.columns(Field::ChargeType);
    let word = values::line(cells.cell(columns));
    let profile = &cells.table.profile;
    let known = profile.values.charge_type.get(&word).copied();
    let default = profile.defaults.charge_type;
    if known.is_none() && !word.is_empty() {
        cells.warn(
            cells.pick(columns).unwrap_or_default(),
            &format!("모르는 배송비 형태라 {}로 두었어요", default.label()),
        );
    }
    known.unwrap_or(default)
}

fn placed_at(cells: &mut Cells<'_, '_>, plan: &Plan) -> Moment {
    let columns = plan.columns(Field::PlacedAt);
    if cells.cell(columns).is_blank() {
        cells.problem(columns.first().copied().unwrap_or_default(), "주문일시가 비어 있어요");
        return Moment(0);
    }
    let date1904 = cells.row.date1904;
    Moment::from_kst(cells.read(columns, |cell| values::moment(cell, date1904)))
}

fn day(cells: &mut Cells<'_, '_>, columns: &[usize]) -> Option<chrono::NaiveDate> {
    if cells.cell(columns).is_blank() {
        return None;
    }
    let date1904 = cells.row.date1904;
    cells.read(columns, |cell| values::date(cell, date1904).map(Some))
}

/// A wish that is no date (`빠른 배송`) is a warning: the order is worth more.
fn preferred(cells: &mut Cells<'_, '_>, columns: &[usize]) -> Option<chrono::NaiveDate> {
    let column = cells.pick(columns).filter(|column| !cells.row.cell(*column).is_blank())?;
    let date = values::date(cells.row.cell(column), cells.row.date1904);
    if date.is_err() {
        cells.warn(column, "희망배송일을 날짜로 읽을 수 없어 비워 두었어요");
    }
    date.ok()
}

fn claim(cells: &mut Cells<'_, '_>, plan: &Plan) -> String {
    for &column in plan.columns(Field::Claim) {
        let word = values::line(cells.row.cell(column));
        if is_pending(&word) {
            cells.warn(column, "취소·반품·교환 요청이 들어온 주문이에요");
            return text_limits::truncate(&word, text_limits::CLAIM).to_owned();
        }
    }
    let quantity = plan.columns(Field::QuantityClaim);
    if let Some(column) = cells.pick(quantity).filter(|_| values::line(cells.cell(quantity)).eq_ignore_ascii_case("y"))
    {
        cells.warn(column, "수량 클레임이 있는 주문이에요");
        return String::from("수량클레임");
    }
    String::new()
}

/// A wish in progress: 취소요청, 반품요청, 취소처리중, 수거중, 수거완료, 교환재배송중, 부분취소.
fn is_pending(word: &str) -> bool {
    let wish = ["취소", "반품", "교환"].iter().any(|wish| word.contains(wish));
    let pending = ["요청", "처리중", "처리 중", "재배송중", "접수"].iter().any(|step| word.contains(step));
    (wish && pending) || ["수거중", "수거완료", "부분취소"].contains(&word)
}

fn tracking_number(cells: &mut Cells<'_, '_>, plan: &Plan) -> String {
    let columns = plan.columns(Field::TrackingNumber);
    if cells.cell(columns).is_blank() {
        return String::new();
    }
    match values::tracking_number(cells.cell(columns)) {
        Ok(number) => number,
        Err(problem) => {
            cells.warn(cells.pick(columns).unwrap_or_default(), &format!("{problem}. 비워 두었어요"));
            String::new()
        }
    }
}
