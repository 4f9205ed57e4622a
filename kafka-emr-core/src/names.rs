//! Long domains, short names, and the role that a name stands for.

use std::borrow::Cow;

use crate::NodeDescription;

/// The longest host name that is accepted, in bytes: one that getaddrinfo takes.
pub(crate) const MAX_NAME: usize = 255;

/// Returns why a text cannot be a host name; `None` if it can.
pub(crate) fn why_no_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a host name must not be empty".to_owned());
    }
    if name.len() > MAX_NAME {
        return Some(format!("a host name has at most {MAX_NAME} bytes, this one has {}", name.len()));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !name.bytes().all(is_allowed) {
        let c = name.chars().find(|c| !u8::try_from(*c).is_ok_and(is_allowed))?;
        return Some(match fold_fullwidth(c) {
            Some(ascii) => format!("{name:?} has the fullwidth character {c:?}: write {ascii:?}"),
            None => format!("{name:?} has the character {c:?}; a host name has letters, digits, '-', '_' and '.'"),
        });
    }
    if name.starts_with('.') || name.contains("..") {
        return Some(format!("{name:?} has an empty part between its dots"));
    }
    // Of these characters only IPv4 addresses are made.
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Some(format!("{name:?} is an address; expected a name"));
    }
    None
}

/// Returns the ASCII character that a fullwidth one stands for. Documents in Chinese are full of them.
pub(crate) fn fold_fullwidth(c: char) -> Option<char> {
    match u32::from(c) {
        code @ 0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0),
        0x3000 => Some(' '),
        0x3002 => Some('.'),
        _ => None,
    }
}

/// Returns a name without the dot at its end, which makes it absolute in DNS and changes nothing here.
#[must_use]
#[inline]
pub fn without_trailing_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Returns a name as it is compared: lower case, without its trailing dot.
pub(crate) fn normal(name: &str) -> String {
    without_trailing_dot(name).to_ascii_lowercase()
}

/// Returns whether an id is of the new console, whose long domains carry the region.
#[must_use]
pub fn is_new_console(id: &str) -> bool {
    id.starts_with("c-")
}

/// A name of a node as it is compared.
pub(crate) struct Name {
    pub(crate) text: String,
    /// Whether it is a short name that no description has in these words: it follows from the node's name or from a long
    /// domain. Nodes of other clusters have the same.
    pub(crate) is_derived: bool,
}

/// Calls `add` with each name of a node: the long domain and the short name in all their spellings, and the aliases. A name
/// can come twice.
pub(crate) fn for_each(node: &NodeDescription, id: Option<&str>, domain: Option<&str>, mut add: impl FnMut(Name)) {
    let id = id.unwrap_or_default();
    let under_domain = |short: &str, is_written_in_full: bool, add: &mut dyn FnMut(Name)| {
        for short in [Some(short), other_spelling(short, id).as_deref()].into_iter().flatten() {
            if let Some(domain) = domain.filter(|_| is_written_in_full) {
                let mut text = String::with_capacity(short.len() + 1 + domain.len());
                text.extend([short, ".", domain]);
                text.make_ascii_lowercase();
                add(Name { text, is_derived: false });
            }
            add(Name { text: short.to_ascii_lowercase(), is_derived: true });
        }
    };
    let host = node.host.as_deref().map(normal);
    if let Some(host) = &host {
        add(Name { text: host.clone(), is_derived: false });
    }
    // The whole long domain is no short name, also if it has no dot.
    under_domain(&node.name, node.host.is_none(), &mut |name| {
        if host.as_ref() != Some(&name.text) {
            add(name);
        }
    });
    for alias in &node.aliases {
        add(Name { text: normal(alias), is_derived: false });
        let short = domain.and_then(|domain| {
            let (short, rest) = without_trailing_dot(alias).split_once('.')?;
            rest.eq_ignore_ascii_case(domain).then_some(short)
        });
        if let Some(short) = short {
            under_domain(short, true, &mut add);
        }
    }
}

