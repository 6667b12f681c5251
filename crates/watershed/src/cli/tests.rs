use clap::CommandFactory;

use super::*;

#[test]
fn the_declaration_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_one_line_and_an_example() {
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let about = command.get_about().expect(name).to_string();
        assert!(!about.contains('\n') && about.len() <= 80, "{name}: {about}");
        let after = command.get_after_help().expect(name).to_string();
        assert!(after.contains(&format!("watershed {name}")), "{name} has no example");
    }
}

#[test]
fn help_is_as_published() {
    let mut command = Cli::command().term_width(96);
    command.build();
    insta::assert_snapshot!("help", command.render_help());
    for sub in command.get_subcommands_mut() {
        let name = format!("help_{}", sub.get_name());
        if sub.get_name() == "help" {
            continue;
        }
        insta::assert_snapshot!(name.clone(), sub.render_help());
        for below in sub.get_subcommands_mut().filter(|below| below.get_name() != "help") {
            let name = format!("{name}_{}", below.get_name());
            insta::assert_snapshot!(name, below.render_help());
        }
    }
}

#[test]
fn ids_and_inputs_that_cannot_be_meant_are_refused() {
    let parse = |words: &[&str]| Cli::try_parse_from([&["watershed", "run", "w"], words].concat());
    assert!(parse(&["--input", "from=2026-01-01", "--run-id", "a-1"]).is_ok());
    assert!(parse(&["--input", "from"]).is_err());
    assert!(parse(&["--run-id", "../x"]).is_err());
    assert!(parse(&["--wait", "2h"]).is_ok());
    assert!(parse(&["--wait", "2"]).is_err());
    assert!(parse(&["--wait", "1000h"]).is_err());
    assert!(Cli::try_parse_from(["watershed", "erase"]).is_err(), "nobody is named");
}
