use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use secrecy::ExposeSecret;
use watershed_model::Millis;

use super::credential::Reference;
use super::keys::KEYS;
use super::layer::{Layer, Origin};
use super::*;

const ACCOUNT: &str = r#"
    account_id = { env = "ZOOM_ACCOUNT_ID" }
    client_id = { env = "ZOOM_CLIENT_ID" }
    client_secret = { env = "ZOOM_CLIENT_SECRET" }
"#;

fn vars(pairs: &[(&str, &str)]) -> Vars {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

/// Settings from a file's text and an environment.
fn settings(text: &str, pairs: &[(&str, &str)]) -> Result<Settings, Fault> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("watershed.toml");
    std::fs::write(&path, text).expect("a file");
    load(Given { config: Some(path), ..Given::default() }, &vars(pairs))
}

/// What is told of a wrong file: message and hint, the folder's name left out.
fn told(text: &str, pairs: &[(&str, &str)]) -> String {
    let fault = settings(text, pairs).expect_err("it is wrong");
    assert_eq!(fault.code(), 2);
    let message = fault.to_string();
    let message = match message.find("watershed.toml:") {
        Some(at) => message[at..].to_owned(),
        None => message,
    };
    format!("{message} | {}", fault.way_out().unwrap_or("-"))
}

fn acme(line: &str) -> String {
    format!("[connections.acme]{ACCOUNT}{line}\n")
}

#[test]
fn the_annotated_file_is_exactly_the_defaults() {
    let bare = load(Given { alone: true, ..Given::default() }, &Vars::new()).expect("defaults");
    let copied = settings(DEFAULTS, &[]).expect("a copy of the annotated file");
    for settings in [&bare, &copied] {
        assert_eq!(settings.store.to_string(), "data/state.db");
        assert_eq!(settings.sink.to_string(), "data/zoom.db");
        assert_eq!(settings.worker.concurrency, 64);
        assert_eq!(settings.worker.lease_ms, 15_000);
        assert_eq!(settings.worker.shutdown_grace_ms, 20_000);
        assert_eq!(settings.log, LogFormat::Text);
        assert!(settings.connections.is_empty());
        assert!(settings.warnings.is_empty());
    }
}

#[test]
fn the_commented_connection_of_the_annotated_file_is_valid_and_names_every_key() {
    let from = DEFAULTS.find("# [connections.acme]").expect("the example");
    let text: String = DEFAULTS[from..]
        .lines()
        .map(|line| format!("{}\n", line.trim_start_matches("# ")))
        .collect();
    let text = text.replace("\n#", "\n# ");
    // What continues a remark is a remark still.
    let keep = |line: &&str| line.starts_with('[') || line.contains(" = ");
    let text: String = text.lines().filter(keep).map(|line| format!("{line}\n")).collect();
    let account = settings(&text, &[]).expect("the example").connections["acme"].clone();
    assert_eq!(account.tier, "business");
    assert_eq!(account.limits.heavy_per_day, Some(60_000));
    assert_eq!(account.share.at(Millis(0)), resolved::SHARE);
    assert_eq!(account.reserve_events, 0.1);
    assert_eq!(account.content, resolved::CONTENT);
    assert_eq!(account.token_url.as_str(), resolved::TOKEN_URL);
    for key in KEYS {
        let name = key.path.rsplit('.').next().expect("a name");
        assert!(DEFAULTS.contains(name), "{name} is not in the annotated file");
    }
}

#[test]
fn flags_cover_the_environment_which_covers_the_file_which_covers_the_defaults() {
    let file = "[store]\nurl = \"sqlite://file.db\"\n[sink]\nurl = \"sqlite://file2.db\"\n";
    let by_file = settings(file, &[]).expect("settings");
    assert_eq!(by_file.store.to_string(), "file.db");
    assert_eq!(by_file.worker.concurrency, 64, "the default stays where nothing covers it");

    let env = [("WATERSHED_STORE__URL", "sqlite://env.db"), ("WATERSHED_WORKER__CONCURRENCY", "7")];
    let by_env = settings(file, &env).expect("settings");
    assert_eq!(by_env.store.to_string(), "env.db");
    assert_eq!(by_env.sink.to_string(), "file2.db");
    assert_eq!(by_env.worker.concurrency, 7);

    let mut flags = Layer::default();
    flags.put("store.url", "sqlite://flag.db", Origin::Flag("--dir"));
    let given = Given { flags, ..Given::default() };
    assert_eq!(load(given, &vars(&env)).expect("settings").store.to_string(), "flag.db");
}

