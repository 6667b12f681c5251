//! Chunks and their items: each read at most once and written at most once a transaction.
//!
//! A settle moves one item of a chunk that 63 others move too. So a chunk is kept here until a
//! lookup among chunks needs it written, and its items, one stored value, until the end.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::named_params;
use watershed_ledger::Error;
use watershed_ledger::pack::Packed;
use watershed_ledger::tables::{Chunk, ChunkId, Item, Place, ScopeId};
use watershed_model::{RunId, StepId};

use crate::numbers::queue;
use crate::rows::{SqliteTables, id_column, signed, sql};

/// Chunks of the same run, step, scope and month.
type Group = (i64, StepId, ScopeId, u16);

/// What of the chunks was read or is to be written.
#[derive(Default)]
pub(crate) struct Chunks {
    heads: HashMap<ChunkId, Head>,
    /// Those of `heads` that are still to be written, in the order in which they changed.
    unwritten: Vec<ChunkId>,
    /// Answers to [`SqliteTables::chunk_of_group`] that still hold.
    to_fill: HashMap<Group, ChunkId>,
    items: HashMap<ChunkId, Items>,
    /// Whether a chunk came to its end.
    pub(crate) finished: bool,
}

struct Head {
    chunk: Chunk,
    /// Queue and rank while there is something to lease.
    stand: Option<(u32, i64)>,
    unwritten: bool,
}

struct Items {
    packed: Packed,
    unwritten: bool,
}

