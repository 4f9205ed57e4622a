//! The three requests of Kafka's protocol that a broker answers before a client has logged in.
//!
//! Each function sends one request over a stream and reads its response. Written by hand: they are small, and a general decoder
//! reserves memory by the lengths that a response claims, while the peer here may be anything. Time limits are the stream's.

use std::io::{self, Read, Write};

/// The largest response, in bytes: a broker in metadata takes less than 400.
const MAX_RESPONSE: usize = 16 << 20;

/// The number of each request. A response repeats it, unless it is other traffic.
pub const CORRELATION_ID: i32 = 0x6b65_6d72;

const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;

/// "This mechanism is not enabled": the response still lists those that are.
const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
/// "This listener has no SASL."
const ILLEGAL_SASL_STATE: i16 = 34;

/// The requests that a broker knows and their highest versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiVersions(Vec<(i16, i16)>);

/// A cluster, as one of its brokers lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Kafka's own id of the cluster, if the broker gives it.
    pub cluster_id: Option<String>,
    /// The brokers, in the order of their ids.
    pub brokers: Vec<MetadataBroker>,
}

/// A broker and its advertised listener.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetadataBroker {
    /// The broker's id.
    pub id: i32,
    /// The host of the advertised listener: a name, or an address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl ApiVersions {
    /// Returns whether the broker knows SASL handshakes. Kafka's brokers all do; a stand-in may not.
    #[must_use]
    pub fn has_sasl(&self) -> bool {
        self.0.iter().any(|(key, _)| *key == SASL_HANDSHAKE)
    }

    /// Returns the Kafka releases that have these versions, such as `2.4 to 2.6`.
    #[must_use]
    pub fn releases(&self) -> &'static str {
        const PRODUCE: i16 = 0;
        const FETCH: i16 = 1;
        const ADDED: [(&str, i16, i16); 15] = [
            ("4.0 or later", PRODUCE, 12),
            ("3.9", FETCH, 17),
            ("3.7 or 3.8", FETCH, 16),
            ("3.5 or 3.6", FETCH, 15),
            ("3.1 to 3.4", FETCH, 13),
            ("2.7 to 3.0", FETCH, 12),
            ("2.4 to 2.6", METADATA, 9),
            ("2.3", FETCH, 11),
            ("2.1 or 2.2", FETCH, 10),
            ("2.0", FETCH, 8),
            ("1.1", FETCH, 7),
            ("1.0", FETCH, 6),
            ("0.11", FETCH, 5),
            ("0.10.1 or 0.10.2", FETCH, 3),
            ("0.10.0", FETCH, 2),
        ];
        let has = |api, version| self.0.iter().any(|(key, max)| *key == api && *max >= version);
        ADDED.iter().find(|(_, api, version)| has(*api, *version)).map_or("older than 0.10", |(releases, ..)| releases)
    }
}

/// Requests the versions of the protocol that the broker knows.
///
/// # Errors
///
/// As the stream's; `InvalidData` for a response that is not Kafka's, and others for an error code.
pub fn api_versions(stream: &mut (impl Read + Write)) -> io::Result<ApiVersions> {
    let response = send(stream, API_VERSIONS, 0, &[])?;
    let mut rest = Response(&response);
    match rest.int16()? {
        0 => {}
        code => return Err(io::Error::other(format!("the broker refuses to give its API versions (error {code})"))),
    }
    let mut versions = Vec::new();
    for _ in 0..rest.count()? {
        let (key, _min, max) = (rest.int16()?, rest.int16()?, rest.int16()?);
        versions.push((key, max));
    }
    Ok(ApiVersions(versions))
}

/// Requests SASL with a mechanism. Returns the mechanisms that the listener has, sorted; `None` if it has no SASL.
///
/// # Errors
///
/// As [`api_versions`]; `InvalidInput` for a mechanism's name of more than 32,767 bytes.
pub fn sasl_mechanisms(stream: &mut (impl Read + Write), mechanism: &str) -> io::Result<Option<Vec<String>>> {
    let mut body = Vec::new();
    put_string(&mut body, mechanism)?;
    let response = send(stream, SASL_HANDSHAKE, 0, &body)?;
    let mut rest = Response(&response);
    match rest.int16()? {
        ILLEGAL_SASL_STATE => return Ok(None),
        0 | UNSUPPORTED_SASL_MECHANISM => {}
        code => return Err(io::Error::other(format!("the broker answers a SASL handshake with error {code}"))),
    }
    let mut mechanisms = Vec::new();
    for _ in 0..rest.count()? {
        mechanisms.push(rest.string()?);
    }
    mechanisms.sort_unstable();
    Ok(Some(mechanisms))
}

/// Requests the brokers of the cluster.
///
/// # Errors
///
/// As [`api_versions`].
pub fn metadata(stream: &mut (impl Read + Write)) -> io::Result<Metadata> {
    // Version 2 is the first with the cluster's id, and known to all releases since. No topics are asked for.
    let response = send(stream, METADATA, 2, &0_i32.to_be_bytes())?;
    let mut rest = Response(&response);
    let mut brokers = Vec::new();
    for _ in 0..rest.count()? {
        let (id, host, port) = (rest.int32()?, rest.string()?, rest.int32()?);
        let _rack = rest.string()?;
        let port = u16::try_from(port).map_err(|_| io::Error::other(format!("a broker with the port {port}")))?;
        brokers.push(MetadataBroker { id, host, port });
    }
    brokers.sort_unstable();
    let cluster_id = Some(rest.string()?).filter(|id| !id.is_empty());
    Ok(Metadata { cluster_id, brokers })
}

