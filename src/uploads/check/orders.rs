//! Validation of order files: rows become [`NewOrder`]s.

mod status;

pub use self::status::is_not_understood;

use super::{CheckedRow, OrderKey, RowReader, VisitRow, for_each_row, ignored, is_total};
use crate::channels::{Field, StatusRule, Table, courier_name, parse_options};
use crate::orders::model::{ChargeType, Customer, NewOrder, OrderOption, Recipient, ShippingMethod};
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::text::{ParseResult, PhoneNumbers, fold_word, mask_sensitive};
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
    /// date columns of each status rule of the profile
    status_moments: Vec<Vec<usize>>,
    /// the file would name an open claim
    has_claims: bool,
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
            let (first, second) = (pair.first().map_or("", String::as_str), pair.get(1));
            let doubtful = table.profile.doubtful_address.iter().any(|header| header == first);
            let detail = second.and_then(|header| table.column(header));
            table.all_columns(first).iter().map(|&column| (column, detail, doubtful)).collect::<Vec<_>>()
        };
        let moments = |rule: &StatusRule| rule.moments.iter().filter_map(|header| table.column(header)).collect();
        Self {
            key: OrderKey::new(table),
            fields,
            address: table.profile.address.iter().flat_map(pair).collect(),
            status_moments: table.profile.changes.iter().map(moments).collect(),
            has_claims: table.has_claims(),
        }
    }

    fn of(&self, field: Field) -> &[usize] {
        self.fields.get(field as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Validates the rows of an order file.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn check_orders(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, NewOrder>,
) -> Result<(), SheetError> {
    let columns = OrderColumns::new(table);
    for_each_row(workbook, table, visit, |row| check(table, row, &columns))
}

fn check(table: &Table, row: &Row<'_>, columns: &OrderColumns) -> CheckedRow<NewOrder> {
    if columns.key.is_heading(table, row) || columns.key.is_blank(row) && (is_total(row) || is_footer(row, columns)) {
        return ignored(row.number);
    }
    let mut cells = RowReader::new(table, row);
    let order_number = columns.key.parse(&mut cells);
    let is_key_valid = cells.problems.is_empty();
    let (product_number, product_name) = product(&mut cells, columns);
    let profile = &table.profile;
    let options_raw = text(&mut cells, columns.of(Field::Options));
    let options = options(&mut cells, columns, &options_raw);
    let recipient = recipient(&mut cells, columns);
    let (shipping_method, shipping_method_raw) = shipping_method(&mut cells, columns);
    let (claim, said) = status::read(&mut cells, columns);
    let placed_at = placed_at(&mut cells, columns);
    let mut order = NewOrder {
        order_number: order_number.clone(),
        channel_order_number: channel_order_number(&mut cells, columns),
        sales_channel: profile.code.clone(),
        product_number,
        product_name,
        options,
        options_raw,
        quantity: cells.parse(columns.of(Field::Quantity), values::quantity),
        price: price(&mut cells, columns.of(Field::Price)),
        customer: customer(&mut cells, columns, &recipient),
        recipient,
        customer_message: message(&mut cells, columns.of(Field::CustomerMessage)),
        shipping_method,
        shipping_method_raw,
        charge_type: charge_type(&mut cells, columns),
        bundle_number: optional_id(&mut cells, columns.of(Field::BundleNumber)),
        placed_at,
        dispatch_deadline: date(&mut cells, columns.of(Field::DispatchDeadline), placed_at, false),
        preferred_shipping_date: date(&mut cells, columns.of(Field::PreferredShippingDate), placed_at, true),
        claim,
        courier: courier_name(&cells.truncated_line(columns.of(Field::Courier), text_limits::COURIER)).to_owned(),
        tracking_number: tracking_number(&mut cells, columns),
        said,
    };
    warn_of_errors(&mut cells, columns);
    order.said.fields = status::readable_fields(&cells, columns, &order);
    if cells.problems.is_empty() {
        return cells.finish(order_number, order);
    }
    let partial = (is_key_valid && !row.is_cut).then(|| Box::new(order));
    CheckedRow { partial, ..cells.rejected(order_number) }
}

/// Warns of errors of the spreadsheet (`#N/A`) in the columns that are read: these cells count as empty.
fn warn_of_errors(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) {
    let address = columns.address.iter().flat_map(|(first, second, _)| [Some(*first), *second]).flatten();
    let read: Vec<usize> = columns.fields.iter().flatten().copied().chain(address).collect();
    for column in read {
        let header = cells.table.header(column);
        let is_told = cells.problems.iter().chain(&cells.warnings).any(|reason| reason.column == header);
        if matches!(cells.row.cell(column), Cell::Error(_)) && !is_told {
            cells.warn(column, "오류 값이라 비워 두었어요");
        }
    }
}

/// Whether a row without key is a note below the table: product, recipient and quantity are blank.
fn is_footer(row: &Row<'_>, columns: &OrderColumns) -> bool {
    [Field::ProductName, Field::RecipientName, Field::Quantity]
        .iter()
        .all(|field| columns.of(*field).iter().all(|column| row.cell(*column).is_blank()))
}

/// A cell's word in the form in which words are compared.
fn word(cell: &Cell<'_>) -> String {
    fold_word(&values::text(cell))
}

fn text(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    let text = values::lines(cells.cell(columns));
    if text.chars().count() > MAX_TEXT_CHARS {
        cells.too_long(cells.pick(columns).unwrap_or_default(), &text, MAX_TEXT_CHARS);
    }
    text
}

/// A text that a customer wrote. Numbers that must not be stored are masked, with a warning.
fn message(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    let text = text(cells, columns);
    let Some((masked, kinds)) = mask_sensitive(&text) else { return text };
    let names: Vec<&str> = kinds.iter().map(|kind| kind.label()).collect();
    cells.warn_of_masked(cells.pick(columns).unwrap_or_default(), &masked, &names.join(", "));
    masked
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
        cells.problem(columns.first().copied().unwrap_or_default(), super::blank_message(cells.cell(columns)));
    }
    line
}

/// A number that may be missing. Signs for "none" are no number: they would join what does not belong together.
fn optional_id(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    cells.parse(columns, |cell| if values::is_nothing(cell) { Ok(String::new()) } else { values::exact_id(cell) })
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
    let tel = match values::phones(cells.cell(tel)) {
        Ok(numbers) => numbers.first,
        // A masked number is all that is known of a customer.
        Err(_) => cells.truncated_line(tel, text_limits::TEL),
    };
    Customer { name: cells.line(name, text_limits::PERSON_NAME), tel }
}

fn recipient(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> Recipient {
    let name = required_line(cells, columns.of(Field::RecipientName), text_limits::PERSON_NAME);
    let (tel1, tel2) = recipient_phones(cells, columns);
    let (address1, address2) = address(cells, columns);
    Recipient { name, tel1, tel2, zip_code: zip_code(cells, columns), address1, address2 }
}

/// The telephone numbers of the recipient. The first one is needed: it is the second one where the first column
/// has none. The second one is for information.
fn recipient_phones(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> (String, String) {
    const EMPTY: &str = "비워 두었어요";
    let (first, second) = (columns.of(Field::RecipientTel1), columns.of(Field::RecipientTel2));
    let (column1, numbers1) = phones(cells, first);
    let (column2, numbers2) = phones(cells, second);
    let mut numbers = Vec::new();
    let mut warnings = Vec::new();
    let mut problem = None;
    let has_more = [&numbers1, &numbers2].iter().any(|read| read.as_ref().is_ok_and(|read| read.has_more));
    for (column, read, is_first) in [(column1, numbers1, true), (column2, numbers2, false)] {
        match read {
            Ok(read) if read.first.is_empty() && read.is_altered && !is_first => {
                warnings.push((column, format!("전화번호가 아니라 {EMPTY}")));
            }
            Ok(read) => {
                numbers.extend([read.first, read.second].into_iter().filter(|number| !number.is_empty()));
            }
            Err(message) if is_first => problem = Some((column, message)),
            Err(message) => warnings.push((column, format!("{message}. {EMPTY}"))),
        }
    }
    numbers.dedup();
    if numbers.is_empty() {
        let (column, message) = problem.unwrap_or((column1, "수취인 연락처가 비어 있어요"));
        cells.problem(column, message);
    } else if let Some((column, message)) = problem {
        warnings.push((column, format!("{message}. 다른 연락처를 넣었어요")));
    }
    if numbers.len() > 2 || has_more && numbers.len() > 1 {
        warnings.push((column1, format!("연락처가 셋 이상이라 {}까지만 넣었어요", numbers[1])));
    }
    for (column, message) in warnings {
        cells.warn(column, &message);
    }
    let mut numbers = numbers.into_iter();
    (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default())
}

/// The numbers of the first column that has one, and that column; otherwise what the first non-blank one has.
fn phones(cells: &RowReader<'_, '_>, columns: &[usize]) -> (usize, ParseResult<PhoneNumbers>) {
    let read = |column: usize| values::phones(cells.row.cell(column));
    let found = columns.iter().find_map(|&column| {
        read(column).ok().filter(|numbers| !numbers.first.is_empty()).map(|numbers| (column, Ok(numbers)))
    });
    found.unwrap_or_else(|| {
        let column = cells.pick(columns).unwrap_or_default();
        if columns.is_empty() { (column, Ok(PhoneNumbers::default())) } else { (column, read(column)) }
    })
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

/// What is said of an order without a valid postal code.
pub const UNCLASSIFIED: &str = "지역이 미분류예요";

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
            cells.warn(column, &format!("{problem}. {UNCLASSIFIED}"));
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
    let known = profile.values.shipping_method.get(&fold_word(&word)).copied();
    if known.is_none() {
        cells.warn(cells.pick(columns).unwrap_or_default(), "모르는 배송방법이라 기타로 두었어요");
    }
    (known.unwrap_or(ShippingMethod::Other), word)
}

fn charge_type(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> ChargeType {
    let columns = columns.of(Field::ChargeType);
    let word = values::line(cells.cell(columns));
    let profile = &cells.table.profile;
    let known = profile.values.charge_type.get(&fold_word(&word)).copied();
    let default = profile.defaults.charge_type;
    if known.is_none() && !word.is_empty() {
        cells.warn(
            cells.pick(columns).unwrap_or_default(),
            &format!("모르는 배송비 형태라 {}로 두었어요", default.label()),
        );
    }
    known.unwrap_or(default)
}

/// When the order was placed: the first column with a date. It is needed.
fn placed_at(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> Moment {
    let columns = columns.of(Field::PlacedAt);
    let date1904 = cells.row.date1904;
    let mut problem = None;
    for &column in columns {
        let cell = cells.row.cell(column);
        if cell.is_blank() || values::is_nothing(cell) {
            continue;
        }
        match values::moment(cell, date1904) {
            Ok(moment) => return Moment::from_kst(moment),
            Err(message) => problem = problem.or(Some((column, message))),
        }
    }
    let first = columns.first().copied().unwrap_or_default();
    let (column, message) = problem.unwrap_or_else(|| match cells.row.cell(first) {
        cell @ Cell::Error(_) => (first, super::blank_message(cell)),
        _ => (first, "주문일시가 비어 있어요"),
    });
    cells.problem(column, message);
    Moment(0)
}

/// A date that may be missing. Signs for "none" leave it empty, with a warning; so does any text in a date for information.
/// A day without a year is the next one from the order on.
fn date(
    cells: &mut RowReader<'_, '_>,
    columns: &[usize],
    placed_at: Moment,
    is_information: bool,
) -> Option<chrono::NaiveDate> {
    let column = cells.pick(columns).filter(|column| !cells.row.cell(*column).is_blank())?;
    let cell = cells.row.cell(column);
    let read = values::date(cell, cells.row.date1904);
    let read = read.or_else(|problem| values::day_from(cell, placed_at.kst().date()).ok_or(problem));
    match &read {
        Ok(_) => {}
        Err(_) if is_information || values::is_nothing(cell) => cells.warn(column, "날짜가 아니라 비워 두었어요"),
        Err(problem) => cells.problem(column, problem),
    }
    read.ok()
}

/// An amount for information: what is no amount is 0, with a warning. An amount in words is one: 0 would falsify
/// it.
fn price(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> i64 {
    let Some(column) = cells.pick(columns) else { return 0 };
    let cell = cells.row.cell(column);
    values::money(cell).unwrap_or_else(|problem| {
        if word(cell).ends_with('원') {
            cells.problem(column, problem);
        } else {
            cells.warn(column, &format!("{problem}. 0원으로 두었어요"));
        }
        0
    })
}

/// The number of the purchase. It is for information: what is no number is left out, with a warning.
fn channel_order_number(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> String {
    let columns = columns.of(Field::ChannelOrderNumber);
    let cell = cells.cell(columns);
    if cell.is_blank() || values::is_nothing(cell) {
        return String::new();
    }
    let problem = match values::exact_id(cell) {
        Ok(number) if number.chars().count() <= text_limits::ORDER_NUMBER => return number,
        Ok(_) => "주문번호가 너무 길어요",
        Err(problem) => problem,
    };
    cells.warn(cells.pick(columns).unwrap_or_default(), &format!("{problem}. 비워 두었어요"));
    String::new()
}

fn tracking_number(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> String {
    let columns = columns.of(Field::TrackingNumber);
    if cells.cell(columns).is_blank() || values::is_nothing(cells.cell(columns)) {
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
