//! Files and standard input, and what each of them is.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Read};
use std::path::Path;

use kafka_emr_core::{Cluster, Network, OneLine};
use serde_json::Value;

use super::api;
use super::inventory::Inventory;

/// The largest input that is read. The replies of 100,000 hosts fit.
const MAX_INPUT: u64 = 512 << 20;

/// Reads an input, `-` for standard input, into the inventory.
pub(super) fn read(path: &Path, network: Network, inventory: &mut Inventory) -> Result<(), String> {
    let name = match path == Path::new("-") {
        true => "standard input".to_owned(),
        false => path.display().to_string(),
    };
    text(path)
        .and_then(|text| understand(&text, network, inventory, &name))
        .map_err(|why| format!("{}: {why}", OneLine(&name)))
}

/// Reads a whole input as text.
pub(super) fn text(path: &Path) -> Result<String, String> {
    let cannot = |e: std::io::Error| match e.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::PermissionDenied => "the file is not readable for this user".to_owned(),
        ErrorKind::IsADirectory => "is a directory; expected a file".to_owned(),
        _ => format!("cannot be read: {e}"),
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        let stdin = std::io::stdin().lock();
        if stdin.is_terminal() {
            return Err("is a terminal; pipe the API's reply into it, or name a file".to_owned());
        }
        stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes))
    };
    if read.map_err(cannot)? as u64 > MAX_INPUT {
        return Err(format!("more than {MAX_INPUT} bytes; expected the API's replies for one cluster"));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty; expected a reply of the API, or hosts text".to_owned());
    }
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| "is not text; expected a reply of the API as JSON in UTF-8, or hosts text".to_owned())
}

fn understand(text: &str, network: Network, inventory: &mut Inventory, place: &str) -> Result<(), String> {
    // Several replies may follow each other, as a loop over pages prints them, and files that begin with a mark.
    let mut rest = text.trim_start_matches(is_between);
    if !rest.starts_with(['{', '[']) {
        return understand_text(&text.replace('\u{feff}', ""), network, inventory, place);
    }
    while !rest.is_empty() {
        let mut documents = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let Some(document) = documents.next() else { break };
        let document = document.map_err(|e| why_no_json(&e, &text[..text.len() - rest.len()]))?;
        for reply in api::read(&document)? {
            inventory.add(reply, place)?;
        }
        rest = rest[documents.byte_offset()..].trim_start_matches(is_between);
    }
    Ok(())
}

fn is_between(c: char) -> bool {
    c == '\u{feff}' || c.is_ascii_whitespace()
}

fn understand_text(text: &str, network: Network, inventory: &mut Inventory, place: &str) -> Result<(), String> {
    let why = match Cluster::from_hosts_text(text, network) {
        Ok(clusters) => return inventory.add_hosts_text(clusters, place),
        Err(why) => why,
    };
    Err(if let Some(answered) = api::error_in_text(text) {
        answered
    } else if Cluster::from_toml(text).is_ok() {
        "a cluster description already; --update merges replies of the API into it".to_owned()
    } else if let Ok(value) = serde_json::from_str(text) {
        api::why_unknown(&value)
    } else {
        format!("{why} (no JSON, so read as hosts text)")
    })
}

/// Says why something is no JSON. `before` is what stands in front of it.
fn why_no_json(e: &serde_json::Error, before: &str) -> String {
    let line = e.line() + before.matches('\n').count();
    let on_its_line = before.rsplit('\n').next().unwrap_or_default().trim_start_matches('\u{feff}').len();
    let column = e.column() + if e.line() == 1 { on_its_line } else { 0 };
    let place = format!("line {line}, column {column}");
    if e.is_eof() {
        return format!("{place}: the JSON ends in the middle; copy or fetch the whole reply");
    }
    if e.to_string().starts_with("recursion limit exceeded") {
        return format!("{place}: the JSON is nested deeper than any reply is; expected the API's reply as it came");
    }
    format!("{place}: no JSON; expected the API's reply as it came, with nothing between the replies")
}