/// Returns the long domain of a node: its `host`, else its name under the cluster's domain.
pub(crate) fn long_domain(node: &NodeDescription, id: Option<&str>, domain: Option<&str>) -> Option<String> {
    match &node.host {
        Some(host) => Some(host.clone()),
        None => Some([&as_in_hosts(&node.name, id?), ".", domain?].concat()),
    }
}

/// Returns the domain that all long domains of a cluster end in, without a leading dot.
pub(crate) fn domain(id: &str, region: Option<&str>) -> Option<String> {
    if is_new_console(id) {
        region.map(|region| format!("{id}.{region}.emr.aliyuncs.com"))
    } else {
        Some(format!("cluster-{id}"))
    }
}

/// Returns a node's name as its long domain has it: new-console hosts write `core-1-1` where the API writes `core1-1`.
fn as_in_hosts<'a>(name: &'a str, id: &str) -> Cow<'a, str> {
    match other_spelling(name, id) {
        Some(other) if other.len() > name.len() => other.into(),
        _ => name.into(),
    }
}

/// Returns the other spelling of a new-console node: `core-1-1` for `core1-1` and the reverse.
pub(crate) fn other_spelling(name: &str, id: &str) -> Option<String> {
    if !is_new_console(id) {
        return None;
    }
    let letters = name.find(|c: char| !c.is_ascii_alphabetic()).filter(|&n| n > 0)?;
    let (word, rest) = name.split_at(letters);
    let numbers = rest.strip_prefix('-').unwrap_or(rest);
    let (group, index) = numbers.split_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(group) || !digits(index) {
        return None;
    }
    Some(if rest.starts_with('-') { format!("{word}{numbers}") } else { format!("{word}-{numbers}") })
}

/// A long domain taken apart.
///
/// ```
/// use kafka_emr_core::LongDomain;
///
/// let long = LongDomain::parse("core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com").unwrap();
/// assert_eq!((long.node, long.id, long.region), ("core-1-1", "c-0edf", Some("cn-shanghai")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LongDomain<'a> {
    /// The short name: `emr-worker-1`.
    pub node: &'a str,
    /// The cluster's id: `48742` of `cluster-48742`, or `c-…`.
    pub id: &'a str,
    /// The region, which only long domains of the new console carry.
    pub region: Option<&'a str>,
}

impl<'a> LongDomain<'a> {
    /// Takes a name apart, or returns `None` where it is no long domain of EMR's two forms.
    #[must_use]
    pub fn parse(name: &'a str) -> Option<Self> {
        let (node, domain) = without_trailing_dot(name).split_once('.')?;
        if node.is_empty() {
            return None;
        }
        if let Some(id) = strip_prefix_ignore_case(domain, "cluster-") {
            let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
            return digits.then_some(LongDomain { node, id, region: None });
        }
        let head = domain.len().checked_sub(".emr.aliyuncs.com".len())?;
        if !domain.get(head..)?.eq_ignore_ascii_case(".emr.aliyuncs.com") {
            return None;
        }
        let (id, region) = domain[..head].split_once('.')?;
        (strip_prefix_ignore_case(id, "c-").is_some() && !region.is_empty()).then_some(LongDomain {
            node,
            id,
            region: Some(region),
        })
    }
}

/// Returns whether a name without a domain is one that EMR gives: `emr-worker-1`, `core-1-1`, `core1-1`. What merely begins so,
/// like `coredns`, is somebody else's.
pub(crate) fn is_short_emr_name(name: &str) -> bool {
    let name = normal(name);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let old = ["emr-header-", "emr-worker-", "emr-gateway-"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let new = ["core", "master", "task"].iter().find_map(|prefix| name.strip_prefix(prefix));
    old.is_some_and(is_number)
        || new.is_some_and(|rest| rest.strip_prefix('-').unwrap_or(rest).splitn(2, '-').all(is_number))
}

pub(crate) fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

impl LongDomain<'_> {
    /// Returns what two clusters differ in: id and region, whose case does not matter.
    pub(crate) fn key(&self) -> (String, Option<String>) {
        (self.id.to_ascii_lowercase(), self.region.map(str::to_ascii_lowercase))
    }
}

