//! What the facts mean: a verdict for each of them, and the faults behind the bad ones.

mod absent;
mod findings;
mod protocol;

use std::collections::BTreeMap;
use std::net::IpAddr;

use kafka_emr_core::{LongDomain, Node, OneLine};

use crate::client::{ClientError, FailureKind};
use crate::examine::{AdvertisedListener, EndpointFacts, Facts, NodeName};
use crate::identity::Identity;
use crate::inspect::{Inspection, NoListener};
use crate::names::NoAnswer;
use crate::settings::OAUTHBEARER;
use crate::{Check, Fault, Finding, Step, Verdict};

/// Faults that mean no more than that a broker is not reached: one that explains why stands in for them.
const NOT_REACHED: [Fault; 5] =
    [Fault::Unresponsive, Fault::NotKafka, Fault::UnknownBroker, Fault::BrokerNotListening, Fault::BrokerUnreachable];

/// Judges the facts: every check in the order of a client's way, and the findings in theirs.
pub(crate) fn diagnose(facts: &Facts) -> (Vec<Check>, Vec<Finding>) {
    let judge = Judge::new(facts);
    let mut checks: Vec<Check> = facts.names.iter().map(|name| judge.name(name)).collect();
    checks.extend(facts.bootstrap.iter().map(|server| judge.bootstrap(server)));
    checks.push(judge.client());
    checks.extend(facts.listeners.iter().map(|listener| judge.listener(listener)));
    checks.extend(judge.absent_nodes());
    checks.extend(judge.probe());
    judge.drop_consequences(&mut checks);
    let findings = judge.findings(&checks);
    for check in &mut checks {
        check.faults.sort_by_key(|fault| findings.iter().position(|finding| finding.fault == *fault));
    }
    (checks, findings)
}

struct Judge<'a> {
    facts: &'a Facts,
    /// Whether a Kafka broker answered at any bootstrap server.
    answered: bool,
    /// The id that the cluster must have: by the description, else by the client, else by the first broker that gives one.
    cluster_id: Option<&'a str>,
    /// Nodes that are described as brokers and that no advertised listener leads to, and what that means.
    absent: BTreeMap<&'a str, Fault>,
}

impl<'a> Judge<'a> {
    fn new(facts: &'a Facts) -> Self {
        let mut listeners = facts.bootstrap.iter().filter_map(EndpointFacts::listener);
        let by_listener = listeners.clone().find_map(|listener| listener.metadata.as_ref()?.cluster_id.as_deref());
        let by_client = facts.view.as_ref().ok().and_then(|view| view.metadata.cluster_id.as_deref());
        let mut judge = Judge {
            facts,
            answered: listeners.next().is_some(),
            cluster_id: facts.cluster.cluster_id().or(by_client).or(by_listener),
            absent: BTreeMap::new(),
        };
        judge.absent = judge.absent();
        judge
    }

    /// Makes a check that is fine so far. Its subject may be a broker's own text, whatever that is.
    fn check(step: Step, subject: &str) -> Check {
        Check {
            step,
            subject: OneLine(subject).to_string(),
            node: None,
            broker_id: None,
            dials: None,
            rule: None,
            latency_ms: None,
            verdict: Verdict::Ok,
            faults: Vec::new(),
            result: String::new(),
        }
    }

