//! What the facts mean: a verdict for each of them, and the causes behind those that are bad.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kafka_emr_core::{LongDomain, Network, OneLine};
use serde::Serialize;

use super::client::Trouble;
use super::examine::{AdvertisedListener, Contact, Facts, NodeName};
use super::fault::Fault;
use super::identity::Identity;
use super::look::{Listener, Look, Silence};
use super::names::NoAnswer;

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Ok,
    /// Nothing wrong, and worth to know.
    Note,
    /// It works, and something else will not.
    Warning,
    Fault,
}

/// The part of a client's way that a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Step {
    Name,
    Bootstrap,
    Client,
    Listener,
    Node,
    Probe,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) step: Step,
    pub(crate) subject: String,
    pub(crate) node: Option<String>,
    pub(crate) broker_id: Option<i32>,
    pub(crate) dials: Option<String>,
    pub(crate) rule: Option<&'static str>,
    pub(crate) latency_ms: Option<f64>,
    pub(crate) verdict: Verdict,
    pub(crate) fault: Option<Fault>,
    pub(crate) says: String,
}

/// A cause, and what to do about it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) fault: Fault,
    pub(crate) verdict: Verdict,
    pub(crate) cause: &'static str,
    /// Where it shows, and how.
    pub(crate) evidence: Vec<String>,
    pub(crate) cure: String,
    /// Section and step of the EMR document that mends it.
    pub(crate) document: Option<String>,
}

/// What is wrong with a cluster, the most likely cause first.
pub(crate) struct Diagnosis {
    pub(crate) checks: Vec<Check>,
    pub(crate) findings: Vec<Finding>,
}

/// Judges what was found out.
pub(crate) fn diagnose(facts: &Facts) -> Diagnosis {
    let judge = Judge::new(facts);
    let mut checks: Vec<Check> = facts.names.iter().map(|name| judge.name(name)).collect();
    checks.extend(facts.bootstrap.iter().map(|contact| judge.bootstrap(contact)));
    checks.push(judge.client());
    checks.extend(facts.listeners.iter().map(|listener| judge.listener(listener)));
    checks.extend(judge.absent_nodes());
    checks.extend(judge.probe());
    judge.forget_what_follows(&mut checks);
    let findings = judge.findings(&checks);
    Diagnosis { checks, findings }
}

struct Judge<'a> {
    facts: &'a Facts,
    /// Whether a Kafka broker answered at any bootstrap server.
    answered: bool,
    /// The id that the cluster must have: by the description, else by the client, else by the first that told one.
    cluster_id: Option<&'a str>,
    /// Nodes that are described as brokers and that no advertised listener leads to, and what that means.
    absent: BTreeMap<&'a str, Fault>,
}

impl<'a> Judge<'a> {
    fn new(facts: &'a Facts) -> Self {
        let mut looks = facts.bootstrap.iter().filter_map(Contact::listener);
        let seen = looks.clone().find_map(|listener| listener.told.as_ref()?.cluster_id.as_deref());
        let by_client = facts.view.as_ref().ok().and_then(|view| view.told.cluster_id.as_deref());
        let mut judge = Judge {
            facts,
            answered: looks.next().is_some(),
            cluster_id: facts.cluster.cluster_id.as_deref().or(by_client).or(seen),
            absent: BTreeMap::new(),
        };
        judge.absent = judge.absent();
        judge
    }

