//! Replies of the EMR API or hosts text, and perhaps a description after a line `%%`: nothing panics, errors are one line, what
//! is produced is a valid description, and importing the same again changes nothing.
//!
//! Start from the seeds: `cargo +nightly fuzz run import fuzz/corpus/import fuzz/seeds/import kafka-emr-cli/tests/it/samples`.

#![no_main]

use std::path::Path;

use kafka_emr_core::{Cluster, Description, Network};
use kafka_emr_import::{Attribute, Document, Error, ErrorKind, Importer, Inventory, Update};
use libfuzzer_sys::fuzz_target;

const OLD: [(Attribute, &str); 2] = [(Attribute::Id, "48742"), (Attribute::Release, "EMR-3.10.1")];
const NEW: [(Attribute, &str); 3] =
    [(Attribute::Id, "c-0edf"), (Attribute::Region, "cn-shanghai"), (Attribute::Release, "5.8")];

fuzz_target!(|text: &str| {
    let (input, description) = text.split_once("\n%%\n").unwrap_or((text, ""));
    if !description.is_empty() {
        return update(input, description);
    }
    let network = if text.len() % 2 == 0 { Network::Private } else { Network::Public };
    for given in [&[][..], &OLD, &NEW] {
        match create(input, given, network) {
            Err(e) if matches!(e.kind(), ErrorKind::Missing(_)) => {}
            _ => break,
        }
    }
});

fn create(input: &str, given: &[(Attribute, &str)], network: Network) -> Result<(), Error> {
    let inventory = inventory(Importer::new(network), input, given)?;
    let cluster = one_line(inventory.cluster())?;
    let description = cluster.description().to_toml().unwrap();
    assert_eq!(Cluster::new(Description::from_toml(&description).unwrap()).unwrap(), cluster);
    assert_eq!(merge(input, &description).expect("the same input").changes, []);
    Ok(())
}

fn update(input: &str, description: &str) {
    let Ok(first) = merge(input, description) else { return };
    let second = merge(input, &first.text).expect("the same input");
    assert_eq!(second.changes, []);
    assert_eq!(second.text, first.text);
    assert_eq!(second.cluster, first.cluster);
}

fn merge(input: &str, description: &str) -> Result<Update, Error> {
    let document = one_line(Document::parse(description, Path::new("description")))?;
    let importer = Importer::for_update(&document, "description");
    let update = one_line(document.update(&inventory(importer, input, &[])?))?;
    for change in &update.changes {
        assert!(!change.to_string().contains(['\n', '\r']), "{change:?}");
    }
    Ok(update)
}

fn inventory(mut importer: Importer, input: &str, given: &[(Attribute, &str)]) -> Result<Inventory, Error> {
    one_line(importer.add(input, "input"))?;
    for (attribute, value) in given {
        one_line(importer.given(*attribute, value, "--option"))?;
    }
    one_line(importer.finish())
}

fn one_line<T>(result: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &result {
        for text in [format!("{error}"), format!("{error:#}")] {
            assert!(!text.is_empty() && !text.contains(['\n', '\r']), "{error:?}");
        }
    }
    result
}