    fn name(&self, name: &NodeName) -> Check {
        let mut check = Judge::check(Step::Name, &name.name);
        check.node = Some(name.node.clone());
        check.rule = Some(self.facts.cluster.rule().name);
        check.dials = name.mapped.first().map(ToString::to_string);
        let nowhere = name.mapped.is_empty();
        let mapped = match nowhere {
            true => format!("no address on the {} network", self.facts.cluster.network()),
            false => "mapped".to_owned(),
        };
        if nowhere {
            check.verdict = Verdict::Note;
        }
        let system = match &name.system {
            Err(NoAnswer::Unknown(_)) => {
                check.result = format!("{mapped}; this machine itself does not know it");
                return check;
            }
            Err(NoAnswer::Late) => {
                check.result = format!("{mapped}; this machine's own name service does not answer");
                return check;
            }
            Ok(system) => system,
        };
        let listed = system.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if nowhere {
            check.result = format!("{mapped}; this machine itself resolves it to {listed}");
            return check;
        }
        let node = self.facts.cluster.nodes().iter().find(|node| node.name() == name.node);
        // A tunnel's end is not the node's address: the hosts file may have the node's own.
        let own = node.filter(|node| node.connect().is_some()).into_iter();
        let own: Vec<IpAddr> = own.flat_map(|node| [node.private_ip(), node.public_ip()]).flatten().collect();
        if system.iter().all(|ip| name.mapped.contains(ip) || own.contains(ip)) {
            check.result = format!("{mapped}; this machine itself resolves it alike");
        } else {
            let source = name.hosts_line.as_deref().unwrap_or("its name service");
            check.result = format!("this machine itself resolves it to {listed} ({source})");
            check.verdict = Verdict::Warning;
            check.faults.push(Fault::StaleHostsLine);
        }
        check
    }

    fn bootstrap(&self, server: &EndpointFacts) -> Check {
        let mut check = self.endpoint(Step::Bootstrap, server.endpoint.to_string(), server);
        let absent = server.node.as_deref().and_then(|node| self.absent.get(node)).copied();
        for fault in &mut check.faults {
            *fault = match (*fault, &server.other_port, absent) {
                (Fault::BrokerUnreachable, ..) if !self.answered => Fault::NetworkUnreachable,
                (Fault::BrokerNotListening, Some((_, other)), _) if !self.answered => self.other_port(other),
                (Fault::BrokerNotListening, None, _) if !self.answered => Fault::NothingListens,
                (Fault::BrokerNotListening | Fault::BrokerUnreachable | Fault::Unresponsive, _, Some(absent)) => absent,
                (fault, ..) => fault,
            };
        }
        if let Some((port, _)) = server.other_port {
            check.result = format!("{}; Kafka answers on port {port}", check.result);
        }
        check
    }

    fn client(&self) -> Check {
        let mut check = Judge::check(Step::Client, "metadata");
        match &self.facts.view {
            Ok(view) => {
                let brokers = view.metadata.brokers.len();
                let id = view.metadata.cluster_id.as_deref();
                let s = if brokers == 1 { "" } else { "s" };
                check.result = format!("{brokers} broker{s}, cluster id {}", OneLine(id.unwrap_or("not known")));
                if brokers == 0 {
                    check.verdict = Verdict::Fault;
                    check.faults.push(Fault::ClientFailed);
                }
                if let Some(other) = self.other_cluster(id) {
                    check.result = other;
                    check.verdict = Verdict::Fault;
                    check.faults.push(Fault::OtherCluster);
                }
            }
            Err(ClientError::MechanismNotBuiltIn(mechanism)) => {
                check.verdict = Verdict::Unchecked;
                check.result = match mechanism == OAUTHBEARER {
                    true => format!(
                        "this program has no token to log in with by {OAUTHBEARER}, so neither the login nor what comes after it \
                         is checked"
                    ),
                    false => format!(
                        "this program is built without the SASL mechanism {}; build it with `--features gssapi` to check the \
                         login and what comes after it",
                        OneLine(mechanism)
                    ),
                };
            }
            Err(ClientError::Failed(failures)) => {
                check.verdict = Verdict::Fault;
                let first = failures.first();
                check.faults.push(match first.map(|failure| failure.kind) {
                    Some(FailureKind::Authentication) => Fault::LoginRefused,
                    _ => Fault::ClientFailed,
                });
                check.result = OneLine(first.map_or("no answer", |failure| &failure.text)).to_string();
            }
        }
        check
    }

