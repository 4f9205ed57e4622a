//! All of these clients on Apache Kafka: by long domains (R3), and from private IPs to EIPs (R2).

use kafka_emr_tests::KafkaVersion;

use crate::site::Site;
use crate::{both_ways, c, doctor, exec, hosts, import, plugin, python, static_programs};

fn all_work_on(site: &Site) {
    c::works_on(site);
    plugin::works_on(site);
    python::works_on(site);
}

#[test]
fn r3_before_3_11_on_the_private_network() {
    let site = Site::r3();
    all_work_on(&site);
    exec::works_on(&site, KafkaVersion::V1_0_1);
    both_ways::work_on(&site, KafkaVersion::V1_0_1);
    static_programs::work_on(&site);
    hosts::works_on(&site, KafkaVersion::V1_0_1);
    import::old_console_works_on(&site, KafkaVersion::V1_0_1);
}

#[test]
fn r2_from_3_11_on_the_public_network() {
    let site = Site::r2();
    all_work_on(&site);
    exec::works_on(&site, KafkaVersion::V2_4_1);
    both_ways::work_on(&site, KafkaVersion::V2_4_1);
    static_programs::work_on(&site);
    doctor::private_ips_on_the_public_port(&site);
    import::new_console_works_on(&site, KafkaVersion::V2_4_1);
}