    /// A check that is fine so far. Its subject may be what a broker says, whatever that is.
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
            fault: None,
            says: String::new(),
        }
    }

    fn name(&self, name: &NodeName) -> Check {
        let mut check = Judge::check(Step::Name, &name.name);
        check.node = Some(name.node.clone());
        check.rule = Some(self.facts.cluster.rule().name);
        check.dials = name.mapped.first().map(ToString::to_string);
        let nowhere = name.mapped.is_empty();
        let mapped = match nowhere {
            true => format!("no address on the {} network", self.facts.cluster.network),
            false => "mapped".to_owned(),
        };
        if nowhere {
            check.verdict = Verdict::Note;
        }
        let system = match &name.system {
            Err(NoAnswer::Unknown(_)) => {
                check.says = format!("{mapped}; this machine itself does not know it");
                return check;
            }
            Err(NoAnswer::Late) => {
                check.says = format!("{mapped}; this machine's own name service does not answer");
                return check;
            }
            Ok(system) => system,
        };
        let listed = system.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if nowhere {
            check.says = format!("{mapped}; this machine itself says {listed}");
            return check;
        }
        let node = self.facts.cluster.nodes.iter().find(|node| node.name == name.node);
        // A tunnel's end is nobody's address: the hosts file may say what the node's is.
        let own = node.filter(|node| node.connect.is_some()).into_iter();
        let own: Vec<IpAddr> = own.flat_map(|node| [node.private_ip, node.public_ip]).flatten().collect();
        if system.iter().all(|ip| name.mapped.contains(ip) || own.contains(ip)) {
            check.says = format!("{mapped}; this machine itself says the same");
        } else {
            let place = name.hosts_line.as_deref().unwrap_or("its name service");
            check.says = format!("this machine itself says {listed} ({place})");
            check.verdict = Verdict::Warning;
            check.fault = Some(Fault::StaleHostsLine);
        }
        check
    }

    fn bootstrap(&self, contact: &Contact) -> Check {
        let mut check = self.contact(Step::Bootstrap, contact.endpoint.to_string(), contact);
        let absent = contact.node.as_deref().and_then(|node| self.absent.get(node)).copied();
        check.fault = match (check.fault, &contact.other_port) {
            (Some(Fault::BrokerUnreachable), _) if !self.answered => Some(Fault::NetworkUnreachable),
            (Some(Fault::BrokerNotListening), Some((_, look))) if !self.answered => Some(self.other_port(look)),
            (Some(Fault::BrokerNotListening), None) if !self.answered => Some(Fault::NothingListens),
            (Some(Fault::BrokerNotListening | Fault::BrokerUnreachable | Fault::Mute), _) if absent.is_some() => absent,
            (fault, _) => fault,
        };
        if let Some((port, _)) = contact.other_port {
            check.says = format!("{}; Kafka answers on port {port}", check.says);
        }
        check
    }

    fn client(&self) -> Check {
        let mut check = Judge::check(Step::Client, "metadata");
        match &self.facts.view {
            Ok(view) => {
                let brokers = view.told.brokers.len();
                let id = view.told.cluster_id.as_deref();
                let s = if brokers == 1 { "" } else { "s" };
                check.says = format!("{brokers} broker{s}, cluster id {}", OneLine(id.unwrap_or("not known")));
                if brokers == 0 {
                    check.verdict = Verdict::Fault;
                    check.fault = Some(Fault::ClientFailed);
                }
                if let Some(other) = self.other_cluster(id) {
                    check.says = other;
                    check.verdict = Verdict::Fault;
                    check.fault = Some(Fault::OtherCluster);
                }
            }
            Err(complaints) => {
                check.verdict = Verdict::Fault;
                let first = complaints.first();
                check.fault = Some(match first.map(|complaint| complaint.kind) {
                    Some(Trouble::Authentication) => Fault::LoginRefused,
                    _ => Fault::ClientFailed,
                });
                check.says = OneLine(first.map_or("no answer", |complaint| &complaint.text)).to_string();
            }
        }
        check
    }

    fn listener(&self, listener: &'a AdvertisedListener) -> Check {
        let contact = &listener.contact;
        let subject = format!("broker {}: {}", listener.broker, contact.endpoint);
        let mut check = self.contact(Step::Listener, subject, contact);
        check.broker_id = Some(listener.broker);
        let reached = contact.look.as_ref().is_some_and(|look| look.answer.is_ok());
        let literal: Option<IpAddr> = contact.endpoint.host.parse().ok();
        let rule = self.facts.cluster.rule();
        let public = self.facts.cluster.network == Network::Public;
        let node = self.node_of(contact);
        check.node = node.map(str::to_owned);
        // What explains more comes last.
        if let Some(other) = self.told_id(contact) {
            check.fault = Some(Fault::WrongId);
            check.verdict = Verdict::Fault;
            check.says = format!("its long domain says cluster {}", OneLine(&other));
        } else if node.is_none() {
            check.fault = Some(Fault::UnknownBroker);
            check.verdict = if reached { check.verdict.max(Verdict::Warning) } else { Verdict::Fault };
            if check.dials.is_some() {
                check.says = format!("not in the description; {}", check.says);
            }
        }
        if let Some(literal) = literal.filter(|_| public) {
            let private =
                is_private(literal) || self.facts.cluster.nodes.iter().any(|node| node.private_ip == Some(literal));
            let fault = if rule.from_3_11 { Fault::PublicAccessOff } else { Fault::PrincipalNotHost };
            if private || fault == Fault::PrincipalNotHost {
                check.fault = Some(fault);
                check.verdict = Verdict::Fault;
                let what = if private { "a private IP" } else { "an address" };
                check.says = format!("{what} is advertised; {}", check.says);
            }
        }
        match &listener.identity {
            Identity::Itself => {}
            Identity::Another(broker) => {
                check.fault = Some(Fault::NamesSwapped);
                check.verdict = Verdict::Fault;
                let who = broker.map_or_else(|| "another broker".to_owned(), |broker| format!("broker {broker}"));
                check.says = format!("{who} answers here; {}", check.says);
            }
            Identity::Unknown(_) if reached && self.shares_address(listener) => {
                check.fault = Some(Fault::NamesSwapped);
                check.verdict = Verdict::Fault;
                check.says = format!("another broker's name leads to the same address; {}", check.says);
            }
            Identity::Unknown(why) if reached && self.facts.view.is_ok() && check.verdict == Verdict::Ok => {
                check.verdict = Verdict::Note;
                check.says =
                    format!("{}; whether it is broker {} is not known: {}", check.says, listener.broker, OneLine(why));
            }
            Identity::Unknown(_) => {}
        }
        check
    }

    /// Judges what answers at a host and port.
    fn contact(&self, step: Step, subject: String, contact: &Contact) -> Check {
        let mut check = Judge::check(step, &subject);
        check.node.clone_from(&contact.node);
        check.rule = contact.rule;
        let address = match &contact.dialled {
            Ok(address) => address,
            Err(why) => {
                check.verdict = Verdict::Fault;
                check.fault = Some(if step == Step::Listener { Fault::UnknownBroker } else { Fault::NameUnknown });
                check.says = OneLine(why).to_string();
                if !contact.mapped {
                    check.says = format!("not in the description, and unknown to this machine itself ({})", check.says);
                }
                return check;
            }
        };
        check.dials = Some(address.to_string());
        let Some(look) = &contact.look else { return check };
        check.latency_ms = look.connected.map(|time| (time.as_secs_f64() * 10_000.0).round() / 10.0);
        match &look.answer {
            Err(silence) => {
                check.verdict = Verdict::Fault;
                let (fault, says) = match silence {
                    Silence::Timeout => (Fault::BrokerUnreachable, "no answer: timeout".to_owned()),
                    Silence::Unreachable(why) => (Fault::BrokerUnreachable, why.clone()),
                    Silence::Refused => (Fault::BrokerNotListening, "refused: nothing listens there".to_owned()),
                    Silence::Mute => (Fault::Mute, "takes the connection and does not answer".to_owned()),
                    Silence::NotKafka(why) => (Fault::NotKafka, format!("no Kafka: {why}")),
                    Silence::NotTried(why) => {
                        check.verdict = Verdict::Note;
                        check.says = format!("not tried: {why}");
                        return check;
                    }
                };
                check.fault = Some(fault);
                check.says = says;
            }
            Ok(listener) => {
                let (fault, says) = self.spoken(listener);
                check.fault = fault;
                check.says = says;
                check.verdict = match fault {
                    Some(_) => Verdict::Fault,
                    None if listener.releases.is_none() => Verdict::Note,
                    None => Verdict::Ok,
                };
            }
        }
        check
    }

    /// What a listener speaks, and what of it does not fit the client.
    fn spoken(&self, listener: &Listener) -> (Option<Fault>, String) {
        let settings = &self.facts.settings;
        let mut says = vec![protocol(listener)];
        says.extend(listener.releases.map(|releases| format!("Kafka {releases}")));
        let mut faults = Vec::new();
        match &listener.certificate {
            Some(_) if !settings.uses_tls() => faults.push(Fault::TlsExpected),
            None if settings.uses_tls() => faults.push(Fault::TlsNotExpected),
            Some(certificate) => {
                if certificate.is_for_others && settings.checks_names() {
                    says.push(format!("its certificate is for {}", shown(&certificate.names)));
                    faults.push(Fault::CertificateName);
                }
                if certificate.is_out_of_date && settings.checks_certificates() {
                    says.push("its certificate is not valid at this time".to_owned());
                    faults.push(Fault::CertificateExpired);
                }
                if let Some(distrust) = certificate.distrust.as_ref().filter(|_| settings.checks_certificates()) {
                    says.push(distrust.clone());
                    faults.push(Fault::CertificateUntrusted);
                }
                if listener.releases.is_none() {
                    says.push("it breaks TLS off: it asks for a client certificate, or for another one".to_owned());
                    // The client that does get through has the right one.
                    faults.extend(self.facts.view.is_err().then_some(Fault::ClientCertificate));
                }
            }
            None => {}
        }
        match &listener.mechanisms {
            Some(mechanisms) => match settings.mechanism() {
                None => faults.push(Fault::SaslExpected),
                Some(own) if !mechanisms.contains(&own) => {
                    says.push(format!("not {own}"));
                    faults.push(Fault::SaslMechanism);
                }
                Some(_) => {}
            },
            None if settings.uses_sasl() && listener.releases.is_some() => faults.push(Fault::SaslNotExpected),
            None => {}
        }
        let unlike = [Fault::TlsExpected, Fault::TlsNotExpected, Fault::SaslExpected, Fault::SaslNotExpected];
        if faults.iter().any(|fault| unlike.contains(fault)) {
            says.push(format!("and the client speaks {}", settings.protocol()));
        }
        if let Some(other) = self.other_cluster(listener.told.as_ref().and_then(|told| told.cluster_id.as_deref())) {
            says.push(other);
            faults.push(Fault::OtherCluster);
        }
        (faults.into_iter().min(), OneLine(&says.join(", ")).to_string())
    }

    /// What there is to say of a cluster that is not the described one, or not that of the other brokers.
    fn other_cluster(&self, id: Option<&str>) -> Option<String> {
        let expected = self.cluster_id?;
        let other = OneLine(id.filter(|id| *id != expected)?);
        let who = if self.facts.cluster.cluster_id.is_some() { "the description says" } else { "others are of" };
        Some(format!("cluster id {other}, and {who} {}", OneLine(expected)))
    }

    /// The node that an endpoint belongs to, by its name or by its address.
    fn node_of(&self, contact: &'a Contact) -> Option<&'a str> {
        let literal: Option<IpAddr> = contact.endpoint.host.parse().ok();
        let by_address = || {
            let literal = literal?;
            let has = |node: &&kafka_emr_core::Node| [node.private_ip, node.public_ip].contains(&Some(literal));
            self.facts.cluster.nodes.iter().find(has).map(|node| node.name.as_str())
        };
        contact.node.as_deref().or_else(by_address)
    }

    /// The cluster that a broker's long domain is of, where that is another one than the description's.
    fn told_id(&self, contact: &Contact) -> Option<String> {
        let told = LongDomain::parse(&contact.endpoint.host)?;
        let own = self.facts.cluster.id.as_deref()?;
        (!contact.mapped && !told.id.eq_ignore_ascii_case(own)).then(|| told.id.to_owned())
    }

    /// Whether another broker is dialled where this one is.
    fn shares_address(&self, listener: &AdvertisedListener) -> bool {
        let others = self.facts.listeners.iter().filter(|other| other.broker != listener.broker);
        listener.contact.dialled.is_ok()
            && others.into_iter().any(|other| other.contact.dialled == listener.contact.dialled)
    }

    /// Says of the described brokers that are not in the cluster what they are: down, or no brokers at all.
    fn absent(&self) -> BTreeMap<&'a str, Fault> {
        let Ok(view) = &self.facts.view else { return BTreeMap::new() };
        let advertised = self.facts.listeners.iter().map(|listener| self.node_of(&listener.contact));
        let has_moved = advertised.clone().any(|node| node.is_none());
        // Where a broker does answer, more is wrong than that it is away.
        let answering = self.facts.bootstrap.iter().filter(|contact| contact.listener().is_some());
        let present: BTreeSet<&str> =
            advertised.chain(answering.map(|contact| self.node_of(contact))).flatten().collect();
        let brokers = self.facts.cluster.nodes.iter().filter(|node| node.is_broker());
        let absent: Vec<&str> = brokers.map(|node| node.name.as_str()).filter(|name| !present.contains(name)).collect();
        // A broker that is down has left its partitions behind; one that was taken out of the cluster has not.
        let fault = match view.gone.len() {
            _ if view.partitions == 0 || has_moved => Fault::BrokerMissing,
            0 => Fault::NotABroker,
            gone if absent.len() <= gone => Fault::BrokerDown,
            _ => Fault::BrokerMissing,
        };
        absent.into_iter().map(|name| (name, fault)).collect()
    }

    fn absent_nodes(&self) -> impl Iterator<Item = Check> {
        let gone: Vec<String> =
            self.facts.view.iter().flat_map(|view| &view.gone).map(|id| format!("broker {id}")).collect();
        self.absent.iter().map(move |(node, fault)| {
            let mut check = Judge::check(Step::Node, node);
            check.node = Some((*node).to_owned());
            check.verdict = Verdict::Fault;
            check.fault = Some(*fault);
            check.says = match (fault, &gone[..]) {
                (Fault::NotABroker, _) => "no broker of the cluster is here, and no partition misses one".to_owned(),
                (_, []) => "no broker of the cluster is here".to_owned(),
                (_, gone) => format!("not in the cluster now; partitions miss {}", gone.join(", ")),
            };
            check
        })
    }

    /// Why Kafka answers on EMR's other port, and not on the one that the rule says.
    fn other_port(&self, look: &Look) -> Fault {
        let cluster = &self.facts.cluster;
        if !(cluster.rule().from_3_11 && cluster.network == Network::Public && cluster.port.is_none()) {
            return Fault::WrongPort;
        }
        // Brokers that know long domains there are of a release before 3.11, which serves the public network on that port.
        let told = look.listener().and_then(|listener| listener.told.as_ref());
        let names = told.is_some_and(|told| told.brokers.iter().any(|broker| broker.host.parse::<IpAddr>().is_err()));
        if names { Fault::WrongPort } else { Fault::PublicAccessOff }
    }

    fn probe(&self) -> Option<Check> {
        let (topic, outcome) = self.facts.probe.as_ref()?;
        let mut check = Judge::check(Step::Probe, &format!("topic {topic}"));
        match outcome {
            Ok(()) => check.says = "a message was produced and consumed".to_owned(),
            Err(why) => {
                check.verdict = Verdict::Fault;
                check.fault = Some(Fault::ProbeFailed);
                check.says = OneLine(why).to_string();
            }
        }
        Some(check)
    }

    /// Takes back the causes that are only what follows from others. Their checks stay bad.
    fn forget_what_follows(&self, checks: &mut [Check]) {
        let is_bad = |step, check: &&Check| check.step == step && check.verdict == Verdict::Fault;
        let of_step = |step| checks.iter().filter(move |check| check.step == step);
        let other_cluster = of_step(Step::Client).any(|check| check.fault == Some(Fault::OtherCluster));
        let no_way_in = of_step(Step::Bootstrap).all(|check| check.verdict == Verdict::Fault);
        let bad_listener = checks.iter().any(|check| is_bad(Step::Listener, &check) || is_bad(Step::Client, &check));
        let not_built_in = self.facts.view.as_ref().err().and_then(|complaints| complaints.first());
        let not_built_in = not_built_in.is_some_and(|complaint| complaint.kind == Trouble::NotBuiltIn);
        for check in checks {
            match check.fault {
                Some(
                    Fault::WrongId
                    | Fault::UnknownBroker
                    | Fault::NotABroker
                    | Fault::BrokerDown
                    | Fault::BrokerMissing
                    | Fault::NamesSwapped,
                ) if other_cluster => check.fault = None,
                Some(Fault::LoginRefused | Fault::ClientFailed) if no_way_in && !not_built_in => {
                    check.fault = None;
                    // What librdkafka says of it is another thing each time, and leads away from the cause.
                    check.says = "no metadata, because of the above".to_owned();
                }
                Some(Fault::ProbeFailed) if bad_listener => check.fault = None,
                _ => {}
            }
        }
    }

    fn findings(&self, checks: &[Check]) -> Vec<Finding> {
        let mut found: BTreeMap<Fault, (Verdict, Vec<String>)> = BTreeMap::new();
        for check in checks {
            let Some(fault) = check.fault else { continue };
            let (verdict, evidence) = found.entry(fault).or_insert((Verdict::Ok, Vec::new()));
            *verdict = (*verdict).max(check.verdict);
            evidence.push(format!("{}: {}", check.subject, check.says));
        }
        let cluster = &self.facts.cluster;
        let contacts = self.facts.bootstrap.iter().chain(self.facts.listeners.iter().map(|listener| &listener.contact));
        let login = contacts.filter_map(Contact::listener).any(|listener| listener.mechanisms.is_some());
        let finding = |(fault, (verdict, evidence)): (Fault, (Verdict, Vec<String>))| Finding {
            fault,
            verdict,
            cause: fault.cause(),
            evidence,
            cure: fault.cure(cluster, &self.facts.settings, login),
            document: fault.step(cluster.rule()).map(|step| format!("{}: {step}", cluster.rule().section)),
        };
        let mut findings: Vec<Finding> = found.into_iter().map(finding).collect();
        // What only will go wrong comes after what does, and what befalls one broker after what befalls the client.
        let everywhere = |fault| {
            let all = |step| {
                let mut of_step = checks.iter().filter(|check| check.step == step).peekable();
                of_step.peek().is_some() && of_step.all(|check| check.fault == Some(fault))
            };
            [Step::Bootstrap, Step::Client, Step::Listener].into_iter().any(all)
        };
        findings.sort_by_key(|finding| (Reverse(finding.verdict), !everywhere(finding.fault), finding.fault));
        findings
    }
}

/// The protocol of a listener, as clients call it, with its mechanisms.
fn protocol(listener: &Listener) -> String {
    let tls = listener.certificate.is_some();
    match &listener.mechanisms {
        None if tls => "SSL".to_owned(),
        None => "PLAINTEXT".to_owned(),
        Some(mechanisms) => {
            let protocol = if tls { "SASL_SSL" } else { "SASL_PLAINTEXT" };
            format!("{protocol} ({})", shown(mechanisms))
        }
    }
}

/// Whether nobody outside the cluster's networks can dial an address.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private(),
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

/// The first few of a list.
fn shown(list: &[String]) -> String {
    const MOST: usize = 4;
    match list {
        [] => "nothing".to_owned(),
        _ if list.len() > MOST => format!("{} and {} more", list[..MOST].join(", "), list.len() - MOST),
        _ => list.join(", "),
    }
}

#[cfg(test)]
mod tests;
