//! Generated identifiers: 64-bit, time-sorted, unique across nodes, short enough to read aloud; typed by what they
//! identify, so that an order's is not taken for a delivery's.
//!
//! Layout: 41 bits of milliseconds since 2024-01-01, 10 bits of node number, 12 bits of counter;
//! positive for 69 years. On SQLite a process draws its node number at random when it starts, so
//! that the server and a command on one data folder do not collide; on MariaDB the database assigns
//! it.
//!
//! A noun's marker and alias stand here and not in its room: early rooms (audit log, access records, masking) name
//! objects of later ones.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Moment;

/// 2024-01-01T00:00:00Z, milliseconds since the Unix epoch.
pub const EPOCH_MS: i64 = 1_704_067_200_000;
const NODE_BITS: u32 = 10;
const COUNTER_BITS: u32 = 12;
const CROCKFORD_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CROCKFORD_LENGTH: usize = 13;

/// Generates strictly increasing identifiers.
#[derive(Debug)]
pub struct IdGenerator {
    node: i64,
    /// time and counter of the newest identifier, as one number
    last: Mutex<i64>,
}

impl IdGenerator {
    /// A generator for a node; the lowest 10 bits of `node` are used.
    pub fn new(node: u16) -> Self {
        Self { node: i64::from(node) & ((1 << NODE_BITS) - 1), last: Mutex::new(0) }
    }

    /// The next identifier at `now_ms`. When the counter of a millisecond overflows or the clock is set
    /// back, the time part runs ahead of the clock.
    pub fn next(&self, now_ms: i64) -> i64 {
        let from_clock = (now_ms - EPOCH_MS).max(0) << COUNTER_BITS;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = from_clock.max(*last + 1);
        let (time, counter) = (*last >> COUNTER_BITS, *last & ((1 << COUNTER_BITS) - 1));
        (time << (NODE_BITS + COUNTER_BITS)) | (self.node << COUNTER_BITS) | counter
    }
}

/// Identifier of a `T`.
///
/// People, URLs and forms have it as text ([`Display`](fmt::Display), [`FromStr`]), columns and stored JSON as a number.
/// It is no number otherwise: no arithmetic, no comparison with one of another kind.
pub struct Id<T>(i64, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// The number of something that is not stored yet; no row has it.
    pub const UNSTORED: Self = Self::from_raw(0);

    /// From the number in a column, or in a record about objects of several kinds.
    pub const fn from_raw(raw: i64) -> Self {
        Self(raw, PhantomData)
    }

    /// The number, for a column, or for a record about objects of several kinds.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// Reads the text form; accepts lower case, and O, I, L for 0 and 1. None for another text.
    pub fn parse(text: &str) -> Option<Self> {
        parse_code(text).map(Self::from_raw)
    }

    /// When it was generated.
    pub const fn moment(self) -> Moment {
        Moment((self.0 >> (NODE_BITS + COUNTER_BITS)) + EPOCH_MS)
    }
}

// Derived implementations would ask the same of `T`.
impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> Default for Id<T> {
    fn default() -> Self {
        Self::UNSTORED
    }
}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<T> Serialize for Id<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Id<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self::from_raw)
    }
}

/// The text is not that of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseIdError;

impl fmt::Display for ParseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no identifier")
    }
}

impl std::error::Error for ParseIdError {}

/// The text form, see [`number_code`].
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&number_code(self.0))
    }
}

impl<T> FromStr for Id<T> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Self::parse(text).ok_or(ParseIdError)
    }
}

/// An [`Id`] of any kind, for functions that are called with the alias of one: `row.id::<OrderId>(0)`.
pub trait Identifier: Copy + Ord + Hash + fmt::Display {
    /// See [`Id::from_raw`].
    fn from_raw(raw: i64) -> Self;

    /// See [`Id::raw`].
    fn raw(self) -> i64;

    /// See [`Id::parse`].
    fn parse(text: &str) -> Option<Self>;
}

impl<T> Identifier for Id<T> {
    fn from_raw(raw: i64) -> Self {
        Self::from_raw(raw)
    }

