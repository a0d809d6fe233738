//! Sizes on the command line: `512M`.

/// Parses a number of bytes, with K, M, G or T for powers of 1,024.
pub(crate) fn parse(text: &str) -> Result<u64, String> {
    let (digits, unit) = match text.char_indices().last() {
        Some((end, unit)) if unit.is_ascii_alphabetic() => {
            (&text[..end], unit.to_ascii_uppercase())
        }
        _ => (text, 'B'),
    };
    let factor = "BKMGT".find(unit).map(|power| 1_u64 << (10 * power));
    let number = digits.parse::<u64>().ok();
    let bytes = number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor));
    bytes
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a number of bytes, as 512M or 4G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_powers_of_1024() {
        assert_eq!(parse("512"), Ok(512));
        assert_eq!(parse("2k"), Ok(2_048));
        assert_eq!(parse("4G"), Ok(4 << 30));
        for bad in ["", "0", "G", "-1", "1X", "1MB", "99999999999T"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
