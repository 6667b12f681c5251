//! How it is deployed: `docker-compose.yml` is read, and its very commands run as plain
//! processes, since no container can run here.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use watershed_test_servers::{PostgresServer, RedisServer};
use watershed_tests::{Account, Ended, Home, Running, Scope, root};

use crate::fleet::{Fleet, RUN};
use crate::ground::free_account;

/// The volume of files, as a folder here.
const FILES: &str = "volume";
/// Where the server listens in its container.
const LISTENS: &str = "0.0.0.0:8080";
/// The program's processes.
const PROCESSES: [&str; 3] = ["worker", "schedule", "serve"];
/// A health check that takes longer says nothing.
const HEALTH_MAX: Duration = Duration::from_secs(20);

/// What the variables of an operator's `.env` say.
type Vars = BTreeMap<String, String>;

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn compose() -> Value {
    serde_saphyr::from_str(&text("docker-compose.yml")).expect("docker-compose.yml is YAML")
}

fn services(file: &Value) -> Vec<(&String, &Value)> {
    file["services"].as_object().expect("services").iter().collect()
}

/// The words of a list.
fn words(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().map(|word| word.as_str().unwrap_or_else(|| panic!("{word} is no text"))).collect()
}

/// A setting of a command: the word after that name.
fn setting<'a>(command: &[&'a str], name: &str) -> Option<&'a str> {
    let at = command.iter().position(|word| *word == name)?;
    command.get(at + 1).copied()
}

/// What stands in each `${…}` of a text, and the text around them.
fn pieces(text: &str) -> Vec<Result<&str, &str>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').expect("a variable ends");
        pieces.extend([Ok(before), Err(variable)]);
        rest = after;
    }
    pieces.push(Ok(rest));
    pieces
}

/// A text with its variables filled in, as compose does: `${NAME:-default}`, `${NAME:?error}`.
fn filled(text: &str, vars: &Vars) -> String {
    let fill = |piece: Result<&str, &str>| match piece {
        Ok(text) => str::to_owned(text),
        Err(variable) => {
            let (name, otherwise) = variable.split_once(':').unwrap_or((variable, "?unset"));
            let said = vars.get(name).filter(|value| !value.is_empty()).cloned();
            said.or_else(|| otherwise.strip_prefix('-').map(str::to_owned))
                .unwrap_or_else(|| panic!("{name}: {otherwise}"))
        }
    };
    pieces(text).into_iter().map(fill).collect()
}

/// All pairs of a name and a text, however deep.
fn pairs<'a>(name: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, v)| pairs(name, v, found)),
        Value::Array(items) => items.iter().for_each(|item| pairs(name, item, found)),
        Value::String(text) => found.push((name, text)),
        _ => {}
    }
}

#[test]
fn each_service_has_no_rights_and_says_how_it_is() {
    let file = compose();
    let names: Vec<&String> = services(&file).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["postgres", "redis", "schedule", "serve", "worker"]);
    for (name, service) in services(&file) {
        let user = service["user"].as_str().unwrap_or_default();
        assert!(!matches!(user.split(':').next(), None | Some("" | "0" | "root")), "{name}");
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(words(&service["cap_drop"]), ["ALL"], "{name}");
        assert_eq!(words(&service["security_opt"]), ["no-new-privileges:true"], "{name}");
        for way_in in ["ports", "privileged", "network_mode", "cap_add", "pid"] {
            let webhooks = way_in == "ports" && *name == "serve";
            assert!(webhooks || service[way_in] == Value::Null, "{name}: {way_in}");
        }
        assert_eq!(words(&service["healthcheck"]["test"])[0], "CMD", "{name}");
        assert_eq!(service["restart"], "unless-stopped", "{name}");
    }
    assert_eq!(file["networks"]["stores"]["internal"], true);
    for store in ["redis", "postgres"] {
        assert_eq!(words(&file["services"][store]["networks"]), ["stores"], "{store}");
        for process in PROCESSES {
            let condition = &file["services"][process]["depends_on"][store]["condition"];
            assert_eq!(*condition, "service_healthy", "{process}: {store}");
        }
    }
    let ports = words(&file["services"]["serve"]["ports"]);
    assert!(ports.iter().all(|port| port.starts_with("127.0.0.1:")), "for a proxy: {ports:?}");
}

#[test]
fn stores_keep_what_they_took() {
    let file = compose();
    let redis = words(&file["services"]["redis"]["command"]);
    assert_eq!(setting(&redis, "--appendonly"), Some("yes"));
    assert_eq!(setting(&redis, "--appendfsync"), Some("everysec"));
    assert_eq!(setting(&redis, "--maxmemory-policy"), Some("noeviction"));
    let postgres = words(&file["services"]["postgres"]["command"]);
    for durable in ["fsync=on", "full_page_writes=on", "synchronous_commit=on"] {
        assert!(postgres.contains(&durable), "{durable}: {postgres:?}");
    }
    for (store, folder) in [("redis", "/data"), ("postgres", "/var/lib/postgresql/data")] {
        let volumes = words(&file["services"][store]["volumes"]);
        assert_eq!(volumes, [format!("{store}:{folder}")]);
        assert!(file["volumes"].as_object().is_some_and(|named| named.contains_key(store)));
    }
}

