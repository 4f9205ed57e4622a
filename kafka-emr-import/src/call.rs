//! The calls of the EMR API whose replies are understood.

use std::fmt;

/// A call of the EMR API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Call {
    /// 2016-04-08: the machines, with short names.
    ListClusterHost,
    /// 2016-04-08: the machines, with long domains. The reply has the shape of [`Call::ListClusterHost`], and is taken for it.
    ListFlowClusterHost,
    /// 2016-04-08: the release, and the machines without names.
    DescribeClusterV2,
    /// 2016-04-08: the release.
    DescribeClusterBasicInfo,
    /// 2021-03-20: the machines.
    ListNodes,
    /// 2021-03-20: id, region and release.
    GetCluster,
    /// 2021-03-20: which application runs on which machine.
    ListComponentInstances,
}

impl Call {
    /// All calls.
    pub const ALL: [Call; 7] = [
        Call::ListClusterHost,
        Call::ListFlowClusterHost,
        Call::DescribeClusterV2,
        Call::DescribeClusterBasicInfo,
        Call::ListNodes,
        Call::GetCluster,
        Call::ListComponentInstances,
    ];

    /// Returns the name that the API has for the call.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Call::ListClusterHost => "ListClusterHost",
            Call::ListFlowClusterHost => "ListFlowClusterHost",
            Call::DescribeClusterV2 => "DescribeClusterV2",
            Call::DescribeClusterBasicInfo => "DescribeClusterBasicInfo",
            Call::ListNodes => "ListNodes",
            Call::GetCluster => "GetCluster",
            Call::ListComponentInstances => "ListComponentInstances",
        }
    }

    /// Returns whether the reply has the machines' names, without which there is no description.
    #[must_use]
    pub fn names_machines(self) -> bool {
        match self {
            Call::ListClusterHost | Call::ListFlowClusterHost | Call::ListNodes => true,
            Call::DescribeClusterV2
            | Call::DescribeClusterBasicInfo
            | Call::GetCluster
            | Call::ListComponentInstances => false,
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
