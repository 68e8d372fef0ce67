-- The newest schema. SQLite executes it unchanged; src/storage/mariadb/schema.rs translates it for MariaDB
-- (a TEXT with a CHECK of its length, its form or its values becomes VARCHAR, table options are replaced).
-- src/storage/tests/constraints.rs tries every CHECK on both engines.
--
-- An identifier column references its table, with two exceptions. The entry of a log and the origin of a row
-- (member_id, upload_id, audit_entry_id, …_by, the events) have no foreign key: they outlive what they name. Rows that are
-- derived from others (tallies, search index, primary_order_id) have none either: the transaction that changes the
-- source rewrites them. "None" is NULL; the channel's texts are '' when the channel gives none.
--
-- Identifiers are time-sorted 64-bit integers, except those of channels and products. Moments (…_at) are UTC milliseconds. Dates are
-- `YYYY-MM-DD`. Money is whole won. `version` increases with every change of a row, for optimistic locking.

-- Applied migrations, one row each; the largest version is the schema's.
CREATE TABLE schema_versions (
    version    INTEGER NOT NULL PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT;

-- Settings of the shop by administrators: name, telephone, network address. A demo shop also has its creation here.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 64),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Programs that write to this database (MariaDB only). Row 0 is the write lock. Each program stores the
-- marker of its newest write in its own row; after a lost answer the marker shows whether the commit was
-- executed.
CREATE TABLE writers (
    node       INTEGER NOT NULL PRIMARY KEY,  -- also the node part of its identifiers
    marker     INTEGER NOT NULL,
    written_at INTEGER NOT NULL
) STRICT;

