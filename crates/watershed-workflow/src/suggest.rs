//! "Did you mean": the nearest of the names that could stand there.

/// Names that a suggestion lists at most.
const LISTED_MAX: usize = 12;

/// The candidate nearest to `given`, where one is near enough to be a slip of the hand.
pub(crate) fn nearest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = |name: &str| {
        let slips = strsim::damerau_levenshtein(given, name);
        let chars = name.chars().count().max(given.chars().count());
        (slips <= 1 + chars / 5 && slips < chars).then_some(slips)
    };
    candidates.into_iter().filter_map(|c| near(c).map(|n| (n, c))).min().map(|(_, c)| c)
}

/// What to say of an unknown name: the nearest, else what there is.
pub(crate) fn instead<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let all: Vec<&str> = candidates.into_iter().collect();
    if let Some(name) = nearest(given, all.iter().copied()) {
        return Some(format!("did you mean `{name}`?"));
    }
    listed(given, &all)
}

/// The names that could stand there, the most similar first.
pub(crate) fn listed(given: &str, all: &[&str]) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let mut ranked: Vec<(u64, &str)> = all
        .iter()
        .map(|name| ((strsim::jaro_winkler(given, name) * 1_000.0) as u64, *name))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let shown: Vec<String> =
        ranked.iter().take(LISTED_MAX).map(|(_, name)| format!("`{name}`")).collect();
    let more = if ranked.len() > LISTED_MAX { ", …" } else { "" };
    Some(format!("known here: {}{more}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        assert_eq!(nearest("list_user", ["list_users", "list_meetings"]), Some("list_users"));
        assert_eq!(nearest("form", ["from", "to"]), Some("from"));
    }

    #[test]
    fn another_word_is_not_taken_for_a_slip() {
        assert_eq!(nearest("topic", ["id", "to", "uuid"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }

    #[test]
    fn without_a_near_name_all_are_listed_the_most_similar_first() {
        let said = instead("participants", ["zeta", "partners"]).expect("there are names");
        assert_eq!(said, "known here: `partners`, `zeta`");
    }
}
