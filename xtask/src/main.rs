//! The project's own commands. `cargo xtask test` runs all tests there are, `cargo xtask fuzz` the fuzz targets, `cargo xtask
//! dist` makes a release.

#![forbid(unsafe_code)]

mod dist;
mod fuzz;
mod licenses;
mod needs;
mod newest;
mod steps;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask test | fuzz [--seconds N] | dist

  test   all tests: unit, doc, embedded cluster, memory, real brokers, C, C++, Python and kcat, the README's demo
         (gets what it needs, and says what it cannot get)
  fuzz   every fuzz target for N seconds (60), with nightly Rust; fails on a crash
  dist   a release: target/dist/kafka-emr-VERSION-TARGET.tar.gz";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => steps::test(),
        ["fuzz"] => fuzz::fuzz(60),
        ["fuzz", "--seconds", seconds] => match seconds.parse() {
            Ok(0) | Err(_) => Err(format!("--seconds {seconds:?}: expected a number of seconds, 1 or more")),
            Ok(seconds) => fuzz::fuzz(seconds),
        },
        ["dist"] => dist::dist(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("\nxtask: {why}");
            ExitCode::FAILURE
        }
    }
}
