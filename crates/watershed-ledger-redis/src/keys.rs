//! The names of the keys: three for each account under one hash tag, three for all of them.

use watershed_model::AccountId;

/// The channel and keys of one prefix.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    prefix: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Keys {
        Keys { prefix: prefix.to_owned() }
    }

    /// Records, orders, keys held, and the channel of hints, of one account.
    pub(crate) fn of(&self, account: &AccountId) -> [String; 4] {
        let tag = tag(account);
        ["records", "orders", "once", "hints"]
            .map(|name| format!("{}:{{{tag}}}:{name}", self.prefix))
    }

    /// The channel of hints of one account.
    pub(crate) fn channel(&self, account: &AccountId) -> String {
        let [.., hints] = self.of(account);
        hints
    }

    /// What all keys begin with, up to the first colon.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Accounts by number, lanes and runs by account.
    pub(crate) fn registry(&self) -> [String; 3] {
        ["accounts", "lanes", "runs"].map(|name| format!("{0}:{{{0}}}:{name}", self.prefix))
    }
}

/// An account as a hash tag: whatever its name holds, it moves no key into another slot.
fn tag(account: &AccountId) -> String {
    let mut tag = String::new();
    for byte in account.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                tag.push(char::from(byte));
            }
            other => tag.push_str(&format!("%{other:02x}")),
        }
    }
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_account_is_called_it_has_a_slot_of_its_own() {
        let keys = Keys::new("ws");
        let of = |name: &str| keys.of(&AccountId::from(name))[0].clone();
        assert_eq!(of("aB3-x"), "ws:{aB3-x}:records");
        assert_eq!(of("a}b{c"), "ws:{a%7db%7bc}:records");
        assert_ne!(of("a%7d"), of("a}"));
    }
}
