//! JSON with every member in its place, also the repeated ones that `serde_json::Value` drops.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    Object(Vec<(String, Tree)>),
    Array(Vec<Tree>),
    Leaf(Value),
}

impl Tree {
    /// As `serde_json` reads it, for bytes that it accepts.
    pub fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    pub fn members(&self) -> Option<&[(String, Tree)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Tree> {
        let members = self.members()?.iter();
        members
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    pub fn to_value(&self) -> Value {
        match self {
            Self::Object(members) => {
                let members = members.iter();
                Value::Object(
                    members
                        .map(|(key, value)| (key.clone(), value.to_value()))
                        .collect(),
                )
            }
            Self::Array(items) => items.iter().map(Self::to_value).collect(),
            Self::Leaf(value) => value.clone(),
        }
    }

    /// What remains of an object without these members; `None` if any member is there twice.
    pub fn without(&self, names: &[&str]) -> Option<Map<String, Value>> {
        let members = self.members()?;
        let all: HashSet<_> = members.iter().map(|(key, _)| key).collect();
        let rest = members.iter().filter(|(key, _)| !names.contains(&&**key));
        let rest = rest
            .map(|(key, value)| (key.clone(), value.to_value()))
            .collect();
        (all.len() == members.len()).then_some(rest)
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow)
    }
}

struct Grow;

macro_rules! leaves {
    ($($visit:ident: $type:ty,)+) => {
        $(
            fn $visit<E>(self, leaf: $type) -> Result<Tree, E> {
                Ok(Tree::Leaf(leaf.into()))
            }
        )+
    };
}

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    leaves! {
        visit_bool: bool,
        visit_i64: i64,
        visit_u64: u64,
        visit_f64: f64,
        visit_str: &str,
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Leaf(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}
