//! A file store in memory: of whole files it keeps the size alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::FileName;
use crate::store::{FileStore, Incoming, Pending};

/// A file store in memory, for what is tried out and for what is rehearsed.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<Files>>);

#[derive(Debug, Default)]
struct Files {
    forgets: bool,
    placed: u64,
    whole: BTreeMap<String, u64>,
    /// `None` while somebody has it in hand.
    parts: BTreeMap<String, Option<Part>>,
}

#[derive(Debug, Default)]
struct Part {
    bytes: Vec<u8>,
    version: Option<String>,
}

struct InHand {
    name: String,
    files: MemoryFiles,
    part: Part,
    over: bool,
    /// Another had it in hand before.
    spare: bool,
}

impl MemoryFiles {
    /// One that forgets what is whole: where nobody asks, and there is a lot of it.
    pub fn forgetful() -> MemoryFiles {
        let files = Files { forgets: true, ..Files::default() };
        MemoryFiles(Arc::new(Mutex::new(files)))
    }

    /// Names of whole files, with their bytes.
    pub fn whole(&self) -> BTreeMap<String, u64> {
        self.files().whole.clone()
    }

    /// How many files have become whole; one that came again counts again.
    pub fn placed(&self) -> u64 {
        self.files().placed
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FileStore for MemoryFiles {
    fn size<'a>(&'a self, name: &'a FileName) -> Pending<'a, Option<u64>> {
        Box::pin(async move { Ok(self.files().whole.get(&name.to_string()).copied()) })
    }

    fn head<'a>(&'a self, name: &'a FileName, max: usize) -> Pending<'a, Option<Bytes>> {
        Box::pin(async move {
            let size = self.files().whole.get(&name.to_string()).copied();
            // Of whole files the size alone is kept.
            let zeros =
                |size: u64| Bytes::from(vec![0; usize::try_from(size).map_or(max, |s| s.min(max))]);
            Ok(size.map(zeros))
        })
    }

    fn remove<'a>(&'a self, name: &'a FileName) -> Pending<'a, bool> {
        Box::pin(async move {
            let mut files = self.files();
            files.parts.remove(&name.to_string());
            Ok(files.whole.remove(&name.to_string()).is_some())
        })
    }

    fn begin<'a>(&'a self, name: &'a FileName) -> Pending<'a, Box<dyn Incoming>> {
        Box::pin(async move {
            let name = name.to_string();
            let before = self.files().parts.insert(name.clone(), None);
            let spare = matches!(before, Some(None));
            let part = before.flatten().unwrap_or_default();
            let incoming = InHand { name, files: self.clone(), part, over: false, spare };
            Ok(Box::new(incoming) as Box<dyn Incoming>)
        })
    }
}

impl Incoming for InHand {
    fn size(&self) -> u64 {
        self.part.bytes.len() as u64
    }

    fn version(&self) -> Option<&str> {
        self.part.version.as_deref()
    }

    fn restart(&mut self, version: Option<String>) -> Pending<'_, ()> {
        self.part = Part { version, ..Part::default() };
        Box::pin(async { Ok(()) })
    }

    fn append(&mut self, bytes: Bytes) -> Pending<'_, ()> {
        self.part.bytes.extend_from_slice(&bytes);
        Box::pin(async { Ok(()) })
    }

    fn head(&mut self, max: usize) -> Pending<'_, Bytes> {
        let bytes = &self.part.bytes;
        let head = Bytes::copy_from_slice(&bytes[..bytes.len().min(max)]);
        Box::pin(async { Ok(head) })
    }

    fn place(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            let size = self.size();
            let mut files = self.files.files();
            files.placed += 1;
            if !files.forgets {
                files.whole.insert(self.name.clone(), size);
            }
            drop(files);
            self.over = true;
            Ok(())
        })
    }

    fn discard(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move {
            self.over = true;
            Ok(())
        })
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut files = self.files.files();
        if self.spare {
            // Nothing of it is kept, and the other goes on.
        } else if self.over {
            files.parts.remove(&self.name);
        } else {
            files.parts.insert(self.name.clone(), Some(std::mem::take(&mut self.part)));
        }
    }
}
