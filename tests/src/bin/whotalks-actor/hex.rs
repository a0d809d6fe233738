//! Bytes as an argument: names may hold what arguments may not.

/// `00ff` to its bytes; what is not hexadecimal is left out.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).filter_map(byte).collect()
}

/// The reverse.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
