//! Fuzzes the parsers of sock_diag messages.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| whotalks_fuzz::netlink(bytes));