fn send(stream: &mut (impl Read + Write), api: i16, version: i16, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    request.extend(api.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(CORRELATION_ID.to_be_bytes());
    put_string(&mut request, "kafka-emr-doctor")?;
    request.extend(body);
    let length = i32::try_from(request.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), &request[..]].concat())?;
    stream.flush()?;

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    let not_kafka = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not Kafka's");
    if !(4..=MAX_RESPONSE).contains(&length) {
        return Err(not_kafka());
    }
    // By what arrives, not by what is claimed.
    let mut response = Vec::new();
    stream.take(length as u64).read_to_end(&mut response)?;
    if response.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if response[..4] != CORRELATION_ID.to_be_bytes() {
        return Err(not_kafka());
    }
    Ok(response.split_off(4))
}

fn put_string(bytes: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let length = i16::try_from(text.len()).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    bytes.extend(length.to_be_bytes());
    bytes.extend(text.as_bytes());
    Ok(())
}

/// The rest of a response.
struct Response<'a>(&'a [u8]);

impl Response<'_> {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(truncated)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn int16(&mut self) -> io::Result<i16> {
        self.bytes().map(i16::from_be_bytes)
    }

    fn int32(&mut self) -> io::Result<i32> {
        self.bytes().map(i32::from_be_bytes)
    }

    /// How many elements follow.
    fn count(&mut self) -> io::Result<u32> {
        u32::try_from(self.int32()?).map_err(|_| truncated())
    }

    /// A string; an absent one is empty.
    fn string(&mut self) -> io::Result<String> {
        let length = usize::try_from(self.int16()?).unwrap_or_default();
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(truncated)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|_| io::Error::other("a text in the answer is not UTF-8"))
    }
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the answer is cut off")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers whatever is asked with these bytes.
    struct Peer(io::Cursor<Vec<u8>>);

    impl Peer {
        fn answering(body: &[u8]) -> Self {
            let mut bytes = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
            bytes.extend(CORRELATION_ID.to_be_bytes());
            bytes.extend(body);
            Peer(io::Cursor::new(bytes))
        }
    }

    impl Read for Peer {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl Write for Peer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn string(text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_string(&mut bytes, text).unwrap();
        bytes
    }

    #[test]
    fn metadata_is_read() {
        let mut body = 1_i32.to_be_bytes().to_vec();
        body.extend(7_i32.to_be_bytes());
        body.extend(string("emr-worker-1.cluster-48742"));
        body.extend(9092_i32.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend(string("a2Fma2EtZW1y"));
        body.extend([0; 8]);
        let read = metadata(&mut Peer::answering(&body)).unwrap();
        assert_eq!(read.cluster_id.as_deref(), Some("a2Fma2EtZW1y"));
        let host = "emr-worker-1.cluster-48742".to_owned();
        assert_eq!(read.brokers, [MetadataBroker { id: 7, host, port: 9092 }]);
        // However little arrives, it is an error and nothing worse.
        for length in 0..body.len() - 8 {
            assert!(metadata(&mut Peer::answering(&body[..length])).is_err(), "{length}");
        }
    }

    #[test]
    fn an_answer_that_claims_much_takes_no_memory() {
        for claim in [i32::MAX, -1] {
            let mut body = claim.to_be_bytes().to_vec();
            body.extend([0; 3]);
            let read = metadata(&mut Peer::answering(&body));
            assert!(read.is_err(), "{claim}: {read:?}");
        }
        let mut http = Peer(io::Cursor::new(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
        assert_eq!(api_versions(&mut http).unwrap_err().to_string(), "the answer is not Kafka's");
    }

    #[test]
    fn mechanisms_are_listed_also_where_the_asked_one_is_not_there() {
        let mut body = UNSUPPORTED_SASL_MECHANISM.to_be_bytes().to_vec();
        body.extend(2_i32.to_be_bytes());
        body.extend(string("SCRAM-SHA-512"));
        body.extend(string("PLAIN"));
        let mechanisms = sasl_mechanisms(&mut Peer::answering(&body), "GSSAPI").unwrap();
        assert_eq!(mechanisms, Some(vec!["PLAIN".to_owned(), "SCRAM-SHA-512".to_owned()]));
        let mut body = ILLEGAL_SASL_STATE.to_be_bytes().to_vec();
        body.extend([0; 4]);
        assert_eq!(sasl_mechanisms(&mut Peer::answering(&body), "GSSAPI").unwrap(), None);
    }

    #[test]
    fn the_release_shows_in_what_is_known() {
        let release = |versions: &[(i16, i16)]| ApiVersions(versions.to_vec()).releases();
        assert_eq!(release(&[(0, 5), (1, 6), (3, 5)]), "1.0");
        assert_eq!(release(&[(0, 8), (1, 11), (3, 9)]), "2.4 to 2.6");
        assert_eq!(release(&[(0, 13), (1, 18), (3, 13)]), "4.0 or later");
        assert_eq!(release(&[]), "older than 0.10");
    }
}
