//! All of these clients on Apache Kafka: by long domains (R3), and from private IPs to EIPs (R2).

use crate::site::Site;
use crate::{c, plugin, python};

fn all_work_on(site: &Site) {
    c::works_on(site);
    plugin::works_on(site);
    python::works_on(site);
}

#[test]
fn r3_before_3_11_on_the_private_network() {
    all_work_on(&Site::r3());
}

#[test]
fn r2_from_3_11_on_the_public_network() {
    all_work_on(&Site::r2());
}
