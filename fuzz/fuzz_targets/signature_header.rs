#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_nylas_kit::fuzz::signature_header::run(data));
