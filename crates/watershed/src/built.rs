//! What a build may leave out, and what is said of a URL that needs it.

/// A kind of place that is a cargo feature.
struct Kind {
    name: &'static str,
    schemes: &'static [&'static str],
    feature: &'static str,
    built_in: bool,
}

const KINDS: [Kind; 5] = [
    Kind { name: "Redis", schemes: REDIS, feature: "redis", built_in: cfg!(feature = "redis") },
    Kind {
        name: "PostgreSQL",
        schemes: &["postgres", "postgresql"],
        feature: "postgres",
        built_in: cfg!(feature = "postgres"),
    },
    Kind { name: "S3", schemes: &["s3"], feature: "s3", built_in: watershed_lake::S3 },
    Kind {
        name: "Google Cloud Storage",
        schemes: &["gs"],
        feature: "gcs",
        built_in: watershed_lake::GCS,
    },
    Kind {
        name: "Azure Blob Storage",
        schemes: &["az"],
        feature: "azure",
        built_in: watershed_lake::AZURE,
    },
];

/// Schemes of a Redis: in the open, by TLS, by a socket, a cluster.
pub(crate) const REDIS: &[&str] =
    &["redis", "rediss", "redis+unix", "redis+cluster", "rediss+cluster"];

/// Why a URL is of no use to this build, and how to get one to which it is; `None` where its kind
/// is built in, or is none.
pub(crate) fn left_out(url: &str) -> Option<String> {
    of(&KINDS, url)
}

fn of(kinds: &[Kind], url: &str) -> Option<String> {
    let (scheme, _) = url.split_once("://")?;
    let kind = kinds.iter().find(|kind| kind.schemes.contains(&scheme) && !kind.built_in)?;
    Some(without(kind.name, kind.feature))
}

/// The same of traces.
pub(crate) fn no_traces() -> Option<String> {
    (!watershed_telemetry::OTEL).then(|| without("OpenTelemetry", "otel"))
}

fn without(name: &str, feature: &str) -> String {
    format!(
        "{name} is not built into this program; `cargo build --release --features {feature}` \
         makes one with it, and those that are released have it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_not_built_in_is_named_with_how_to_get_it() {
        let kinds = KINDS.map(|kind| Kind { built_in: kind.feature == "postgres", ..kind });
        for url in ["redis://h/0", "rediss+cluster://:hush@h", "redis+unix:///run/redis.sock"] {
            let why = of(&kinds, url).expect("it is left out");
            assert!(why.contains("Redis") && why.contains("--features redis"), "{why}");
            assert!(!why.contains("hush"), "{why}");
        }
        for url in ["postgres://h/d", "sqlite://a.db", "mysql://h/d", "redis", ""] {
            assert_eq!(of(&kinds, url), None, "{url}");
        }
    }

    #[test]
    fn by_default_the_stores_of_tasks_and_rows_are_built_in() {
        let urls = ["redis://h/0", "postgres://h/d", "postgresql://h/d"];
        let left_out: Vec<&str> = urls.into_iter().filter(|url| left_out(url).is_some()).collect();
        let built = [cfg!(feature = "redis"), cfg!(feature = "postgres")];
        assert_eq!(left_out.is_empty(), built == [true, true], "{left_out:?}");
    }
}
