//! The files of a round, as the channel and the courier give them out.

use std::io::Cursor;

use rust_xlsxwriter::{Workbook, XlsxError};

use super::lesson::Lesson;
use super::model::Task;
use crate::demo::files::write_smart_store;
use crate::time::Moment;

/// A file to practise with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PracticeFile {
    /// today's orders, as 스마트스토어 gives them out
    Orders,
    /// 로젠택배's list of the parcels it took
    Courier,
    /// 스마트스토어's list of returns
    Returns,
}

impl PracticeFile {
    /// The file of a task.
    pub const fn of(task: Task) -> Option<Self> {
        match task {
            Task::Upload => Some(Self::Orders),
            Task::Courier => Some(Self::Courier),
            Task::Return => Some(Self::Returns),
            _ => None,
        }
    }

    /// The word in its address.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Courier => "courier",
            Self::Returns => "returns",
        }
    }

    /// The file of that word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Orders, Self::Courier, Self::Returns].into_iter().find(|file| file.code() == code)
    }

    /// What it is called, without the ending.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Orders => "연습 스마트스토어 주문",
            Self::Courier => "연습 로젠택배 송장",
            Self::Returns => "연습 스마트스토어 반품",
        }
    }

    /// The file itself, .xlsx; `now` is when the goods came back.
    ///
    /// # Errors
    /// The writer of spreadsheets failed.
    pub fn write(self, lesson: &Lesson, now: Moment) -> Result<Vec<u8>, XlsxError> {
        match self {
            Self::Orders => {
                let mut bytes = Cursor::new(Vec::new());
                write_smart_store(&mut bytes, lesson.uploaded().into_iter().cloned())?;
                Ok(bytes.into_inner())
            }
            Self::Courier => courier(lesson),
            Self::Returns => returns(lesson, now),
        }
    }
}

fn courier(lesson: &Lesson) -> Result<Vec<u8>, XlsxError> {
    let date = lesson.today().to_string();
    let mut rows = vec![vec!["주문등록_출력".to_owned()]];
    rows.push(["번호", "집하일자", "주문번호", "운송장번호", "수하인명", "택배운임"].map(str::to_owned).to_vec());
    for (place, order) in (1..).zip(lesson.of_task(Task::Courier)) {
        rows.push(vec![
            place.to_string(),
            date.clone(),
            order.order_number.clone(),
            Lesson::tracking_number(&order.order_number),
            order.recipient.name.clone(),
            "4000".to_owned(),
        ]);
    }
    sheet("주문등록_출력", &rows)
}

/// The first order of the bundle came back; the others stay with the customer.
fn returns(lesson: &Lesson, now: Moment) -> Result<Vec<u8>, XlsxError> {
    let mut rows = vec![
        ["상품주문번호", "주문상태", "반품 처리상태", "반품완료일", "상품명", "수취인명"].map(str::to_owned).to_vec(),
    ];
    rows.extend(lesson.of_task(Task::Return).first().map(|order| {
        vec![
            order.order_number.clone(),
            "반품".to_owned(),
            "반품완료".to_owned(),
            now.kst().format("%Y-%m-%d %H:%M:%S").to_string(),
            order.product_name.clone(),
            order.recipient.name.clone(),
        ]
    }));
    sheet("반품관리", &rows)
}

fn sheet(name: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    for (at, row) in (0..).zip(rows) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(at, column, text)?;
        }
    }
    workbook.save_to_buffer()
}
