//! What was measured, and what it comes to.

use std::time::Duration;

use crate::{args::Size, load::Measured, server::Server};

/// One server, one size, one round.
pub(crate) struct Turn {
    pub(crate) size: Size,
    pub(crate) round: u16,
    pub(crate) server: Server,
    pub(crate) figures: Figures,
}

pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    /// In microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// Of the server, in microseconds.
    pub(crate) cpu_per_request: Option<f64>,
    /// Of the server, in MB.
    pub(crate) peak_memory: Option<f64>,
    /// How busy the server's core was with it, 1.0 being all the time.
    pub(crate) server_share: Option<f64>,
    /// The same of the load generator and its core.
    pub(crate) load_share: Option<f64>,
    /// What others took of the two cores.
    pub(crate) others_share: Option<f64>,
}

impl Figures {
    /// `None` if nothing was answered in the window.
    pub(crate) fn new(measured: &Measured, peak_memory: Option<u64>) -> Option<Self> {
        if measured.answered == 0 || measured.latencies.is_empty() {
            return None;
        }
        let window = measured.window.as_secs_f64();
        let answered = measured.answered as f64;
        let share = |cpu: Option<Duration>| Some(cpu?.as_secs_f64() / window);
        let percentile = |per_mille| quantile(&measured.latencies, per_mille) as f64 / 1e3;
        Some(Self {
            requests_per_second: answered / window,
            p50: percentile(500),
            p99: percentile(990),
            p999: percentile(999),
            cpu_per_request: measured
                .server_cpu
                .map(|cpu| cpu.as_secs_f64() * 1e6 / answered),
            peak_memory: peak_memory.map(|kib| kib as f64 / 1024.0),
            server_share: share(measured.server_cpu),
            load_share: share(measured.load_cpu),
            others_share: share(measured.others_cpu),
        })
    }
}

impl Figures {
    pub(crate) fn is_disturbed(&self) -> bool {
        self.others_share.is_some_and(|share| share > DISTURBANCE)
    }
}

/// The smallest value that `per_mille` of the `ascending` ones do not exceed.
fn quantile(ascending: &[u64], per_mille: usize) -> u64 {
    let rank = (ascending.len() * per_mille).div_ceil(1000);
    ascending[rank.clamp(1, ascending.len()) - 1]
}

/// The share of its core from which the load generator counts as busy all the time.
const LIMIT: f64 = 0.9;

/// How much of a core others may use. A tick of the clock is a third of a percent of a turn.
const DISTURBANCE: f64 = 0.05;

/// The turns that succeeded.
#[derive(Default)]
pub(crate) struct Results(pub(crate) Vec<Turn>);

impl Results {
    /// One figure of one server at one size, over the rounds.
    pub(crate) fn over_rounds(
        &self,
        size: Size,
        server: Server,
        figure: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<OverRounds> {
        let turns = self.0.iter();
        let turns = turns.filter(|turn| turn.size == size && turn.server == server);
        OverRounds::of(turns.filter_map(|turn| figure(&turn.figures)).collect())
    }

    /// The turns in which the load generator itself had hardly any time left.
    pub(crate) fn limited_by_load(&self) -> usize {
        self.count(|f| f.load_share.is_some_and(|load| load > LIMIT))
    }

    /// The turns in which somebody else used one of the cores.
    pub(crate) fn disturbed(&self) -> usize {
        self.count(Figures::is_disturbed)
    }

    fn count(&self, is: impl Fn(&Figures) -> bool) -> usize {
        self.0.iter().filter(|turn| is(&turn.figures)).count()
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OverRounds {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    rounds: usize,
}

impl OverRounds {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self {
            median,
            min,
            max,
            rounds: values.len(),
        })
    }

    /// Half the distance from the least to the greatest, in percent of the median; one round alone
    /// has none.
    pub(crate) fn spread(self) -> Option<f64> {
        (self.rounds > 1).then(|| (self.max - self.min) / 2.0 / self.median * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles() {
        let expected = OverRounds {
            median: 2.0,
            min: 1.0,
            max: 3.0,
            rounds: 3,
        };
        let odd = OverRounds::of(vec![3.0, 1.0, 2.0]).unwrap();
        assert_eq!(odd, expected);
        assert_eq!(odd.spread(), Some(50.0));
        let even = OverRounds::of(vec![3.0, 1.0]).unwrap();
        assert_eq!(
            even,
            OverRounds {
                rounds: 2,
                ..expected
            }
        );
        assert_eq!(OverRounds::of(vec![1.0]).unwrap().spread(), None);
        assert_eq!(OverRounds::of(vec![]), None);

        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(quantile(&hundred, 500), 50);
        assert_eq!(quantile(&hundred, 990), 99);
        assert_eq!(quantile(&hundred, 999), 100);
        assert_eq!(quantile(&[7], 500), 7);
    }
}
