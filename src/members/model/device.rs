//! Devices: the browsers in which a member is logged in.
//!
//! A session and the persistent login that renews it refer to their device. Deleting the device revokes both at the
//! next request, whichever store holds them; neither has to be found there.

use crate::id::DeviceId;
use crate::time::Moment;

/// Browser and network address of a login, as shown to the member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceOrigin {
    /// device and browser: `윈도우 컴퓨터 · 크롬`
    pub description: String,
    /// IP address of the device or of its network
    pub address: String,
}

/// A browser in which a member is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// time-sorted identifier
    pub id: DeviceId,
    /// browser, and address of the last request
    pub origin: DeviceOrigin,
    /// time of the login by password
    pub signed_in_at: Moment,
    /// time of the last request, to within some minutes
    pub seen_at: Moment,
    /// expiry of the persistent login; None when the login ends with its session
    pub remembered_until: Option<Moment>,
}

impl Device {
    /// The identifier as used in forms.
    pub fn number(&self) -> String {
        self.id.to_string()
    }
}
