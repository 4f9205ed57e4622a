//! What is dialled in place of a name.

use std::net::{IpAddr, SocketAddr};

/// The addresses that a name leads to, and the port if it is not the asked one.
///
/// There is at least one address. A node has one, or one of each family; a line of a hosts text can have more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    addresses: Addresses,
    port: Option<u16>,
}

/// One address takes no memory of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Addresses {
    One(IpAddr),
    Several(Box<[IpAddr]>),
}

impl Dial {
    pub(crate) fn new(address: IpAddr, port: Option<u16>) -> Self {
        Dial { addresses: Addresses::One(address), port }
    }

    /// Returns the addresses, at least one.
    #[must_use]
    #[inline]
    pub fn addresses(&self) -> &[IpAddr] {
        match &self.addresses {
            Addresses::One(address) => std::slice::from_ref(address),
            Addresses::Several(addresses) => addresses,
        }
    }

    /// Returns the port that is dialled instead of the asked one: that of a node's `connect`.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// Returns the addresses with the port to dial, for a caller who asks for `port`.
    #[inline]
    pub fn socket_addrs(&self, port: u16) -> impl Iterator<Item = SocketAddr> + '_ {
        let port = self.port.unwrap_or(port);
        self.addresses().iter().map(move |address| SocketAddr::new(*address, port))
    }

    /// Returns whether two names lead to the same, in whatever order.
    pub(crate) fn same(one: Option<&Dial>, two: Option<&Dial>) -> bool {
        let has_all = |one: &Dial, two: &Dial| two.addresses().iter().all(|address| one.addresses().contains(address));
        match (one, two) {
            (Some(one), Some(two)) => one.port == two.port && has_all(one, two) && has_all(two, one),
            (one, two) => one == two,
        }
    }

    /// Adds an address, unless it is there.
    pub(crate) fn add(&mut self, address: IpAddr) {
        if !self.addresses().contains(&address) {
            let all = self.addresses().iter().copied().chain([address]).collect();
            self.addresses = Addresses::Several(all);
        }
    }

    /// Returns what is left of it in one family; `None` for no address at all.
    #[inline]
    pub(crate) fn of_family(&self, family: Family) -> Option<Dial> {
        let addresses = match &self.addresses {
            Addresses::One(address) => family.has(*address).then_some(Addresses::One(*address))?,
            Addresses::Several(all) => {
                let fitting: Box<[IpAddr]> = all.iter().copied().filter(|address| family.has(*address)).collect();
                match *fitting {
                    [] => return None,
                    [address] => Addresses::One(address),
                    _ => Addresses::Several(fitting),
                }
            }
        };
        Some(Dial { addresses, port: self.port })
    }
}

/// The address family that is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Family {
    /// Both families. The default.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    #[inline]
    fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_family() {
        let [v4, v6]: [IpAddr; 2] = ["10.0.1.24", "fd00::24"].map(|ip| ip.parse().unwrap());
        let mut dial = Dial::new(v4, None);
        assert_eq!(dial.of_family(Family::V6), None);
        dial.add(v6);
        dial.add(v4);
        assert_eq!(dial.addresses(), [v4, v6]);
        assert_eq!(dial.of_family(Family::V6), Some(Dial::new(v6, None)));
        assert_eq!(dial.of_family(Family::Any), Some(dial));
        let tunnel = Dial::new(v6, Some(19092));
        assert_eq!(tunnel.socket_addrs(9092).collect::<Vec<_>>(), ["[fd00::24]:19092".parse().unwrap()]);
    }
}
