//! Commands that need no account.

use watershed_tests::Home;

#[test]
fn the_shipped_workflow_is_valid_by_name_and_by_path() {
    let home = Home::empty().expect("a folder");
    home.run(&["validate", "zoom-backfill"]).expect(0);
    let file = watershed_tests::root().join("workflows/zoom-backfill.yaml");
    home.run(&["validate", file.to_str().expect("a path is text")]).expect(0);
}

#[test]
fn validate_tells_file_line_column_and_a_suggestion() {
    let home = Home::empty().expect("a folder");
    home.write(
        "wrong.yaml",
        "name: wrong\nsteps:\n  users:\n    use: zoom.list_user\n    with: { status: active }\n",
    );
    let ended = home.run(&["validate", "wrong.yaml"]).expect(1);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("wrong.yaml:4:10"), "{ended}");
    assert!(said.contains("zoom.list_users"), "did you mean: {ended}");
    home.write(
        "right.yaml",
        "name: right\nsteps:\n  users:\n    use: zoom.list_users\n    with: { status: active }\n",
    );
    home.run(&["validate", "right.yaml"]).expect(0);
    home.run(&["validate", "right.yaml", "wrong.yaml"]).expect(1);
}

#[test]
fn a_workflow_is_drawn_in_three_formats() {
    let home = Home::empty().expect("a folder");
    for (format, begins) in [("svg", "<svg"), ("mermaid", "flowchart"), ("dot", "digraph")] {
        let drawn = home.run(&["graph", "zoom-backfill", "--format", format]).expect(0);
        assert!(drawn.stdout.contains(begins), "{drawn}");
        for step in ["users", "meetings", "instances", "held", "participants", "files"] {
            assert!(drawn.stdout.contains(step), "{format} lacks {step}");
        }
    }
}

#[test]
fn schemas_are_schemas_and_the_shipped_ones_are_fresh() {
    let home = Home::empty().expect("a folder");
    for what in ["workflow", "config"] {
        let told = home.run(&["schema", what]).expect(0);
        let schema: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
        jsonschema::validator_for(&schema).expect("a schema");
        let file = watershed_tests::root().join(format!("schemas/{what}.schema.json"));
        let shipped = std::fs::read_to_string(file).expect("a shipped schema");
        let shipped: serde_json::Value = serde_json::from_str(&shipped).expect("JSON");
        assert_eq!(shipped, schema, "schemas/{what}.schema.json is stale");
    }
}

/// The commands, as `--help` lists them.
fn commands(home: &Home) -> Vec<String> {
    let help = home.run(&["--help"]).expect(0).stdout;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.iter().any(|name| name == "coverage") && names.len() >= 10, "{names:?}");
    names
}

/// What bash offers after these words, the last of them half typed.
fn offered(script: &std::path::Path, words: &[&str]) -> Vec<String> {
    let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
    let typed = words.join(" ");
    let ask = format!(
        "source {}; COMP_WORDS=({typed}); COMP_CWORD={}; _watershed watershed {last} {before}
         echo \"${{COMPREPLY[@]}}\"",
        script.display(),
        words.len() - 1,
    );
    let told = std::process::Command::new("bash").args(["-c", &ask]).output().expect("bash runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8_lossy(&told.stdout).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn completions_know_every_command_and_its_options() {
    let home = Home::empty().expect("a folder");
    let script = |shell: &str| home.run(&["completions", shell]).expect(0).stdout;
    let (bash, zsh, fish) = (script("bash"), script("zsh"), script("fish"));
    for command in commands(&home) {
        assert!(bash.contains(&format!("watershed,{command})")), "bash: {command}");
        assert!(zsh.contains(&format!("\n'{command}:")), "zsh: {command}");
        let begins = "complete -c watershed -n \"__fish_watershed_needs_command\" -f -a";
        assert!(fish.contains(&format!("\n{begins} \"{command}\" -d")), "fish: {command}");
    }
    assert!(zsh.starts_with("#compdef watershed\n"), "zsh finds it by its first line");
    assert!(zsh.contains("\n'--run-id=["), "zsh: an option");
    let of_run = "complete -c watershed -n \"__fish_watershed_using_subcommand run\" -l run-id";
    assert!(fish.contains(of_run), "fish: an option of its command");
    // The one shell that is everywhere is asked itself.
    home.write("watershed.bash", &bash);
    let file = home.path().join("watershed.bash");
    assert_eq!(offered(&file, &["watershed", "cov"]), ["coverage"]);
    assert_eq!(offered(&file, &["watershed", "run", "--run"]), ["--run-id"]);
}

#[test]
fn the_manual_has_a_page_with_an_example_for_every_command() {
    let home = Home::empty().expect("a folder");
    home.run(&["man", "--dir", "manual"]).expect(0);
    let folder = home.path().join("manual");
    let mut pages: Vec<String> = std::fs::read_dir(&folder)
        .expect("pages")
        .map(|page| page.expect("a page").file_name().to_string_lossy().into_owned())
        .collect();
    pages.sort();
    let mut expected = vec!["watershed.1".to_owned()];
    for command in commands(&home) {
        let name = format!("watershed-{command}.1");
        let page = std::fs::read_to_string(folder.join(&name)).expect("a page for each command");
        assert!(page.contains(&format!("\n.TH watershed-{command} 1")), "{name}: {page}");
        let examples = page.split_once("\nExample").map(|(_, examples)| examples);
        let example = format!("watershed {command}");
        assert!(examples.is_some_and(|e| e.contains(&example)), "{name} lacks an example: {page}");
        // A hyphen that is to be typed has a backslash before it.
        assert!(page.contains("\n\\fB\\-\\-json\\fR\n"), "{name} lacks --json: {page}");
        expected.push(name);
    }
    expected.push("watershed-webhook-send.1".to_owned());
    expected.sort();
    assert_eq!(pages, expected);
    let run = std::fs::read_to_string(folder.join("watershed-run.1")).expect("a page");
    assert!(run.contains("\\fB\\-\\-run\\-id\\fR \\fI<ID>\\fR"), "an option: {run}");
}

#[test]
fn wrong_usage_is_exit_2_and_starts_nothing() {
    let home = Home::empty().expect("a folder");
    home.run(&["rum"]).expect(2);
    home.run(&["run"]).expect(2);
    home.run(&["status", "--colour"]).expect(2);
    home.run(&["run", "zoom-backfill", "--run-id", "../../x"]).expect(2);
    assert!(!home.data().exists());
}

#[test]
fn data_goes_to_standard_output_and_talk_to_standard_error() {
    let home = Home::empty().expect("a folder");
    let told = home.run(&["graph", "zoom-backfill", "--format", "dot"]).expect(0);
    assert_eq!(told.stderr, "");
    let refused = home.run(&["graph", "nothing.yaml", "--format", "dot"]);
    assert_ne!(refused.code, Some(0));
    assert_eq!(refused.stdout, "");
    assert!(refused.stderr.contains("nothing.yaml"), "{refused}");
}
