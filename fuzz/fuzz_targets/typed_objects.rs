#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tower_nylas_fuzz::typed_objects::run(data));
