//! `--watch`: examines again and again, and shows what has changed.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use kafka_emr_doctor::{Check, ClientSettings, ClusterReport, Fault, Report, Verdict};
use serde_json::Value;

use super::{Args, examine, outcome};
use crate::output::{self, NOTHING, Outcome, Page, Report as _};

/// Examines until Ctrl-C, or until standard output has no reader. Fails only if the first examination cannot be made.
pub(super) fn run(args: &Args, settings: &ClientSettings, every: Duration) -> Result<Outcome, Box<dyn Error>> {
    // Until there is a report, Ctrl-C ends the process as it ends any other.
    let mut last = examine(args, settings)?;
    let first = if args.description.json { json(&last)? } else { last.text(&Page::of_stdout()) };
    let mut read = output::write_while_read(&first)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let watched = runtime.block_on(async {
        let mut stop = pin!(tokio::signal::ctrl_c());
        let mut trouble: Option<String> = None;
        while read && output::is_read() {
            tokio::select! {
                _ = &mut stop => break,
                () = tokio::time::sleep(every) => {}
            }
            let (again, by) = (args.clone(), settings.clone());
            let examination =
                tokio::task::spawn_blocking(move || examine(&again, &by).map_err(|error| error.to_string()));
            let examined = tokio::select! {
                _ = &mut stop => break,
                examined = examination => examined.unwrap_or_else(|end| std::panic::resume_unwind(end.into_panic())),
            };
            match examined {
                Ok(now) => {
                    let mut text = if args.description.json {
                        json(&now)?
                    } else {
                        lines(&changes(&snapshots(&last)?, &snapshots(&now)?))
                    };
                    if trouble.take().is_some() && text.is_empty() {
                        text = lines(&["checked again, and nothing has changed".to_owned()]);
                    }
                    read = output::write_while_read(&text)?;
                    last = now;
                }
                // A description that is being written, say. One warning is enough.
                Err(error) if trouble.as_ref() != Some(&error) => {
                    log::warn!("not checked: {error}");
                    trouble = Some(error);
                }
                Err(_) => {}
            }
        }
        Ok::<(), Box<dyn Error>>(())
    });
    // An examination that still runs ends with the process.
    runtime.shutdown_background();
    watched?;
    Ok(outcome(&last))
}

fn json(report: &Report) -> serde_json::Result<String> {
    Ok(serde_json::to_string(report)? + "\n")
}

/// Changes, with the time.
fn lines(changes: &[String]) -> String {
    let time = time_of_day();
    changes.iter().map(|change| format!("{time}  {change}\n")).collect()
}

/// What is compared of a cluster.
#[derive(Clone, Debug, Default)]
struct Snapshot {
    /// Its name, if there are several clusters.
    title: Option<String>,
    /// Everything but checks and findings, by its key in JSON.
    facts: BTreeMap<String, String>,
    /// The checks, each under its step and subject.
    checks: Vec<(String, CheckState)>,
    /// The faults, with cause and cure in words.
    causes: Vec<(Fault, String)>,
}

/// What is compared of a check.
#[derive(Clone, Debug)]
struct CheckState {
    verdict: Verdict,
    faults: Vec<Fault>,
    node: Option<String>,
    dials: Option<String>,
    result: String,
}

/// Takes from a report what is compared.
fn snapshots(report: &Report) -> serde_json::Result<Vec<Snapshot>> {
    let several = report.clusters.len() > 1;
    (1..).zip(&report.clusters).map(|(number, cluster)| Snapshot::of(cluster, several.then_some(number))).collect()
}

impl Snapshot {
    fn of(cluster: &ClusterReport, number: Option<usize>) -> serde_json::Result<Self> {
        let mut facts = BTreeMap::new();
        if let Value::Object(fields) = serde_json::to_value(cluster)? {
            for (name, value) in fields {
                let text = match value {
                    // The checks and findings, which are compared below.
                    Value::Array(_) => continue,
                    Value::Null => NOTHING.to_owned(),
                    Value::String(text) => text,
                    // The rule.
                    Value::Object(fields) => fields.get("name").and_then(Value::as_str).unwrap_or(NOTHING).to_owned(),
                    other => other.to_string(),
                };
                facts.insert(name, text);
            }
        }
        // It follows from the checks.
        facts.remove("verdict");
        let known = |number| facts.get("domain").filter(|domain| *domain != NOTHING).cloned().unwrap_or(number);
        let title = number.map(|number| known(format!("cluster {number}")));
        let state = |check: &Check| {
            let state = CheckState {
                verdict: check.verdict,
                faults: check.faults.clone(),
                node: check.node.clone(),
                dials: check.dials.clone(),
                result: check.result.clone(),
            };
            (format!("{} {}", check.step.word(), check.subject), state)
        };
        let causes = cluster.findings.iter();
        let causes = causes.map(|cause| (cause.fault, format!("{}; {}", cause.cause, cause.cure))).collect();
        Ok(Snapshot { title, facts, checks: cluster.checks.iter().map(state).collect(), causes })
    }

