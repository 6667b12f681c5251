//! A headless Chromium, spoken to by its own protocol over two pipes.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use watershed_tests::root;

/// A browser that says nothing for so long is stuck.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// What a page is to become, it becomes by then.
const PAGE_MAX: Duration = Duration::from_secs(60);

/// A browser with one page open.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    session: Option<String>,
    last: u64,
    events: Vec<Value>,
    _folder: tempfile::TempDir,
}

/// How a page is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
    pub(crate) script: bool,
}

impl Look {
    pub(crate) const WIDE: Look = Look { width: 1360, height: 900, dark: false, script: true };
    pub(crate) const PHONE: Look = Look { width: 390, height: 844, ..Look::WIDE };

    pub(crate) fn dark(self) -> Look {
        Look { dark: true, ..self }
    }
}

impl Browser {
    /// Starts it and opens an empty page.
    pub(crate) fn start() -> Browser {
        let folder = tempfile::tempdir().expect("a folder");
        let (into, out) = (folder.path().join("in"), folder.path().join("out"));
        let made = Command::new("mkfifo").args([&into, &out]).status().expect("mkfifo");
        assert!(made.success(), "two pipes");
        // The shell gives the browser the pipes as the files 3 and 4, which it speaks by.
        let child = Command::new("sh")
            .args(["-c", "in=$1 out=$2; shift 2; exec \"$@\" 3<\"$in\" 4>\"$out\"", "sh"])
            .args([&into, &out])
            .args(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--disable-background-networking"])
            .args(["--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", folder.path().join("browser").display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromium starts (./scripts/test installs it)");
        let to = OpenOptions::new().write(true).open(&into).expect("a pipe");
        let (tell, from) = channel();
        let out = File::open(&out).expect("a pipe");
        std::thread::spawn(move || {
            for message in BufReader::new(out).split(0).map_while(Result::ok) {
                let told = serde_json::from_slice(&message).expect("the browser speaks JSON");
                if tell.send(told).is_err() {
                    return;
                }
            }
        });
        let (session, events) = (None, Vec::new());
        let mut browser = Browser { child, to, from, session, last: 0, events, _folder: folder };
        let page = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let target = json!({ "targetId": page["targetId"], "flatten": true });
        let attached = browser.call("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser.call("Page.setLifecycleEventsEnabled", json!({ "enabled": true }));
        browser
    }

    /// From now on pages are looked at like this.
    pub(crate) fn look(&mut self, look: Look) {
        let scheme = if look.dark { "dark" } else { "light" };
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.call("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
        let size = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let off = json!({ "value": !look.script });
        self.call("Emulation.setScriptExecutionDisabled", off);
    }

    /// Opens an address, and waits until it is loaded.
    pub(crate) fn open(&mut self, address: &str) {
        let told = self.call("Page.navigate", json!({ "url": address }));
        let page = told["loaderId"].as_str().unwrap_or_else(|| panic!("{address}: {told}"));
        self.until_loaded(|loaded| loaded == page);
    }

    /// Does something that leads to another page, and waits until that is loaded.
    pub(crate) fn leads(&mut self, script: &str) {
        let seen: BTreeSet<String> = self
            .lifecycle()
            .filter_map(|page| page["loaderId"].as_str())
            .map(str::to_owned)
            .collect();
        self.eval(script);
        self.until_loaded(|loaded| !seen.contains(loaded));
    }

    /// What became of pages; each has an id of its own.
    fn lifecycle(&self) -> impl Iterator<Item = &Value> {
        let of = self.events.iter().filter(|event| event["method"] == "Page.lifecycleEvent");
        of.map(|event| &event["params"])
    }

    /// Waits until that page is loaded. The load of one before it may be told late.
    fn until_loaded(&mut self, meant: impl Fn(&str) -> bool) {
        let is_loaded =
            |page: &Value| page["name"] == "load" && page["loaderId"].as_str().is_some_and(&meant);
        let until = Instant::now() + PAGE_MAX;
        while !self.lifecycle().any(is_loaded) {
            assert!(Instant::now() < until, "the page is not loaded");
            self.hear(Duration::from_millis(50));
        }
    }

    /// What a script says in the page.
    pub(crate) fn eval(&mut self, script: &str) -> Value {
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let told = self.call("Runtime.evaluate", asked);
        assert!(told.get("exceptionDetails").is_none(), "{script}: {told}");
        told["result"]["value"].clone()
    }

    /// Waits until a script says true in the page.
    pub(crate) fn until(&mut self, what: &str, script: &str) {
        let until = Instant::now() + PAGE_MAX;
        while self.eval(script) != Value::Bool(true) {
            let body = || "document.body.innerText";
            if Instant::now() >= until {
                let shown = self.eval(body());
                panic!("{what} did not come: {shown}");
            }
            self.hear(Duration::from_millis(100));
        }
    }

    /// Whether the page shows a text.
    pub(crate) fn shows(&mut self, text: &str) -> bool {
        let text = json!(text);
        self.eval(&format!("document.body.innerText.includes({text})")) == Value::Bool(true)
    }

    /// Errors and warnings of the console, and exceptions.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let said = self.events.iter().filter(|event| match event["method"].as_str() {
            Some("Log.entryAdded") => {
                let level = &event["params"]["entry"]["level"];
                level == "error" || level == "warning"
            }
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => {
                let kind = &event["params"]["type"];
                kind == "error" || kind == "warning"
            }
            _ => false,
        });
        said.map(|event| event["params"].to_string()).collect()
    }

    /// Hosts that the pages asked for anything.
    pub(crate) fn hosts(&self) -> BTreeSet<String> {
        let asked = self.events.iter().filter(|e| e["method"] == "Network.requestWillBeSent");
        let of = asked.filter_map(|event| event["params"]["request"]["url"].as_str());
        let hosts = of.filter_map(|url| url.split("://").nth(1)?.split('/').next());
        hosts.map(str::to_owned).collect()
    }

    /// Bytes that came over the wire since the browser was started.
    pub(crate) fn bytes(&self) -> u64 {
        let ended = self.events.iter().filter(|e| e["method"] == "Network.loadingFinished");
        ended.filter_map(|event| event["params"]["encodedDataLength"].as_f64()).sum::<f64>() as u64
    }

    /// Keeps a picture of the whole page beneath `target/screenshots`.
    pub(crate) fn picture(&mut self, name: &str) {
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let told = self.call("Page.captureScreenshot", whole);
        let data = told["data"].as_str().expect("a picture");
        let png = base64::engine::general_purpose::STANDARD.decode(data).expect("base64");
        let folder = root().join("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.png")), png).expect("a picture is kept");
    }

    /// What axe-core finds serious or critical in the page.
    pub(crate) fn axe(&mut self) -> Vec<String> {
        let path = root().join("target/axe/node_modules/axe-core/axe.min.js");
        let axe = read(&path);
        self.eval(&format!("{axe};true"));
        let found = self.eval(
            "axe.run().then(r => r.violations\
             .filter(v => ['serious', 'critical'].includes(v.impact))\
             .map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).join(', ')))",
        );
        let found = found.as_array().expect("a list");
        found.iter().map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Asks the browser, and waits for its answer.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.last += 1;
        let id = self.last;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        let until = Instant::now() + ANSWER_MAX;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let told = self.from.recv_timeout(left);
            let told = told.unwrap_or_else(|_| panic!("{method}: the browser says nothing"));
            if told["id"] == id {
                assert!(told.get("error").is_none(), "{method}: {told}");
                return told["result"].clone();
            }
            self.events.push(told);
        }
    }

    /// Takes in what the browser tells of itself.
    fn hear(&mut self, time: Duration) {
        if let Ok(told) = self.from.recv_timeout(time) {
            self.events.push(told);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path)
        .unwrap_or_else(|e| panic!("{}: {e} (./scripts/test installs it)", path.display()))
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It is gone already, or it goes now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
