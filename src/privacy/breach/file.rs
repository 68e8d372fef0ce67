//! The people of a case as a file to send notices from.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};

use super::AffectedPerson;
use crate::orders::export::csv::format_cell;
use crate::orders::fields::Cell;

const HEADERS: [&str; 7] = ["이름", "전화번호", "주문 수", "무슨 일", "처음", "마지막", "확실한지"];

/// UTF-8 with a byte order mark, as the other files for Excel.
pub fn csv(people: &[AffectedPerson]) -> Vec<u8> {
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer("\u{FEFF}".as_bytes().to_vec());
    let text = |text: String| format_cell(Cell::Text(Cow::Owned(text))).into_owned();
    // Writing to memory does not fail.
    let _ = table.write_record(HEADERS);
    for affected in people {
        let (person, exposure) = (&affected.person, &affected.exposure);
        let _ = table.write_record([
            text(person.name.clone()),
            text(person.tels.join(", ")),
            affected.order_ids.len().to_string(),
            exposure.words(),
            exposure.between.0.to_string(),
            exposure.between.1.to_string(),
            if exposure.is_uncertain { "그럴 수 있음" } else { "확실함" }.to_owned(),
        ]);
    }
    table.into_inner().unwrap_or_default()
}