#[test]
fn no_secret_stands_in_a_file() {
    let file = compose();
    let (mut all, mut wanted) = (Vec::new(), Vec::new());
    pairs("", &file, &mut all);
    for (name, value) in all {
        let of_file: Vec<&str> = pieces(value).into_iter().filter_map(Result::ok).collect();
        let secret = ["PASSWORD", "SECRET", "_ID"].iter().any(|word| name.contains(word));
        assert!(!secret || of_file.concat().is_empty(), "{name} says {value}");
        if let Some((credentials, _)) =
            value.split_once("://").and_then(|(_, at)| at.split_once('@'))
        {
            let password = credentials.split_once(':').map_or("", |(_, password)| password);
            assert!(password.is_empty() || password.starts_with("${"), "{name} says {value}");
        }
        wanted.extend(pieces(value).into_iter().filter_map(Result::err).map(str::to_owned));
    }
    let example = text(".env.example");
    let lines: Vec<(&str, &str)> = example
        .lines()
        .filter(|l| !l.starts_with("# "))
        .filter_map(|l| l.split_once('='))
        .collect();
    for (name, value) in &lines {
        assert!(value.is_empty() || name.starts_with('#'), "{name} is {value} in .env.example");
    }
    for variable in wanted {
        let (name, otherwise) = variable.split_once(':').unwrap_or((&variable, "?"));
        let told = lines.iter().any(|(told, _)| told.trim_start_matches('#') == name);
        assert!(told || otherwise == "-", ".env.example does not name {name}");
    }
    assert!(text(".gitignore").lines().any(|line| line == "/.env"));
    assert!(text(".dockerignore").lines().any(|line| line == "/.env"));
}

