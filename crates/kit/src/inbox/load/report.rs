//! Rows for people, and goals that are met or not.

use super::Measured;

pub fn title(title: &str) {
    println!("\n{title}");
    println!(
        "{:36} {:>5} {:>10} {:>9} {:>9} {:>9} {:>8} {:>9}",
        "", "conn.", "200/s", "p50 ms", "p99 ms", "handled/s", "refused", "MiB"
    );
}

pub fn row(name: &str, connections: usize, measured: &Measured) {
    println!(
        "{name:36} {connections:>5} {:>10.0} {:>9.2} {:>9.2} {:>9.0} {:>8} {:>9}",
        measured.rate(),
        measured.percentile(50),
        measured.percentile(99),
        measured.handled_rate(),
        measured.refused,
        measured.resident_kib / 1024,
    );
}

pub fn note(note: &str) {
    println!("  ({note})");
}

#[derive(Debug, Default)]
pub struct Goals(Vec<(String, bool)>);

impl Goals {
    pub fn at_least(&mut self, what: &str, value: f64, least: f64) {
        let goal = format!("{what}: {value:.2}, at least {least:.2}");
        self.0.push((goal, value >= least));
    }

    pub fn at_most(&mut self, what: &str, value: f64, most: f64) {
        let goal = format!("{what}: {value:.2}, at most {most:.2}");
        self.0.push((goal, value <= most));
    }

    /// Whether all were met.
    pub fn print(&self) -> bool {
        if self.0.is_empty() {
            return true;
        }
        println!();
        for (goal, is_met) in &self.0 {
            println!("{}  {goal}", if *is_met { "met   " } else { "MISSED" });
        }
        let met = self.0.iter().filter(|(_, is_met)| *is_met).count();
        println!("\n{met} of {} goals met", self.0.len());
        met == self.0.len()
    }
}
