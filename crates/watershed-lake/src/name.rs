//! What a file is called: from its id, never from what people wrote.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Ids up to here are names as they are.
const PLAIN_MAX: usize = 64;

/// The name of a file: `CONNECTION/DATASET/ID.EXTENSION`.
///
/// An id of letters, digits and `-` is taken as it is; of any other the name is `x-` and the
/// first 32 hexadecimal digits of its SHA-256. So no id leads out of the folder, and no two ids
/// have one name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName {
    connection: String,
    dataset: &'static str,
    stem: String,
    extension: &'static str,
}

impl FileName {
    /// Of a file of a connection; `extension` without its dot.
    pub fn new(
        connection: &str,
        dataset: &'static str,
        id: &str,
        extension: &'static str,
    ) -> FileName {
        FileName { connection: safe(connection), dataset, stem: safe(id), extension }
    }

    /// Its folders and itself, outermost first.
    pub fn parts(&self) -> [String; 3] {
        let file = format!("{}.{}", self.stem, self.extension);
        [self.connection.clone(), self.dataset.to_owned(), file]
    }

    /// The one word that it has while it is not whole.
    pub(crate) fn flat(&self) -> String {
        self.parts().join("~")
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts().join("/"))
    }
}

fn safe(id: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=PLAIN_MAX).contains(&id.len()) && id.chars().all(plain);
    // What looks like a name made here is made one.
    if fits && !id.starts_with("x-") {
        return id.to_owned();
    }
    let mut name = String::from("x-");
    for byte in &Sha256::digest(id.as_bytes())[..16] {
        write!(name, "{byte:02x}").expect("a string takes all that is written");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> String {
        FileName::new("acme", "recording_files", id, "mp4").to_string()
    }

    #[test]
    fn an_id_of_letters_and_digits_is_the_name() {
        let id = "ed6c2f27-2ae7-42f4-b3d0-835b493e4fa8";
        assert_eq!(name(id), format!("acme/recording_files/{id}.mp4"));
    }

    #[test]
    fn names_differ_where_ids_do() {
        let hostile = ["", ".", "..", "../../x", "a/b", "a\0", "CON:", "\u{202e}gpj", "a b"];
        let mut names: Vec<_> = hostile.iter().map(|id| name(id)).collect();
        let made = names[3].rsplit('/').next().and_then(|n| n.strip_suffix(".mp4"));
        names.push(name(made.expect("a name has a stem")));
        names.push(name(&"a".repeat(5_000)));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    proptest::proptest! {
        #[test]
        fn no_id_leads_out_of_the_folder(id in ".*", connection in ".*") {
            let name = FileName::new(&connection, "recording_files", &id, "mp4");
            for part in name.parts() {
                proptest::prop_assert!(part.len() <= 80);
                proptest::prop_assert!(!part.starts_with('.') && !part.is_empty());
                let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
                proptest::prop_assert!(part.chars().all(fits));
            }
        }
    }
}
