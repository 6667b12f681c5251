//! The items of a chunk in memory: at hand while it is filled or worked on, packed and compressed
//! while it only waits. Most of them only wait. Pure.

use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};

use crate::pack::Packed;
use crate::tables::Item;

/// What packing leaves is what ids are made of, which no level compresses, and what an item has in
/// common with those before. From here on more time finds little more of it.
const LEVEL: u32 = 3;

/// Bytes of a piece; nobody reads what stands behind the last ones.
const PIECE: usize = 512;
type Piece = Box<[u8; PIECE]>;

/// Items of a chunk.
#[derive(Debug, Clone)]
pub(crate) enum Waiting {
    /// As they are.
    AtHand(Vec<Item>),
    /// In few bytes.
    Compressed {
        /// How many they are.
        count: usize,
        /// Packed, then compressed. The pieces are all of one size: of blocks of every size an
        /// allocator keeps room for each.
        pieces: Box<[Piece]>,
    },
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting::AtHand(Vec::new())
    }
}

impl Waiting {
    /// How many they are.
    pub(crate) fn count(&self) -> usize {
        match self {
            Waiting::AtHand(items) => items.len(),
            Waiting::Compressed { count, .. } => *count,
        }
    }

    /// The items, which stay at hand.
    pub(crate) fn at_hand(&mut self) -> &mut Vec<Item> {
        if let Waiting::Compressed { pieces, .. } = self {
            let bytes: Vec<u8> = pieces.iter().flat_map(|piece| **piece).collect();
            let mut packed = Vec::new();
            DeflateDecoder::new(&*bytes).read_to_end(&mut packed).expect("it was compressed here");
            let packed = Packed::read(packed).expect("it was packed here");
            let items = (0..packed.count()).map_while(|at| packed.get(at)).collect();
            *self = Waiting::AtHand(items);
        }
        match self {
            Waiting::AtHand(items) => items,
            Waiting::Compressed { .. } => unreachable!("they are at hand since just now"),
        }
    }

    /// Nobody fills the chunk any more, and nobody works on it yet.
    pub(crate) fn compress(&mut self) {
        let Waiting::AtHand(items) = self else { return };
        let mut packed = Packed::default();
        items.iter().for_each(|item| packed.push(item));
        let mut bytes = Vec::with_capacity(packed.bytes().len());
        let mut deflate = DeflateEncoder::new(packed.bytes(), Compression::new(LEVEL));
        deflate.read_to_end(&mut bytes).expect("memory can be read");
        let pieces = bytes.chunks(PIECE).map(|part| {
            let mut piece = Box::new([0; PIECE]);
            piece[..part.len()].copy_from_slice(part);
            piece
        });
        *self = Waiting::Compressed { count: items.len(), pieces: pieces.collect() };
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use watershed_model::hash64;

    use super::*;

    /// A file of a recording that has four, as the backfill's step names it.
    fn file(n: u64) -> Item {
        let own = hash64(&[&n.to_le_bytes()]);
        let id = format!("{:08x}-9fef-4f8a-97db-{:012x}", own >> 32, own & 0xffff_ffff_ffff);
        let recording = hash64(&[&(n / 4).to_le_bytes()]);
        let meeting = STANDARD.encode([recording; 2].map(u64::to_be_bytes).concat());
        let start = format!("2026-03-{:02}T10:{:02}:00Z", n / 4 % 28 + 1, n / 4 % 60);
        Item {
            item: format!(r#"["MP4","MP4","{id}","{meeting}","{start}","{start}"]"#),
            once: Some(own),
            together: !n.is_multiple_of(4),
        }
    }

    #[test]
    fn items_that_wait_come_back_and_take_little_more_than_their_own_ids() {
        let items: Vec<Item> = (0..300).map(file).collect();
        let mut waiting = Waiting::AtHand(items.clone());
        waiting.compress();
        let Waiting::Compressed { pieces, .. } = &waiting else { panic!("it is compressed") };
        assert!(pieces.len() * PIECE < 300 * 28, "{} pieces", pieces.len());
        assert_eq!(waiting.count(), items.len());
        assert_eq!(*waiting.at_hand(), items);
        waiting.compress();
        waiting.at_hand().push(file(300));
        assert_eq!(waiting.count(), items.len() + 1);
    }
}
