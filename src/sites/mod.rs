//! Site cards (현장 카드): what a building is like for those who carry goods into it.
//!
//! | module | content |
//! | --- | --- |
//! | [`address`] | an address → its building, without the unit |
//! | [`model`] | the card, and the minutes, people and fee that follow from it |
//! | [`form`] | the card and the rates as forms |
//! | [`store`] | SQL |
//!
//! A card belongs to a building. It is found again by a hash of the normalised address when the next order goes there; the
//! address itself is not stored with it. The code of the entrance is sealed ([`crate::vault`]), shown to planners and to the
//! team of the day, and deleted when the goods are there.

pub mod address;
pub mod form;
pub mod model;
pub mod pages;
pub mod store;
