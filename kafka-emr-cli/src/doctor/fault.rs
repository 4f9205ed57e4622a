//! What can be wrong, and what to do about it. One row each; `docs/troubleshooting.md` has a section each.

use kafka_emr_core::{Cluster, Network, Rule};
use serde::{Serialize, Serializer};

use super::settings::Settings;

/// A cause. The earlier one explains the later ones, so that the first that is found is shown first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    OtherCluster,
    WrongId,
    NameUnknown,
    NetworkUnreachable,
    PublicAccessOff,
    WrongPort,
    NothingListens,
    Mute,
    NotKafka,
    TlsExpected,
    TlsNotExpected,
    NamesSwapped,
    CertificateName,
    CertificateExpired,
    CertificateUntrusted,
    ClientCertificate,
    SaslExpected,
    SaslNotExpected,
    SaslMechanism,
    LoginRefused,
    PrincipalNotHost,
    UnknownBroker,
    BrokerDown,
    BrokerNotListening,
    BrokerUnreachable,
    BrokerMissing,
    NotABroker,
    ClientFailed,
    ProbeFailed,
    StaleHostsLine,
}

use Fault::{
    BrokerDown, BrokerMissing, BrokerNotListening, BrokerUnreachable, CertificateExpired, CertificateName,
    CertificateUntrusted, ClientCertificate, ClientFailed, LoginRefused, Mute, NameUnknown, NamesSwapped,
    NetworkUnreachable, NotABroker, NotKafka, NothingListens, OtherCluster, PrincipalNotHost, ProbeFailed,
    PublicAccessOff, SaslExpected, SaslMechanism, SaslNotExpected, StaleHostsLine, TlsExpected, TlsNotExpected,
    UnknownBroker, WrongId, WrongPort,
};

/// Every fault, with its code and what it means.
const TABLE: [(Fault, &str, &str); 30] = [
    (
        OtherCluster,
        "other-cluster",
        "another cluster answers: not the one that cluster_id names, or not that of the other brokers",
    ),
    (WrongId, "wrong-id", "the brokers' long domains are of another cluster than the description's id"),
    (NameUnknown, "name-unknown", "the name of a bootstrap server leads nowhere"),
    (
        NetworkUnreachable,
        "network-unreachable",
        "no broker answers: the networks are not joined, or a security group does not let this machine in",
    ),
    (
        PublicAccessOff,
        "public-access-off",
        "the brokers are not set up for clients on the public network: kafka.public-access.enable",
    ),
    (WrongPort, "wrong-port", "Kafka listens on another port than the one that clients are told to dial"),
    (NothingListens, "nothing-listens", "nothing listens on the brokers' port"),
    (Mute, "mute", "something takes connections and does not answer: a broker that hangs, or a tunnel to nowhere"),
    (NotKafka, "not-kafka", "something answers that is no Kafka broker"),
    (TlsExpected, "tls-expected", "the brokers speak TLS on this port, and the client does not"),
    (TlsNotExpected, "tls-not-expected", "the client speaks TLS, and the brokers do not on this port"),
    (NamesSwapped, "names-swapped", "a broker's name leads to another broker: the description mixes up addresses"),
    (CertificateName, "certificate-name", "a broker's certificate is not for the name by which clients dial it"),
    (CertificateExpired, "certificate-expired", "a broker's certificate is not valid at this time"),
    (CertificateUntrusted, "certificate-untrusted", "the client does not trust a broker's certificate"),
    (
        ClientCertificate,
        "client-certificate",
        "the brokers ask for a client certificate, and get none that they accept",
    ),
    (SaslExpected, "sasl-expected", "the brokers ask for a login (SASL), and the client has none"),
    (SaslNotExpected, "sasl-not-expected", "the client logs in (SASL), and the brokers have no login on this port"),
    (SaslMechanism, "sasl-mechanism", "the brokers do not offer the SASL mechanism that the client uses"),
    (LoginRefused, "login-refused", "the brokers refuse the login"),
    (
        PrincipalNotHost,
        "principal-not-host",
        "listeners.address.principal is not HOST: the brokers advertise addresses instead of long domains",
    ),
    (UnknownBroker, "unknown-broker", "the cluster has a broker that the description does not have"),
    (BrokerDown, "broker-down", "a broker is down"),
    (BrokerNotListening, "broker-not-listening", "nothing listens where a broker is to be found, while others answer"),
    (BrokerUnreachable, "broker-unreachable", "a broker does not answer, while others do"),
    (BrokerMissing, "broker-missing", "a described broker is not in the cluster: it is down, has moved, or is none"),
    (NotABroker, "not-a-broker", "a node is described as a broker, and the cluster has no broker there"),
    (ClientFailed, "client-failed", "the client learns nothing of the cluster"),
    (ProbeFailed, "probe-failed", "a message does not get through the probe topic"),
    (
        StaleHostsLine,
        "stale-hosts-line",
        "this machine itself resolves a long domain to an address that is not the broker's",
    ),
];

