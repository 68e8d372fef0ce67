//! Validation of order files: rows become [`NewOrder`]s.

use super::{CheckedRow, OrderKey, RowReader, VisitRow, for_each_row, ignored, is_total};
use crate::channels::{Field, Table, parse_options};
use crate::orders::claim::ClaimKind;
use crate::orders::model::{ChargeType, Customer, NewOrder, OrderOption, Recipient, ShippingMethod};
use crate::sheets::{Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::time::Moment;

/// Maximum length of a message or options text; the columns have no limit of their own.
const MAX_TEXT_CHARS: usize = 10_000;

/// The columns of an order in a table.
struct OrderColumns {
    key: OrderKey,
    /// by field
    fields: Vec<Vec<usize>>,
    /// address, detail, and whether the address is doubtful
    address: Vec<(usize, Option<usize>, bool)>,
}

impl OrderColumns {
    fn new(table: &Table) -> Self {
        const LAST: usize = Field::Status as usize;
        let mut fields = vec![Vec::new(); LAST + 1];
        for field in table.profile.columns.keys() {
            if let Some(place) = fields.get_mut(*field as usize) {
                *place = table.columns(*field);
            }
        }
        let pair = |pair: &Vec<String>| {
            let (first, second) = (pair.first()?, pair.get(1));
            let doubtful = table.profile.doubtful_address.contains(first);
            Some((table.column(first)?, second.and_then(|header| table.column(header)), doubtful))
        };
        Self { key: OrderKey::new(table), fields, address: table.profile.address.iter().filter_map(pair).collect() }
    }

    fn of(&self, field: Field) -> &[usize] {
        self.fields.get(field as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Validates the rows of an order file.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn orders(workbook: &mut Workbook, table: &Table, visit: &mut VisitRow<'_, NewOrder>) -> Result<(), SheetError> {
    let columns = OrderColumns::new(table);
    for_each_row(workbook, table, visit, |row| check(table, row, &columns))
}

fn check(table: &Table, row: &Row<'_>, columns: &OrderColumns) -> CheckedRow<NewOrder> {
    if columns.key.is_blank(row) && (is_total(row) || is_footer(row, columns)) {
        return ignored(row.number);
    }
    let mut cells = RowReader::new(table, row);
    let order_number = columns.key.parse(&mut cells);
    if let Some(column) = finished_claim(&cells, columns) {
        return cells.skipped(order_number, column, "이미 취소되었거나 반품된 주문이에요");
    }
    let (product_number, product_name) = product(&mut cells, columns);
    let profile = &table.profile;
    let options_raw = text(&mut cells, columns.of(Field::Options));
    let options = options(&mut cells, columns, &options_raw);
    let recipient = recipient(&mut cells, columns);
    let (shipping_method, shipping_method_raw) = shipping_method(&mut cells, columns);
    let order = NewOrder {
        order_number: order_number.clone(),
        sales_channel: profile.code.clone(),
        product_number,
        product_name,
        options,
        options_raw,
        quantity: cells.parse(columns.of(Field::Quantity), values::quantity),
        price: cells.parse(columns.of(Field::Price), values::money),
        customer: customer(&mut cells, columns, &recipient),
        recipient,
        customer_message: text(&mut cells, columns.of(Field::CustomerMessage)),
        shipping_method,
        shipping_method_raw,
        charge_type: charge_type(&mut cells, columns),
        bundle_number: optional_id(&mut cells, columns.of(Field::BundleNumber)),
        placed_at: placed_at(&mut cells, columns),
        dispatch_deadline: day(&mut cells, columns.of(Field::DispatchDeadline)),
        preferred_shipping_date: preferred(&mut cells, columns.of(Field::PreferredShippingDate)),
        claim: claim(&mut cells, columns),
        courier: cells.truncated_line(columns.of(Field::Courier), text_limits::COURIER),
        tracking_number: tracking_number(&mut cells, columns),
    };
    cells.finish(order_number, order)
}

/// Whether a row without key is a note below the table: product, recipient and quantity are blank.
fn is_footer(row: &Row<'_>, columns: &OrderColumns) -> bool {
    [Field::ProductName, Field::RecipientName, Field::Quantity]
        .iter()
        .all(|field| columns.of(*field).iter().all(|column| row.cell(*column).is_blank()))
}

/// The claim column of an order that is cancelled or returned already, if any.
fn finished_claim(cells: &RowReader<'_, '_>, columns: &OrderColumns) -> Option<usize> {
    let words = &cells.table.profile.values.cancelled;
    columns.of(Field::Claim).iter().copied().find(|&column| words.contains(&values::line(cells.row.cell(column))))
}

fn text(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    let text = values::lines(cells.cell(columns));
    if text.chars().count() > MAX_TEXT_CHARS {
        cells.too_long(cells.pick(columns).unwrap_or_default(), &text, MAX_TEXT_CHARS);
    }
    text
}

fn options(cells: &mut RowReader<'_, '_>, columns: &OrderColumns, text: &str) -> Vec<OrderOption> {
    let profile = &cells.table.profile;
    let options = parse_options(text, profile.options, &profile.values.no_option);
    let column = cells.pick(columns.of(Field::Options)).unwrap_or_default();
    for option in &options {
        for (text, most) in [(&option.key, text_limits::OPTION_KEY), (&option.value, text_limits::OPTION_VALUE)] {
            if text.chars().count() > most {
                cells.too_long(column, text, most);
            }
        }
    }
    options
}

/// A line that must not be blank.
fn required_line(cells: &mut RowReader<'_, '_>, columns: &[usize], most: usize) -> String {
    let line = cells.line(columns, most);
    if line.is_empty() {
        cells.problem(columns.first().copied().unwrap_or_default(), "비어 있어요");
    }
    line
}

fn optional_id(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    cells.parse(columns, values::id)
}

fn product(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> (String, String) {
    let name = required_line(cells, columns.of(Field::ProductName), text_limits::PRODUCT_NAME);
    let own = columns.of(Field::ProductNumber);
    let number = optional_id(cells, own);
    if !number.is_empty() {
        return (number, name);
    }
    let channels = columns.of(Field::ChannelProductNumber);
    let number = optional_id(cells, channels);
    let column = own.first().or(channels.first()).copied();
    let (number, message) = if number.is_empty() {
        (name.chars().take(64).collect(), "판매자 상품코드가 없어 상품명으로 상품을 정했어요")
    } else {
        (number, "판매자 상품코드가 없어 판매채널의 상품번호로 상품을 정했어요")
    };
    match column {
        Some(column) => cells.warn(column, message),
        None => warn_missing_column(cells, "판매자 상품코드", message),
    }
    (number, name)
}

/// Records a warning about a column that the file does not have.
fn warn_missing_column(cells: &mut RowReader<'_, '_>, column: &str, message: &str) {
    cells.warnings.push(super::Reason { column: column.to_owned(), value: String::new(), message: message.to_owned() });
}

fn customer(cells: &mut RowReader<'_, '_>, columns: &OrderColumns, recipient: &Recipient) -> Customer {
    let (name, tel) = (columns.of(Field::CustomerName), columns.of(Field::CustomerTel));
    if name.is_empty() {
        return Customer { name: recipient.name.clone(), tel: recipient.tel1.clone() };
    }
    let tel = values::phone(cells.cell(tel)).unwrap_or_else(|_| cells.truncated_line(tel, text_limits::TEL));
    Customer { name: cells.line(name, text_limits::PERSON_NAME), tel }
}

fn recipient(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> Recipient {
    let name = required_line(cells, columns.of(Field::RecipientName), text_limits::PERSON_NAME);
    let (first, second) = (columns.of(Field::RecipientTel1), columns.of(Field::RecipientTel2));
    let mut tel1 = cells.parse(first, values::phone);
    let mut tel2 = cells.parse(second, values::phone);
    if tel1.is_empty() && cells.cell(first).is_blank() {
        tel1 = std::mem::take(&mut tel2);
        if tel1.is_empty() && cells.cell(second).is_blank() {
            cells.problem(first.first().copied().unwrap_or_default(), "수취인 연락처가 비어 있어요");
        }
    }
    let (address1, address2) = address(cells, columns);
    Recipient { name, tel1, tel2, zip_code: zip_code(cells, columns), address1, address2 }
}

fn address(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> (String, String) {
    let row = cells.row;
    let Some(&(first, second, doubtful)) = columns.address.iter().find(|(first, ..)| !row.cell(*first).is_blank())
    else {
        cells.problem(columns.address.first().map_or(0, |(first, ..)| *first), "주소가 비어 있어요");
        return Default::default();
    };
    if doubtful {
        cells.warn(first, "주소가 나뉘어 있지 않아 한 칸에 모두 넣었어요");
    }
    let detail = second.map(|column| cells.line(&[column], text_limits::ADDRESS)).unwrap_or_default();
    (cells.line(&[first], text_limits::ADDRESS), detail)
}

fn zip_code(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> String {
    const UNKNOWN: &str = "우편번호가 없어 지역이 미분류예요";
    let columns = columns.of(Field::ZipCode);
    let Some(column) = cells.pick(columns) else {
        warn_missing_column(cells, "우편번호", UNKNOWN);
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

fn shipping_method(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> (ShippingMethod, String) {
    let columns = columns.of(Field::ShippingMethod);
    let word = cells.truncated_line(columns, text_limits::SHIPPING_METHOD_RAW);
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

fn charge_type(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> ChargeType {
    let columns = columns.of(Field::ChargeType);
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

fn placed_at(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> Moment {
    let columns = columns.of(Field::PlacedAt);
    if cells.cell(columns).is_blank() {
        cells.problem(columns.first().copied().unwrap_or_default(), "주문일시가 비어 있어요");
        return Moment(0);
    }
    let date1904 = cells.row.date1904;
    Moment::from_kst(cells.parse(columns, |cell| values::moment(cell, date1904)))
}

fn day(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> Option<chrono::NaiveDate> {
    if cells.cell(columns).is_blank() {
        return None;
    }
    let date1904 = cells.row.date1904;
    cells.parse(columns, |cell| values::date(cell, date1904).map(Some))
}

/// The preferred shipping date; text that is no date (`빠른 배송`) is only a warning.
fn preferred(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> Option<chrono::NaiveDate> {
    let column = cells.pick(columns).filter(|column| !cells.row.cell(*column).is_blank())?;
    let date = values::date(cells.row.cell(column), cells.row.date1904);
    if date.is_err() {
        cells.warn(column, "희망배송일을 날짜로 읽을 수 없어 비워 두었어요");
    }
    date.ok()
}

fn claim(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> String {
    for &column in columns.of(Field::Claim) {
        let word = values::line(cells.row.cell(column));
        if ClaimKind::of_open(&word).is_some() {
            cells.warn(column, "취소·반품·교환 요청이 들어온 주문이에요");
            return text_limits::truncate(&word, text_limits::CLAIM).to_owned();
        }
    }
    let quantity = columns.of(Field::QuantityClaim);
    if let Some(column) = cells.pick(quantity).filter(|_| values::line(cells.cell(quantity)).eq_ignore_ascii_case("y"))
    {
        cells.warn(column, "수량 클레임이 있는 주문이에요");
        return String::from("수량클레임");
    }
    String::new()
}

fn tracking_number(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> String {
    let columns = columns.of(Field::TrackingNumber);
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
