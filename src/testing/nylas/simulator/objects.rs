//! Objects that can be fetched.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

/// How many objects of truncated notifications are kept.
const CAPACITY: usize = 100;

/// Objects by their paths, percent-decoded.
#[derive(Default)]
pub(super) struct Objects {
    by_path: HashMap<String, Value>,
    /// Those that came by themselves, the oldest first.
    automatic: VecDeque<String>,
}

impl Objects {
    pub(super) fn put(&mut self, path: String, object: Value) {
        self.by_path.insert(path, object);
    }

    /// Of a notification that was truncated.
    pub(super) fn put_whole(&mut self, object: Value) {
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(grant), Some(id)) = (text("grant_id"), text("id")) else {
            return;
        };
        let path = path(&grant, "messages", &id);
        self.automatic.retain(|other| *other != path);
        self.automatic.push_back(path.clone());
        self.by_path.insert(path, object);
        if self.automatic.len() > CAPACITY
            && let Some(oldest) = self.automatic.pop_front()
        {
            self.by_path.remove(&oldest);
        }
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.by_path.remove(path);
    }

    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.by_path.get(path)
    }
}

pub(super) fn path(grant: &str, collection: &str, id: &str) -> String {
    format!("/v3/grants/{grant}/{collection}/{id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_that_comes_again_and_again_is_kept() {
        let mut objects = Objects::default();
        let object = |id: usize| json!({"grant_id": "g", "id": id.to_string()});
        for _ in 0..=CAPACITY {
            objects.put_whole(object(0));
        }
        assert!(objects.get(&path("g", "messages", "0")).is_some());
        for id in 1..=CAPACITY {
            objects.put_whole(object(id));
        }
        assert!(objects.get(&path("g", "messages", "0")).is_none());
        assert_eq!(objects.by_path.len(), CAPACITY);
    }
}
