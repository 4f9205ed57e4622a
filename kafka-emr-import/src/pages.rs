//! The pages of calls that give long lists in parts. None may be missing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::Call;
use crate::error::{Error, ErrorKind, Result};

/// The position of a reply among the pages of its call.
#[derive(Clone, Copy, Default)]
pub(crate) struct Page {
    /// Counted from 1.
    pub(crate) number: Option<usize>,
    /// Records on each page.
    pub(crate) size: Option<usize>,
    /// Records on all pages.
    pub(crate) total: Option<usize>,
    /// Whether another page follows.
    pub(crate) continues: bool,
}

/// The pages of all calls, by call and by the total that they have: 0 if they have none.
///
/// Calls with the same total cannot be told apart. Mostly there is one; two of them are for two applications, say.
#[derive(Default)]
pub(crate) struct Pages(BTreeMap<(Call, usize), Calls>);

/// The pages of calls with the same total.
#[derive(Default)]
struct Calls {
    /// The records of pages that are whole calls.
    whole: HashSet<String>,
    /// The records of all other pages, and whether their machine still exists.
    parts: HashMap<String, bool>,
    numbers: BTreeSet<usize>,
    size: Option<usize>,
    pages: usize,
    /// Pages that another one follows.
    continued: usize,
}

impl Pages {
    /// Adds a page. A record is what identifies it, and whether its machine still exists.
    pub(crate) fn add(&mut self, call: Call, page: Page, records: Vec<(String, bool)>) {
        let total = page.total.unwrap_or_default();
        self.0.entry((call, total)).or_default().add(page, total, records);
    }

    pub(crate) fn calls(&self) -> impl Iterator<Item = Call> {
        self.0.keys().map(|(call, _)| *call)
    }

    /// Fails if a page is missing.
    pub(crate) fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(|((call, total), calls)| calls.check(*call, *total))
    }
}

impl Calls {
    fn add(&mut self, page: Page, total: usize, records: Vec<(String, bool)>) {
        if total > 0 && records.len() >= total {
            self.whole.extend(records.into_iter().map(|(record, _)| record));
            return;
        }
        self.parts.extend(records);
        self.numbers.extend(page.number);
        self.size = self.size.or(page.size);
        self.pages += 1;
        self.continued += usize::from(page.continues);
    }

    fn check(&self, call: Call, total: usize) -> Result<()> {
        let known = !self.whole.is_empty() && self.parts.keys().all(|record| self.whole.contains(record));
        if self.pages == 0 || known {
            return Ok(());
        }
        let have = self.parts.len();
        // Machines that no longer exist are listed, and need not be counted.
        let existing = self.parts.values().filter(|exists| **exists).count();
        let calls = if total == 0 { 1 } else { existing.div_ceil(total).max(1) };
        let why = if have < total {
            let missing = self.missing(total);
            let which = match missing.as_slice() {
                [] => "a page is missing".to_owned(),
                [page] => format!("page {page} is missing"),
                [first, .., last] => format!("{} pages from {first} to {last} are missing", missing.len()),
            };
            format!("{which}: {have} of {total} are there")
        } else if have < calls.saturating_mul(total) {
            format!(
                "a page is missing, or the replies are of two points in time: {have} are there, of calls with {total} each"
            )
        } else if self.pages < self.continued + calls {
            "the last page is missing, the one without a NextToken".to_owned()
        } else {
            if total == 0 && self.continued > 0 {
                log::warn!(
                    "{call}: {} pages do not say how many records there are (TotalCount), so a page may be missing; make sure \
                     that none is",
                    self.pages
                );
            }
            return Ok(());
        };
        let message = format!("{call}: {why}; fetch every page and give all of them together");
        Err(Error::new(ErrorKind::Incomplete, message))
    }

    fn missing(&self, total: usize) -> Vec<usize> {
        match self.size {
            Some(size) if size > 0 && !self.numbers.is_empty() => {
                let last = total.div_ceil(size).min(MAX_PAGES);
                (1..=last).filter(|number| !self.numbers.contains(number)).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// More pages than this are not counted one by one.
const MAX_PAGES: usize = 100_000;
