//! A peer that sends anything: nothing panics, and no more memory is taken than what it sends.

#![no_main]

use std::io::{self, Cursor, Read, Write};

use kafka_emr_doctor::wire;
use libfuzzer_sys::fuzz_target;

/// Sends these bytes, whatever it is asked.
struct Peer<'a>(Cursor<&'a [u8]>);

impl Read for Peer<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Peer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    // As it is, and as the body of a response, which a fuzzer would take long to frame.
    let mut framed = u32::try_from(bytes.len() + 4).unwrap().to_be_bytes().to_vec();
    framed.extend(wire::CORRELATION_ID.to_be_bytes());
    framed.extend(bytes);
    for sent in [bytes, &framed] {
        let peer = || Peer(Cursor::new(sent));
        if let Ok(versions) = wire::api_versions(&mut peer()) {
            assert!(!versions.releases().is_empty());
            let _ = versions.has_sasl();
        }
        let _ = wire::sasl_mechanisms(&mut peer(), "GSSAPI");
        if let Ok(metadata) = wire::metadata(&mut peer()) {
            assert!(metadata.brokers.is_sorted());
            // An id, two lengths and a port: no broker takes less.
            assert!(metadata.brokers.len() * 12 <= sent.len());
        }
    }
});
