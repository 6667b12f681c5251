//! `watershed serve`: webhooks are durable before they are acknowledged, refused for what is wrong
//! with them, and nobody slow or unknown gets in the way.

mod answers;
mod branches;
pub(crate) mod endpoint;
mod load;
mod sending;
mod slow;
mod standing;
