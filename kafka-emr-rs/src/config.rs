//! What becomes of a client's configuration.

use kafka_emr_core::Resolver;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::Error;

/// The two names of one property.
const BOOTSTRAP_SERVERS: [&str; 2] = ["bootstrap.servers", "metadata.broker.list"];

/// A configuration with which nothing resolves yet, and the brokers to add once the hook is in.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) config: ClientConfig,
    pub(crate) bootstrap_servers: String,
}

pub(crate) fn prepare(config: &ClientConfig, resolver: &Resolver) -> Result<Prepared, Error> {
    if config
        .get("client.dns.lookup")
        .is_some_and(|lookup| lookup.eq_ignore_ascii_case("resolve_canonical_bootstrap_servers_only"))
    {
        return Err(Error::config(
            "client.dns.lookup=resolve_canonical_bootstrap_servers_only replaces long domains by the reverse lookup of \
             their addresses, which nobody can connect to or check a certificate against; remove it or set use_all_dns_ips",
        ));
    }
    if config.get("test.mock.num.brokers").is_some_and(|brokers| brokers != "0") {
        return Err(Error::config(
            "test.mock.num.brokers connects the client to a mock cluster of its own instead of the EMR cluster; \
             remove it, and use mocking::MockEmrCluster for an embedded cluster with long domains",
        ));
    }
    let bootstrap_servers = match own_bootstrap_servers(config)? {
        Some(own) => own,
        None => {
            let mechanism = config.get("sasl.mechanism").or_else(|| config.get("sasl.mechanisms"));
            resolver.client_bootstrap_servers(config.get("security.protocol"), mechanism)?
        }
    };
    let mut config = config.clone();
    for property in BOOTSTRAP_SERVERS {
        config.remove(property);
    }
    config.set("client.dns.lookup", "use_all_dns_ips");
    if config.get("debug").is_none() {
        // Keeps librdkafka from warning at creation that there are no bootstrap servers. rdkafka sets the level that the
        // user wants right after.
        config.set("log_level", (RDKafkaLogLevel::Error as i32).to_string());
    }
    Ok(Prepared { config, bootstrap_servers })
}

/// The servers that the user set himself. They are kept; the hook maps their names as well.
fn own_bootstrap_servers(config: &ClientConfig) -> Result<Option<String>, Error> {
    let own = BOOTSTRAP_SERVERS.iter().find_map(|property| {
        let value = config.get(property)?.trim();
        (!value.is_empty()).then_some((property, value))
    });
    let Some((property, value)) = own else { return Ok(None) };
    if let Some(c) = value.chars().find(|c| !c.is_ascii_graphic() && *c != ' ') {
        return Err(Error::config(format!(
            "{property}: {value:?} has the character {c:?} (U+{:04X}); expected host:port,host:port with ASCII commas",
            u32::from(c)
        )));
    }
    Ok(Some(value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const SOURCE: &str = "emr://48742?release=3.11&emr-worker-1=10.0.1.24";

    fn prepared(properties: &[(&str, &str)]) -> Result<Prepared, Error> {
        prepared_of(SOURCE, properties)
    }

    fn prepared_of(source: &str, properties: &[(&str, &str)]) -> Result<Prepared, Error> {
        let mut config = ClientConfig::new();
        for (property, value) in properties {
            config.set(*property, *value);
        }
        prepare(&config, &Resolver::open(source).unwrap())
    }

    #[track_caller]
    fn check(properties: &[(&str, &str)], servers: &str) {
        assert_eq!(prepared(properties).unwrap().bootstrap_servers, servers, "{properties:?}");
    }

    #[test]
    fn clients_list_names_wherever_they_are_known() {
        let names = "emr-worker-1.cluster-48742:9092";
        check(&[], names);
        check(&[("bootstrap.servers", "")], names);
        check(&[("security.protocol", "plaintext")], names);
        check(&[("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "SCRAM-SHA-512")], names);
        let servers =
            |source: &str| prepare(&ClientConfig::new(), &Resolver::open(source).unwrap()).unwrap().bootstrap_servers;
        assert_eq!(servers("emr://?release=3.11&emr-worker-1=10.0.1.24"), "10.0.1.24:9092");
        assert_eq!(servers(&format!("{SOURCE}&bootstrap=addresses")), "10.0.1.24:9092");
    }

    #[test]
    fn security_that_compares_names_cannot_do_without() {
        // No id, so no long domain is known.
        let without_id =
            |properties: &[(&str, &str)]| prepared_of("emr://?release=3.11&emr-worker-1=10.0.1.24", properties);
        let in_need: [&[(&str, &str)]; 5] = [
            &[("security.protocol", "SSL")],
            &[("security.protocol", "sasl_ssl"), ("sasl.mechanism", "PLAIN")],
            &[("sasl.mechanism", "GSSAPI")],
            &[("sasl.mechanisms", "gssapi")],
            // librdkafka's default mechanism is GSSAPI.
            &[("security.protocol", "SASL_PLAINTEXT")],
        ];
        for properties in in_need {
            let error = without_id(properties).err().unwrap_or_else(|| panic!("{properties:?} needs names"));
            assert_eq!(error.kind(), ErrorKind::Resolver, "{error}");
        }
        let content: [&[(&str, &str)]; 3] = [
            &[],
            &[("security.protocol", "plaintext")],
            &[("security.protocol", "SASL_PLAINTEXT"), ("sasl.mechanism", "SCRAM-SHA-256")],
        ];
        for properties in content {
            assert_eq!(without_id(properties).unwrap().bootstrap_servers, "10.0.1.24:9092", "{properties:?}");
        }
    }

    #[test]
    fn own_servers_are_kept() {
        check(&[("bootstrap.servers", "emr-worker-1:9093")], "emr-worker-1:9093");
        check(&[("metadata.broker.list", " a:1, b:2 "), ("security.protocol", "SSL")], "a:1, b:2");
        let prepared = prepared(&[("bootstrap.servers", "a:1"), ("metadata.broker.list", "b:1")]).unwrap();
        assert!(BOOTSTRAP_SERVERS.iter().all(|property| prepared.config.get(property).is_none()));
        assert_eq!(prepared.config.get("client.dns.lookup"), Some("use_all_dns_ips"));
    }

    #[track_caller]
    fn refuse(property: &str, value: &str, says: &str) {
        let error = prepared(&[(property, value)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(says) && error.to_string().contains(property), "{error}");
    }

    #[test]
    fn refuses_what_cannot_work() {
        refuse("client.dns.lookup", "resolve_canonical_bootstrap_servers_only", "use_all_dns_ips");
        refuse("client.dns.lookup", "RESOLVE_CANONICAL_BOOTSTRAP_SERVERS_ONLY", "use_all_dns_ips");
        refuse("test.mock.num.brokers", "3", "MockEmrCluster");
        refuse("bootstrap.servers", "emr-worker-1:9092，emr-worker-2:9092", "U+FF0C");
    }
}
