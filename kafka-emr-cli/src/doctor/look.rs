//! What answers at one address: how far a client gets there before it would log in.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::settings::Settings;
use super::tls::{Certificate, Handshake, Tls};
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
    /// Something takes the connection and says nothing.
    Mute,
    /// Something else listens, and how that shows.
    NotKafka(String),
    /// Nothing was tried, and why.
    NotTried(String),
}

/// A listener of a Kafka broker.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    /// The certificate, where it speaks TLS.
    pub(crate) certificate: Option<Certificate>,
    /// The Kafka releases that speak this protocol; `None` where it broke TLS off and said nothing: it wants to see a
    /// certificate of the client, or another one.
    pub(crate) releases: Option<&'static str>,
    /// The SASL mechanisms, where it wants SASL.
    pub(crate) mechanisms: Option<Vec<String>>,
    /// Who is in the cluster, where that is told without logging in.
    pub(crate) told: Option<Told>,
}

impl Listener {
    /// One that has said nothing yet.
    fn of(certificate: Option<Certificate>) -> Self {
        Listener { certificate, releases: None, mechanisms: None, told: None }
    }

    /// Whether it speaks as a client with these settings does.
    pub(crate) fn fits(&self, settings: &Settings) -> bool {
        let login = self.releases.is_none() || self.mechanisms.is_some() == settings.uses_sasl();
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
    if began >= deadline {
        return Look { connected: None, answer: Err(Silence::NotTried("the time is over".to_owned())) };
    }
    let stream = match connect(address, deadline) {
        Ok(stream) => stream,
        Err(error) => return Look { connected: None, answer: Err(unconnected(&error)) },
    };
    let connected = Some(began.elapsed());
    let tls = match Tls::new(settings) {
        Ok(tls) => tls,
        // It says nothing of who answers.
        Err(error) => return Look { connected, answer: Err(Silence::NotTried(format!("TLS settings: {error}"))) },
    };
    let by = |with_tls: bool, stream: Timed| {
        if with_tls { over_tls(stream, &tls, host, settings) } else { converse(stream, None, settings) }
    };
    // A listener that does not speak as the client does is seen to speak the other way.
    let answer = by(settings.uses_tls(), stream).or_else(|first| {
        let second = connect(address, deadline).and_then(|stream| by(!settings.uses_tls(), stream));
        second.map_err(|_| unheard(&first))
    });
    Look { connected, answer }
}

fn over_tls(stream: Timed, tls: &Tls, host: &str, settings: &Settings) -> io::Result<Listener> {
    match tls.handshake(stream, host)? {
        (Handshake::Done(stream), certificate) => converse(stream, Some(certificate), settings),
        (Handshake::BrokenOff, certificate) => Ok(Listener::of(Some(certificate))),
    }
}

fn converse(
    mut stream: impl Read + Write,
    certificate: Option<Certificate>,
    settings: &Settings,
) -> io::Result<Listener> {
    let mut listener = Listener::of(certificate);
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

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

fn unconnected(error: &io::Error) -> Silence {
    match error.kind() {
        _ if is_late(error) => Silence::Timeout,
        io::ErrorKind::ConnectionRefused => Silence::Refused,
        _ => Silence::Unreachable(error.to_string()),
    }
}

fn unheard(error: &io::Error) -> Silence {
    match error.kind() {
        _ if is_late(error) => Silence::Mute,
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Silence::NotKafka("it closes the connection".to_owned())
        }
        _ => Silence::NotKafka(error.to_string()),
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

    /// Says so, and then goes on for minutes, one byte after the other.
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
    fn a_peer_that_drips_or_says_nothing_is_left_in_time() {
        let silent = |stream: TcpStream| {
            thread::sleep(Duration::from_secs(60));
            drop(stream);
        };
        let limit = Duration::from_millis(500);
        // An answer of 16 MiB, and a TLS handshake of 16 KiB.
        let plain = drip(&[1, 0, 0, 0]);
        let tls = drip(&[22, 3, 3, 64, 0, 2, 0, 63, 252, 3, 3]);
        for look in [
            look_at(plain, &[], limit),
            look_at(tls, &["security.protocol=SSL"], limit),
            look_at(silent, &[], limit),
            look_at(silent, &["security.protocol=SSL"], limit),
        ] {
            assert_eq!(look.answer.unwrap_err(), Silence::Mute);
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
