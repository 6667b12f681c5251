//! What an operator sees, and does there.

use std::time::Duration;

use serde_json::json;
use watershed_test_servers::RedisServer;
use watershed_tests::{Account, Home, Settings, Spec};

use super::Served;
use super::browser::{Browser, Look};
use crate::erase::ready;
use crate::ground::{account, free_account, free_home, home};

/// The pages that everybody who may look sees.
const PAGES: [&str; 7] =
    ["/", "/runs/one", "/coverage", "/connections", "/schedules", "/workers", "/sign-in"];

/// An account with a meeting that is refused for ever, brought home; a dead letter tells of it.
pub(crate) fn with_a_dead_letter() -> (Account, Home) {
    let account = account(Spec {
        seed: 51,
        limits: Some("off".to_owned()),
        faults: Some("html_403".to_owned()),
        ..Spec::default()
    });
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one", "-q"]).expect(3);
    (account, home)
}

fn sign_in(browser: &mut Browser, served: &Served) {
    browser.open(&served.link());
    browser.leads("document.querySelector('main form button').click(); true");
    assert!(browser.shows("Sign out"), "signed in");
}

#[test]
fn each_page_is_readable_on_every_screen_and_asks_nobody_else() {
    let (_account, home) = with_a_dead_letter();
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    sign_in(&mut browser, &served);
    let looks = [
        ("light", Look::WIDE),
        ("dark", Look::WIDE.dark()),
        ("phone", Look::PHONE),
        ("phone-dark", Look::PHONE.dark()),
    ];
    for (name, look) in looks {
        browser.look(look);
        for path in PAGES {
            browser.open(&served.at(path));
            let page = format!("{name} {path}");
            browser.picture(&format!("{name}{}", path.replace('/', "-")));
            let wider = "document.documentElement.scrollWidth > window.innerWidth";
            assert_eq!(browser.eval(wider), json!(false), "{page} is wider than its window");
            assert_eq!(browser.axe(), [""; 0], "{page}");
            assert_eq!(browser.eval("document.querySelectorAll('h1').length"), json!(1), "{page}");
        }
    }
    assert_eq!(browser.complaints(), [""; 0]);
    let own = served.base.trim_start_matches("http://").to_owned();
    assert_eq!(browser.hosts().into_iter().collect::<Vec<_>>(), [own]);
}

