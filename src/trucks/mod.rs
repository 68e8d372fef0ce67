//! The shop's own trucks (차량): what each carries and when it drives, the weekdays of districts (요일), days off (휴무),
//! and how much time and room a product takes (작업 기준).
//!
//! | module | content |
//! | --- | --- |
//! | [`model`] | a truck and its rounds of a day |
//! | [`weekdays`] | sets of weekdays |
//! | [`calendar`] | working days: shipped public holidays, days off and extra working days |
//! | [`service_area`] | which districts are served on which weekdays, and where only ships go |
//! | [`handling`] | minutes, crew, volume and pieces of products and options |
//! | [`roads`] | forms of corrected points and of the factors of the roads |
//! | [`settings`] | depot, defaults of the handling, postal codes that ships serve |
//! | [`form`] | forms of trucks, handling and settings, validated |
//! | [`store`] | SQL |

pub mod calendar;
pub mod form;
pub mod handling;
pub mod model;
pub mod pages;
pub mod roads;
pub mod service_area;
pub mod settings;
pub mod store;
pub mod weekdays;
