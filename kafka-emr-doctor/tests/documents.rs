//! What the documents have about the doctor is what the doctor has.

use kafka_emr_doctor::{Fault, Step, Verdict};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/doctor.schema.json")).unwrap()
}

/// The words of an enum in the schema.
fn words<'a>(schema: &'a Value, pointer: &str) -> Vec<&'a str> {
    schema.pointer(pointer).unwrap().as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn the_schema_has_every_fault_in_order() {
    let codes: Vec<&str> = Fault::ALL.iter().map(|fault| fault.code()).collect();
    assert_eq!(words(&schema(), "/$defs/fault/enum"), codes);
    assert!(Fault::ALL.is_sorted());
}

#[test]
fn the_schema_has_every_verdict_and_step() {
    let verdicts = [Verdict::Ok, Verdict::Note, Verdict::Unchecked, Verdict::Warning, Verdict::Fault];
    assert_eq!(words(&schema(), "/$defs/verdict/enum"), verdicts.map(Verdict::word));
    let steps = [Step::Name, Step::Bootstrap, Step::Client, Step::Listener, Step::Node, Step::Probe];
    assert_eq!(words(&schema(), "/$defs/check/properties/step/enum"), steps.map(Step::word));
}

#[test]
fn troubleshooting_has_a_section_for_every_fault_in_order() {
    let page = include_str!("../../docs/troubleshooting.md");
    let sections: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("## `")?.strip_suffix('`')).collect();
    let codes: Vec<&str> = Fault::ALL.iter().map(|fault| fault.code()).collect();
    assert_eq!(sections, codes);
    for fault in Fault::ALL {
        let section = page.split(&format!("\n## `{fault}`\n\n")).nth(1).unwrap();
        assert!(
            section.starts_with(&format!("*{}*\n", fault.cause())),
            "{fault}: its section does not begin with its cause"
        );
        let section = section.split("\n## ").next().unwrap();
        assert!(section.contains("\n**Cure.** "), "{fault}: its section has no cure");
    }
}
