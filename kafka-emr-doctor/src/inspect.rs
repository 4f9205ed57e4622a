//! What answers at one address: how far a client gets there before it would log in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::ClientSettings;
use crate::fault::Protocol;
use crate::tls::{Certificate, Handshake, Tls};
use crate::wire::{self, Metadata};

/// What answers at an address.
#[derive(Clone, Debug)]
pub(crate) struct Inspection {
    /// How long the TCP connection took; `None` if there is none.
    pub(crate) connected: Option<Duration>,
    pub(crate) listener: Result<Listener, NoListener>,
}

/// Why no Kafka listener answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoListener {
    /// Packets get no answer: a firewall, or no such machine.
    Timeout,
    /// The machine answers, and nothing listens on the port.
    Refused,
    /// The system has no route, in its own words.
    Unreachable(String),
    /// Something accepts the connection and does not answer.
    Unresponsive,
    /// Something else listens; the text is what it did.
    NotKafka(String),
    /// Nothing was tried; the text is why.
    NotTried(String),
}

/// A listener of a Kafka broker.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// The certificate, if it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The Kafka releases that speak this protocol; `None` if it closed TLS without an answer: it wants a certificate of the
    /// client, or another one.
    pub(crate) releases: Option<&'static str>,
    /// The SASL mechanisms, if it wants SASL.
    pub(crate) mechanisms: Option<Vec<String>>,
    /// The cluster's metadata, if it gives them without a login.
    pub(crate) metadata: Option<Metadata>,
}

impl Listener {
    /// A listener that has not answered a request yet.
    fn new(certificate: Option<Certificate>) -> Self {
        Listener { certificate, releases: None, mechanisms: None, metadata: None }
    }

    /// What it speaks.
    pub(crate) fn protocol(&self) -> Protocol {
        Protocol { tls: self.certificate.is_some(), login: self.mechanisms.is_some() }
    }

    /// Whether it speaks as a client with these settings does.
    pub(crate) fn fits(&self, settings: &ClientSettings) -> bool {
        let login = self.releases.is_none() || self.mechanisms.is_some() == settings.uses_sasl();
        self.certificate.is_some() == settings.uses_tls() && login
    }
}

impl Inspection {
    /// Whether a Kafka broker answered.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.listener.as_ref().ok()
    }
}

/// Inspects an address, for a client that dials it by `host`, until `deadline` at the latest.
pub(crate) fn inspect(
    address: SocketAddr,
    host: &str,
    settings: &ClientSettings,
    tls: &Tls,
    deadline: Instant,
) -> Inspection {
    let began = Instant::now();
    if began >= deadline {
        return Inspection { connected: None, listener: Err(NoListener::NotTried("the time is over".to_owned())) };
    }
    let stream = match connect(address, deadline) {
        Ok(stream) => stream,
        Err(error) => return Inspection { connected: None, listener: Err(connect_error(&error)) },
    };
    let connected = Some(began.elapsed());
    let by = |with_tls: bool, stream: Timed| {
        if with_tls { over_tls(stream, tls, host, settings) } else { request_all(stream, None, settings) }
    };
    // A listener that does not speak as the client does may speak the other way.
    let listener = by(settings.uses_tls(), stream).or_else(|first| {
        let second = connect(address, deadline).and_then(|stream| by(!settings.uses_tls(), stream));
        second.map_err(|_| protocol_error(&first))
    });
    Inspection { connected, listener }
}

fn over_tls(stream: Timed, tls: &Tls, host: &str, settings: &ClientSettings) -> io::Result<Listener> {
    match tls.handshake(stream, host)? {
        (Handshake::Done(stream), certificate) => request_all(stream, Some(certificate), settings),
        (Handshake::Closed, certificate) => Ok(Listener::new(Some(certificate))),
    }
}

