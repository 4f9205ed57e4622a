//! What the documents have about the doctor is what the doctor has.

use std::path::PathBuf;
use std::time::Duration;

use kafka_emr_doctor::kafka_emr_core::Resolver;
use kafka_emr_doctor::{ClientSettings, Doctor, Fault, Step, Verdict};
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

#[test]
fn a_report_is_as_the_schema_has_it() {
    const NAME: &str = "http://kafka-emr.test/doctor.schema.json";
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource(NAME, schema()).unwrap();
    let compiled = compiler.compile(NAME, &mut schemas).unwrap();
    let doctor = Doctor::new(ClientSettings::default()).timeout(Duration::from_secs(10));
    let report = doctor.examine(&Resolver::open("emr://1234?release=EMR-3.10.1&emr-worker-1=127.10.7.24").unwrap());
    let report = serde_json::to_value(report.unwrap()).unwrap();
    assert_eq!(report["clusters"][0]["findings"][0]["fault"], "nothing-listens", "{report:#}");
    if let Err(error) = schemas.validate(&report, compiled) {
        panic!("{error}\n{report:#}");
    }
}

/// The kept screens of `kafka-emr doctor` on real brokers: the name of the case, and the screen.
fn screens() -> Vec<(String, String)> {
    let folder = clients().join("doctor/screens");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap()))
        .collect()
}

fn clients() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/tests/clients")
}

#[test]
fn every_fault_has_a_case_on_real_brokers() {
    let screens = screens();
    for fault in Fault::ALL {
        let first = format!("\n1. {fault}: {}\n", fault.cause());
        assert!(
            screens.iter().any(|(_, screen)| screen.contains(&first)),
            "{fault}: no screen in tests/tests/clients/doctor/screens has it as the first finding; add a case for it to \
             tests/tests/clients/doctor.rs"
        );
    }
    let cases = std::fs::read_to_string(clients().join("doctor.rs")).unwrap();
    for (name, _) in screens {
        assert!(cases.contains(&format!("\"{name}\"")), "no case keeps the screen {name}.txt");
    }
}
