//! The clusters' names and addresses in any program of Linux, by the kernel: seccomp user notification.
//!
//! A preloaded library reaches programs that call libc. This reaches those that call the kernel: programs that are linked
//! statically, Go, musl, and whatever they start. The kernel asks a supervisor about the few system calls by which a program
//! reads the hosts file and connects; the supervisor answers those that are about the clusters and lets all others go on.
//! No root, no namespace, no change to the machine.
//!
//! [`start`] is all there is to call, before the process becomes the program. On other systems the crate is empty.

#![cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod answers;
mod caller;
mod error;
mod filter;
mod front;
mod hosts_file;
mod names;
mod serve;
mod start;
mod sys;

pub use error::{Error, ErrorKind};
pub use start::{Way, start, start_in_front};
