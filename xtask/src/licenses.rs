//! The licences of what is built into a release, which have to be passed on with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, NodeDep, Package, PackageId};
use spdx::{Expression, LicenseId, ParseMode};

/// The packages that a release has programs and libraries of.
const SHIPPED: [&str; 3] = ["kafka-emr-cli", "kafka-emr-ffi", "kafka-emr-preload"];

/// The licences that a release may be under: each asks for its text, and leaves the rest of the release alone.
const ACCEPTED: [&str; 5] = ["MIT", "Apache-2.0", "BSD-2-Clause", "Unicode-3.0", "Zlib"];

/// How files with a licence begin, in lower case.
const FILES: [&str; 4] = ["license", "licence", "copying", "notice"];

/// Returns one text with the licences of every crate that is linked in for a target, and of librdkafka, which comes with
/// rdkafka-sys.
///
/// # Errors
///
/// Fails on a crate whose licence is not accepted.
pub(crate) fn all(target: &str) -> Result<String, String> {
    let options = ["--locked", "--filter-platform", target].map(ToOwned::to_owned);
    let metadata = MetadataCommand::new().other_options(options).exec().map_err(|error| error.to_string())?;
    let mut text = "What kafka-emr is built with, and the licences that came with it.\n".to_owned();
    for package in linked_in(&metadata)? {
        let (name, version) = (&package.name, &package.version);
        let (expression, accepted) = accepted(package.license.as_deref()).map_err(|why| format!("{name}: {why}"))?;
        let _ = write!(text, "\n{}\n{name} {version} ({expression})\n", "=".repeat(80));
        let folder = package.manifest_path.parent().map_or(Path::new("/"), AsRef::as_ref);
        for (file, content) in texts(folder, &accepted) {
            let _ = write!(text, "\n--- {file}\n\n{}\n", content.trim_end());
        }
    }
    Ok(text)
}

/// The packages of others that are linked into the shipped ones, by name and version.
fn linked_in(metadata: &Metadata) -> Result<Vec<&Package>, String> {
    let resolve = metadata.resolve.as_ref().ok_or("cargo metadata resolves no dependencies")?;
    let is_shipped = |package: &&&Package| SHIPPED.contains(&package.name.as_str());
    let mut waiting: Vec<&PackageId> =
        metadata.workspace_packages().iter().filter(is_shipped).map(|package| &package.id).collect();
    if waiting.len() != SHIPPED.len() {
        return Err(format!("cargo metadata does not have all of {}", SHIPPED.join(", ")));
    }
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if seen.insert(id) {
            // Neither build scripts' dependencies nor tests' are in what is shipped.
            let is_linked = |dep: &&NodeDep| dep.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            waiting.extend(resolve[id].deps.iter().filter(is_linked).map(|dep| &dep.pkg));
        }
    }
    // Ours have no source: they are here, under the licences of the archive itself.
    let mut linked: Vec<&Package> =
        seen.into_iter().map(|id| &metadata[id]).filter(|package| package.source.is_some()).collect();
    linked.sort_by_key(|package| (&package.name, &package.version));
    Ok(linked)
}

/// Reads a licence expression, and returns it with the accepted licences in it.
fn accepted(expression: Option<&str>) -> Result<(Expression, Vec<LicenseId>), String> {
    let expression = expression.ok_or("its Cargo.toml has no `license`; look at it, and leave the crate out")?;
    let expression = Expression::parse_mode(expression, ParseMode::LAX).map_err(|error| error.to_string())?;
    let mut accepted = Vec::new();
    let fine = expression.evaluate(|requirement| {
        // An exception only adds permissions.
        let id = requirement.license.id().filter(|id| ACCEPTED.contains(&id.name));
        accepted.extend(id);
        id.is_some()
    });
    if fine {
        return Ok((expression, accepted));
    }
    let known = ACCEPTED.join(", ");
    Err(format!(
        "its licence is {expression}, and a release may have {known} only; leave the crate out, or add to the list"
    ))
}

/// The licences of a crate in this folder: its files', or else the standard texts.
fn texts(folder: &Path, accepted: &[LicenseId]) -> BTreeMap<String, String> {
    let files: BTreeMap<_, _> = [folder, &folder.join("librdkafka")].into_iter().flat_map(licences).collect();
    if files.is_empty() {
        return accepted.iter().map(|id| (id.full_name.to_owned(), id.text().to_owned())).collect();
    }
    files
}

/// The files in a folder that say under which terms it is, by name.
fn licences(folder: &Path) -> BTreeMap<String, String> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let licence = |file: fs::DirEntry| {
        let name = file.file_name().to_string_lossy().into_owned();
        let is_one = FILES.iter().any(|start| name.to_lowercase().starts_with(start));
        let content = is_one.then(|| fs::read_to_string(file.path()).ok()).flatten()?;
        Some((name, content))
    };
    files.filter_map(licence).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{accepted, texts};

    #[test]
    fn a_licence_is_accepted_as_a_whole() {
        for fine in ["MIT", "MIT/Apache-2.0", "MIT OR GPL-3.0-only", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
            assert!(accepted(Some(fine)).is_ok(), "{fine}");
        }
        for refused in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "LicenseRef-Own", "something of ours"] {
            assert!(accepted(Some(refused)).is_err(), "{refused}");
        }
        assert!(accepted(None).is_err());
    }

    #[test]
    fn a_crate_without_a_file_has_the_standard_text() {
        let (_, mit) = accepted(Some("MIT OR GPL-3.0-only")).unwrap();
        let texts = texts(Path::new("/no/such/folder"), &mit);
        assert_eq!(texts.len(), 1);
        assert!(texts["MIT License"].contains("Permission is hereby granted, free of charge"), "{texts:?}");
    }
}
