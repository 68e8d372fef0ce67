//! Sizes of files for people.

/// `12.3MB`, in decimal units.
pub fn format_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes}바이트"),
        1_000..1_000_000 => format!("{}KB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{}.{}MB", bytes / 1_000_000, bytes / 100_000 % 10),
        _ => format!("{}.{}GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_unit_that_a_person_would_take() {
        assert_eq!([7, 12_345, 12_345_678, 3_210_000_000].map(format_size), ["7바이트", "12KB", "12.3MB", "3.2GB"]);
    }
}
