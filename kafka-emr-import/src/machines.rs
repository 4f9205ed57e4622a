//! All machines, by name and by the API's ids.

use std::collections::HashMap;

use crate::error::Result;
use crate::machine::Machine;

/// Machines in the order in which they came.
#[derive(Default)]
pub(crate) struct Machines {
    list: Vec<Machine>,
    by_name: HashMap<String, usize>,
    by_instance: HashMap<String, usize>,
}

impl Machines {
    /// Adds a machine, or what an input has of one that is there already.
    pub(crate) fn add(&mut self, new: Machine) -> Result<()> {
        let index = *self.by_name.entry(name_key(&new.name)).or_insert(self.list.len());
        if index == self.list.len() {
            self.list.push(Machine { name: new.name.clone(), ..Machine::default() });
        }
        self.merge(index, new)
    }

    /// Takes over what an input has of the machine at an index.
    pub(crate) fn merge(&mut self, index: usize, new: Machine) -> Result<()> {
        if let Some(instance) = &new.instance {
            self.by_instance.insert(instance.clone(), index);
        }
        self.list[index].merge(new)
    }

    pub(crate) fn with_name(&self, name: &str) -> Option<usize> {
        self.by_name.get(&name_key(name)).copied()
    }

    pub(crate) fn with_instance(&self, id: &str) -> Option<usize> {
        self.by_instance.get(id).copied()
    }

    pub(crate) fn list(&self) -> &[Machine] {
        &self.list
    }

    pub(crate) fn list_mut(&mut self) -> &mut [Machine] {
        &mut self.list
    }

    pub(crate) fn into_list(self) -> Vec<Machine> {
        self.list
    }
}

/// A name as nodes are told apart: in lower case, and without the dash of `core-1-1` that the API leaves out.
pub(crate) fn name_key(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let letters = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let (word, rest) = name.split_at(letters);
    match rest.strip_prefix('-') {
        Some(numbers) if numbers.contains('-') && numbers.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
            format!("{word}{numbers}")
        }
        _ => name,
    }
}
