//! The page of a rehearsal, as a browser shows it: a script is put into it that measures what is
//! drawn, and what the browser then holds is read.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use watershed_tests::Home;

/// Words that make a page of two rehearsals, with days that a limit of a day binds.
const WORDS: [&str; 11] = [
    "rehearse",
    "zoom-backfill",
    "--users",
    "25",
    "--tier",
    "pro",
    "--compare",
    "attendance=fast",
    "--html",
    "page.html",
    "--quiet",
];
/// What the script measures: of each chart its labels and colours, of the page its width.
const MEASURE: &str = include_str!("rehearsal_page.js");
/// Schemes, as the browser numbers them.
const SCHEMES: [(&str, &str); 2] = [("dark", "0"), ("light", "1")];
/// Contrast that letters and shapes must have against what is behind them (WCAG 2.2, criteria
/// 1.4.3 and 1.4.11).
const CONTRAST_OF_TEXT: f64 = 4.5;
const CONTRAST_OF_SHAPES: f64 = 3.0;

/// What a browser makes of a page.
struct Shown {
    /// What the script measured.
    measured: Value,
    /// What the console said.
    console: Vec<String>,
    /// Addresses that the page asked for, besides its own.
    asked: Vec<String>,
}

/// Shows a page to a headless browser, in a colour scheme.
fn show(folder: &Path, page: &str, scheme: &str) -> Shown {
    let measuring = page.replace("</body>", &format!("<script>{MEASURE}</script></body>"));
    assert_ne!(page, measuring, "the page has no end");
    let (path, log) = (folder.join("measured.html"), folder.join("net.json"));
    std::fs::write(&path, measuring).expect("a folder to write to");
    let told = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--no-first-run", "--disable-background-networking", "--window-size=1000,1400"])
        .arg(format!("--user-data-dir={}", folder.join("browser").display()))
        .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
        .arg(format!("--log-net-log={}", log.display()))
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("file://{}", path.display()))
        .output()
        .expect("chromium starts (./scripts/test installs it)");
    let (out, err) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    let measured = out.split("<output id=\"measured\">").nth(1);
    let measured = measured.and_then(|rest| rest.split("</output>").next()).unwrap_or_else(|| {
        panic!("nothing was measured: {err}");
    });
    let measured = measured.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&");
    Shown {
        measured: serde_json::from_str(&measured).expect("the script writes JSON"),
        console: err.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect(),
        asked: asked(&std::fs::read_to_string(log).expect("the browser logs what it asks for")),
    }
}

/// Addresses in the browser's log that a page asked for, and not the browser by itself.
fn asked(log: &str) -> Vec<String> {
    let events = log.lines().filter_map(|line| {
        serde_json::from_str::<Value>(line.trim_end_matches([',', ']', '}']))
            .or_else(|_| serde_json::from_str(line.trim_end_matches(',')))
            .ok()
    });
    let of_page = events.filter(|event| {
        let by = &event["params"]["initiator"];
        by.is_string() && by != "not an origin"
    });
    of_page.filter_map(|event| event["params"]["url"].as_str().map(str::to_owned)).collect()
}

fn rehearsed(home: &Home) -> String {
    home.run(&WORDS).expect(0);
    std::fs::read_to_string(home.path().join("page.html")).expect("the page was written")
}

#[test]
fn the_page_of_a_rehearsal_is_readable_in_light_and_dark_and_asks_for_nothing() {
    let home = Home::empty().expect("a folder");
    let page = rehearsed(&home);
    let mut papers = Vec::new();
    for (name, scheme) in SCHEMES {
        let shown = show(home.path(), &page, scheme);
        assert_eq!(shown.console, [""; 0], "{name}");
        assert_eq!(shown.asked, [""; 0], "{name}");
        let measured = shown.measured;
        let charts = measured["charts"].as_array().expect("a list");
        assert!(charts.len() >= 4, "{name}: {} charts", charts.len());
        for chart in charts {
            for wrong in ["outside", "overlapping", "repeated"] {
                assert_eq!(chart[wrong], Value::Array(Vec::new()), "{name}: {wrong}: {chart}");
            }
            assert!(chart["shapes"].as_u64() > Some(0), "{name}: nothing is drawn: {chart}");
            assert!(chart["label_px"].as_f64() >= Some(10.0), "{name}: letters are small: {chart}");
            assert!(chart["text"].as_f64() >= Some(CONTRAST_OF_TEXT), "{name}: {chart}");
            assert!(chart["shape"].as_f64() >= Some(CONTRAST_OF_SHAPES), "{name}: {chart}");
        }
        assert!(measured["text"].as_f64() >= Some(CONTRAST_OF_TEXT), "{name}: {measured}");
        assert_eq!(measured["wider"], false, "{name}: the page is wider than its window");
        papers.push(measured["paper"].clone());
    }
    assert_ne!(papers[0], papers[1], "light and dark are the same");
}

#[test]
fn a_page_that_asks_for_something_or_complains_is_noticed() {
    let home = Home::empty().expect("a folder");
    let elsewhere = "http://elsewhere.invalid/picture.png";
    let page = format!(
        "<!doctype html><html><body><img src=\"{elsewhere}\"><script>console.error('no')</script>\
         <svg viewBox=\"0 0 90 20\"><text x=\"80\" y=\"9\">a long label</text><text x=\"80\" \
         y=\"9\">a long label</text></svg></body></html>"
    );
    let shown = show(home.path(), &page, "1");
    assert!(shown.asked.contains(&elsewhere.to_owned()), "{:?}", shown.asked);
    assert!(shown.console.iter().any(|line| line.contains("no")), "{:?}", shown.console);
    let chart = &shown.measured["charts"][0];
    for wrong in ["outside", "overlapping", "repeated"] {
        assert_ne!(chart[wrong], Value::Array(Vec::new()), "{wrong}: {chart}");
    }
}
