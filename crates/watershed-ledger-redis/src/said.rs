//! What is said to a script: a tree of values, in MessagePack as Lua's `cmsgpack` reads it.
//!
//! Bytes go as its strings, whatever they are; nothing is `nil`, which would end a list in Lua:
//! what is not there is `false`.

use std::borrow::Cow;

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Said<'a> {
    Flag(bool),
    Int(i64),
    Float(f64),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Said<'a>>),
    Map(Vec<(&'static str, Said<'a>)>),
}

impl<'a> Said<'a> {
    pub(crate) const NONE: Said<'static> = Said::Flag(false);

    pub(crate) fn text(text: &'a str) -> Said<'a> {
        Said::Bytes(Cow::Borrowed(text.as_bytes()))
    }

    pub(crate) fn bytes(bytes: Vec<u8>) -> Said<'a> {
        Said::Bytes(Cow::Owned(bytes))
    }

    /// A hash or a nonce: eight bytes, since a number of Lua holds 53 bits.
    pub(crate) fn hash(hash: u64) -> Said<'a> {
        Said::Bytes(Cow::Owned(hash.to_be_bytes().to_vec()))
    }

    /// A count or an id: below 2^53.
    pub(crate) fn count(count: u64) -> Said<'a> {
        Said::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    pub(crate) fn list<T>(of: impl IntoIterator<Item = T>, each: impl Fn(T) -> Said<'a>) -> Self {
        Said::List(of.into_iter().map(each).collect())
    }

    pub(crate) fn maybe<T>(of: Option<T>, some: impl FnOnce(T) -> Said<'a>) -> Said<'a> {
        of.map_or(Said::NONE, some)
    }

    /// As bytes.
    pub(crate) fn packed(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        self.pack(&mut bytes);
        bytes
    }

    fn pack(&self, to: &mut Vec<u8>) {
        // A vector takes all that is written to it.
        match self {
            Said::Flag(flag) => drop(rmp::encode::write_bool(to, *flag)),
            Said::Int(int) => drop(rmp::encode::write_sint(to, *int)),
            Said::Float(float) => drop(rmp::encode::write_f64(to, *float)),
            Said::Bytes(bytes) => {
                drop(rmp::encode::write_str_len(to, length(bytes.len())));
                to.extend_from_slice(bytes);
            }
            Said::List(list) => {
                drop(rmp::encode::write_array_len(to, length(list.len())));
                list.iter().for_each(|one| one.pack(to));
            }
            Said::Map(map) => {
                drop(rmp::encode::write_map_len(to, length(map.len())));
                for (name, value) in map {
                    drop(rmp::encode::write_str(to, name));
                    value.pack(to);
                }
            }
        }
    }
}

fn length(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
