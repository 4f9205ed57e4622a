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
usage: cargo xtask test | fuzz [--seconds N] | dist [--target x86_64 | aarch64 | all] [--twice]

  test   all tests: unit, doc, embedded cluster, memory, real brokers, C, C++, Python and kcat, the README's demo
         (gets what it needs, and says what it cannot get)
  fuzz   every fuzz target for N seconds (60), with nightly Rust; fails on a crash
  dist   a release in target/dist, for this machine's processor, or another one's, or all: an archive and two wheels.
         With --twice, makes it again from a copy of what is committed, and fails where the two differ";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => steps::test(),
        ["fuzz"] => fuzz::fuzz(60),
        ["fuzz", "--seconds", seconds] => match seconds.parse() {
            Ok(0) | Err(_) => Err(format!("--seconds {seconds:?}: expected a number of seconds, 1 or more")),
            Ok(seconds) => fuzz::fuzz(seconds),
        },
        ["dist"] => dist::dist(None),
        ["dist", "--twice"] => dist::dist_twice(None),
        ["dist", "--target", target] if dist::is_target(target) => dist::dist(Some(target)),
        ["dist", "--target", target, "--twice"] if dist::is_target(target) => dist::dist_twice(Some(target)),
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
