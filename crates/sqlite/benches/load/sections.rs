//! What is measured.

use std::time::Duration;

use rusqlite::{Connection, params};
use tower_nylas_kit::inbox::load::{
    self, Error, Goals, Load, Measured, Sending, one_after_the_other,
};
use tower_nylas_sqlite::SqliteInbox;

use crate::{
    options::Options,
    plot::{self, Curve},
    receiver::{Folder, Receiving, Who, has_strace, missing_for_express},
    server::{FILE, Kind},
};

const SMALL: usize = 2_000;
const LARGE: usize = 100_000;

/// Whether all goals were met.
pub(crate) async fn run(options: &Options) -> Result<bool, Error> {
    let mut goals = Goals::default();
    let missing = missing_for_express();
    if let Some(missing) = missing {
        println!("without Express: {missing}");
    }
    if options.has("rates") {
        rates(options, &mut goals, missing.is_none()).await?;
    }
    if options.has("large") {
        large(options, &mut goals).await?;
    }
    if options.has("keys") {
        keys(options, &mut goals).await?;
    }
    if options.has("slow") {
        if has_strace() {
            slow(options, &mut goals, missing.is_none()).await?;
        } else {
            println!("without the part `slow`: strace is not installed, or may not trace");
        }
    }
    if options.has("burst") {
        burst(options, &mut goals).await?;
    }
    if options.has("curve") {
        curve(options).await?;
    }
    Ok(goals.print())
}

async fn rates(options: &Options, goals: &mut Goals, express: bool) -> Result<(), Error> {
    load::title("2 KB, synced before each answer");
    for (connections, share, p99) in [(32, 0.8, 15.0), (256, 0.6, 30.0)] {
        let bare = bare(options, connections, SMALL).await?;
        load::row("bare appends, without HTTP", connections, &bare);
        let memory = measure(options, Who::Ours(Kind::Memory), connections, SMALL).await?;
        load::row("memory inbox", connections, &memory);
        let ours = measure(options, Who::Ours(Kind::Sqlite), connections, SMALL).await?;
        load::row("SQLite inbox", connections, &ours);
        let worker = measure(options, Who::Ours(Kind::Worker), connections, SMALL).await?;
        load::row("SQLite inbox, worker draining", connections, &worker);
        let mut others = vec![Who::Ours(Kind::Transaction)];
        if express {
            others.extend([Who::AnswersFirst, Who::StoresFirst]);
        }
        for who in others {
            let other = measure(options, who, connections, SMALL).await?;
            load::row(who.name(), connections, &other);
            load::note(&format!(
                "the SQLite inbox: {:.1} ×",
                ours.rate() / other.rate()
            ));
        }
        let what = format!("{connections} connections");
        goals.at_least(
            &format!("{what}, of bare appends"),
            ours.rate() / bare.rate(),
            share,
        );
        // Two cores do both, so this is what is left if neither costs anything more.
        let both = one_after_the_other(bare.rate(), memory.rate());
        goals.at_least(
            &format!("{what}, of bare appends and HTTP one after the other"),
            ours.rate() / both,
            0.8,
        );
        goals.at_most(&format!("{what}, p99 in ms"), ours.percentile(99), p99);
        if connections == 256 {
            goals.at_least("with a worker, accepted a second", worker.rate(), 12_000.0);
            goals.at_least(
                "with a worker, handled a second",
                worker.handled_rate(),
                6_000.0,
            );
        }
    }
    Ok(())
}

async fn large(options: &Options, goals: &mut Goals) -> Result<(), Error> {
    load::title("100 KB");
    let bare = bare(options, 32, LARGE).await?;
    load::row("bare appends, without HTTP", 32, &bare);
    let ours = measure(options, Who::Ours(Kind::Sqlite), 32, LARGE).await?;
    load::row("SQLite inbox", 32, &ours);
    goals.at_least("100 KB, of bare appends", ours.rate() / bare.rate(), 0.6);
    Ok(())
}

async fn keys(options: &Options, goals: &mut Goals) -> Result<(), Error> {
    load::title(&format!("{} keys of the last 72 hours", options.keys));
    let empty = measure(options, Who::Ours(Kind::Sqlite), 256, SMALL).await?;
    load::row("none", 256, &empty);
    let folder = Folder::new(&options.data)?;
    let inbox = SqliteInbox::open(folder.0.join(FILE)).await?;
    inbox.close().await;
    fill_keys(&folder, options.keys)?;
    let full = measure_in(folder, options, Who::Ours(Kind::Sqlite), 256, SMALL, 0).await?;
    load::row("all of them", 256, &full);
    goals.at_least(
        "with the keys, of without",
        full.rate() / empty.rate(),
        0.85,
    );
    Ok(())
}

