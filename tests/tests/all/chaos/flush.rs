//! All that Redis holds is deleted.
