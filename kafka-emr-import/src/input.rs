//! What an input is: replies of the API in JSON, one after the other, or hosts text.

use kafka_emr_core::{Description, Format, Network};
use serde_json::{Deserializer, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::reply::{self, Reply};

pub(crate) enum Input {
    Replies(Vec<Reply>),
    Hosts(Vec<Description>),
}

impl Input {
    /// Reads a text. Addresses of hosts text are those of a network.
    pub(crate) fn read(text: &str, network: Network) -> Result<Self> {
        // Replies may follow each other, as a loop over pages prints them, and files that begin with a byte order mark.
        let mut rest = text.trim_start_matches(is_between);
        if rest.is_empty() {
            return Err(Error::new(ErrorKind::Input, "is empty; expected a reply of the API, or hosts text"));
        }
        if !rest.starts_with(['{', '[']) {
            return hosts(&text.replace(BYTE_ORDER_MARK, ""), network).map(Input::Hosts);
        }
        let mut replies = Vec::new();
        while !rest.is_empty() {
            let mut documents = Deserializer::from_str(rest).into_iter::<Value>();
            let Some(document) = documents.next() else { break };
            let document = document.map_err(|e| syntax(&e, &text[..text.len() - rest.len()]))?;
            replies.extend(reply::read(&document)?);
            rest = rest[documents.byte_offset()..].trim_start_matches(is_between);
        }
        Ok(Input::Replies(replies))
    }
}

pub(crate) const BYTE_ORDER_MARK: char = '\u{feff}';

fn is_between(c: char) -> bool {
    c == BYTE_ORDER_MARK || c.is_ascii_whitespace()
}

fn hosts(text: &str, network: Network) -> Result<Vec<Description>> {
    if Format::of_content(text) == Format::Toml && Description::from_toml(text).is_ok() {
        return Err(reply::already_a_description());
    }
    Description::from_hosts_text(text, network).map_err(|e| {
        if let Some(error) = reply::api_error_in_text(text) {
            error
        } else if let Ok(value) = serde_json::from_str(text) {
            reply::unknown(&value)
        } else {
            Error::new(ErrorKind::Input, "neither JSON nor hosts text").caused_by(e)
        }
    })
}

/// Describes why something is no JSON. `before` is the text in front of it.
fn syntax(e: &serde_json::Error, before: &str) -> Error {
    let line = e.line() + before.matches('\n').count();
    let on_its_line = before.rsplit('\n').next().unwrap_or_default().trim_start_matches(BYTE_ORDER_MARK).len();
    let column = e.column() + if e.line() == 1 { on_its_line } else { 0 };
    let why = if e.is_eof() {
        "the JSON ends in the middle; copy or fetch the whole reply"
    } else if e.to_string().starts_with("recursion limit exceeded") {
        "the JSON is nested deeper than any reply is; expected the API's reply as it came"
    } else {
        "no JSON; expected the API's reply as it came, with nothing between the replies"
    };
    Error::new(ErrorKind::Input, format!("line {line}, column {column}: {why}"))
}
