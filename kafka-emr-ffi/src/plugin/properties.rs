//! The plugin's part in a configuration: properties in, callback and bootstrap servers out.

use std::ffi::{CStr, c_char, c_void};
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kafka_emr_hook::Hook;

use super::settings::{OVERRIDES, Settings};
use crate::client_log;
use crate::error::Error;
use crate::errstr::{ErrStr, string};
use crate::install::{self, BOOTSTRAP_SERVERS, check_dns_lookup, is_source, other_callback};
use crate::librdkafka::{
    CONF_INVALID, CONF_OK, CONF_UNKNOWN, Client, Conf, ConfRes, INTERCEPTOR, INVALID_ARG, Librdkafka, NO_ERROR, RespErr,
};
use crate::owned::{Owned, attach, interceptor_error};
use crate::pin::Pin;

/// What a configuration owns that loaded the plugin.
struct Plugin {
    librdkafka: Librdkafka,
    /// Never locked while librdkafka is called, which calls back.
    settings: Mutex<Settings>,
    /// Whether it is not the copy of another, which knows its settings already.
    fresh: bool,
    /// Whether a property is being set by the plugin itself.
    own: AtomicBool,
    pin: Pin,
}

/// Starts the plugin for a configuration. One that has it already, as a copy does, is left as it is.
///
/// # Safety
///
/// `conf` is a live configuration of this librdkafka, and nobody else uses it meanwhile.
pub(crate) unsafe fn start(librdkafka: Librdkafka, conf: *mut Conf) -> Result<(), String> {
    // SAFETY: the caller vouches for `conf`.
    unsafe {
        install::check(&librdkafka, conf)?;
        let settings = Mutex::new(Settings::new());
        let (fresh, own) = (true, AtomicBool::new(false));
        Ok(attach(conf, Plugin { librdkafka, settings, fresh, own, pin: Pin::new(librdkafka) })?)
    }
}

impl Owned for Plugin {
    fn librdkafka(&self) -> &Librdkafka {
        &self.librdkafka
    }

    fn name(&self) -> &CStr {
        INTERCEPTOR
    }

    fn copy(&self, is_left_out: &dyn Fn(&str) -> bool) -> Self {
        let mut settings = self.settings().clone();
        settings.own_servers &= !(is_left_out("bootstrap.servers") && is_left_out("metadata.broker.list"));
        let settings = Mutex::new(settings);
        let (fresh, own) = (false, AtomicBool::new(false));
        Plugin { librdkafka: self.librdkafka, settings, fresh, own, pin: Pin::new(self.librdkafka) }
    }

    unsafe fn add_interceptors(this: *mut Self, conf: *mut Conf) -> Result<(), Error> {
        // SAFETY: the caller vouches for both.
        unsafe {
            let librdkafka = (*this).librdkafka;
            for added in [
                librdkafka.on_conf_set(conf, on_conf_set, this.cast()),
                librdkafka.on_new(conf, INTERCEPTOR, on_new, this.cast()),
            ] {
                if added != NO_ERROR {
                    return Err(interceptor_error(added));
                }
            }
            let this = &*this;
            if !this.fresh {
                return this.configure(conf).map_err(Error::configuration);
            }
            let has_resolver = librdkafka.callback(conf).is_some();
            let loaded = if has_resolver {
                Err("kafka_emr_conf_apply() was called for this configuration: the plugin is not needed".to_owned())
            } else {
                this.change(conf, |settings| this.load(conf, settings))
            };
            // The program may go on all the same, and even set the property again.
            loaded.map_err(|why| {
                this.settings().fail(&why);
                if !has_resolver {
                    librdkafka.set_callback(conf, install::resolve_nothing);
                }
                Error::configuration(why)
            })
        }
    }
}

