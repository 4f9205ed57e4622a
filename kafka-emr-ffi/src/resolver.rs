//! The resolver as an object of C.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use kafka_emr_core::{Overrides, Resolver, Source};
use kafka_emr_hook::{Hook, guard, variable};
use libc::addrinfo;
use serde::Serialize;

use crate::error::Error;
use crate::errstr::{ErrStr, string};
use crate::log;

/// Resolves the names of one EMR cluster, or of several.
///
/// Made by kafka_emr_resolver_open(), freed by kafka_emr_resolver_free().
///
/// All functions may be called on it from any thread, several at once; it may be freed when no call on it is running any
/// more. It need not outlive the clients it was given to by kafka_emr_conf_apply(): each of them keeps what it needs until
/// it is destroyed. After kafka_emr_resolver_free() the pointer must not be used, and a pointer to anything else must never
/// be passed as one: neither can be noticed.
pub struct ResolverHandle {
    pub(crate) source: Source,
    pub(crate) resolver: Resolver,
    /// Made when it is asked for, so that a resolver without clients takes no slot.
    hook: ArcSwapOption<Hook>,
    /// What was handed out, which stays valid as long as the resolver. Each text is kept once.
    strings: ArcSwap<Vec<Arc<CStr>>>,
}

impl ResolverHandle {
    pub(crate) fn hook(&self) -> Result<Hook, Error> {
        if let Some(hook) = &*self.hook.load() {
            return Ok(Hook::clone(hook));
        }
        // The same one for threads that come at once.
        let hook = Hook::of(&self.resolver)?;
        self.hook.store(Some(Arc::new(hook.clone())));
        Ok(hook)
    }

    fn keep(&self, text: String) -> *const c_char {
        // Texts of the core are one line without control characters.
        let text: Arc<CStr> = CString::new(text).unwrap_or_default().into();
        let mut kept = ptr::null();
        self.strings.rcu(|strings| {
            let known = strings.iter().find(|known| **known == text);
            kept = known.unwrap_or(&text).as_ptr();
            match known {
                Some(_) => Arc::clone(strings),
                None => Arc::new(strings.iter().chain([&text]).cloned().collect()),
            }
        });
        kept
    }
}

/// librdkafka's resolve callback. It resolves as getaddrinfo(3) does; with node and service NULL it frees the list in *res.
pub type Callback = Option<
    unsafe extern "C" fn(
        node: *const c_char,
        service: *const c_char,
        hints: *const addrinfo,
        res: *mut *mut addrinfo,
        opaque: *mut c_void,
    ) -> c_int,
>;

/// Opens a source and returns its resolver, or NULL with a message in errstr.
///
/// The source is a path or file:///path, emr:///path?network=public (a file with top-level keys overridden),
/// emr://48742?release=EMR-3.10.1&emr-worker-1=10.0.1.24/203.0.113.24 (everything inline), or several of these separated by
/// semicolons. A file is followed while the resolver is in use: when it changes, the next lookup sees it, within a second,
/// and when it is bad or missing, the last good one stays in use, with one warning.
///
/// errstr may be NULL; a message that does not fit into errstr_size bytes is cut.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_open(
    source: *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *mut ResolverHandle {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_open", ptr::null_mut(), || {
        // SAFETY: the caller vouches for the source.
        unsafe { open(source, ptr::null(), None) }
    })
}

/// As kafka_emr_resolver_open(), with top-level keys of the description overridden in every cluster of the source: overrides
/// is an array of strings as "network=public" that ends in NULL, or NULL itself. The keys are network, bootstrap, strict,
/// release, region, port, id and cluster_id.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_open_with(
    source: *const c_char,
    overrides: *const *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *mut ResolverHandle {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_open_with", ptr::null_mut(), || {
        // SAFETY: the caller vouches for both.
        unsafe { open(source, overrides, None) }
    })
}

