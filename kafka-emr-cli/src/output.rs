//! How results, errors and help reach the user.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{Cell, Table, TableComponent, presets};
use serde::Serialize;
use textwrap::WordSplitter;

/// What stands where there is nothing to show.
pub(crate) const NOTHING: &str = "–";

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// The check found a problem, which the result shows.
    Problem,
    /// There is no problem, as far as this program can check.
    Unchecked,
}

impl Outcome {
    /// Fine where nothing is wrong.
    pub(crate) fn fine_if(fine: bool) -> Self {
        if fine { Outcome::Fine } else { Outcome::Problem }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Fine => ExitCode::SUCCESS,
            Outcome::Problem => ExitCode::from(1),
            Outcome::Unchecked => ExitCode::from(2),
        }
    }
}

/// A result: its fields are the JSON, and it can be laid out as text.
pub(crate) trait Report: Serialize {
    fn text(&self, page: &Page) -> String;
}

/// Prints a result to standard output.
pub(crate) fn print(report: &impl Report, json: bool) -> io::Result<()> {
    if json { print_json(report) } else { write(&report.text(&Page::of_stdout())) }
}

/// Prints a result to standard output as one JSON object.
pub(crate) fn print_json(report: &impl Serialize) -> io::Result<()> {
    write(&(serde_json::to_string_pretty(report)? + "\n"))
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no error.
pub(crate) fn write(text: &str) -> io::Result<()> {
    write_while_read(text).map(drop)
}

/// Writes to standard output. Returns whether it still has a reader.
pub(crate) fn write_while_read(text: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(io::Error::new(e.kind(), format!("standard output cannot be written: {e}"))),
    }
}

/// Whether somebody can still read standard output, as far as can be told without writing to it.
pub(crate) fn is_read() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let out = io::stdout();
    let mut asked = [PollFd::new(&out, PollFlags::empty())];
    // Only the end of a pipe whose other end is closed, and a terminal that is gone, have these.
    let gone = PollFlags::ERR | PollFlags::HUP;
    poll(&mut asked, Some(&Timespec::default())).is_err() || !asked[0].revents().intersects(gone)
}

/// Reports bad input in one line.
pub(crate) fn bad_input(message: &str) -> ExitCode {
    let page = Page { colour: colour(&io::stderr()), width: None };
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{} {message}", page.paint("kafka-emr:", BAD));
    ExitCode::from(2)
}

/// Prints help and version as they are, and a usage error in one line.
pub(crate) fn usage(answer: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    let text = answer.render();
    let styled = |colour| if colour { text.ansi().to_string() } else { text.to_string() };
    match answer.kind() {
        DisplayHelp | DisplayVersion => match write(&styled(colour(&io::stdout()))) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => bad_input(&e.to_string()),
        },
        DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = write!(io::stderr(), "{}", styled(colour(&io::stderr())));
            ExitCode::from(2)
        }
        _ => bad_input(&(one_line(&text.to_string()) + instead(answer))),
    }
}

/// Returns what can stand in for a missing argument. The verbs that need nothing but a source take it from the environment.
fn instead(answer: &clap::Error) -> &'static str {
    use clap::error::{ContextKind, ContextValue};
    match answer.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) if missing == &["<SOURCE>"] => "; or set KAFKA_EMR_CLUSTER",
        _ => "",
    }
}

/// Brings clap's message into one line, without the usage that follows it.
fn one_line(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let end = ["\nUsage:", "\nFor more information"].iter().filter_map(|mark| message.find(mark)).min();
    let paragraphs = message[..end.unwrap_or(message.len())].split("\n\n").map(str::trim).filter(|p| !p.is_empty());
    paragraphs.map(|p| p.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("; ")
}

pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Where text is laid out.
pub(crate) struct Page {
    pub(crate) colour: bool,
    /// Columns of the terminal; `None` where nothing is to be wrapped.
    pub(crate) width: Option<usize>,
}

impl Page {
    /// No terminal.
    pub(crate) const PLAIN: Page = Page { colour: false, width: None };

    pub(crate) fn of_stdout() -> Self {
        // comfy-table asks the terminal, and answers nothing where standard output is none.
        Page { colour: colour(&io::stdout()), width: Table::new().width().map(usize::from) }
    }

    /// Colours a text where there are colours.
    pub(crate) fn paint(&self, text: &str, style: Style) -> String {
        if self.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// Writes `label  value` lines, the values aligned and wrapped between words.
    pub(crate) fn facts(&self, facts: &[(&str, String)]) -> String {
        let lines: Vec<_> = facts.iter().map(|(label, value)| (*label, FAINT, value.as_str())).collect();
        self.labelled(&lines)
    }

    /// As [`Page::facts`], with a style for each label.
    pub(crate) fn labelled(&self, lines: &[(&str, Style, &str)]) -> String {
        let labels = lines.iter().map(|(label, ..)| label.len()).max().unwrap_or_default();
        let indent = INDENT.len() + labels + GAP.len();
        let room = self.width.and_then(|width| width.checked_sub(indent)).filter(|room| *room >= MIN_ROOM);
        let mut text = String::new();
        for (label, style, value) in lines {
            let label = self.paint(&format!("{label:labels$}"), *style);
            let value = wrap(value, room.unwrap_or(usize::MAX)).join(&format!("\n{:indent$}", ""));
            let _ = writeln!(text, "{INDENT}{label}{GAP}{value}");
        }
        text
    }
}

/// Lays out a table: indented, with a line under the header.
pub(crate) fn table<const COLUMNS: usize>(page: &Page, header: [&str; COLUMNS], rows: Vec<[Cell; COLUMNS]>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    if page.colour {
        table.enforce_styling();
    }
    table.set_header(header).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.lines().map(|line| format!("{INDENT}{}\n", line.trim_end())).collect()
}

const INDENT: &str = "  ";
const GAP: &str = "  ";
/// In fewer columns wrapped text reads worse than text that the terminal wraps.
const MIN_ROOM: usize = 30;

/// Breaks a text into lines between words. A word that is too long keeps a line for itself, so that it can be copied.
fn wrap(text: &str, room: usize) -> Vec<Cow<'_, str>> {
    textwrap::wrap(text, textwrap::Options::new(room).break_words(false).word_splitter(WordSplitter::NoHyphenation))
}

/// Whether a stream is to get colours.
pub(crate) fn colour(stream: &impl IsTerminal) -> bool {
    let variable = |name| std::env::var_os(name);
    colour_in(stream.is_terminal(), variable("NO_COLOR").as_deref(), variable("TERM").as_deref())
}

fn colour_in(terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty) && term != Some(OsStr::new("dumb"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let text = |text: &'static str| Some(OsStr::new(text));
        assert!(colour_in(true, None, None));
        assert!(colour_in(true, text(""), text("xterm")));
        assert!(!colour_in(true, text("0"), text("xterm")));
        assert!(!colour_in(true, None, text("dumb")));
        assert!(!colour_in(false, None, text("xterm")));
    }

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a-long-endpoint:9092 x", 4), ["a-long-endpoint:9092", "x"]);
        let page = Page { colour: false, width: Some(40) };
        let facts = [("rule", "R3: before EMR-3.11, clients must know".to_owned()), ("by", "x".to_owned())];
        assert_eq!(page.facts(&facts), "  rule  R3: before EMR-3.11, clients\n        must know\n  by    x\n");
    }
}
