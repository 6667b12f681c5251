//! The API against its own description.

use std::process::Command;

use watershed_tests::root;

use super::Served;
use super::pages::with_a_dead_letter;

/// What is asked: everything, or what a sample has room for.
const EXAMPLES: [&str; 2] = ["20", "300"];

#[test]
fn the_api_does_as_its_description_says_whatever_is_asked() {
    let (_account, mut home) = with_a_dead_letter();
    let token = "0123456789abcdef0123456789abcdef";
    home.set("TOKEN", Some(token));
    let settings = std::fs::read_to_string(home.path().join("watershed.toml")).expect("settings");
    home.write("watershed.toml", &format!("{settings}[server]\ntoken = {{ env = \"TOKEN\" }}\n"));
    let served = Served::start(&home, "serve");
    let asked = EXAMPLES[usize::from(std::env::var_os("WATERSHED_ALL").is_some())];
    let program = root().join("target/schemathesis/bin/schemathesis");
    let told = Command::new(&program)
        .args(["run", &served.at("/api/v1/openapi.json")])
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "coverage,fuzzing", "--max-examples", asked, "--seed", "1"])
        .args(["--checks", "not_a_server_error,status_code_conformance"])
        .args(["--checks", "content_type_conformance,response_schema_conformance"])
        .args(["--checks", "negative_data_rejection", "--no-color"])
        .current_dir(home.path())
        .output()
        .unwrap_or_else(|e| panic!("{}: {e} (./scripts/test installs it)", program.display()));
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{said}\n{}", String::from_utf8_lossy(&told.stderr));
    assert!(said.contains("14 selected / 14 total"), "calls are missing: {said}");
}