-- Locks with an expiry time, for jobs that only one of several nodes runs.
CREATE TABLE leases (
    name       TEXT NOT NULL PRIMARY KEY CHECK (length(name) <= 32),
    holder     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- ── members ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE members (
    id             INTEGER NOT NULL PRIMARY KEY,
    username       TEXT NOT NULL UNIQUE CHECK (length(username) <= 64),
    role           TEXT NOT NULL CHECK (role IN ('admin', 'orders', 'logistics', 'support', 'viewer', 'driver')),
    enabled        INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    password_hash  TEXT NOT NULL CHECK (length(password_hash) <= 255),  -- argon2id, PHC string
    -- Incremented to revoke all sessions of the member; a session stores the epoch of its login.
    session_epoch  INTEGER NOT NULL DEFAULT 0 CHECK (session_epoch >= 0),
    created_at     INTEGER NOT NULL,
    signed_in_at   INTEGER,
    -- Expiry of a one-time password, which only allows to set another one.
    one_time_until INTEGER,
    -- When a stolen remember-me token was detected; null after the member has acknowledged it.
    token_theft_at INTEGER,
    -- Whether an administrator demands a second factor of the member.
    requires_totp  INTEGER NOT NULL DEFAULT 0 CHECK (requires_totp IN (0, 1)),
    -- When an administrator last decided that the member stays without having come for a long time.
    kept_at        INTEGER
) STRICT;

-- Second factor of a member: the secret of the authenticator app (TOTP), encrypted with a key outside this database.
CREATE TABLE member_totp (
    member_id     INTEGER NOT NULL PRIMARY KEY REFERENCES members (id),
    sealed_secret BLOB NOT NULL,
    last_step     INTEGER NOT NULL CHECK (last_step >= 0),  -- step of the last used code, which is not accepted again
    enabled_at    INTEGER NOT NULL
) STRICT;

-- Recovery codes for a lost phone; each is deleted when it is used.
CREATE TABLE recovery_codes (
    member_id INTEGER NOT NULL REFERENCES members (id),
    code_hash TEXT NOT NULL CHECK (length(code_hash) <= 64),  -- SHA-256
    PRIMARY KEY (member_id, code_hash)
) STRICT, WITHOUT ROWID;

-- Browsers in which a member is logged in. Sessions and remember-me tokens refer to their device, so that
-- deleting the row revokes both in any session store.
CREATE TABLE devices (
    id               INTEGER NOT NULL PRIMARY KEY,
    member_id        INTEGER NOT NULL REFERENCES members (id),
    description      TEXT NOT NULL CHECK (length(description) <= 64),  -- 윈도우 컴퓨터 · 크롬
    address          TEXT NOT NULL CHECK (length(address) <= 64),
    signed_in_at     INTEGER NOT NULL,
    seen_at          INTEGER NOT NULL,
    remembered_until INTEGER,  -- remember-me expiry; null: until the session ends
    expires_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_member ON devices (member_id, seen_at);
CREATE INDEX devices_by_expiry ON devices (expires_at);

-- Log of logins and failed attempts, kept for some months.
CREATE TABLE sign_ins (
    id           INTEGER NOT NULL PRIMARY KEY,
    member_id    INTEGER NOT NULL REFERENCES members (id),
    attempted_at INTEGER NOT NULL,
    outcome      TEXT NOT NULL CHECK (outcome IN (
        'password', 'remember-token', 'wrong-password', 'wrong-code', 'account-disabled', 'password-expired',
        'token-theft')),
    description  TEXT NOT NULL CHECK (length(description) <= 64),
    address      TEXT NOT NULL CHECK (length(address) <= 64)
) STRICT;
CREATE INDEX sign_ins_by_member ON sign_ins (member_id, id);
CREATE INDEX sign_ins_by_age ON sign_ins (attempted_at);

CREATE TABLE sessions (
    id         TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 64),  -- SHA-256 of the cookie's value
    record     TEXT NOT NULL,  -- JSON: identifiers; for an hour the sealed form of a login that ran out
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Remember-me tokens by series; only hashes of the tokens.
CREATE TABLE remember_tokens (
    series     TEXT NOT NULL PRIMARY KEY CHECK (length(series) <= 64),
    record     TEXT NOT NULL,  -- JSON
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX remember_tokens_by_expiry ON remember_tokens (expires_at);

-- Failed logins of an account or address, for the login throttle.
CREATE TABLE sign_in_failures (
    subject  TEXT NOT NULL PRIMARY KEY CHECK (length(subject) <= 128),  -- account:…, address:…, browser:…
    failures INTEGER NOT NULL CHECK (failures >= 0),
    last_at  INTEGER NOT NULL
) STRICT;

-- ── channels and products ──────────────────────────────────────────────────────────────────

-- The identifiers of channels and products are smaller numbers than all others: twelve indexes repeat both for each order.
-- Generated identifiers would take eight bytes in each entry, 130 MB of a million orders.
CREATE TABLE sales_channels (
    id              INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 32767),  -- counted
    code            TEXT NOT NULL UNIQUE CHECK (length(code) <= 32),  -- SMART_STORE, LOCAL, COUPANG …
    name            TEXT NOT NULL CHECK (length(name) <= 64),
    -- Password of the channel's files, encrypted with a key outside this database.
    sealed_password BLOB
) STRICT;

-- Layouts of files that the shop taught, in the form of assets/channels/*.toml. They are tried before those of the program.
CREATE TABLE channel_profiles (
    id         INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT NOT NULL CHECK (kind IN ('orders', 'tracking', 'states', 'settlement')),
    code       TEXT NOT NULL CHECK (length(code) <= 32),  -- of the channel or courier
    name       TEXT NOT NULL CHECK (length(name) <= 64),
    definition TEXT NOT NULL,  -- TOML
    saved_at   INTEGER NOT NULL,
    saved_by   INTEGER,  -- null: the command line
    removed_at INTEGER,  -- when it was taken back
    version    INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    UNIQUE (kind, code)
) STRICT;

CREATE TABLE products (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 2147483647),  -- seconds since 2024, or the next free
    number     TEXT NOT NULL UNIQUE CHECK (length(number) <= 100),  -- 판매자 상품코드
    name       TEXT NOT NULL UNIQUE CHECK (length(name) <= 255),
    priority   INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 9999),  -- order in lists
    enabled    INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    upload_id  INTEGER,  -- the upload that created it
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0)
) STRICT;
CREATE INDEX products_by_priority ON products (priority, id);
CREATE INDEX products_by_enabled ON products (enabled, priority, id);

-- Maps (product, option key, option value) to the label for the factory.
CREATE TABLE variants (
    id           INTEGER NOT NULL PRIMARY KEY,
    product_id   INTEGER NOT NULL REFERENCES products (id),
    option_key   TEXT NOT NULL CHECK (length(option_key) <= 100),
    option_value TEXT NOT NULL CHECK (length(option_value) <= 400),
    label        TEXT NOT NULL CHECK (length(label) <= 400),
    upload_id    INTEGER,
    created_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    UNIQUE (product_id, option_key, option_value)
) STRICT;

-- ── deliveries and orders ──────────────────────────────────────────────────────────────────

-- One bundle, as the delivery team sees it. The columns up to the district are derived from its orders and
-- recomputed in every transaction that changes one of them.
CREATE TABLE deliveries (
    id                      INTEGER NOT NULL PRIMARY KEY,
    bundle_number           TEXT NOT NULL UNIQUE CHECK (length(bundle_number) <= 64),
    state                   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),  -- 0 준비, 1 대기, 2 완료, 3 반품, 4 취소
    order_count             INTEGER NOT NULL CHECK (order_count >= 0),         -- without cancelled orders
    total_quantity          INTEGER NOT NULL CHECK (total_quantity >= 0),  -- without cancelled orders
    cancelled_quantity      INTEGER NOT NULL CHECK (cancelled_quantity >= 0),
    primary_order_id        INTEGER,  -- most advanced, then largest quantity, then oldest
    shipping_method         TEXT NOT NULL CHECK (shipping_method IN ('DIRECT', 'PARCEL', 'QUICK', 'PICKUP', 'OTHER')),
    preferred_shipping_date TEXT CHECK (preferred_shipping_date LIKE '____-__-__'),  -- earliest of its orders
    sigungu_code            INTEGER,  -- district code; null is 미분류
    ready_at                INTEGER,  -- when it became ready for the first time
    printed_at              INTEGER,  -- last printing of the slip
    printed_by              INTEGER,  -- member who printed it
    memo                    TEXT NOT NULL DEFAULT '',  -- of the delivery team
    version                 INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0)
) STRICT, WITHOUT ROWID;

-- The list filters by state, method, district and date. Each index covers all four, so that counting and
-- pagination are index-only. The first serves selective filters and the overview, which counts by region; the others are
-- also scanned in their own order.
CREATE INDEX deliveries_by_state ON deliveries (state, shipping_method, sigungu_code, preferred_shipping_date);
CREATE INDEX deliveries_by_date ON deliveries (preferred_shipping_date, id, state, shipping_method, sigungu_code);
CREATE INDEX deliveries_by_district ON deliveries (sigungu_code, id, state, shipping_method, preferred_shipping_date);

-- Number of deliveries by region, state, method and whether they have a preferred date: the totals of the list without
-- counting rows. A delivery is counted for all regions, its 시/도 and its 시/군/구. Updated in the transaction of every
-- change.
CREATE TABLE delivery_tallies (
    region          INTEGER NOT NULL CHECK (region >= -1),  -- 0 all, -1 미분류, or a district code
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    shipping_method TEXT NOT NULL CHECK (shipping_method IN ('DIRECT', 'PARCEL', 'QUICK', 'PICKUP', 'OTHER')),
    is_dated        INTEGER NOT NULL CHECK (is_dated IN (0, 1)),
    delivery_count  INTEGER NOT NULL,
    PRIMARY KEY (region, state, shipping_method, is_dated)
) STRICT, WITHOUT ROWID;

-- Event log of deliveries, shown on their pages and used to revert completions.
CREATE TABLE delivery_events (
    id             INTEGER NOT NULL PRIMARY KEY,
    delivery_id    INTEGER NOT NULL,
    logged_at      INTEGER NOT NULL,
    member_id      INTEGER,
    audit_entry_id INTEGER NOT NULL,  -- the audit entry it belongs to
    action         TEXT NOT NULL CHECK (action IN ('printed', 'completed', 'undone', 'memo-changed')),
    details        TEXT NOT NULL  -- JSON, by action
) STRICT;
CREATE INDEX delivery_events_by_delivery ON delivery_events (delivery_id, id);
CREATE INDEX delivery_events_by_audit_entry ON delivery_events (audit_entry_id);

-- WITHOUT ROWID: an entry of an index ends with the primary key unless it contains it. With a rowid, SQLite would store the
-- identifier twice in most indexes, which is 120 MB of a million orders.
CREATE TABLE orders (
    id                      INTEGER NOT NULL PRIMARY KEY,
    order_number            TEXT NOT NULL CHECK (length(order_number) <= 64),  -- the channel's 상품주문번호
    -- 주문번호 of the whole purchase, as the customer knows it; empty where the channel gives none
    channel_order_number    TEXT NOT NULL CHECK (length(channel_order_number) <= 64),
    channel_id              INTEGER NOT NULL REFERENCES sales_channels (id),
    product_id              INTEGER NOT NULL REFERENCES products (id),
    delivery_id             INTEGER NOT NULL REFERENCES deliveries (id),
    state                   INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),  -- 0 주문 … 6 환불, in order of progress
    options                 TEXT NOT NULL,  -- JSON [[key, value], …] as the channel names them
    options_raw             TEXT NOT NULL,  -- 옵션정보 as in the file
    quantity                INTEGER NOT NULL CHECK (quantity >= 1),
    cancelled_quantity      INTEGER NOT NULL DEFAULT 0 CHECK (cancelled_quantity >= 0),  -- taken off by the channel
    price                   INTEGER NOT NULL,      -- won; negative where the channel takes money back
    customer_name           TEXT NOT NULL CHECK (length(customer_name) <= 100),
    customer_tel            TEXT NOT NULL CHECK (length(customer_tel) <= 40),
    customer_message        TEXT NOT NULL,
    recipient_name          TEXT NOT NULL CHECK (length(recipient_name) <= 100),
    recipient_tel1          TEXT NOT NULL CHECK (length(recipient_tel1) <= 40),
    recipient_tel2          TEXT NOT NULL CHECK (length(recipient_tel2) <= 40),
    recipient_zip_code      TEXT NOT NULL CHECK (length(recipient_zip_code) <= 10),
    recipient_address1      TEXT NOT NULL CHECK (length(recipient_address1) <= 500),
    recipient_address2      TEXT NOT NULL CHECK (length(recipient_address2) <= 500),
    sigungu_code            INTEGER,  -- district code; null is 미분류
    shipping_method         TEXT NOT NULL CHECK (shipping_method IN ('DIRECT', 'PARCEL', 'QUICK', 'PICKUP', 'OTHER')),
    shipping_method_raw     TEXT NOT NULL CHECK (length(shipping_method_raw) <= 64),
    charge_type             TEXT NOT NULL CHECK (charge_type IN ('PREPAID', 'COD', 'FREE')),
    courier                 TEXT NOT NULL CHECK (length(courier) <= 64),
    tracking_number         TEXT NOT NULL CHECK (length(tracking_number) <= 64),
    claim                   TEXT NOT NULL CHECK (length(claim) <= 64),
    purchase_memo           TEXT NOT NULL,
    shipping_memo           TEXT NOT NULL,
    admin_memo              TEXT NOT NULL,
    placed_at               INTEGER NOT NULL,
    dispatch_deadline       TEXT CHECK (dispatch_deadline LIKE '____-__-__'),
    preferred_shipping_date TEXT CHECK (preferred_shipping_date LIKE '____-__-__'),
    purchased_at            INTEGER,
    dispatched_at           INTEGER,
    shipped_at              INTEGER,
    confirmed_at            INTEGER,
    cancelled_at            INTEGER,
    refunded_at             INTEGER,
    upload_id               INTEGER,  -- the upload that created it
    created_at              INTEGER NOT NULL,
    bundled_at              INTEGER,  -- when it moved to its delivery; null: created in it
    version                 INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX orders_by_number ON orders (order_number, channel_id);
-- Finds the orders of a purchase.
CREATE INDEX orders_by_channel_order_number ON orders (channel_order_number) WHERE length(channel_order_number) > 0;
CREATE INDEX orders_by_delivery ON orders (delivery_id);
-- Finds the orders that share a tracking number.
CREATE INDEX orders_by_tracking ON orders (tracking_number) WHERE length(tracking_number) > 0;

-- The list sorts by any of nine dates. Each index covers the list's filters, so that counting and pagination
-- are index-only. Most orders lack most dates: they are not in the partial index of that date, and are
-- found by identifier.
CREATE INDEX orders_by_placed     ON orders (placed_at, id, state, channel_id, product_id);
CREATE INDEX orders_by_deadline   ON orders (dispatch_deadline, id, state, channel_id, product_id)
    WHERE dispatch_deadline IS NOT NULL;
CREATE INDEX orders_by_preferred  ON orders (preferred_shipping_date, id, state, channel_id, product_id)
    WHERE preferred_shipping_date IS NOT NULL;
CREATE INDEX orders_by_purchased  ON orders (purchased_at, id, state, channel_id, product_id)
    WHERE purchased_at IS NOT NULL;
CREATE INDEX orders_by_dispatched ON orders (dispatched_at, id, state, channel_id, product_id)
    WHERE dispatched_at IS NOT NULL;
CREATE INDEX orders_by_shipped    ON orders (shipped_at, id, state, channel_id, product_id)
    WHERE shipped_at IS NOT NULL;
CREATE INDEX orders_by_confirmed  ON orders (confirmed_at, id, state, channel_id, product_id)
    WHERE confirmed_at IS NOT NULL;
CREATE INDEX orders_by_cancelled  ON orders (cancelled_at, id, state, channel_id, product_id)
    WHERE cancelled_at IS NOT NULL;
CREATE INDEX orders_by_refunded   ON orders (refunded_at, id, state, channel_id, product_id)
    WHERE refunded_at IS NOT NULL;
-- Each serves one filter, newest or oldest 주문일 first. For another sort the rows of the filter are read and sorted:
-- most states and products have some thousand orders.
CREATE INDEX orders_by_state      ON orders (state, placed_at, id, channel_id, product_id);
CREATE INDEX orders_by_product    ON orders (product_id, placed_at, id, state, channel_id);
CREATE INDEX orders_by_channel    ON orders (channel_id, placed_at, id, state, product_id);
-- Orders in 주문 and 발주 by 발송기한: counts what is late without passing all orders whose deadline is over.
CREATE INDEX orders_before_dispatch ON orders (state, dispatch_deadline, id, channel_id, product_id)
    WHERE state <= 1;

-- Number of orders per state, channel and product: the totals of the list without counting rows. Updated in
-- the transaction of every change.
CREATE TABLE order_tallies (
    state       INTEGER NOT NULL CHECK (state BETWEEN 0 AND 6),
    channel_id  INTEGER NOT NULL,
    product_id  INTEGER NOT NULL,
    order_count INTEGER NOT NULL,
    PRIMARY KEY (state, channel_id, product_id)
) STRICT, WITHOUT ROWID;

-- Orders with an open claim (not yet cancelled or refunded). Updated in the transaction of every change.
CREATE TABLE open_claims (
    order_id INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id)
) STRICT;

-- Search index, mutable part: suffixes of names and phone numbers, words of addresses, numbers. A search is
-- a range scan of `term`; `fields` is a bit set of the document's fields that contain it, and tells orders from
-- other nouns. Imports of many documents write immutable segments of sorted, packed blocks; single documents and
-- changes write rows here. Rows override segments, and `fields` = 0 is a tombstone.
CREATE TABLE search_postings (
    term        TEXT NOT NULL CHECK (length(term) <= 64),
    document_id INTEGER NOT NULL,  -- an order
    fields      INTEGER NOT NULL CHECK (fields >= 0),
    PRIMARY KEY (term, document_id)
) STRICT, WITHOUT ROWID;

-- Segments of the search index. Size-tiered compaction moves the smallest terms of its inputs first.
CREATE TABLE search_segments (
    id          INTEGER NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL CHECK (size >= 0),  -- approximate bytes of its blocks
    merges_into INTEGER  -- target segment of a running compaction
) STRICT;

CREATE TABLE search_blocks (
    segment_id INTEGER NOT NULL,
    last_term  TEXT NOT NULL CHECK (length(last_term) <= 64),  -- last of its sorted postings
    position   INTEGER NOT NULL CHECK (position >= 0),  -- within the segment
    bytes      BLOB NOT NULL,  -- src/search/postings.rs
    PRIMARY KEY (segment_id, last_term, position)
) STRICT;

-- Event log of orders: when, who, before, after. The event 'created' of an order is stored, except where the upload that
-- created it says the same: its moment, member and file are those of the upload. Sorted by order, since the log is read for one.
CREATE TABLE order_events (
    order_id  INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    logged_at INTEGER NOT NULL,
    member_id INTEGER,  -- null: the command line
    upload_id INTEGER,
    action    TEXT NOT NULL CHECK (action IN (
        'created', 'advanced', 'edited', 'tracking-set', 'state-set', 'followed', 'bundled', 'classified',
        'despite-claim', 'upload-undone')),
    changes   TEXT NOT NULL,  -- JSON [[field, before, after], …]
    PRIMARY KEY (order_id, id)
) STRICT, WITHOUT ROWID;

-- What the channel said of an order, by field, oldest first; the last row is what it says now. Rows exist only where the
-- channel said something else than at first, or a member changed the field: without rows the channel says what the order
-- has (of state, claim, tracking number and preferred date: nothing yet). Most orders have no row.
CREATE TABLE channel_statements (
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    field     TEXT NOT NULL CHECK (field IN (
        'state', 'claim', 'quantity', 'options', 'recipient_name', 'recipient_tel1', 'recipient_tel2',
        'recipient_address', 'customer_name', 'customer_tel', 'customer_message', 'shipping_method', 'charge_type',
        'price', 'dispatch_deadline', 'preferred_shipping_date', 'tracking_number')),
    position  INTEGER NOT NULL CHECK (position >= 0),
    value     TEXT NOT NULL,
    as_of     INTEGER,  -- moment that the statement itself has: of a claim, or of the file
    upload_id INTEGER,  -- the upload that said it first
    said_at   INTEGER NOT NULL,
    PRIMARY KEY (order_id, field, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_statements_by_upload ON channel_statements (upload_id);

-- Values of a channel that were not applied by themselves, with the decision of a member.
CREATE TABLE channel_conflicts (
    id            INTEGER NOT NULL PRIMARY KEY,
    order_id      INTEGER NOT NULL REFERENCES orders (id),
    field         TEXT NOT NULL CHECK (field IN (
        'claim', 'quantity', 'options', 'recipient_name', 'recipient_tel1', 'recipient_tel2', 'recipient_address',
        'customer_name', 'customer_tel', 'customer_message', 'shipping_method', 'charge_type', 'price',
        'dispatch_deadline', 'preferred_shipping_date', 'tracking_number')),
    reason        TEXT NOT NULL CHECK (reason IN ('edited', 'older', 'late', 'method')),
    channel_value TEXT NOT NULL,
    own_value     TEXT NOT NULL,
    upload_id     INTEGER NOT NULL,
    position      INTEGER NOT NULL CHECK (position >= 1),  -- of its row in the report
    edited_by     INTEGER,  -- member who edited the field last, where the log has it
    edited_at     INTEGER,
    is_open       INTEGER NOT NULL CHECK (is_open IN (0, 1)),
    resolution    TEXT CHECK (resolution IN ('channel', 'own', 'replaced', 'undone')),
    resolved_by   INTEGER,
    resolved_at   INTEGER,
    CHECK ((is_open = 1) = (resolution IS NULL)),
    CHECK ((resolution IS NULL) = (resolved_at IS NULL))
) STRICT;
CREATE INDEX channel_conflicts_by_order ON channel_conflicts (order_id, field, is_open);
CREATE INDEX channel_conflicts_by_upload ON channel_conflicts (upload_id, position);

-- ── districts ──────────────────────────────────────────────────────────────────────────────

-- Imported official lists of postal codes, which override the built-in table.
CREATE TABLE district_editions (
    id         INTEGER NOT NULL PRIMARY KEY,
    stage      TEXT NOT NULL CHECK (stage IN ('previewed', 'applied')),
    report     TEXT NOT NULL,  -- JSON: the files and their parse reports
    valid_from TEXT CHECK (valid_from LIKE '____-__-__'),  -- null until applied
    member_id  INTEGER,  -- null: the command line
    created_at INTEGER NOT NULL,
    applied_at INTEGER
) STRICT;

-- Regions of an edition.
CREATE TABLE district_regions (
    edition_id  INTEGER NOT NULL REFERENCES district_editions (id),
    code        INTEGER NOT NULL,
    level       INTEGER NOT NULL CHECK (level BETWEEN 0 AND 2),  -- 0 시/도, 1 시/군/구, 2 일반구
    parent_code INTEGER,
    full_name   TEXT NOT NULL CHECK (length(full_name) <= 100),
    short_name  TEXT NOT NULL CHECK (length(short_name) <= 100),
    PRIMARY KEY (edition_id, code)
) STRICT, WITHOUT ROWID;

-- Contiguous ranges of postal codes of an edition, with their regions.
CREATE TABLE district_zips (
    edition_id INTEGER NOT NULL REFERENCES district_editions (id),
    zip_start  INTEGER NOT NULL CHECK (zip_start BETWEEN 0 AND 99999),
    zip_end    INTEGER NOT NULL CHECK (zip_end BETWEEN 0 AND 99999),
    code       INTEGER NOT NULL,
    CHECK (zip_start <= zip_end),
    PRIMARY KEY (edition_id, zip_start)
) STRICT, WITHOUT ROWID;

-- Manual corrections of postal codes; they override every edition.
CREATE TABLE district_corrections (
    zip          TEXT NOT NULL PRIMARY KEY CHECK (length(zip) <= 10),  -- digits
    sigungu_code INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- Points of postal codes that were corrected by hand; they precede the built-in table.
CREATE TABLE point_corrections (
    zip          TEXT NOT NULL PRIMARY KEY CHECK (length(zip) <= 10),  -- digits
    lat          INTEGER NOT NULL CHECK (lat BETWEEN 33000000 AND 39000000),  -- millionths of a degree, WGS84
    lng          INTEGER NOT NULL CHECK (lng BETWEEN 124000000 AND 132000000),
    like_zip     TEXT NOT NULL CHECK (length(like_zip) <= 10),  -- the postal code whose point it took; '': of a map
    member_id    INTEGER NOT NULL,
    corrected_at INTEGER NOT NULL
) STRICT;

-- Manual districts of single orders; valid while the order keeps its postal code.
CREATE TABLE order_districts (
    order_id     INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id),
    zip_code     TEXT NOT NULL CHECK (length(zip_code) <= 10),
    sigungu_code INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- One row. Nodes compare the version to invalidate their caches. Reclassification has processed open deliveries
-- up to classified_to, and all of them when it is null.
CREATE TABLE district_state (
    id            INTEGER NOT NULL PRIMARY KEY,
    version       INTEGER NOT NULL CHECK (version >= 0),
    classified_to INTEGER
) STRICT;

-- ── uploads ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE uploads (
    id              INTEGER NOT NULL PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    member_id       INTEGER,  -- null: the command line
    kind            TEXT CHECK (kind IN ('orders', 'tracking', 'states')),  -- null until it is recognised
    channel_code    TEXT NOT NULL CHECK (length(channel_code) <= 32),
    courier         TEXT NOT NULL CHECK (length(courier) <= 64),
    file_name       TEXT NOT NULL CHECK (length(file_name) <= 255),
    file_size       INTEGER NOT NULL CHECK (file_size >= 0),
    file_sha256     TEXT CHECK (length(file_sha256) <= 64),  -- null once file and report are destroyed
    file_kept       INTEGER NOT NULL CHECK (file_kept IN (0, 1)),  -- 1 while upload_chunks has the file
    sealed_password BLOB,  -- password of the stored file
    stage           TEXT NOT NULL CHECK (stage IN (
        'received', 'locked', 'previewed', 'applied', 'refused', 'discarded', 'undone')),
    refusal         TEXT NOT NULL,
    created         INTEGER NOT NULL DEFAULT 0 CHECK (created >= 0),
    updated         INTEGER NOT NULL DEFAULT 0 CHECK (updated >= 0),
    skipped         INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    rejected        INTEGER NOT NULL DEFAULT 0 CHECK (rejected >= 0),
    warned          INTEGER NOT NULL DEFAULT 0 CHECK (warned >= 0),
    unknown_orders  INTEGER NOT NULL DEFAULT 0 CHECK (unknown_orders >= 0),  -- skipped rows of orders that the shop does not have
    findings        TEXT NOT NULL,  -- JSON: products and variants it creates or created, notes on the reading
    made_at         INTEGER,  -- when the channel made the file, by its name
    changes         TEXT NOT NULL DEFAULT '{}',  -- JSON: known orders that it changes or changed, by kind
    applied_at      INTEGER,
    open_rows       INTEGER NOT NULL DEFAULT 0 CHECK (open_rows >= 0),  -- rejected rows that are not resolved
    open_conflicts  INTEGER NOT NULL DEFAULT 0 CHECK (open_conflicts >= 0),  -- values of the channel to decide about
    resolved_by     INTEGER,  -- member who marked the remaining rows as resolved
    resolved_at     INTEGER,
    version         INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    claims_until    INTEGER,  -- applied, and tells of cancellations until then; null: it tells of none
    undone_at       INTEGER,  -- when it was taken back
    undone_by       INTEGER,  -- null: the command line
    wrong_passwords INTEGER NOT NULL DEFAULT 0 CHECK (wrong_passwords >= 0),  -- tries at the file's password
    profile_id      INTEGER,  -- profile of the shop that read the file; null: one of the program
    CHECK (undone_at IS NULL OR stage = 'undone'),
    CHECK (unknown_orders <= skipped)
) STRICT;
CREATE INDEX uploads_by_claims ON uploads (stage, channel_code, claims_until);
CREATE INDEX uploads_by_stage ON uploads (stage, id);
CREATE INDEX uploads_by_open_rows ON uploads (open_rows, id);
CREATE INDEX uploads_by_open_conflicts ON uploads (open_conflicts, id);
CREATE INDEX uploads_by_file_kept ON uploads (file_kept, id);

-- The original file in chunks of at most 1 MiB.
CREATE TABLE upload_chunks (
    upload_id INTEGER NOT NULL REFERENCES uploads (id),
    position  INTEGER NOT NULL CHECK (position >= 0),
    bytes     BLOB NOT NULL,
    PRIMARY KEY (upload_id, position)
) STRICT;

CREATE TABLE upload_rows (
    upload_id           INTEGER NOT NULL REFERENCES uploads (id),
    -- Ascending in the order of the file; the row number where the file has one sheet.
    position            INTEGER NOT NULL CHECK (position >= 1),
    sheet_name          TEXT NOT NULL DEFAULT '' CHECK (length(sheet_name) <= 100),  -- of several sheets
    sheet_row           INTEGER NOT NULL CHECK (sheet_row >= 1),  -- row number in the spreadsheet
    order_number        TEXT NOT NULL CHECK (length(order_number) <= 64),
    recipient           TEXT NOT NULL DEFAULT '' CHECK (length(recipient) <= 100),  -- name
    content             TEXT NOT NULL DEFAULT '' CHECK (length(content) <= 300),  -- product and quantity, or tracking number
    outcome             TEXT NOT NULL CHECK (outcome IN ('created', 'updated', 'skipped', 'rejected')),
    is_unknown_order    INTEGER NOT NULL DEFAULT 0 CHECK (is_unknown_order IN (0, 1)),  -- the shop does not have the order
    reasons             TEXT NOT NULL,  -- JSON [{column, value, message}, …]; warnings too
    changes             TEXT NOT NULL,  -- JSON [{field, old, new}, …]
    conflicts           TEXT NOT NULL,  -- JSON [{field, reason, channel, ours, …}, …]
    -- Conflicting tracking number and courier of the file, for a member to resolve.
    new_tracking_number TEXT NOT NULL DEFAULT '' CHECK (length(new_tracking_number) <= 64),
    new_courier         TEXT NOT NULL DEFAULT '' CHECK (length(new_courier) <= 64),
    open_order          TEXT CHECK (length(open_order) <= 64),  -- order_number, while rejected and unresolved
    resolution          TEXT CHECK (resolution IN ('replaced', 'parcelled', 'kept', 'uploaded', 'marked')),  -- null: unresolved
    resolved_by         INTEGER,
    resolved_at         INTEGER,
    CHECK (is_unknown_order = 0 OR outcome = 'skipped'),
    PRIMARY KEY (upload_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_rows_by_open_order ON upload_rows (open_order);

-- ── own trucks ─────────────────────────────────────────────────────────────────────────────

CREATE TABLE trucks (
    id               INTEGER NOT NULL PRIMARY KEY,
    name             TEXT NOT NULL UNIQUE CHECK (length(name) <= 40),
    plate            TEXT NOT NULL CHECK (length(plate) <= 20),  -- licence plate, or ''
    enabled          INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    crew             INTEGER NOT NULL CHECK (crew BETWEEN 1 AND 4),
    volume           INTEGER NOT NULL CHECK (volume BETWEEN 1 AND 10000),  -- hundredths of a cubic metre
    pieces           INTEGER NOT NULL CHECK (pieces BETWEEN 1 AND 1000),
    weekdays         INTEGER NOT NULL CHECK (weekdays BETWEEN 1 AND 127),  -- bits: 1 Monday … 64 Sunday
    starts_at        INTEGER NOT NULL CHECK (starts_at BETWEEN 0 AND 1439),  -- minute of the day
    shift_minutes    INTEGER NOT NULL CHECK (shift_minutes BETWEEN 1 AND 1440),
    overtime_minutes INTEGER NOT NULL CHECK (overtime_minutes BETWEEN 0 AND 600),
    second_round_at  INTEGER,  -- minute of the day; null: one round a day
    depot_zip        TEXT NOT NULL DEFAULT '' CHECK (length(depot_zip) <= 10),  -- postal code of its depot; '': that of the shop
    version          INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    CHECK (second_round_at IS NULL OR (second_round_at > starts_at AND second_round_at < starts_at + shift_minutes))
) STRICT;

-- Weekdays on which a 시/군/구 or a whole 시/도 is served. Districts without a row are served on every working day.
CREATE TABLE district_weekdays (
    region_code INTEGER NOT NULL PRIMARY KEY,
    weekdays    INTEGER NOT NULL CHECK (weekdays BETWEEN 0 AND 127)  -- 0: no delivery by own trucks
) STRICT;

-- How much longer a drive between two 시/군/구, or within one, takes than the estimate says, in percent of it. Pairs without a
-- row take what the estimate says.
CREATE TABLE road_factors (
    from_code INTEGER NOT NULL,  -- the smaller code
    to_code   INTEGER NOT NULL,
    percent   INTEGER NOT NULL CHECK (percent BETWEEN 50 AND 300),
    source    TEXT NOT NULL CHECK (source IN ('hand', 'learnt')),
    drives    INTEGER NOT NULL CHECK (drives >= 0),  -- that it was learnt from; 0 by hand
    member_id INTEGER NOT NULL,
    saved_at  INTEGER NOT NULL,
    CHECK (from_code <= to_code),
    PRIMARY KEY (from_code, to_code)
) STRICT, WITHOUT ROWID;

-- Days that differ from the weekdays of the trucks and from the public holidays, which the program knows until 2035.
CREATE TABLE special_days (
    day    TEXT NOT NULL PRIMARY KEY CHECK (day LIKE '____-__-__'),
    is_off INTEGER NOT NULL CHECK (is_off IN (0, 1)),  -- 0: a working day in spite of a holiday
    name   TEXT NOT NULL CHECK (length(name) <= 40)
) STRICT, WITHOUT ROWID;

-- The same for one truck; precedes the day of the shop.
CREATE TABLE truck_special_days (
    day      TEXT NOT NULL CHECK (day LIKE '____-__-__'),
    truck_id INTEGER NOT NULL REFERENCES trucks (id),
    is_off   INTEGER NOT NULL CHECK (is_off IN (0, 1)),
    name     TEXT NOT NULL CHECK (length(name) <= 40),
    PRIMARY KEY (day, truck_id)
) STRICT, WITHOUT ROWID;

-- Time, crew and room of one piece of a product. The default of the shop is in `settings`.
CREATE TABLE product_handling (
    product_id INTEGER NOT NULL PRIMARY KEY REFERENCES products (id),
    minutes    INTEGER NOT NULL CHECK (minutes BETWEEN 0 AND 600),
    crew       INTEGER NOT NULL CHECK (crew BETWEEN 1 AND 4),
    volume     INTEGER NOT NULL CHECK (volume BETWEEN 0 AND 10000),  -- hundredths of a cubic metre
    pieces     INTEGER NOT NULL CHECK (pieces BETWEEN 0 AND 1000)
) STRICT;

-- The same of a product with an option; precedes the product.
CREATE TABLE variant_handling (
    variant_id INTEGER NOT NULL PRIMARY KEY REFERENCES variants (id),
    minutes    INTEGER NOT NULL CHECK (minutes BETWEEN 0 AND 600),
    crew       INTEGER NOT NULL CHECK (crew BETWEEN 1 AND 4),
    volume     INTEGER NOT NULL CHECK (volume BETWEEN 0 AND 10000),
    pieces     INTEGER NOT NULL CHECK (pieces BETWEEN 0 AND 1000)
) STRICT;

-- Site cards (현장 카드): what a building is like for those who carry goods into it. The address is stored as a hash.
CREATE TABLE sites (
    id             INTEGER NOT NULL PRIMARY KEY,
    address_key    TEXT NOT NULL UNIQUE CHECK (length(address_key) <= 64),  -- SHA-256 of the normalised address
    elevator       TEXT CHECK (elevator IN ('fits', 'too-small', 'missing')),  -- null: not asked, as below
    floor          INTEGER CHECK (floor BETWEEN -3 AND 100),  -- of a house; null: the number of the unit says it
    ladder_truck   TEXT CHECK (ladder_truck IN ('needed', 'possible', 'impossible')),
    parking_metres INTEGER CHECK (parking_metres BETWEEN 0 AND 1000),
    note           TEXT NOT NULL CHECK (length(note) <= 500),
    entry_code     BLOB,  -- code of the entrance, sealed; deleted after the delivery, or after a month
    code_saved_at  INTEGER,
    used_at        INTEGER NOT NULL,  -- saved, or last delivered to
    saved_by       INTEGER NOT NULL,
    saved_at       INTEGER NOT NULL,
    version        INTEGER NOT NULL CHECK (version >= 1),
    CHECK ((entry_code IS NULL) = (code_saved_at IS NULL))
) STRICT;
CREATE INDEX sites_by_use ON sites (used_at);
CREATE INDEX sites_by_code ON sites (code_saved_at);

-- ── plans of the own trucks ────────────────────────────────────────────────────────────────

-- Work at a door. Number 0 of a delivery is the delivery itself: its row is inserted when it is planned for the first time,
-- its state is that of the delivery, and it takes the orders that no other job delivers. Other jobs (일감) take goods back,
-- swap them, are visits, or deliver some of the orders on another day.
CREATE TABLE jobs (
    id           INTEGER NOT NULL PRIMARY KEY,
    delivery_id  INTEGER NOT NULL REFERENCES deliveries (id),
    number       INTEGER NOT NULL CHECK (number >= 0),  -- within the delivery
    kind         TEXT NOT NULL CHECK (kind IN ('deliver', 'collect', 'swap', 'service', 'measure')),
    state        TEXT CHECK (state IN ('open', 'done', 'cancelled')),  -- null: that of the delivery
    ended_at     INTEGER,  -- when it was done or cancelled
    goods        TEXT NOT NULL CHECK (length(goods) <= 200),  -- what is taken back, or what is to be done; '' for deliver
    pieces       INTEGER NOT NULL CHECK (pieces BETWEEN 0 AND 1000),  -- taken back
    volume       INTEGER NOT NULL CHECK (volume BETWEEN 0 AND 10000),  -- taken back, hundredths of a cubic metre
    note         TEXT NOT NULL CHECK (length(note) <= 500),  -- for the driver
    day          TEXT CHECK (day LIKE '____-__-__'),  -- of the delivery itself: moved to this day by hand; null: 희망배송일
    window_from  INTEGER CHECK (window_from BETWEEN 0 AND 1439), -- minute of the day
    window_to    INTEGER CHECK (window_to BETWEEN 0 AND 1439),
    minutes      INTEGER CHECK (minutes BETWEEN 1 AND 600),  -- at the door; null: of its products
    crew         INTEGER CHECK (crew BETWEEN 1 AND 4),  -- null: of its products
    left_out     TEXT CHECK (length(left_out) <= 64),  -- rules that kept it out of the plan of left_out_day
    left_out_day TEXT CHECK (left_out_day LIKE '____-__-__'),
    version      INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),
    CHECK ((state IS NULL) = (number = 0)),
    CHECK (kind = 'deliver' OR number > 0),
    CHECK (pieces > 0 OR kind NOT IN ('collect', 'swap')),
    CHECK ((ended_at IS NULL) = (state IS NULL OR state = 'open')),
    CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CHECK (window_from IS NULL OR window_from <= window_to),
    CHECK ((left_out IS NULL) = (left_out_day IS NULL)),
    UNIQUE (delivery_id, number)
) STRICT;
CREATE INDEX jobs_by_day ON jobs (day, delivery_id);
CREATE INDEX jobs_by_state ON jobs (state, day);

-- The orders that a job other than the delivery itself is about: delivers, takes back, swaps or visits.
CREATE TABLE job_orders (
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    order_id INTEGER NOT NULL REFERENCES orders (id),
    PRIMARY KEY (job_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_orders_by_order ON job_orders (order_id);

-- One round of a truck on a day.
CREATE TABLE tours (
    id         INTEGER NOT NULL PRIMARY KEY,
    day        TEXT NOT NULL CHECK (day LIKE '____-__-__'),
    truck_id   INTEGER NOT NULL REFERENCES trucks (id),
    round      INTEGER NOT NULL CHECK (round BETWEEN 1 AND 2),
    state      TEXT NOT NULL CHECK (state IN ('draft', 'fixed', 'loading', 'out', 'closed')),
    driver_id  INTEGER REFERENCES members (id),  -- null before it is handed out
    helper_id  INTEGER REFERENCES members (id),
    left_at    INTEGER,  -- 출발
    closed_at  INTEGER,  -- 마감
    changed_by INTEGER NOT NULL REFERENCES members (id),
    changed_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0),  -- also of its stops
    CHECK (driver_id IS NOT NULL OR state IN ('draft', 'fixed')),
    UNIQUE (day, truck_id, round)
) STRICT;
CREATE INDEX tours_by_driver ON tours (driver_id, day);
CREATE INDEX tours_by_helper ON tours (helper_id, day);

-- Stops of a tour. A job has one live stop at most; ended ones keep their tour and get a number.
CREATE TABLE stops (
    id       INTEGER NOT NULL PRIMARY KEY,
    tour_id  INTEGER NOT NULL REFERENCES tours (id),
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    attempt  INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),  -- 0: live; else the number of the ended attempt
    position INTEGER NOT NULL CHECK (position >= 1),
    hold     TEXT NOT NULL CHECK (hold IN ('free', 'truck', 'place')),
    basis    TEXT NOT NULL CHECK (length(basis) <= 65535),  -- JSON: the delivery as it was planned
    reason   TEXT CHECK (reason IN (  -- why the attempt failed; null: it is live, or ended without a failure
        'absent', 'unreachable', 'no-access', 'too-large', 'ladder', 'damaged', 'refused', 'no-time', 'truck')),
    UNIQUE (job_id, attempt)
) STRICT;
CREATE INDEX stops_by_tour ON stops (tour_id, position);

-- Days that were promised to customers. A new promise of a delivery replaces the one before; they go with their delivery.
CREATE TABLE promises (
    id          INTEGER NOT NULL PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES deliveries (id),
    day         TEXT NOT NULL CHECK (day LIKE '____-__-__'),
    channel     TEXT NOT NULL CHECK (channel IN ('phone', 'counter', 'message')),
    basis       TEXT NOT NULL CHECK (length(basis) <= 1000),  -- JSON: the offer, or why the day was refused
    promised_by INTEGER NOT NULL,
    promised_at INTEGER NOT NULL,
    replaced_at INTEGER  -- null: it holds
) STRICT;
CREATE INDEX promises_by_delivery ON promises (delivery_id, id);
CREATE INDEX promises_by_day ON promises (replaced_at, day);

-- ── the driver's day ────────────────────────────────────────────────────────────────────────

-- What a tour takes with it, by order, from the moment it is handed out.
CREATE TABLE loads (
    tour_id   INTEGER NOT NULL REFERENCES tours (id),
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    job_id    INTEGER NOT NULL REFERENCES jobs (id),
    expected  INTEGER NOT NULL CHECK (expected >= 0),  -- pieces ordered when it was handed out
    loaded    INTEGER CHECK (loaded >= 0),             -- pieces; null: not ticked
    reason    TEXT NOT NULL CHECK (length(reason) <= 200),  -- why fewer, or despite a claim
    loaded_by INTEGER,
    loaded_at INTEGER,
    CHECK ((loaded IS NULL) = (loaded_at IS NULL)),
    PRIMARY KEY (tour_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX loads_by_order ON loads (order_id);

-- What trucks left with, stop by stop. It stays when the office takes a tour back, which a phone without a signal does not
-- know: what its driver reports of these stops happened.
CREATE TABLE departures (
    tour_id   INTEGER NOT NULL REFERENCES tours (id),
    job_id    INTEGER NOT NULL REFERENCES jobs (id),
    driver_id INTEGER NOT NULL REFERENCES members (id),
    loaded    TEXT NOT NULL CHECK (length(loaded) <= 60000),  -- JSON: pieces by order
    PRIMARY KEY (tour_id, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX departures_by_job ON departures (job_id);

-- Day keys: a phone may hand in what happened on one tour, and fetch that tour; nothing else.
CREATE TABLE drive_keys (
    id          INTEGER NOT NULL PRIMARY KEY,
    tour_id     INTEGER NOT NULL REFERENCES tours (id),
    member_id   INTEGER NOT NULL REFERENCES members (id),
    key_hash    TEXT NOT NULL UNIQUE CHECK (length(key_hash) <= 64),  -- SHA-256
    description TEXT NOT NULL CHECK (length(description) <= 64),     -- 안드로이드 · 크롬
    created_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,  -- last contact
    waiting     INTEGER NOT NULL CHECK (waiting >= 0),  -- records on the phone at the last contact
    rejected    TEXT NOT NULL CHECK (length(rejected) <= 60000),  -- JSON: jobs of records that were not accepted and are kept there
    expires_at  INTEGER NOT NULL,  -- some days after the tour, or when its member was disabled or got another role
    revoked_at  INTEGER,  -- the office cut the phone off
    revoked_by  INTEGER,
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
) STRICT;
CREATE INDEX drive_keys_by_tour ON drive_keys (tour_id);

-- What happened at the stops. Append-only; the state of a stop is a fold over its events (src/drive/fold.rs).
CREATE TABLE stop_events (
    id           TEXT NOT NULL PRIMARY KEY CHECK (length(id) <= 32),  -- 128 bits made on the phone, hexadecimal
    tour_id      INTEGER NOT NULL REFERENCES tours (id),
    job_id       INTEGER NOT NULL REFERENCES jobs (id),
    key_id       INTEGER REFERENCES drive_keys (id),  -- exactly for the source phone
    member_id    INTEGER NOT NULL,
    source       TEXT NOT NULL CHECK (source IN ('phone', 'page', 'paper')),
    number       INTEGER NOT NULL CHECK (number >= 1),  -- of the phone on this tour
    happened_at  INTEGER NOT NULL,  -- by the clock of the phone
    clock_offset INTEGER NOT NULL,  -- milliseconds to add to that clock
    sent_offset  INTEGER,  -- the same when it was handed in; null: it did not come from a phone's queue
    received_at  INTEGER NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('arrived', 'delivered', 'failed', 'undone')),
    details      TEXT NOT NULL CHECK (length(details) <= 60000),  -- JSON, by kind
    saw_version  TEXT NOT NULL CHECK (length(saw_version) <= 16),  -- digest of the stop as the phone showed it
    CHECK ((source = 'phone') = (key_id IS NOT NULL))
) STRICT;
CREATE INDEX stop_events_by_tour ON stop_events (tour_id, job_id);
CREATE INDEX stop_events_by_job ON stop_events (job_id);

-- What does not fit between the office and the phone, until a member has looked at it.
CREATE TABLE stop_findings (
    id          INTEGER NOT NULL PRIMARY KEY,
    event_id    TEXT NOT NULL CHECK (length(event_id) <= 32) REFERENCES stop_events (id),
    kind        TEXT NOT NULL CHECK (kind IN (
        'cancelled', 'moved', 'taken-back', 'changed', 'closed', 'second-report', 'reversed', 'clock', 'partial', 'collected',
        'not-collected', 'third-failure')),
    found_at    INTEGER NOT NULL,
    resolved_at INTEGER,
    resolved_by INTEGER,
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL)),
    UNIQUE (event_id, kind)
) STRICT;
CREATE INDEX stop_findings_by_state ON stop_findings (resolved_at, id);

-- Photographs of events. The bytes are files outside the database, by their hash (src/proofs/files.rs). A row outlives the
-- file and the delivery: it says when the photograph of this hash was destroyed.
CREATE TABLE proofs (
    id           INTEGER NOT NULL PRIMARY KEY,
    tour_id      INTEGER NOT NULL REFERENCES tours (id),
    job_id       INTEGER NOT NULL,
    event_id     TEXT NOT NULL CHECK (length(event_id) <= 32),  -- the event that names it
    member_id    INTEGER NOT NULL,  -- who took it
    hash         TEXT NOT NULL CHECK (length(hash) <= 64),  -- SHA-256 of the file
    taken_at     INTEGER NOT NULL,
    named_at     INTEGER NOT NULL,  -- receipt of the event
    received_at  INTEGER,  -- null: still on the phone
    bytes        INTEGER CHECK (bytes >= 1),
    width        INTEGER CHECK (width >= 1),
    height       INTEGER CHECK (height >= 1),
    destroyed_at INTEGER,  -- null: the file is there, or is still to come
    CHECK ((received_at IS NULL) = (bytes IS NULL)),
    CHECK ((bytes IS NULL) = (width IS NULL)),
    CHECK ((bytes IS NULL) = (height IS NULL)),
    UNIQUE (event_id, hash)
) STRICT;
CREATE INDEX proofs_by_tour ON proofs (tour_id, hash);
CREATE INDEX proofs_by_job ON proofs (job_id);
CREATE INDEX proofs_by_hash ON proofs (hash);
CREATE INDEX proofs_by_age ON proofs (destroyed_at, received_at);

-- Pieces counted at the end of a tour (마감): what came back, and what stayed on the truck.
CREATE TABLE tour_counts (
    tour_id    INTEGER NOT NULL REFERENCES tours (id),
    line       TEXT NOT NULL CHECK (length(line) <= 64),  -- an order, or a collected thing
    returned   INTEGER NOT NULL CHECK (returned >= 0),
    aboard     INTEGER NOT NULL CHECK (aboard >= 0),
    counted_by INTEGER NOT NULL,
    counted_at INTEGER NOT NULL,
    PRIMARY KEY (tour_id, line)
) STRICT, WITHOUT ROWID;

-- ── comparisons with channels ──────────────────────────────────────────────────────────────

-- Comparisons of a channel's own list with the shop, kept as a proof. They have no names or addresses.
CREATE TABLE reconciliations (
    id             INTEGER NOT NULL PRIMARY KEY,
    created_at     INTEGER NOT NULL,
    member_id      INTEGER,  -- null: the command line
    channel_code   TEXT NOT NULL CHECK (length(channel_code) <= 32),
    channel_name   TEXT NOT NULL CHECK (length(channel_name) <= 64),
    kind           TEXT NOT NULL CHECK (kind IN ('orders', 'states', 'settlement')),
    files          TEXT NOT NULL,  -- JSON [{name, upload_id}, …]; the upload has the orders that are missing here
    period_from    TEXT CHECK (period_from LIKE '____-__-__'),
    period_to      TEXT CHECK (period_to LIKE '____-__-__'),
    listed_orders  INTEGER NOT NULL CHECK (listed_orders >= 0),
    listed_amount  INTEGER NOT NULL,
    findings       TEXT NOT NULL,  -- JSON [[finding, [orders or rows, listed amount, shop amount]], …]
    notes          TEXT NOT NULL   -- JSON: notes on the reading of the files
) STRICT;
CREATE INDEX reconciliations_by_age ON reconciliations (created_at);

CREATE TABLE reconciliation_rows (
    reconciliation_id INTEGER NOT NULL REFERENCES reconciliations (id),
    finding           TEXT NOT NULL CHECK (finding IN (
        'missing-here', 'missing-there', 'amount-differs', 'state-differs', 'matched', 'unread', 'repeated')),
    position          INTEGER NOT NULL CHECK (position >= 0),
    listed_position   INTEGER CHECK (listed_position >= 0),  -- among the orders of the list; null: not one of them
    order_number      TEXT NOT NULL CHECK (length(order_number) <= 64),  -- '' if it cannot be read
    file              INTEGER NOT NULL CHECK (file >= 0),  -- index in files of the report
    sheet_row         INTEGER CHECK (sheet_row >= 1),  -- null: the list lacks the order
    listed_amount     INTEGER,
    shop_amount       INTEGER,
    listed_state      TEXT NOT NULL CHECK (length(listed_state) <= 64),
    shop_state        TEXT NOT NULL CHECK (length(shop_state) <= 100),
    PRIMARY KEY (reconciliation_id, finding, position)
) STRICT, WITHOUT ROWID;

-- ── audit ──────────────────────────────────────────────────────────────────────────────────

-- Audit log: who did what to which object, from where. Append-only. Sentences are rendered from verb and details.
-- An identifier column references its table, with two exceptions. The entry of a log and the origin of a row
-- (member_id, upload_id, audit_entry_id, …_by, the events) have no foreign key: they outlive what they name. Rows that are
-- derived from others (tallies, search index, primary_order_id) have none either: the transaction that changes the
-- source rewrites them. "None" is NULL; the channel's texts are '' when the channel gives none.
--
-- Identifiers are time-sorted, so the primary key is the index by time.
CREATE TABLE audit_entries (
    id           INTEGER NOT NULL PRIMARY KEY,
    recorded_at  INTEGER NOT NULL,
    actor        TEXT NOT NULL CHECK (actor IN ('member', 'command-line', 'program')),
    member_id    INTEGER,  -- exactly for the actor member
    address      TEXT NOT NULL CHECK (length(address) <= 64),  -- network address of the request; '' without one
    verb         TEXT NOT NULL CHECK (verb IN (
        'member-added', 'role-changed', 'member-enabled', 'member-disabled', 'member-kept', 'password-changed',
        'one-time-password-issued', 'devices-logged-out', 'token-theft-reported', 'totp-enabled', 'totp-disabled', 'totp-demanded', 'totp-optional',
        'recovery-code-used', 'access-inspected', 'breach-recorded', 'person-request-recorded', 'shop-saved', 'settings-saved',
        'product-added', 'products-edited', 'variant-added', 'variants-labelled', 'orders-advanced',
        'orders-edited', 'order-edited', 'manual-orders-created', 'order-unbundled', 'orders-merged',
        'orders-rejoined', 'orders-classified', 'zip-correction-undone', 'order-correction-undone',
        'district-list-applied', 'district-list-discarded', 'district-list-withdrawn',
        'uploads-received', 'upload-discarded', 'upload-undone', 'conflicts-resolved', 'rejected-rows-resolved', 'channel-changes-decided',
        'profile-taught', 'profile-saved', 'profile-removed', 'profile-restored',
        'bulk-action-undone', 'orders-bulk-set', 'deliveries-completed', 'completions-undone',
        'slips-printed', 'delivery-memo-changed',
        'snapshot-requested', 'trial-restore-requested', 'backup-target-taken-over',
        'backup-key-created', 'backup-key-shown', 'database-downloaded', 'practice-started', 'demo-shop-created',
        'truck-saved', 'district-weekdays-saved', 'special-day-saved', 'special-day-deleted', 'handling-saved',
        'truck-settings-saved', 'point-corrected', 'road-factor-saved', 'stops-assigned', 'stops-moved', 'stops-held', 'stop-changes-acknowledged',
        'tours-fixed', 'tours-reopened', 'job-saved', 'job-created', 'job-cancelled', 'job-reopened',
        'delivery-promised', 'delay-notice-recorded', 'withdrawal-consent-recorded', 'tour-handed-out', 'tour-left', 'tour-taken-back',
        'tour-closed', 'notices-exported', 'notices-withdrawn', 'notice-wording-saved', 'site-saved', 'site-rates-saved', 'minutes-learnt',
        'stops-reported', 'finding-resolved', 'phone-cut-off')),
    object_type  TEXT NOT NULL CHECK (object_type IN (
        'member', 'shop', 'product', 'order', 'district', 'district-list', 'upload', 'delivery',
        'backup', 'truck', 'tour', 'profile')),
    object_id    INTEGER,  -- null: several objects, or one without an identifier
    object_count INTEGER NOT NULL CHECK (object_count >= 1),
    details      TEXT NOT NULL CHECK (length(details) <= 65535),  -- JSON, by verb
    CHECK ((actor = 'member') = (member_id IS NOT NULL)),
    CHECK (object_id IS NULL OR object_count = 1)
) STRICT;
CREATE INDEX audit_entries_by_member ON audit_entries (member_id, id);
CREATE INDEX audit_entries_by_object ON audit_entries (object_type, object_id, id);

-- Actions of a member that changed orders, in bulk or one, or the memo of a delivery. For a day each can be undone as a whole; some days later it is deleted.
CREATE TABLE bulk_actions (
    id          INTEGER NOT NULL PRIMARY KEY,  -- that of its audit entry
    acted_at    INTEGER NOT NULL,
    member_id   INTEGER NOT NULL,
    order_count INTEGER NOT NULL CHECK (order_count >= 0),  -- 0: a memo of a delivery
    undone_at   INTEGER,
    undone_by   INTEGER,
    CHECK ((undone_at IS NULL) = (undone_by IS NULL))
) STRICT;
CREATE INDEX bulk_actions_by_age ON bulk_actions (acted_at);

-- Bulk actions that run in the background, on any node, and how they ended. Deleted some days later.
CREATE TABLE bulk_jobs (
    id          INTEGER NOT NULL PRIMARY KEY,
    member_id   INTEGER NOT NULL,
    title       TEXT NOT NULL CHECK (length(title) <= 100),
    order_count INTEGER NOT NULL CHECK (order_count >= 1),
    started_at  INTEGER NOT NULL,
    saved_count INTEGER NOT NULL DEFAULT 0 CHECK (saved_count >= 0),  -- orders saved so far; seen before the commit
    answer_url  TEXT,  -- page that says what was changed; null: it runs, or nothing was changed
    failure     TEXT CHECK (length(failure) <= 500),  -- why nothing was changed
    CHECK (answer_url IS NULL OR failure IS NULL)
) STRICT;
CREATE INDEX bulk_jobs_by_age ON bulk_jobs (started_at);

-- The orders of a bulk action, with the values that it replaced. An order with another version than `version_after`
-- was changed since, and is not reverted.
CREATE TABLE bulk_action_orders (
    action_id      INTEGER NOT NULL REFERENCES bulk_actions (id),
    order_id       INTEGER NOT NULL,
    version_before INTEGER NOT NULL,
    version_after  INTEGER NOT NULL,
    former         TEXT NOT NULL,  -- JSON {column: value}
    is_undone      INTEGER NOT NULL DEFAULT 0 CHECK (is_undone IN (0, 1)),
    CHECK (version_after > version_before),
    PRIMARY KEY (action_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bulk_action_orders_by_order ON bulk_action_orders (order_id, version_after);

-- Columns of the order list that a member chose; no row is the default.
CREATE TABLE member_columns (
    member_id INTEGER NOT NULL PRIMARY KEY REFERENCES members (id),
    codes     TEXT NOT NULL CHECK (length(codes) <= 500)  -- codes of the columns, separated by commas
) STRICT;

-- The courier that a member entered last; forms offer it.
CREATE TABLE member_couriers (
    member_id INTEGER NOT NULL PRIMARY KEY REFERENCES members (id),
    courier   TEXT NOT NULL CHECK (length(courier) <= 64)
) STRICT;

-- Searches of the order list that a member kept under a name.
CREATE TABLE saved_searches (
    id        INTEGER NOT NULL PRIMARY KEY,
    member_id INTEGER NOT NULL REFERENCES members (id),
    name      TEXT NOT NULL CHECK (length(name) <= 40),
    query     TEXT NOT NULL CHECK (length(query) <= 1000),  -- query string of the list
    UNIQUE (member_id, name)
) STRICT;

-- What a member is told on the page after a form. The redirect names the row.
CREATE TABLE flash_messages (
    id             INTEGER NOT NULL PRIMARY KEY,
    member_id      INTEGER NOT NULL REFERENCES members (id),
    audit_entry_id INTEGER,  -- the action it is about; null: nothing was done
    tone           TEXT NOT NULL CHECK (tone IN ('success', 'warning', 'danger')),
    message        TEXT NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX flash_messages_by_member ON flash_messages (member_id, expires_at);

-- Log of downloads with personal data: who, what, for which purpose.
CREATE TABLE downloads (
    id            INTEGER NOT NULL PRIMARY KEY,
    downloaded_at INTEGER NOT NULL,
    member_id     INTEGER,  -- null: the command line
    content       TEXT NOT NULL CHECK (length(content) <= 32),  -- orders, purchase-order, dispatch, rejected-rows …
    source        TEXT NOT NULL,  -- URL of the list it was exported from
    row_count     INTEGER NOT NULL CHECK (row_count >= 0),
    purpose       TEXT CHECK (purpose IN (        -- null where none was required
        'factory', 'shipping', 'channel', 'customer', 'accounting', 'other')),
    note          TEXT NOT NULL CHECK (length(note) <= 255),
    digest        TEXT CHECK (length(digest) <= 64)  -- SHA-256 of a document, by which it is recognised later
) STRICT;
CREATE INDEX downloads_by_digest ON downloads (digest);

-- Files of downloads whose orders are sent to someone, and of file_jobs, to be fetched again as they were. Deleted after some weeks.
CREATE TABLE download_files (
    download_id    INTEGER NOT NULL PRIMARY KEY REFERENCES downloads (id),
    file_name      TEXT NOT NULL CHECK (length(file_name) <= 255),
    first_order_id INTEGER,  -- smallest and largest identifier of its orders; null: download_orders has each
    last_order_id  INTEGER
) STRICT;

-- The bytes in chunks of at most 1 MiB.
CREATE TABLE download_chunks (
    download_id INTEGER NOT NULL REFERENCES download_files (download_id),
    position    INTEGER NOT NULL CHECK (position >= 0),
    bytes       BLOB NOT NULL,
    PRIMARY KEY (download_id, position)
) STRICT;

-- Which order went to whom in which file. The next file for the same leaves it out.
CREATE TABLE download_orders (
    order_id    INTEGER NOT NULL,
    sent_to     TEXT NOT NULL CHECK (sent_to IN ('factory', 'courier', 'channel')),
    download_id INTEGER NOT NULL REFERENCES downloads (id),
    PRIMARY KEY (order_id, sent_to, download_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX download_orders_by_download ON download_orders (download_id);

-- Files of many orders that are made in the background, on any node, for the member who fetches them. Deleted with their files.
CREATE TABLE file_jobs (
    id            INTEGER NOT NULL PRIMARY KEY,
    member_id     INTEGER NOT NULL,
    title         TEXT NOT NULL CHECK (length(title) <= 100),
    order_count   INTEGER NOT NULL CHECK (order_count >= 1),
    started_at    INTEGER NOT NULL,
    seen_at       INTEGER NOT NULL,  -- when its program last said that it is at work
    written_count INTEGER NOT NULL DEFAULT 0 CHECK (written_count >= 0),  -- orders in the unfinished file
    download_id   INTEGER REFERENCES downloads (id),  -- has the file; null: it is being made, or could not be
    fetched_at    INTEGER,
    failure       TEXT CHECK (length(failure) <= 500),  -- why there is no file
    CHECK (download_id IS NULL OR failure IS NULL),
    CHECK (fetched_at IS NULL OR download_id IS NOT NULL)
) STRICT;
CREATE INDEX file_jobs_by_member ON file_jobs (member_id, started_at);
CREATE INDEX file_jobs_by_age ON file_jobs (started_at);
CREATE INDEX file_jobs_by_download ON file_jobs (download_id);

-- ── texts for customers ─────────────────────────────────────────────────────────────────────

-- The shop's wording of a kind of text (안내 문자); without a row it is that of the program (src/notices/wording.rs).
CREATE TABLE notice_wordings (
    kind       TEXT NOT NULL PRIMARY KEY CHECK (kind IN ('visit', 'change', 'cancellation', 'completion')),
    body       TEXT NOT NULL CHECK (length(body) <= 1000),
    short_body TEXT NOT NULL CHECK (length(short_body) <= 200),  -- for 050 numbers, which take an SMS only
    saved_by   INTEGER NOT NULL,
    saved_at   INTEGER NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1)
) STRICT, WITHOUT ROWID;

-- Texts that were written into a file for a sender: what a customer was told, and when. They go with their delivery.
CREATE TABLE notices (
    id           INTEGER NOT NULL PRIMARY KEY,
    job_id       INTEGER NOT NULL REFERENCES jobs (id),
    kind         TEXT NOT NULL CHECK (kind IN ('visit', 'change', 'cancellation', 'completion')),
    form         TEXT NOT NULL CHECK (form IN ('sms', 'lms', 'alimtalk')),
    day          TEXT NOT NULL CHECK (day LIKE '____-__-__'),  -- of the visit
    window_from  INTEGER CHECK (window_from BETWEEN 0 AND 1439),  -- minute of the day; null: the text names no window
    window_to    INTEGER CHECK (window_to BETWEEN 0 AND 1439),
    message      TEXT NOT NULL CHECK (length(message) <= 2000),
    download_id  INTEGER NOT NULL REFERENCES downloads (id),
    written_by   INTEGER,  -- null: the command line
    written_at   INTEGER NOT NULL,
    withdrawn_at INTEGER,  -- a member said that the file was not sent
    withdrawn_by INTEGER,
    CHECK ((window_from IS NULL) = (window_to IS NULL)),
    CHECK (window_from IS NULL OR window_from <= window_to),
    CHECK ((withdrawn_at IS NULL) = (withdrawn_by IS NULL))
) STRICT;
CREATE INDEX notices_by_job ON notices (job_id);
CREATE INDEX notices_by_day ON notices (day);
CREATE INDEX notices_by_download ON notices (download_id);

-- ── access records ─────────────────────────────────────────────────────────────────────────

-- Access records (접속기록): who saw, changed, printed or downloaded whose personal data; sign-ins; starts and stops.
-- Append-only, chained: `digest` covers the row and the digest of the row before.
CREATE TABLE access_records (
    sequence       INTEGER NOT NULL PRIMARY KEY CHECK (sequence >= 1),  -- without gaps
    recorded_at    INTEGER NOT NULL,
    actor          TEXT NOT NULL CHECK (actor IN ('member', 'unknown', 'command-line', 'program')),
    member_id      INTEGER,                -- exactly for the actor member; no foreign key: the record outlives it
    address        TEXT NOT NULL CHECK (length(address) <= 64),  -- network address of the request; '' without one
    action         TEXT NOT NULL CHECK (action IN (
        'view', 'search', 'enter', 'edit', 'print', 'download', 'delete', 'reveal',
        'sign-in', 'sign-out', 'sign-in-failed', 'start', 'stop')),
    page           TEXT NOT NULL CHECK (length(page) <= 128),  -- path of the page, or command
    query          TEXT NOT NULL CHECK (length(query) <= 1000),  -- search and filter
    order_count    INTEGER NOT NULL CHECK (order_count >= 0),
    first_order_id INTEGER,                -- smallest and largest identifier of the orders; null without orders
    last_order_id  INTEGER,
    order_ids      BLOB,                   -- each identifier, as differences in LEB128; null for none and for many
    digest         TEXT NOT NULL CHECK (length(digest) <= 64),
    CHECK ((actor = 'member') = (member_id IS NOT NULL)),
    CHECK ((order_count = 0) = (first_order_id IS NULL)),
    CHECK ((order_count = 0) = (last_order_id IS NULL))
) STRICT;
CREATE INDEX access_records_by_time ON access_records (recorded_at);
CREATE INDEX access_records_by_member ON access_records (member_id, sequence);

-- One row: the end of the chain.
CREATE TABLE access_chain (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last_sequence INTEGER NOT NULL,
    digest        TEXT NOT NULL CHECK (length(digest) <= 64)
) STRICT;

-- The digest of the chain at the end of each day, so that it is also in every backup of that day.
CREATE TABLE access_seals (
    accessed_on   TEXT NOT NULL PRIMARY KEY CHECK (accessed_on LIKE '____-__-__'),
    last_sequence INTEGER NOT NULL,  -- the last record that it covers
    digest        TEXT NOT NULL CHECK (length(digest) <= 64),
    sealed_at     INTEGER NOT NULL,
    purged_at     INTEGER            -- when its records were deleted at the end of their retention
) STRICT, WITHOUT ROWID;

-- Days on which the data of an order was accessed, and the last record of that day: an index of order_ids.
CREATE TABLE access_order_days (
    order_id      INTEGER NOT NULL,
    accessed_on   TEXT NOT NULL CHECK (accessed_on LIKE '____-__-__'),
    last_sequence INTEGER NOT NULL,
    PRIMARY KEY (order_id, accessed_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_order_days_by_day ON access_order_days (accessed_on);

-- Records with more orders than are listed one by one.
CREATE TABLE access_ranges (
    sequence       INTEGER NOT NULL PRIMARY KEY,
    first_order_id INTEGER NOT NULL,
    last_order_id  INTEGER NOT NULL
) STRICT;

-- Inspections of one or several months, as they were signed.
CREATE TABLE access_inspections (
    inspected_month TEXT NOT NULL PRIMARY KEY CHECK (inspected_month LIKE '____-__-__'),  -- first day of the first month
    months          INTEGER NOT NULL CHECK (months BETWEEN 1 AND 12),
    report          TEXT NOT NULL,  -- JSON: src/access/inspection.rs
    note            TEXT NOT NULL CHECK (length(note) <= 2000),
    signed_by       INTEGER NOT NULL,
    signed_at       INTEGER NOT NULL,
    last_sequence   INTEGER NOT NULL CHECK (last_sequence >= 0),  -- end of the chain at that time
    digest          TEXT NOT NULL CHECK (length(digest) <= 64)
) STRICT, WITHOUT ROWID;

-- Records are not changed, and deleted only after their seal is marked as purged: a year after its day at the earliest
-- (안전성 확보조치 기준 제8조). Signed inspections and seals go with the records that they are about. The leases are those of a
-- copy, whose incomplete target is cleared, and of the reset of a demo shop.
CREATE TRIGGER access_records_no_update BEFORE UPDATE ON access_records
BEGIN SELECT RAISE(ABORT, 'access records are append-only'); END;
CREATE TRIGGER access_records_no_delete BEFORE DELETE ON access_records
WHEN OLD.sequence > (SELECT coalesce(max(last_sequence), 0) FROM access_seals WHERE purged_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM leases WHERE name IN ('copy', 'demo'))
BEGIN SELECT RAISE(ABORT, 'access records are append-only'); END;
CREATE TRIGGER access_inspections_no_update BEFORE UPDATE ON access_inspections
BEGIN SELECT RAISE(ABORT, 'signed inspections are final'); END;
CREATE TRIGGER access_inspections_no_delete BEFORE DELETE ON access_inspections
WHEN OLD.last_sequence > (SELECT coalesce(max(last_sequence), 0) FROM access_seals WHERE purged_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM leases WHERE name IN ('copy', 'demo'))
BEGIN SELECT RAISE(ABORT, 'signed inspections are final'); END;
CREATE TRIGGER access_seals_no_update BEFORE UPDATE ON access_seals
WHEN OLD.purged_at IS NOT NULL OR NEW.accessed_on <> OLD.accessed_on OR NEW.last_sequence <> OLD.last_sequence
    OR NEW.digest <> OLD.digest OR NEW.sealed_at <> OLD.sealed_at
    OR NEW.purged_at < (julianday(OLD.accessed_on) - julianday('1970-01-01') + 365) * 86400000
BEGIN SELECT RAISE(ABORT, 'access seals are append-only'); END;
CREATE TRIGGER access_seals_no_delete BEFORE DELETE ON access_seals
WHEN OLD.purged_at IS NULL AND NOT EXISTS (SELECT 1 FROM leases WHERE name IN ('copy', 'demo'))
BEGIN SELECT RAISE(ABORT, 'access seals are append-only'); END;

-- Deliveries whose masked data a member opened with a reason; the access record has the reason. Deleted when it is over.
CREATE TABLE reveals (
    member_id   INTEGER NOT NULL REFERENCES members (id),
    delivery_id INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (member_id, delivery_id)
) STRICT, WITHOUT ROWID;

-- ── destruction ────────────────────────────────────────────────────────────────────

-- Certificates of destroyed data, one row for each run: numbers only.
CREATE TABLE destructions (
    id             INTEGER NOT NULL PRIMARY KEY,
    started_at     INTEGER NOT NULL,
    finished_at    INTEGER,  -- null: it runs, or was interrupted and is continued by the next one
    reason         TEXT NOT NULL CHECK (reason IN ('retention', 'request')),
    member_id      INTEGER,  -- who destroyed on request; null: the program, at the end of the retention
    before_day     TEXT NOT NULL CHECK (before_day LIKE '____-__-__'),  -- data of earlier days was destroyed
    orders         INTEGER NOT NULL DEFAULT 0 CHECK (orders >= 0),
    deliveries     INTEGER NOT NULL DEFAULT 0 CHECK (deliveries >= 0),
    log_entries    INTEGER NOT NULL DEFAULT 0 CHECK (log_entries >= 0),   -- of orders, deliveries and members
    search_terms   INTEGER NOT NULL DEFAULT 0 CHECK (search_terms >= 0),
    uploads        INTEGER NOT NULL DEFAULT 0 CHECK (uploads >= 0),
    upload_rows    INTEGER NOT NULL DEFAULT 0 CHECK (upload_rows >= 0),
    download_notes INTEGER NOT NULL DEFAULT 0 CHECK (download_notes >= 0),
    photos         INTEGER NOT NULL DEFAULT 0 CHECK (photos >= 0)
) STRICT;

-- ── duties towards the buyer ─────────────────────────────────────────────────────────

-- Delays of which the buyer was told (전자상거래법 제15조 ②), with the text. Deleted with the order.
CREATE TABLE delay_notices (
    id        INTEGER NOT NULL PRIMARY KEY,
    order_id  INTEGER NOT NULL REFERENCES orders (id),
    reason    TEXT NOT NULL CHECK (length(reason) <= 300),
    new_day   TEXT CHECK (new_day LIKE '____-__-__'),  -- null: not known yet
    way       TEXT NOT NULL CHECK (way IN ('message', 'phone', 'channel')),
    text      TEXT NOT NULL CHECK (length(text) <= 2000),
    sent_at   INTEGER NOT NULL,
    member_id INTEGER NOT NULL
) STRICT;
CREATE INDEX delay_notices_by_order ON delay_notices (order_id, id);

-- Consents of buyers that a good is made for them: without a row the withdrawal is not restricted (시행령 제21조).
CREATE TABLE withdrawal_consents (
    order_id    INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id),
    given_on    TEXT NOT NULL CHECK (given_on LIKE '____-__-__'),
    way         TEXT NOT NULL CHECK (way IN ('paper', 'message', 'channel')),
    proof       TEXT NOT NULL CHECK (length(proof) <= 300),  -- where the paper or the message is
    recorded_at INTEGER NOT NULL,
    member_id   INTEGER NOT NULL
) STRICT;

-- ── leaks and demands of people ─────────────────────────────────────────────────────

-- Cases of a leak or a possible leak (개인정보보호법 제34조). The access records of the window and of the scope say whose data
-- was seen or taken. A case is edited until it is closed; deleted after three years.
CREATE TABLE breaches (
    id           INTEGER NOT NULL PRIMARY KEY,
    cause        TEXT NOT NULL CHECK (cause IN ('member', 'outside', 'device', 'file', 'tampering')),
    is_confirmed INTEGER NOT NULL CHECK (is_confirmed IN (0, 1)),     -- 0: it is possible only
    noticed_at   INTEGER NOT NULL,  -- when the shop learned of it: the 72 hours run from then
    from_at      INTEGER NOT NULL,  -- window of the access records, both ends included
    to_at        INTEGER NOT NULL,
    scope        TEXT NOT NULL CHECK (length(scope) <= 4000),     -- JSON: src/privacy/breach.rs
    story        TEXT NOT NULL CHECK (length(story) <= 2000),     -- what happened, for the notice
    measures     TEXT NOT NULL CHECK (length(measures) <= 2000),  -- what the shop does about it, for the notice
    evidence     TEXT CHECK (length(evidence) <= 255),  -- what the program found; null: a person opened the case
    opened_at    INTEGER NOT NULL,
    opened_by    INTEGER,  -- null: the program or the command line
    closed_at    INTEGER,
    closed_by    INTEGER,  -- null: open, or closed at the command line
    people       INTEGER CHECK (people >= 0),  -- people concerned, counted when it was closed
    CHECK (from_at <= to_at),
    CHECK ((closed_at IS NULL) = (people IS NULL))
) STRICT;

-- What was done about a case; the newest row of a step is in force.
CREATE TABLE breach_steps (
    id        INTEGER NOT NULL PRIMARY KEY,
    breach_id INTEGER NOT NULL REFERENCES breaches (id),
    step      TEXT NOT NULL CHECK (step IN ('contain', 'preserve', 'identify', 'notify', 'publish', 'report', 'prevent')),
    outcome   TEXT NOT NULL CHECK (outcome IN ('done', 'not-needed')),
    note      TEXT NOT NULL CHECK (length(note) <= 500),
    acted_at  INTEGER NOT NULL,
    member_id INTEGER  -- null: the command line
) STRICT;
CREATE INDEX breach_steps_by_breach ON breach_steps (breach_id, id);

-- Demands of people about their data (개인정보 보호법 제35조~제37조), answered within ten days. The person's name is only in
-- the order. Deleted three years after the answer.
CREATE TABLE person_requests (
    id          INTEGER NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('show', 'correct', 'restrict', 'delete')),
    order_id    INTEGER NOT NULL,  -- an order of the person, which may be destroyed before the demand is
    role        TEXT NOT NULL CHECK (role IN ('customer', 'recipient')),
    received_on TEXT NOT NULL CHECK (received_on LIKE '____-__-__'),
    due_on      TEXT NOT NULL CHECK (due_on LIKE '____-__-__'),  -- last day of the answer
    demand      TEXT NOT NULL CHECK (length(demand) <= 500),
    recorded_at INTEGER NOT NULL,
    recorded_by INTEGER,  -- null: the command line
    answer      TEXT CHECK (answer IN ('done', 'in-part', 'refused')),
    answer_note TEXT CHECK (length(answer_note) <= 1000),
    answered_at INTEGER,
    answered_by INTEGER,  -- null: open, or answered at the command line
    CHECK ((answer IS NULL) = (answered_at IS NULL)),
    CHECK ((answer IS NULL) = (answer_note IS NULL))
) STRICT;
CREATE INDEX person_requests_by_due ON person_requests (answered_at, due_on);

-- Orders that a demand stopped, or of which it deleted the memos. After a restore they are stopped or deleted again.
CREATE TABLE person_request_orders (
    request_id INTEGER NOT NULL REFERENCES person_requests (id),
    order_id   INTEGER NOT NULL,  -- the restored moment may lack it
    is_owed    INTEGER NOT NULL DEFAULT 0 CHECK (is_owed IN (0, 1)),  -- still to be done after a restore
    PRIMARY KEY (request_id, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX person_request_orders_by_order ON person_request_orders (order_id);

-- Deliveries whose use was stopped on demand: masked for every role, and in files, until a member opens one with a reason.
CREATE TABLE restrictions (
    delivery_id   INTEGER NOT NULL PRIMARY KEY,
    request_id    INTEGER NOT NULL,
    restricted_at INTEGER NOT NULL
) STRICT;

-- ── sealed orders ─────────────────────────────────────────────────────────────────────────

-- Personal data of orders that ended, apart from the orders, which have masks instead.
CREATE TABLE order_seals (
    order_id  INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id),
    sealed_at INTEGER NOT NULL,
    opened_at INTEGER,  -- the order has its data again
    content   TEXT,     -- JSON: values of columns, of the log, of statements and conflicts; null while it is open
    CHECK ((opened_at IS NULL) = (content IS NOT NULL))
) STRICT;
CREATE INDEX order_seals_by_opened ON order_seals (opened_at);

-- Finds the sealed orders of a person: names without spaces, digits of telephone numbers.
CREATE TABLE sealed_names (
    name     TEXT NOT NULL CHECK (length(name) <= 100),
    order_id INTEGER NOT NULL REFERENCES orders (id),
    PRIMARY KEY (name, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sealed_names_by_order ON sealed_names (order_id);

-- ── practice ───────────────────────────────────────────────────────────────────────────────

-- Runs of a member through the exercises of a demo shop. The newest is the current one.
CREATE TABLE practice_sessions (
    id         INTEGER NOT NULL PRIMARY KEY,  -- also the seed of the exercises
    member_id  INTEGER NOT NULL REFERENCES members (id),
    started_at INTEGER NOT NULL
) STRICT;
CREATE INDEX practice_sessions_by_member ON practice_sessions (member_id, id);
