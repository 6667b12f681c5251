use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn no_answer_makes_it_panic(
        status in 100..600_u16,
        body in proptest::collection::vec(any::<u8>(), 0..200),
        header in ".{0,40}",
        which in 0..9_usize,
    ) {
        let names = ["content-type", "retry-after", "x-ratelimit-reset", "x-ratelimit-type"];
        let headers: Vec<_> = names.iter().map(|n| ((*n).to_owned(), header.clone())).collect();
        let operation = catalogue().operations[which];
        for headers in [&headers[..], &[]] {
            let answer = Answer { status, headers, body: &body };
            let _ = read_after(operation, &Map::new(), Some(&header), &answer, NOW);
        }
    }

    #[test]
    fn no_json_makes_it_panic_or_lets_a_secret_out(
        members in proptest::collection::btree_map(
            prop_oneof![Just("users"), Just("meetings"), Just("participants"), Just("code"),
                Just("next_page_token"), Just("from"), Just("uuid"), Just("password")],
            prop_oneof![Just(json!(null)), Just(json!("x")), Just(json!(3001)),
                Just(json!([{"id": 1, "uuid": "u", "start_url": "s3cr3t", "duration": 0}])),
                Just(json!([[]])), Just(json!({"password": "s3cr3t"}))],
            0..6),
        status in prop_oneof![Just(200_u16), Just(400), Just(404)],
        which in 0..9_usize,
    ) {
        let body: Value = members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let found = verdict(catalogue().operations[which].id, json!({}), status, &body);
        let told = format!("{found:?}");
        prop_assert!(!told.contains("s3cr3t"), "{}", told);
    }
}
