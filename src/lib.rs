//! 묶음 (mukkeum): an order-management appliance for Korean makers who sell on 스마트스토어 and
//! elsewhere and deliver big goods with their own team. One executable, SQLite inside, or MariaDB beside it.
//!
//! # The rooms
//!
//! | room | what it is for |
//! | --- | --- |
//! | [`orders`] | what an order is, its rules, its SQL, the list, bundles, orders taken in the shop, downloads |
//! | [`products`] | products and variants, which follow the orders |
//! | [`deliveries`] | orders that travel together: the list, the overview by region, completion, slips |
//! | [`districts`] | postal code → 시/도, 시/군/구, offline; imported official lists, manual corrections |
//! | [`uploads`] | a file as a batch: read → plan → apply → report |
//! | [`today`] | the first page: figures of open work, each with a link to its list |
//! | [`channels`] | sales channels and couriers: layouts of their files, recognition, the channels that have orders |
//! | [`sheets`] | spreadsheet files: .xlsx, .xls and CSV as rows of cells, within resource limits |
//! | [`members`] | members, passwords, signing in, their devices and sign-ins, roles |
//! | [`sessions`] | who is signed in, and who stays so; kept in the database or in Redis |
//! | [`shop`] | the shop itself: its name, telephone and address on paper |
//! | [`backup`] | every commit copied away, restored to any moment, and proven |
//! | [`audit`] | who did what, who took whose data out |
//! | [`server`] | the listening socket, HTTPS, the addresses for other devices, an end without a lost request |
//! | [`app`] | the pages of every room as one application |
//! | [`web`] | router, layout, forms, errors, paging, assets, health, metrics |
//! | [`storage`] | one seam to SQLite or MariaDB; every SQL text once; copying, leases |
//! | [`vault`] | seals secrets that have to be kept readable |
//! | [`text`] | parsers of typed and imported text: telephone numbers, postal codes, quantities, money |
//! | [`time`] | moments and dates; the Korean clock |
//! | [`config`] | settings: flags, variables, file |
//! | [`cli`] | the command line, one file a command |
//! | [`demo`] | a synthetic shop, for benchmarks and for training, where it is made anew every day |
//! | [`help`] | the manual, one page a screen, from `assets/help/*.md` |
//! | [`practice`] | the training shop's tasks, which tick themselves when they are really done |
//!
//! A noun's room holds `model.rs` (types and pure rules), `store.rs` (SQL as free functions over
//! `&mut dyn Tx`) and `pages.rs` (page struct with its template, handler, form). A line of code may
//! touch its own room, `storage`, `web` for pages, and of another noun its model, store, list and
//! export; never another noun's pages, and never `web` from a model or store. `templates/` mirrors these rooms.
//!
//! # The way of one upload
//!
//! [`uploads::pages`] or [`cli`] hand a file's bytes to [`uploads::Uploads`], which keeps them as
//! they came. `sheets::open` says what the bytes are, takes off the encryption and bounds what
//! they may cost; `Profiles::recognise` finds sheet, header and profile (`assets/channels/*.toml`);
//! [`uploads::check`] makes each row an order, or says everything that is wrong with it. All of that
//! happens before any transaction. [`uploads::plan`] then compares the rows with the orders as they
//! stand; a preview ends here. [`uploads::apply`], in the same transaction as a fresh plan, lets
//! [`orders::store::create`] make products, bundles and orders through [`orders::store::with_changes`],
//! which also keeps the log, the search terms, the tallies and the deliveries in step; the report is
//! written, and the commit makes all of it durable or none. An order taken in the shop
//! ([`orders::manual_order`]) is made there too.
//!
//! # The way of one page
//!
//! `GET /orders?state=PLACED&q=ㅎㄱㄷ` passes the middleware of [`web`] (request number, session,
//! visitor, access) to the handler in [`orders::pages`], which reads the address into
//! [`orders::filter::OrderQuery`] and runs [`orders::list::page`] in a read transaction. That
//! gathers the few orders listed under the words or walks the index of the sort, whichever is
//! cheaper, and reads the rows of one page. The page struct and `templates/orders/list.html` do the
//! rest. Every filter stays in the address; every form works without JavaScript.

pub mod app;
pub mod audit;
pub mod backup;
pub mod channels;
pub mod cli;
pub mod config;
pub mod deliveries;
pub mod demo;
pub mod districts;
pub mod help;
pub mod id;
pub mod members;
pub mod orders;
pub mod practice;
pub mod products;
pub mod random;
pub mod sandbox;
pub mod server;
pub mod sessions;
pub mod setup;
pub mod sheets;
pub mod shop;
pub mod storage;
pub mod text;
pub mod time;
pub mod today;
pub mod uploads;
pub mod vault;
pub mod web;
