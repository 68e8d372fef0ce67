//! Practice files in the formats of the channel and the courier.

use std::io::Cursor;

use rust_xlsxwriter::{Workbook, XlsxError};

use super::exercises::ExerciseSet;
use super::model::Task;
use crate::demo::files::write_smart_store;
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// Kind of practice file.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PracticeFile {
        /// 스마트스토어 order file with today's orders.
        Orders = "orders",
        /// 로젠택배 list of tracking numbers.
        Courier = "courier",
        /// 스마트스토어 list of returns.
        Returns = "returns",
        /// 스마트스토어 list of cancellations.
        Claims = "claims",
    }
}

impl PracticeFile {
    /// File needed for a task, if any.
    pub const fn for_task(task: Task) -> Option<Self> {
        match task {
            Task::Upload => Some(Self::Orders),
            Task::Courier => Some(Self::Courier),
            Task::Return => Some(Self::Returns),
            Task::Claim => Some(Self::Claims),
            _ => None,
        }
    }

    /// File name without date and extension.
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Orders => "연습 스마트스토어 주문",
            Self::Courier => "연습 로젠택배 송장",
            Self::Returns => "연습 스마트스토어 반품",
            Self::Claims => "연습 스마트스토어 취소",
        }
    }

    /// Writes the file as .xlsx. `now` is the time of the return or of the claim.
    ///
    /// # Errors
    /// An [`XlsxError`] if writing fails.
    pub fn write(self, exercises: &ExerciseSet, now: Moment) -> Result<Vec<u8>, XlsxError> {
        match self {
            Self::Orders => {
                let mut bytes = Cursor::new(Vec::new());
                write_smart_store(&mut bytes, exercises.uploaded().into_iter().cloned())?;
                Ok(bytes.into_inner())
            }
            Self::Courier => write_courier_list(exercises),
            Self::Returns => write_returns(exercises, now),
            Self::Claims => write_claims(exercises, now),
        }
    }
}

fn write_courier_list(exercises: &ExerciseSet) -> Result<Vec<u8>, XlsxError> {
    let date = exercises.start_date().to_string();
    let mut rows = vec![vec!["주문등록_출력".to_owned()]];
    rows.push(["번호", "집하일자", "주문번호", "운송장번호", "수하인명", "택배운임"].map(str::to_owned).to_vec());
    for (number, order) in (1..).zip(exercises.of_task(Task::Courier)) {
        rows.push(vec![
            number.to_string(),
            date.clone(),
            order.order_number.clone(),
            ExerciseSet::tracking_number(&order.order_number),
            order.recipient.name.clone(),
            "4000".to_owned(),
        ]);
    }
    write_sheet("주문등록_출력", &rows)
}

/// The list contains only the first order of the bundle; the customer keeps the others.
fn write_returns(exercises: &ExerciseSet, now: Moment) -> Result<Vec<u8>, XlsxError> {
    let mut rows = vec![
        ["상품주문번호", "주문상태", "반품 처리상태", "반품완료일", "상품명", "수취인명"].map(str::to_owned).to_vec(),
    ];
    rows.extend(exercises.of_task(Task::Return).first().map(|order| {
        vec![
            order.order_number.clone(),
            "반품".to_owned(),
            "반품완료".to_owned(),
            now.kst().format("%Y-%m-%d %H:%M:%S").to_string(),
            order.product_name.clone(),
            order.recipient.name.clone(),
        ]
    }));
    write_sheet("반품관리", &rows)
}

/// The list contains only the first order: its customer wants to cancel it.
fn write_claims(exercises: &ExerciseSet, now: Moment) -> Result<Vec<u8>, XlsxError> {
    let mut rows = vec![
        ["상품주문번호", "주문상태", "취소 처리상태", "취소요청일", "상품명", "수취인명"].map(str::to_owned).to_vec(),
    ];
    rows.extend(exercises.of_task(Task::Claim).first().map(|order| {
        vec![
            order.order_number.clone(),
            "결제완료".to_owned(),
            "취소요청".to_owned(),
            now.kst().format("%Y-%m-%d %H:%M:%S").to_string(),
            order.product_name.clone(),
            order.recipient.name.clone(),
        ]
    }));
    write_sheet("취소관리", &rows)
}

fn write_sheet(name: &str, rows: &[Vec<String>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(name)?;
    for (index, row) in (0..).zip(rows) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(index, column, text)?;
        }
    }
    workbook.save_to_buffer()
}
