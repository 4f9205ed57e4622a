//! The report as text.

use std::fmt::Write as _;
use std::time::SystemTime;

use clap::builder::styling::Style;
use comfy_table::{Cell, CellAlignment, Color};
use indicatif::HumanDuration;
use kafka_emr_core::{LookupCounts, Status};
use kafka_emr_doctor::{Check, ClusterReport, Report, Step, Verdict};

use crate::output::{self, BAD, FAINT, GOOD, HEADING, NOTE, NOTHING, Page};

/// The columns of the checks.
const HEADER: [&str; 6] = ["step", "", "what", "dials", "     ms", "result"];

/// How much of a finding's evidence is shown to people.
const EVIDENCE: usize = 4;

/// The resolver: what it read, and the lookups of the clients.
fn resolver(status: &Status, page: &Page) -> String {
    let ago = |time: SystemTime| format!("{} ago", HumanDuration(time.elapsed().unwrap_or_default()));
    let heading = match &status.source {
        Some(source) => format!("{source} · read {}", ago(status.read_at)),
        None => "clusters made in code".to_owned(),
    };
    let mut lines = Vec::new();
    for file in &status.files {
        let size = file.size.map_or_else(|| "missing".to_owned(), |size| format!("{size} bytes"));
        let changed = file.modified.map(|time| format!(", changed {}", ago(time))).unwrap_or_default();
        lines.push(("file", FAINT, format!("{}, {size}{changed}", file.path.display())));
    }
    lines.extend(status.stale.clone().map(|why| ("stale", NOTE, why)));
    let LookupCounts { mapped, passed_on, refused, .. } = status.lookups;
    let lookups = format!("{mapped} mapped, {passed_on} passed on to the system resolver, {refused} refused");
    lines.push(("lookups", FAINT, lookups));
    let lines: Vec<_> = lines.iter().map(|(label, style, value)| (*label, *style, value.as_str())).collect();
    format!("{}\n{}", page.paint(&heading, HEADING), page.labelled(&lines))
}

fn facts(cluster: &ClusterReport, page: &Page) -> String {
    let login = cluster.sasl_mechanism.as_ref().map(|mechanism| format!(", {mechanism}")).unwrap_or_default();
    let mut facts = vec![("rule", format!("{}: {}", cluster.rule.name, cluster.rule.reason))];
    if let Some(setting) = cluster.broker_setting {
        facts.push(("brokers", format!("need {setting}")));
    }
    let kerberos = if cluster.kerberos { "with" } else { "without" };
    let by = format!("by librdkafka {} {kerberos} Kerberos", cluster.librdkafka);
    facts.push(("client", format!("{}{login}, {by}", cluster.security_protocol)));
    page.facts(&facts)
}

fn checks(cluster: &ClusterReport, page: &Page) -> String {
    let mut last = None;
    let rows = cluster.checks.iter().map(|check| {
        let step = if last == Some(check.step) { "" } else { check.step.word() };
        last = Some(check.step);
        row(check, step, page)
    });
    let table = output::table(page, HEADER, rows.collect());
    let width = |text: &str| text.lines().map(|line| line.chars().count()).max();
    let plain = || {
        let rows = cluster.checks.iter().map(|check| row(check, check.step.word(), &Page::PLAIN)).collect();
        output::table(&Page::PLAIN, HEADER, rows)
    };
    if page.width.is_some_and(|room| Some(room) < width(&plain())) {
        return list(&cluster.checks, page);
    }
    table
}

/// The conclusion if there is no finding, by the verdict alone.
fn without_findings(cluster: &ClusterReport, page: &Page) -> String {
    let worst = cluster.checks.iter().find(|check| check.verdict == cluster.verdict);
    let text = match (cluster.verdict, worst) {
        (Verdict::Unchecked, Some(check)) => format!("no fault found so far: {}", check.result),
        (Verdict::Warning | Verdict::Fault, Some(check)) => {
            format!("{}: {}: {}", check.verdict.word(), check.subject, check.result)
        }
        _ => {
            let of_listeners = || cluster.checks.iter().filter(|check| check.step == Step::Listener);
            let mut fine = format!("fine: a client reaches each of the brokers ({})", of_listeners().count());
            if of_listeners().any(|check| check.verdict == Verdict::Note) {
                fine += "; not all of them could be asked which one they are";
            }
            return page.paint(&fine, GOOD) + "\n";
        }
    };
    page.paint(&text, style(cluster.verdict)) + "\n"
}

