//! User settings: some 250 switches in a dozen sections.
//!
//! The sections stand in `settings.txt` in a small notation: `name` is a switch, `name:i=1|2` a
//! number, `name:s=a|b` a text (one of those named), `name:[]` an empty list, `name:!` a secret,
//! `name{…}` an object.

use serde_json::{Map, Value, json};

use super::passcode;
use crate::draw::{Draw, Purpose};
use crate::world::World;

const SECTIONS: &str = include_str!("settings.txt");

/// The record of `/users/{userId}/settings`. It does not say whose it is.
pub(crate) fn user_settings(world: &World, user: u64) -> Value {
    let mut draw = Draw::of(world.seed, Purpose::Settings, [user, 0, 0]);
    let secret = passcode(world.seed, &format!("settings {user}"));
    Value::Object(switches(SECTIONS, &mut draw, &secret))
}

/// What a text in the notation of this module stands for, each value drawn.
pub(super) fn switches(text: &str, draw: &mut Draw, secret: &str) -> Map<String, Value> {
    section(&mut text.split_whitespace(), draw, secret)
}

fn section<'a>(
    words: &mut impl Iterator<Item = &'a str>,
    draw: &mut Draw,
    secret: &str,
) -> Map<String, Value> {
    let mut members = Map::new();
    while let Some(word) = words.next() {
        if word == "}" {
            break;
        }
        if let Some(name) = word.strip_suffix('{') {
            members.insert(name.to_owned(), Value::Object(section(words, draw, secret)));
            continue;
        }
        let (name, kind) = word.split_once(':').unwrap_or((word, "b"));
        members.insert(name.to_owned(), value(kind, draw, secret));
    }
    members
}

fn value(kind: &str, draw: &mut Draw, secret: &str) -> Value {
    let (kind, choices) = kind.split_once('=').unwrap_or((kind, ""));
    let choices: Vec<&str> = choices.split('|').collect();
    match kind {
        "i" => json!(draw.pick(&choices).parse::<i64>().unwrap_or(0)),
        "s" => json!(draw.pick(&choices)),
        "[]" => json!([]),
        "!" => json!(secret),
        _ => json!(draw.chance(0.5)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Spec;

    #[test]
    fn every_brace_of_the_sections_is_closed_and_every_choice_has_its_type() {
        let opened = SECTIONS.split_whitespace().filter(|word| word.ends_with('{')).count();
        let closed = SECTIONS.split_whitespace().filter(|word| *word == "}").count();
        assert_eq!(opened, closed);
        let settings = user_settings(&World::new(&Spec::default()), 3);
        assert_eq!(settings.as_object().unwrap().len(), 11);
        assert!(settings["recording"]["cloud_recording"].is_boolean());
        assert!(settings["recording"]["auto_delete_cmr_days"].is_i64());
        assert!(settings["in_meeting"]["meeting_summary_with_ai_companion"]["enable"].is_boolean());
        let secret = settings["schedule_meeting"]["pmi_password"].as_str().unwrap();
        assert!(secret.contains(super::super::SECRET_MARK));
    }
}
