//! Parameters of statements and values of rows.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::de::DeserializeOwned;

use super::{Result, StorageError};
use crate::id::{Id, Identifier};
use crate::text::FromCode;
use crate::time::{Moment, parse_date};

/// Value of a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Param<'a> {
    /// NULL
    Null,
    /// a 64-bit integer
    Int(i64),
    /// UTF-8 text
    Text(Cow<'a, str>),
    /// bytes
    Blob(Cow<'a, [u8]>),
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl<T> From<Id<T>> for Param<'_> {
    fn from(id: Id<T>) -> Self {
        Self::Int(id.raw())
    }
}
impl From<u32> for Param<'_> {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}
impl From<Moment> for Param<'_> {
    fn from(value: Moment) -> Self {
        Self::Int(value.0)
    }
}
impl From<NaiveDate> for Param<'_> {
    fn from(value: NaiveDate) -> Self {
        Self::Text(Cow::Owned(value.format("%Y-%m-%d").to_string()))
    }
}
impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}
impl From<String> for Param<'_> {
    fn from(value: String) -> Self {
        Self::Text(Cow::Owned(value))
    }
}
impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(value))
    }
}
impl<'a, T: Into<Param<'a>>> From<Option<T>> for Param<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL
    Null,
    /// a 64-bit integer
    Int(i64),
    /// UTF-8 text
    Text(String),
    /// bytes
    Blob(Vec<u8>),
}

impl From<Param<'_>> for Value {
    fn from(param: Param<'_>) -> Self {
        match param {
            Param::Null => Self::Null,
            Param::Int(value) => Self::Int(value),
            Param::Text(text) => Self::Text(text.into_owned()),
            Param::Blob(bytes) => Self::Blob(bytes.into_owned()),
        }
    }
}

/// A type of the values of a column.
pub trait FromValue: Sized {
    /// Decodes a value; none if it is not one of the type.
    fn from_value(value: Value) -> Option<Self>;
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Int(number) = value { Some(number) } else { None }
    }
}
impl<T> FromValue for Id<T> {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self::from_raw)
    }
}
impl FromValue for String {
    fn from_value(value: Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text) } else { None }
    }
}
/// Stored as UTC milliseconds.
impl FromValue for Moment {
    fn from_value(value: Value) -> Option<Self> {
        i64::from_value(value).map(Self)
    }
}
/// Stored as `YYYY-MM-DD`.
impl FromValue for NaiveDate {
    fn from_value(value: Value) -> Option<Self> {
        String::from_value(value).and_then(|text| parse_date(&text))
    }
}
/// NULL is none.
impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Option<Self> {
        if value == Value::Null { Some(None) } else { T::from_value(value).map(Some) }
    }
}

/// Reads the columns of a row one after another, in the order of the query.
#[derive(Debug)]
pub struct ColumnReader {
    values: std::vec::IntoIter<Value>,
    position: usize,
}

impl ColumnReader {
    /// The next column.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] if the row has no more columns, or if the value has another type.
    pub fn read<T: FromValue>(&mut self) -> Result<T> {
        let position = self.position;
        let wrong = || StorageError::Inconsistent(format!("column {position} is missing or has another type"));
        T::from_value(self.value()?).ok_or_else(wrong)
    }

    /// The value of the next column.
    ///
    /// # Errors
    /// [`StorageError::Inconsistent`] if the row has no more columns.
    pub fn value(&mut self) -> Result<Value> {
        self.position += 1;
        let missing = || StorageError::Inconsistent(format!("column {} is missing", self.position));
        self.values.next().ok_or_else(missing)
    }
}

/// Decodes stored JSON. `name` is that of its column, for the error.
///
/// # Errors
/// [`StorageError::Inconsistent`] with the place of the fault. The text is not quoted: it may be about a person.
pub fn from_json<T: DeserializeOwned>(json: &str, name: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        StorageError::Inconsistent(format!("{name}: JSON error ({kind:?}) at line {line} column {column}"))
    })
}

