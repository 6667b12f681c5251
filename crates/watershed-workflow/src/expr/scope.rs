//! The names that an expression may use.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::types::Ty;

/// Names in reach of an expression, and the operations that `granted()` may ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) names: BTreeMap<String, Ty>,
    pub(crate) operations: Rc<[&'static str]>,
    /// Names of items anywhere in the file, and the step whose item each is.
    pub(crate) items: Rc<BTreeMap<String, String>>,
}

impl Scope {
    /// This scope with one more name.
    pub(crate) fn with(&self, name: &str, ty: Ty) -> Scope {
        let mut inner = self.clone();
        inner.names.insert(name.to_owned(), ty);
        inner
    }
}
