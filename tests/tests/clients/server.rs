//! A server that tells what it was asked, in the place of one that is too big for a test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

/// It answers in one way for each protocol, and listens as long as the tests run.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Receiver<Request>,
}

/// A request, as it came.
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    pub(crate) fn start(ip: [u8; 4]) -> Self {
        let listener = TcpListener::bind(SocketAddr::from((ip, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, requests) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(request) = answer(stream.unwrap()) else { continue };
                if heard.send(request).is_err() {
                    break;
                }
            }
        });
        Server { address, requests }
    }

    /// The next request that was for this path, or one that ends so.
    pub(crate) fn asked_for(&self, path: &str) -> Request {
        loop {
            let request = self.requests.recv_timeout(Duration::from_secs(10)).expect("nobody asked for it");
            if request.head.split(' ').nth(1).is_some_and(|asked| asked.ends_with(path)) {
                return request;
            }
        }
    }
}

fn answer(stream: TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(&stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head += &line;
    }
    let mut body = String::new();
    reader.take(length).read_to_string(&mut body)?;
    let (status, content) = match head.split(' ').collect::<Vec<_>>()[..] {
        ["HEAD", ..] => ("200 OK", ""),
        // Kubernetes has nothing yet, and takes everything.
        ["GET", path, ..] if path.starts_with("/api") => ("404 Not Found", r#"{"kind":"Status","code":404}"#),
        [_, path, ..] if path.starts_with("/api") => ("201 Created", body.as_str()),
        // What Docker's command line wants to hear, and all others can do with.
        _ => ("200 OK", r#"{"Id":"app"}"#),
    };
    write!(
        &stream,
        "HTTP/1.1 {status}\r\nApi-Version: 1.44\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{content}",
        content.len()
    )?;
    Ok(Request { head, body })
}
