//! What the engine asks of a file store.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;

use crate::{Error, FileName};

/// An answer that a file store still owes.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// Where files are kept.
pub trait FileStore: Send + Sync {
    /// Bytes of a file that is there, which it is only when it is whole; `None`: it is not.
    fn size<'a>(&'a self, name: &'a FileName) -> Pending<'a, Option<u64>>;

    /// The bytes of a file that is there, at most `max`; `None`: it is not.
    fn head<'a>(&'a self, name: &'a FileName, max: usize) -> Pending<'a, Option<Bytes>>;

    /// Takes a file away, with what has come of it before it was whole, as far as nobody brings it
    /// in just now. Whether it was there.
    fn remove<'a>(&'a self, name: &'a FileName) -> Pending<'a, bool>;

    /// A file that is to come, with what has come of it before; of one that another process, or
    /// another task of this one, brings in, from its start.
    ///
    /// # Errors
    /// [`Error::Busy`] while several bring it in.
    fn begin<'a>(&'a self, name: &'a FileName) -> Pending<'a, Box<dyn Incoming>>;
}

/// A file on its way. What has come stays when it is dropped.
pub trait Incoming: Send {
    /// Bytes that have come.
    fn size(&self) -> u64;

    /// The version of the file that they are of, as its server names it.
    fn version(&self) -> Option<&str>;

    /// Begins anew, with another version.
    fn restart(&mut self, version: Option<String>) -> Pending<'_, ()>;

    /// Takes the next bytes.
    fn append(&mut self, bytes: Bytes) -> Pending<'_, ()>;

    /// The first bytes, at most `max`.
    fn head(&mut self, max: usize) -> Pending<'_, Bytes>;

    /// It is whole: from here on it is there, also after a power loss.
    fn place(self: Box<Self>) -> Pending<'static, ()>;

    /// It is not what it should be: nothing of it is kept.
    fn discard(self: Box<Self>) -> Pending<'static, ()>;
}