#[test]
fn the_image_holds_the_program_alone_and_runs_it_without_rights() {
    let dockerfile = text("Dockerfile");
    let (build, last) = dockerfile.rsplit_once("\nFROM ").expect("it is built elsewhere");
    for word in ["--profile dist", "--locked", "--all-features"] {
        assert!(build.contains(word), "{word}");
    }
    let said = |word: &str| last.lines().find_map(|line| line.strip_prefix(word));
    assert_eq!(said("USER "), compose()["services"]["worker"]["user"].as_str());
    assert_eq!(said("ENTRYPOINT "), Some(r#"["watershed"]"#), "commands of the file follow it");
    assert_eq!(said("RUN "), None, "what is run while building may leave something behind");
}

#[test]
fn the_units_start_what_the_image_starts() {
    for (process, unit) in [
        ("worker", "watershed-worker@.service"),
        ("schedule", "watershed-schedule.service"),
        ("serve", "watershed-serve.service"),
    ] {
        unit_starts(process, &text(&format!("config/systemd/{unit}")));
    }
}

fn unit_starts(process: &str, unit: &str) {
    let said = |name: &str| {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        let all: Vec<&str> = lines.filter(|(n, _)| *n == name).map(|(_, value)| value).collect();
        all.join(" ")
    };
    let file = compose();
    let command: Vec<String> = said("ExecStart").split(' ').skip(1).map(str::to_owned).collect();
    // Where it listens is configured there.
    assert_eq!(command[..], words(&file["services"][process]["command"])[..1]);
    for (name, value) in [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("CapabilityBoundingSet", ""),
        ("RestartPreventExitStatus", "2"),
        ("TimeoutStopSec", "30s"),
    ] {
        assert_eq!(said(name), value, "{name}");
    }
    assert_eq!(file["services"][process]["stop_grace_period"], "30s");
    assert!(said("EnvironmentFile").starts_with("-/etc/"), "secrets are in a file of their own");
}

/// The services of the file as processes, and the port of this machine for each of the file.
struct Deployed {
    file: Value,
    vars: Vars,
    ports: [(&'static str, u16); 2],
    fleet: Fleet,
    _redis: RedisServer,
    _postgres: PostgresServer,
}

impl Deployed {
    /// Starts the stores by their commands. Nobody works yet.
    fn start(account: Account) -> Deployed {
        let (file, vars) = (compose(), vars(&account));
        let command = |service: &str| -> Vec<String> {
            let words = words(&file["services"][service]["command"]);
            words.into_iter().map(|word| filled(word, &vars)).collect()
        };
        let of_redis = command("redis");
        let (program, settings) = of_redis.split_first().expect("a command");
        assert_eq!(program, "redis-server");
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let redis = RedisServer::start(&settings);

        let of_postgres = command("postgres");
        let (program, settings) = of_postgres.split_first().expect("a command");
        assert_eq!(program, "postgres");
        assert!(settings.iter().step_by(2).all(|word| word == "-c"), "{settings:?}");
        let settings: Vec<&str> = settings.iter().skip(1).step_by(2).map(String::as_str).collect();
        let postgres = PostgresServer::start(&settings);
        let says = &file["services"]["postgres"]["environment"];
        assert_eq!(says["POSTGRES_USER"], "watershed", "the user of the tests' servers");
        let name = says["POSTGRES_DB"].as_str().expect("a name");
        postgres.sql("postgres", &format!("CREATE DATABASE {name}"));

        let ports = [("6379", redis.port()), ("5432", postgres.port())];
        let home = Home::empty().expect("a folder");
        let fleet = Fleet::of(account, home);
        let (_redis, _postgres) = (redis, postgres);
        let mut deployed = Deployed { file, vars, ports, fleet, _redis, _postgres };
        let environment = deployed.file["services"]["worker"]["environment"].clone();
        for (name, value) in environment.as_object().expect("names and texts") {
            let value = deployed.here(value.as_str().expect("a text"));
            deployed.fleet.home.set(name, Some(&value));
        }
        deployed
    }

    /// A text of the file as it is here: each service on a port of this machine.
    fn here(&self, text: &str) -> String {
        let mut text = filled(text, &self.vars);
        let files = self.fleet.home.path().join(FILES);
        text = text.replace("/srv/watershed/files", &files.to_string_lossy());
        for (port, here) in self.ports {
            for host in ["127.0.0.1", "redis", "postgres"] {
                text = text.replace(&format!("{host}:{port}"), &format!("127.0.0.1:{here}"));
            }
        }
        text
    }

    /// Starts one more worker, by the command of the file.
    fn worker(&mut self) {
        let worker = self.process("worker");
        self.fleet.workers.push(worker);
    }

    /// Starts a process by its command, on a free port where it listens.
    fn process(&self, name: &str) -> Running {
        let command = words(&self.file["services"][name]["command"]);
        let command: Vec<&str> =
            command.into_iter().map(|w| if w == LISTENS { "0.0.0.0:0" } else { w }).collect();
        self.fleet.home.start(&command)
    }

    /// Runs the health check of a service.
    fn health(&self, service: &str) -> Ended {
        let test = words(&self.file["services"][service]["healthcheck"]["test"]);
        let test: Vec<String> = test[1..].iter().map(|word| self.here(word)).collect();
        let rest: Vec<&str> = test[1..].iter().map(String::as_str).collect();
        if test[0] == "watershed" {
            return self.fleet.home.run(&rest);
        }
        let mut command = Command::new(&test[0]);
        command.args(rest);
        self.fleet.home.start_command(command).wait(HEALTH_MAX).expect("it ends")
    }

    /// What the workers have left in their folder.
    fn left(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.fleet.home.path()).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let names = entries.map(|entry| name(entry).to_string_lossy().into_owned());
        names.filter(|name| name != ".logs").collect()
    }
}

/// An `.env` for that account.
fn vars(account: &Account) -> Vars {
    let mut vars = Vars::from([
        ("POSTGRES_PASSWORD".to_owned(), "letters4ndDigits".to_owned()),
        ("ZOOM_TIER".to_owned(), account.spec.tier.to_owned()),
        ("REDIS_MAXMEMORY".to_owned(), "200mb".to_owned()),
        ("ZOOM_WEBHOOK_SECRET".to_owned(), "SIMSECRET-webhooks".to_owned()),
        ("WATERSHED_TOKEN".to_owned(), "SIMSECRET-of-many-letters".to_owned()),
    ]);
    for name in ["account_id", "client_id", "client_secret", "api_url", "token_url"] {
        vars.insert(format!("ZOOM_{}", name.to_uppercase()), account.ready(name).to_owned());
    }
    vars
}

#[test]
fn the_commands_of_the_file_bring_an_account_home() {
    let mut deployed = Deployed::start(free_account(8, 61));
    for store in ["redis", "postgres"] {
        deployed.health(store).expect(0);
    }
    (0..2).for_each(|_| deployed.worker());
    let fleet = &deployed.fleet;
    fleet.home.run(&["submit", "zoom-backfill", "--run-id", RUN]).expect(0);
    deployed.health("worker").expect(0);
    fleet.until_complete();
    let mut schedule = deployed.process("schedule");
    let due = |p: &Running| p.stderr().contains("zoom-reconcile for default: next at");
    schedule.until("the nightly reconcile", HEALTH_MAX, due).expect("it schedules");
    let mut serve = deployed.process("serve");
    let hook = |p: &Running| p.stderr().contains("webhooks come in at");
    serve.until("where webhooks come in", HEALTH_MAX, hook).expect("it serves");
    for mut process in [schedule, serve] {
        process.signal(Signal::TERM);
        process.wait(HEALTH_MAX).expect("it ends").expect(0);
    }
    deployed.fleet.drain();
    assert_eq!(deployed.left(), [FILES], "its root is read-only, but for the volume of files");
    let fleet = &deployed.fleet;
    std::fs::create_dir_all(fleet.home.data()).expect("a folder");
    let copy = format!("sqlite://{}", fleet.home.sink().display());
    fleet.home.run(&["copy", "--to", &copy]).expect(0);
    fleet.equal(&Scope::backfill());
    let stats = fleet.stats();
    assert_eq!(stats.in_vain(), 0, "{:#}", stats.0);
}
