//! 묶음 (mukkeum): order management for Korean manufacturers who sell on 스마트스토어 and other channels and deliver large
//! goods with their own team. One executable with an embedded SQLite database, or with MariaDB.
//!
//! # Rooms
//!
//! A top-level module is a room: one noun of the business or one technical concern. Rooms have one order. A room may use
//! those before it and no others; `tests/architecture.rs` checks that.
//!
//! | room | purpose |
//! | --- | --- |
//! | [`time`] | timestamps and dates in Korean time, clocks |
//! | [`id`] | time-sorted identifiers, typed by what they identify, and their text form |
//! | [`random`] | unguessable secrets and codes |
//! | [`text`] | parsers of text input: telephone numbers, postal codes, quantities, money |
//! | [`vault`] | encryption of secrets that must be stored readable, such as file passwords |
//! | [`storage`] | transactions on SQLite or MariaDB, migrations, leases, copies between the engines |
//! | [`sheets`] | spreadsheet files: .xlsx, .xls, CSV, HTML tables as rows of cells, within limits |
//! | [`documents`] | documents as PDF files: headings, tables over pages, images, a font inside |
//! | [`districts`] | postal code → 시/도 and 시/군/구, offline; imported official lists, manual corrections |
//! | [`routing`] | postal code → point, driving times, the route engine, all offline |
//! | [`config`] | settings: flags, environment variables, page 설정, file |
//! | [`objects`] | files in a folder or an object store, by address |
//! | [`audit`] | audit log: who did what to which object, from where; record of downloads |
//! | [`access`] | access records: who saw, changed, printed or downloaded whose data; chain of digests |
//! | [`flash`] | messages shown once after a form |
//! | [`shop`] | the shop's own name, telephone number and address |
//! | [`products`] | products and variants, created by uploads |
//! | [`channels`] | sales channels and couriers: layouts of their files, also those that the shop teaches; recognition of a file; its page is 양식 |
//! | [`sessions`] | sessions in the database or Redis, remember-me tokens |
//! | [`members`] | accounts, roles, passwords, logins, devices |
//! | [`masking`] | masked personal data: masks, who sees what of a delivery, 보기 with a reason |
//! | [`search`] | full-text index and the lists that it filters: tokenizer, postings, segments, queries, planner; its page searches everything |
//! | [`orders`] | orders: rules, changes with their log, list and search, bundles, exports |
//! | [`uploads`] | import of files: parse → plan → apply → report |
//! | [`reconcile`] | 마감 대조: a channel's own list compared with the shop, and the kept reports |
//! | [`deliveries`] | orders that travel together: list, overview by district, completion, slips |
//! | [`trucks`] | own trucks: working days, weekdays of districts, days off, time and room of products |
//! | [`sites`] | site cards of buildings: elevator, stairs, parking, code of the entrance; minutes, people and fee |
//! | [`plans`] | days of the own trucks: board, tours with stops and times, jobs beside deliveries (일감), changes by dispatchers and the route engine |
//! | [`proofs`] | photographs of deliveries: files by hash outside the database, their checks and their rows |
//! | [`drive`] | the driver's day: hand-out, loading, events of phones without a signal, what does not fit, 마감 |
//! | [`notices`] | texts for customers: window, changes, completion; wording, files for senders, who was told what |
//! | [`learning`] | minutes at the door by product, learnt from finished days and accepted by hand |
//! | [`consumer`] | what 전자상거래법 owes the buyer: supply in time, delay notices, withdrawal, refund, 위약금 |
//! | [`evidence`] | what proves an order in a dispute: one document of log, files, texts, delivery |
//! | [`actions`] | recent bulk actions of all rooms, and their undo |
//! | [`privacy`] | leaks, rights of the person, personal data of ended orders kept apart, its destruction at the end of its retention |
//! | [`backup`] | continuous backup of every commit, restore to any moment, trial restores |
//! | [`server`] | listening socket, HTTPS with the shop's certificate authority, URLs for other devices, graceful shutdown |
//! | [`demo`] | synthetic shops, for demos and benchmarks |
//! | [`practice`] | exercises in a demo shop, which are ticked off when they are done |
//! | [`today`] | the dashboard: numbers of open work, notices of what waits, first steps of a new shop |
//! | [`help`] | the manual, from `assets/help/*.md` |
//! | [`setup`] | first start: the first administrator, or a restored backup |
//! | [`web`] | router and middleware, authentication, layout, forms, errors, pagination, assets, health, metrics |
//! | `pages` of all rooms | one layer: routes and handlers; no room's pages use those of another |
//! | [`app`] | the application: the pages of all rooms |
//! | [`sandbox`] | the public demo: a shop for each visitor, rate limits |
//! | [`cli`] | the command line, one file a command |
//!
//! A room of the business (orders, products, members …) has `model.rs` (types and pure rules), `store.rs` (SQL, as functions
//! over `&mut dyn Tx`) and `pages.rs` (routes, handlers, forms, page structs), as far as it needs them.
//! A URL leads to its file in one step: `/districts/unknown` to `districts/pages/unknown.rs` and
//! `templates/districts/unknown.html`. CONTRIBUTING.md has the rule and the few URLs that are not named after a room;
//! `docs/ROUTES.md` lists all pages.
//!
//! Rooms to come: collecting (orders by the API of a channel) after [`uploads`].
//!
//! # An upload, step by step
//!
//! 1. [`uploads::pages`] or [`cli`] pass the bytes of a file to [`uploads::Uploads`], which stores them unchanged.
//! 2. [`sheets::open`] detects the format, decrypts the file and enforces the limits.
//!    [`channels::Profiles::recognise`] finds the sheet, the header row and the profile (`assets/channels/*.toml`, or one that the shop taught:
//!    [`channels::store::profiles`]).
//! 3. `uploads::pipeline` runs the next steps. [`uploads::parse`] reads the rows, and [`uploads::check`] validates each:
//!    an order, or all errors of the row. No transaction is open so far.
//! 4. [`uploads::plan`] compares the rows with the stored orders; [`orders::follow`] decides about each field of a known
//!    order: taken, left, or a member decides. A preview ends here.
//! 5. In the turn of [`uploads::ApplyQueue`], which outlives the request, [`uploads::apply`] executes a new plan in the same transaction: [`orders::store::create`] inserts products,
//!    deliveries and orders through [`orders::store::with_changes`], which also updates the order log, search index,
//!    counts and delivery summaries. The commit makes all of it visible, or none.
//!
//! Manual orders ([`orders::manual_order`]) are inserted by [`orders::store::create`] too.
//!
//! # A page, step by step
//!
//! `GET /orders?state=PLACED&q=ㅎㄱㄷ`
//!
//! 1. The middleware of [`web`] assigns the request an identifier, loads its session, authenticates the member and checks
//!    the access that the route requires.
//! 2. The handler in [`orders::pages`] deserializes the query into [`orders::filter::OrderQuery`].
//! 3. [`orders::list::page`] reads one page of rows in a read transaction. It scans the index of the sort, or sorts the
//!    results of the search, whichever costs less.
//! 4. The page struct is rendered by `templates/orders/list.html`.
//!
//! Filters are kept in the URL. Every form works without JavaScript.

pub mod access;
pub mod actions;
pub mod app;
pub mod audit;
pub mod backup;
pub mod channels;
pub mod cli;
pub mod config;
pub mod consumer;
pub mod deliveries;
pub mod demo;
pub mod districts;
pub mod documents;
pub mod drive;
pub mod evidence;
pub mod flash;
pub mod help;
pub mod id;
pub mod learning;
pub mod masking;
pub mod members;
pub mod notices;
pub mod objects;
pub mod orders;
pub mod plans;
pub mod practice;
pub mod privacy;
pub mod products;
pub mod proofs;
pub mod random;
pub mod reconcile;
pub mod routing;
pub mod sandbox;
pub mod search;
pub mod server;
pub mod sessions;
pub mod setup;
pub mod sheets;
pub mod shop;
pub mod sites;
pub mod storage;
pub mod text;
pub mod time;
pub mod today;
pub mod trucks;
pub mod uploads;
pub mod vault;
pub mod web;