fn conclusion(cluster: &ClusterReport, page: &Page) -> String {
    if cluster.findings.is_empty() {
        return without_findings(cluster, page);
    }
    let mut text = String::new();
    for (number, finding) in (1..).zip(&cluster.findings) {
        let style = style(finding.verdict);
        let head = format!("{number}. {}: {}", finding.fault.code(), finding.cause);
        let more = finding.evidence.len().saturating_sub(EVIDENCE);
        let mut evidence = finding.evidence[..finding.evidence.len() - more].to_vec();
        if more > 0 {
            evidence.push(format!("and {more} more"));
        }
        let mut facts: Vec<(&str, String)> = Vec::new();
        for line in evidence {
            facts.push((if facts.is_empty() { "seen" } else { "" }, line));
        }
        facts.push(("do", finding.cure.clone()));
        facts.extend(finding.document.clone().map(|document| ("document", document)));
        let _ = write!(text, "{}\n{}", page.paint(&head, style), page.facts(&facts));
    }
    text
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Ok => GOOD,
        Verdict::Note => FAINT,
        Verdict::Unchecked | Verdict::Warning => NOTE,
        Verdict::Fault => BAD,
    }
}

fn colour(verdict: Verdict) -> Color {
    match verdict {
        Verdict::Ok => Color::DarkGreen,
        Verdict::Note => Color::DarkGrey,
        Verdict::Unchecked | Verdict::Warning => Color::DarkYellow,
        Verdict::Fault => Color::Red,
    }
}

fn row(check: &Check, step: &str, page: &Page) -> [Cell; 6] {
    let word = Cell::new(check.verdict.word());
    [
        Cell::new(step),
        if page.colour { word.fg(colour(check.verdict)) } else { word },
        Cell::new(&check.subject),
        Cell::new(check.dials.as_deref().unwrap_or(NOTHING)),
        // Of one width, so that a table has the same shape whatever the time.
        Cell::new(check.latency_ms.map_or_else(|| NOTHING.to_owned(), |ms| format!("{ms:.1}")))
            .set_alignment(CellAlignment::Right),
        Cell::new(&check.result),
    ]
}

/// Lists the checks if there is no room for a table.
fn list(checks: &[Check], page: &Page) -> String {
    let mut lines = Vec::new();
    for check in checks {
        let text = match (&check.dials, check.latency_ms) {
            (Some(dials), Some(latency)) => format!("{dials} in {latency:.1} ms: {}", check.result),
            (Some(dials), None) => format!("{dials}: {}", check.result),
            (None, _) => check.result.clone(),
        };
        let label = format!("{:7}  {}", check.verdict.word(), check.step.word());
        lines.push((label, style(check.verdict), check.subject.clone()));
        lines.push((String::new(), FAINT, text));
    }
    let lines: Vec<_> = lines.iter().map(|(label, style, value)| (label.as_str(), *style, value.as_str())).collect();
    page.labelled(&lines)
}