fn fill_keys(folder: &Folder, count: u64) -> Result<(), Error> {
    let file = Connection::open(folder.0.join(FILE))?;
    let count = i64::try_from(count)?;
    file.execute_batch("PRAGMA cache_size = -1000000; BEGIN;")?;
    file.execute(
        "WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1)
         INSERT INTO keys SELECT n, randomblob(16), (SELECT file_ms FROM meta) FROM number",
        params![count],
    )?;
    file.execute_batch("INSERT INTO key_index SELECT key, position FROM keys ORDER BY key;")?;
    let sql = "UPDATE meta SET last_position = ?1, indexed_position = ?1";
    file.execute(sql, params![count])?;
    file.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);")?;
    Ok(())
}

async fn slow(options: &Options, goals: &mut Goals, express: bool) -> Result<(), Error> {
    load::title("each sync 5 ms slower");
    let mut rates = Vec::new();
    let mut all = vec![Who::Ours(Kind::Sqlite), Who::Ours(Kind::Transaction)];
    all.extend(express.then_some(Who::StoresFirst));
    for who in all {
        let folder = Folder::new(&options.data)?;
        let measured = measure_in(folder, options, who, 256, SMALL, 5).await?;
        load::row(who.name(), 256, &measured);
        rates.push(measured.rate());
    }
    for other in &rates[1..] {
        goals.at_least(
            "slow syncs, of a transaction a request",
            rates[0] / other,
            20.0,
        );
    }
    Ok(())
}

async fn burst(options: &Options, goals: &mut Goals) -> Result<(), Error> {
    load::title("20,000 in two seconds");
    let sender = Load {
        series: 0,
        connections: 256,
        size: SMALL,
        sending: Sending::Burst(20_000, Duration::from_secs(2)),
    };
    let who = Who::Ours(Kind::Worker);
    let receiving = Receiving::start(who, Folder::new(&options.data)?, 0).await?;
    let measured = sender.send_to(receiving.receiver.address).await?;
    load::row(who.name(), 256, &measured);
    #[allow(clippy::cast_precision_loss)]
    goals.at_most("burst, others than 200", measured.refused as f64, 0.0);
    goals.at_most("burst, p99 in ms", measured.percentile(99), 1000.0);
    Ok(())
}

async fn curve(options: &Options) -> Result<(), Error> {
    load::title("over connections");
    let mut curves: Vec<Curve> = Vec::new();
    for kind in [Kind::Memory, Kind::Sqlite, Kind::Worker, Kind::Transaction] {
        let who = Who::Ours(kind);
        let mut points = Vec::new();
        for &connections in &options.connections {
            let measured = measure(options, who, connections, SMALL).await?;
            load::row(who.name(), connections, &measured);
            points.push((connections, measured));
        }
        curves.push((who.name(), points));
    }
    if let Some(path) = &options.plot {
        plot::write(path, &curves)?;
    }
    Ok(())
}

async fn measure(
    options: &Options,
    who: Who,
    connections: usize,
    size: usize,
) -> Result<Measured, Error> {
    measure_in(
        Folder::new(&options.data)?,
        options,
        who,
        connections,
        size,
        0,
    )
    .await
}

async fn measure_in(
    folder: Folder,
    options: &Options,
    who: Who,
    connections: usize,
    size: usize,
    slower: u32,
) -> Result<Measured, Error> {
    let receiving = Receiving::start(who, folder, slower).await?;
    let sending = Sending::For(options.time);
    let sender = Load {
        series: 0,
        connections,
        size,
        sending,
    };
    sender.send_to(receiving.receiver.address).await
}

/// The engine alone.
async fn bare(options: &Options, callers: usize, size: usize) -> Result<Measured, Error> {
    let folder = Folder::new(&options.data)?;
    let builder = SqliteInbox::builder().max_bytes(1 << 40);
    let inbox = builder.open(folder.0.join(FILE)).await?;
    let measured = load::bare(&inbox, callers, size, options.time).await;
    inbox.close().await;
    Ok(measured)
}
