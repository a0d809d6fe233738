//! Fuzzes the parser of `/proc/net/unix`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whotalks_fuzz::unix_table(bytes));
