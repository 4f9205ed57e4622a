//! `kafka-emr completions`: for shells, made from the command's own definition.

use std::error::Error;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::Cli;
use crate::output::{self, Outcome};

/// Print the completions for a shell
#[derive(clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    shell: Shell,
}

const HELP: &str = "\
Examples:
  kafka-emr completions bash > /etc/bash_completion.d/kafka-emr
  kafka-emr completions zsh > \"${fpath[1]}/_kafka-emr\"
  kafka-emr completions fish > ~/.config/fish/completions/kafka-emr.fish";

pub(crate) fn run(args: &Args) -> Result<Outcome, Box<dyn Error>> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "kafka-emr", &mut text);
    // For bash, clap_complete calls a command with a hyphen by two names, and knows its verbs by none.
    output::write(&String::from_utf8(text)?.replace("kafka__subcmd__emr", "kafka__emr"))?;
    Ok(Outcome::Fine)
}
