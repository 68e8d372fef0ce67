//! `/channels/profiles`: 양식, the layouts of files that the program knows and that the shop taught.

pub(super) mod download;
pub(super) mod list;
pub(super) mod remove;
pub(super) mod restore;
pub(super) mod show;

use crate::channels::{ColumnRole, Profile};
use crate::id::ProfileId;
use crate::uploads::mapping::{MAPPED_KINDS, mapped_fields};

/// Path of the page of a profile of the shop.
fn profile_path(id: ProfileId) -> String {
    format!("/channels/profiles/{id}")
}

/// The headers that a profile needs, each with its other names.
fn needed_headers(profile: &Profile) -> Vec<String> {
    let expected = profile.expected_columns();
    let needed = expected.into_iter().filter(|column| column.is_needed);
    needed.map(|column| column.headers.join(", ").replace('|', ", ")).collect()
}

/// Label of the field of a profile's column.
fn role_label(role: ColumnRole) -> &'static str {
    let mut fields = MAPPED_KINDS.into_iter().flat_map(mapped_fields);
    fields.find(|field| field.role == role).map_or("그 밖의 열", |field| field.label)
}
