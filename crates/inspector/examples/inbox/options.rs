use clap::{Args, Parser, Subcommand};

/// Looks into the inbox of Nylas webhooks through its inspector.
#[derive(Parser)]
#[command(name = "inbox")]
pub(crate) struct Options {
    /// Where the inspector is mounted
    #[arg(
        long,
        env = "NYLAS_INSPECTOR_URL",
        global = true,
        default_value = "http://127.0.0.1:8070/inspector"
    )]
    pub(crate) url: String,
    /// A header of each request, as `Name: value`
    #[arg(long, global = true, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// Prints what the inspector answers
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// How many entries there are, and what is wrong
    Stats,
    /// Lists entries, the last one first
    List {
        #[command(flatten)]
        filter: Filter,
        /// How many are listed at most
        #[arg(long, default_value_t = 50)]
        max: usize,
    },
    /// One entry with its timeline
    Show {
        /// The key of the entry, or the id of the notification
        what: String,
    },
    /// Lets entries be handled again
    Replay(Change),
    /// Deletes dead entries
    Discard {
        /// Why, for the record
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        change: Change,
    },
    /// Deletes all entries of a grant
    Purge {
        grant: String,
        #[command(flatten)]
        sure: Sure,
    },
    /// Lets the workers claim nothing any more
    Pause,
    /// Lets the workers claim again
    Resume,
}

#[derive(Args)]
pub(crate) struct Filter {
    /// ready, waiting, claimed, done or dead
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// crashed, exhausted, expired, malformed or undecodable
    #[arg(long)]
    pub(crate) cause: Option<String>,
    #[arg(long)]
    pub(crate) trigger: Option<String>,
    #[arg(long)]
    pub(crate) grant: Option<String>,
}

impl Filter {
    pub(crate) fn fields(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("state", &self.state),
            ("cause", &self.cause),
            ("trigger", &self.trigger),
            ("grant", &self.grant),
        ];
        let given = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.clone()?)));
        given.collect()
    }
}

#[derive(Args)]
pub(crate) struct Change {
    /// Keys of entries that are dead, or of the --state done; or a filter
    pub(crate) keys: Vec<String>,
    #[command(flatten)]
    pub(crate) filter: Filter,
    #[command(flatten)]
    pub(crate) sure: Sure,
}

#[derive(Args)]
pub(crate) struct Sure {
    /// Does not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// Only counts
    #[arg(long)]
    pub(crate) dry_run: bool,
}
