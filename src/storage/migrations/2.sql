-- Migrates version 1 to 2. Keeps all data; all members have to log in again.

CREATE TABLE writers (
    node   INTEGER NOT NULL PRIMARY KEY,
    marker INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT;
CREATE TABLE leases (
    name       TEXT /*32*/ NOT NULL PRIMARY KEY,
    holder     INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name  TEXT /*64*/ NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE members ADD COLUMN one_time_until INTEGER;
ALTER TABLE members ADD COLUMN stolen_at INTEGER;
CREATE TABLE devices (
    id           INTEGER NOT NULL PRIMARY KEY,
    member_id    INTEGER NOT NULL REFERENCES members (id),
    description  TEXT /*64*/ NOT NULL,
    address      TEXT /*64*/ NOT NULL,
    signed_in_at INTEGER NOT NULL,
    seen_at      INTEGER NOT NULL,
    stays_until  INTEGER,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX devices_by_member ON devices (member_id, seen_at);
CREATE INDEX devices_by_expiry ON devices (expires_at);
CREATE TABLE sign_ins (
    id          INTEGER NOT NULL PRIMARY KEY,
    member_id   INTEGER NOT NULL REFERENCES members (id),
    at          INTEGER NOT NULL,
    outcome     TEXT /*16*/ NOT NULL,
    description TEXT /*64*/ NOT NULL,
    address     TEXT /*64*/ NOT NULL
) STRICT;
CREATE INDEX sign_ins_by_member ON sign_ins (member_id, id);
CREATE INDEX sign_ins_by_age ON sign_ins (at);
CREATE TABLE stays (
    series     TEXT /*64*/ NOT NULL PRIMARY KEY,
    record     TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX stays_by_expiry ON stays (expires_at);

ALTER TABLE deliveries ADD COLUMN ready_at INTEGER;
ALTER TABLE deliveries ADD COLUMN printed_at INTEGER;
ALTER TABLE deliveries ADD COLUMN printed_by INTEGER;
ALTER TABLE deliveries ADD COLUMN memo TEXT NOT NULL DEFAULT '';
DROP INDEX deliveries_by_state /* ON deliveries */;
CREATE INDEX deliveries_by_state ON deliveries (state, shipping_method, preferred_shipping_date, sigungu, id);
CREATE INDEX deliveries_by_date ON deliveries (preferred_shipping_date, id, state, shipping_method, sigungu);
CREATE INDEX deliveries_by_district ON deliveries (sigungu, id, state, shipping_method, preferred_shipping_date);
CREATE INDEX deliveries_by_place ON deliveries (state, sigungu, shipping_method, preferred_shipping_date, primary_order_id);
CREATE TABLE delivery_events (
    id          INTEGER NOT NULL PRIMARY KEY,
    delivery_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    member_id   INTEGER,
    activity_id INTEGER NOT NULL,
    action      TEXT /*16*/ NOT NULL,
    details     TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_events_by_delivery ON delivery_events (delivery_id, id);
CREATE INDEX delivery_events_by_activity ON delivery_events (activity_id);

ALTER TABLE orders ADD COLUMN joined_at INTEGER;
DROP INDEX orders_by_deadline /* ON orders */;
CREATE INDEX orders_by_deadline   ON orders (dispatch_deadline, id, state, channel_id, product_id)
    WHERE dispatch_deadline IS NOT NULL;
DROP INDEX orders_by_preferred /* ON orders */;
CREATE INDEX orders_by_preferred  ON orders (preferred_shipping_date, id, state, channel_id, product_id)
    WHERE preferred_shipping_date IS NOT NULL;
DROP INDEX orders_by_purchased /* ON orders */;
CREATE INDEX orders_by_purchased  ON orders (purchased_at, id, state, channel_id, product_id)
    WHERE purchased_at IS NOT NULL;
DROP INDEX orders_by_dispatched /* ON orders */;
CREATE INDEX orders_by_dispatched ON orders (dispatched_at, id, state, channel_id, product_id)
    WHERE dispatched_at IS NOT NULL;
DROP INDEX orders_by_shipped /* ON orders */;
CREATE INDEX orders_by_shipped    ON orders (shipped_at, id, state, channel_id, product_id)
    WHERE shipped_at IS NOT NULL;
DROP INDEX orders_by_confirmed /* ON orders */;
CREATE INDEX orders_by_confirmed  ON orders (confirmed_at, id, state, channel_id, product_id)
    WHERE confirmed_at IS NOT NULL;
DROP INDEX orders_by_cancelled /* ON orders */;
CREATE INDEX orders_by_cancelled  ON orders (cancelled_at, id, state, channel_id, product_id)
    WHERE cancelled_at IS NOT NULL;
DROP INDEX orders_by_refunded /* ON orders */;
CREATE INDEX orders_by_refunded   ON orders (refunded_at, id, state, channel_id, product_id)
    WHERE refunded_at IS NOT NULL;
CREATE INDEX orders_by_id ON orders (id, state, channel_id, product_id, placed_at, dispatch_deadline,
    preferred_shipping_date, purchased_at, dispatched_at, shipped_at, confirmed_at, cancelled_at, refunded_at);
CREATE TABLE open_claims (
    order_id INTEGER NOT NULL PRIMARY KEY REFERENCES orders (id)
) STRICT;
DELETE FROM open_claims;
INSERT INTO open_claims (order_id) SELECT id FROM orders WHERE claim <> '' AND state < 5;
CREATE TABLE search_segments (
    id          INTEGER NOT NULL PRIMARY KEY,
    size        INTEGER NOT NULL,
    merges_into INTEGER
) STRICT;
CREATE TABLE search_blocks (
    segment_id INTEGER NOT NULL,
    last_term  TEXT /*64*/ NOT NULL,
    position   INTEGER NOT NULL,
    bytes      BLOB NOT NULL,
    PRIMARY KEY (segment_id, last_term, position)
) STRICT;

CREATE TABLE district_editions (
    id         INTEGER NOT NULL PRIMARY KEY,
    stage      TEXT /*16*/ NOT NULL,
    told       TEXT NOT NULL,
    valid_from TEXT /*10*/,
    member_id  INTEGER,
    created_at INTEGER NOT NULL,
    applied_at INTEGER
) STRICT;
CREATE TABLE district_regions (
    edition_id  INTEGER NOT NULL REFERENCES district_editions (id),
    code        INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    parent_code INTEGER,
    full_name   TEXT /*100*/ NOT NULL,
    short_name  TEXT /*100*/ NOT NULL,
    PRIMARY KEY (edition_id, code)
) STRICT, WITHOUT ROWID;
CREATE TABLE district_zips (
    edition_id INTEGER NOT NULL REFERENCES district_editions (id),
    zip_start  INTEGER NOT NULL,
    zip_end    INTEGER NOT NULL,
    code       INTEGER NOT NULL,
    PRIMARY KEY (edition_id, zip_start)
) STRICT, WITHOUT ROWID;
CREATE TABLE district_corrections (
    zip          TEXT /*10*/ NOT NULL PRIMARY KEY,
    sigungu      INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;
CREATE TABLE order_districts (
    order_id     INTEGER NOT NULL PRIMARY KEY,
    zip_code     TEXT /*10*/ NOT NULL,
    sigungu      INTEGER NOT NULL,
    member_id    INTEGER,
    corrected_at INTEGER NOT NULL
) STRICT;
CREATE TABLE district_state (
    id            INTEGER NOT NULL PRIMARY KEY,
    version       INTEGER NOT NULL,
    classified_to INTEGER
) STRICT;

ALTER TABLE uploads ADD COLUMN open_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE uploads ADD COLUMN handled_by INTEGER;
ALTER TABLE uploads ADD COLUMN handled_at INTEGER;
CREATE INDEX uploads_by_open_rows ON uploads (open_rows, id);
ALTER TABLE upload_rows ADD COLUMN new_tracking_number TEXT /*64*/ NOT NULL DEFAULT '';
ALTER TABLE upload_rows ADD COLUMN new_courier TEXT /*64*/ NOT NULL DEFAULT '';
ALTER TABLE upload_rows ADD COLUMN open_order TEXT /*64*/;
ALTER TABLE upload_rows ADD COLUMN handled TEXT /*16*/ NOT NULL DEFAULT '';
ALTER TABLE upload_rows ADD COLUMN handled_by INTEGER;
ALTER TABLE upload_rows ADD COLUMN handled_at INTEGER;
CREATE INDEX upload_rows_by_open_order ON upload_rows (open_order);

CREATE TABLE downloads (
    id        INTEGER NOT NULL PRIMARY KEY,
    at        INTEGER NOT NULL,
    member_id INTEGER,
    content   TEXT /*32*/ NOT NULL,
    source    TEXT NOT NULL,
    row_count INTEGER NOT NULL,
    purpose   TEXT /*32*/ NOT NULL,
    note      TEXT /*255*/ NOT NULL
) STRICT;
