//! Descriptions to vary.

/// A description of the clusters that the tests start.
#[derive(Clone)]
pub(super) struct Described {
    top: String,
    nodes: Vec<DescribedNode>,
}

#[derive(Clone)]
pub(super) struct DescribedNode {
    pub(super) name: String,
    pub(super) private: String,
    pub(super) public: String,
}

impl Described {
    /// A header and three workers, with the private IPs 127.10.1.x and the EIPs 127.20.1.x.
    pub(super) fn new(release: &str, network: &str) -> Self {
        let top = format!("id = \"48742\"\nrelease = \"{release}\"\nnetwork = \"{network}\"\n");
        let nodes = [("emr-header-1", 23), ("emr-worker-1", 24), ("emr-worker-2", 25), ("emr-worker-3", 26)];
        nodes.into_iter().fold(Described { top, nodes: Vec::new() }, |described, (name, host)| {
            described.node(name, &format!("127.10.1.{host}"), &format!("127.20.1.{host}"))
        })
    }

    /// With another id.
    pub(super) fn id(mut self, id: &str) -> Self {
        self.top = self.top.replace("48742", id);
        self
    }

    /// With one more line before the nodes.
    pub(super) fn top(mut self, line: &str) -> Self {
        self.top += &format!("{line}\n");
        self
    }

    pub(super) fn node(mut self, name: &str, private: &str, public: &str) -> Self {
        let [name, private, public] = [name, private, public].map(str::to_owned);
        self.nodes.push(DescribedNode { name, private, public });
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.nodes.retain(|node| node.name != name);
        self
    }

    pub(super) fn each(mut self, change: impl Fn(&mut DescribedNode)) -> Self {
        self.nodes.iter_mut().for_each(change);
        self
    }

    /// With the addresses of the first two workers the wrong way round.
    pub(super) fn swapped(self) -> Self {
        self.each(|node| match node.name.as_str() {
            "emr-worker-1" => node.private = "127.10.1.25".to_owned(),
            "emr-worker-2" => node.private = "127.10.1.24".to_owned(),
            _ => {}
        })
    }

    pub(super) fn file(&self) -> tempfile::TempPath {
        let nodes = self.nodes.iter().map(|DescribedNode { name, private, public }| {
            let public = if public.is_empty() { String::new() } else { format!("public_ip = \"{public}\"\n") };
            format!("[[nodes]]\nname = \"{name}\"\nprivate_ip = \"{private}\"\n{public}")
        });
        let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        std::fs::write(file.path(), self.top.clone() + &nodes.collect::<String>()).unwrap();
        file.into_temp_path()
    }
}
