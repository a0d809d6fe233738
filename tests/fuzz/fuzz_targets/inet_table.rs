//! Fuzzes the parser of `/proc/net/tcp` and similar tables.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whotalks_fuzz::inet_table(bytes));
