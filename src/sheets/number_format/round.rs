//! Rounding of decimal digits as spreadsheets do: half away from zero, of the 15 digits that they keep.

/// Digits of a double that spreadsheets keep.
const DIGITS: usize = 15;

/// A rounded number without sign: digits before and after the point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Decimal {
    /// at least one digit
    pub(super) whole: String,
    pub(super) fraction: String,
}

impl Decimal {
    /// `value` times ten to the power of `shift`, rounded to `decimals` digits after the point.
    pub(super) fn new(value: f64, shift: i32, decimals: usize) -> Self {
        if value.fract() == 0.0 && shift == 0 && value < 1e21 {
            return Self { whole: format!("{value:.0}"), fraction: "0".repeat(decimals) };
        }
        let (digits, power) = digits_of(value);
        Self::of_digits(&digits, power + shift, decimals)
    }

    /// The mantissa with `whole` digits before the point, and the power of ten.
    pub(super) fn scientific(value: f64, whole: usize, decimals: usize) -> (Self, i32) {
        let (digits, power) = digits_of(value);
        if digits.bytes().all(|digit| digit == b'0') {
            return (Self { whole: "0".to_owned(), fraction: "0".repeat(decimals) }, 0);
        }
        let step = i32::try_from(whole).unwrap_or(1);
        let mut base = power.div_euclid(step) * step;
        let mut mantissa = Self::of_digits(&digits, power - base, decimals);
        if mantissa.whole.len() > whole {
            base += step;
            mantissa = Self::of_digits(&digits, power - base, decimals);
        }
        (mantissa, base)
    }

    /// Rounds the number `d.ddd` × 10^`power`.
    fn of_digits(digits: &str, power: i32, decimals: usize) -> Self {
        let mut all: Vec<u8> = digits.bytes().collect();
        let mut point = power + 1;
        while point < 1 {
            all.insert(0, b'0');
            point += 1;
        }
        let point = usize::try_from(point).unwrap_or(1);
        let kept = point + decimals;
        let is_up = all.get(kept).is_some_and(|digit| *digit >= b'5');
        all.resize(kept, b'0');
        let mut carry = is_up;
        for digit in all.iter_mut().rev() {
            if !carry {
                break;
            }
            carry = *digit == b'9';
            *digit = if carry { b'0' } else { *digit + 1 };
        }
        let mut text: String = all.into_iter().map(char::from).collect();
        let mut point = point;
        if carry {
            text.insert(0, '1');
            point += 1;
        }
        let (whole, fraction) = text.split_at(point);
        Self { whole: whole.to_owned(), fraction: fraction.to_owned() }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|digit| digit == b'0')
    }
}

/// The first digits of a number and the power of ten of the first one.
fn digits_of(value: f64) -> (String, i32) {
    let text = format!("{value:.*e}", DIGITS - 1);
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.replace('.', ""), power.parse().unwrap_or(0).clamp(-330, 330))
}

/// The fraction nearest to `value` with a denominator up to `most`: numerator and denominator.
pub(super) fn nearest_fraction(value: f64, most: u32) -> (f64, u32) {
    let mut best = (value.round(), 1);
    let mut error = (value - value.round()).abs();
    for denominator in 2..=most {
        let numerator = (value * f64::from(denominator)).round();
        let off = (value - numerator / f64::from(denominator)).abs();
        if off < error - 1e-12 {
            (best, error) = ((numerator, denominator), off);
        }
    }
    best
}