    fn listener(&self, listener: &'a AdvertisedListener) -> Check {
        let facts = &listener.facts;
        let subject = format!("broker {}: {}", listener.broker, facts.endpoint);
        let mut check = self.endpoint(Step::Listener, subject, facts);
        check.broker_id = Some(listener.broker);
        let reached = facts.listener().is_some();
        let node = self.node_of(facts);
        check.node = node.map(str::to_owned);
        let address = self.advertised_address(facts);
        let mut reasons = Vec::new();
        if let Some(other) = self.other_id(facts) {
            reasons.push(Fault::WrongId);
            check.verdict = Verdict::Fault;
            check.result = format!("its long domain is of cluster {}", OneLine(&other));
        } else if node.is_none() && address.as_ref().is_none_or(|address| address.is_comparable) {
            reasons.push(Fault::UnknownBroker);
            check.verdict = if reached { check.verdict.max(Verdict::Warning) } else { Verdict::Fault };
            if check.dials.is_some() {
                check.result = format!("not in the description; {}", check.result);
            }
        }
        if let Some(address) = address {
            reasons.push(address.fault);
            check.verdict = Verdict::Fault;
            check.result = format!("{} is advertised; {}", address.what, check.result);
        }
        if !reasons.is_empty() {
            check.faults.retain(|fault| !NOT_REACHED.contains(fault));
        }
        match &listener.identity {
            Identity::Itself => {}
            Identity::Another(broker) => {
                reasons.push(Fault::NamesSwapped);
                check.verdict = Verdict::Fault;
                check.result = format!("broker {broker} answers here; {}", check.result);
            }
            Identity::Unknown(_) if reached && self.shares_address(listener) => {
                reasons.push(Fault::NamesSwapped);
                check.verdict = Verdict::Fault;
                check.result = format!("another broker's name leads to the same address; {}", check.result);
            }
            Identity::Unknown(why) if reached && self.facts.view.is_ok() && check.verdict == Verdict::Ok => {
                check.verdict = Verdict::Note;
                check.result = format!(
                    "{}; whether it is broker {} is not known: {}",
                    check.result,
                    listener.broker,
                    OneLine(why)
                );
            }
            Identity::Unknown(_) => {}
        }
        check.faults.extend(reasons);
        check
    }

    /// Judges an address that is advertised to clients on the public network, if the rule has one advertised wrongly.
    fn advertised_address(&self, facts: &EndpointFacts) -> Option<AdvertisedAddress> {
        let fault = Fault::of_requirement(self.facts.cluster.rule())?;
        let literal: IpAddr = facts.endpoint.host.parse().ok()?;
        let nodes = self.facts.cluster.nodes();
        let private = is_private(literal) || nodes.iter().any(|node| node.private_ip() == Some(literal));
        if !private && fault != Fault::PrincipalNotHost {
            return None;
        }
        let mut brokers = self.facts.cluster.brokers();
        let is_comparable = brokers.all(|node| if private { node.private_ip() } else { node.public_ip() }.is_some());
        Some(AdvertisedAddress { fault, what: if private { "a private IP" } else { "an address" }, is_comparable })
    }