/// Returns the role that a name stands for, by EMR's habits. The first prefix that fits decides.
pub(crate) fn role_of(name: &str) -> Option<crate::NodeRole> {
    use crate::NodeRole::{Core, Gateway, Master, Task};
    let starts_with = |prefix: &str| strip_prefix_ignore_case(name, prefix).is_some();
    [
        ("emr-header-", Master),
        ("emr-worker-", Core),
        ("emr-gateway-", Gateway),
        ("master", Master),
        ("core", Core),
        ("task", Task),
    ]
    .into_iter()
    .find_map(|(prefix, role)| starts_with(prefix).then_some(role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_domains_of_both_consoles() {
        assert_eq!(domain("48742", None).unwrap(), "cluster-48742");
        assert_eq!(domain("c-0edf", Some("cn-shanghai")).unwrap(), "c-0edf.cn-shanghai.emr.aliyuncs.com");
        assert_eq!(
            LongDomain::parse("emr-worker-1.cluster-48742."),
            Some(LongDomain { node: "emr-worker-1", id: "48742", region: None })
        );
        assert_eq!(
            LongDomain::parse("core-1-1.c-0edf.cn-shanghai.emr.aliyuncs.com"),
            Some(LongDomain { node: "core-1-1", id: "c-0edf", region: Some("cn-shanghai") })
        );
        for other in ["emr-worker-1", "a.cluster-", "a.cluster-x", ".cluster-1", "a.emr.aliyuncs.com", "x.example.com"]
        {
            assert_eq!(LongDomain::parse(other), None, "{other}");
        }
    }

    #[test]
    fn new_console_nodes_have_two_spellings() {
        assert_eq!(other_spelling("core1-1", "c-0edf").as_deref(), Some("core-1-1"));
        assert_eq!(other_spelling("core-1-1", "c-0edf").as_deref(), Some("core1-1"));
        assert_eq!(other_spelling("master-1-12", "c-0edf").as_deref(), Some("master1-12"));
        assert_eq!(other_spelling("core1-1", "48742"), None);
        assert_eq!(other_spelling("emr-worker-1", "c-0edf"), None);
        assert_eq!(other_spelling("core-1", "c-0edf"), None);
        assert_eq!(as_in_hosts("core1-1", "c-0edf"), "core-1-1");
        assert_eq!(as_in_hosts("core-1-1", "c-0edf"), "core-1-1");
    }

    #[test]
    fn short_names_that_emr_gives() {
        for name in ["emr-worker-1", "EMR-Header-12", "emr-gateway-1", "core-1-1", "core1-1", "master-1-1", "task-1"] {
            assert!(is_short_emr_name(name), "{name}");
        }
        for name in ["coredns", "core-switch", "master-db", "emr-worker-x", "emr-worker-", "core", "core-1-1-1", "db"] {
            assert!(!is_short_emr_name(name), "{name}");
        }
    }

    #[test]
    fn names_that_cannot_be() {
        assert_eq!(why_no_name("emr-worker-1.cluster-48742."), None);
        assert_eq!(why_no_name("iZbp1h9g7boqo9x23qbifiZ"), None);
        assert!(why_no_name("").is_some());
        assert!(why_no_name("a..b").is_some());
        assert!(why_no_name(".").is_some());
        assert!(why_no_name("a b").is_some());
        assert!(why_no_name("10.0.1.24").is_some());
        assert!(why_no_name(&"a".repeat(256)).is_some());
        assert!(why_no_name("emr－worker").unwrap().contains("write '-'"));
    }
}
