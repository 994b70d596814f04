//! Why a database cannot be used, and why a call fails later.

use std::{error::Error, fmt};

use tokio_postgres::error::SqlState;
use tower_nylas::{BoxError, inbox::engine};

use crate::connection::{Ended, has_ended};

/// A database cannot be used as an inbox. Nothing in it was changed, unless the connection broke
/// during the only commit.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The URL is none of PostgreSQL, or the pool cannot be made of it.
    Url(BoxError),
    /// The server cannot be reached, or refuses the user.
    Unreachable(BoxError),
    /// The server is older than those that this crate supports.
    Server {
        /// Its version, as it names it.
        found: String,
    },
    /// A setting of the server, the database or the user is not as durability or the contents need
    /// it.
    Setting {
        /// Its name.
        name: &'static str,
        /// The value that it should have.
        wanted: &'static str,
        /// The value that it has.
        found: String,
    },
    /// The server accepts no writes: it is a standby, or the user or the database is read-only.
    ReadOnly,
    /// The user lacks a right, for instance to create the schema: the text says which.
    Denied(String),
    /// PostgreSQL cannot have a schema of this name: it is empty, has more than 63 bytes, or the
    /// character U+0000.
    SchemaName(String),
    /// The schema has tables of another application.
    Foreign {
        /// Its name.
        schema: String,
    },
    /// A later version of this crate has changed the schema.
    Newer {
        /// The version of the schema.
        found: i32,
        /// The latest version that this crate reads.
        known: i32,
    },
    /// Anything else.
    Other(BoxError),
}

impl From<Failure> for OpenError {
    fn from(why: Failure) -> Self {
        match why.code() {
            Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Self::Denied(why.to_string()),
            Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => Self::ReadOnly,
            _ => Self::Other(why.into()),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(why) => write!(f, "the URL of the database cannot be used: {why}"),
            Self::Unreachable(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Server { found } => write!(
                f,
                "the server has version {found}, and has to have {} or later",
                crate::check::OLDEST_SERVER
            ),
            Self::Setting {
                name,
                wanted,
                found,
            } => write!(
                f,
                "the setting {name} of the database is {found}, and has to be {wanted}"
            ),
            Self::ReadOnly => f.write_str(
                "the database accepts no writes: it is a standby, or the user is read-only",
            ),
            Self::Denied(what) => write!(f, "the user lacks a right: {what}"),
            Self::SchemaName(name) => write!(
                f,
                "no schema can have the name {name:?}: it has 1 to 63 bytes, and no U+0000"
            ),
            Self::Foreign { schema } => {
                write!(f, "the schema {schema} has tables of another application")
            }
            Self::Newer { found, known } => write!(
                f,
                "the schema has version {found}, and this program reads versions up to {known}: \
                 a later version of it has used the database"
            ),
            Self::Other(why) => write!(f, "the inbox cannot be opened: {why}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(why) | Self::Unreachable(why) | Self::Other(why) => Some(&**why),
            _ => None,
        }
    }
}

/// Why a statement failed: one error for all whose entries were in it.
#[derive(Debug, Clone)]
pub(crate) struct Failure(engine::Failure);

/// What the server says.
#[derive(Debug)]
struct Refusal {
    text: String,
    code: SqlState,
}

/// What became of a statement is not known.
#[derive(Debug)]
struct Unanswered {
    text: String,
    ended: Ended,
}

impl Failure {
    pub(crate) fn new(why: impl Into<BoxError>) -> Self {
        Self(engine::Failure::new(why))
    }

    pub(crate) fn closed() -> Self {
        Self(engine::Failure::closed())
    }

    /// Of a statement that is still under way.
    pub(crate) fn unanswered(ended: Ended) -> Self {
        Self::new(Unanswered {
            text: "the database does not answer".to_owned(),
            ended,
        })
    }

    /// Of a statement that was sent.
    pub(crate) fn of_statement(why: tokio_postgres::Error) -> Self {
        if why.as_db_error().is_some() {
            return why.into();
        }
        Self::new(Unanswered {
            text: with_sources(&why),
            ended: has_ended(),
        })
    }

    /// If it is not known whether the statement has taken place, when it has ended, as far as its
    /// connection tells.
    pub(crate) fn of_unknown_effect(&self) -> Option<Ended> {
        let unanswered = self.0.downcast_ref::<Unanswered>();
        unanswered.map(|unanswered| unanswered.ended.clone())
    }

    fn code(&self) -> Option<&SqlState> {
        let refusal = self.0.downcast_ref::<Refusal>();
        refusal.map(|refusal| &refusal.code)
    }

    pub(crate) fn no_row() -> Self {
        Self::new("the database has answered without a row")
    }

    /// Whether the same statement may well succeed at once: the transaction was in the way of
    /// another one, and was rolled back.
    pub(crate) fn is_conflict(&self) -> bool {
        use SqlState as Code;
        let code = self.code();
        code == Some(&Code::T_R_SERIALIZATION_FAILURE) || code == Some(&Code::T_R_DEADLOCK_DETECTED)
    }

    /// Whether what was to be stored is the reason, so that it fails again, and others with it.
    pub(crate) fn is_of_data(&self) -> bool {
        // Data exceptions, violated constraints, and limits of the server.
        let class = self.code().and_then(|code| code.code().get(..2));
        matches!(class, Some("22" | "23" | "54"))
    }

    /// Whether the disk of the server has no room for it.
    pub(crate) fn is_full(&self) -> bool {
        self.code() == Some(&SqlState::DISK_FULL)
    }

    /// Whether the connection may be used again: not after anything that a server says when it is
    /// about to end, or cannot write any more.
    pub(crate) fn leaves_connection(&self) -> bool {
        self.code().is_some_and(|code| {
            !matches!(code.code().get(..2), Some("08" | "57" | "58" | "XX"))
                && *code != SqlState::READ_ONLY_SQL_TRANSACTION
        })
    }
}

/// Of what the server says, the message and the code: its details can contain what was stored.
impl From<tokio_postgres::Error> for Failure {
    fn from(why: tokio_postgres::Error) -> Self {
        match why.as_db_error() {
            Some(error) => Self::new(Refusal {
                text: format!("{} ({})", error.message(), error.code().code()),
                code: error.code().clone(),
            }),
            None => Self::new(with_sources(&why)),
        }
    }
}

/// An error and its causes, which most leave out of their own text.
pub(crate) fn with_sources(why: &dyn Error) -> String {
    let mut text = why.to_string();
    let mut source = why.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Failure {}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Unanswered {}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Refusal {}
