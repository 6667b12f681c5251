//! A file on its way, in a folder of this machine.
//!
//! `NAME` has the bytes that have come; `NAME.version` says of which version of the file they
//! are. A lock on `NAME` keeps every other process out, and goes with its process. A process that
//! hangs keeps it: nobody waits for that one, the next has `NAME~2`.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::lake::Whole;
use crate::store::{Incoming, Pending};
use crate::{Error, FileName};

/// A version longer than this is not kept: the file then begins anew after a break.
const VERSION_MAX: usize = 512;

/// As many processes at most bring the same file in.
const AT_ONCE_MAX: usize = 4;

/// A file on its way.
pub(crate) struct Spooled {
    folder: PathBuf,
    path: PathBuf,
    name: FileName,
    file: File,
    size: u64,
    version: Option<String>,
    whole: Whole,
}

impl Spooled {
    pub(crate) async fn open(
        folder: PathBuf,
        name: FileName,
        whole: Whole,
    ) -> Result<Spooled, Error> {
        let told = |error: io::Error| Error::of(&folder, &error);
        make_folder(&folder).await.map_err(told)?;
        for path in paths(&folder, &name) {
            if let Some(file) = locked(&path, true).await.map_err(told)? {
                let size = file.metadata().await.map_err(told)?.len();
                let version = fs::read_to_string(version_of(&path)).await.ok();
                return Ok(Spooled { file, size, version, path, folder, name, whole });
            }
        }
        Err(Error::Busy)
    }

    /// What others left of the file that is whole now.
    async fn remove_others(&self) -> io::Result<()> {
        for path in paths(&self.folder, &self.name) {
            if path == self.path {
                continue;
            }
            if fs::symlink_metadata(&path).await.is_ok() && locked(&path, false).await?.is_some() {
                remove_part(&path).await?;
            }
        }
        Ok(())
    }

    fn told(&self, error: &io::Error) -> Error {
        Error::of(&self.folder, error)
    }

    async fn begin_anew(&mut self, version: Option<String>) -> io::Result<()> {
        self.file.set_len(0).await?;
        let path = version_of(&self.path);
        match &version {
            Some(version) if version.len() <= VERSION_MAX => fs::write(path, version).await?,
            _ => remove(&path).await?,
        }
        (self.size, self.version) = (0, version);
        Ok(())
    }

    async fn first(&mut self, max: usize) -> io::Result<Bytes> {
        self.file.flush().await?;
        self.file.seek(SeekFrom::Start(0)).await?;
        let mut bytes = Vec::new();
        (&mut self.file).take(max as u64).read_to_end(&mut bytes).await?;
        Ok(bytes.into())
    }

    async fn take_its_place(&mut self) -> Result<(), Error> {
        let path = self.path.clone();
        let flushed = async {
            self.file.flush().await?;
            self.file.sync_all().await
        };
        flushed.await.map_err(|error| self.told(&error))?;
        match &self.whole {
            Whole::Folder(root) => {
                let to = Whole::path(root, &self.name);
                put(&path, &to).await.map_err(|error| Error::of(root, &error))?;
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Whole::Objects(objects) => {
                self.file.seek(SeekFrom::Start(0)).await.map_err(|error| self.told(&error))?;
                objects.put(&self.name, &mut self.file).await?;
                remove(&path).await.map_err(|error| self.told(&error))?;
            }
        }
        let removed = async {
            remove(&version_of(&path)).await?;
            self.remove_others().await
        };
        removed.await.map_err(|error| self.told(&error))
    }
}

impl Incoming for Spooled {
    fn size(&self) -> u64 {
        self.size
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn restart(&mut self, version: Option<String>) -> Pending<'_, ()> {
        Box::pin(async move { self.begin_anew(version).await.map_err(|error| self.told(&error)) })
    }

    fn append(&mut self, bytes: Bytes) -> Pending<'_, ()> {
        Box::pin(async move {
            let written = self.file.write_all(&bytes).await;
            // What is not in the file must not be counted as in it.
            let written = match written {
                Ok(()) => self.file.flush().await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                self.size = self.file.metadata().await.map_or(self.size, |found| found.len());
                return Err(self.told(&error));
            }
            self.size += bytes.len() as u64;
            Ok(())
        })
    }

    fn head(&mut self, max: usize) -> Pending<'_, Bytes> {
        Box::pin(async move { self.first(max).await.map_err(|error| self.told(&error)) })
    }

    fn place(mut self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move { self.take_its_place().await })
    }

    fn discard(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async move { remove_part(&self.path).await.map_err(|error| self.told(&error)) })
    }
}

/// Removes what is left of a file that is whole: a process that was killed could not.
pub(crate) async fn sweep(folder: &Path, name: &FileName) -> Result<(), Error> {
    let swept = async {
        for path in paths(folder, name) {
            if fs::symlink_metadata(&path).await.is_err() {
                remove(&version_of(&path)).await?;
            } else if locked(&path, false).await?.is_some() {
                remove_part(&path).await?;
            }
        }
        Ok(())
    };
    swept.await.map_err(|error: io::Error| Error::of(folder, &error))
}

/// Where a file may lie until it is whole, the usual place first.
fn paths(folder: &Path, name: &FileName) -> [PathBuf; AT_ONCE_MAX] {
    let name = name.flat();
    std::array::from_fn(|n| match n {
        0 => folder.join(&name),
        n => folder.join(format!("{name}~{}", n + 1)),
    })
}

/// Opens a file that no other process has in hand.
async fn locked(path: &Path, create: bool) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(create);
    #[cfg(unix)]
    options.mode(0o600);
    let file = options.open(path).await?.into_std().await;
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
        Err(std::fs::TryLockError::Error(error)) => return Err(error),
    }
    // Who had the lock may have placed or discarded it meanwhile: then this is another file.
    let (mine, there) = (file.metadata()?, fs::symlink_metadata(path).await);
    let is_it = there.is_ok_and(|there| there.is_file() && same(&mine, &there));
    Ok(is_it.then(|| File::from_std(file)))
}

async fn remove_part(path: &Path) -> io::Result<()> {
    remove(&version_of(path)).await?;
    remove(path).await
}

/// The file that says of which version the bytes in `path` are.
fn version_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".version");
    name.into()
}

/// Renames, and makes sure that the new name survives a power loss.
async fn put(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("."));
    make_folder(folder).await?;
    fs::rename(from, to).await?;
    File::open(folder).await?.sync_all().await
}

/// Makes a folder that only its owner looks into.
async fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}

async fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    one.len() == other.len()
}