#[test]
fn light_and_dark_are_not_the_same() {
    let home = free_home(&free_account(1, 61));
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    let mut papers = Vec::new();
    for look in [Look::WIDE, Look::WIDE.dark()] {
        browser.look(look);
        browser.open(&served.at("/"));
        papers.push(browser.eval("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(papers[0], papers[1]);
}

#[test]
fn a_link_signs_in_once_and_what_changes_something_is_not_there_before() {
    let (_account, home) = with_a_dead_letter();
    let served = Served::start(&home, "serve");
    let link = served.link();
    let mut browser = Browser::start();
    browser.open(&served.at("/runs/one"));
    assert!(browser.shows("Dead letters") && !browser.shows("Retry all"), "everybody may look");
    sign_in(&mut browser, &served);
    browser.open(&served.at("/runs/one"));
    assert!(browser.shows("Retry all"));
    let cookie = browser.eval("document.cookie");
    assert_eq!(cookie, json!(""), "no script reads the session");
    browser.leads("[...document.querySelectorAll('.who button')].at(-1).click(); true");
    browser.open(&link);
    browser.leads("document.querySelector('main form button').click(); true");
    assert!(browser.shows("neither a token nor a link that still works"));
}

#[test]
fn a_dead_letter_is_put_back_and_goes_away() {
    let (_account, home) = with_a_dead_letter();
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    sign_in(&mut browser, &served);
    browser.open(&served.at("/runs/one"));
    browser.until("its letters", "!!document.querySelector('#failures .group')");
    browser.eval("document.querySelector('#failures .group').open = true; true");
    assert!(browser.shows("What to do:") && browser.shows("HTTP 403"));
    browser.leads("document.querySelector('#failures .group form button').click(); true");
    assert!(browser.shows("put back"), "it says how many");
    browser.until("no dead letter", "!document.querySelector('#failures')");
    browser.until("a run that goes on", "!!document.querySelector('h1 .state.running')");
    let why = "a worker: none holds a task of this run now";
    browser.until("why it stands", &format!("document.body.innerText.includes('{why}')"));
    assert_eq!(home.run(&["failures", "one", "--json"]).expect(0).json_lines().len(), 0);
    assert_eq!(browser.complaints(), [""; 0]);
}

/// A run that takes a while, and its account.
fn slow() -> (Account, Home) {
    let account =
        account(Spec { users: 40, seed: 62, limits: Some("off".to_owned()), ..Spec::default() });
    let limits = "light_per_second = 12, medium_per_second = 12, heavy_per_second = 12";
    let home = home(&account, &Settings { limits: Some(limits), ..Settings::default() });
    (account, home)
}

#[test]
fn progress_moves_by_itself_and_a_pause_stops_new_calls_until_it_is_lifted() {
    let (account, home) = slow();
    let served = Served::start(&home, "up");
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let mut browser = Browser::start();
    sign_in(&mut browser, &served);
    browser.open(&served.at("/runs/one"));
    let calls = "[...document.querySelectorAll('.tile')]\
                 .find(t => t.querySelector('dt').innerText === 'Calls')\
                 .querySelector('dd').innerText";
    let before = browser.eval(calls);
    browser.until("more calls", &format!("{calls} !== {before}"));

    let press = |act: &str| {
        format!(
            "document.querySelector('form[action$=\"/{act}\"]').closest('details').open = true; \
             document.querySelector('form[action$=\"/{act}\"] button').click(); true"
        )
    };
    browser.leads(&press("pause"));
    browser.until("a pause", "!!document.querySelector('h1 .state.paused')");
    // What was in flight settles.
    std::thread::sleep(Duration::from_millis(1_500));
    let counted = || account.stats().expect("statistics").counted();
    let paused = counted();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(counted(), paused, "a paused run makes no call");
    browser.leads(&press("resume"));
    browser.until("a run that goes on", "!!document.querySelector('h1 .state.running')");
    browser.until("more calls", &format!("{calls} !== {before}"));
    browser.leads(&press("cancel"));
    browser.until("its end", "/cancel/.test(document.querySelector('h1 .state').innerText)");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn all_can_be_read_without_a_script_and_pressed_too() {
    let (_account, home) = with_a_dead_letter();
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    browser.look(Look { script: false, ..Look::WIDE });
    // Scripts of the page do not run; what a test says runs in the page all the same.
    browser.open(&served.link());
    browser.leads("document.querySelector('main form').submit(); true");
    browser.open(&served.at("/runs/one"));
    assert!(browser.shows("report_participants") || browser.shows("participants"));
    browser.leads("document.querySelector('#failures .group form').submit(); true");
    assert!(browser.shows("put back"));
}

#[test]
fn coverage_leads_from_all_of_an_account_to_one_subject() {
    let account = free_account(90, 63);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--input", "content=metadata", "-q"]).expect(0);
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    // What is not counted yet comes by itself.
    browser.open(&served.at("/coverage"));
    browser.until("a map", "!!document.querySelector('.heat')");
    let into = |of: &str| format!("document.querySelector('{of}').click(); true");
    browser.leads(&into(".heat a[href$=\"zoom.get_user_settings\"]"));
    let rows = "document.querySelectorAll('.heat tbody tr').length";
    browser.until("bands of a user or two", &format!("{rows} === 64"));
    browser.leads(&into(".heat tbody a"));
    browser.until("the users of a band", &format!("{rows} === 2"));
    browser.leads(&into(".heat tbody a"));
    assert!(browser.shows("complete") && browser.shows("zoom.get_user_settings of default"));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_person_is_erased_by_whoever_types_the_name_of_the_connection() {
    let (_account, home, user, _) = ready(76, "");
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    browser.open(&served.at("/connections"));
    assert!(!browser.shows("Erase a person"), "not to everybody");
    sign_in(&mut browser, &served);
    let form = "document.querySelector('.act form')";
    for (confirmed, told) in [("acme", "nothing was erased"), ("default", "That person is out of")]
    {
        browser.open(&served.at("/connections"));
        browser.eval("document.querySelector('.act').open = true; true");
        assert_eq!(browser.axe(), [""; 0], "the form");
        let fill = format!(
            "{form}.user.value = '{}'; {form}.confirmed.value = '{confirmed}'; true",
            user.email
        );
        browser.eval(&fill);
        assert_eq!(browser.eval("location.href"), json!(served.at("/connections")));
        browser.leads(&format!("{form}.querySelector('button').click(); true"));
        assert!(browser.shows(told), "{confirmed}");
        assert!(!browser.shows(&user.email), "nobody is named");
        assert_eq!(browser.eval("location.search"), json!(""));
    }
    assert!(browser.shows("report_participants") && browser.shows("Pseudonyms"));
    assert_eq!(browser.axe(), [""; 0], "what became of it");
    browser.picture("erased");
    let users = home.run(&["erase", "--user", &user.email, "--yes", "--json"]).expect(0).json();
    assert_eq!(users["rows"], json!({}), "nothing was left");
}

#[test]
fn the_workers_of_all_processes_are_shown() {
    let redis = RedisServer::start(&[]);
    let account = free_account(3, 66);
    let mut home = free_home(&account);
    home.set("WATERSHED_STORE__URL", Some(&redis.url()));
    let served = Served::start(&home, "serve");
    let mut browser = Browser::start();
    browser.open(&served.at("/workers"));
    assert!(browser.shows("Nobody works"));
    home.run(&["submit", "zoom-backfill", "--run-id", "one"]).expect(0);
    let workers = [home.start(&["worker"]), home.start(&["worker"])];
    browser.until("two workers", "document.querySelectorAll('main tbody tr').length === 2");
    let version = env!("CARGO_PKG_VERSION");
    assert!(browser.shows("alive") && browser.shows(version));
    let told = watershed_tests::get(served.base.trim_start_matches("http://"), "/api/v1/workers");
    let told: serde_json::Value = serde_json::from_slice(&told.expect("an answer")).expect("JSON");
    let alive = told["items"].as_array().expect("items").iter().filter(|w| w["alive"] == true);
    assert_eq!(alive.count(), 2, "{told:#}");
    drop(workers);
    assert_eq!(browser.complaints(), [""; 0]);
}
