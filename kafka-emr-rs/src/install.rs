//! The way in: puts the hook into a client that runs already.
//!
//! rdkafka builds its native configuration inside its clients and has no setter for the resolve callback. So the client
//! is made without bootstrap servers, the callback is set in the running client's own configuration, and then its brokers
//! are added. This rests on what ARCHITECTURE.md lists under "The hook's way in", and the tests in `tests/embedded`
//! fail when a new librdkafka breaks it.

use std::ffi::{CString, c_void};

use kafka_emr_hook::{Hook, ResolveCallback, guard};
use rdkafka::bindings::{
    rd_kafka_brokers_add, rd_kafka_conf, rd_kafka_conf_interceptor_add_on_conf_destroy, rd_kafka_resp_err_t,
};
use rdkafka::types::{RDKafka, RDKafkaConf};

use crate::Error;

unsafe extern "C" {
    // In librdkafka since 2.0.0, but not in rdkafka-sys's bindings.
    fn rd_kafka_conf_set_resolve_cb(conf: *mut RDKafkaConf, resolve_cb: Option<ResolveCallback>);
}

/// Sets the hook in a client that has no brokers yet, then adds its brokers.
///
/// # Safety
///
/// `client` is a live librdkafka client that was made without bootstrap servers.
pub(crate) unsafe fn install(client: *mut RDKafka, hook: Hook, bootstrap_servers: &str) -> Result<(), Error> {
    let servers = CString::new(bootstrap_servers)
        .map_err(|_| Error::config(format!("bootstrap.servers: {bootstrap_servers:?} has a NUL character")))?;
    let callback = hook.callback();
    let opaque = hook.into_opaque();
    // SAFETY: `client` is live. Its configuration is written although librdkafka hands it out as read-only: no broker
    // exists, so no thread reads the field or destroys the interceptor list before `rd_kafka_brokers_add` below, which
    // takes the client's lock and thereby publishes both writes to the threads it starts.
    unsafe {
        let conf = rd_kafka_conf(client).cast_mut();
        let name = c"kafka-emr".as_ptr();
        let code = rd_kafka_conf_interceptor_add_on_conf_destroy(conf, name, Some(on_conf_destroy), opaque);
        if code != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            drop(Hook::from_opaque(opaque));
            return Err(Error::config(format!("librdkafka refuses the interceptor that ends the hook: {code:?}")));
        }
        rd_kafka_conf_set_resolve_cb(conf, Some(callback));
        if rd_kafka_brokers_add(client, servers.as_ptr()) == 0 {
            return Err(Error::config(format!(
                "bootstrap.servers: no broker in {bootstrap_servers:?}; expected host:port,host:port"
            )));
        }
    }
    Ok(())
}

/// Is called when the client's configuration is freed, after the last of its threads has ended: from then on nobody calls
/// the callback for this client.
unsafe extern "C" fn on_conf_destroy(opaque: *mut c_void) -> rd_kafka_resp_err_t {
    // SAFETY: librdkafka passes the opaque of `install`, once.
    guard("freeing a client's resolver", (), || drop(unsafe { Hook::from_opaque(opaque) }));
    rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR
}
