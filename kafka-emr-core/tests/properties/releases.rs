//! Spellings of releases.

use kafka_emr_core::EmrVersion;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A release in one of the accepted spellings.
pub(crate) fn spelled() -> impl Strategy<Value = ((u32, u32), String)> {
    // Near the release that the rules change with, and where text and numbers order otherwise.
    let major = prop_oneof![8 => 3..=3_u32, 2 => 2..6_u32, 1 => any::<u32>()];
    let minor = prop_oneof![8 => 9..=12_u32, 2 => 99..112_u32, 1 => any::<u32>()];
    let number = any::<u32>;
    let product = select(["", "EMR-", "EMR ", "E-MapReduce-", "E-MapReduce   "].as_slice());
    let patch = prop_oneof![
        Just(String::new()),
        Just(".x".to_owned()),
        number().prop_map(|patch| format!(".{patch}")),
        (number(), "[a-z0-9]{1,4}").prop_map(|(patch, suffix)| format!(".{patch}_{suffix}")),
    ];
    (product, select(["", "V"].as_slice()), major, minor, patch, any::<u64>()).prop_map(
        |(product, v, major, minor, patch, case)| {
            ((major, minor), mixed_case(&format!("{product}{v}{major}.{minor}{patch}"), case))
        },
    )
}

/// Makes the letters upper or lower case, as the bits say.
pub(crate) fn mixed_case(text: &str, bits: u64) -> String {
    let case = |(i, c): (usize, char)| match bits >> (i % 64) & 1 {
        0 => c.to_ascii_lowercase(),
        _ => c.to_ascii_uppercase(),
    };
    text.chars().enumerate().map(case).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn releases_order_by_major_and_minor(a in spelled(), b in spelled()) {
        let parse = |text: &str| text.parse::<EmrVersion>().unwrap();
        let (first, second) = (parse(&a.1), parse(&b.1));
        prop_assert_eq!((first.major(), first.minor()), a.0);
        prop_assert_eq!(first.to_string(), a.1.clone());
        prop_assert_eq!(first.number().cmp(&second.number()), a.0.cmp(&b.0));
        prop_assert_eq!(first == second, a.1 == b.1);
    }
}
