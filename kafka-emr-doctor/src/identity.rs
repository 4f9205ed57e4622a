//! Which broker answers at a broker's advertised listener.
//!
//! A broker describes its own configuration and refuses that of any other, naming itself. librdkafka sends the request to each
//! broker's advertised listener. rdkafka's own wrapper drops the refusal, so this calls librdkafka.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::{Duration, Instant};

use kafka_emr_core::OneLine;
use kafka_emr_rs::rdkafka::bindings::{
    RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT, rd_kafka_AdminOptions_destroy, rd_kafka_AdminOptions_new,
    rd_kafka_AdminOptions_set_request_timeout, rd_kafka_ConfigResource_destroy, rd_kafka_ConfigResource_error,
    rd_kafka_ConfigResource_error_string, rd_kafka_ConfigResource_new, rd_kafka_DescribeConfigs,
    rd_kafka_DescribeConfigs_result_resources, rd_kafka_ResourceType_t, rd_kafka_admin_op_t,
    rd_kafka_event_DescribeConfigs_result, rd_kafka_event_destroy, rd_kafka_event_error, rd_kafka_event_error_string,
    rd_kafka_event_t, rd_kafka_event_type, rd_kafka_queue_destroy, rd_kafka_queue_new, rd_kafka_queue_poll,
    rd_kafka_queue_t, rd_kafka_resp_err_t,
};
use kafka_emr_rs::rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use kafka_emr_rs::rdkafka::types::RDKafka;

/// Which broker answers at a broker's advertised listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Itself,
    /// Another broker, which names itself.
    Another(i32),
    /// Not known; the text is why.
    Unknown(String),
}

/// Checks whether the broker that answers at a broker's advertised listener is that broker.
pub(crate) fn identify<C: ConsumerContext>(consumer: &BaseConsumer<C>, broker: i32, deadline: Instant) -> Identity {
    // SAFETY: the client lives as long as `consumer` does, which is longer than the call.
    unsafe { identify_with(consumer.client().native_ptr(), broker, deadline) }
}

/// # Safety
///
/// `client` is a live librdkafka client.
unsafe fn identify_with(client: *mut RDKafka, broker: i32, deadline: Instant) -> Identity {
    // SAFETY: the queue is used on this thread alone and destroyed at the end. An event that comes later has no queue then,
    // and librdkafka frees it.
    unsafe {
        let queue = rd_kafka_queue_new(client);
        request(client, broker, left(deadline), queue);
        let mut identity = None;
        while identity.is_none() && Instant::now() < deadline {
            let event = rd_kafka_queue_poll(queue, milliseconds(left(deadline)));
            if event.is_null() {
                continue;
            }
            if rd_kafka_event_type(event) == RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT {
                identity = Some(answer(event, broker));
            }
            rd_kafka_event_destroy(event);
        }
        rd_kafka_queue_destroy(queue);
        identity.unwrap_or_else(|| Identity::Unknown("no answer".to_owned()))
    }
}

/// Requests a broker's configuration, of that broker. The result comes to the queue.
///
/// # Safety
///
/// `client` is a live librdkafka client, and `queue` a queue of it.
unsafe fn request(client: *mut RDKafka, broker: i32, limit: Duration, queue: *mut rd_kafka_queue_t) {
    let name = CString::new(broker.to_string()).expect("digits have no NUL");
    // SAFETY: librdkafka copies name, resource and options, which are destroyed here. Options that it does not take stay as
    // they were, and the errstr may be absent.
    unsafe {
        let options = rd_kafka_AdminOptions_new(client, rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
        rd_kafka_AdminOptions_set_request_timeout(options, milliseconds(limit), ptr::null_mut::<c_char>(), 0);
        let kind = rd_kafka_ResourceType_t::RD_KAFKA_RESOURCE_BROKER;
        let mut resource = rd_kafka_ConfigResource_new(kind, name.as_ptr());
        rd_kafka_DescribeConfigs(client, &raw mut resource, 1, options, queue);
        rd_kafka_ConfigResource_destroy(resource);
        rd_kafka_AdminOptions_destroy(options);
    }
}

/// # Safety
///
/// `event` is a live result of [`request`].
unsafe fn answer(event: *mut rd_kafka_event_t, broker: i32) -> Identity {
    // SAFETY: what is read belongs to the event, and is copied before it is destroyed.
    unsafe {
        let error = rd_kafka_event_error(event);
        if error != rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Identity::of(error, &text(rd_kafka_event_error_string(event)), broker);
        }
        let result = rd_kafka_event_DescribeConfigs_result(event);
        let mut count = 0;
        let resources = rd_kafka_DescribeConfigs_result_resources(result, &raw mut count);
        if count == 0 {
            return Identity::Unknown("an empty answer".to_owned());
        }
        let resource = *resources;
        let why = text(rd_kafka_ConfigResource_error_string(resource));
        Identity::of(rd_kafka_ConfigResource_error(resource), &why, broker)
    }
}

/// # Safety
///
/// `text` is NULL or a C string.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: as above.
    if text.is_null() { String::new() } else { unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned() }
}

impl Identity {
    /// Judges the answer to a request for the settings of a broker.
    fn of(error: rd_kafka_resp_err_t, text: &str, asked: i32) -> Self {
        match error {
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => Identity::Itself,
            // A request can be refused for other reasons as well.
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_INVALID_REQUEST => match named(text).filter(|named| *named != asked)
            {
                Some(other) => Identity::Another(other),
                None => Identity::Unknown(OneLine(text).to_string()),
            },
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED => {
                Identity::Unknown("the user may not describe the cluster".to_owned())
            }
            rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE => {
                Identity::Unknown("it does not describe itself".to_owned())
            }
            _ => Identity::Unknown(OneLine(text).to_string()),
        }
    }
}

/// Returns the broker that names itself in a refusal: "Unexpected broker id, expected 2, but received 1".
fn named(text: &str) -> Option<i32> {
    let expected = text.split_once("broker id, expected ")?.1;
    expected.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// At least one: librdkafka takes none for "without limit".
fn milliseconds(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Identity) {
        let code = rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_INVALID_REQUEST;
        assert_eq!(&Identity::of(code, text, 1), expected, "{text}");
    }

    #[test]
    fn another_broker_names_itself() {
        check("Unexpected broker id, expected 2, but received 1", &Identity::Another(2));
        check("Unexpected broker id, expected 12 or empty string, but received 1", &Identity::Another(12));
    }

    #[test]
    fn a_request_that_is_refused_for_another_reason_shows_no_other_broker() {
        for text in
            ["Broker id must be an integer, but it is: 1", "Unexpected broker id, expected 1, but received 2", "no"]
        {
            check(text, &Identity::Unknown(text.to_owned()));
        }
    }
}
