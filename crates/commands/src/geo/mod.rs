//! Places on earth, as scores of sorted sets.
//!
//! A score holds 26 bits each of latitude and longitude, interleaved (`cell.rs`), so places that
//! are near each other mostly have scores near each other, and a search is nine ranges of scores
//! (`area.rs`).

mod area;
mod cell;
mod point;
mod polygon;
mod search;

use crate::{Command, Flags, Group, KeyAccess, KeyBegin, KeyPositions, KeySpec, Spec};

const fn row(name: &'static str, arity: i32, flags: Flags) -> Spec {
    Spec::new(name, arity, Group::Geo, flags).keys(KeySpec::FIRST)
}

const READ: Flags = Flags::READONLY;
const GROW: Flags = Flags::WRITE.union(Flags::DENYOOM);

/// The key searched and those behind STORE or STOREDIST, of which the last is stored to.
fn radius_keys(argv: &[&[u8]], found: &mut KeyPositions) {
    found.push(1);
    let mut at = 5;
    while at + 1 < argv.len() {
        let stores = [&b"STORE"[..], b"STOREDIST"];
        let is_one = stores
            .iter()
            .any(|word| argv[at].eq_ignore_ascii_case(word));
        if is_one {
            found.push(at + 1);
        }
        at += 1 + usize::from(is_one);
    }
}

/// Searches a circle, and may store what it finds.
const fn radius(name: &'static str, arity: i32, told: &'static [(KeyBegin, KeyAccess)]) -> Spec {
    let keys = KeySpec::Custom {
        find: radius_keys,
        told,
    };
    row(name, arity, GROW.union(Flags::MOVABLEKEYS))
        .keys(keys)
        .access(&[KeyAccess::READ, KeyAccess::OVERWRITE])
}

/// The key that is searched, and those that are stored to, behind words from an index on.
macro_rules! radius_keys_from {
    ($from:literal) => {
        &[
            (KeyBegin::Index(1), KeyAccess::READ),
            (KeyBegin::Keyword("STORE", $from), KeyAccess::OVERWRITE),
            (KeyBegin::Keyword("STOREDIST", $from), KeyAccess::OVERWRITE),
        ]
    };
}

#[rustfmt::skip]
pub(crate) const COMMANDS: &[Command] = &[
    Command::new(row("geoadd", -5, GROW)
        .doc("3.2.0", "O(log(N)) for each place", "key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]", "Adds places or moves them."), point::geoadd),
    Command::new(row("geopos", -2, READ)
        .doc("3.2.0", "O(1) for each place", "key [member [member ...]]", "Returns longitudes and latitudes."), point::geopos),
    Command::new(row("geodist", -4, READ)
        .doc("3.2.0", "O(1)", "key member1 member2 [M | KM | FT | MI]", "Returns how far two places are from each other."), point::geodist),
    Command::new(row("geohash", -2, READ)
        .doc("3.2.0", "O(1) for each place", "key [member [member ...]]", "Returns the standard geohash strings of places."), point::geohash),
    Command::new(row("geosearch", -7, READ)
        .doc("6.2.0", "O(N+log(M)) where N is the number of places around and M all of them",
            "key <[FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> | BYPOLYGON num-vertices longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]",
            "Finds the places within a circle, a box or a polygon."), search::geosearch),
    Command::new(row("geosearchstore", -8, GROW).keys(KeySpec::FIRST_TWO).access(&[KeyAccess::OVERWRITE, KeyAccess::READ])
        .doc("6.2.0", "O(N+log(M)) where N is the number of places around and M all of them",
            "destination source <[FROMMEMBER member | FROMLONLAT longitude latitude] <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> | BYPOLYGON num-vertices longitude latitude [longitude latitude ...]> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]",
            "Stores the places within a circle, a box or a polygon."), search::geosearchstore),
    Command::new(radius("georadius", -6, radius_keys_from!(6))
        .doc("3.2.0", "O(N+log(M)) where N is the number of places around and M all of them",
            "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
            "Finds or stores the places within a circle; GEOSEARCH is the newer name."), search::georadius),
    Command::new(row("georadius_ro", -6, READ)
        .doc("3.2.10", "O(N+log(M)) where N is the number of places around and M all of them",
            "key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]",
            "Finds the places within a circle; GEOSEARCH is the newer name."), search::georadius_ro),
    Command::new(radius("georadiusbymember", -5, radius_keys_from!(5))
        .doc("3.2.0", "O(N+log(M)) where N is the number of places around and M all of them",
            "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]",
            "Finds or stores the places within a circle around one of them; GEOSEARCH is the newer name."), search::georadiusbymember),
    Command::new(row("georadiusbymember_ro", -5, READ)
        .doc("3.2.10", "O(N+log(M)) where N is the number of places around and M all of them",
            "key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]",
            "Finds the places within a circle around one of them; GEOSEARCH is the newer name."), search::georadiusbymember_ro),
];

#[cfg(test)]
mod tests {
    use crate::testing::{Fixture, check_effects, check_transcript};

    #[test]
    fn transcript() {
        check_transcript("geo");
    }

    #[test]
    fn effects_make_a_twin() {
        check_effects("geo");
    }

    #[test]
    fn places_are_repeated_as_scores() {
        let mut fixture = Fixture::new();
        fixture.run("geoadd k nx 13.361389 38.115556 Palermo");
        assert_eq!(fixture.effects(), "ZADD k nx 3479099956230698 Palermo");
        fixture.run("geoadd k 13.361389 38.115556 Palermo");
        assert_eq!(fixture.effects(), "");
    }
}
