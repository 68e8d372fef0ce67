//! Enumerations whose variants have a code for programs and, most of them, a Korean label.

/// Declares such an enumeration, with `ALL`, `code`, `label` and `from_code`. Each variant is followed by its code and its
/// label. Without labels there is no `label`:
///
/// ```text
/// coded! {
///     /// Who pays.
///     #[derive(Clone, Copy)]
///     pub enum ChargeType {
///         /// 선결제, 선불
///         Prepaid = "PREPAID" "선결제",
///     }
/// }
/// ```
macro_rules! coded {
    (@label $name:ident $($variant:ident,)+) => {};
    (@label $name:ident $($variant:ident $label:literal,)+) => {
        impl $name {
            /// Korean label.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$about:meta])* $variant:ident = $code:literal $($label:literal)?,)+
        }
    ) => {
        $(#[$meta])*
        pub enum $name { $($(#[$about])* $variant,)+ }

        impl $name {
            /// Every variant, in the order of their definition.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$variant),+];

            /// Code for programs: in the database, in JSON, in URLs and forms.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The variant of that code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|variant| variant.code() == code)
            }
        }

        impl $crate::text::FromCode for $name {
            fn from_code(code: &str) -> Option<Self> {
                Self::from_code(code)
            }
        }

        $crate::text::coded! { @label $name $($variant $($label)?,)+ }
    };
}
pub(crate) use coded;

/// A type whose values have a code, for generic readers.
pub trait FromCode: Sized {
    /// The value of that code.
    fn from_code(code: &str) -> Option<Self>;
}
