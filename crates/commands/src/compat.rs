use keyspace::ValueRef;

/// Which Redis is answered like, where versions differ (`compat-version`). This is the one place
/// that says in what they do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compat {
    /// Redis 7.0.
    Redis70,
    /// Redis 7.2.
    #[default]
    Redis72,
}

impl Compat {
    /// What `compat-version` calls each.
    pub const NAMES: [(&'static str, Compat); 2] =
        [("7.0", Compat::Redis70), ("7.2", Compat::Redis72)];

    /// The version that clients are told.
    pub fn version(self) -> &'static str {
        match self {
            Compat::Redis70 => "7.0.15",
            Compat::Redis72 => "7.2.4",
        }
    }

    /// Whether the rules of a user on commands are told as found from what they allow; later versions
    /// remember what was said.
    pub fn derives_access_rules(self) -> bool {
        self == Compat::Redis70
    }

    /// Whether those who may not do something are told with the name of their user.
    pub fn names_user_in_refusals(self) -> bool {
        self != Compat::Redis70
    }

    /// Whether entries of `ACL LOG` have numbers and times.
    pub fn numbers_access_log(self) -> bool {
        self != Compat::Redis70
    }

    /// Whether the clients of all users but the default one have to authenticate again after `ACL
    /// LOAD`; later only those whose user is gone.
    pub fn new_access_file_expels_clients(self) -> bool {
        self == Compat::Redis70
    }

    /// Whether `XREADGROUP` makes a consumer known even if there is nothing new for it.
    pub fn idle_reads_create_consumers(self) -> bool {
        self != Compat::Redis70
    }

    /// Whether scores are printed in 17 digits, not in as few as tell them apart.
    pub fn has_old_score_text(self) -> bool {
        self == Compat::Redis70
    }

    /// What OBJECT ENCODING calls the form of a value. 7.0 knew listpacks neither as lists nor as
    /// sets.
    pub fn encoding(self, value: ValueRef<'_>) -> &'static str {
        match (self, value) {
            (Compat::Redis70, ValueRef::List(_)) => "quicklist",
            (Compat::Redis70, ValueRef::Set(set)) if set.encoding() == "listpack" => "hashtable",
            _ => value.encoding(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Fixture;

    #[test]
    fn forms_have_the_names_of_their_version() {
        let mut fixture = Fixture::new();
        let set_up = [
            "rpush l a",
            "sadd s a",
            "sadd i 1",
            "hset h f v",
            "zadd z 0.1 a",
        ];
        fixture.run_all(&set_up);
        let asked = ["l", "s", "i", "h"].map(|key| format!("object encoding {key}"));
        let mut told = |compat| {
            fixture.settings.compat = compat;
            let names = asked.each_ref().map(|line| fixture.run(line));
            (names.join(" "), fixture.run("zscore z a"))
        };
        let (names, score) = told(Compat::Redis70);
        assert_eq!(names, r#""quicklist" "hashtable" "intset" "listpack""#);
        assert_eq!(score, "\"0.10000000000000001\"");
        let (names, score) = told(Compat::Redis72);
        assert_eq!(names, r#""listpack" "listpack" "intset" "listpack""#);
        assert_eq!(score, "\"0.1\"");
    }
}
