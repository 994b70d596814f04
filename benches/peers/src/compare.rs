//! The comparison from beginning to end.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use bytes::Bytes;

use crate::{
    Result,
    args::{Compare, Size},
    child::{self, Running},
    cores::Cores,
    load, notification, plot,
    report::{self, Setup},
    results::{Figures, Results, Turn},
    server::Server,
    usage,
};

pub(crate) async fn run(args: &Compare) -> Result<()> {
    if cfg!(debug_assertions) && !args.smoke {
        return Err(
            "this is a debug build, its figures mean nothing: use `cargo run --release`, \
                    or `--smoke` to see only whether it works"
                .into(),
        );
    }
    let began = Instant::now();
    let home = home();
    let mut setup = Setup::new(args);

    let servers = available(&home, &mut setup).await;
    // After `npm ci`, which may use all cores.
    setup.cores = match Cores::settle(args.cores).await {
        Ok(cores) => Some(cores),
        Err(why) => {
            setup.note(format!(
                "nothing is pinned to a core ({why}): servers and load disturb each other"
            ));
            None
        }
    };
    if setup.cores.is_some_and(Cores::are_siblings) {
        setup.note("the two cores are threads of one physical core; choose others with --cores");
    }
    if servers.is_empty() {
        return Err("there is no server to measure".into());
    }

    let bodies = setup
        .sizes
        .iter()
        .map(|&size| Bodies::new(size, args.connections))
        .collect::<Result<Vec<_>>>()?;
    println!("{setup}");

    let turns = bodies.len() * usize::from(setup.rounds) * servers.len();
    let mut results = Results::default();
    let mut failures = Vec::new();
    let mut turn = 0;
    for bodies in &bodies {
        for round in 1..=setup.rounds {
            for &server in &servers {
                turn += 1;
                let width = turns.to_string().len();
                print!(
                    "[{turn:width$}/{turns}] {:>7}  round {round}  {:<22} ",
                    bodies.size.to_string(),
                    server.title(),
                );
                flush();
                match take_turn(server, bodies, &setup, &home).await {
                    Ok(figures) => {
                        println!("{}", report::progress(&figures));
                        results.0.push(Turn {
                            size: bodies.size,
                            round,
                            server,
                            figures,
                        });
                    }
                    Err(error) => {
                        println!("FAILED: {error}");
                        let size = bodies.size;
                        failures.push(format!("{} at {size}: {error}", server.title()));
                    }
                }
            }
        }
    }

    match results.limited_by_load() {
        0 => {}
        limited => setup.notes.push(format!(
            "in {limited} turns the load generator was busy all the time: those servers may be \
             faster than it could show (their CPU per request is right)"
        )),
    }
    match results.disturbed() {
        0 => {}
        disturbed => setup.notes.push(format!(
            "in {disturbed} of {turns} turns others used one of the cores: repeat it on a machine \
             that has nothing else to do"
        )),
    }
    finish(&setup, &results, &failures, &home, began.elapsed())
}

/// The requests of one size.
struct Bodies {
    size: Size,
    genuine: Vec<Bytes>,
    forged: Bytes,
}

impl Bodies {
    fn new(size: Size, connections: u16) -> Result<Self> {
        Ok(Self {
            size,
            genuine: notification::requests(size, connections)?,
            forged: notification::forged(size)?,
        })
    }
}

/// Those of the wanted servers that can run here.
async fn available(home: &Path, setup: &mut Setup) -> Vec<Server> {
    let mut servers = Vec::new();
    for server in setup.servers.clone() {
        if server == Server::Express {
            match child::prepare_express(home).await {
                Ok(node) => setup.node = Some(node),
                Err(why) => {
                    setup.note(format!("{} is not measured: {why}", server.title()));
                    continue;
                }
            }
        }
        servers.push(server);
    }
    servers
}

/// Starts a server, sees that it does its work, measures it, and ends it. A new process each time,
/// so that the peak of its memory belongs to this size and the rounds are independent.
async fn take_turn(server: Server, bodies: &Bodies, setup: &Setup, home: &Path) -> Result<Figures> {
    let running = Running::start(server, setup.cores, home).await?;

    let first = bodies.genuine.first().ok_or("no connection")?;
    match load::status_of(running.addr, first).await? {
        200 => {}
        status => return Err(format!("a genuine notification got {status}").into()),
    }
    if server.verifies() {
        match load::status_of(running.addr, &bodies.forged).await? {
            401 => {}
            status => return Err(format!("a forged notification got {status}").into()),
        }
    }

    let measured = load::run(
        running.addr,
        running.pid,
        setup.cores,
        &bodies.genuine,
        setup.warm_up,
        setup.seconds,
    )
    .await?;
    let figures = Figures::new(&measured, usage::peak_memory(running.pid));
    running.stop().await?;
    if let Some(error) = measured.first_error {
        return Err(format!("{} connections failed, the first: {error}", measured.errors).into());
    }
    figures.ok_or_else(|| "nothing was answered in the measured time".into())
}

fn finish(
    setup: &Setup,
    results: &Results,
    failures: &[String],
    home: &Path,
    took: Duration,
) -> Result<()> {
    let directory = home.join("target").join("peers");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("turns.csv"), report::csv(results))?;
    plot::write(&directory.join("plot.svg"), setup, results)?;
    fs::write(
        directory.join("report.md"),
        report::markdown(setup, results, failures),
    )?;

    println!("\n{}\n", report::tables(setup, results));
    for note in &setup.notes {
        println!("note: {note}");
    }
    for failure in failures {
        println!("failed: {failure}");
    }
    println!(
        "report.md, plot.svg, turns.csv: {}",
        short(&directory).display()
    );
    println!("{}", report::summary(setup, results, failures, took));
    if failures.is_empty() {
        Ok(())
    } else {
        Err("not every request got a 200, so the comparison does not count".into())
    }
}

/// Where this package is: cargo tells it, and was there when the binary was built.
fn home() -> PathBuf {
    env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// The path from here, if that is shorter.
fn short(path: &Path) -> &Path {
    let here = env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok())
        .unwrap_or(path)
}

/// Half a line is not shown by itself.
fn flush() {
    // Progress that nobody can read is no reason to stop.
    let _ = std::io::Write::flush(&mut std::io::stdout());
}
