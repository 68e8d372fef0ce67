//! What the order's page and the page of a new order share: their inputs, as read and as shown.

use crate::orders::bundle::Scope;
use crate::orders::edit::{Conflict, Inputs, NO_CHOICE, OptionInput, Problem, options_words, picked};
use crate::orders::model::{ChargeType, OrderState, ShippingMethod};
use crate::products::model::Variant;

/// The form of an order's page as it was sent.
#[derive(Default)]
pub(super) struct Typed {
    /// the version the page was made from
    pub(super) version: Option<i64>,
    pub(super) inputs: Inputs,
    /// none when the page did not ask for them
    pub(super) options: Option<Vec<OptionInput>>,
    pub(super) scope: Option<Scope>,
    /// the fields for which the stored value was chosen
    pub(super) stored: Vec<String>,
}

impl Typed {
    pub(super) fn read(pairs: Vec<(String, String)>) -> Self {
        let mut typed = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "version" => typed.version = value.parse().ok(),
                "scope" => typed.scope = Scope::parse(&value),
                _ if name.starts_with("option_") => put_option(typed.options.get_or_insert_default(), &name, value),
                _ => match name.strip_prefix("take-") {
                    Some(field) if value == "stored" => typed.stored.push(field.to_owned()),
                    Some(_) => {}
                    None => typed.inputs.set(&name, value),
                },
            }
        }
        if let Some(options) = &typed.options {
            typed.inputs.set("options", options_words(&picked(options)));
        }
        typed
    }

    /// Whether the stored value was chosen for that field.
    pub(super) fn takes_stored(&self, field: &str) -> bool {
        self.stored.iter().any(|other| other == field)
    }
}

/// Reads `option_key`, which begins an option, and what follows it.
pub(super) fn put_option(options: &mut Vec<OptionInput>, name: &str, value: String) {
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

/// The inputs as a template shows them.
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

    /// What `aria-describedby` names for a field with something wrong.
    pub(super) fn described_by(&self, field: impl AsRef<str>) -> String {
        let field = field.as_ref();
        let problem = self.problem(field).map(|_| format!("{field}-problem"));
        let conflict = self.conflict(field).map(|_| format!("{field}-conflict"));
        problem.into_iter().chain(conflict).collect::<Vec<_>>().join(" ")
    }
}

impl Conflict {
    /// A value of this field in words.
    pub(super) fn shown(&self, value: &str) -> String {
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

/// An option to be chosen.
pub(super) struct Choice {
    /// unique on the page
    pub(super) id: String,
    pub(super) input: OptionInput,
    /// (value, label) of what is known
    known: Vec<(String, String)>,
}

impl Choice {
    /// (value, what is shown of it, whether it is chosen); a choice that nobody knows yet is among
    /// them, and so is 없음.
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
        values.push((NO_CHOICE, "없음".to_owned(), chosen == NO_CHOICE));
        values
    }
}

/// The options of a product with these variants: those of `inputs` first, in their sequence, then
/// the others, of which `unset` says what is chosen to begin with. `id` and a number is the name of
/// each on the page.
pub(super) fn choices(id: &str, variants: &[Variant], inputs: &[OptionInput], unset: &str) -> Vec<Choice> {
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
    let choice =
        |(place, input): (usize, OptionInput)| Choice { id: format!("{id}-{place}"), known: known(&input.key), input };
    inputs.into_iter().enumerate().map(choice).collect()
}
