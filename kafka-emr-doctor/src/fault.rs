//! What can be wrong, and what to do about it: a row for each fault; `docs/troubleshooting.md` has a section for each.

use std::cmp::Reverse;
use std::fmt;

use kafka_emr_core::{BootstrapStyle, Cluster, Network, Rule};
use serde::{Serialize, Serializer};

use crate::{ClientSettings, Verdict};

/// Makes the enum, the list of all faults, and what each is called and means, from one table.
macro_rules! faults {
    ($($fault:ident $code:literal $cause:literal)+) => {
        /// A cause of trouble. A fault comes before those that it may explain; see [`Finding`](crate::Finding) for the order
        /// of a report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $(#[doc = $cause] $fault,)+
        }

        impl Fault {
            /// All faults, in their order.
            pub const ALL: &'static [Fault] = &[$(Fault::$fault),+];

            /// Returns its name for programs and in the documents, such as `broker-down`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Fault::$fault => $code),+ }
            }

            /// Returns what it means, in one sentence.
            #[must_use]
            pub fn cause(self) -> &'static str {
                match self { $(Fault::$fault => $cause),+ }
            }
        }
    };
}

faults! {
    OtherCluster "other-cluster"
        "another cluster answers: not the one that cluster_id names, or not that of the other brokers"
    WrongId "wrong-id"
        "the brokers' long domains are of another cluster than the description's id"
    NameUnknown "name-unknown"
        "the name of a bootstrap server does not resolve"
    NetworkUnreachable "network-unreachable"
        "no broker answers: the networks are not joined, or a security group does not admit this machine"
    PublicAccessOff "public-access-off"
        "the brokers are not set up for clients on the public network"
    WrongPort "wrong-port"
        "Kafka listens on another port than the one that clients dial"
    NothingListens "nothing-listens"
        "nothing listens on the brokers' port"
    Unresponsive "unresponsive"
        "something accepts connections and does not answer: a broker that hangs, or a tunnel with nothing behind it"
    NotKafka "not-kafka"
        "something other than a Kafka broker answers"
    TlsExpected "tls-expected"
        "the brokers speak TLS on this port, and the client does not"
    TlsNotExpected "tls-not-expected"
        "the client speaks TLS, and the brokers do not on this port"
    NamesSwapped "names-swapped"
        "another broker answers at a broker's name: the description mixes up addresses"
    CertificateName "certificate-name"
        "a broker's certificate is not for the name by which clients dial it"
    CertificateExpired "certificate-expired"
        "a broker's certificate is not valid at this time"
    CertificateUntrusted "certificate-untrusted"
        "the client does not trust a broker's certificate"
    ClientCertificate "client-certificate"
        "the brokers ask for a client certificate, and get none that they accept"
    SaslExpected "sasl-expected"
        "the brokers ask for a login (SASL), and the client has none"
    SaslNotExpected "sasl-not-expected"
        "the client logs in (SASL), and the brokers have no login on this port"
    SaslMechanism "sasl-mechanism"
        "the brokers do not offer the SASL mechanism that the client uses"
    LoginRefused "login-refused"
        "the brokers refuse the login"
    PrincipalNotHost "principal-not-host"
        "the brokers advertise addresses, and clients need their long domains"
    UnknownBroker "unknown-broker"
        "the cluster has a broker that is not in the description"
    BrokerDown "broker-down"
        "a broker is down"
    BrokerNotListening "broker-not-listening"
        "nothing listens at a broker's address, while other brokers answer"
    BrokerUnreachable "broker-unreachable"
        "a broker does not answer, while others do"
    BrokerMissing "broker-missing"
        "a described broker is not in the cluster: it is down, has moved, or is not a broker"
    NotABroker "not-a-broker"
        "a node is described as a broker, and the cluster has no broker there"
    ClientFailed "client-failed"
        "the client gets no metadata from the cluster"
    ProbeFailed "probe-failed"
        "a message does not get through the probe topic"
    StaleHostsLine "stale-hosts-line"
        "this machine itself resolves a long domain to an address that is not the broker's"
}

