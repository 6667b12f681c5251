//! An object store: S3, Google Cloud Storage, Azure Blob Storage.
//!
//! Credentials, region and endpoint come from the environment, by the names that each store's own
//! tools read (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT`, `GOOGLE_APPLICATION_CREDENTIALS`,
//! `AZURE_STORAGE_ACCOUNT_NAME`, …).

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use url::Url;

use crate::{Error, FileName};

/// Bytes that are read at once on the way into the store.
const PIECE: usize = 1024 * 1024;

/// A bucket, and where in it files lie.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    place: String,
}

impl Objects {
    /// Asks nobody yet.
    pub(crate) fn open(url: &Url) -> Result<Objects, Error> {
        let place = url.to_string();
        let unusable = |why: String| Error::Unusable { place: place.clone(), why };
        let store = store(url)?.map_err(|error| unusable(error.to_string()))?;
        let prefix =
            Path::from_url_path(url.path()).map_err(|error| unusable(error.to_string()))?;
        Ok(Objects { store, prefix, place })
    }

    pub(crate) async fn size(&self, name: &FileName) -> Result<Option<u64>, Error> {
        match self.store.head(&self.path(name)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.told(&error)),
        }
    }

    pub(crate) async fn head(&self, name: &FileName, max: usize) -> Result<Option<Bytes>, Error> {
        match self.size(name).await? {
            None => Ok(None),
            Some(0) => Ok(Some(Bytes::new())),
            Some(size) => {
                let range = 0..size.min(max as u64);
                let read = self.store.get_range(&self.path(name), range).await;
                read.map(Some).map_err(|error| self.told(&error))
            }
        }
    }

    pub(crate) async fn remove(&self, name: &FileName) -> Result<bool, Error> {
        // To delete what is not there is no error at some stores, and one at others.
        let was_there = self.size(name).await?.is_some();
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(was_there),
            Err(error) => Err(self.told(&error)),
        }
    }

    /// The whole of a file, from where it stands. It is there when all of it is.
    pub(crate) async fn put(&self, name: &FileName, file: &mut File) -> Result<(), Error> {
        let mut writer = BufWriter::new(self.store.clone(), self.path(name));
        let broken = |error: std::io::Error| Error::Unreachable {
            place: self.place.clone(),
            why: error.to_string(),
        };
        loop {
            let mut piece = BytesMut::with_capacity(PIECE);
            if file.read_buf(&mut piece).await.map_err(broken)? == 0 {
                break;
            }
            writer.put(piece.freeze()).await.map_err(|error| self.told(&error))?;
        }
        writer.shutdown().await.map_err(|error| match error.downcast() {
            Ok(refused) => self.told(&refused),
            Err(error) => broken(error),
        })
    }

    fn path(&self, name: &FileName) -> Path {
        name.parts().into_iter().fold(self.prefix.clone(), Path::join)
    }

    fn told(&self, error: &object_store::Error) -> Error {
        use object_store::Error::{InvalidPath, NotFound, PermissionDenied, Unauthenticated};
        let (place, why) = (self.place.clone(), error.to_string());
        match error {
            // Where a file is to be written nothing can be missing but the bucket.
            InvalidPath { .. }
            | NotFound { .. }
            | PermissionDenied { .. }
            | Unauthenticated { .. } => Error::Unusable { place, why },
            _ => Error::Unreachable { place, why },
        }
    }
}

type Opened = object_store::Result<Arc<dyn ObjectStore>>;

fn store(url: &Url) -> Result<Opened, Error> {
    fn shared<S: ObjectStore>(built: object_store::Result<S>) -> Opened {
        built.map(|store| -> Arc<dyn ObjectStore> { Arc::new(store) })
    }
    match url.scheme() {
        #[cfg(feature = "s3")]
        "s3" => {
            let builder = object_store::aws::AmazonS3Builder::from_env().with_url(url.as_str());
            Ok(shared(builder.build()))
        }
        #[cfg(feature = "gcs")]
        "gs" => {
            let builder =
                object_store::gcp::GoogleCloudStorageBuilder::from_env().with_url(url.as_str());
            Ok(shared(builder.build()))
        }
        #[cfg(feature = "azure")]
        "az" => {
            let builder =
                object_store::azure::MicrosoftAzureBuilder::from_env().with_url(url.as_str());
            Ok(shared(builder.build()))
        }
        _ => Err(crate::lake::not_built_in(url)),
    }
}
