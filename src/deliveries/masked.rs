//! Deliveries as they are shown to a member from whom the data of some is hidden.

use super::list::DeliveryRow;
use super::store::Delivery;
use crate::masking::{MaskPolicy, mask};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::OrderState;
use crate::time::Moment;

/// Whether the delivery goes out today or tomorrow, as far as its own dates tell; a tour is known to [`MaskPolicy`].
fn is_due(delivery: &Delivery, masking: &MaskPolicy) -> bool {
    let is_ready = delivery.state == DeliveryState::ReadyToShip;
    let is_open = is_ready || delivery.state == DeliveryState::Preparing;
    is_open && masking.is_due(delivery.preferred_shipping_date, is_ready)
}

impl DeliveryRow {
    /// Whether an order of it was delivered today: the team may have to call once more.
    fn was_delivered_lately(&self, masking: &MaskPolicy) -> bool {
        let shipped = self.orders.iter().filter_map(|order| order.listed.order.moments.of(OrderState::Shipped));
        shipped.map(Moment::date).any(|day| masking.is_today(day))
    }

    /// Masks the delivery and its orders if they are hidden from the member.
    #[must_use]
    pub fn masked(mut self, masking: &MaskPolicy) -> Self {
        let is_sealed = self.orders.iter().any(|order| order.listed.is_sealed);
        if masking.masks_nothing() && !is_sealed {
            return self;
        }
        let is_due = is_due(&self.delivery, masking) || self.was_delivered_lately(masking);
        self.is_masked = is_sealed || masking.hides(self.delivery.id, is_due);
        if self.is_masked {
            let open = self.orders.iter_mut().filter(|order| !order.listed.is_sealed);
            open.for_each(|order| order.listed.order.mask());
            self.delivery.memo = mask::memo(&self.delivery.memo);
        }
        self
    }
}
