//! Fuzzes the snapshot reader.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whotalks_fuzz::reader(bytes));
