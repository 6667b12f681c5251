//! Who a worker is, as its id tells it.

use crate::WorkerId;

/// Characters of a machine's name that stand in an id.
const HOST_MAX: usize = 64;

/// The machine, the process and the version of a worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct WorkerName {
    /// The machine's name; letters, digits, `-`, `_` and `.` of it stand in the id.
    pub host: String,
    /// The process's number there.
    pub process: u32,
    /// The program's version.
    pub version: String,
}

impl WorkerName {
    /// An id of that name: `HOST:PROCESS/VERSION#NONCE`. `nonce` tells it from all others: a
    /// process has one for each account that it works for, and numbers of processes come again.
    pub fn id(&self, nonce: u64) -> WorkerId {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let host: String = self.host.chars().filter(|c| plain(*c)).take(HOST_MAX).collect();
        WorkerId(format!("{host}:{}/{}#{nonce:016x}", self.process, self.version))
    }

    /// The name in an id; `None` where it has none.
    pub fn of(id: &WorkerId) -> Option<WorkerName> {
        let (host, rest) = id.as_str().split_once(':')?;
        let (process, rest) = rest.split_once('/')?;
        let (version, _) = rest.split_once('#')?;
        Some(WorkerName {
            host: host.to_owned(),
            process: process.parse().ok()?,
            version: version.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_who_the_worker_is() {
        let name = |host: &str| WorkerName {
            host: host.to_owned(),
            process: 4711,
            version: "0.1.0".to_owned(),
        };
        let id = name("web-1.local").id(0xab);
        assert_eq!(id.as_str(), "web-1.local:4711/0.1.0#00000000000000ab");
        assert_eq!(WorkerName::of(&id), Some(name("web-1.local")));
        assert_eq!(WorkerName::of(&name("a:b/c#\u{1b}d").id(1)), Some(name("abcd")));
        assert_eq!(WorkerName::of(&"c-00000000000000ab".into()), None);
    }
}
