//! Bytes as hexadecimal arguments: socket names may contain bytes that arguments may not.

/// Decodes `00ff`; skips characters that are not hexadecimal.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).filter_map(byte).collect()
}

/// Encodes bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
