//! `kafka-emr man`: manual pages, made from the command's own definition.

use std::error::Error;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::Cli;
use crate::output::{self, Outcome};

/// Write the manual pages into a folder
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// The folder, which is there already
    folder: PathBuf,
}

const HELP: &str = "\
Examples:
  kafka-emr man /usr/local/share/man/man1";

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let folder = args.folder.display();
    if !args.folder.is_dir() {
        return Err(format!("{folder} is no folder; make it first").into());
    }
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(|error| format!("{folder}: {error}"))?;
    output::write(&format!("{folder}: kafka-emr.1, and a page for each verb\n"))?;
    Ok(Outcome::Fine)
}
