//! The form fields that the page of an order and the page of a new order share.

use crate::channels::{TYPED_COURIER, offered_couriers};
use crate::orders::bundle::Scope;
use crate::orders::edit::{Conflict, Inputs, NO_CHOICE, OptionInput, Problem, format_options, picked};
use crate::orders::model::{ChargeType, OrderState, ShippingMethod};
use crate::products::model::Variant;
use crate::web::ANSWER_FIELD;

/// The submitted form of an order's page.
#[derive(Clone, Default)]
pub(super) struct SubmittedForm {
    /// version of the order when the page was rendered
    pub(super) version: Option<i64>,
    pub(super) inputs: Inputs,
    /// none if the page had no inputs for options
    pub(super) options: Option<Vec<OptionInput>>,
    pub(super) scope: Option<Scope>,
    /// fields of a conflict for which the member chose the stored value
    pub(super) take_stored: Vec<String>,
}

impl SubmittedForm {
    pub(super) fn parse(pairs: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "version" => form.version = value.parse().ok(),
                "scope" => form.scope = Scope::from_code(&value),
                "csrf" | ANSWER_FIELD => {}
                // The text field beside the select box counts only where that says so.
                "courier_other" => {
                    if form.inputs.get("courier") == TYPED_COURIER {
                        form.inputs.set("courier", value);
                    }
                }
                _ if name.starts_with("option_") => {
                    add_option_field(form.options.get_or_insert_default(), &name, value);
                }
                _ => match name.strip_prefix("take-") {
                    Some(field) if value == "stored" => form.take_stored.push(field.to_owned()),
                    Some(_) => {}
                    None => form.inputs.set(&name, value),
                },
            }
        }
        if let Some(options) = &form.options {
            form.inputs.set("options", format_options(&picked(options)));
        }
        form
    }

    /// Whether the member chose the stored value of that field.
    pub(super) fn takes_stored(&self, field: &str) -> bool {
        self.take_stored.iter().any(|other| other == field)
    }
}

/// Adds an option field: `option_key` starts a new option, `option_value` and `option_other` belong to the last one.
pub(super) fn add_option_field(options: &mut Vec<OptionInput>, name: &str, value: String) {
    if name == "option_key" {
        options.push(OptionInput { key: value, ..OptionInput::default() });
    } else if let Some(option) = options.last_mut() {
        match name {
            "option_value" => option.value = value,
            "option_other" => option.other = value,
            _ => {}
        }
    }
}

/// The inputs, problems and conflicts of a form, for its template.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) inputs: Inputs,
    pub(super) problems: Vec<Problem>,
    pub(super) conflicts: Vec<Conflict>,
}

impl Fields {
    pub(super) fn value(&self, field: &str) -> &str {
        self.inputs.get(field)
    }

    pub(super) fn is(&self, field: &str, value: &str) -> bool {
        self.inputs.get(field) == value
    }

    /// The couriers of the select box.
    pub(super) fn couriers(&self) -> Vec<&str> {
        offered_couriers(self.value("courier"))
    }

    pub(super) fn offers_courier(&self, name: &str) -> bool {
        self.couriers().contains(&name)
    }

    pub(super) fn problem(&self, field: impl AsRef<str>) -> Option<&str> {
        let field = field.as_ref();
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    pub(super) fn conflict(&self, field: impl AsRef<str>) -> Option<&Conflict> {
        let field = field.as_ref();
        self.conflicts.iter().find(|conflict| conflict.field == field)
    }

    pub(super) fn is_wrong(&self, field: impl AsRef<str>) -> bool {
        self.problem(&field).is_some() || self.conflict(&field).is_some()
    }

    /// The value of `aria-describedby`: the identifiers of the field's messages.
    pub(super) fn described_by(&self, field: impl AsRef<str>) -> String {
        let field = field.as_ref();
        let problem = self.problem(field).map(|_| format!("{field}-problem"));
        let conflict = self.conflict(field).map(|_| format!("{field}-conflict"));
        problem.into_iter().chain(conflict).collect::<Vec<_>>().join(" ")
    }
}

impl Conflict {
    /// A value of this field as text for the page.
    pub(super) fn display(&self, value: &str) -> String {
        let label = match self.field.as_str() {
            "state" => OrderState::parse(value).map(OrderState::label),
            "shipping_method" => ShippingMethod::from_code(value).map(ShippingMethod::label),
            "charge_type" => ChargeType::from_code(value).map(ChargeType::label),
            _ => None,
        };
        let shown = label.unwrap_or(value);
        if shown.is_empty() { "비어 있음".to_owned() } else { format!("‘{shown}’") }
    }
}

/// The inputs of one product option.
pub(super) struct OptionChoice {
    /// unique on the page
    pub(super) id: String,
    pub(super) input: OptionInput,
    /// (value, label) of the existing variants
    known: Vec<(String, String)>,
}

impl OptionChoice {
    /// (value, text, whether it is selected), including a selected value without variant, and 해당 없음: a value of an option may be 없음 itself.
    pub(super) fn values(&self) -> Vec<(&str, String, bool)> {
        let chosen = self.input.value.as_str();
        let mut values: Vec<(&str, String, bool)> = self
            .known
            .iter()
            .map(|(value, label)| {
                let shown = if value == label { label.clone() } else { format!("{label} ({value})") };
                (value.as_str(), shown, value == chosen)
            })
            .collect();
        let listed = values.iter().any(|(.., chosen)| *chosen);
        if !listed && !chosen.trim().is_empty() {
            values.push((chosen, chosen.to_owned(), true));
        }
        values.push((NO_CHOICE, "해당 없음".to_owned(), chosen == NO_CHOICE));
        values
    }
}

/// The options of a product with these variants: those of `inputs` first, in their order, then the others, with the
/// value `unset`. The identifier of each on the page is `id` and a number.
pub(super) fn option_choices(id: &str, variants: &[Variant], inputs: &[OptionInput], unset: &str) -> Vec<OptionChoice> {
    let mut inputs: Vec<OptionInput> = inputs.to_vec();
    for variant in variants {
        if !inputs.iter().any(|input| input.key == variant.key) {
            inputs.push(OptionInput { key: variant.key.clone(), value: unset.to_owned(), other: String::new() });
        }
    }
    let known = |key: &str| {
        let of_key = variants.iter().filter(|variant| variant.key == key);
        of_key.map(|variant| (variant.value.clone(), variant.label.clone())).collect()
    };
    let choice = |(index, input): (usize, OptionInput)| OptionChoice {
        id: format!("{id}-{index}"),
        known: known(&input.key),
        input,
    };
    inputs.into_iter().enumerate().map(choice).collect()
}
