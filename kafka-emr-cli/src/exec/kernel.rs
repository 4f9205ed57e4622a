//! The second way: a supervisor that the kernel asks.

use kafka_emr_core::Resolver;

/// Puts this process, which is to become the program, under a supervisor.
#[cfg(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(super) fn start(resolver: &Resolver) -> Result<(), String> {
    use kafka_emr_supervisor::Way;
    match kafka_emr_supervisor::start(resolver).map_err(|error| error.to_string())? {
        Way::Sockets => log::debug!("addresses are mapped by the program's sockets (pidfd_getfd)"),
        Way::Memory => log::debug!("addresses are mapped in the program's memory, because pidfd_getfd is forbidden"),
    }
    Ok(())
}

#[cfg(not(all(target_os = "linux", target_endian = "little", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub(super) fn start(_: &Resolver) -> Result<(), String> {
    Err("it needs Linux, on x86-64 or aarch64".to_owned())
}
