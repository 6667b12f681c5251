//! The file store as a process reaches it: it can die, stand still or lose an answer before and
//! after each act. What has come of a file stays, as it does on a disk.

use std::sync::Arc;

use bytes::Bytes;
use watershed_lake::{Error, FileName, FileStore, Incoming, MemoryFiles, Pending};

use crate::process::{Process, Way};

/// Files, reached by one process.
pub(crate) struct OwnFiles {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Arc<MemoryFiles>,
}

/// A file on its way, in one process.
struct OwnIncoming {
    process: Arc<Process>,
    inner: Box<dyn Incoming>,
}

/// Passes a point beside the others; an answer that is lost there is one of a store that is away.
async fn pass(process: &Process, place: &'static str) -> Result<(), Error> {
    if process.pass_beside(place).await == Way::Lost {
        // For a file that does not come its recording is read again.
        process.stage.allow(1);
        return Err(Error::Unreachable {
            place: "the files".to_owned(),
            why: "simulated".to_owned(),
        });
    }
    Ok(())
}

impl FileStore for OwnFiles {
    fn size<'a>(&'a self, name: &'a FileName) -> Pending<'a, Option<u64>> {
        Box::pin(async move {
            pass(&self.process, "before a file is looked for").await?;
            let size = self.inner.size(name).await;
            pass(&self.process, "after a file is looked for").await?;
            size
        })
    }

    fn head<'a>(&'a self, name: &'a FileName, max: usize) -> Pending<'a, Option<Bytes>> {
        self.inner.head(name, max)
    }

    fn remove<'a>(&'a self, name: &'a FileName) -> Pending<'a, bool> {
        self.inner.remove(name)
    }

    fn begin<'a>(&'a self, name: &'a FileName) -> Pending<'a, Box<dyn Incoming>> {
        Box::pin(async move {
            pass(&self.process, "before a file is begun").await?;
            let inner = self.inner.begin(name).await?;
            let process = self.process.clone();
            Ok(Box::new(OwnIncoming { process, inner }) as Box<dyn Incoming>)
        })
    }
}

impl Incoming for OwnIncoming {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn version(&self) -> Option<&str> {
        self.inner.version()
    }

    fn restart(&mut self, version: Option<String>) -> Pending<'_, ()> {
        self.inner.restart(version)
    }

    fn append(&mut self, bytes: Bytes) -> Pending<'_, ()> {
        Box::pin(async move {
            pass(&self.process, "before bytes of a file are kept").await?;
            self.inner.append(bytes).await?;
            pass(&self.process, "after bytes of a file are kept").await
        })
    }

    fn head(&mut self, max: usize) -> Pending<'_, Bytes> {
        self.inner.head(max)
    }

    fn place(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            pass(&self.process, "before a file is placed").await?;
            self.inner.place().await?;
            pass(&self.process, "after a file is placed").await
        })
    }

    fn discard(self: Box<Self>) -> Pending<'static, ()> {
        self.inner.discard()
    }
}
