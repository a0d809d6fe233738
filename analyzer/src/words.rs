//! Numbers and nouns in sentences.

/// `1,987`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 process`, `2 processes`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!(
        "{} {}",
        thousands(count),
        if count == 1 { one } else { many }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_their_nouns() {
        assert_eq!(plural(1, "process", "processes"), "1 process");
        assert_eq!(plural(1_987, "process", "processes"), "1,987 processes");
        assert_eq!((thousands(12), thousands(0)), ("12".into(), "0".into()));
    }
}
