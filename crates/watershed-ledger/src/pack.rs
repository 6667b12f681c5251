//! The items of a chunk as one value, in few bytes each.
//!
//! An item is a head (its form's number, whether it has a `once` hash, whether it goes
//! together with the one before), what fills the form's holes, and the hash. A form is written
//! where it first occurs. Items are only ever added at the end, and read by their place.
//! Guarantee: every item comes back as it was put in. Pure.

use crate::form::{self, put_number, take, take_number};
use crate::tables::Item;

/// In a head: it goes together with the item before.
const TOGETHER: u64 = 1;
/// In a head: a `once` hash comes last.
const ONCE: u64 = 2;
/// Above these two bits stands the form's number; 0: the form follows here.
const FORM_SHIFT: u32 = 2;

/// Items, packed.
#[derive(Debug, Default)]
pub struct Packed {
    bytes: Vec<u8>,
    /// Where each item begins.
    starts: Vec<usize>,
    /// Where each form lies.
    forms: Vec<(usize, usize)>,
}

impl Packed {
    /// Items as they were packed; `None` where the bytes are no such thing.
    pub fn read(bytes: Vec<u8>) -> Option<Packed> {
        let mut packed = Packed { bytes, ..Packed::default() };
        let mut rest = &packed.bytes[..];
        while !rest.is_empty() {
            packed.starts.push(packed.bytes.len() - rest.len());
            let (head, form) = head(&mut rest, &packed.bytes, &packed.forms)?;
            if head >> FORM_SHIFT == 0 {
                packed.forms.push(form);
            }
            form::skip(&packed.bytes[form.0..form.1], &mut rest)?;
            if head & ONCE != 0 {
                take(&mut rest, 8)?;
            }
        }
        Some(packed)
    }

    /// What is to be stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// Adds an item at the end.
    pub fn push(&mut self, item: &Item) {
        let (mut form, mut fills) = (Vec::with_capacity(64), Vec::with_capacity(64));
        form::split(&item.item, &mut form, &mut fills);
        self.starts.push(self.bytes.len());
        let known = self.forms.iter().position(|(from, to)| self.bytes[*from..*to] == form);
        let number = known.map_or(0, |at| at as u64 + 1);
        let flags = u64::from(item.together) * TOGETHER + u64::from(item.once.is_some()) * ONCE;
        put_number(&mut self.bytes, number << FORM_SHIFT | flags);
        if known.is_none() {
            put_number(&mut self.bytes, form.len() as u64);
            let from = self.bytes.len();
            self.bytes.extend_from_slice(&form);
            self.forms.push((from, self.bytes.len()));
        }
        self.bytes.extend_from_slice(&fills);
        if let Some(once) = item.once {
            self.bytes.extend_from_slice(&once.to_le_bytes());
        }
    }

    /// The item at that place; `None` where there is none.
    pub fn get(&self, at: usize) -> Option<Item> {
        let mut rest = &self.bytes[*self.starts.get(at)?..];
        let (head, form) = head(&mut rest, &self.bytes, &self.forms)?;
        let item = form::join(&self.bytes[form.0..form.1], &mut rest)?;
        let once = match head & ONCE {
            0 => None,
            _ => Some(u64::from_le_bytes(*rest.first_chunk()?)),
        };
        Some(Item { item, once, together: head & TOGETHER != 0 })
    }
}

/// Takes an item's head, and its form where it follows here, off the front; gives the head and
/// where the form lies.
fn head(rest: &mut &[u8], bytes: &[u8], forms: &[(usize, usize)]) -> Option<(u64, (usize, usize))> {
    let head = take_number(rest)?;
    let number = usize::try_from(head >> FORM_SHIFT).ok()?;
    if number > 0 {
        return Some((head, *forms.get(number - 1)?));
    }
    let len = usize::try_from(take_number(rest)?).ok()?;
    let from = bytes.len() - rest.len();
    take(rest, len)?;
    Some((head, (from, from + len)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item(text: &str, once: Option<u64>, together: bool) -> Item {
        Item { item: text.to_owned(), once, together }
    }

    fn packed(items: &[Item]) -> Packed {
        let mut packed = Packed::default();
        for item in items {
            packed.push(item);
        }
        packed
    }

    fn unpacked(packed: &Packed) -> Vec<Item> {
        (0..packed.count()).map(|at| packed.get(at).expect("an item is there")).collect()
    }

    #[test]
    fn a_form_is_written_once_whoever_adds_the_items() {
        let id = |n: u8| item(&format!("[\"aDYlohsHRtCd4ii1uC2e{n}A==\"]"), Some(7), false);
        let mut first = packed(&[id(0)]);
        let begun = first.bytes().len();
        first.push(&id(1));
        assert_eq!(first.bytes().len() - begun, 1 + 16 + 8);
        let mut again = Packed::read(first.bytes().to_vec()).expect("it is read");
        again.push(&id(2));
        assert_eq!(again.bytes().len() - first.bytes().len(), 1 + 16 + 8);
        assert_eq!(unpacked(&again), [id(0), id(1), id(2)]);
    }

    #[test]
    fn bytes_that_are_no_items_are_refused() {
        let whole = packed(&[item("[1,\"x y\"]", Some(1), true), item("[2]", None, false)]);
        for len in 1..whole.bytes().len() {
            let cut = Packed::read(whole.bytes()[..len].to_vec());
            assert!(cut.is_none_or(|cut| cut.count() < 2), "{len} bytes are not all of it");
        }
        assert!(Packed::read(vec![0xff; 30]).is_none());
    }

    fn items() -> impl Strategy<Value = Vec<Item>> {
        let text = prop_oneof![
            any::<String>(),
            r#"\["[A-Za-z0-9+/]{21}[AQgw]==",[0-9]{1,12},(null|"[a-z ]{0,9}")\]"#,
        ];
        let one = (text, any::<Option<u64>>(), any::<bool>())
            .prop_map(|(item, once, together)| Item { item, once, together });
        proptest::collection::vec(one, 0..40)
    }

    proptest! {
        #[test]
        fn items_come_back_in_their_order_also_when_they_were_stored_between(
            before in items(), after in items(),
        ) {
            let mut packed = Packed::read(packed(&before).bytes().to_vec()).expect("it is read");
            for item in &after {
                packed.push(item);
            }
            let again = Packed::read(packed.bytes().to_vec()).expect("it is read again");
            let all: Vec<Item> = before.into_iter().chain(after).collect();
            prop_assert_eq!(unpacked(&packed), all.clone());
            prop_assert_eq!(unpacked(&again), all);
            prop_assert!(again.get(again.count()).is_none());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..90)) {
            if let Some(packed) = Packed::read(bytes) {
                for at in 0..=packed.count() {
                    let _ = packed.get(at);
                }
            }
        }
    }
}