/// One row of a result. [`Row::columns`] reads the columns in sequence, the other functions by their position in the query;
/// a function fails with [`StorageError::Inconsistent`] when the value has another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// Reads the columns in sequence.
    pub fn columns(self) -> ColumnReader {
        ColumnReader { values: self.0.into_iter(), position: 0 }
    }

    /// The error of a value of another type. It names the type that was found, not the value, which may be about a person.
    fn type_error<T>(&self, column: usize, expected: &str) -> Result<T> {
        let found = match self.0.get(column) {
            Some(Value::Null) => "null",
            Some(Value::Int(_)) => "a number",
            Some(Value::Text(_)) => "text",
            Some(Value::Blob(_)) => "bytes",
            None => "no column",
        };
        Err(StorageError::Inconsistent(format!("column {column}: {expected} expected, found {found}")))
    }

    /// A 64-bit integer.
    pub fn int(&self, column: usize) -> Result<i64> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(*value),
            _ => self.type_error(column, "a number"),
        }
    }

    /// A number or NULL.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            _ => self.type_error(column, "a number or null"),
        }
    }

    /// An identifier.
    pub fn id<I: Identifier>(&self, column: usize) -> Result<I> {
        self.int(column).map(I::from_raw)
    }

    /// An identifier or NULL.
    pub fn opt_id<I: Identifier>(&self, column: usize) -> Result<Option<I>> {
        Ok(self.opt_int(column)?.map(I::from_raw))
    }

    /// A flag, stored as 0 or 1.
    pub fn bool(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// Text, moved out of the row.
    pub fn text(&mut self, column: usize) -> Result<String> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Ok(std::mem::take(value)),
            _ => self.type_error(column, "text"),
        }
    }

    /// Text or NULL, moved out of the row.
    pub fn opt_text(&mut self, column: usize) -> Result<Option<String>> {
        match self.0.get_mut(column) {
            Some(Value::Text(value)) => Ok(Some(std::mem::take(value))),
            Some(Value::Null) => Ok(None),
            _ => self.type_error(column, "text or null"),
        }
    }

    /// The value of a stored code. `name` is that of the column, for the error: `uploads.stage`.
    pub fn code<T: FromCode>(&mut self, column: usize, name: &str) -> Result<T> {
        let code = self.text(column)?;
        T::from_code(&code).ok_or_else(|| StorageError::Inconsistent(format!("{name}: unknown code {code}")))
    }

    /// The value of a stored code, or NULL.
    pub fn opt_code<T: FromCode>(&mut self, column: usize, name: &str) -> Result<Option<T>> {
        if matches!(self.0.get(column), Some(Value::Null)) { Ok(None) } else { self.code(column, name).map(Some) }
    }

    /// A value stored as JSON. `name` is that of the column, for the error.
    pub fn json<T: DeserializeOwned>(&mut self, column: usize, name: &str) -> Result<T> {
        from_json(&self.text(column)?, name)
    }

    /// Bytes or NULL, moved out of the row.
    pub fn opt_blob(&mut self, column: usize) -> Result<Option<Vec<u8>>> {
        match self.0.get_mut(column) {
            Some(Value::Blob(value)) => Ok(Some(std::mem::take(value))),
            Some(Value::Null) => Ok(None),
            _ => self.type_error(column, "bytes or null"),
        }
    }

    /// A moment, stored as UTC milliseconds.
    pub fn moment(&self, column: usize) -> Result<Moment> {
        self.int(column).map(Moment)
    }

    /// A moment or NULL.
    pub fn opt_moment(&self, column: usize) -> Result<Option<Moment>> {
        Ok(self.opt_int(column)?.map(Moment))
    }

    /// A date or NULL.
    pub fn opt_date(&self, column: usize) -> Result<Option<NaiveDate>> {
        match self.0.get(column) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(text)) => {
                parse_date(text).map_or_else(|| self.type_error(column, "a date"), |date| Ok(Some(date)))
            }
            _ => self.type_error(column, "a date or null"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faulty_value_is_not_quoted() {
        let row = || Row(vec![Value::Text("홍길동".to_owned()), Value::Text("{\"name\": \"홍길동\"}".to_owned())]);
        let errors = [
            row().int(0).map(drop),
            row().opt_date(0).map(drop),
            row().json::<i64>(1, "orders.options").map(drop),
            row().opt_blob(2).map(drop),
        ];
        for error in errors {
            let message = error.expect_err("another type").to_string();
            assert!(message.contains("column") && !message.contains("홍길동"), "{message}");
        }
    }
}
