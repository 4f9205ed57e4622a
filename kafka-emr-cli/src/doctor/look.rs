//! What answers at one address: how far a client gets there before it would log in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::settings::Settings;
use super::tls::{self, Certificate};
use super::wire::{self, Told};

/// What a look found.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// How long the connection took to be made; `None` where it was not.
    pub(crate) connected: Option<Duration>,
    pub(crate) answer: Result<Listener, Silence>,
}

/// Why nothing of Kafka's came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The packets get no answer: a firewall, or no such machine.
    Timeout,
    /// The machine answers, and nothing listens on the port.
    Refused,
    /// The system knows no way there, in its own words.
    Unreachable(String),
    /// Something else listens, or nothing that answers.
    NotKafka(String),
}

/// A listener of a Kafka broker.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// The certificate, where it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The Kafka release by its protocol, or why it is not known.
    pub(crate) release: Result<&'static str, String>,
    /// The SASL mechanisms, where it wants SASL.
    pub(crate) mechanisms: Option<Vec<String>>,
    /// Who is in the cluster, where that is told without logging in.
    pub(crate) told: Option<Told>,
}

impl Listener {
    /// Whether it speaks as a client with these settings does.
    pub(crate) fn fits(&self, settings: &Settings) -> bool {
        let login = self.release.is_err() || self.mechanisms.is_some() == settings.uses_sasl();
        self.certificate.is_some() == settings.uses_tls() && login
    }
}

impl Look {
    /// Whether a Kafka broker answered.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.answer.as_ref().ok()
    }
}

/// Looks at one address, for a client that dials it by `host`, until `deadline` at the latest.
pub(crate) fn look(address: SocketAddr, host: &str, settings: &Settings, deadline: Instant) -> Look {
    let began = Instant::now();
    let stream = match connect(address, deadline) {
        Ok(stream) => stream,
        Err(error) => return Look { connected: None, answer: Err(silence(&error)) },
    };
    let connected = Some(began.elapsed());
    let by = |tls: bool, stream: Timed| listen(stream, tls, host, settings);
    // A listener that does not speak as the client does is seen to speak the other way.
    let answer = by(settings.uses_tls(), stream).or_else(|first| {
        let second = connect(address, deadline).and_then(|stream| by(!settings.uses_tls(), stream));
        second.map_err(|_| Silence::NotKafka(in_words(&first)))
    });
    Look { connected, answer }
}

fn listen(stream: Timed, tls: bool, host: &str, settings: &Settings) -> io::Result<Listener> {
    if !tls {
        return converse(stream, None, settings);
    }
    let (stream, certificate) = tls::handshake(stream, host, settings)?;
    converse(stream, Some(certificate), settings)
}

fn converse(
    mut stream: impl Read + Write,
    certificate: Option<Certificate>,
    settings: &Settings,
) -> io::Result<Listener> {
    let mut listener = Listener { certificate, release: Ok(""), mechanisms: None, told: None };
    let versions = match wire::api_versions(&mut stream) {
        Ok(versions) => versions,
        // It speaks TLS and asks for a certificate, which a look does not show.
        Err(error) if listener.certificate.is_some() && error.kind() != io::ErrorKind::InvalidData => {
            listener.release = Err(in_words(&error));
            return Ok(listener);
        }
        Err(error) => return Err(error),
    };
    listener.release = Ok(versions.release());
    if versions.has_sasl() {
        let mechanism = settings.mechanism().unwrap_or_else(|| "PLAIN".to_owned());
        listener.mechanisms = wire::sasl_mechanisms(&mut stream, &mechanism)?;
    }
    if listener.mechanisms.is_none() {
        listener.told = Some(wire::metadata(&mut stream)?);
    }
    Ok(listener)
}

/// A connection that ends at a deadline, however slowly its peer goes on.
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

fn silence(error: &io::Error) -> Silence {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Silence::Timeout,
        io::ErrorKind::ConnectionRefused => Silence::Refused,
        _ => Silence::Unreachable(in_words(error)),
    }
}

/// The error as people say it.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it does not answer".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "it closes the connection".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Looks at a server that treats each connection so.
    #[track_caller]
    fn look_at(serve: impl Fn(TcpStream) + Send + 'static, properties: &[&str], limit: Duration) -> Look {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        let properties: Vec<String> = properties.iter().map(ToString::to_string).collect();
        let settings = Settings::read(&[], &properties).unwrap();
        let began = Instant::now();
        let look = look(address, "localhost", &settings, began + limit);
        // More than that, for a machine that is busy; far less than the peers go on.
        assert!(began.elapsed() < limit + Duration::from_secs(10), "{look:?}");
        assert!(look.connected.is_some(), "{look:?}");
        look
    }

    fn drip(mut stream: TcpStream) {
        // The beginning of an answer of 16 MiB, one byte after the other.
        for byte in [1, 0, 0, 0].into_iter().cycle().take(10_000) {
            thread::sleep(Duration::from_millis(20));
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    }

    #[test]
    fn a_peer_that_drips_or_says_nothing_is_left_in_time() {
        let silent = |stream: TcpStream| {
            thread::sleep(Duration::from_secs(60));
            drop(stream);
        };
        for properties in [&[][..], &["security.protocol=SSL"]] {
            let limit = Duration::from_millis(500);
            for look in [look_at(drip, properties, limit), look_at(silent, properties, limit)] {
                assert!(matches!(&look.answer, Err(Silence::NotKafka(_))), "{look:?}");
            }
        }
    }

    #[test]
    fn what_is_not_kafka_is_told() {
        let web = |mut stream: TcpStream| {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        };
        let limit = Duration::from_secs(60);
        let look = look_at(web, &[], limit);
        assert_eq!(look.answer.unwrap_err(), Silence::NotKafka("the answer is not Kafka's".to_owned()));
        assert_eq!(
            look_at(drop, &[], limit).answer.unwrap_err(),
            Silence::NotKafka("it closes the connection".to_owned())
        );
    }
}
