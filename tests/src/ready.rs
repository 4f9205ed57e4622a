//! Asking one broker who is in the cluster.
//!
//! In Kafka's protocol itself, over a plain socket: one request, one answer. A client library
//! would go on to the addresses it is told, resolve names that do not exist, and log all that.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection or an answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// The largest answer: a few dozen brokers take one or two thousand bytes.
const MAX_ANSWER: usize = 1 << 20;

/// Metadata, version 1, of no topics: known to all versions from 0.10 to 4.x.
#[rustfmt::skip]
const REQUEST: [u8; 18] = [
    0, 0, 0, 14, // the bytes that follow
    0, 3, 0, 1, // metadata, version 1
    0, 0, 0, 0, // the number of the request
    255, 255, // no client id
    0, 0, 0, 0, // no topics
];

/// The brokers that the one at `address` lists, in the order of their ids: id and `host:port`.
pub(crate) fn brokers(address: SocketAddr) -> io::Result<Vec<(i32, String)>> {
    let mut socket = TcpStream::connect_timeout(&address, ANSWER)?;
    socket.set_read_timeout(Some(ANSWER))?;
    socket.write_all(&REQUEST)?;

    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MAX_ANSWER {
        return Err(io::Error::other(format!("an answer of {length} bytes")));
    }
    let mut answer = vec![0; length];
    socket.read_exact(&mut answer)?;

    let mut rest = answer.as_slice();
    let _number = int32(&mut rest)?;
    let mut brokers = Vec::new();
    for _ in 0..int32(&mut rest)? {
        let id = int32(&mut rest)?;
        let host = string(&mut rest)?;
        let port = int32(&mut rest)?;
        let _rack = string(&mut rest)?;
        brokers.push((id, format!("{host}:{port}")));
    }
    brokers.sort_unstable();
    Ok(brokers)
}

fn int32(rest: &mut &[u8]) -> io::Result<i32> {
    let mut bytes = [0; 4];
    rest.read_exact(&mut bytes)?;
    Ok(i32::from_be_bytes(bytes))
}

/// A string; an absent one is empty.
fn string(rest: &mut &[u8]) -> io::Result<String> {
    let mut length = [0; 2];
    rest.read_exact(&mut length)?;
    let length = i16::from_be_bytes(length).max(0);
    let mut text = vec![0; length as usize];
    rest.read_exact(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}
