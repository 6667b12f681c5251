//! Where the token may go: Zoom's hosts, and the configured origin. Where a file may be fetched
//! from without it: the public internet.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// Whether a file may be fetched from `url`, with the token or without: from where the token may
/// go, and from public hosts over https on its own port. To what a name leads, whoever connects
/// must look at ([`is_public`]).
pub fn may_be_fetched(url: &Url, configured: &[Url]) -> bool {
    if may_carry_token(url, configured) {
        return true;
    }
    let public = match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let last = name.rsplit('.').next().unwrap_or_default();
            name.contains('.') && !matches!(last, "localhost" | "local" | "internal")
        }
        Some(Host::Ipv4(ip)) => is_public(ip.into()),
        Some(Host::Ipv6(ip)) => is_public(ip.into()),
        None => false,
    };
    let bare = url.username().is_empty() && url.password().is_none();
    public && bare && url.scheme() == "https" && url.port().is_none()
}

/// Whether an address is of the public internet: not of this machine, this house or this cloud.
///
/// # Source
/// IANA's registries of special-purpose addresses, IPv4 and IPv6; checked 2026-11-29.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a, b & 0xc0) == (100, 64)
        || (a, b, c) == (192, 0, 0)
        || (a, b & 0xfe) == (198, 18))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, third, .., seventh, eighth] = ip.segments();
    let within = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    match (first, second) {
        // An IPv4 address in the clothes of 6to4, or of NAT64.
        (0x2002, _) => within(second, third),
        (0x64, 0xff9b) => third == 0 && within(seventh, eighth),
        (0x2001, 0xdb8) => false,
        // Tunnels and identifiers of the protocol's own.
        (0x2001, 0..=0x1ff) => false,
        // Global unicast is 2000::/3, and nothing else is.
        _ => first & 0xe000 == 0x2000,
    }
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

    /// Tricks that lead elsewhere, or nowhere, in a URL that looks like Zoom's.
    const TRICKS: [&str; 36] = [
        "https://zoom.us.evil.example/f",
        "https://evilzoom.us/f",
        "https://zoom.us-evil.example/f",
        "https://zoom.us%2eevil.example/f",
        "https://zoomus.example/f",
        "https://api.zoom.us@evil.example/f",
        "https://api.zoom.us:443@evil.example/f",
        "https://api.zoom.us%40evil.example/f",
        "https://user:word@api.zoom.us/f",
        "https://:word@api.zoom.us/f",
        "https://evil.example/zoom.us/f",
        "https://evil.example/?https://api.zoom.us/f",
        "https://evil.example#api.zoom.us/f",
        "https://evil.example\\@api.zoom.us/f",
        "https:\\\\evil.example\\zoom.us",
        "https:/evil.example/zoom.us",
        "https:evil.example/zoom.us",
        "ht\ttps://evil.exa\nmple/zoom.us",
        "https://zoom.us\u{3002}evil.example/f",
        "https://zo\u{43e}m.us/f",
        "https://zoom.us\u{ad}.evil.example/f",
        "https://xn--zom-hna.us/f",
        "https://api.zoom.us:8443/f",
        "https://api.zoom.us:80/f",
        "http://api.zoom.us/f",
        "http://api.zoom.us:443/f",
        "HTTP://API.ZOOM.US/f",
        "https://zoom.us./f",
        "https://api.zoom.us../f",
        "ws://api.zoom.us/f",
        "ftp://api.zoom.us/f",
        "javascript://api.zoom.us/%0aalert(1)",
        "file://api.zoom.us/etc/passwd",
        "blob:https://api.zoom.us/f",
        "data:text/plain,https://api.zoom.us/f",
        "https://[::ffff:127.0.0.1]/zoom.us",
    ];

    #[test]
    fn no_trick_gets_the_token() {
        for url in TRICKS {
            // What is no URL at all is not fetched.
            let Ok(url) = Url::parse(url) else { continue };
            assert!(!may_carry_token(&url, &[]), "{url}");
            let configured = Url::parse("http://127.0.0.1:4567/v2").expect("a URL");
            assert!(!may_carry_token(&url, &[configured]), "{url}");
        }
    }

    #[test]
    fn letters_dots_and_ports_that_mean_the_same_are_the_same() {
        for url in [
            "HTTPS://API.ZOOM.US/f",
            "https://api.zoom.us:0443/f",
            "https://api.zoom.us\\f",
            "https:/api.zoom.us/f",
            "https://\u{ff41}pi.zoom.us/f",
            " https://api.zoom.us/f\n",
        ] {
            assert!(may(url, &[]), "{url}");
        }
    }

    fn may_fetch(url: &str) -> bool {
        let configured = Url::parse("http://127.0.0.1:4567/v2").expect("a URL");
        may_be_fetched(&Url::parse(url).expect("a URL"), &[configured])
    }

    #[test]
    fn files_come_from_public_hosts_over_https_and_from_the_configured_one() {
        for url in [
            "https://cdn.example.com/f?sig=1",
            "https://file.zoom.us/f",
            "https://8.8.8.8/f",
            "https://[2606:4700::1]/f",
            "http://127.0.0.1:4567/rec/f",
        ] {
            assert!(may_fetch(url), "{url}");
        }
        for url in [
            "http://cdn.example.com/f",
            "https://cdn.example.com:8443/f",
            "https://user@cdn.example.com/f",
            "http://127.0.0.1:4568/f",
            "https://127.0.0.1/f",
            "https://2130706433/f",
            "https://0x7f.1/f",
            "https://0/f",
            "https://10.0.0.1/f",
            "https://172.16.0.1/f",
            "https://192.168.1.1/f",
            "https://169.254.169.254/latest/meta-data",
            "https://100.64.0.1/f",
            "https://198.18.0.1/f",
            "https://224.0.0.1/f",
            "https://255.255.255.255/f",
            "https://[::1]/f",
            "https://[::]/f",
            "https://[::ffff:10.0.0.1]/f",
            "https://[::ffff:a9fe:a9fe]/f",
            "https://[64:ff9b::10.0.0.1]/f",
            "https://[2002:7f00:1::]/f",
            "https://[fd00::1]/f",
            "https://[fe80::1]/f",
            "https://[2001:db8::1]/f",
            "https://localhost/f",
            "https://x.localhost/f",
            "https://intranet/f",
            "https://nas.local/f",
            "https://metadata.google.internal./f",
            "file:///etc/passwd",
            "javascript:alert(1)",
        ] {
            assert!(!may_fetch(url), "{url}");
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
