//! The addresses of `bind`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address to listen on. Where it is optional, its absence is no error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) socket: SocketAddr,
    pub(crate) optional: bool,
}

/// The addresses of `bind`, none of them for port 0.
pub(crate) fn addresses(bind: &str, port: u16) -> Result<Vec<Address>, String> {
    let words = bind.split_whitespace().filter(|_| port != 0);
    words.map(|word| address(word, port)).collect()
}

/// Whether `bind` can be this.
pub(crate) fn check(bind: &str) -> Result<String, String> {
    addresses(bind, 1)?;
    let words: Vec<&str> = bind.split_whitespace().collect();
    Ok(words.join(" "))
}

/// `*` and `::*` are all there are of their kind, and a leading `-` makes an address optional.
fn address(word: &str, port: u16) -> Result<Address, String> {
    let (optional, name) = match word.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, word),
    };
    let ip = match name {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => name
            .parse()
            .map_err(|_| format!("'{name}' is not an address"))?,
    };
    Ok(Address {
        socket: SocketAddr::new(ip, port),
        optional,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_names_and_options() {
        let all = addresses("127.0.0.1 -::1 * ::* localhost", 7).unwrap();
        let sockets: Vec<String> = all.iter().map(|one| one.socket.to_string()).collect();
        let expected = [
            "127.0.0.1:7",
            "[::1]:7",
            "0.0.0.0:7",
            "[::]:7",
            "127.0.0.1:7",
        ];
        assert_eq!(sockets, expected);
        assert!(all[1].optional && !all[0].optional);
        assert!(addresses("127.0.0.1", 0).unwrap().is_empty());
        assert!(check("nowhere").is_err());
    }
}