impl Plugin {
    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the settings, and the configuration after them. On an error nothing changes.
    unsafe fn change(
        &self,
        conf: *mut Conf,
        change: impl FnOnce(&mut Settings) -> Result<(), String>,
    ) -> Result<(), String> {
        // A callback that the program has set since is not replaced without a word.
        // SAFETY: the caller vouches for `conf`.
        unsafe { install::check(&self.librdkafka, conf) }?;
        let mut settings = self.settings().clone();
        change(&mut settings)?;
        let mut other = std::mem::replace(&mut *self.settings(), settings);
        // SAFETY: the caller vouches for `conf`.
        let done = unsafe { self.configure(conf) };
        if done.is_err() {
            other = std::mem::replace(&mut *self.settings(), other);
            // SAFETY: as above. What was there before could be set before.
            let _ = unsafe { self.configure(conf) };
        }
        // Freed here, and not under the lock: the last handle of a hook may be in it.
        drop(other);
        done
    }

    /// Sets a property of librdkafka's, which does not come back here as one that the program sets.
    unsafe fn set(&self, conf: *mut Conf, property: &CStr, value: &str) -> Result<(), String> {
        self.own.store(true, Ordering::Relaxed);
        // SAFETY: the caller vouches for `conf`.
        let set = unsafe { self.librdkafka.set(conf, property, value) };
        self.own.store(false, Ordering::Relaxed);
        Ok(set?)
    }

    /// Takes the environment's settings, and what was set before the plugin was loaded.
    unsafe fn load(&self, conf: *const Conf, settings: &mut Settings) -> Result<(), String> {
        // SAFETY: the caller vouches for `conf`.
        let get = |property| unsafe { self.librdkafka.get(conf, property) };
        settings.security_protocol = get(c"security.protocol");
        // SAFETY: as above.
        settings.sasl_mechanism = unsafe { install::sasl_mechanism(&self.librdkafka, conf) };
        settings.set_environment();
        match get(BOOTSTRAP_SERVERS) {
            Some(source) if is_source(&source) => settings.set_source("bootstrap.servers", Some(&source)),
            servers => {
                settings.own_servers = servers.is_some();
                Ok(())
            }
        }
    }

    /// Brings the configuration in line with the settings.
    unsafe fn configure(&self, conf: *mut Conf) -> Result<(), String> {
        let settings = self.settings().clone();
        // SAFETY: the caller vouches for `conf`, which keeps the hook with the settings.
        unsafe {
            match &settings.cluster {
                Ok(hook) => {
                    self.own.store(true, Ordering::Relaxed);
                    let set = install::set(&self.librdkafka, conf, hook);
                    self.own.store(false, Ordering::Relaxed);
                    set?;
                }
                Err(_) => self.librdkafka.set_callback(conf, install::resolve_nothing),
            }
            if settings.own_servers {
                return Ok(());
            }
            match settings.servers() {
                Ok(servers) => self.set(conf, BOOTSTRAP_SERVERS, &servers),
                // The program may set them itself yet: on_new looks. Those of another source must not stay.
                Err(_) if self.librdkafka.get(conf, BOOTSTRAP_SERVERS).is_some() => {
                    self.set(conf, BOOTSTRAP_SERVERS, "")
                }
                Err(_) => Ok(()),
            }
        }
    }

