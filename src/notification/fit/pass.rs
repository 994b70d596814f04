//! One pass over a value: where it is, and what it found.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    fmt::Write,
};

use serde_json::Value;

use super::error::{Error, OTHER};

/// How much memory the paths to wrong values may take; beyond it, whole members of the object are
/// taken out.
const MAX_PATHS: usize = 1 << 20;

/// Which value, by its address; values stand still during all passes.
pub(super) type Address = *const Value;

/// A member of the root that stands in for a missing one, by its name; in a box, so that it stands
/// still when there are more of them.
pub(super) type Supplied = (&'static str, Box<Value>);

/// How a value that was taken out appears.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Gone {
    /// Not at all.
    LeftOut,
    /// As `null`, for a field that must be there.
    AsNull,
}

/// A place in the body, and what was expected there.
#[derive(Debug, Clone)]
pub(in crate::notification) struct Place {
    pub(super) path: String,
    pub(super) expected: Cow<'static, str>,
}

/// What was taken out by earlier passes.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) gone: HashMap<Address, Gone>,
    pub(super) places: Vec<(Address, Place)>,
    paths: usize,
}

impl Taken {
    pub(super) fn insert(&mut self, address: Address, place: Place) {
        if self.gone.insert(address, Gone::LeftOut).is_none() {
            self.paths += place.path.len();
            self.places.push((address, place));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.paths > MAX_PATHS
    }
}

/// A value on the way from the root to the one that is read.
pub(super) struct Node<'p, 'de> {
    pub(super) parent: Option<&'p Node<'p, 'de>>,
    pub(super) step: Step<'de>,
    pub(super) value: &'de Value,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'de> {
    Root,
    Member(&'de str),
    Item(usize),
}

impl Step<'_> {
    /// What a type expects that cannot do without the value there. Only the names of its own fields
    /// can come to this.
    pub(super) fn fitting(self) -> String {
        match self {
            Self::Root => OTHER.to_owned(),
            Self::Member(name) => format!("an object whose `{name}` fits"),
            Self::Item(index) => format!("a list whose item {index} fits"),
        }
    }
}

impl<'p, 'de> Node<'p, 'de> {
    pub(super) fn root(value: &'de Value) -> Self {
        Self {
            parent: None,
            step: Step::Root,
            value,
        }
    }

    fn address(&self) -> Address {
        self.value
    }

    /// The member of the root that it belongs to.
    fn top(&'p self) -> &'p Self {
        let mut node = self;
        while let Some(parent) = node.parent {
            if parent.parent.is_none() {
                break;
            }
            node = parent;
        }
        node
    }

    /// As a JSON pointer.
    fn path(&self, base: &str) -> String {
        let mut steps = Vec::new();
        let mut node = Some(self);
        while let Some(here) = node {
            steps.push(here.step);
            node = here.parent;
        }
        let mut path = base.to_owned();
        for step in steps.into_iter().rev() {
            match step {
                Step::Root => {}
                Step::Member(name) => push_name(&mut path, name),
                Step::Item(index) => {
                    // Writing to a string does not fail.
                    let _ = write!(path, "/{index}");
                }
            }
        }
        path
    }
}

/// Goes to a member in a JSON pointer.
pub(in crate::notification) fn push_name(path: &mut String, name: &str) {
    path.push('/');
    path.push_str(&name.replace('~', "~0").replace('/', "~1"));
}

/// Why a pass ended early.
pub(super) struct Failure {
    pub(super) address: Address,
    pub(super) place: Place,
    /// The member that was missing, if it is there and was taken out.
    pub(super) missing: Option<Address>,
}

/// One pass.
pub(super) struct Pass<'a> {
    base: &'a str,
    taken: &'a Taken,
    pub(super) supplied: &'a [Supplied],
    /// Whether wrong values take the whole member of the root with them.
    whole_members: bool,
    found: RefCell<Vec<(Address, Place)>>,
    found_addresses: RefCell<HashSet<Address>>,
    paths: Cell<usize>,
    aside: RefCell<Vec<Place>>,
    failure: RefCell<Option<Failure>>,
    visited: Cell<usize>,
}

/// What a pass found.
pub(super) struct Findings {
    /// Wrong values, in whose place it read something else.
    pub(super) found: Vec<(Address, Place)>,
    /// Wrong values that need not be taken out, since the pass read the rest around them.
    pub(super) aside: Vec<Place>,
    pub(super) failure: Option<Failure>,
    /// How many values it went through.
    pub(super) visited: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn new(
        base: &'a str,
        taken: &'a Taken,
        supplied: &'a [Supplied],
        whole_members: bool,
    ) -> Self {
        Self {
            base,
            taken,
            supplied,
            whole_members,
            found: RefCell::default(),
            found_addresses: RefCell::default(),
            paths: Cell::new(0),
            aside: RefCell::default(),
            failure: RefCell::default(),
            visited: Cell::new(0),
        }
    }

    pub(super) fn findings(self) -> Findings {
        Findings {
            found: self.found.into_inner(),
            aside: self.aside.into_inner(),
            failure: self.failure.into_inner(),
            visited: self.visited.get(),
        }
    }

    /// Whether the next value was taken out.
    pub(super) fn gone(&self, value: &Value) -> Option<Gone> {
        self.visited.set(self.visited.get() + 1);
        if self.taken.gone.is_empty() {
            return None;
        }
        self.taken.gone.get(&std::ptr::from_ref(value)).copied()
    }

    /// Notes a wrong value, for the next pass to go without.
    pub(super) fn record(&self, node: &Node<'_, '_>, expected: &'static str) -> Result<(), Error> {
        let node = if self.whole_members { node.top() } else { node };
        if !self.found_addresses.borrow_mut().insert(node.address()) {
            return Ok(());
        }
        let place = Place {
            path: node.path(self.base),
            expected: expected.into(),
        };
        self.paths.set(self.paths.get() + place.path.len());
        self.found.borrow_mut().push((node.address(), place));
        if self.paths.get() > MAX_PATHS {
            return Err(Error::Recorded);
        }
        Ok(())
    }

    /// Notes wrong values below `node`, by their paths from there.
    pub(super) fn put_aside(&self, node: &Node<'_, '_>, below: Vec<Place>) {
        if below.is_empty() {
            return;
        }
        let base = node.path(self.base);
        let mut aside = self.aside.borrow_mut();
        for Place { path, expected } in below {
            let path = format!("{base}{path}");
            self.paths.set(self.paths.get() + path.len());
            if self.paths.get() <= MAX_PATHS {
                aside.push(Place { path, expected });
            }
        }
    }

    /// Notes where an error that ends the pass comes from.
    pub(super) fn locate(&self, node: &Node<'_, '_>, error: Error) -> Error {
        let (expected, missing) = match error {
            Error::Recorded => return error,
            Error::Missing(field) => (
                format!("an object with `{field}`").into(),
                node.value.get(field),
            ),
            Error::Unfit(expected) => (expected, None),
        };
        let missing = missing.filter(|value| self.gone(value) == Some(Gone::LeftOut));
        let target = if self.whole_members { node.top() } else { node };
        *self.failure.borrow_mut() = Some(Failure {
            address: target.address(),
            place: Place {
                path: target.path(self.base),
                expected,
            },
            missing: missing
                .filter(|_| !self.whole_members)
                .map(std::ptr::from_ref),
        });
        Error::Recorded
    }
}
