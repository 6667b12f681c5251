//! Where the token may go: Zoom's hosts, and the configured origin.

use url::{Host, Origin, Url};

/// Zoom's domains.
///
/// # Source
/// Zoom docs: API hosts by region, Zoom for Government; checked 2026-11-24.
const DOMAINS: [&str; 3] = ["zoom.us", "zoom.com", "zoomgov.com"];

/// Whether the bearer token may be sent to `url`.
///
/// True for Zoom's domains and their sub-domains over https on its own port, and for the
/// exact origin of a configured URL (the simulated account); plain http only to a configured
/// origin on loopback. Never where the URL names a user.
pub fn may_carry_token(url: &Url, configured: &[Url]) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let secure = url.scheme() == "https";
    if secure && url.port().is_none() && is_zoom(url) {
        return true;
    }
    let origin = url.origin();
    matches!(origin, Origin::Tuple(..))
        && configured.iter().any(|c| c.origin() == origin)
        && (secure || (url.scheme() == "http" && is_loopback(url)))
}

/// Whether the host is one of Zoom's. The suffix counts with its dot only.
pub fn is_zoom(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    DOMAINS.iter().any(|domain| {
        host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(host)) => host == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(url: &str, configured: &[&str]) -> bool {
        let parse = |u: &str| Url::parse(u).unwrap_or_else(|e| panic!("{u}: {e}"));
        let configured: Vec<Url> = configured.iter().map(|c| parse(c)).collect();
        may_carry_token(&parse(url), &configured)
    }

    #[test]
    fn zooms_hosts_get_the_token_over_https() {
        for url in [
            "https://zoom.us/oauth/token",
            "https://api.zoom.us/v2/users",
            "https://API-EU.Zoom.US/v2",
            "https://ssrweb.zoom.us:443/file",
            "https://x.zoom.com/",
            "https://api.zoomgov.com/v2",
        ] {
            assert!(may(url, &[]), "{url}");
        }
    }

    #[test]
    fn nobody_else_gets_it() {
        for url in [
            "https://zoom.us.evil.test/",
            "https://evilzoom.us/",
            "https://zoom.us@evil.test/",
            "https://user@api.zoom.us/",
            "http://api.zoom.us/v2",
            "https://api.zoom.us:8443/v2",
            "https://zoom.us./",
            "https://127.0.0.1/",
            "https://169.254.169.254/latest/meta-data",
            "ftp://zoom.us/",
            "file:///etc/passwd",
            "data:text/plain,zoom.us",
        ] {
            assert!(!may(url, &[]), "{url}");
        }
    }

    #[test]
    fn a_configured_origin_gets_it_exactly() {
        let sim = ["http://127.0.0.1:4567/v2"];
        assert!(may("http://127.0.0.1:4567/download/1", &sim));
        assert!(!may("http://127.0.0.1:4568/download/1", &sim));
        assert!(!may("https://127.0.0.1:4567/download/1", &sim));
        assert!(!may("http://localhost:4567/", &sim));
        assert!(may("http://[::1]:9/", &["http://[::1]:9/v2"]));
        assert!(may("https://proxy.example.com/v2", &["https://proxy.example.com/v2"]));
        assert!(!may("http://proxy.example.com/v2", &["http://proxy.example.com/v2"]));
    }
}