    fn check(&self, name: &str) -> Option<&CheckState> {
        self.checks.iter().find(|(other, _)| other == name).map(|(_, state)| state)
    }

    fn is_fine(&self) -> bool {
        self.checks.iter().all(|(_, state)| state.verdict < Verdict::Unchecked)
    }
}

/// What differs between two examinations.
fn changes(last: &[Snapshot], now: &[Snapshot]) -> Vec<String> {
    let nothing = Snapshot::default();
    let mut all = Vec::new();
    for index in 0..last.len().max(now.len()) {
        let (before, after) = (last.get(index).unwrap_or(&nothing), now.get(index).unwrap_or(&nothing));
        let title = after.title.as_ref().or(before.title.as_ref());
        let title = title.map(|title| format!("{title}: ")).unwrap_or_default();
        all.extend(changes_of(before, after).into_iter().map(|change| title.clone() + &change));
    }
    if !last.iter().all(Snapshot::is_fine) && now.iter().all(Snapshot::is_fine) {
        all.push("fine again".to_owned());
    }
    all
}

fn changes_of(last: &Snapshot, now: &Snapshot) -> Vec<String> {
    let mut changes = Vec::new();
    for (name, new) in &now.facts {
        if let Some(old) = last.facts.get(name).filter(|old| *old != new) {
            changes.push(format!("{name}: {old} → {new}"));
        }
    }
    for (name, new) in &now.checks {
        match last.check(name) {
            Some(old) => changes.extend(old.change(new).map(|change| format!("{name}: {change}"))),
            None => changes.push(format!("{name}: new, {}: {}", new.verdict.word(), new.result)),
        }
    }
    let gone = last.checks.iter().filter(|(name, _)| now.check(name).is_none());
    changes.extend(gone.map(|(name, _)| format!("{name}: gone")));
    let has = |snapshot: &Snapshot, fault| snapshot.causes.iter().any(|(other, _)| *other == fault);
    let gone = last.causes.iter().filter(|(fault, _)| !has(now, *fault));
    changes.extend(gone.map(|(fault, _)| format!("{}: no longer", fault.code())));
    let new = now.causes.iter().filter(|(fault, _)| !has(last, *fault));
    changes.extend(new.map(|(fault, text)| format!("{}: {text}", fault.code())));
    changes
}

impl CheckState {
    /// Describes what differs now.
    fn change(&self, new: &CheckState) -> Option<String> {
        let mut parts = Vec::new();
        if (self.verdict, &self.faults) != (new.verdict, &new.faults) || stable(&self.result) != stable(&new.result) {
            parts.push(new.result.clone());
        }
        for (what, old, new) in [("dials", &self.dials, &new.dials), ("node", &self.node, &new.node)] {
            if old != new {
                let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| NOTHING.to_owned());
                parts.push(format!("{what} {} → {}", shown(old), shown(new)));
            }
        }
        let verdict = match (self.verdict.word(), new.verdict.word()) {
            (old, new) if old == new => new.to_owned(),
            (old, new) => format!("{old} → {new}"),
        };
        (!parts.is_empty()).then(|| format!("{verdict}: {}", parts.join("; ")))
    }
}

/// Removes librdkafka's counters from a text: milliseconds, and suppressed errors.
fn stable(result: &str) -> String {
    const SUPPRESSED: &str = " identical error(s) suppressed";
    let mut text = String::new();
    let mut rest = result;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        let number = rest[start..].trim_start_matches(|character: char| character.is_ascii_digit() || character == '.');
        let (before, number_itself) = (&rest[..start], &rest[start..rest.len() - number.len()]);
        if let Some(after) = number.strip_prefix(SUPPRESSED) {
            text += before.trim_end_matches([',', ' ']);
            rest = after;
            continue;
        }
        text += before;
        let unit = number.trim_start().strip_prefix("ms");
        let is_time = unit.is_some_and(|after| !after.starts_with(char::is_alphanumeric));
        text += if is_time { "…" } else { number_itself };
        rest = number;
    }
    text + rest
}

