//! Who a server runs as: PostgreSQL refuses to run as root.

use std::path::Path;
use std::process::Command;

/// Accounts that may own a test server, the first that is there.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// An unprivileged account of the system.
pub(crate) struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// The account to run servers as; `None` where this process is unprivileged itself.
    pub(crate) fn unprivileged() -> Option<Account> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let known = std::fs::read_to_string("/etc/passwd").expect("the accounts of the system");
        let of = |name: &str| {
            let line = known.lines().find(|line| line.split(':').next() == Some(name))?;
            let mut ids = line.split(':').skip(2);
            let user = ids.next()?.parse().ok()?;
            let group = ids.next()?.parse().ok()?;
            Some(Account { user, group })
        };
        let found = ACCOUNTS.into_iter().find_map(of);
        Some(found.expect("an account named postgres or nobody: PostgreSQL does not run as root"))
    }

    /// Gives it a folder.
    pub(crate) fn own(&self, folder: &Path) {
        std::os::unix::fs::chown(folder, Some(self.user), Some(self.group))
            .expect("root may give a folder away");
    }
}

/// A command that runs as that account, or as this process where there is none.
pub(crate) fn command(account: Option<&Account>, program: &Path) -> Command {
    let Some(Account { user, group }) = account else { return Command::new(program) };
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
    command.arg("--").arg(program);
    command
}
