//! The file store: whole files in their place, others in a folder of this machine until then.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::fs;
use tokio::io::AsyncReadExt as _;

use crate::incoming::{Spooled, sweep};
use crate::store::{FileStore, Incoming, Pending};
use crate::{Error, FileName, Place};

/// The folder of files that are not whole, within a folder of files.
const INCOMING: &str = ".incoming";

/// Files in a folder or an object store.
#[derive(Debug)]
pub struct Lake {
    whole: Whole,
    incoming: PathBuf,
}

/// Where whole files lie.
#[derive(Debug, Clone)]
pub(crate) enum Whole {
    Folder(PathBuf),
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    Objects(crate::objects::Objects),
}

impl Lake {
    /// Opens a place. Files that are not whole lie in `incoming`, or, where the place is a folder,
    /// within it: so that they need only be renamed. Nothing is made yet.
    ///
    /// # Errors
    /// [`Error::Unusable`] where this build cannot reach a place of that kind, or what reaches it
    /// is not set up.
    pub fn open(place: &Place, incoming: &Path) -> Result<Lake, Error> {
        match place {
            Place::Folder(folder) => {
                Ok(Lake { whole: Whole::Folder(folder.clone()), incoming: folder.join(INCOMING) })
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Place::Objects(url) => Ok(Lake {
                whole: Whole::Objects(crate::objects::Objects::open(url)?),
                incoming: incoming.to_owned(),
            }),
            #[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure")))]
            Place::Objects(url) => {
                let _ = incoming;
                Err(not_built_in(url))
            }
        }
    }
}

/// This build has no part for it.
pub(crate) fn not_built_in(url: &url::Url) -> Error {
    let feature = match url.scheme() {
        "s3" => "s3",
        "gs" => "gcs",
        _ => "azure",
    };
    Error::Unusable {
        place: url.to_string(),
        why: format!("this build has no part for it: build with `--features {feature}`"),
    }
}

impl Whole {
    /// Where a whole file lies in a folder.
    pub(crate) fn path(folder: &Path, name: &FileName) -> PathBuf {
        name.parts().iter().fold(folder.to_owned(), |path, part| path.join(part))
    }

    /// Bytes of a file that is there.
    async fn size(&self, name: &FileName) -> Result<Option<u64>, Error> {
        match self {
            Whole::Folder(folder) => match fs::symlink_metadata(Whole::path(folder, name)).await {
                Ok(found) if found.is_file() => Ok(Some(found.len())),
                Ok(_) => Ok(None),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::of(folder, &error)),
            },
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Whole::Objects(objects) => objects.size(name).await,
        }
    }

    /// The first bytes of a file that is there.
    async fn head(&self, name: &FileName, max: usize) -> Result<Option<Bytes>, Error> {
        match self {
            Whole::Folder(folder) => {
                let read = async {
                    let file = fs::File::open(Whole::path(folder, name)).await?;
                    let mut bytes = Vec::new();
                    file.take(max as u64).read_to_end(&mut bytes).await?;
                    Ok(bytes)
                };
                there(folder, read.await).map(|bytes| bytes.map(Bytes::from))
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Whole::Objects(objects) => objects.head(name, max).await,
        }
    }

    /// Takes a file away; whether it was there.
    async fn remove(&self, name: &FileName) -> Result<bool, Error> {
        match self {
            Whole::Folder(folder) => {
                let removed = fs::remove_file(Whole::path(folder, name)).await;
                Ok(there(folder, removed)?.is_some())
            }
            #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
            Whole::Objects(objects) => objects.remove(name).await,
        }
    }
}

/// What came of a file; `None` where it is not there.
fn there<T>(folder: &Path, done: std::io::Result<T>) -> Result<Option<T>, Error> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::of(folder, &error)),
    }
}

impl FileStore for Lake {
    fn size<'a>(&'a self, name: &'a FileName) -> Pending<'a, Option<u64>> {
        Box::pin(async move {
            let size = self.whole.size(name).await?;
            if size.is_some() {
                sweep(&self.incoming, name).await?;
            }
            Ok(size)
        })
    }

    fn head<'a>(&'a self, name: &'a FileName, max: usize) -> Pending<'a, Option<Bytes>> {
        Box::pin(self.whole.head(name, max))
    }

    fn remove<'a>(&'a self, name: &'a FileName) -> Pending<'a, bool> {
        Box::pin(async move {
            let was_there = self.whole.remove(name).await?;
            sweep(&self.incoming, name).await?;
            Ok(was_there)
        })
    }

    fn begin<'a>(&'a self, name: &'a FileName) -> Pending<'a, Box<dyn Incoming>> {
        Box::pin(async move {
            let spooled =
                Spooled::open(self.incoming.clone(), name.clone(), self.whole.clone()).await?;
            Ok(Box::new(spooled) as Box<dyn Incoming>)
        })
    }
}
