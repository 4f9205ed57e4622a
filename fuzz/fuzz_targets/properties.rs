//! A file of client properties: nothing panics, lines are those of the file, and what is written as Java does is read again.

#![no_main]

use kafka_emr_doctor::properties;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.iter().filter(|byte| [b'\n', b'\r'].contains(byte)).count() + 1;
    let properties = match properties::parse(bytes.to_vec()) {
        Ok(properties) => properties,
        Err(error) => {
            assert!((1..=lines).contains(&error.line), "{error:?}");
            assert!(!error.message.contains(['\n', '\r']), "{error:?}");
            return;
        }
    };
    assert!(properties.iter().all(|property| (1..=lines).contains(&property.line)), "{properties:?}");
    let written: String = properties
        .iter()
        .map(|property| {
            format!("{}={}\n", escaped(&property.key), escaped(property.value.as_deref().unwrap_or_default()))
        })
        .collect();
    let again = properties::parse(written.clone().into_bytes()).expect(&written);
    let pairs = |properties: &[properties::Property]| -> Vec<(String, String)> {
        properties.iter().map(|one| (one.key.clone(), one.value.clone().unwrap_or_default())).collect()
    };
    assert_eq!(pairs(&again), pairs(&properties), "{written:?}");
});

/// Every character by its number, as `java.util.Properties` writes those beyond Latin-1.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}
