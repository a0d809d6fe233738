//! Fuzzes everything from the bytes of a file to the exported document.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whotalks_fuzz::map(bytes));