#[test]
fn a_connection_may_come_from_the_environment_alone() {
    let env = [
        ("WATERSHED_CONNECTIONS__ACME__ACCOUNT_ID", "a"),
        ("WATERSHED_CONNECTIONS__ACME__CLIENT_ID", "b"),
        ("WATERSHED_CONNECTIONS__ACME__CLIENT_SECRET", r#"{"env":"SECRET"}"#),
        ("WATERSHED_CONNECTIONS__ACME__LIMITS__HEAVY_PER_DAY", "500"),
        ("SECRET", "shh"),
    ];
    let settings = settings("", &env).expect("settings");
    let (name, account) = settings.connection(None).expect("the only one");
    assert_eq!(name, "acme");
    assert_eq!(account.limits.heavy_per_day, Some(500));
    let secret = account.client_secret.read("x", &vars(&env)).expect("a secret");
    assert_eq!(secret.expose_secret(), "shh");
}

#[test]
fn the_zoom_variables_make_up_the_connection_default_where_nothing_else_does() {
    let env = [
        ("ZOOM_ACCOUNT_ID", "a"),
        ("ZOOM_CLIENT_ID", "b"),
        ("ZOOM_CLIENT_SECRET", "c"),
        ("ZOOM_API_URL", "http://127.0.0.1:1/v2"),
        ("ZOOM_TIER", "pro"),
    ];
    let account = settings("", &env).expect("settings").connections["default"].clone();
    assert_eq!(account.tier, "pro");
    assert_eq!(account.api_url.expect("a base").as_str(), "http://127.0.0.1:1/v2");
    let named: Vec<_> =
        settings(&acme(""), &env).expect("settings").connections.into_keys().collect();
    assert_eq!(named, ["acme"]);
}

#[test]
fn an_unnamed_tier_is_the_lowest_and_known_to_be_a_guess() {
    let account = settings(&acme(""), &[]).expect("settings").connections["acme"].clone();
    assert_eq!(account.tier, "free");
    assert!(!account.tier_known);
}

#[test]
fn a_missing_variable_is_named_with_what_it_is_for() {
    let env = [("ZOOM_ACCOUNT_ID", "a")];
    let account = settings("", &env).expect("settings").connections["default"].clone();
    let fault = account
        .client_secret
        .read("connections.default.client_secret", &vars(&env))
        .expect_err("it is not set");
    assert_eq!(
        fault.to_string(),
        "connections.default.client_secret: ZOOM_CLIENT_SECRET is not set in the environment"
    );
    assert_eq!(fault.code(), 2);
}

#[test]
fn a_credential_file_is_read_again_and_refused_where_others_may_read_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("secret");
    let write = |text: &str, mode: u32| {
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let reference = Reference::File(path.clone());
    write("first\n", 0o600);
    assert_eq!(reference.read("x", &Vars::new()).expect("a secret").expose_secret(), "first");
    write("second\n", 0o400);
    assert_eq!(reference.read("x", &Vars::new()).expect("a secret").expose_secret(), "second");
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
        let fault =
            reference.read("connections.acme.client_secret", &Vars::new()).expect_err("open");
        assert!(fault.to_string().contains("can be read by others"), "{fault}");
        assert!(fault.way_out().is_some_and(|hint| hint.starts_with("chmod 600")));
    }
}

#[test]
fn a_literal_secret_is_allowed_with_a_warning_that_does_not_show_it() {
    let text = "[connections.acme]\naccount_id = \"a\"\nclient_id = \"b\"\n\
                client_secret = \"hush-hush\"\n";
    let settings = settings(text, &[]).expect("settings");
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    assert!(settings.warnings[0].contains("watershed.toml:4"));
    assert!(!format!("{settings:?}").contains("hush-hush"));
}

#[test]
fn a_password_in_a_url_of_the_file_is_allowed_with_a_warning_that_does_not_show_it() {
    let text = "[store]\nurl = \"redis://me:hush-hush@host:6379/0\"\n";
    let with = settings(text, &[]).expect("settings");
    assert_eq!(with.warnings.len(), 1, "{:?}", with.warnings);
    assert!(with.warnings[0].contains("watershed.toml:2"), "{:?}", with.warnings);
    assert!(with.warnings[0].contains("WATERSHED_STORE__URL"), "{:?}", with.warnings);
    assert!(!format!("{with:?}").contains("hush-hush"));
    let url = ("WATERSHED_STORE__URL", "redis://me:hush-hush@host:6379/0");
    for (text, variables) in [("", &[url][..]), ("[store]\nurl = \"redis://me@host/0\"\n", &[])] {
        assert_eq!(settings(text, variables).expect("settings").warnings, [""; 0]);
    }
}