    /// Judges what answers at a host and port.
    fn endpoint(&self, step: Step, subject: String, facts: &EndpointFacts) -> Check {
        let mut check = Judge::check(step, &subject);
        check.node.clone_from(&facts.node);
        check.rule = facts.rule;
        let address = match &facts.dialled {
            Ok(address) => address,
            Err(why) => {
                check.verdict = Verdict::Fault;
                check.faults.push(if step == Step::Listener { Fault::UnknownBroker } else { Fault::NameUnknown });
                check.result = OneLine(why).to_string();
                if !facts.mapped {
                    check.result =
                        format!("not in the description, and unknown to this machine itself ({})", check.result);
                }
                return check;
            }
        };
        check.dials = Some(address.to_string());
        let Some(inspection) = &facts.inspection else { return check };
        check.latency_ms = inspection.connected.map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0);
        match &inspection.listener {
            Err(no_listener) => {
                check.verdict = Verdict::Fault;
                let (fault, result) = match no_listener {
                    NoListener::Timeout => (Fault::BrokerUnreachable, "no answer: timeout".to_owned()),
                    NoListener::Unreachable(why) => (Fault::BrokerUnreachable, why.clone()),
                    NoListener::Refused => (Fault::BrokerNotListening, "refused: nothing listens there".to_owned()),
                    NoListener::Unresponsive => {
                        (Fault::Unresponsive, "accepts the connection and does not answer".to_owned())
                    }
                    NoListener::NotKafka(why) => (Fault::NotKafka, format!("not Kafka: {why}")),
                    NoListener::NotTried(why) => {
                        check.verdict = Verdict::Unchecked;
                        check.result = format!("not tried: {why}");
                        return check;
                    }
                };
                check.faults.push(fault);
                check.result = result;
            }
            Ok(listener) => {
                (check.faults, check.result) = self.protocol_faults(listener);
                check.verdict = match check.faults[..] {
                    [] if listener.releases.is_none() => Verdict::Note,
                    [] => Verdict::Ok,
                    [..] => Verdict::Fault,
                };
            }
        }
        check
    }

    /// Describes the id of a cluster that is not the described one, or not that of the other brokers.
    fn other_cluster(&self, id: Option<&str>) -> Option<String> {
        let expected = self.cluster_id?;
        let other = OneLine(id.filter(|id| *id != expected)?);
        let who = if self.facts.cluster.cluster_id().is_some() { "the description has" } else { "others have" };
        Some(format!("cluster id {other}, and {who} {}", OneLine(expected)))
    }

    /// The node that an endpoint belongs to, by its name or by its address.
    fn node_of(&self, facts: &'a EndpointFacts) -> Option<&'a str> {
        let literal: Option<IpAddr> = facts.endpoint.host.parse().ok();
        let by_address = || {
            let literal = literal?;
            let has = |node: &&Node| [node.private_ip(), node.public_ip()].contains(&Some(literal));
            self.facts.cluster.nodes().iter().find(has).map(Node::name)
        };
        facts.node.as_deref().or_else(by_address)
    }

    /// Returns the id of the cluster that a broker's long domain is of, if that is not the description's.
    fn other_id(&self, facts: &EndpointFacts) -> Option<String> {
        let domain = LongDomain::parse(&facts.endpoint.host)?;
        let own = self.facts.cluster.id()?;
        (!facts.mapped && !domain.id.eq_ignore_ascii_case(own)).then(|| domain.id.to_owned())
    }

    /// Whether another broker is dialled where this one is.
    fn shares_address(&self, listener: &AdvertisedListener) -> bool {
        let others = self.facts.listeners.iter().filter(|other| other.broker != listener.broker);
        listener.facts.dialled.is_ok() && others.into_iter().any(|other| other.facts.dialled == listener.facts.dialled)
    }

    /// Returns why Kafka answers on another port of EMR's, and not on the rule's.
    fn other_port(&self, inspection: &Inspection) -> Fault {
        let cluster = &self.facts.cluster;
        if cluster.broker_port() != cluster.rule().port
            || Fault::of_requirement(cluster.rule()) != Some(Fault::PublicAccessOff)
        {
            return Fault::WrongPort;
        }
        // Brokers that advertise long domains follow a rule by which clients dial those, on that rule's port.
        let metadata = inspection.listener().and_then(|listener| listener.metadata.as_ref());
        let names = metadata
            .is_some_and(|metadata| metadata.brokers.iter().any(|broker| broker.host.parse::<IpAddr>().is_err()));
        if names { Fault::WrongPort } else { Fault::PublicAccessOff }
    }

    fn probe(&self) -> Option<Check> {
        let probe = self.facts.probe.as_ref()?;
        let mut check = Judge::check(Step::Probe, &format!("topic {}", probe.topic));
        match &probe.outcome {
            Some(Ok(())) => check.result = "a message was produced and consumed".to_owned(),
            Some(Err(why)) => {
                check.verdict = Verdict::Fault;
                check.faults.push(Fault::ProbeFailed);
                check.result = OneLine(why).to_string();
            }
            None => {
                check.verdict = Verdict::Unchecked;
                check.result = "not checked: no client, as above".to_owned();
            }
        }
        Some(check)
    }
}

/// An address that brokers advertise, against the rule, to clients on the public network.
struct AdvertisedAddress {
    fault: Fault,
    what: &'static str,
    /// Whether the description has an address of this kind for each broker, so that one without a node is an unknown broker's.
    is_comparable: bool,
}

/// Returns whether an address can only be dialled inside the cluster's networks.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

#[cfg(test)]
mod tests;