fn request_all(
    mut stream: impl Read + Write,
    certificate: Option<Certificate>,
    settings: &ClientSettings,
) -> io::Result<Listener> {
    let mut listener = Listener::new(certificate);
    let versions = match wire::api_versions(&mut stream) {
        Ok(versions) => versions,
        Err(error)
            if listener.certificate.is_some() && !is_late(&error) && error.kind() != io::ErrorKind::InvalidData =>
        {
            return Ok(listener);
        }
        Err(error) => return Err(error),
    };
    listener.releases = Some(versions.releases());
    if versions.has_sasl() {
        let mechanism = settings.mechanism().unwrap_or_else(|| "PLAIN".to_owned());
        listener.mechanisms = wire::sasl_mechanisms(&mut stream, &mechanism)?;
    }
    if listener.mechanisms.is_none() {
        listener.metadata = Some(wire::metadata(&mut stream)?);
    }
    Ok(listener)
}

/// A connection that ends at a deadline, however slowly its peer sends.
#[derive(Debug)]
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

fn connect(address: SocketAddr, deadline: Instant) -> io::Result<Timed> {
    let stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_nodelay(true)?;
    Ok(Timed { stream, deadline })
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn connect_error(error: &io::Error) -> NoListener {
    match error.kind() {
        _ if is_late(error) => NoListener::Timeout,
        io::ErrorKind::ConnectionRefused => NoListener::Refused,
        _ => NoListener::Unreachable(error.to_string()),
    }
}

fn protocol_error(error: &io::Error) -> NoListener {
    match error.kind() {
        _ if is_late(error) => NoListener::Unresponsive,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            NoListener::NotKafka("it closes the connection".to_owned())
        }
        _ => NoListener::NotKafka(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Inspects a server that treats each connection so.
    #[track_caller]
    fn inspect_server(serve: impl Fn(TcpStream) + Send + 'static, properties: &[&str], limit: Duration) -> Inspection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        let properties: Vec<String> = properties.iter().map(ToString::to_string).collect();
        let settings = ClientSettings::read(&[], &properties).unwrap();
        let began = Instant::now();
        let tls = Tls::new(&settings).unwrap();
        let inspection = inspect(address, "localhost", &settings, &tls, began + limit);
        // More than that, for a machine that is busy; far less than the peers go on.
        assert!(began.elapsed() < limit + Duration::from_secs(10), "{inspection:?}");
        assert!(inspection.connected.is_some(), "{inspection:?}");
        inspection
    }

    /// Sends this, and then goes on for minutes, one byte after the other.
    fn drip(start: &'static [u8]) -> impl Fn(TcpStream) + Send {
        move |mut stream| {
            for byte in start.iter().copied().chain([0; 10_000]) {
                thread::sleep(Duration::from_millis(20));
                if stream.write_all(&[byte]).is_err() {
                    return;
                }
            }
        }
    }

    #[test]
    fn a_peer_that_drips_or_does_not_answer_is_left_in_time() {
        let silent = |stream: TcpStream| {
            thread::sleep(Duration::from_secs(60));
            drop(stream);
        };
        let limit = Duration::from_millis(500);
        // An answer of 16 MiB, and a TLS handshake of 16 KiB.
        let plain = drip(&[1, 0, 0, 0]);
        let tls = drip(&[22, 3, 3, 64, 0, 2, 0, 63, 252, 3, 3]);
        for inspection in [
            inspect_server(plain, &[], limit),
            inspect_server(tls, &["security.protocol=SSL"], limit),
            inspect_server(silent, &[], limit),
            inspect_server(silent, &["security.protocol=SSL"], limit),
        ] {
            assert_eq!(inspection.listener.unwrap_err(), NoListener::Unresponsive);
        }
    }

    #[test]
    fn what_is_not_kafka_is_recognized() {
        let web = |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        };
        let limit = Duration::from_secs(60);
        let inspection = inspect_server(web, &[], limit);
        assert_eq!(inspection.listener.unwrap_err(), NoListener::NotKafka("the answer is not Kafka's".to_owned()));
        assert_eq!(
            inspect_server(drop, &[], limit).listener.unwrap_err(),
            NoListener::NotKafka("it closes the connection".to_owned())
        );
    }
}
