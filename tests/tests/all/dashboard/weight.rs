//! What a first look costs.

use super::Served;
use super::browser::Browser;
use crate::ground::{free_account, free_home, measured};

/// Bytes of a first page over the wire, its style and scripts included.
const BYTES_MAX: u64 = 100 * 1024;

#[test]
fn a_first_page_is_light() {
    let account = free_account(10, 64);
    let home = free_home(&account);
    home.run(&["run", "zoom-backfill", "--run-id", "one", "-q"]).expect(0);
    let served = Served::start(&home, "serve");
    let mut most = 0;
    for path in ["/", "/runs/one", "/coverage"] {
        let mut browser = Browser::start();
        browser.open(&served.at(path));
        let bytes = browser.bytes();
        assert!(bytes > 1_000 && bytes < BYTES_MAX, "{path}: {bytes} bytes");
        most = most.max(bytes);
    }
    let told = format!("{} KiB", most.div_ceil(1024));
    measured("a first page of the dashboard, over the wire", "3 pages", &told, "100 KiB");
}
