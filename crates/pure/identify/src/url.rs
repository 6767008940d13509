//! The two things wanted of an address: its host and its path.
//!
//! Absent on purpose: decoding and validation. An odd address gives an odd path, which matches no rule.

/// The path of an address or of a path with its query: no query, no fragment, `/` when there is none.
pub(crate) fn path(address: &str) -> &str {
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest.find(['/', '?', '#']).map_or("", |start| &rest[start..]),
        None => address,
    };
    match rest.split(['?', '#']).next() {
        Some(path) if !path.is_empty() => path,
        _ => "/",
    }
}

/// The host of an address, lower case, without user and port; `None` when it has none.
pub(crate) fn host(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host_port = authority.rsplit('@').next()?;
    let host = host_port.rsplit_once(':').map_or(host_port, |(host, _)| host);
    (!host.is_empty()).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_address_has_neither_host_nor_query() {
        for (address, wanted) in [
            ("https://acme.test/pricing?plan=pro#top", "/pricing"),
            ("https://acme.test", "/"),
            ("https://acme.test?x=/no", "/"),
            ("/pricing?x=1", "/pricing"),
            ("/a/b", "/a/b"),
            ("?x", "/"),
            ("app://screen/Home", "/Home"),
        ] {
            assert_eq!(path(address), wanted, "{address}");
        }
    }

    #[test]
    fn the_host_of_an_address_has_neither_user_nor_port() {
        for (address, wanted) in [
            ("https://ada:secret@WWW.Acme.test:8443/x", Some("www.acme.test")),
            ("https://acme.test", Some("acme.test")),
            ("https:///x", None),
            ("direct", None),
        ] {
            assert_eq!(host(address).as_deref(), wanted, "{address}");
        }
    }
}
