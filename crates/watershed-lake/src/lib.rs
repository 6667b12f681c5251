//! Files of recordings, in a folder or an object store.
//!
//! A file comes in pieces, first into a folder of this machine, and goes on where it broke off.
//! Only when it is whole does it get its name: who looks into the store sees whole files alone.

mod error;
mod incoming;
mod lake;
mod memory;
mod name;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod objects;
mod place;
mod store;

pub use error::Error;
pub use lake::Lake;
pub use memory::MemoryFiles;
pub use name::FileName;
pub use place::{AZURE, GCS, Place, S3};
pub use store::{FileStore, Incoming, Pending};