/// As kafka_emr_resolver_open_with(), with the network that KAFKA_EMR_NETWORK in the environment names (private or public), as in
/// the plugin and the command. Overrides come first, then the parameters of the source, the variable, and the file. The variable
/// is not read in setuid programs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_open_env(
    source: *const c_char,
    overrides: *const *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *mut ResolverHandle {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_open_env", ptr::null_mut(), || {
        // SAFETY: the caller vouches for both.
        unsafe { open(source, overrides, variable(c"KAFKA_EMR_NETWORK").as_deref()) }
    })
}

/// # Safety
///
/// `source` is null or a string, and `overrides` null or an array of strings that ends in null.
unsafe fn open(
    source: *const c_char,
    mut overrides: *const *const c_char,
    environments_network: Option<&str>,
) -> Result<*mut ResolverHandle, Error> {
    log::start();
    // SAFETY: the caller vouches for it.
    let source = unsafe { string("source", source) }?;
    let source: Source = source.parse()?;
    let mut settings = Overrides::default();
    // SAFETY: the caller vouches for the array: its strings are read up to the null that ends it.
    while let Some(&text) = unsafe { overrides.as_ref() }
        && !text.is_null()
    {
        // SAFETY: as above.
        let text = unsafe { string("an override", text) }?;
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| Error::argument(format!("{text:?} is no override; expected key=value")))?;
        settings.set(key, value)?;
        // SAFETY: the array has not ended.
        overrides = unsafe { overrides.add(1) };
    }
    let mut environment = Overrides::default();
    if let (Some(network), None) = (environments_network, settings.settings().network) {
        environment.set("network", network).map_err(|why| {
            let why = Error::from(why);
            Error { message: format!("KAFKA_EMR_NETWORK: {why}; correct or unset it"), ..why }
        })?;
    }
    let source = source.with_defaults(&environment).with(&settings);
    let resolver = Resolver::from_source(source.clone())?;
    let handle = ResolverHandle { source, resolver, hook: ArcSwapOption::empty(), strings: ArcSwap::default() };
    Ok(Box::into_raw(Box::new(handle)))
}

/// Frees a resolver; NULL is fine.
///
/// Clients that were given it by kafka_emr_conf_apply() go on. A callback from kafka_emr_resolver_callback() must not be
/// called any more: it fails each lookup (EAI_FAIL, and a line in the log) as soon as no such client keeps what it needs,
/// and another resolver may take its place later.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_free(resolver: *mut ResolverHandle) {
    guard("kafka_emr_resolver_free", (), || {
        if !resolver.is_null() {
            // SAFETY: the caller vouches that it is the Box of kafka_emr_resolver_open.
            drop(unsafe { Box::from_raw(resolver) });
        }
    });
}

/// Returns the value for bootstrap.servers that EMR's document has for the cluster's version: for programs that resolve names
/// by themselves. NULL for a NULL resolver, and for one over several clusters, whose clients set their brokers
/// themselves.
///
/// The string belongs to the resolver and is valid until that is freed. When the file behind it has changed, a later call
/// returns another string.
#[unsafe(no_mangle)]
pub extern "C" fn kafka_emr_resolver_bootstrap_servers(resolver: Option<&ResolverHandle>) -> *const c_char {
    guard("kafka_emr_resolver_bootstrap_servers", ptr::null(), || {
        let Some(handle) = resolver else { return ptr::null() };
        handle.resolver.bootstrap_servers().map_or(ptr::null(), |servers| handle.keep(servers))
    })
}