    /// Handles a property before librdkafka sets it. `Ok(true)` is for the plugin's own.
    unsafe fn on_property(&self, conf: *mut Conf, name: &str, value: Option<&str>) -> Result<bool, String> {
        if self.own.load(Ordering::Relaxed) {
            return Ok(false);
        }
        // SAFETY: the caller vouches for `conf`.
        unsafe {
            match name {
                "emr.cluster" => self.change(conf, |settings| settings.set_source("emr.cluster", value))?,
                "bootstrap.servers" | "metadata.broker.list" => {
                    let value = value.filter(|value| !value.trim().is_empty());
                    match value {
                        Some(servers) if !is_source(servers) => {
                            // Taken, and not left to librdkafka: for a copy it sets anew what plugins took, and nothing
                            // after it. What it refuses is left to it, for its message.
                            if self.set(conf, BOOTSTRAP_SERVERS, servers).is_err() {
                                return Ok(false);
                            }
                            self.settings().own_servers = true;
                        }
                        // A source, or nothing: the servers by the rules are filled in.
                        source => self.change(conf, |settings| {
                            settings.own_servers = false;
                            source.map_or(Ok(()), |source| settings.set_source("bootstrap.servers", Some(source)))
                        })?,
                    }
                }
                "client.dns.lookup" => {
                    check_dns_lookup(value.unwrap_or_default())?;
                    return Ok(false);
                }
                "security.protocol" | "sasl.mechanism" | "sasl.mechanisms" => {
                    let property = if name == "security.protocol" { c"security.protocol" } else { c"sasl.mechanisms" };
                    // As above: a value that is refused changes nothing.
                    if value.is_some_and(|value| self.set(conf, property, value).is_err()) {
                        return Ok(false);
                    }
                    self.change(conf, |settings| {
                        let seen = match name {
                            "security.protocol" => &mut settings.security_protocol,
                            _ => &mut settings.sasl_mechanism,
                        };
                        *seen = value.map(str::to_owned);
                        Ok(())
                    })?;
                    return Ok(value.is_some());
                }
                _ => match OVERRIDES.iter().find(|(property, _)| *property == name) {
                    Some((property, key)) => self
                        .change(conf, |settings| settings.set_override(key, value))
                        // The property stands for the key that the message begins with.
                        .map_err(|why| {
                            format!("{property}: {}", why.strip_prefix(&format!("{key}: ")).unwrap_or(&why))
                        })?,
                    None if name.starts_with("emr.") => {
                        let known: Vec<&str> = OVERRIDES.iter().map(|(property, _)| *property).collect();
                        return Err(format!("{name} is no property; expected emr.cluster, {}", known.join(", ")));
                    }
                    None => return Ok(false),
                },
            }
        }
        Ok(true)
    }

    /// Returns the hook of a new client, or what keeps it from working.
    unsafe fn hook_of_client(&self, conf: *const Conf) -> Result<Hook, String> {
        let settings = self.settings().clone();
        let hook = settings.cluster.clone()?;
        if !settings.own_servers {
            settings.servers()?;
        }
        // SAFETY: the caller vouches for `conf`.
        match unsafe { self.librdkafka.callback(conf) } {
            Some(address) if address == hook.callback() as usize => Ok(hook),
            address => Err(other_callback(address.unwrap_or_default()).into()),
        }
    }
}

unsafe extern "C" fn on_conf_set(
    conf: *mut Conf,
    name: *const c_char,
    value: *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
    opaque: *mut c_void,
) -> ConfRes {
    // SAFETY: librdkafka passes a buffer for a message.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.guard("setting a property", CONF_INVALID, || {
        // SAFETY: librdkafka passes strings, the opaque of `add_interceptors`, which lives as long as the configuration, and
        // that, which nobody else uses meanwhile.
        let taken = unsafe {
            let Ok(name) = string("a property's name", name) else { return Ok(CONF_UNKNOWN) };
            let value = match (value.is_null(), string(name, value)) {
                (true, _) => None,
                (false, Ok(value)) => Some(value),
                (false, Err(why)) if name.starts_with("emr.") => return Err(message(why)),
                // Other properties are librdkafka's, whatever their values.
                (false, Err(_)) => return Ok(CONF_UNKNOWN),
            };
            (*opaque.cast::<Plugin>()).on_property(conf, name, value)
        };
        taken.map(|taken| if taken { CONF_OK } else { CONF_UNKNOWN }).map_err(message)
    })
}

/// An error as librdkafka shows it, beside those of other plugins.
pub(super) fn message(error: impl Display) -> String {
    format!("kafka-emr: {error}")
}

/// Is called when a client is made. librdkafka shows the message as a warning, and makes the client all the same.
unsafe extern "C" fn on_new(
    client: *mut Client,
    conf: *const Conf,
    opaque: *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> RespErr {
    // SAFETY: librdkafka passes a buffer for a message.
    let errstr = unsafe { ErrStr::new(errstr, errstr_size) };
    errstr.guard("a new client", INVALID_ARG, || {
        // SAFETY: librdkafka passes the opaque of `add_interceptors`, which lives as long as the client, and a client that is
        // being made.
        unsafe {
            let plugin = &*opaque.cast::<Plugin>();
            let has_log = client_log::watch(&raw const plugin.librdkafka, client);
            let hook = plugin.hook_of_client(conf).map_err(message)?;
            Pin::watch(&plugin.pin, &hook, client, has_log);
            Ok::<_, String>(NO_ERROR)
        }
    })
}
