//! Types of the fields of an order: how each is stored, read, exported and shown.

use chrono::NaiveDate;

use super::cell::Cell;
use crate::id::Id;
use crate::orders::model::{ChargeType, OrderOption, OrderState, ShippingMethod};
use crate::storage::{FromValue, Param, Value};
use crate::time::Moment;

/// Value of a field.
pub(in crate::orders) trait FieldValue {
    /// The value as stored.
    fn to_param(&self) -> Param<'_>;

    /// Takes a stored value. Returns false, and changes nothing, if it is not one of the field.
    fn set(&mut self, stored: Value) -> bool;

    /// The value for programs: codes, dates `YYYY-MM-DD`, moments ISO 8601 with the Korean offset.
    fn plain(&self) -> Param<'_> {
        self.to_param()
    }

    /// The value for people, as a cell of a sheet.
    fn cell(&self) -> Cell<'_>;
}

/// Replaces `place` by the decoded value, if there is one.
fn replace<T>(place: &mut T, value: Option<T>) -> bool {
    let is_valid = value.is_some();
    if let Some(value) = value {
        *place = value;
    }
    is_valid
}

impl FieldValue for i64 {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        Cell::Number(*self)
    }
}

impl FieldValue for Option<i64> {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        self.map_or_else(|| Cell::text(""), Cell::Number)
    }
}

impl<T> FieldValue for Id<T> {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        Cell::Number(self.raw())
    }
}

impl<T> FieldValue for Option<Id<T>> {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        self.map_or_else(|| Cell::text(""), |id| Cell::Number(id.raw()))
    }
}

impl FieldValue for String {
    fn to_param(&self) -> Param<'_> {
        self.into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        Cell::text(self)
    }
}

impl FieldValue for Option<Moment> {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn plain(&self) -> Param<'_> {
        self.map(Moment::iso).into()
    }

    fn cell(&self) -> Cell<'_> {
        Cell::At(*self)
    }
}

impl FieldValue for Option<NaiveDate> {
    fn to_param(&self) -> Param<'_> {
        (*self).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, FromValue::from_value(stored))
    }

    fn cell(&self) -> Cell<'_> {
        Cell::Date(*self)
    }
}

impl FieldValue for OrderState {
    fn to_param(&self) -> Param<'_> {
        self.ordinal().into()
    }

    fn set(&mut self, stored: Value) -> bool {
        replace(self, i64::from_value(stored).and_then(Self::from_ordinal))
    }

    fn plain(&self) -> Param<'_> {
        self.code().into()
    }

    fn cell(&self) -> Cell<'_> {
        Cell::text(self.label())
    }
}

/// An enumeration that is stored as its code.
macro_rules! stored_as_code {
    ($($type:ty),+) => {$(
        impl FieldValue for $type {
            fn to_param(&self) -> Param<'_> {
                self.code().into()
            }

            fn set(&mut self, stored: Value) -> bool {
                replace(self, String::from_value(stored).and_then(|code| Self::from_code(&code)))
            }

            fn cell(&self) -> Cell<'_> {
                Cell::text(self.label())
            }
        }
    )+};
}

stored_as_code!(ShippingMethod, ChargeType);

/// Stored as JSON `[[key, value], …]`; for programs and people as the channels write it: `색상: 월넛 / 사이즈: 퀸`.
impl FieldValue for Vec<OrderOption> {
    fn to_param(&self) -> Param<'_> {
        let pairs: Vec<_> = self.iter().map(|option| (&option.key, &option.value)).collect();
        serde_json::to_string(&pairs).unwrap_or_else(|_| "[]".to_owned()).into()
    }

    fn set(&mut self, stored: Value) -> bool {
        let pairs =
            String::from_value(stored).and_then(|text| serde_json::from_str::<Vec<(String, String)>>(&text).ok());
        replace(self, pairs.map(|pairs| pairs.into_iter().map(|(key, value)| OrderOption { key, value }).collect()))
    }

    fn plain(&self) -> Param<'_> {
        crate::orders::edit::format_options(self).into()
    }

    fn cell(&self) -> Cell<'_> {
        Cell::Text(crate::orders::edit::format_options(self).into())
    }
}
