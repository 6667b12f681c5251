//! A URL of a file store, read.

use std::path::PathBuf;

use url::Url;

/// Whether this build reaches S3.
pub const S3: bool = cfg!(feature = "s3");
/// Whether this build reaches Google Cloud Storage.
pub const GCS: bool = cfg!(feature = "gcs");
/// Whether this build reaches Azure Blob Storage.
pub const AZURE: bool = cfg!(feature = "azure");

/// Where whole files lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// An object store: `s3://`, `gs://`, `az://`, with a bucket and perhaps a prefix.
    Objects(Url),
}

impl Place {
    /// Reads `file://FOLDER`, `s3://BUCKET/PREFIX`, `gs://…`, `az://…`. A folder may be relative.
    ///
    /// # Errors
    /// What is wrong with it, and what it may be.
    pub fn of(text: &str) -> Result<Place, String> {
        if let Some(folder) = text.strip_prefix("file://") {
            return match folder {
                "" => Err("it names no folder, as in file://data/files".to_owned()),
                folder => Ok(Place::Folder(folder.into())),
            };
        }
        let known = "it must be file://FOLDER, s3://BUCKET, gs://BUCKET or az://CONTAINER";
        let url = Url::parse(text).map_err(|_| known.to_owned())?;
        if url.password().is_some() || !url.username().is_empty() {
            return Err("credentials come from the environment, never from the URL".to_owned());
        }
        match (url.scheme(), url.host_str()) {
            ("s3" | "gs" | "az", Some(_)) => Ok(Place::Objects(url)),
            _ => Err(known.to_owned()),
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Folder(folder) => write!(f, "file://{}", folder.display()),
            Place::Objects(url) => f.write_str(url.as_str()),
        }
    }
}
