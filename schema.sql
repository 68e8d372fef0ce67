-- The whole schema, readable top to bottom. SQLite runs it as it stands; for MariaDB,
-- src/storage/mariadb/schema.rs turns `TEXT /*n*/` into VARCHAR(n) and the table endings into its own.
--
-- Identifiers are time-sorted 64-bit numbers. Moments (…_at) are UTC milliseconds. Dates are
-- `YYYY-MM-DD`. Money is whole won. `version` rises with every change of a row and guards against
-- two people editing at once.

-- Which schema this is. One row a step that was applied.
CREATE TABLE schema_versions (
    version    INTEGER NOT NULL PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT;

-- What an administrator set for the whole shop: its name, its telephone, its address on the network.
CREATE TABLE settings (
    name  TEXT /*64*/ NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The programs that write into this database, when several may (MariaDB). Row 0 is their turn:
-- whoever has locked it writes. Each leaves the number of its newest write in its own row, which
-- tells whether a commit was carried out whose answer was lost.
CREATE TABLE writers (
    node   INTEGER NOT NULL PRIMARY KEY,         -- also a part of the identifiers it makes
    marker INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

-- Work that one of several nodes does: whoever holds its lease.
CREATE TABLE leases (
    name       TEXT /*32*/ NOT NULL PRIMARY KEY,
    holder     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

-- ── members ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE members (
    id            INTEGER NOT NULL PRIMARY KEY,
    username      TEXT /*64*/ NOT NULL UNIQUE,
    role          TEXT /*16*/ NOT NULL,          -- admin, logistics
    enabled       INTEGER NOT NULL DEFAULT 1,
    password_hash TEXT /*255*/ NOT NULL,         -- argon2id, PHC string
    -- Raised to end every session of the member at once; a session remembers the one it began with.
    session_epoch INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL,
    signed_in_at  INTEGER,
    -- An administrator made the password: it lets in until then, and only to choose another one.
    one_time_until INTEGER,
    -- A copy of a cookie was used then; null once the member has been told.
    stolen_at     INTEGER
) STRICT;

-- Browsers in which a member is signed in. A session and what renews it name their device, so that
-- deleting the row ends both, whatever store they are kept in.
CREATE TABLE devices (
    id           INTEGER NOT NULL PRIMARY KEY,
    member_id    INTEGER NOT NULL REFERENCES members (id),
    description  TEXT /*64*/ NOT NULL,           -- 윈도우 컴퓨터 · 크롬
    address      TEXT /*64*/ NOT NULL,
    signed_in_at INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    stays_until  INTEGER,                        -- null: signed in as long as the session lasts
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_member ON devices (member_id, seen_at);
CREATE INDEX devices_by_expiry ON devices (expires_at);

-- Who came in or tried to, for some months.
CREATE TABLE sign_ins (
    id          INTEGER NOT NULL PRIMARY KEY,
    member_id   INTEGER NOT NULL REFERENCES members (id),
    at          INTEGER NOT NULL,
    outcome     TEXT /*16*/ NOT NULL,            -- password, stayed, wrong, disabled, late, stolen
    description TEXT /*64*/ NOT NULL,
    address     TEXT /*64*/ NOT NULL
) STRICT;
CREATE INDEX sign_ins_by_member ON sign_ins (member_id, id);
CREATE INDEX sign_ins_by_age ON sign_ins (at);

CREATE TABLE sessions (
    id         TEXT /*32*/ NOT NULL PRIMARY KEY,
    record     TEXT NOT NULL,                    -- JSON; identifiers only
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Browsers that stay signed in: by the number of the series, of its tokens only the hashes.
CREATE TABLE stays (
    series     TEXT /*64*/ NOT NULL PRIMARY KEY,
    record     TEXT NOT NULL,                    -- JSON
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stays_by_expiry ON stays (expires_at);

-- Failed sign-ins of one account or one address.
CREATE TABLE sign_in_failures (
    subject    TEXT /*128*/ NOT NULL PRIMARY KEY, -- account:…, address:…
    failures   INTEGER NOT NULL,
    first_at   INTEGER NOT NULL
) STRICT;

-- ── channels and products ──────────────────────────────────────────────────────────────────

CREATE TABLE sales_channels (
    id              INTEGER NOT NULL PRIMARY KEY,
    code            TEXT /*32*/ NOT NULL UNIQUE,  -- SMART_STORE, LOCAL, COUPANG …
    name            TEXT /*64*/ NOT NULL,
    -- The password of the channel's files, sealed with a key that is not in this database.
    sealed_password BLOB
) STRICT;

CREATE TABLE products (
    id         INTEGER NOT NULL PRIMARY KEY,
    number     TEXT /*100*/ NOT NULL UNIQUE,      -- 판매자 상품코드
    name       TEXT /*255*/ NOT NULL UNIQUE,
    priority   INTEGER NOT NULL,                  -- 0..9999, the order of lists
    enabled    INTEGER NOT NULL DEFAULT 1,
    upload_id  INTEGER,                           -- the upload that found it
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX products_by_priority ON products (priority, id);
CREATE INDEX products_by_enabled ON products (enabled, priority, id);

-- (product, option key, option value) → the words the factory reads.
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

-- One bundle, as the delivery team sees it. All down to the district follows from its orders and is
-- written again in the transaction that changes any of them.
CREATE TABLE deliveries (
    id                      INTEGER NOT NULL PRIMARY KEY,
    bundle_number           TEXT /*64*/ NOT NULL UNIQUE,
    state                   INTEGER NOT NULL,     -- 0 준비, 1 대기, 2 완료, 3 반품, 4 취소
    order_count             INTEGER NOT NULL,
    total_quantity          INTEGER NOT NULL,     -- cancelled ones not counted
    cancelled_quantity      INTEGER NOT NULL,
    primary_order_id        INTEGER,              -- furthest on, then largest quantity, then oldest
    shipping_method         TEXT /*16*/ NOT NULL,
    preferred_shipping_date TEXT /*10*/,          -- earliest of its orders
    sigungu                 INTEGER,              -- district code; null is 미분류
    ready_at                INTEGER,              -- when all of it could go for the first time
    printed_at              INTEGER,              -- when its slip was printed last
    printed_by              INTEGER,              -- … and by which member
    memo                    TEXT NOT NULL DEFAULT '', -- the delivery team's own
    version                 INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The list is narrowed by state, method, district and date. Each index holds all four, so that
-- counting and turning pages read nothing but the index: the first gathers what a filter leaves
-- over, the others are also walked in their own sequence.
CREATE INDEX deliveries_by_state ON deliveries (state, shipping_method, preferred_shipping_date, sigungu, id);
CREATE INDEX deliveries_by_date ON deliveries (preferred_shipping_date, id, state, shipping_method, sigungu);
CREATE INDEX deliveries_by_district ON deliveries (sigungu, id, state, shipping_method, preferred_shipping_date);
-- What goes where and when: the overview counts within it.
CREATE INDEX deliveries_by_place ON deliveries (state, sigungu, shipping_method, preferred_shipping_date, primary_order_id);

-- What was done with a delivery. The log of its page, and what an undoing needs to know.
CREATE TABLE delivery_events (
    id          INTEGER NOT NULL PRIMARY KEY,
    delivery_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    member_id   INTEGER,
    activity_id INTEGER NOT NULL,                 -- the act it was part of
    action      TEXT /*16*/ NOT NULL,             -- printed, completed, undone, noted
    details     TEXT NOT NULL                     -- JSON, by action
) STRICT;
CREATE INDEX delivery_events_by_delivery ON delivery_events (delivery_id, id);
CREATE INDEX delivery_events_by_activity ON delivery_events (activity_id);

CREATE TABLE orders (
    id                      INTEGER NOT NULL PRIMARY KEY,
    order_number            TEXT /*64*/ NOT NULL,  -- the channel's 상품주문번호
    channel_id              INTEGER NOT NULL REFERENCES sales_channels (id),
    product_id              INTEGER NOT NULL REFERENCES products (id),
    delivery_id             INTEGER NOT NULL REFERENCES deliveries (id),
    state                   INTEGER NOT NULL,      -- 0 주문 … 6 환불, the order of progress
    options                 TEXT NOT NULL,         -- JSON [[key, value], …], the channel's words
    options_text            TEXT NOT NULL,         -- 옵션정보 as it stood in the file
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
    sigungu                 INTEGER,               -- district code; null is 미분류
    shipping_method         TEXT /*16*/ NOT NULL,
    shipping_method_word    TEXT /*64*/ NOT NULL,
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
    upload_id               INTEGER,               -- the upload that brought it
    created_at              INTEGER NOT NULL,
    joined_at               INTEGER,               -- when it moved into its delivery; null: it was made in it
    version                 INTEGER NOT NULL DEFAULT 0,
    UNIQUE (order_number, channel_id)
) STRICT;
CREATE INDEX orders_by_delivery ON orders (delivery_id);

-- The list is sorted by any of nine dates. Each index holds what the list's filters need, so that
-- counting and turning pages read nothing but the index. Most orders lack most dates: those are not
-- in the index of the date, and are found in that of all.
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
-- One state is mostly some thousand orders: they are gathered here and sorted by whichever date.
CREATE INDEX orders_by_state ON orders (state, placed_at, id, channel_id, product_id, dispatch_deadline,
    preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at);
-- What a search has found is sorted by whichever date without reading the orders themselves.
CREATE INDEX orders_by_id ON orders (id, state, channel_id, product_id, placed_at, dispatch_deadline,
    preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at);
CREATE INDEX orders_by_product    ON orders (product_id, placed_at, id, state, channel_id);
CREATE INDEX orders_by_channel    ON orders (channel_id, placed_at, id, state, product_id);

-- How many orders there are of each state, channel and product: the totals of the list without
-- counting a million rows. Kept in the transaction of every change.
CREATE TABLE order_tallies (
    state      INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    product_id INTEGER NOT NULL,
    orders     INTEGER NOT NULL,
    PRIMARY KEY (state, channel_id, product_id)
) STRICT, WITHOUT ROWID;

-- Orders whose customer waits for an answer: a claim, and neither cancelled nor refunded yet. Few,
-- and kept in the transaction of every change.
CREATE TABLE open_claims (
    order_id INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id)
) STRICT;

-- What the search finds an order by: ends of names and phones, words of addresses, numbers.
-- A search is a range of `term`; `fields` says which of the order's fields hold it (a bit each).
-- The terms of many new orders come as a run: sorted and packed in blocks, never changed. The terms
-- of single orders and of changes are rows; they win over the runs, and a row whose `fields` are 0
-- says that the order is no longer listed there.
CREATE TABLE order_terms (
    term     TEXT /*64*/ NOT NULL,
    order_id INTEGER NOT NULL,
    fields   INTEGER NOT NULL,
    PRIMARY KEY (term, order_id)
) STRICT, WITHOUT ROWID;

-- Runs of about one size are merged. Meanwhile a run's terms move to another, first things first.
CREATE TABLE term_runs (
    id          INTEGER NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL,                 -- bytes of its blocks, more or less
    merges_into INTEGER                           -- the run its terms are moving to
) STRICT;

CREATE TABLE term_blocks (
    run_id    INTEGER NOT NULL,
    last_term TEXT /*64*/ NOT NULL,               -- of its entries, which are sorted
    place     INTEGER NOT NULL,                   -- within the run
    bytes     BLOB NOT NULL,                      -- src/orders/terms/block.rs
    PRIMARY KEY (run_id, last_term, place)
) STRICT;

-- The log of an order: when, who, what was, what is.
CREATE TABLE order_events (
    id        INTEGER NOT NULL PRIMARY KEY,
    order_id  INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    member_id INTEGER,                            -- null: the command line
    upload_id INTEGER,
    action    TEXT /*32*/ NOT NULL,               -- created, proceeded, edited, tracked, stated, bundled, classified
    changes   TEXT NOT NULL                       -- JSON [[field, before, after], …]
) STRICT;
CREATE INDEX order_events_by_order ON order_events (order_id, id);

-- ── districts ──────────────────────────────────────────────────────────────────────────────

-- Newer official lists of postal codes, laid over the table that the program brings along.
CREATE TABLE district_editions (
    id         INTEGER NOT NULL PRIMARY KEY,
    stage      TEXT /*16*/ NOT NULL,              -- previewed, applied
    told       TEXT NOT NULL,                     -- JSON: the files, and how they were read
    valid_from TEXT /*10*/,                       -- null until it is applied
    member_id  INTEGER,                           -- null: the command line
    created_at INTEGER NOT NULL,
    applied_at INTEGER
) STRICT;

-- The regions that a list names.
CREATE TABLE district_regions (
    edition_id  INTEGER NOT NULL REFERENCES district_editions (id),
    code        INTEGER NOT NULL,
    level       INTEGER NOT NULL,                 -- 0 시/도, 1 시/군/구, 2 일반구
    parent_code INTEGER,
    full_name   TEXT /*100*/ NOT NULL,
    short_name  TEXT /*100*/ NOT NULL,
    PRIMARY KEY (edition_id, code)
) STRICT, WITHOUT ROWID;

-- Where a list says that postal codes lie: rows of codes without gap.
CREATE TABLE district_zips (
    edition_id INTEGER NOT NULL REFERENCES district_editions (id),
    zip_start  INTEGER NOT NULL,
    zip_end    INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    PRIMARY KEY (edition_id, zip_start)
) STRICT, WITHOUT ROWID;

-- Where a postal code lies, said by hand: stands above every list.
CREATE TABLE district_corrections (
    zip          TEXT /*10*/ NOT NULL PRIMARY KEY, -- digits
    sigungu      INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- Where one order goes, said by hand: holds while the order keeps its postal code.
CREATE TABLE order_districts (
    order_id     INTEGER NOT NULL PRIMARY KEY,
    zip_code     TEXT /*10*/ NOT NULL,
    sigungu      INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;

-- One row. Every node compares the version; deliveries under way up to classified_to are classified
-- anew, and all of them when it is null.
CREATE TABLE district_state (
    id            INTEGER NOT NULL PRIMARY KEY,
    version       INTEGER NOT NULL,
    classified_to INTEGER
) STRICT;

-- ── uploads ────────────────────────────────────────────────────────────────────────────────

CREATE TABLE uploads (
    id              INTEGER NOT NULL PRIMARY KEY,
    created_at      INTEGER NOT NULL,
    member_id       INTEGER,                      -- null: the command line
    kind            TEXT /*16*/ NOT NULL,         -- orders, tracking, states; '' before it is known
    channel_code    TEXT /*32*/ NOT NULL,
    courier         TEXT /*64*/ NOT NULL,
    file_name       TEXT /*255*/ NOT NULL,
    file_size       INTEGER NOT NULL,
    file_sha256     TEXT /*64*/ NOT NULL,
    file_kept       INTEGER NOT NULL,             -- 1 while upload_chunks holds the file
    sealed_password BLOB,                         -- to open the kept file again
    stage           TEXT /*16*/ NOT NULL,         -- locked, previewed, applied, refused, discarded
    refusal         TEXT NOT NULL,
    created         INTEGER NOT NULL DEFAULT 0,
    updated         INTEGER NOT NULL DEFAULT 0,
    skipped         INTEGER NOT NULL DEFAULT 0,
    rejected        INTEGER NOT NULL DEFAULT 0,
    warned          INTEGER NOT NULL DEFAULT 0,
    found           TEXT NOT NULL,                -- JSON: products and variants it makes or made
    applied_at      INTEGER,
    open_rows       INTEGER NOT NULL DEFAULT 0,   -- rejected rows that nobody has dealt with yet
    handled_by      INTEGER,                      -- who said that the rest of them is dealt with
    handled_at      INTEGER,
    version         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX uploads_by_stage ON uploads (stage, id);
CREATE INDEX uploads_by_open_rows ON uploads (open_rows, id);
CREATE INDEX uploads_by_file_kept ON uploads (file_kept, id);

-- The file as it came, in pieces of at most 1 MiB.
CREATE TABLE upload_chunks (
    upload_id INTEGER NOT NULL REFERENCES uploads (id),
    place     INTEGER NOT NULL,
    bytes     BLOB NOT NULL,
    PRIMARY KEY (upload_id, place)
) STRICT;

CREATE TABLE upload_rows (
    upload_id    INTEGER NOT NULL REFERENCES uploads (id),
    "row_number" INTEGER NOT NULL,                -- as the spreadsheet numbers it; a word of MariaDB, hence the quotes
    order_number TEXT /*64*/ NOT NULL,
    outcome      TEXT /*16*/ NOT NULL,            -- created, updated, skipped, rejected
    reasons      TEXT NOT NULL,                   -- JSON [{column, value, message}, …]; warnings too
    -- Another number than the order has, for somebody to decide: the number and courier of the file.
    new_tracking_number TEXT /*64*/ NOT NULL DEFAULT '',
    new_courier  TEXT /*64*/ NOT NULL DEFAULT '',
    open_order   TEXT /*64*/,                     -- order_number, while rejected and not dealt with
    handled      TEXT /*16*/ NOT NULL DEFAULT '', -- replaced, kept, uploaded, marked
    handled_by   INTEGER,
    handled_at   INTEGER,
    PRIMARY KEY (upload_id, "row_number")
) STRICT, WITHOUT ROWID;
CREATE INDEX upload_rows_by_open_order ON upload_rows (open_order);

-- ── audit ──────────────────────────────────────────────────────────────────────────────────

-- Who did what, with the answer that was given: shown again after the redirect that follows it.
CREATE TABLE activities (
    id        INTEGER NOT NULL PRIMARY KEY,
    at        INTEGER NOT NULL,
    member_id INTEGER,
    action    TEXT /*32*/ NOT NULL,
    summary   TEXT NOT NULL                       -- JSON, by action
) STRICT;
CREATE INDEX activities_by_member ON activities (member_id, id);

-- Files with people's data that left the shop: who took what, and what for.
CREATE TABLE downloads (
    id        INTEGER NOT NULL PRIMARY KEY,
    at        INTEGER NOT NULL,
    member_id INTEGER,                            -- null: the command line
    content   TEXT /*32*/ NOT NULL,               -- orders, purchase-order, dispatch, rejected-rows …
    source    TEXT NOT NULL,                      -- the address of the list it was made from
    row_count INTEGER NOT NULL,
    purpose   TEXT /*32*/ NOT NULL,               -- factory, shipping …; '' where nobody was asked
    note      TEXT /*255*/ NOT NULL
) STRICT;