/// As kafka_emr_resolver_bootstrap_servers(), for a client with the resolver's callback: the brokers by long domain, so that the
/// client finds a cluster again whose addresses have changed. By address if the description has bootstrap = "addresses", or
/// has no id and so no long domains.
///
/// security_protocol and sasl_mechanism are the client's properties security.protocol and sasl.mechanism; NULL for one that
/// is not set. TLS and Kerberos compare certificates and principals with the name that was dialled: returns NULL with a
/// message in errstr if they need long domains and there are none, and as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_bootstrap_servers_for(
    resolver: Option<&ResolverHandle>,
    security_protocol: *const c_char,
    sasl_mechanism: *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *const c_char {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_bootstrap_servers_for", ptr::null(), || {
        let handle = some(resolver)?;
        let optional = |what, text: *const c_char| {
            // SAFETY: the caller vouches for the strings.
            (!text.is_null()).then(|| unsafe { string(what, text) }).transpose()
        };
        let protocol = optional("security_protocol", security_protocol)?;
        let mechanism = optional("sasl_mechanism", sasl_mechanism)?;
        Ok(handle.keep(handle.resolver.client_bootstrap_servers(protocol, mechanism)?))
    })
}

/// The error for a handle that is NULL.
fn some(resolver: Option<&ResolverHandle>) -> Result<&ResolverHandle, Error> {
    resolver.ok_or_else(|| Error::argument("resolver is NULL"))
}

/// Returns a callback for rd_kafka_conf_set_resolve_cb(), or NULL with a message in errstr: a process can have 1024
/// resolvers with a callback at the same time.
///
/// The callback belongs to this resolver and uses no opaque: the application keeps its own. It may be called from any
/// thread. The caller sees to it that the resolver outlives all clients that have the callback; kafka_emr_conf_apply()
/// does that by itself.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_callback(
    resolver: Option<&ResolverHandle>,
    errstr: *mut c_char,
    errstr_size: usize,
) -> Callback {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_callback", None, || Ok(Some(some(resolver)?.hook()?.callback())))
}

/// Returns everything that is known of the clusters' endpoints as JSON, or NULL with a message in errstr. Free it with
/// kafka_emr_string_free().
///
/// It is a list with an object for each cluster: domain, release, network, rule (name, reason, section), broker_setting,
/// strict, bootstrap_servers, nodes (a list of name, role, broker, long_domain, addresses, port, by) and plain_hosts (a list
/// of name, address): the `clusters` of `kafka-emr endpoints --json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_endpoints_json(
    resolver: Option<&ResolverHandle>,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *mut c_char {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_endpoints_json", ptr::null_mut(), || {
        let resolver = &some(resolver)?.resolver;
        json(&resolver.overviews())
    })
}

/// Returns the resolver's state as JSON, or NULL with a message in errstr. Free it with kafka_emr_string_free(). Later versions
/// may add keys.
///
/// It is an object of source (as messages show it), read_at (when the descriptions in use were read, in seconds since 1970),
/// files (a list of path, size in bytes, modified in seconds since 1970: as they were then), stale (why newer states of the
/// files are not in use, or null) and lookups (mapped, passed_on and refused, counted since the resolver was opened).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_resolver_status_json(
    resolver: Option<&ResolverHandle>,
    errstr: *mut c_char,
    errstr_size: usize,
) -> *mut c_char {
    // SAFETY: the caller vouches for it.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.call("kafka_emr_resolver_status_json", ptr::null_mut(), || json(&some(resolver)?.resolver.status()))
}

/// A value as JSON, which the caller of the library frees. JSON has no NUL, and these values have all that JSON can be made of.
fn json(value: &impl Serialize) -> Result<*mut c_char, Error> {
    let json = serde_json::to_string(value).map_err(|error| Error::internal(error.to_string()))?;
    Ok(CString::new(json).map_err(|error| Error::internal(error.to_string()))?.into_raw())
}

/// Frees a string that the caller owns; NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kafka_emr_string_free(string: *mut c_char) {
    guard("kafka_emr_string_free", (), || {
        if !string.is_null() {
            // SAFETY: the caller vouches that it is of CString::into_raw.
            drop(unsafe { CString::from_raw(string) });
        }
    });
}

/// Returns the library's version, as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn kafka_emr_version() -> *const c_char {
    const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => panic!("a version has no NUL"),
    };
    guard("kafka_emr_version", ptr::null(), || VERSION.as_ptr())
}
