//! The statements, each of which is a transaction of its own.
//!
//! They are sent unnamed and together with their parameters, so that they need no session: a pooler
//! may run each over another connection.

use crate::error::OpenError;

/// The longest name, in bytes.
const LONGEST: usize = 63;

/// As they stand in the files.
const WRITTEN: &str = "nylas_inbox";

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $($file:literal)+,)+) => {
        /// The text of each statement, for one schema.
        pub(crate) struct Statements {
            $($(#[$doc])* pub(crate) $name: String,)+
        }

        impl Statements {
            pub(crate) fn new(schema: &Schema) -> Self {
                Self {
                    $($name: schema.apply(concat!($(include_str!($file)),+)),)+
                }
            }
        }
    };
}

statements! {
    append: "append.sql",
    known: "known.sql",
    claim: "claim.sql",
    /// What a claim has taken whose answer was lost.
    lost: "lost.sql",
    extend: "extend.sql",
    put_back: "put_back.sql",
    done: "done.sql" "removed.sql",
    replay: "replay.sql",
    discard: "discard.sql" "removed.sql",
    purge: "purge.sql" "removed.sql",
    /// Where so many positions end.
    page: "page.sql",
    mark: "mark.sql",
    move_waiting: "move_waiting.sql",
    /// Tables whose statistics are far from what is in them.
    stale: "stale.sql",
    prune_ended: "prune_ended.sql" "removed.sql",
    prune_done: "prune_done.sql" "removed.sql",
    prune_keys: "prune_keys.sql",
    stats: "stats.sql",
    list: "list.sql",
    list_dead: "list_dead.sql",
    dead_groups: "dead_groups.sql",
    timeline: "timeline.sql",
}

/// The name of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) name: String,
    quoted: String,
}

impl Schema {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            quoted: format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// Fails for a name that the server would cut off, and so take for another one, or refuse.
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let is_possible = (1..=LONGEST).contains(&self.name.len()) && !self.name.contains('\0');
        let error = || OpenError::SchemaName(self.name.clone());
        is_possible.then_some(()).ok_or_else(error)
    }

    /// The same statements, for this schema.
    pub(crate) fn apply(&self, sql: &str) -> String {
        sql.replace(WRITTEN, &self.quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_name_whatever_is_in_it() {
        let schema = Schema::new(r#"a "b"; c"#);
        assert_eq!(
            schema.apply("SELECT FROM nylas_inbox.jobs"),
            r#"SELECT FROM "a ""b""; c".jobs"#
        );
    }
}