use Fault::{
    BrokerDown, BrokerMissing, BrokerNotListening, BrokerUnreachable, CertificateExpired, CertificateName,
    CertificateUntrusted, ClientCertificate, ClientFailed, LoginRefused, NameUnknown, NamesSwapped, NetworkUnreachable,
    NotABroker, NotKafka, NothingListens, OtherCluster, PrincipalNotHost, ProbeFailed, PublicAccessOff, SaslExpected,
    SaslMechanism, SaslNotExpected, StaleHostsLine, TlsExpected, TlsNotExpected, UnknownBroker, Unresponsive, WrongId,
    WrongPort,
};

/// The order of a report's findings, the only one there is: what fails before what only may; then what every client meets
/// before what concerns single brokers; then the order of [`Fault`], in which a fault comes before those that it may explain.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Precedence {
    verdict: Reverse<Verdict>,
    scope: Scope,
    fault: Fault,
}

/// How much of the cluster a fault concerns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// All bootstrap servers, all advertised listeners, or the client itself.
    Cluster,
    Brokers,
}

impl Precedence {
    pub(crate) fn new(verdict: Verdict, scope: Scope, fault: Fault) -> Self {
        Precedence { verdict: Reverse(verdict), scope, fault }
    }
}

impl Fault {
    /// Returns the fault of brokers that do not have what a rule requires; `None` if the rule requires nothing.
    pub(crate) fn of_requirement(rule: &Rule) -> Option<Fault> {
        match (rule.network, rule.bootstrap) {
            (Network::Private, _) => None,
            (Network::Public, BootstrapStyle::Addresses) => Some(PublicAccessOff),
            (Network::Public, BootstrapStyle::Names) => Some(PrincipalNotHost),
        }
    }

    /// Returns what to do, for brokers that speak this protocol.
    pub(crate) fn cure(self, cluster: &Cluster, settings: &ClientSettings, protocol: Protocol) -> String {
        let port = cluster.broker_port();
        match self {
            OtherCluster => {
                "correct the addresses in the description, or cluster_id if that is the wrong one".to_owned()
            }
            WrongId => "correct `id` in the description to what the brokers' long domains end in".to_owned(),
            NameUnknown => "correct the name; `kafka-emr endpoints` shows the names in the description".to_owned(),
            NetworkUnreachable => match cluster.network() {
                Network::Private => format!(
                    "join the networks (Express Connect, VPC peering, or classic-to-VPC interconnection) and admit this \
                     machine's address to port {port} in the cluster's security group; from outside, set network = \
                     \"public\""
                ),
                Network::Public => format!(
                    "admit this machine's public address to port {port} in the cluster's security group, and check that \
                     each node has the EIP in the description"
                ),
            },
            PublicAccessOff => format!(
                "{} in the cluster's Kafka configuration, run Sync Cluster Host Info, and restart Kafka",
                requirement(cluster.rule())
            ),
            WrongPort if settings.get("bootstrap.servers").is_some() => {
                "correct the port in bootstrap.servers".to_owned()
            }
            WrongPort => match port == cluster.rule().port {
                false => format!("correct or remove `port = {port}` in the description"),
                true => "correct `release` or `network` in the description, which choose the port; if the cluster was \
                         set up with another port, add `port` to the description"
                    .to_owned(),
            },
            NothingListens => format!(
                "start Kafka on these nodes, or correct their addresses, the port {port}, or the tunnels to them"
            ),
            Unresponsive => {
                "check the broker's health (its log, its load), and what is at a tunnel's far end".to_owned()
            }
            NotKafka => "correct the address or the port: a Kafka broker has to answer there".to_owned(),
            TlsExpected => format!(
                "set security.protocol to {}, and ssl.ca.location to the certificate of the brokers' CA",
                protocol.word()
            ),
            TlsNotExpected => format!(
                "set security.protocol to {}, or enable TLS on the brokers (kafka.ssl.enable)",
                protocol.word()
            ),
            NamesSwapped => "give each node in the description its own address; `kafka-emr import --update` takes them \
                             from the EMR API"
                .to_owned(),
            CertificateName => "have the certificates issued for the long domains (subject alternative names), and let \
                                clients dial names (--bootstrap names). With ssl.endpoint.identification.algorithm=none \
                                clients connect without comparing names, and anyone with a trusted certificate can pose \
                                as a broker"
                .to_owned(),
            CertificateExpired => "renew the certificate, or set this machine's clock".to_owned(),
            ClientCertificate => "set ssl.certificate.location and ssl.key.location (or ssl.keystore.location, in \
                                  PKCS12) to a certificate whose CA the brokers trust"
                .to_owned(),
            CertificateUntrusted => "set ssl.ca.location to the certificate of the CA that signed the brokers' \
                                     certificates (of a Java truststore: `keytool -list -rfc -keystore FILE > ca.pem`)"
                .to_owned(),
            SaslExpected => format!(
                "set security.protocol to {}, sasl.mechanism to one that the brokers offer, and the user's name and \
                 password (or Kerberos principal)",
                protocol.word()
            ),
            SaslNotExpected => format!("set security.protocol to {}", protocol.word()),
            SaslMechanism => "set sasl.mechanism to one that the brokers offer".to_owned(),
            LoginRefused => {
                "correct the user's name, password or keytab; check that the user exists in this cluster".to_owned()
            }
            PrincipalNotHost => format!(
                "{} in the cluster's Kafka configuration, and restart Kafka. If private IPs are advertised, clients with \
                 kafka-emr get through meanwhile",
                requirement(cluster.rule())
            ),
            UnknownBroker => "add the node to the description, correct its address there if it has moved, or have \
                              `kafka-emr import --update` take it from the EMR API"
                .to_owned(),
            BrokerDown => "start Kafka on the node; its log shows why it ended".to_owned(),
            BrokerNotListening => "start Kafka on the node; if it runs there, correct the node's address, its port, or \
                                   the tunnel to it"
                .to_owned(),
            BrokerMissing => "if the node is a broker, start Kafka there, or correct its address if it has moved; if it \
                              is not, remove it from the description or set `broker = false`"
                .to_owned(),
            BrokerUnreachable => match cluster.network() {
                Network::Private => format!(
                    "check that the machine runs, that its private IP is the described one, and that its security group \
                     admits this machine to port {port}"
                ),
                Network::Public => format!(
                    "check that the node has an EIP, that it is the described one, and that its security group admits \
                     this machine to port {port}"
                ),
            },
            NotABroker => "remove the node from the description or set `broker = false`; if it is to be a broker, start \
                           Kafka there"
                .to_owned(),
            ClientFailed => "read librdkafka's error; KAFKA_EMR_LOG=debug with `-X debug=broker,security` shows more"
                .to_owned(),
            ProbeFailed => "check that the topic exists and that the user may write and read it".to_owned(),
            StaleHostsLine => "remove the line, or correct the name service. Clients with kafka-emr do not read it; all \
                               other programs on this machine dial the wrong address"
                .to_owned(),
        }
    }

