//! The destination in a file, in place of a row of a database.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tower_nylas::{
    BoxError,
    api::{DestinationStore, NewSecret, Recorded, WebhookId},
};

pub(crate) struct FileStore {
    path: PathBuf,
    entry: Mutex<Option<Entry>>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Entry {
    id: String,
    secret: Option<String>,
    /// Whether Nylas may have another secret by now.
    in_doubt: bool,
}

impl FileStore {
    pub(crate) fn from_env() -> Result<Self, BoxError> {
        let path = std::env::var_os("NYLAS_DESTINATION");
        let path = path.map_or("nylas-destination.json".into(), PathBuf::from);
        let entry = match fs::read(&path) {
            Ok(json) => Some(serde_json::from_slice(&json)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            path,
            entry: Mutex::new(entry),
        })
    }

    pub(crate) fn secret(&self) -> Option<String> {
        self.entry().as_ref()?.secret.clone()
    }

    /// The file is the old one or the new one, whenever the program ends.
    fn write(&self, entry: Entry) -> Result<(), BoxError> {
        let new = self.path.with_extension("new");
        let mut file = private(&new)?;
        file.write_all(&serde_json::to_vec(&entry)?)?;
        file.sync_all()?;
        fs::rename(new, &self.path)?;
        *self.entry() = Some(entry);
        Ok(())
    }

    fn entry(&self) -> MutexGuard<'_, Option<Entry>> {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For nobody else to read.
fn private(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

impl DestinationStore for FileStore {
    async fn load(&self) -> Result<Option<Recorded>, BoxError> {
        let Some(entry) = self.entry().clone() else {
            return Ok(None);
        };
        let id = WebhookId::new(entry.id)?;
        Ok(Some(if entry.in_doubt {
            Recorded::in_doubt(id)
        } else {
            Recorded::current(id)
        }))
    }

    async fn begin_rotation(&self, id: &WebhookId) -> Result<(), BoxError> {
        self.write(Entry {
            id: id.to_string(),
            secret: self.secret(),
            in_doubt: true,
        })
    }

    async fn save(&self, id: &WebhookId, secret: &NewSecret) -> Result<(), BoxError> {
        self.write(Entry {
            id: id.to_string(),
            secret: Some(secret.expose().to_owned()),
            in_doubt: false,
        })
    }
}