    fn raw(self) -> i64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// Declares the kinds of identifiers, and an alias for the identifier of each.
macro_rules! kinds {
    ($($(#[$comment:meta])* $kind:ident: $alias:ident,)+) => {
        /// What an [`Id`] identifies. The types have no values.
        pub mod kind {
            $($(#[$comment])* #[derive(Debug)] pub enum $kind {})+
        }

        $(
            #[doc = concat!("Identifier of a [`", stringify!($kind), "`](kind::", stringify!($kind), ").")]
            pub type $alias = Id<kind::$kind>;
        )+
    };
}

kinds! {
    /// An entry of the audit log; the bulk action that it records has the same identifier.
    AuditEntry: AuditEntryId,
    /// A breach of personal data.
    Breach: BreachId,
    /// A long action on many orders that runs in the background.
    BulkJob: BulkJobId,
    /// A sales channel. Counted, not generated.
    Channel: ChannelId,
    /// A value of a channel that a member decides about.
    ChannelConflict: ConflictId,
    /// A driver's key to a tour of today.
    DayKey: DayKeyId,
    /// A delivery.
    Delivery: DeliveryId,
    /// An entry in the log of a delivery.
    DeliveryEvent: DeliveryEventId,
    /// A run that destroyed personal data, with its certificate.
    Destruction: DestructionId,
    /// A browser or telephone of a member.
    Device: DeviceId,
    /// A downloaded file.
    Download: DownloadId,
    /// An imported edition of the list of districts.
    Edition: EditionId,
    /// A file that is made in the background.
    FileJob: FileJobId,
    /// What does not fit between a record and the office.
    Finding: FindingId,
    /// A message that is shown once.
    Flash: FlashId,
    /// A job of a truck: a delivery, or another errand at its door.
    Job: JobId,
    /// A member.
    Member: MemberId,
    /// A text for a customer.
    Notice: NoticeId,
    /// An order.
    Order: OrderId,
    /// An entry in the log of an order.
    OrderEvent: OrderEventId,
    /// A request of a person about their data.
    PersonRequest: PersonRequestId,
    /// A member's exercises in a demo shop.
    PracticeSession: PracticeId,
    /// A product. Counted, not generated.
    Product: ProductId,
    /// A layout of files that the shop taught.
    Profile: ProfileId,
    /// A promised day of a delivery.
    Promise: PromiseId,
    /// A photograph of a delivery.
    Proof: ProofId,
    /// A report of a channel's list compared with the shop.
    Reconciliation: ReconciliationId,
    /// A search that a member keeps.
    SavedSearch: SavedSearchId,
    /// A login of a member.
    SignIn: SignInId,
    /// A site card.
    Site: SiteId,
    /// A stop of a tour.
    Stop: StopId,
    /// A round of a truck on a day.
    Tour: TourId,
    /// A truck.
    Truck: TruckId,
    /// An uploaded file.
    Upload: UploadId,
    /// An option of a product.
    Variant: VariantId,
    /// What a board plans: a delivery, or a job beside one. It has the identifier of either.
    Work: WorkId,
}

impl From<Id<kind::Delivery>> for Id<kind::Work> {
    fn from(delivery: Id<kind::Delivery>) -> Self {
        Self::from_raw(delivery.0)
    }
}

impl From<Id<kind::Job>> for Id<kind::Work> {
    fn from(job: Id<kind::Job>) -> Self {
        Self::from_raw(job.0)
    }
}

impl Id<kind::Work> {
    /// The work that these deliveries are.
    pub fn of_deliveries(ids: &[Id<kind::Delivery>]) -> Vec<Self> {
        ids.iter().copied().map(Self::from).collect()
    }

    /// The job of this identifier, if it is one.
    pub const fn as_job(self) -> Id<kind::Job> {
        Id::from_raw(self.0)
    }

    /// The delivery of this identifier, if it is one.
    pub const fn as_delivery(self) -> Id<kind::Delivery> {
        Id::from_raw(self.0)
    }
}

/// Encodes a number in Crockford's base 32, as identifiers are: 13 characters that sort like the number.
pub fn number_code(number: i64) -> String {
    let digit = |position: usize| usize::try_from((number >> (position * 5)) & 31).unwrap_or(0);
    (0..CROCKFORD_LENGTH).rev().map(|position| char::from(CROCKFORD_ALPHABET[digit(position)])).collect()
}

/// The spelling that [`number_code`] gives a code; none of another text.
pub fn canonical_code(text: &str) -> Option<String> {
    parse_code(text).map(number_code)
}

/// Decodes [`number_code`]; accepts lower case, and O, I, L for 0 and 1.
fn parse_code(text: &str) -> Option<i64> {
    if text.len() != CROCKFORD_LENGTH {
        return None;
    }
    text.bytes().try_fold(0_i64, |number, byte| {
        let byte = match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        };
        let digit = CROCKFORD_ALPHABET.iter().position(|&letter| letter == byte)?;
        number.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_increase_when_the_clock_stops_or_goes_back() {
        let ids = IdGenerator::new(7);
        let mut last = 0;
        for round in 0..10_000 {
            let id = ids.next(EPOCH_MS + 1_000_000 - round % 3);
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn base_32_preserves_order_and_round_trips() {
        let (small, large) = (number_code(123_456_789), number_code(i64::MAX));
        assert!(small < large);
        assert_eq!(parse_code(&small), Some(123_456_789));
        assert_eq!(parse_code(&large.to_lowercase()), Some(i64::MAX));
        assert_eq!(parse_code("ZZZZZZZZZZZZZ"), None);
    }

    #[test]
    fn identifier_is_text_for_people_and_a_number_in_json() {
        let id = OrderId::from_raw(123_456_789);
        assert_eq!(id.to_string(), number_code(123_456_789));
        assert_eq!((id.to_string().parse(), "7".parse::<OrderId>()), (Ok(id), Err(ParseIdError)));
        assert_eq!(serde_json::to_string(&id).expect("JSON"), "123456789");
        assert_eq!(serde_json::from_str::<OrderId>("123456789").expect("an identifier"), id);
    }
}
