//! The names that an expression may use.

use std::collections::BTreeMap;

use super::types::Ty;

/// Names in reach of an expression, and the operations that `granted()` may ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    pub(crate) names: BTreeMap<String, Ty>,
    pub(crate) operations: Vec<&'static str>,
    /// Names that exist elsewhere, and why they are not in reach here.
    pub(crate) elsewhere: BTreeMap<String, String>,
}

impl Scope {
    /// This scope with one more name.
    pub(crate) fn with(&self, name: &str, ty: Ty) -> Scope {
        let mut inner = self.clone();
        inner.names.insert(name.to_owned(), ty);
        inner
    }
}
