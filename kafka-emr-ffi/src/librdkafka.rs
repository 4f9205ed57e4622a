//! The functions of the librdkafka that a program has, of which there may be several.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;
use std::ptr;

use kafka_emr_hook::ResolveCallback;

use crate::client_log::ClientLog;
use crate::error::Error;

/// A function of any type. It is called as what it is.
pub type Function = Option<unsafe extern "C" fn()>;

/// rd_kafka_conf_t
pub(crate) enum Conf {}
/// rd_kafka_t
pub(crate) enum Client {}

/// rd_kafka_resp_err_t
pub(crate) type RespErr = c_int;
pub(crate) const NO_ERROR: RespErr = 0;
/// RD_KAFKA_RESP_ERR__INVALID_ARG
pub(crate) const INVALID_ARG: RespErr = -186;
/// RD_KAFKA_RESP_ERR__CONFLICT
pub(crate) const CONFLICT: RespErr = -173;

/// rd_kafka_conf_res_t
pub(crate) type ConfRes = c_int;
pub(crate) const CONF_UNKNOWN: ConfRes = -2;
pub(crate) const CONF_INVALID: ConfRes = -1;
pub(crate) const CONF_OK: ConfRes = 0;

pub(crate) type OnConfSet = unsafe extern "C" fn(
    conf: *mut Conf,
    name: *const c_char,
    value: *const c_char,
    errstr: *mut c_char,
    errstr_size: usize,
    opaque: *mut c_void,
) -> ConfRes;
pub(crate) type OnConfDup = unsafe extern "C" fn(
    new: *mut Conf,
    old: *const Conf,
    filters: usize,
    filter: *const *const c_char,
    opaque: *mut c_void,
) -> RespErr;
pub(crate) type OnConfDestroy = unsafe extern "C" fn(opaque: *mut c_void) -> RespErr;
pub(crate) type OnNew = unsafe extern "C" fn(
    client: *mut Client,
    conf: *const Conf,
    opaque: *mut c_void,
    errstr: *mut c_char,
    errstr_size: usize,
) -> RespErr;
pub(crate) type OnConsume =
    unsafe extern "C" fn(client: *mut Client, message: *mut c_void, opaque: *mut c_void) -> RespErr;

pub(crate) type OnThreadStart =
    unsafe extern "C" fn(client: *mut Client, kind: c_int, name: *const c_char, opaque: *mut c_void) -> RespErr;
pub(crate) type LogCb =
    unsafe extern "C" fn(client: *const Client, level: c_int, facility: *const c_char, message: *const c_char);