#[test]
fn a_mistyped_reference_is_refused_without_showing_it() {
    let text = "[connections.acme]\naccount_id = \"a\"\nclient_id = \"b\"\n\
                client_secret = { envv = \"hush-hush\" }\n";
    let said = told(text, &[]);
    assert!(said.contains("`connections.acme.client_secret` is no reference"), "{said}");
    assert!(!said.contains("hush-hush"), "{said}");
}

#[test]
fn wrong_files_are_told_with_line_key_and_way_out() {
    let said: Vec<String> = [
        "[store]\nurll = \"sqlite://a.db\"\n".to_owned(),
        "[stor]\nurl = \"sqlite://a.db\"\n".to_owned(),
        "[worker]\nconcurrency = \"many\"\n".to_owned(),
        "[worker]\nconcurrency = 0\n".to_owned(),
        "[worker]\nlease = \"fifteen\"\n".to_owned(),
        "store = 1\n".to_owned(),
        "[log]\nformat = \"jsn\"\n".to_owned(),
        "[sink]\nurl = \"redis://127.0.0.1/0\"\n".to_owned(),
        "[sink]\nurl = \"zoom.db\"\n".to_owned(),
        "[store\nurl = 1\n".to_owned(),
        acme("shares = 0.5"),
        acme("share = 1.5"),
        acme("share = [{ between = \"08:00-18:00 Europe/Berlin\", share = 0.3 }]"),
        acme("reserve_events = 1.5"),
        acme("tier = \"busines\""),
        acme("limits = { heavy_per_dy = 1 }"),
        acme("api_url = \"http://zoom.us/v2\""),
        acme("token_url = \"https://user:pass@zoom.us/\""),
        "[connections.acme]\nclient_id = \"b\"\n".to_owned(),
        "[connections.Acme]\naccount_id = \"b\"\n".to_owned(),
    ]
    .iter()
    .map(|text| told(text, &[]))
    .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_part_of_the_day_is_kept_for_events_where_any_can_come() {
    let reserve = |line: &str| {
        settings(&acme(line), &[]).expect("settings").connections["acme"].reserve_events
    };
    assert_eq!(reserve(""), 0.0);
    assert_eq!(reserve("webhook_secret = { env = \"S\" }"), 0.1);
    assert_eq!(reserve("webhook_secret = { env = \"S\" }\nreserve_events = 0"), 0.0);
}

#[test]
fn wrong_variables_are_told_by_name() {
    let said = told("", &[("WATERSHED_STORE__URLL", "x")]);
    assert_eq!(
        said,
        "WATERSHED_STORE__URLL in the environment: unknown key `store.urll` | \
         did you mean `url` instead of `urll`?"
    );
    settings("", &[("WATERSHED_REDACT_KEY", "anything")]).expect("not a setting");
}

#[test]
fn one_of_several_connections_must_be_chosen() {
    let text = format!("{}{}", acme(""), acme("").replace("acme", "beta"));
    let settings = settings(&text, &[]).expect("settings");
    assert_eq!(settings.connection(Some("beta")).expect("beta").0, "beta");
    let fault = settings.connection(None).expect_err("two");
    assert_eq!(fault.way_out(), Some("choose one with --connection: acme, beta"));
    let fault = settings.connection(Some("gamma")).expect_err("none");
    assert_eq!(fault.way_out(), Some("configured are: acme, beta"));
}

#[test]
fn a_file_that_is_not_there_is_an_error_where_it_was_named() {
    let given = Given { config: Some("nowhere.toml".into()), ..Given::default() };
    let fault = load(given, &Vars::new()).expect_err("it is not there");
    assert!(fault.to_string().contains("there is no file nowhere.toml"));
    let by_env = vars(&[("WATERSHED_CONFIG", "nowhere.toml")]);
    assert!(load(Given::default(), &by_env).is_err());
}

#[test]
fn the_schema_takes_the_annotated_file_and_refuses_what_the_program_refuses() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let json = |text: &str| {
        serde_json::to_value(toml::from_str::<toml::Table>(text).expect("TOML")).expect("JSON")
    };
    assert!(validator.is_valid(&json(DEFAULTS)));
    assert!(validator.is_valid(&json(&acme("share = 0.5\nlimits = { heavy_per_day = 1 }"))));
    for wrong in [
        "shares = 1",
        "share = 2",
        "tier = \"gold\"",
        "users = { includes = [] }",
        "redact = { dept = 1 }",
    ] {
        assert!(!validator.is_valid(&json(&acme(wrong))), "{wrong}");
    }
    assert!(!validator.is_valid(&json("[connections.acme]\ntier = \"pro\"\n")));
}

#[test]
fn the_published_schema_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/config.schema.json");
    let fresh = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &fresh).expect("the schema is written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(stored, fresh, "run again with UPDATE_SCHEMAS=1");
}