    /// Returns the step of the EMR document "Cross-cluster access to Kafka" that mends it, if one does.
    pub(crate) fn document_step(self, rule: &Rule) -> Option<String> {
        match (self, rule.network, rule.bootstrap) {
            (NetworkUnreachable, Network::Private, _) => Some("join the networks".to_owned()),
            (NetworkUnreachable | BrokerUnreachable, Network::Public, _) => {
                Some("EIPs for the core nodes, and security group rules that admit the clients".to_owned())
            }
            (PublicAccessOff | PrincipalNotHost, ..) => Some(format!("{} and restart Kafka", requirement(rule))),
            (StaleHostsLine, _, BootstrapStyle::Names) => {
                Some("the hosts file of the client, which kafka-emr stands in for".to_owned())
            }
            _ => None,
        }
    }
}

/// The security protocol that brokers speak.
#[derive(Clone, Copy)]
pub(crate) struct Protocol {
    pub(crate) tls: bool,
    pub(crate) login: bool,
}

impl Protocol {
    /// Returns the value for `security.protocol`.
    pub(crate) fn word(self) -> &'static str {
        match (self.tls, self.login) {
            (false, false) => "PLAINTEXT",
            (true, false) => "SSL",
            (false, true) => "SASL_PLAINTEXT",
            (true, true) => "SASL_SSL",
        }
    }
}

/// What to do so that the brokers have what the rule requires.
fn requirement(rule: &Rule) -> String {
    match rule.requirement {
        Some(setting) => format!("set {setting}"),
        None => format!("admit clients on the {} network", rule.network),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