impl Fault {
    fn row(self) -> &'static (Fault, &'static str, &'static str) {
        TABLE.iter().find(|(fault, ..)| *fault == self).expect("the table has every fault")
    }

    /// Its name for machines, and in the documents.
    pub(crate) fn code(self) -> &'static str {
        self.row().1
    }

    /// What it means, in one sentence.
    pub(crate) fn cause(self) -> &'static str {
        self.row().2
    }

    /// What to do. `login` says whether the brokers ask for one.
    pub(crate) fn cure(self, cluster: &Cluster, settings: &Settings, login: bool) -> String {
        let port = cluster.broker_port();
        let sasl = |tls: bool| if tls { "SASL_SSL" } else { "SASL_PLAINTEXT" };
        match self {
            OtherCluster => "correct the addresses in the description, or cluster_id where it is the wrong one".to_owned(),
            WrongId => "correct `id` in the description to what the brokers' long domains end in".to_owned(),
            NameUnknown => "correct the name; `kafka-emr endpoints` shows the names that the description has".to_owned(),
            NetworkUnreachable => match cluster.network {
                Network::Private => format!(
                    "join the networks (Express Connect, VPC peering, or classic-to-VPC interconnection) and let this \
                     machine's address in to port {port} in the cluster's security group; from outside, set network = \
                     \"public\""
                ),
                Network::Public => format!(
                    "let this machine's public address in to port {port} in the cluster's security group, and see that \
                     each node has the EIP that the description says"
                ),
            },
            PublicAccessOff => "set kafka.public-access.enable to true in the cluster's Kafka configuration, run Sync \
                                Cluster Host Info, and restart Kafka"
                .to_owned(),
            WrongPort if settings.get("bootstrap.servers").is_some() => "correct the port in bootstrap.servers".to_owned(),
            WrongPort => match cluster.port {
                Some(port) => format!("correct or remove `port = {port}` in the description"),
                None => "correct `release` or `network` in the description, which choose the port; if the cluster was \
                         set up with another port, add `port` to the description"
                    .to_owned(),
            },
            NothingListens => format!("start Kafka on these nodes, or correct their addresses, the port {port}, or the tunnels that lead there"),
            Mute => "see that the broker is healthy (its log, its load), and where a tunnel's far end leads".to_owned(),
            NotKafka => "correct the address or the port: a Kafka broker has to answer there".to_owned(),
            TlsExpected => format!(
                "set security.protocol to {}, and ssl.ca.location to the certificate of the brokers' CA",
                if login { sasl(true) } else { "SSL" }
            ),
            TlsNotExpected => format!(
                "set security.protocol to {}, or enable TLS on the brokers (kafka.ssl.enable)",
                if login { sasl(false) } else { "PLAINTEXT" }
            ),
            NamesSwapped => "give each node in the description its own address; `kafka-emr import --update` takes them \
                             from the EMR API"
                .to_owned(),
            CertificateName => "have the certificates issued for the long domains (subject alternative names), and \
                                clients dial names (--bootstrap names). With ssl.endpoint.identification.algorithm=none \
                                clients connect without looking, and whoever has any trusted certificate can pose as a \
                                broker"
                .to_owned(),
            CertificateExpired => "renew the certificate, or set this machine's clock".to_owned(),
            ClientCertificate => "set ssl.certificate.location and ssl.key.location (or ssl.keystore.location, in PKCS12) \
                                  to a certificate whose CA the brokers trust"
                .to_owned(),
            CertificateUntrusted => "set ssl.ca.location to the certificate of the CA that signed the brokers' \
                                     certificates (of a Java truststore: `keytool -list -rfc -keystore FILE > ca.pem`)"
                .to_owned(),
            SaslExpected => format!(
                "set security.protocol to {}, sasl.mechanism to one that the brokers offer, and the user's name and \
                 password (or Kerberos principal)",
                sasl(settings.uses_tls())
            ),
            SaslNotExpected => {
                format!("set security.protocol to {}", if settings.uses_tls() { "SSL" } else { "PLAINTEXT" })
            }
            SaslMechanism => "set sasl.mechanism to one that the brokers offer".to_owned(),
            LoginRefused => "correct the user's name, password or keytab; see that the user exists in this cluster"
                .to_owned(),
            PrincipalNotHost => "set listeners.address.principal to HOST in the cluster's Kafka configuration, and \
                                 restart Kafka. Where private IPs are advertised, clients with kafka-emr get through \
                                 meanwhile"
                .to_owned(),
            UnknownBroker => "add the node to the description, correct its address there if it has moved, or have `kafka-emr import --update` take it from the EMR \
                              API"
                .to_owned(),
            BrokerDown => "start Kafka on the node; its log says why it ended".to_owned(),
            BrokerNotListening => "start Kafka on the node; if it runs there, correct the node's address, its port, or the \
                                   tunnel that leads there"
                .to_owned(),
            BrokerMissing => "if the node is a broker, start Kafka there, or correct its address where it has moved; if it \
                              is none, remove it from the description or say `broker = false`"
                .to_owned(),
            BrokerUnreachable => match cluster.network {
                Network::Private => format!(
                    "see that the machine runs, that its private IP is the described one, and that its security group \
                     lets this machine in to port {port}"
                ),
                Network::Public => format!(
                    "see that the node has an EIP, that it is the described one, and that its security group lets this \
                     machine in to port {port}"
                ),
            },
            NotABroker => "remove the node from the description or say `broker = false`; if it is to be a broker, start \
                           Kafka there"
                .to_owned(),
            ClientFailed => "see what librdkafka says; with KAFKA_EMR_LOG=debug and `-X debug=broker,security` it says more".to_owned(),
            ProbeFailed => "see that the topic exists and that the user may write and read it".to_owned(),
            StaleHostsLine => "remove the line, or correct the name service. Clients with kafka-emr do not look there; all others on this \
                               machine dial the wrong address"
                .to_owned(),
        }
    }

    /// The step of the EMR document "Cross-cluster access to Kafka" that mends it, where one does.
    pub(crate) fn step(self, rule: &Rule) -> Option<&'static str> {
        match (self, rule.network) {
            (NetworkUnreachable, Network::Private) => Some("join the networks"),
            (NetworkUnreachable | BrokerUnreachable, Network::Public) => {
                Some("EIPs for the core nodes, and security group rules that admit the clients")
            }
            (PublicAccessOff, _) => Some("set kafka.public-access.enable to true and restart Kafka"),
            (PrincipalNotHost, _) => Some("set listeners.address.principal to HOST and restart Kafka"),
            (StaleHostsLine, _) if !rule.from_3_11 => {
                Some("the hosts file of the client, which kafka-emr stands in for")
            }
            _ => None,
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_explanation() {
        assert!(TABLE.is_sorted_by(|one, next| one.0 < next.0));
    }

    #[test]
    fn the_documents_have_a_section_for_every_fault() {
        let page = include_str!("../../../docs/troubleshooting.md");
        for (_, code, cause) in TABLE {
            assert!(page.contains(&format!("\n## `{code}`\n")), "no section for {code} in docs/troubleshooting.md");
            assert!(page.contains(cause), "docs/troubleshooting.md does not say: {cause}");
        }
    }
}
