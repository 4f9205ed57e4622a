//! A login module's line: nothing panics, errors are one line, and what is read holds no more text than what was given.

#![no_main]

use kafka_emr_doctor::jaas;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match jaas::parse(text) {
        Ok(properties) => {
            let characters: usize = properties.iter().map(|(_, value)| value.chars().count()).sum();
            assert!(characters <= text.chars().count(), "{properties:?}");
            assert!(properties.iter().all(|(key, _)| key.starts_with("sasl.")), "{properties:?}");
        }
        Err(error) => assert!(!error.is_empty() && !error.contains(['\n', '\r']), "{error:?}"),
    }
});
