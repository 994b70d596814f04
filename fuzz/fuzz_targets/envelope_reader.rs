#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_nylas_kit::fuzz::envelope_reader::run(data));
