//! JSON Web Keys (RFC 7517, RFC 8037): whether the members of an object make a private key.

use crate::base64::sextet;
use crate::item::Item;

fn is_base64url(value: &str, least: usize) -> bool {
    value.len() >= least && value.bytes().all(|b| sextet(b).is_some() && b != b'+' && b != b'/')
}

/// The private key that an object with these members is. `members` looks a member up by its name.
#[must_use]
pub fn private_key<'a>(members: impl Fn(&str) -> Option<&'a str>) -> Option<Item> {
    let (algorithm, secret) = match members("kty")? {
        "RSA" => {
            ("rsa", members("d").filter(|d| is_base64url(d, 64) && members("n").is_some_and(|n| is_base64url(n, 64))))
        }
        "EC" => ("ec", members("d").filter(|d| is_base64url(d, 32) && d.len() <= 96)),
        "OKP" => ("ed25519", members("d").filter(|d| is_base64url(d, 32) && d.len() <= 96)),
        "oct" => ("oct", members("k").filter(|k| is_base64url(k, 16))),
        _ => return None,
    };
    secret.map(|_| Item::private("jwk", Some(false), 0..0).algorithm(Some(algorithm)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_member_decides() {
        let d = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT";
        let object = |kty: &'static str, with_d: bool| {
            private_key(move |m| match m {
                "kty" => Some(kty),
                "d" if with_d => Some(d),
                _ => None,
            })
        };
        assert!(object("EC", true).is_some());
        assert!(object("EC", false).is_none());
        assert!(object("RSA", true).is_none());
        assert!(object("oct", true).is_none());
    }
}
