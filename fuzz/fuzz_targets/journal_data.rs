#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chiplog_testkit::laws::check("journal_data", data));
