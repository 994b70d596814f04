//! What the sandbox shows: a table over a terminal's lines, or plain lines.

use std::{
    fmt::Write as _,
    io::{IsTerminal, Write},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    perform::Sandbox,
    table::{HEIGHT, Table, row},
    watch::{Watch, shown},
};

pub(crate) struct Screen {
    sandbox: Arc<Sandbox>,
    address: SocketAddr,
    watch: Watch,
    table: Option<Table>,
    /// When progress was last printed as a line.
    progress: Instant,
}

/// More than this at once, and only what is not accepted has a line of its own.
const MANY: usize = 100;

/// Prints a line, which scrolls below a table.
pub(crate) fn line(text: &str) {
    print(&format!("{}\n", printable(text)));
}

impl Screen {
    pub(crate) fn new(sandbox: Arc<Sandbox>, address: SocketAddr) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        if is_terminal {
            // Everything but the table scrolls below it.
            print(&format!(
                "\x1b[2J\x1b[{top}r\x1b[{top};1H",
                top = HEIGHT + 1
            ));
        }
        Self {
            sandbox,
            address,
            watch: Watch::default(),
            table: is_terminal.then(Table::default),
            progress: Instant::now(),
        }
    }

    /// Shows what is new.
    pub(crate) fn update(&mut self) {
        let news = self.watch.update(&self.sandbox.nylas, self.sandbox.speed);
        let totals = shown(&self.watch.totals);
        if let Some(table) = &mut self.table {
            table.add(&news);
            self.sandbox
                .runs
                .take_ended()
                .iter()
                .for_each(|it| line(it));
            let lines = table.lines(&self.sandbox, self.address, &totals);
            // At the top, without wrapped lines, and back to where somebody types.
            let mut text = "\x1b7\x1b[?7l\x1b[1;1H".to_owned();
            for line in lines {
                text += &(printable(&line) + "\x1b[K\r\n");
            }
            print(&(text + "\x1b[?7h\x1b8"));
            return;
        }
        let (ended, running) = (self.sandbox.runs.take_ended(), self.sandbox.runs.progress());
        let is_many = news.len() > MANY || !running.is_empty() || !ended.is_empty();
        let is_shown = |is_accepted: bool| !is_accepted || !is_many;
        let mut text = String::new();
        for it in news.iter().filter(|it| is_shown(it.is_accepted)) {
            text += &(printable(&row(it)) + "\n");
        }
        for line in ended {
            let _ = writeln!(text, "{line}; {totals}");
        }
        if self.progress.elapsed() >= Duration::from_secs(1) {
            self.progress = Instant::now();
            for line in running {
                let _ = writeln!(text, "{line}; {totals}");
            }
        }
        print(&text);
    }

    /// Shows the rest, and what was lost and why. Returns whether everything was accepted.
    pub(crate) fn end(mut self) -> bool {
        self.update();
        if self.table.is_some() {
            print("\x1b[r\x1b[999;1H\n");
        }
        let mut text = String::new();
        for ((to, why), count) in &self.watch.reasons {
            let _ = writeln!(text, "{count} × {}: {}", printable(to), printable(why));
        }
        let failed = self.sandbox.runs.failed();
        if failed > 0 {
            let _ = writeln!(text, "{failed} runs have failed");
        }
        print(&format!("{text}{}\n", shown(&self.watch.totals)));
        self.sandbox.is_all_well()
    }
}

/// Without what a terminal would obey: some of it comes from others.
pub(crate) fn printable(text: &str) -> String {
    let is_harmless = |c: char| c == '\n' || !c.is_control();
    text.replace(|c| !is_harmless(c), "\u{fffd}")
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody reads any more, and the sandbox goes on.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