/// The time of day in UTC.
fn time_of_day() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    format!("{:02}:{:02}:{:02} UTC", since / 3600 % 24, since / 60 % 60, since % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "bootstrap emr-worker-1:9092";

    fn state(verdict: Verdict, faults: &[Fault], result: &str) -> CheckState {
        let dials = Some("10.0.1.24:9092".to_owned());
        CheckState {
            verdict,
            faults: faults.to_vec(),
            node: Some("emr-worker-1".to_owned()),
            dials,
            result: result.to_owned(),
        }
    }

    fn fine() -> Snapshot {
        Snapshot {
            facts: BTreeMap::from([("release".to_owned(), "EMR-3.10.1".to_owned())]),
            checks: vec![
                (NAME.to_owned(), state(Verdict::Ok, &[], "PLAINTEXT, Kafka 2.4")),
                ("client metadata".to_owned(), state(Verdict::Ok, &[], "1 broker, cluster id A")),
            ],
            ..Snapshot::default()
        }
    }

    fn down(result: &str) -> Snapshot {
        let mut snapshot = fine();
        snapshot.checks[0].1 = state(Verdict::Fault, &[Fault::BrokerDown], result);
        snapshot.causes = vec![(Fault::BrokerDown, "a broker is down; start it".to_owned())];
        snapshot
    }

    #[track_caller]
    fn check(last: &Snapshot, now: &Snapshot, expected: &[&str]) {
        assert_eq!(changes(std::slice::from_ref(last), std::slice::from_ref(now)), expected);
    }

    #[test]
    fn a_fault_comes_and_goes() {
        let refused = down("refused");
        check(&fine(), &fine(), &[]);
        let comes = ["bootstrap emr-worker-1:9092: ok → fault: refused", "broker-down: a broker is down; start it"];
        check(&fine(), &refused, &comes);
        check(&refused, &refused, &[]);
        let goes =
            ["bootstrap emr-worker-1:9092: fault → ok: PLAINTEXT, Kafka 2.4", "broker-down: no longer", "fine again"];
        check(&refused, &fine(), &goes);
    }

    #[test]
    fn what_is_fine_can_be_another() {
        let mut other = fine();
        other.checks[0].1.dials = Some("10.0.1.34:9092".to_owned());
        other.checks[0].1.node = None;
        other.checks[1].1.result = "1 broker, cluster id B".to_owned();
        other.facts.insert("release".to_owned(), "EMR-3.11.0".to_owned());
        let expected = [
            "release: EMR-3.10.1 → EMR-3.11.0",
            "bootstrap emr-worker-1:9092: ok: dials 10.0.1.24:9092 → 10.0.1.34:9092; node emr-worker-1 → –",
            "client metadata: ok: 1 broker, cluster id B",
        ];
        check(&fine(), &other, &expected);
    }

    #[test]
    fn times_are_no_change() {
        let last = down("10.0.1.24:9092: refused (after 0ms in state CONNECT)");
        let later = "10.0.1.24:9092: refused (after 12ms in state CONNECT, 3 identical error(s) suppressed)";
        check(&last, &down(later), &[]);
        check(
            &last,
            &down("10.0.1.24:9093: refused (after 0ms in state CONNECT)"),
            &["bootstrap emr-worker-1:9092: fault: 10.0.1.24:9093: refused (after 0ms in state CONNECT)"],
        );
        assert_eq!(stable("1.5 ms, 2 msgs, 3"), "… ms, 2 msgs, 3");
    }

    #[test]
    fn checks_come_and_go() {
        let mut less = fine();
        less.checks.remove(0);
        check(&fine(), &less, &["bootstrap emr-worker-1:9092: gone"]);
        check(&less, &fine(), &["bootstrap emr-worker-1:9092: new, ok: PLAINTEXT, Kafka 2.4"]);
    }

    #[test]
    fn one_of_several_clusters_is_named() {
        let named = |snapshot: Snapshot, title: &str| Snapshot { title: Some(title.to_owned()), ..snapshot };
        let last = [named(fine(), "a"), named(down("refused"), "b")];
        let now = [named(fine(), "a"), named(down("timeout"), "b")];
        assert_eq!(changes(&last, &now), ["b: bootstrap emr-worker-1:9092: fault: timeout"]);
    }
}
