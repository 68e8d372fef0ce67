-- The newest schema. SQLite executes it unchanged; src/storage/mariadb/schema.rs translates it for MariaDB
-- (`TEXT /*n*/` becomes VARCHAR(n), table options are replaced).
--
-- Identifiers are time-sorted 64-bit integers. Moments (…_at) are UTC milliseconds. Dates are
-- `YYYY-MM-DD`. Money is whole won. `version` increases with every change of a row, for optimistic locking.

-- Applied migrations, one row each; the largest version is the schema's.
CREATE TABLE schema_versions (
    version    INTEGER NOT NULL PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT;

-- Settings of the shop by administrators: name, telephone, network address. A demo shop also has its creation here.
CREATE TABLE settings (
    name  TEXT /*64*/ NOT NULL PRIMARY KEY,
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
    name       TEXT /*32*/ NOT NULL PRIMARY KEY,
    holder     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- ── members ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE members (
    id             INTEGER NOT NULL PRIMARY KEY,
    username       TEXT /*64*/ NOT NULL UNIQUE,
    role           TEXT /*16*/ NOT NULL,   -- admin, logistics
    enabled        INTEGER NOT NULL DEFAULT 1,
    password_hash  TEXT /*255*/ NOT NULL,  -- argon2id, PHC string
    -- Incremented to revoke all sessions of the member; a session stores the epoch of its login.
    session_epoch  INTEGER NOT NULL DEFAULT 0,
    created_at     INTEGER NOT NULL,
    signed_in_at   INTEGER,
    -- Expiry of a one-time password, which only allows to set another one.
    one_time_until INTEGER,
    -- When a stolen remember-me token was detected; null after the member has acknowledged it.
    token_theft_at INTEGER
) STRICT;

-- Browsers in which a member is logged in. Sessions and remember-me tokens refer to their device, so that
-- deleting the row revokes both in any session store.
CREATE TABLE devices (
    id               INTEGER NOT NULL PRIMARY KEY,
    member_id        INTEGER NOT NULL REFERENCES members (id),
    description      TEXT /*64*/ NOT NULL,  -- 윈도우 컴퓨터 · 크롬
    address          TEXT /*64*/ NOT NULL,
    signed_in_at     INTEGER NOT NULL,
    seen_at          INTEGER NOT NULL,
    remembered_until INTEGER,               -- remember-me expiry; null: until the session ends
    expires_at       INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_member ON devices (member_id, seen_at);
CREATE INDEX devices_by_expiry ON devices (expires_at);

-- Log of logins and failed attempts, kept for some months.
CREATE TABLE sign_ins (
    id           INTEGER NOT NULL PRIMARY KEY,
    member_id    INTEGER NOT NULL REFERENCES members (id),
    attempted_at INTEGER NOT NULL,
    outcome      TEXT /*16*/ NOT NULL,  -- password, stayed, wrong, disabled, late, stolen
    description  TEXT /*64*/ NOT NULL,
    address      TEXT /*64*/ NOT NULL
) STRICT;
CREATE INDEX sign_ins_by_member ON sign_ins (member_id, id);
CREATE INDEX sign_ins_by_age ON sign_ins (attempted_at);

CREATE TABLE sessions (
    id         TEXT /*32*/ NOT NULL PRIMARY KEY,
    record     TEXT NOT NULL,  -- JSON; identifiers only
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Remember-me tokens by series; only hashes of the tokens.
CREATE TABLE remember_tokens (
    series     TEXT /*64*/ NOT NULL PRIMARY KEY,
    record     TEXT NOT NULL,  -- JSON
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX remember_tokens_by_expiry ON remember_tokens (expires_at);

-- Failed logins of an account or address, for the login throttle.
CREATE TABLE sign_in_failures (
    subject  TEXT /*128*/ NOT NULL PRIMARY KEY,  -- account:…, address:…
    failures INTEGER NOT NULL,
    first_at INTEGER NOT NULL
) STRICT;

-- ── channels and products ──────────────────────────────────────────────────────────────────

CREATE TABLE sales_channels (
    id              INTEGER NOT NULL PRIMARY KEY,
    code            TEXT /*32*/ NOT NULL UNIQUE,  -- SMART_STORE, LOCAL, COUPANG …
    name            TEXT /*64*/ NOT NULL,
    -- Password of the channel's files, encrypted with a key outside this database.
    sealed_password BLOB
) STRICT;

CREATE TABLE products (
    id         INTEGER NOT NULL PRIMARY KEY,
    number     TEXT /*100*/ NOT NULL UNIQUE,  -- 판매자 상품코드
    name       TEXT /*255*/ NOT NULL UNIQUE,
    priority   INTEGER NOT NULL,              -- 0..9999, order in lists
    enabled    INTEGER NOT NULL DEFAULT 1,
    upload_id  INTEGER,                       -- the upload that created it
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX products_by_priority ON products (priority, id);
CREATE INDEX products_by_enabled ON products (enabled, priority, id);

-- Maps (product, option key, option value) to the label for the factory.
CREATE TABLE variants (
    id           INTEGER NOT NULL PRIMARY KEY,
    product_id   INTEGER NOT NULL REFERENCES products (id),
    option_key   TEXT /*100*/ NOT NULL,
    option_value TEXT /*400*/ NOT NULL,
    label        TEXT /*400*/ NOT NULL,
    upload_id    INTEGER,
    created_at   INTEGER NOT NULL,
    version      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (product_id, option_key, option_value)
) STRICT;

-- ── deliveries and orders ──────────────────────────────────────────────────────────────────

-- One bundle, as the delivery team sees it. The columns up to the district are derived from its orders and
-- recomputed in every transaction that changes one of them.
CREATE TABLE deliveries (
    id                      INTEGER NOT NULL PRIMARY KEY,
    bundle_number           TEXT /*64*/ NOT NULL UNIQUE,
    state                   INTEGER NOT NULL,          -- 0 준비, 1 대기, 2 완료, 3 반품, 4 취소
    order_count             INTEGER NOT NULL,
    total_quantity          INTEGER NOT NULL,          -- without cancelled orders
    cancelled_quantity      INTEGER NOT NULL,
    primary_order_id        INTEGER,                   -- most advanced, then largest quantity, then oldest
    shipping_method         TEXT /*16*/ NOT NULL,
    preferred_shipping_date TEXT /*10*/,               -- earliest of its orders
    sigungu_code            INTEGER,                   -- district code; null is 미분류
    ready_at                INTEGER,                   -- when it became ready for the first time
    printed_at              INTEGER,                   -- last printing of the slip
    printed_by              INTEGER,                   -- member who printed it
    memo                    TEXT NOT NULL DEFAULT '',  -- of the delivery team
    version                 INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The list filters by state, method, district and date. Each index covers all four, so that counting and
-- pagination are index-only. The first serves selective filters; the others are also scanned in their own
-- order.
CREATE INDEX deliveries_by_state ON deliveries (state, shipping_method, preferred_shipping_date, sigungu_code, id);
CREATE INDEX deliveries_by_date ON deliveries (preferred_shipping_date, id, state, shipping_method, sigungu_code);
CREATE INDEX deliveries_by_district ON deliveries (sigungu_code, id, state, shipping_method, preferred_shipping_date);
-- Covering index of the overview's counts.
CREATE INDEX deliveries_by_place ON deliveries (state, sigungu_code, shipping_method, preferred_shipping_date, primary_order_id);

-- Number of deliveries by region, state, method and whether they have a preferred date: the totals of the list without
-- counting rows. A delivery is counted for all regions, its 시/도 and its 시/군/구. Updated in the transaction of every
-- change.
CREATE TABLE delivery_tallies (
    region          INTEGER NOT NULL CHECK (region >= -1),  -- 0 all, -1 미분류, or a district code
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    shipping_method TEXT /*16*/ NOT NULL,
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
    audit_entry_id INTEGER NOT NULL,      -- the audit entry it belongs to
    action         TEXT /*16*/ NOT NULL,  -- printed, completed, undone, noted
    details        TEXT NOT NULL          -- JSON, by action
) STRICT;
CREATE INDEX delivery_events_by_delivery ON delivery_events (delivery_id, id);
CREATE INDEX delivery_events_by_audit_entry ON delivery_events (audit_entry_id);

CREATE TABLE orders (
    id                      INTEGER NOT NULL PRIMARY KEY,
    order_number            TEXT /*64*/ NOT NULL,  -- the channel's 상품주문번호
    channel_id              INTEGER NOT NULL REFERENCES sales_channels (id),
    product_id              INTEGER NOT NULL REFERENCES products (id),
    delivery_id             INTEGER NOT NULL REFERENCES deliveries (id),
    state                   INTEGER NOT NULL,      -- 0 주문 … 6 환불, in order of progress
    options                 TEXT NOT NULL,         -- JSON [[key, value], …] as the channel names them
    options_raw             TEXT NOT NULL,         -- 옵션정보 as in the file
    quantity                INTEGER NOT NULL,
    price                   INTEGER NOT NULL,
    customer_name           TEXT /*100*/ NOT NULL,
    customer_tel            TEXT /*40*/ NOT NULL,
    customer_message        TEXT NOT NULL,
    recipient_name          TEXT /*100*/ NOT NULL,
    recipient_tel1          TEXT /*40*/ NOT NULL,
    recipient_tel2          TEXT /*40*/ NOT NULL,
    recipient_zip_code      TEXT /*10*/ NOT NULL,
    recipient_address1      TEXT /*500*/ NOT NULL,
    recipient_address2      TEXT /*500*/ NOT NULL,
    sigungu_code            INTEGER,               -- district code; null is 미분류
    shipping_method         TEXT /*16*/ NOT NULL,
    shipping_method_raw     TEXT /*64*/ NOT NULL,
    charge_type             TEXT /*16*/ NOT NULL,
    courier                 TEXT /*64*/ NOT NULL,
    tracking_number         TEXT /*64*/ NOT NULL,
    claim                   TEXT /*64*/ NOT NULL,
    purchase_memo           TEXT NOT NULL,
    shipping_memo           TEXT NOT NULL,
    admin_memo              TEXT NOT NULL,
    placed_at               INTEGER NOT NULL,
    dispatch_deadline       TEXT /*10*/,
    preferred_shipping_date TEXT /*10*/,
    purchased_at            INTEGER,
    dispatched_at           INTEGER,
    shipped_at              INTEGER,
    confirmed_at            INTEGER,
    cancelled_at            INTEGER,
    refunded_at             INTEGER,
    upload_id               INTEGER,               -- the upload that created it
    created_at              INTEGER NOT NULL,
    bundled_at              INTEGER,               -- when it moved to its delivery; null: created in it
    version                 INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX orders_by_number ON orders (order_number, channel_id);
CREATE INDEX orders_by_delivery ON orders (delivery_id);

-- The list sorts by any of nine dates. Each index covers the list's filters, so that counting and pagination
-- are index-only. Most orders lack most dates: they are not in the partial index of that date, and are
-- found in orders_by_id.
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
-- Covers the filter by state for any sort; most states have some thousand orders.
CREATE INDEX orders_by_state ON orders (state, placed_at, id, channel_id, product_id, dispatch_deadline,
    preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at);
-- Covers search results for any sort.
CREATE INDEX orders_by_id ON orders (id, state, channel_id, product_id, placed_at, dispatch_deadline,
    preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at);
CREATE INDEX orders_by_product    ON orders (product_id, placed_at, id, state, channel_id);
CREATE INDEX orders_by_channel    ON orders (channel_id, placed_at, id, state, product_id);

-- Number of orders per state, channel and product: the totals of the list without counting rows. Updated in
-- the transaction of every change.
CREATE TABLE order_tallies (
    state       INTEGER NOT NULL,
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
    term        TEXT /*64*/ NOT NULL,
    document_id INTEGER NOT NULL,  -- an order
    fields      INTEGER NOT NULL,
    PRIMARY KEY (term, document_id)
) STRICT, WITHOUT ROWID;

-- Segments of the search index. Size-tiered compaction moves the smallest terms of its inputs first.
CREATE TABLE search_segments (
    id          INTEGER NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL,  -- approximate bytes of its blocks
    merges_into INTEGER            -- target segment of a running compaction
) STRICT;

CREATE TABLE search_blocks (
    segment_id INTEGER NOT NULL,
    last_term  TEXT /*64*/ NOT NULL,  -- last of its sorted postings
    position   INTEGER NOT NULL,      -- within the segment
    bytes      BLOB NOT NULL,         -- src/search/postings.rs
    PRIMARY KEY (segment_id, last_term, position)
) STRICT;

-- Event log of orders: when, who, before, after.
CREATE TABLE order_events (
    id        INTEGER NOT NULL PRIMARY KEY,
    order_id  INTEGER NOT NULL,
    logged_at INTEGER NOT NULL,
    member_id INTEGER,               -- null: the command line
    upload_id INTEGER,
    action    TEXT /*32*/ NOT NULL,  -- created, proceeded, edited, tracked, stated, bundled, classified, despite-claim
    changes   TEXT NOT NULL          -- JSON [[field, before, after], …]
) STRICT;
CREATE INDEX order_events_by_order ON order_events (order_id, id);

-- ── districts ──────────────────────────────────────────────────────────────────────────────

-- Imported official lists of postal codes, which override the built-in table.
CREATE TABLE district_editions (
    id         INTEGER NOT NULL PRIMARY KEY,
    stage      TEXT /*16*/ NOT NULL,  -- previewed, applied
    report     TEXT NOT NULL,         -- JSON: the files and their parse reports
    valid_from TEXT /*10*/,           -- null until applied
    member_id  INTEGER,               -- null: the command line
    created_at INTEGER NOT NULL,
    applied_at INTEGER
) STRICT;

-- Regions of an edition.
CREATE TABLE district_regions (
    edition_id  INTEGER NOT NULL REFERENCES district_editions (id),
    code        INTEGER NOT NULL,
    level       INTEGER NOT NULL,  -- 0 시/도, 1 시/군/구, 2 일반구
    parent_code INTEGER,
    full_name   TEXT /*100*/ NOT NULL,
    short_name  TEXT /*100*/ NOT NULL,
    PRIMARY KEY (edition_id, code)
) STRICT, WITHOUT ROWID;

-- Contiguous ranges of postal codes of an edition, with their regions.
CREATE TABLE district_zips (
    edition_id INTEGER NOT NULL REFERENCES district_editions (id),
    zip_start  INTEGER NOT NULL,
    zip_end    INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    PRIMARY KEY (edition_id, zip_start)
) STRICT, WITHOUT ROWID;

-- Manual corrections of postal codes; they override every edition.
CREATE TABLE district_corrections (
    zip          TEXT /*10*/ NOT NULL PRIMARY KEY,  -- digits
    sigungu_code INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- Manual districts of single orders; valid while the order keeps its postal code.
CREATE TABLE order_districts (
    order_id     INTEGER NOT NULL PRIMARY KEY,
    zip_code     TEXT /*10*/ NOT NULL,
    sigungu_code INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- One row. Nodes compare the version to invalidate their caches. Reclassification has processed open deliveries
-- up to classified_to, and all of them when it is null.
CREATE TABLE district_state (
    id            INTEGER NOT NULL PRIMARY KEY,
    version       INTEGER NOT NULL,
    classified_to INTEGER
) STRICT;

-- ── uploads ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE uploads (
    id              INTEGER NOT NULL PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    member_id       INTEGER,                     -- null: the command line
    kind            TEXT /*16*/ NOT NULL,        -- orders, tracking, states; '' until it is recognised
    channel_code    TEXT /*32*/ NOT NULL,
    courier         TEXT /*64*/ NOT NULL,
    file_name       TEXT /*255*/ NOT NULL,
    file_size       INTEGER NOT NULL,
    file_sha256     TEXT /*64*/ NOT NULL,
    file_kept       INTEGER NOT NULL,            -- 1 while upload_chunks has the file
    sealed_password BLOB,                        -- password of the stored file
    stage           TEXT /*16*/ NOT NULL,        -- locked, previewed, applied, refused, discarded
    refusal         TEXT NOT NULL,
    created         INTEGER NOT NULL DEFAULT 0,
    updated         INTEGER NOT NULL DEFAULT 0,
    skipped         INTEGER NOT NULL DEFAULT 0,
    rejected        INTEGER NOT NULL DEFAULT 0,
    warned          INTEGER NOT NULL DEFAULT 0,
    findings        TEXT NOT NULL,               -- JSON: products and variants it creates or created
    applied_at      INTEGER,
    open_rows       INTEGER NOT NULL DEFAULT 0,  -- rejected rows that are not resolved
    resolved_by     INTEGER,                     -- member who marked the remaining rows as resolved
    resolved_at     INTEGER,
    version         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX uploads_by_stage ON uploads (stage, id);
CREATE INDEX uploads_by_open_rows ON uploads (open_rows, id);
CREATE INDEX uploads_by_file_kept ON uploads (file_kept, id);

-- The original file in chunks of at most 1 MiB.
CREATE TABLE upload_chunks (
    upload_id INTEGER NOT NULL REFERENCES uploads (id),
    position  INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    PRIMARY KEY (upload_id, position)
) STRICT;

CREATE TABLE upload_rows (
    upload_id           INTEGER NOT NULL REFERENCES uploads (id),
    sheet_row           INTEGER NOT NULL,                 -- row number in the spreadsheet
    order_number        TEXT /*64*/ NOT NULL,
    outcome             TEXT /*16*/ NOT NULL,             -- created, updated, skipped, rejected
    reasons             TEXT NOT NULL,                    -- JSON [{column, value, message}, …]; warnings too
    -- Conflicting tracking number and courier of the file, for a member to resolve.
    new_tracking_number TEXT /*64*/ NOT NULL DEFAULT '',
    new_courier         TEXT /*64*/ NOT NULL DEFAULT '',
    open_order          TEXT /*64*/,                      -- order_number, while rejected and unresolved
    resolution          TEXT /*16*/ NOT NULL DEFAULT '',  -- replaced, kept, uploaded, marked
    resolved_by         INTEGER,
    resolved_at         INTEGER,
    PRIMARY KEY (upload_id, sheet_row)
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_rows_by_open_order ON upload_rows (open_order);

-- ── audit ──────────────────────────────────────────────────────────────────────────────────

-- Audit log: who did what to which object, from where. Append-only. Sentences are rendered from verb and details.
-- Identifiers are time-sorted, so the primary key is the index by time.
CREATE TABLE audit_entries (
    id           INTEGER NOT NULL PRIMARY KEY,
    recorded_at  INTEGER NOT NULL,
    actor        TEXT /*16*/ NOT NULL CHECK (actor IN ('member', 'command-line', 'program')),
    member_id    INTEGER,                -- exactly for the actor member; no foreign key: the log outlives it
    address      TEXT /*64*/ NOT NULL,   -- network address of the request; '' without one
    verb         TEXT /*32*/ NOT NULL CHECK (verb IN (
        'member-added', 'role-changed', 'member-enabled', 'member-disabled', 'password-changed',
        'one-time-password-issued', 'devices-logged-out', 'token-theft-reported', 'shop-saved',
        'product-added', 'products-edited', 'variant-added', 'variants-labelled', 'orders-advanced',
        'orders-edited', 'order-edited', 'manual-orders-created', 'order-unbundled', 'orders-merged',
        'orders-rejoined', 'orders-classified', 'zip-correction-undone', 'order-correction-undone',
        'district-list-applied', 'district-list-discarded', 'district-list-withdrawn',
        'uploads-received', 'upload-discarded', 'conflicts-resolved', 'rejected-rows-resolved',
        'deliveries-completed', 'completions-undone', 'slips-printed', 'delivery-memo-changed',
        'snapshot-requested', 'trial-restore-requested', 'backup-target-taken-over',
        'backup-key-created', 'database-downloaded', 'practice-started', 'demo-shop-created')),
    object_type  TEXT /*16*/ NOT NULL CHECK (object_type IN (
        'member', 'shop', 'product', 'order', 'district', 'district-list', 'upload', 'delivery',
        'backup')),
    object_id    INTEGER,                -- null: several objects, or one without an identifier
    object_count INTEGER NOT NULL CHECK (object_count >= 1),
    details      TEXT NOT NULL CHECK (length(details) <= 65535),  -- JSON, by verb
    CHECK ((actor = 'member') = (member_id IS NOT NULL)),
    CHECK (object_id IS NULL OR object_count = 1)
) STRICT;
CREATE INDEX audit_entries_by_member ON audit_entries (member_id, id);
CREATE INDEX audit_entries_by_object ON audit_entries (object_type, object_id, id);

-- What a member is told on the page after a form. The redirect names the row.
CREATE TABLE flash_messages (
    id             INTEGER NOT NULL PRIMARY KEY,
    member_id      INTEGER NOT NULL REFERENCES members (id),
    audit_entry_id INTEGER,  -- the action it is about; null: nothing was done
    tone           TEXT /*16*/ NOT NULL CHECK (tone IN ('success', 'warning', 'danger')),
    message        TEXT NOT NULL,
    expires_at     INTEGER NOT NULL
) STRICT;
CREATE INDEX flash_messages_by_member ON flash_messages (member_id, expires_at);

-- Log of downloads with personal data: who, what, for which purpose.
CREATE TABLE downloads (
    id            INTEGER NOT NULL PRIMARY KEY,
    downloaded_at INTEGER NOT NULL,
    member_id     INTEGER,               -- null: the command line
    content       TEXT /*32*/ NOT NULL,  -- orders, purchase-order, dispatch, rejected-rows …
    source        TEXT NOT NULL,         -- URL of the list it was exported from
    row_count     INTEGER NOT NULL,
    purpose       TEXT /*32*/ NOT NULL,  -- factory, shipping …; '' where none was required
    note          TEXT /*255*/ NOT NULL
) STRICT;

-- ── practice ───────────────────────────────────────────────────────────────────────────────

-- Runs of a member through the exercises of a demo shop. The newest is the current one.
CREATE TABLE practice_sessions (
    id         INTEGER NOT NULL PRIMARY KEY,  -- also the seed of the exercises
    member_id  INTEGER NOT NULL REFERENCES members (id),
    started_at INTEGER NOT NULL
) STRICT;
CREATE INDEX practice_sessions_by_member ON practice_sessions (member_id, id);
