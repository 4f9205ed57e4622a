//! `--watch`: the same again and again, and what has changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use super::diagnosis::{Check, Verdict};
use super::screen::Doctor;
use super::settings::Settings;
use super::{Args, examine};
use crate::output::{self, Outcome, Page, Report};

/// Examines until the user has enough. Fails only when the first examination cannot be made.
pub(super) fn run(args: &Args, settings: &Settings, every: Duration) -> Result<Outcome, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut last: Option<Doctor> = None;
    loop {
        match examine(args, settings) {
            Ok(report) => {
                show(args, last.as_ref(), &report)?;
                last = Some(report);
            }
            Err(error) if last.is_none() => return Err(error),
            // A description that is being written, say.
            Err(error) => log::warn!("not checked: {error}"),
        }
        let stopped = runtime.block_on(async {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => true,
                () = tokio::time::sleep(every) => false,
            }
        });
        if stopped {
            return Ok(Outcome::fine_if(last.is_none_or(|report| report.is_fine())));
        }
    }
}

fn show(args: &Args, last: Option<&Doctor>, now: &Doctor) -> Result<(), Box<dyn Error>> {
    if args.description.json {
        return Ok(output::say(&(serde_json::to_string(now)? + "\n"))?);
    }
    let page = Page::of_stdout();
    let Some(last) = last else { return Ok(output::say(&now.text(&page))?) };
    let changes = changes(last, now);
    if changes.is_empty() {
        return Ok(());
    }
    let time = now_in_words();
    let lines: Vec<String> = changes.iter().map(|change| format!("{time}  {change}\n")).collect();
    Ok(output::say(&lines.concat())?)
}

/// What differs between two reports: checks that came, went, or are judged otherwise, and causes that came or went.
fn changes(last: &Doctor, now: &Doctor) -> Vec<String> {
    let (before, after) = (checks(last), checks(now));
    let mut changes = Vec::new();
    let subjects: std::collections::BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for subject in subjects {
        let (_, name) = subject;
        match (before.get(subject), after.get(subject)) {
            (Some(old), Some(new)) if old.verdict != new.verdict || old.fault != new.fault => {
                changes.push(format!("{name}: {} → {}: {}", old.verdict.word(), new.verdict.word(), new.says));
            }
            (None, Some(new)) => changes.push(format!("{name}: new, {}: {}", new.verdict.word(), new.says)),
            (Some(_), None) => changes.push(format!("{name}: gone")),
            _ => {}
        }
    }
    let first_cause = |report: &Doctor| report.clusters.iter().flat_map(|cluster| &cluster.findings).next().cloned();
    match (first_cause(last), first_cause(now)) {
        (old, Some(new)) if old.as_ref().map(|old| old.fault) != Some(new.fault) => {
            changes.push(format!("{}: {}; {}", new.fault.code(), new.cause, new.cure));
        }
        (Some(_), None) if now.verdict < Verdict::Warning => changes.push("fine again".to_owned()),
        _ => {}
    }
    changes
}

/// The checks by what they are of: the cluster's place and the subject.
fn checks(report: &Doctor) -> BTreeMap<(usize, String), &Check> {
    let clusters = report.clusters.iter().enumerate();
    let all = clusters.flat_map(|(place, cluster)| cluster.checks.iter().map(move |check| (place, check)));
    all.map(|(place, check)| ((place, format!("{} {}", check.step.word(), check.subject)), check)).collect()
}

/// The time of day, as the log of a watch has it, in UTC.
fn now_in_words() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02} UTC", since / 3600 % 24, since / 60 % 60, since % 60)
}
