//! What the client that examines is built with.

use kafka_emr_rs::rdkafka::ClientConfig;

/// Returns librdkafka's names for what it is built with, such as `ssl`, `sasl_scram`, `zstd`.
#[must_use]
pub fn librdkafka_features() -> Vec<String> {
    let config = ClientConfig::new().create_native_config();
    let features = config.and_then(|config| config.get("builtin.features")).unwrap_or_default();
    features.split(',').map(|feature| feature.trim().to_owned()).collect()
}

/// Returns whether the client can log in by Kerberos.
#[must_use]
pub fn has_kerberos() -> bool {
    librdkafka_features().iter().any(|feature| feature == "sasl_gssapi")
}
