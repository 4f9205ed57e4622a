//! Puts a resolver into a librdkafka configuration.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Once;

use kafka_emr_hook::{Hook, guard};
use libc::addrinfo;

use crate::client_log;
use crate::error::Error;
use crate::errstr::ErrStr;
use crate::librdkafka::{CONF_INVALID, CONF_OK, Client, Conf, Function, Librdkafka, NO_ERROR, RespErr};
use crate::owned::{Owned, attach, interceptor_error};
use crate::pin::{Pin, warn_once};
use crate::plugin::caller;
use crate::resolver::ResolverHandle;
use crate::shared;

/// Both names of one property; librdkafka takes the one for the other.
pub(crate) const BOOTSTRAP_SERVERS: &CStr = c"bootstrap.servers";

/// Whether a value of bootstrap.servers names a source.
pub(crate) fn is_source(value: &str) -> bool {
    value.trim().get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("emr://"))
}

const CLIENT_DNS_LOOKUP: &CStr = c"client.dns.lookup";

const CANONICAL: &str = "resolve_canonical_bootstrap_servers_only";

/// Refuses a value of client.dns.lookup that the hook cannot work with.
pub(crate) fn check_dns_lookup(value: &str) -> Result<(), Error> {
    if !value.trim().eq_ignore_ascii_case(CANONICAL) {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "client.dns.lookup={CANONICAL} replaces long domains by the reverse lookup of their addresses, which nobody can \
         connect to or check a certificate against; remove it or set use_all_dns_ips"
    )))
}

/// Refuses a configuration that the hook cannot work with.
///
/// # Safety
///
/// `conf` is a live configuration of this librdkafka.
pub(crate) unsafe fn check(librdkafka: &Librdkafka, conf: *const Conf) -> Result<(), Error> {
    // SAFETY: the caller vouches for `conf`.
    let (lookup, callback) = unsafe { (librdkafka.get(conf, CLIENT_DNS_LOOKUP), librdkafka.callback(conf)) };
    check_dns_lookup(lookup.as_deref().unwrap_or_default())?;
    match callback {
        Some(address) if !Hook::is_callback(address) && address != resolve_nothing as *const () as usize => {
            Err(other_callback(address))
        }
        _ => Ok(()),
    }
}

/// The error for a resolve callback that is not this library's. It may be that of a second copy of this library.
pub(crate) fn other_callback(address: usize) -> Error {
    let file = caller::file_of(address as *const c_void).map_or_else(String::new, |file| format!(", in {file}"));
    Error::configuration(format!(
        "a resolve callback is set already{file}, and a client can have one only: remove it, or a second libkafka_emr, or \
         call kafka_emr_lookup() in it"
    ))
}

/// Reads sasl.mechanisms. librdkafka's default, GSSAPI, looks like one that is set, and means the same.
///
/// # Safety
///
/// `conf` is a live configuration of this librdkafka.
pub(crate) unsafe fn sasl_mechanism(librdkafka: &Librdkafka, conf: *const Conf) -> Option<String> {
    // SAFETY: the caller vouches for `conf`.
    let mechanism = unsafe { librdkafka.get(conf, c"sasl.mechanisms") };
    mechanism.filter(|mechanism| !mechanism.eq_ignore_ascii_case("GSSAPI"))
}

/// Sets the hook's callback, and what belongs to it.
///
/// # Safety
///
/// `conf` is a live configuration of this librdkafka, nobody else uses it meanwhile, and it keeps the hook alive.
pub(crate) unsafe fn set(librdkafka: &Librdkafka, conf: *mut Conf, hook: &Hook) -> Result<(), Error> {
    // SAFETY: the caller vouches for `conf`.
    unsafe {
        librdkafka.set_callback(conf, hook.callback());
        // Since 2.2.0; before, there was no other way.
        if librdkafka.get(conf, CLIENT_DNS_LOOKUP).is_some() {
            librdkafka.set(conf, CLIENT_DNS_LOOKUP, "use_all_dns_ips")?;
        }
    }
    Ok(())
}

/// The callback of a client that has no cluster: it resolves nothing, so that a mistake is seen and no other resolver is
/// asked instead.
pub(crate) unsafe extern "C" fn resolve_nothing(
    node: *const c_char,
    service: *const c_char,
    _hints: *const addrinfo,
    res: *mut *mut addrinfo,
    _opaque: *mut c_void,
) -> c_int {
    guard("the resolve callback", libc::EAI_FAIL, || {
        // SAFETY: librdkafka passes a pointer to write to.
        if let Some(list) = unsafe { res.as_mut() } {
            *list = ptr::null_mut();
        }
        if node.is_null() && service.is_null() {
            return 0;
        }
        // Once: librdkafka tries again and again, and has shown for each client what is wrong with it.
        static LOGGED: Once = Once::new();
        LOGGED.call_once(|| {
            log::error!("no name is resolved for a client that has no cluster; its warning has the reason")
        });
        libc::EAI_FAIL
    })
}

/// What a configuration owns that a C program gave a resolver to.
struct Applied {
    librdkafka: Librdkafka,
    hook: Hook,
    /// A name for each hook, so that a configuration can be seen to have it.
    name: CString,
    pin: Pin,
}

impl Owned for Applied {
    fn librdkafka(&self) -> &Librdkafka {
        &self.librdkafka
    }

    fn name(&self) -> &CStr {
        &self.name
    }

