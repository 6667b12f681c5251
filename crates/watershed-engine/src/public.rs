//! Names of hosts that may not have the token: looked up, and taken where they lead to the public
//! internet alone. A redirect could lead to this machine, or to what only this house may reach, by
//! a name as well as by an address.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use watershed_zoom::hosts::is_public;

/// Looks names up.
#[derive(Debug, Clone)]
pub(crate) struct PublicOnly {
    /// The proxy that the environment names is the operator's choice, wherever it is; what is
    /// fetched through it, the proxy looks up.
    proxies: Arc<[String]>,
}

/// A name that leads elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct NotPublic;

impl Default for PublicOnly {
    fn default() -> PublicOnly {
        let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        let values = named.iter().filter_map(|name| std::env::var(name).ok());
        PublicOnly { proxies: values.filter_map(|value| proxy_host(&value)).collect() }
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let any = self.proxies.iter().any(|proxy| proxy == name.as_str());
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.filter(|at| any || is_public(at.ip())).collect();
            if found.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// The host of `http://user:word@proxy.example:3128`, with its scheme or without.
fn proxy_host(value: &str) -> Option<String> {
    let with_scheme =
        if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    Some(url::Url::parse(&with_scheme).ok()?.host_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn addresses(of: PublicOnly, name: &str) -> Result<usize, String> {
        let name = name.parse().expect("a name");
        of.resolve(name).await.map(Iterator::count).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_of_this_machine_leads_nowhere_unless_it_is_the_proxy() {
        let none = PublicOnly { proxies: Arc::default() };
        let refused = Err("the name leads to no public address".to_owned());
        assert_eq!(addresses(none, "localhost").await, refused);
        let proxy = PublicOnly { proxies: ["localhost".to_owned()].into() };
        assert!(addresses(proxy, "localhost").await.is_ok_and(|count| count > 0));
    }

    #[test]
    fn a_proxy_is_named_with_its_scheme_or_without() {
        for value in
            ["http://u:w@proxy.example:3128", "proxy.example:3128", "socks5://proxy.example"]
        {
            assert_eq!(proxy_host(value).as_deref(), Some("proxy.example"), "{value}");
        }
        assert_eq!(proxy_host(""), None);
    }
}