impl SqliteTables<'_> {
    pub(crate) fn chunk_head(&mut self, id: ChunkId) -> Result<Option<Chunk>, Error> {
        if let Some(head) = self.chunks.heads.get(&id) {
            return Ok(Some(head.chunk.clone()));
        }
        let found = self.one(sql!("chunk_get"), named_params! {":id": signed(id.0)}, |row| {
            let stand = match row.get(9)? {
                Some(rank) => Some((row.get::<_, Option<u32>>(8)?.unwrap_or(0), rank)),
                None => None,
            };
            let chunk = Chunk {
                id,
                run: RunId(String::new()),
                step: StepId(row.get(1)?),
                scope: ScopeId(row.get::<_, i64>(2)?.cast_unsigned()),
                bucket: row.get(3)?,
                len: row.get(4)?,
                bytes: row.get(5)?,
                next: row.get(6)?,
                open: row.get(7)?,
            };
            Ok((row.get::<_, i64>(0)?, chunk, stand))
        })?;
        let Some((run, mut chunk, stand)) = found else { return Ok(None) };
        chunk.run = self.run_of(run)?;
        let head = Head { chunk: chunk.clone(), stand, unwritten: false };
        self.chunks.heads.insert(id, head);
        Ok(Some(chunk))
    }

    pub(crate) fn change_chunk(
        &mut self,
        chunk: &Chunk,
        place: Option<&Place>,
    ) -> Result<(), Error> {
        let stand = place.map(|p| (queue(p.queue), p.rank));
        let group = (self.run_number(&chunk.run)?, chunk.step, chunk.scope, chunk.bucket);
        if chunk.next == 0 {
            self.chunks.to_fill.insert(group, chunk.id);
        } else {
            self.chunks.no_longer_to_fill(group, chunk.id);
        }
        match self.chunks.heads.entry(chunk.id) {
            Entry::Occupied(known) => {
                let head = known.into_mut();
                head.chunk.clone_from(chunk);
                head.stand = stand;
                if head.unwritten {
                    return Ok(());
                }
                head.unwritten = true;
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Head { chunk: chunk.clone(), stand, unwritten: true });
            }
        }
        self.chunks.unwritten.push(chunk.id);
        Ok(())
    }

    /// The chunk of the group of which nothing is leased yet.
    pub(crate) fn chunk_of_group(
        &mut self,
        run: &RunId,
        step: StepId,
        scope: ScopeId,
        bucket: u16,
    ) -> Result<Option<ChunkId>, Error> {
        let run = self.run_known(run)?;
        let group = (run, step, scope, bucket);
        if let Some(id) = self.chunks.to_fill.get(&group) {
            return Ok(Some(*id));
        }
        self.write_chunks()?;
        let params = named_params! {
            ":run": run, ":step": step.0, ":scope": signed(scope.0), ":bucket": bucket
        };
        let found = self.one(sql!("chunk_to_fill"), params, id_column)?.map(ChunkId);
        if let Some(id) = found {
            self.chunks.to_fill.insert(group, id);
        }
        Ok(found)
    }

    /// Writes the chunks that changed: before a lookup among them, and at the end.
    pub(crate) fn write_chunks(&mut self) -> Result<(), Error> {
        for id in std::mem::take(&mut self.chunks.unwritten) {
            let Some(head) = self.chunks.heads.get_mut(&id).filter(|head| head.unwritten) else {
                continue;
            };
            head.unwritten = false;
            let (chunk, stand) = (head.chunk.clone(), head.stand);
            let params = named_params! {
                ":id": signed(id.0),
                ":run": self.run_number(&chunk.run)?,
                ":step": chunk.step.0,
                ":scope": signed(chunk.scope.0),
                ":bucket": chunk.bucket,
                ":len": chunk.len,
                ":bytes": chunk.bytes,
                ":next": chunk.next,
                ":open": chunk.open,
                ":queue": stand.map(|(queue, _)| queue),
                ":rank": stand.map(|(_, rank)| rank),
            };
            self.run_sql(sql!("chunk_put"), params)?;
        }
        Ok(())
    }

    pub(crate) fn remove_chunk(&mut self, id: ChunkId) -> Result<(), Error> {
        if let Some(head) = self.chunks.heads.remove(&id) {
            let chunk = head.chunk;
            let group = (self.run_known(&chunk.run)?, chunk.step, chunk.scope, chunk.bucket);
            self.chunks.no_longer_to_fill(group, id);
        }
        self.chunks.items.remove(&id);
        self.chunks.finished = true;
        self.run_sql(sql!("chunk_items_delete"), named_params! {":chunk": signed(id.0)})?;
        self.run_sql(sql!("chunk_delete"), named_params! {":id": signed(id.0)}).map(|_| ())
    }

    pub(crate) fn append_items(&mut self, id: ChunkId, items: &[Item]) -> Result<(), Error> {
        let known = self.items_of(id)?;
        for item in items {
            known.packed.push(item);
        }
        known.unwritten = true;
        Ok(())
    }

    /// Items of a chunk from that one on, as many as there are.
    pub(crate) fn item_range(
        &mut self,
        id: ChunkId,
        from: u16,
        len: u16,
    ) -> Result<Vec<Item>, Error> {
        let packed = &self.items_of(id)?.packed;
        let from = usize::from(from);
        let to = packed.count().min(from + usize::from(len));
        let items: Option<Vec<Item>> = (from..to).map(|at| packed.get(at)).collect();
        items.ok_or_else(|| self.unreadable(id))
    }

    /// Writes the items that were added.
    pub(crate) fn write_items(&mut self) -> Result<(), Error> {
        for (id, items) in self.chunks.items.iter().filter(|(_, items)| items.unwritten) {
            let params = named_params! {":chunk": signed(id.0), ":items": items.packed.bytes()};
            self.run_sql(sql!("chunk_items_put"), params)?;
        }
        for items in self.chunks.items.values_mut() {
            items.unwritten = false;
        }
        Ok(())
    }

    fn items_of(&mut self, id: ChunkId) -> Result<&mut Items, Error> {
        if !self.chunks.items.contains_key(&id) {
            let params = named_params! {":chunk": signed(id.0)};
            let bytes = self.one(sql!("chunk_items_get"), params, |row| row.get(0))?;
            let packed =
                Packed::read(bytes.unwrap_or_default()).ok_or_else(|| self.unreadable(id))?;
            self.chunks.items.insert(id, Items { packed, unwritten: false });
        }
        Ok(self.chunks.items.get_mut(&id).expect("it was put in just now"))
    }

    fn unreadable(&self, id: ChunkId) -> Error {
        self.corrupt(format!("the items of chunk {} cannot be read", id.0))
    }
}

impl Chunks {
    fn no_longer_to_fill(&mut self, group: Group, id: ChunkId) {
        if self.to_fill.get(&group) == Some(&id) {
            self.to_fill.remove(&group);
        }
    }
}
