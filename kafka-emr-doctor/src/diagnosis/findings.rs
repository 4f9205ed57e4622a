//! From bad checks to their causes.

use std::collections::BTreeMap;

use super::Judge;
use crate::examine::EndpointFacts;
use crate::fault::{Precedence, Protocol, Scope};
use crate::inspect::Listener;
use crate::{Check, Fault, Finding, Step, Verdict};

impl Judge<'_> {
    /// Removes the faults that only follow from others. Their checks stay bad.
    pub(super) fn drop_consequences(&self, checks: &mut [Check]) {
        let is_bad = |step, check: &&Check| check.step == step && check.verdict == Verdict::Fault;
        let of_step = |step| checks.iter().filter(move |check| check.step == step);
        let other_cluster = of_step(Step::Client).any(|check| check.faults.contains(&Fault::OtherCluster));
        let mut servers = of_step(Step::Bootstrap).peekable();
        let no_way_in = servers.peek().is_some() && servers.all(|check| check.verdict == Verdict::Fault);
        let bad_listener = checks.iter().any(|check| is_bad(Step::Listener, &check) || is_bad(Step::Client, &check));
        for check in checks {
            let before = check.faults.len();
            check.faults.retain(|fault| match fault {
                Fault::WrongId
                | Fault::UnknownBroker
                | Fault::NotABroker
                | Fault::BrokerDown
                | Fault::BrokerMissing
                | Fault::NamesSwapped => !other_cluster,
                Fault::LoginRefused | Fault::ClientFailed => !no_way_in,
                Fault::ProbeFailed => !bad_listener,
                _ => true,
            });
            if check.step == Step::Client && check.faults.len() < before {
                // librdkafka's words differ each time then, and lead away from the cause.
                check.result = "no metadata, because of the above".to_owned();
            }
        }
    }

    pub(super) fn findings(&self, checks: &[Check]) -> Vec<Finding> {
        let mut evidence: BTreeMap<Fault, (Verdict, Vec<String>)> = BTreeMap::new();
        for check in checks {
            for fault in &check.faults {
                let (verdict, lines) = evidence.entry(*fault).or_insert((Verdict::Ok, Vec::new()));
                *verdict = (*verdict).max(check.verdict);
                lines.push(format!("{}: {}", check.subject, check.result));
            }
        }
        let cluster = &self.facts.cluster;
        let listeners = self.facts.listeners.iter().map(|listener| &listener.facts);
        let listeners = self.facts.bootstrap.iter().chain(listeners).filter_map(EndpointFacts::listener);
        let protocol = listeners.map(Listener::protocol).fold(Protocol { tls: false, login: false }, |all, one| {
            Protocol { tls: all.tls || one.tls, login: all.login || one.login }
        });
        let finding = |(fault, (verdict, evidence)): (Fault, (Verdict, Vec<String>))| Finding {
            fault,
            verdict,
            cause: fault.cause(),
            evidence,
            cure: fault.cure(cluster, &self.facts.settings, protocol),
            document: fault.document_step(cluster.rule()).map(|step| format!("{}: {step}", cluster.rule().section)),
        };
        let mut findings: Vec<Finding> = evidence.into_iter().map(finding).collect();
        let scope = |fault| {
            let all = |step| {
                let mut of_step = checks.iter().filter(|check| check.step == step).peekable();
                of_step.peek().is_some() && of_step.all(|check| check.faults.contains(&fault))
            };
            let all = [Step::Bootstrap, Step::Client, Step::Listener].into_iter().any(all);
            if all { Scope::Cluster } else { Scope::Brokers }
        };
        findings.sort_by_key(|finding| Precedence::new(finding.verdict, scope(finding.fault), finding.fault));
        findings
    }
}