macro_rules! functions {
    (
        required { $($(#[$doc:meta])* $name:ident: $symbol:literal fn($($argument:ty),*) $(-> $result:ty)?;)+ }
        optional { $($(#[$odoc:meta])* $oname:ident: $osymbol:literal fn($($oargument:ty),*) $(-> $oresult:ty)?;)+ }
    ) => {
        /// One librdkafka's functions, all that this library uses.
        #[derive(Clone, Copy)]
        pub(crate) struct Librdkafka {
            $($(#[$doc])* $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)+
            $($(#[$odoc])* $oname: Option<unsafe extern "C" fn($($oargument),*) $(-> $oresult)?>,)+
        }

        impl Librdkafka {
            /// Looks every function up; `Err` names the one that is missing of those that are required.
            ///
            /// # Safety
            ///
            /// What `find` returns for a name is librdkafka's function of that name, and all are of the same librdkafka, which stays
            /// loaded as long as one of its configurations or clients lives.
            pub(crate) unsafe fn find(find: impl Fn(&CStr) -> Function) -> Result<Self, &'static CStr> {
                $(
                    let $name = find($symbol).ok_or($symbol)?;
                    // SAFETY: the caller vouches that it is the function of this name, whose type in rdkafka.h this is, as
                    // far as C's calling convention goes: enums are int, and pointers are pointers.
                    let $name = unsafe {
                        transmute::<unsafe extern "C" fn(), unsafe extern "C" fn($($argument),*) $(-> $result)?>($name)
                    };
                )+
                $(
                    // SAFETY: as above.
                    let $oname = find($osymbol).map(|found| unsafe {
                        transmute::<unsafe extern "C" fn(), unsafe extern "C" fn($($oargument),*) $(-> $oresult)?>(found)
                    });
                )+
                Ok(Librdkafka { $($name,)+ $($oname),+ })
            }
        }

        #[cfg(test)]
        const REQUIRED: &[&CStr] = &[$($symbol),+];
        #[cfg(test)]
        const OPTIONAL: &[&CStr] = &[$($osymbol),+];
    };
}

// A program is compiled with the table of functions that kafka_emr_rdkafka.h had then, and may meet a later library. So the
// required ones are those of 0.1.0, for ever; one that is added later is optional, documented with what is done without it.
functions! {
    required {
        version: c"rd_kafka_version" fn() -> c_int;
        /// Since 2.0.0, the youngest of them.
        set_resolve_cb: c"rd_kafka_conf_set_resolve_cb" fn(*mut Conf, Option<ResolveCallback>);
        conf_get: c"rd_kafka_conf_get" fn(*const Conf, *const c_char, *mut c_char, *mut usize) -> ConfRes;
        conf_set: c"rd_kafka_conf_set" fn(*mut Conf, *const c_char, *const c_char, *mut c_char, usize) -> ConfRes;
        add_on_conf_set: c"rd_kafka_conf_interceptor_add_on_conf_set"
            fn(*mut Conf, *const c_char, OnConfSet, *mut c_void) -> RespErr;
        add_on_conf_dup: c"rd_kafka_conf_interceptor_add_on_conf_dup"
            fn(*mut Conf, *const c_char, OnConfDup, *mut c_void) -> RespErr;
        add_on_conf_destroy: c"rd_kafka_conf_interceptor_add_on_conf_destroy"
            fn(*mut Conf, *const c_char, OnConfDestroy, *mut c_void) -> RespErr;
        add_on_new: c"rd_kafka_conf_interceptor_add_on_new"
            fn(*mut Conf, *const c_char, OnNew, *mut c_void) -> RespErr;
        add_on_consume: c"rd_kafka_interceptor_add_on_consume"
            fn(*mut Client, *const c_char, OnConsume, *mut c_void) -> RespErr;
        client_type: c"rd_kafka_type" fn(*const Client) -> c_int;
        clusterid: c"rd_kafka_clusterid" fn(*mut Client, c_int) -> *mut c_char;
        mem_free: c"rd_kafka_mem_free" fn(*mut Client, *mut c_void);
    }
    optional {
        /// Without one of these three, a client's log gets no lines of ours: they go where other lines go.
        add_on_thread_start: c"rd_kafka_interceptor_add_on_thread_start"
            fn(*mut Client, *const c_char, OnThreadStart, *mut c_void) -> RespErr;
        client_conf: c"rd_kafka_conf" fn(*mut Client) -> *const Conf;
        /// The default log_cb, which prints.
        log_print: c"rd_kafka_log_print" fn(*const Client, c_int, *const c_char, *const c_char);
    }
}

/// The names that interceptors have, for messages of librdkafka.
pub(crate) const INTERCEPTOR: &CStr = c"kafka-emr";

/// Every method needs a live configuration or client of this librdkafka, which nobody else changes meanwhile.
impl Librdkafka {
    /// Whether it frees interceptors twice when a client cannot be made and its configuration is then destroyed: before 2.13.0
    /// (its issue 4142).
    pub(crate) fn frees_interceptors_twice(&self) -> bool {
        // SAFETY: it takes nothing and can be called at any time.
        let version = unsafe { (self.version)() };
        version < 0x020d_0000
    }

    /// Reads a property; `None` where it is not set or not known.
    pub(crate) unsafe fn get(&self, conf: *const Conf, property: &CStr) -> Option<String> {
        let mut size = 0;
        // SAFETY: the caller vouches for `conf`; without a buffer for the value, its size is returned, with NUL.
        let found = unsafe { (self.conf_get)(conf, property.as_ptr(), ptr::null_mut(), &raw mut size) };
        if found != CONF_OK || size <= 1 {
            return None;
        }
        let mut value = vec![0_u8; size];
        // SAFETY: as above; there are `size` bytes.
        let found = unsafe { (self.conf_get)(conf, property.as_ptr(), value.as_mut_ptr().cast(), &raw mut size) };
        let value = CStr::from_bytes_until_nul(&value).ok()?.to_string_lossy().into_owned();
        (found == CONF_OK && !value.is_empty()).then_some(value)
    }

    /// Sets a property; `Err` is librdkafka's reason why not.
    pub(crate) unsafe fn set(&self, conf: *mut Conf, property: &CStr, value: &str) -> Result<(), Error> {
        let value = CString::new(value).map_err(|_| Error::argument(format!("{value:?} has a NUL character")))?;
        // SAFETY: the caller vouches for `conf`, and the value ends in NUL.
        unsafe { self.set_or_clear(conf, property, value.as_ptr()) }
    }

    /// As `set`, with a value as C has it: null puts the default back.
    pub(crate) unsafe fn set_or_clear(
        &self,
        conf: *mut Conf,
        property: &CStr,
        value: *const c_char,
    ) -> Result<(), Error> {
        let mut reason = [0_u8; 512];
        // SAFETY: the caller vouches for `conf`; the strings end in NUL, and the buffer for the reason is as long as its size.
        let result =
            unsafe { (self.conf_set)(conf, property.as_ptr(), value, reason.as_mut_ptr().cast(), reason.len()) };
        match result {
            CONF_OK => Ok(()),
            _ => Err(Error::configuration(CStr::from_bytes_until_nul(&reason).unwrap_or_default().to_string_lossy())),
        }
    }

    /// Sets the resolve callback.
    pub(crate) unsafe fn set_callback(&self, conf: *mut Conf, callback: ResolveCallback) {
        // SAFETY: the caller vouches for `conf`.
        unsafe { (self.set_resolve_cb)(conf, Some(callback)) };
    }

    /// Returns the address of the resolve callback; `None` if none is set.
    pub(crate) unsafe fn callback(&self, conf: *const Conf) -> Option<usize> {
        // SAFETY: the caller vouches for `conf`.
        unsafe { self.address(conf, c"resolve_cb") }
    }

    /// Reads a property that is a pointer, which librdkafka shows as printf's %p does.
    unsafe fn address(&self, conf: *const Conf, property: &CStr) -> Option<usize> {
        // SAFETY: the caller vouches for `conf`.
        let shown = unsafe { self.get(conf, property) }?;
        usize::from_str_radix(shown.trim_start_matches("0x"), 16).ok().filter(|address| *address != 0)
    }

    /// Returns the client's log, as it is configured now; `None` if the program has set none, or one that only its own
    /// threads may call (log.queue).
    pub(crate) unsafe fn log_of(&self, client: *mut Client) -> Option<ClientLog> {
        let (client_conf, log_print) = (self.client_conf?, self.log_print?);
        // SAFETY: the caller vouches for `client`, which has its configuration as long as it lives.
        unsafe {
            let conf = client_conf(client);
            if self.get(conf, c"log.queue").as_deref() != Some("false") {
                return None;
            }
            let level = self.get(conf, c"log_level")?.parse().ok()?;
            let callback = self.address(conf, c"log_cb").filter(|address| *address != log_print as usize)?;
            // The address of a function that the program has set as log_cb, so of this type.
            Some(ClientLog { callback: transmute::<usize, LogCb>(callback), level })
        }
    }

    /// Adds an interceptor for the client's threads, and returns whether this librdkafka has that; from on_new only.
    pub(crate) unsafe fn on_thread_start(&self, client: *mut Client, then: OnThreadStart, opaque: *mut c_void) -> bool {
        self.add_on_thread_start.is_some_and(|add_on_thread_start| {
            // SAFETY: the caller vouches for `client`, which is being made, and for `opaque` as long as it lives.
            let added = unsafe { add_on_thread_start(client, INTERCEPTOR.as_ptr(), then, opaque) };
            added == NO_ERROR
        })
    }

    pub(crate) unsafe fn on_conf_set(&self, conf: *mut Conf, then: OnConfSet, opaque: *mut c_void) -> RespErr {
        // SAFETY: the caller vouches for `conf`, and that `opaque` is what `then` takes, as long as `conf` lives.
        unsafe { (self.add_on_conf_set)(conf, INTERCEPTOR.as_ptr(), then, opaque) }
    }

    pub(crate) unsafe fn on_conf_dup(
        &self,
        conf: *mut Conf,
        name: &CStr,
        then: OnConfDup,
        opaque: *mut c_void,
    ) -> RespErr {
        // SAFETY: as above.
        unsafe { (self.add_on_conf_dup)(conf, name.as_ptr(), then, opaque) }
    }

    pub(crate) unsafe fn on_conf_destroy(&self, conf: *mut Conf, then: OnConfDestroy, opaque: *mut c_void) -> RespErr {
        // SAFETY: as above.
        unsafe { (self.add_on_conf_destroy)(conf, INTERCEPTOR.as_ptr(), then, opaque) }
    }

    pub(crate) unsafe fn on_new(&self, conf: *mut Conf, name: &CStr, then: OnNew, opaque: *mut c_void) -> RespErr {
        // SAFETY: as above.
        unsafe { (self.add_on_new)(conf, name.as_ptr(), then, opaque) }
    }

    /// Whether it is a consumer; an admin client is none.
    pub(crate) unsafe fn is_consumer(&self, client: *const Client) -> bool {
        const RD_KAFKA_CONSUMER: c_int = 1;
        // SAFETY: the caller vouches for `client`.
        unsafe { (self.client_type)(client) == RD_KAFKA_CONSUMER }
    }

    /// Adds an interceptor for messages that are consumed; from on_new only.
    pub(crate) unsafe fn on_consume(&self, client: *mut Client, then: OnConsume, opaque: *mut c_void) {
        // SAFETY: the caller vouches for `client`, which is being made, and for `opaque` as long as it lives.
        unsafe { (self.add_on_consume)(client, INTERCEPTOR.as_ptr(), then, opaque) };
    }

    /// Returns the id of the cluster, if a broker has reported it already. Waits for nothing.
    pub(crate) unsafe fn cluster_id(&self, client: *mut Client) -> Option<String> {
        // SAFETY: the caller vouches for `client`.
        let id = unsafe { (self.clusterid)(client, 0) };
        if id.is_null() {
            return None;
        }
        // SAFETY: not null, so it is a string that ends in NUL and is the caller's to free, with librdkafka's own function.
        unsafe {
            let text = CStr::from_ptr(id).to_string_lossy().into_owned();
            (self.mem_free)(client, id.cast());
            Some(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use kafka_emr_hook::guard;

    use super::*;

    /// The table in kafka_emr_rdkafka.h of 0.1.0. Programs that were compiled with it have no more, for ever: do not change it.
    const OF_0_1_0: [&CStr; 15] = [
        c"rd_kafka_version",
        c"rd_kafka_conf_set_resolve_cb",
        c"rd_kafka_conf_get",
        c"rd_kafka_conf_set",
        c"rd_kafka_conf_interceptor_add_on_conf_set",
        c"rd_kafka_conf_interceptor_add_on_conf_dup",
        c"rd_kafka_conf_interceptor_add_on_conf_destroy",
        c"rd_kafka_conf_interceptor_add_on_new",
        c"rd_kafka_interceptor_add_on_consume",
        c"rd_kafka_type",
        c"rd_kafka_clusterid",
        c"rd_kafka_mem_free",
        c"rd_kafka_interceptor_add_on_thread_start",
        c"rd_kafka_conf",
        c"rd_kafka_log_print",
    ];

    unsafe extern "C" fn any_function() {
        guard("test", (), || ());
    }

    #[track_caller]
    fn find(known: &[&CStr]) -> Result<Librdkafka, &'static CStr> {
        // SAFETY: what is found is not called.
        unsafe { Librdkafka::find(|name| known.contains(&name).then_some(any_function as unsafe extern "C" fn())) }
    }

    #[test]
    fn a_program_with_the_first_table_gives_all_that_is_required() {
        assert!(find(&OF_0_1_0).is_ok());
        assert!(REQUIRED.iter().all(|name| OF_0_1_0.contains(name)), "{REQUIRED:?}");
    }

    #[test]
    fn what_is_optional_may_be_missing_and_what_is_required_is_named() {
        let without = find(REQUIRED).unwrap_or_else(|missing| panic!("{missing:?} is required"));
        assert!(without.add_on_thread_start.is_none() && without.log_print.is_none());
        for missing in REQUIRED {
            let others: Vec<&CStr> = REQUIRED.iter().copied().filter(|name| name != missing).collect();
            assert_eq!(find(&others).err(), Some(*missing));
        }
    }

    /// The header has every function that the library asks for.
    #[test]
    fn the_table_of_the_header_is_complete() {
        let header = include_str!("../../include/kafka_emr_rdkafka.h");
        for name in REQUIRED.iter().chain(OPTIONAL) {
            assert!(header.contains(&format!("KAFKA_EMR_FUNCTION({});", name.to_str().unwrap())), "{name:?}");
        }
    }
}
