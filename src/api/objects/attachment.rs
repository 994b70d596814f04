//! The bytes of an attachment.

use bytes::Bytes;
use http::{Method, Request, Response};

use super::{GRANTS, MAX_OBJECT};
use crate::api::{Api, ApiError, InvalidId, Operation, answer, path::Path};

/// `GET …/attachments/{id}/download`: the bytes of an attachment, up to 32 MiB.
#[derive(Debug, Clone)]
pub struct DownloadAttachment(Path);

impl DownloadAttachment {
    /// An attachment of a message.
    ///
    /// # Errors
    ///
    /// [`InvalidId`] for what cannot stand in a path.
    pub fn new(grant_id: &str, id: &str, message_id: &str) -> Result<Self, InvalidId> {
        let attachment = GRANTS.id(grant_id)?.part("/attachments").id(id)?;
        let download = attachment
            .part("/download")
            .query("message_id", message_id)?;
        Ok(Self(download))
    }
}

impl Operation for DownloadAttachment {
    type Output = Bytes;

    fn request(&self, api: &Api) -> Request<Bytes> {
        api.request(Method::GET, &self.0)
    }

    fn response(&self, response: Response<Bytes>) -> Result<Bytes, ApiError> {
        answer::success(&response).cloned()
    }

    fn max_response(&self) -> usize {
        MAX_OBJECT
    }
}
