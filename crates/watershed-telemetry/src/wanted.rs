//! Whether traces are asked for, by the variables that OpenTelemetry defines.

/// A variable of the environment, by name; none where it is not set.
pub type Variable<'v> = &'v dyn Fn(&str) -> Option<String>;

const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const DISABLED: &str = "OTEL_SDK_DISABLED";
const EXPORTER: &str = "OTEL_TRACES_EXPORTER";

/// Whether an endpoint is named, and nothing says that it is not to be used.
pub fn wanted(variable: Variable<'_>) -> bool {
    let said = |name, word: &str| variable(name).is_some_and(|it| it.eq_ignore_ascii_case(word));
    let endpoint = |name: &&str| variable(name).is_some_and(|address| !address.is_empty());
    ENDPOINTS.iter().any(endpoint) && !said(DISABLED, "true") && !said(EXPORTER, "none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_asks_for_traces_unless_they_are_switched_off() {
        let collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces");
        for (set, expected) in [
            (&[][..], false),
            (&[("OTEL_SERVICE_NAME", "watershed")], false),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], false),
            (&[collector], true),
            (&[own], true),
            (&[collector, (DISABLED, "false"), (EXPORTER, "otlp")], true),
            (&[collector, (DISABLED, "TRUE")], false),
            (&[collector, (EXPORTER, "none")], false),
        ] {
            let of = |name: &str| {
                let found = set.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(wanted(&of), expected, "{set:?}");
        }
    }
}
