//! Appends, in one transaction that is synced.

use rusqlite::Result;
use tower_nylas::inbox::{AppendError, Appended, engine::Failure};

use super::{Writer, queue::Append};
use crate::{
    checkpoint::pages_of_append,
    error::is_full,
    room::{Disk, Room},
    settings::Durability,
    transaction::Write,
};

impl Writer {
    pub(super) fn appends(&mut self, mut appends: Vec<Append>) {
        appends.retain(|append| !append.reply.is_closed());
        if appends.is_empty() {
            return;
        }
        let lengths = appends
            .iter()
            .map(|append| append.entry.content().len() as u64);
        let length = lengths.sum();
        let options = self.options.clone();
        let disk = self.session().and_then(|session| {
            session.check().map_err(Failure::new)?;
            Ok(Disk::of(session, &options, length))
        });
        let disk = disk.and_then(|disk| disk.map_err(|why| self.failed(why)));
        let appended = disk
            .and_then(|disk| self.write(Durability::Disk, |write| store(write, &appends, disk)));
        match appended {
            Ok(appended) => {
                let pages = |append: &Append| pages_of_append(append.entry.content().len());
                self.checkpointer.wrote(appends.iter().map(pages).sum());
                for (append, result) in appends.into_iter().zip(appended) {
                    let _ = append.reply.send(result);
                }
            }
            Err(why) => {
                for append in appends {
                    let error = if is_full(&why) {
                        AppendError::Full
                    } else {
                        AppendError::Unavailable(why.clone().into())
                    };
                    let _ = append.reply.send(Err(error));
                }
            }
        }
    }
}

fn store(
    write: &mut Write<'_>,
    appends: &[Append],
    disk: Disk,
) -> Result<Vec<std::result::Result<Appended, AppendError>>> {
    let mut room = Room::of(write, disk)?;
    let lengths = appends.iter().map(|append| append.entry.content().len());
    // What is done and kept makes room first.
    if let Some(lacking) = room.lacks(lengths)
        && write.prune_done(i64::try_from(lacking).unwrap_or(i64::MAX))?
    {
        room = Room::of(write, disk)?;
    }
    let append = |append: &Append| write.append(&append.entry, &mut room);
    appends.iter().map(append).collect()
}