impl output::Report for Report {
    fn text(&self, page: &Page) -> String {
        let block = |cluster: &ClusterReport| {
            let release = cluster.release.as_deref().unwrap_or("release not known (hosts text)");
            let heading = format!("{} · {release} · {} network", cluster.title, cluster.network);
            let parts = [
                page.paint(&heading, HEADING) + "\n" + &facts(cluster, page),
                checks(cluster, page),
                conclusion(cluster, page),
            ];
            parts.join("\n")
        };
        let blocks = [resolver(&self.resolver, page)].into_iter().chain(self.clusters.iter().map(block));
        blocks.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use kafka_emr_core::Network;
    use kafka_emr_doctor::{Fault, Finding, RuleReport};

    use super::*;
    use crate::output::Report as _;

    fn status() -> Status {
        let resolver = kafka_emr_core::Resolver::open("emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24").unwrap();
        // However slow the machine is, it is read just now.
        let mut status = resolver.status();
        status.read_at = SystemTime::now() + std::time::Duration::from_secs(3600);
        status
    }

    fn report() -> Report {
        let check = |step, subject: &str, verdict, faults: &[Fault], result: &str| Check {
            step,
            subject: subject.to_owned(),
            node: None,
            broker_id: None,
            dials: Some("10.0.1.24:9092".to_owned()),
            rule: Some("R3"),
            latency_ms: (verdict == Verdict::Ok).then_some(1.25),
            verdict,
            faults: faults.to_vec(),
            result: result.to_owned(),
        };
        let bad = &[Fault::BrokerUnreachable];
        let checks = vec![
            check(Step::Bootstrap, "emr-worker-1:9092", Verdict::Ok, &[], "PLAINTEXT, Kafka 2.4"),
            check(Step::Bootstrap, "emr-worker-2:9092", Verdict::Fault, bad, "no answer: timeout"),
        ];
        let finding = Finding {
            fault: Fault::BrokerUnreachable,
            verdict: Verdict::Fault,
            cause: Fault::BrokerUnreachable.cause(),
            evidence: (1..=6).map(|n| format!("emr-worker-{n}:9092: no answer: timeout")).collect(),
            cure: "see that the machine runs".to_owned(),
            document: None,
        };
        let rule = kafka_emr_core::RULES.iter().find(|rule| rule.name == "R3").unwrap();
        Report::new(
            status(),
            vec![ClusterReport {
                title: "cluster-48742".to_owned(),
                domain: None,
                release: None,
                network: Network::Private,
                rule: RuleReport { name: rule.name, reason: "long domains", section: rule.section },
                broker_setting: None,
                security_protocol: "SASL_SSL".to_owned(),
                sasl_mechanism: Some("PLAIN".to_owned()),
                librdkafka: "2.12.1".to_owned(),
                kerberos: false,
                verdict: Verdict::Fault,
                findings: vec![finding],
                checks,
            }],
        )
    }

    #[track_caller]
    fn check(page: &Page, expected: &Expect) {
        expected.assert_eq(&report().text(page).replace('\u{1b}', "^"));
    }

    #[test]
    fn it_is_fine_by_the_verdict_alone() {
        let conclusion_of = |verdict| {
            let mut cluster = report().clusters.remove(0);
            cluster.findings.clear();
            cluster.checks[1].verdict = verdict;
            cluster.verdict = verdict;
            conclusion(&cluster, &Page::PLAIN)
        };
        assert_eq!(conclusion_of(Verdict::Note), "fine: a client reaches each of the brokers (0)\n");
        assert_eq!(conclusion_of(Verdict::Unchecked), "no fault found so far: no answer: timeout\n");
        assert_eq!(conclusion_of(Verdict::Fault), "fault: emr-worker-2:9092: no answer: timeout\n");
    }

    #[test]
    fn a_narrow_page_has_a_list() {
        check(
            &Page { colour: false, width: Some(60) },
            &expect![[r#"
                emr://48742?… · read 0 seconds ago
                  lookups  0 mapped, 0 passed on to the system resolver, 0
                           refused

                cluster-48742 · release not known (hosts text) · private network
                  rule    R3: long domains
                  client  SASL_SSL, PLAIN, by librdkafka 2.12.1 without
                          Kerberos

                  ok       bootstrap  emr-worker-1:9092
                                      10.0.1.24:9092 in 1.2 ms: PLAINTEXT,
                                      Kafka 2.4
                  fault    bootstrap  emr-worker-2:9092
                                      10.0.1.24:9092: no answer: timeout

                1. broker-unreachable: a broker does not answer, while others do
                  seen  emr-worker-1:9092: no answer: timeout
                        emr-worker-2:9092: no answer: timeout
                        emr-worker-3:9092: no answer: timeout
                        emr-worker-4:9092: no answer: timeout
                        and 2 more
                  do    see that the machine runs
            "#]],
        );
    }

    #[test]
    fn colours_mark_the_verdicts() {
        check(
            &Page { colour: true, width: None },
            &expect![[r#"
                ^[1memr://48742?… · read 0 seconds ago^[0m
                  ^[2mlookups^[0m  0 mapped, 0 passed on to the system resolver, 0 refused

                ^[1mcluster-48742 · release not known (hosts text) · private network^[0m
                  ^[2mrule  ^[0m  R3: long domains
                  ^[2mclient^[0m  SASL_SSL, PLAIN, by librdkafka 2.12.1 without Kerberos

                  step              what               dials                ms  result
                  ───────────────────────────────────────────────────────────────────────────────────
                  bootstrap  ^[38;5;2mok    ^[39m emr-worker-1:9092  10.0.1.24:9092      1.2  PLAINTEXT, Kafka 2.4
                             ^[38;5;9mfault ^[39m emr-worker-2:9092  10.0.1.24:9092        –  no answer: timeout

                ^[1m^[31m1. broker-unreachable: a broker does not answer, while others do^[0m
                  ^[2mseen^[0m  emr-worker-1:9092: no answer: timeout
                  ^[2m    ^[0m  emr-worker-2:9092: no answer: timeout
                  ^[2m    ^[0m  emr-worker-3:9092: no answer: timeout
                  ^[2m    ^[0m  emr-worker-4:9092: no answer: timeout
                  ^[2m    ^[0m  and 2 more
                  ^[2mdo  ^[0m  see that the machine runs
            "#]],
        );
    }
}
