//! Formats counts with their nouns.

/// A number with thousands separators: `1,987`.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 process`, `2 processes`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{} {noun}", thousands(count))
}

/// `31 short-lived processes and 2 small movements`; empty if both are 0.
pub fn noise(short_lived: usize, small: usize) -> String {
    let mut parts = Vec::new();
    for (count, one, many) in [
        (short_lived, "short-lived process", "short-lived processes"),
        (small, "small movement", "small movements"),
    ] {
        if count > 0 {
            parts.push(plural(count, one, many));
        }
    }
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_their_nouns() {
        assert_eq!(plural(1, "process", "processes"), "1 process");
        assert_eq!(plural(1_987, "process", "processes"), "1,987 processes");
        assert_eq!(
            noise(31, 1),
            "31 short-lived processes and 1 small movement"
        );
        assert_eq!(
            (noise(0, 2), noise(0, 0)),
            ("2 small movements".into(), "".into())
        );
        assert_eq!((thousands(12), thousands(0)), ("12".into(), "0".into()));
    }
}