    fn copy(&self, _: &dyn Fn(&str) -> bool) -> Self {
        Applied {
            librdkafka: self.librdkafka,
            hook: self.hook.clone(),
            name: self.name.clone(),
            pin: Pin::new(self.librdkafka),
        }
    }

    unsafe fn add_interceptors(this: *mut Self, conf: *mut Conf) -> Result<(), Error> {
        // SAFETY: the caller vouches for both.
        match unsafe { (*this).librdkafka.on_new(conf, &(*this).name, on_new, this.cast()) } {
            NO_ERROR => Ok(()),
            refused => Err(interceptor_error(refused)),
        }
    }
}

unsafe extern "C" fn on_new(
    client: *mut Client,
    _conf: *const Conf,
    opaque: *mut c_void,
    _errstr: *mut c_char,
    _errstr_size: usize,
) -> RespErr {
    let this: *const Applied = opaque.cast();
    // SAFETY: librdkafka passes the opaque of `add_interceptors`, which lives as long as the client, and the client that is made.
    guard("a new client", (), || unsafe {
        let has_log = client_log::watch(&raw const (*this).librdkafka, client);
        Pin::watch(&raw const (*this).pin, &(*this).hook, client, has_log);
    });
    NO_ERROR
}

/// Gives a resolver to a librdkafka configuration. Called by kafka_emr_conf_apply() in kafka_emr_rdkafka.h, which documents it.
///
/// conf is an rd_kafka_conf_t, and librdkafka returns the function of a name, of the librdkafka that conf is of. Returns
/// an rd_kafka_conf_res_t.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_apply(
    conf: *mut c_void,
    resolver: Option<&ResolverHandle>,
    librdkafka: Option<unsafe extern "C" fn(name: *const c_char) -> Function>,
    errstr: *mut c_char,
    errstr_size: usize,
) -> c_int {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_apply", CONF_INVALID, || {
        crate::log::start();
        // SAFETY: the caller vouches for all of them.
        unsafe { apply(conf.cast(), resolver, librdkafka) }.map(|()| CONF_OK)
    })
}

/// Warns that the cluster's id is not compared, if it should be.
fn warn_of_no_pin(hook: &Hook) {
    if hook.resolver().clusters().iter().any(|cluster| cluster.cluster_id().is_some()) {
        warn_once(hook, "cluster_id is not checked: that needs librdkafka 2.13.0 or later");
    }
}

/// # Safety
///
/// `conf` is null, or a live configuration of the librdkafka whose functions `find` returns.
unsafe fn apply(
    conf: *mut Conf,
    resolver: Option<&ResolverHandle>,
    find: Option<unsafe extern "C" fn(name: *const c_char) -> Function>,
) -> Result<(), Error> {
    if conf.is_null() {
        return Err(Error::argument("conf is NULL"));
    }
    let null = || Error::argument("resolver is NULL: kafka_emr_resolver_open() failed, or was not called");
    let handle = resolver.ok_or_else(null)?;
    let find = find.ok_or_else(|| Error::argument("librdkafka is NULL"))?;
    // SAFETY: the caller vouches for `find`.
    let librdkafka = unsafe { Librdkafka::find(|name| find(name.as_ptr())) }.map_err(|missing| {
        let (missing, version) = (missing.to_string_lossy(), env!("CARGO_PKG_VERSION"));
        Error::argument(format!("{missing} is missing: it is in kafka_emr_rdkafka.h of libkafka_emr {version}"))
    })?;
    // SAFETY: the caller vouches for `conf`, and that it is of this librdkafka.
    unsafe {
        check(&librdkafka, conf)?;
        // First what can be wrong, so that nothing is taken for a call that fails.
        let servers = match librdkafka.get(conf, BOOTSTRAP_SERVERS) {
            Some(source) if is_source(&source) => {
                return Err(Error::configuration(
                    "bootstrap.servers is a source, which only the plugin takes: leave it out, and open that source",
                ));
            }
            Some(_) => None,
            None => {
                let protocol = librdkafka.get(conf, c"security.protocol");
                let mechanism = sasl_mechanism(&librdkafka, conf);
                let servers = handle.resolver.client_bootstrap_servers(protocol.as_deref(), mechanism.as_deref());
                Some(servers?)
            }
        };
        // Without interceptors, the end of the last client goes unnoticed: the source's hook is kept as long as the process.
        let keep = librdkafka.frees_interceptors_twice();
        let kept = if keep { shared::kept(&handle.source) } else { None };
        let hook = kept.map_or_else(|| handle.hook(), Ok)?;
        if librdkafka.callback(conf).is_some_and(|address| address != hook.callback() as usize) {
            let other = "this configuration has another resolver already, by a call or the plugin";
            return Err(Error::configuration(other));
        }
        let hook = if keep {
            let hook = shared::keep(&handle.source, hook);
            warn_of_no_pin(&hook);
            hook
        } else {
            // Owned first, so that the callback never outlives its hook.
            let name = CString::new(format!("kafka-emr {:#x}", hook.callback() as usize)).unwrap_or_default();
            attach(conf, Applied { librdkafka, pin: Pin::new(librdkafka), name, hook: hook.clone() })?;
            hook
        };
        set(&librdkafka, conf, &hook)?;
        servers.map_or(Ok(()), |servers| librdkafka.set(conf, BOOTSTRAP_SERVERS, &servers))
    }
}
