//! Values of the details of events.

use serde::{Deserialize, Serialize};

/// What became of the bundle of an edited order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum BundleChange {
    /// it stays in its bundle
    Stays {},
    /// it left its bundle
    Leaves {
        /// number of the new bundle
        bundle_number: String,
    },
    /// it moved to another bundle
    Moves {
        /// number of that bundle
        bundle_number: String,
    },
    /// the other orders of the bundle changed with it
    MovesTogether {
        /// number of the other orders
        companions: usize,
    },
}

/// The decision on conflicting tracking numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictDecision {
    /// the number of the file
    Replace,
    /// the number of the file, for orders that become parcels
    AsParcel,
    /// the stored number
    Keep,
}

/// A file that was not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedFile {
    /// name for display
    pub name: String,
    /// the error message
    pub reason: String,
}

/// The departure of a truck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// `YYYY-MM-DD`
    pub day: String,
    /// name of the truck
    pub truck: String,
    /// loaded pieces
    pub pieces: i64,
    /// pieces that stayed here, or were loaded despite a claim, with the reason of each
    pub reasons: Vec<String>,
}

/// What a phone, a page or paper said of the stops of a tour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopsReport {
    /// `YYYY-MM-DD`
    pub day: String,
    /// name of the truck
    pub truck: String,
    /// `phone`, `page`, `paper`
    pub source: String,
    /// bundle numbers
    pub delivered: NumberList,
    /// bundle numbers
    pub failed: NumberList,
    /// codes of what does not fit
    pub findings: Vec<String>,
}

/// Numbers of orders, bundles or products: how many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberList {
    count: usize,
    first: Vec<String>,
}

impl NumberList {
    /// Numbers that an entry stores, so that an action on many orders keeps its entry small.
    const MAX_STORED: usize = 100;

    /// Numbers that a sentence states.
    const MAX_SHOWN: usize = 5;

    /// Adds a number.
    pub fn push(&mut self, number: impl Into<String>) {
        if self.count < Self::MAX_STORED {
            self.first.push(number.into());
        }
        self.count += 1;
    }

    /// Adds the numbers of another list.
    pub fn append(&mut self, other: Self) {
        let space = Self::MAX_STORED.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(space));
        self.count += other.count;
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The first numbers, for a sentence: `1, 2, 3, 4, 5 외 7건`.
    pub fn shown(&self) -> String {
        let shown = self.first.iter().take(Self::MAX_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
        if self.count > Self::MAX_SHOWN { format!("{shown} 외 {}건", self.count - Self::MAX_SHOWN) } else { shown }
    }
}

impl<T: Into<String>> Extend<T> for NumberList {
    fn extend<I: IntoIterator<Item = T>>(&mut self, numbers: I) {
        for number in numbers {
            self.push(number);
        }
    }
}

impl<T: Into<String>> FromIterator<T> for NumberList {
    fn from_iter<I: IntoIterator<Item = T>>(numbers: I) -> Self {
        let mut list = Self::default();
        list.extend(numbers);
        list
    }
}

/// A job of a delivery (일감).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobOfDelivery {
    /// number of the bundle
    pub bundle_number: String,
    /// code of its kind
    pub kind: String,
}

/// A day that was promised for a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromisedDay {
    /// number of the bundle
    pub bundle_number: String,
    /// `YYYY-MM-DD`
    pub day: String,
    /// code of the way in which it was made
    pub channel: String,
    /// the day that was promised before
    pub was: Option<String>,
    /// why the day was refused, if it was promised all the same
    pub despite: Option<String>,
}

/// The phone of a driver on a tour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneOfTour {
    /// `YYYY-MM-DD`
    pub day: String,
    /// name of the truck
    pub truck: String,
    /// the phone
    pub phone: String,
}
