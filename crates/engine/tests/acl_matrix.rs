//! Every command, every key that it names, allowed or not: generated from what `COMMAND` tells, so
//! that a command that is added is looked at as well.

use duramen::{Engine, Reply, Session};

/// Where some keys of a command are, as `COMMAND` tells it.
enum Place {
    Index { at: usize, last: i64, step: usize },
    Counted { at: usize, step: usize },
    Streams,
    Keyword(String),
}

/// A request made up for a command, and how many keys were put into it.
struct Request {
    argv: Vec<String>,
    keys: usize,
}

impl Request {
    fn key(&mut self) -> String {
        self.keys += 1;
        format!("key:{}", self.keys)
    }

    fn set(&mut self, at: usize, word: String) {
        if self.argv.len() <= at {
            self.argv.resize(at + 1, "1".to_owned());
        }
        self.argv[at] = word;
    }

    fn put_keys(&mut self, place: &Place) {
        match place {
            Place::Index { at, last, step } => {
                let count = match *last {
                    0 => 1,
                    // Up to the end: two of them, each with what belongs to it.
                    last if last < 0 => 2,
                    last => last as usize / step + 1,
                };
                for number in 0..count {
                    let key = self.key();
                    self.set(at + number * step, key);
                }
                if *last < 0 {
                    let behind = (-1 - *last) as usize;
                    let end = at + count * step + behind;
                    self.argv.resize(end, "1".to_owned());
                }
            }
            Place::Counted { at, step } => {
                self.set(*at, "2".to_owned());
                for number in 0..2 {
                    let key = self.key();
                    self.set(at + 1 + number * step, key);
                }
                self.argv
                    .resize(self.argv.len().max(at + 1 + 2 * step), "1".to_owned());
            }
            Place::Streams => {
                let (one, other) = (self.key(), self.key());
                self.argv.truncate(self.argv.len() - 3);
                let words = ["STREAMS", &one, &other, "0", "0"].map(str::to_owned);
                self.argv.extend(words);
            }
            Place::Keyword(word) => {
                let key = self.key();
                self.argv.extend([word.clone(), key]);
            }
        }
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Error(error) => error.to_string(),
        Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Reply::Status(line) => line.clone(),
        Reply::Integer(number) => number.to_string(),
        other => format!("{other:?}"),
    }
}

fn items(reply: &Reply) -> &[Reply] {
    reply.as_items().unwrap_or_default()
}

/// The value behind a name in a map that came as an array.
fn field<'r>(map: &'r Reply, name: &str) -> &'r Reply {
    let pairs = items(map).chunks_exact(2);
    let found = pairs.into_iter().find(|pair| text(&pair[0]) == name);
    &found.unwrap_or_else(|| panic!("no {name}"))[1]
}

fn number(reply: &Reply) -> i64 {
    text(reply).parse().unwrap()
}

fn place(told: &Reply) -> Option<Place> {
    let (begin, find) = (field(told, "begin_search"), field(told, "find_keys"));
    let (begin_spec, find_spec) = (field(begin, "spec"), field(find, "spec"));
    match text(field(begin, "type")).as_str() {
        "unknown" => None,
        "keyword" => {
            let word = text(field(begin_spec, "keyword"));
            Some(match word.as_str() {
                "STREAMS" => Place::Streams,
                _ => Place::Keyword(word),
            })
        }
        _ => {
            let at = number(field(begin_spec, "index")) as usize;
            let step = number(field(find_spec, "keystep")) as usize;
            Some(match text(field(find, "type")).as_str() {
                "keynum" => Place::Counted { at, step },
                _ => Place::Index {
                    at,
                    last: number(field(find_spec, "lastkey")),
                    step,
                },
            })
        }
    }
}

/// A request for the command that `COMMAND` tells of in `row`.
fn request(row: &[Reply]) -> Request {
    let name = text(&row[0]);
    let mut argv: Vec<String> = name.split('|').map(str::to_owned).collect();
    let fewest = number(&row[1]).unsigned_abs() as usize;
    argv.resize(argv.len().max(fewest), "1".to_owned());
    let mut request = Request { argv, keys: 0 };
    let is_key = |told: &&Reply| {
        !items(field(told, "flags"))
            .iter()
            .any(|flag| text(flag) == "not_key")
    };
    for told in items(&row[8]).iter().filter(is_key) {
        if let Some(place) = place(told) {
            request.put_keys(&place);
        }
        if name == "migrate" {
            // Keys at the end only if there is none in front.
            break;
        }
    }
    if name == "sort" {
        request.put_keys(&Place::Keyword("STORE".to_owned()));
    }
    if name == "xreadgroup" {
        request.argv[1] = "GROUP".to_owned();
    }
    request
}

/// Requests for every command and subcommand, by name.
fn requests(session: &mut Session) -> Vec<(String, Request)> {
    let table = session.execute(&["COMMAND"]);
    let mut found = Vec::new();
    for row in items(&table) {
        let contained = items(&items(row)[9]).iter();
        let rows: Vec<&Reply> = match contained.len() {
            0 => vec![row],
            _ => contained.collect(),
        };
        found.extend(rows.into_iter().map(|row| {
            let row = items(row);
            (text(&row[0]), request(row))
        }));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

/// A key of a request, and whether it takes the rights to read and to write.
struct Key {
    name: String,
    reads: bool,
    writes: bool,
}

fn keys_of(session: &mut Session, request: &Request) -> Vec<Key> {
    let mut ask = vec!["COMMAND".to_owned(), "GETKEYSANDFLAGS".to_owned()];
    ask.extend(request.argv.iter().cloned());
    let told = session.execute(&ask);
    let key = |told: &Reply| {
        let told = items(told);
        let flags: Vec<String> = items(&told[1]).iter().map(text).collect();
        let has = |name: &str| flags.iter().any(|flag| flag == name);
        Key {
            name: text(&told[0]),
            reads: has("access"),
            writes: has("update") || has("insert") || has("delete"),
        }
    };
    items(&told).iter().map(key).collect()
}

/// One engine, its owner, and a client whose rights change.
struct Ground {
    owner: Session,
    client: Session,
    cells: usize,
}

impl Ground {
    fn new() -> Ground {
        let engine = Engine::open_in_memory();
        let (mut owner, mut client) = (engine.session(), engine.session());
        client.distrust();
        owner.execute(&["ACL", "SETUSER", "bob", "on", "nopass"]);
        client.execute(&["AUTH", "bob", "x"]);
        Ground {
            owner,
            client,
            cells: 0,
        }
    }

    fn rights(&mut self, rules: &[String]) {
        let mut words = ["ACL", "SETUSER", "bob", "resetkeys", "allchannels", "-@all"]
            .map(str::to_owned)
            .to_vec();
        words.extend_from_slice(rules);
        assert_eq!(text(&self.owner.execute(&words)), "OK", "{rules:?}");
    }

    /// Looks at a cell: with these rules the request is allowed, or not.
    fn check(&mut self, rules: &[String], request: &Request, allowed: bool) {
        self.cells += 1;
        self.rights(rules);
        let mut ask = ["ACL", "DRYRUN", "bob"].map(str::to_owned).to_vec();
        ask.extend(request.argv.iter().cloned());
        let told = text(&self.owner.execute(&ask));
        let what = format!("{rules:?} {:?}: {told}", request.argv);
        assert_eq!(told == "OK", allowed, "{what}");
        if !allowed {
            self.check_refused(rules, request);
        }
    }

    /// The same where it counts: by itself, and when the right is lost before `EXEC`.
    fn check_refused(&mut self, rules: &[String], request: &Request) {
        let before = self.owner.engine().digest(false).unwrap();
        let reply = text(&self.client.execute(&request.argv));
        assert!(reply.starts_with("NOPERM"), "{:?}: {reply}", request.argv);
        self.rights(&["~*".to_owned(), "+@all".to_owned()]);
        self.client.execute(&["MULTI"]);
        let queued = text(&self.client.execute(&request.argv));
        let kept: Vec<String> = rules
            .iter()
            .cloned()
            .chain(["+exec", "+discard"].map(str::to_owned))
            .collect();
        self.rights(&kept);
        if queued == "QUEUED" {
            let replies = self.client.execute(&["EXEC"]);
            let reply = text(&items(&replies)[0]);
            assert!(reply.starts_with("NOPERM"), "{:?}: {reply}", request.argv);
        } else {
            self.client.execute(&["DISCARD"]);
        }
        assert_eq!(self.owner.engine().digest(false).unwrap(), before);
    }
}

/// What runs before it is known who somebody is takes no right.
const FREE: [&str; 4] = ["auth", "hello", "quit", "reset"];

#[test]
fn no_command_goes_round_the_rules() {
    let mut ground = Ground::new();
    for (name, request) in requests(&mut ground.owner) {
        // Rules know no subcommands of it.
        let name = match name.starts_with("debug|") {
            true => "debug".to_owned(),
            false => name,
        };
        let free = FREE.contains(&name.as_str());
        let all = ["~*".to_owned(), format!("+{name}")];
        ground.check(&all, &request, true);
        if free {
            continue;
        }
        let immediate = ["exec", "discard", "multi", "watch"].contains(&name.as_str());
        if !immediate {
            let others = ["~*".to_owned(), "+@all".to_owned(), format!("-{name}")];
            ground.check(&others, &request, false);
        }
        check_keys(&mut ground, &name, &request);
    }
    assert!(ground.cells > 1000, "{} cells", ground.cells);
}

/// For each key: the right to read it, to write it, and none, with every right on the others.
fn check_keys(ground: &mut Ground, name: &str, request: &Request) {
    if request.keys == 0 {
        return;
    }
    let keys = keys_of(&mut ground.owner, request);
    assert_eq!(keys.len(), request.keys, "{name}: {:?}", request.argv);
    for key in &keys {
        let others = keys.iter().filter(|other| other.name != key.name);
        let others: Vec<String> = others.map(|other| format!("~{}", other.name)).collect();
        let with = |right: Option<&str>| {
            let mut rules = others.clone();
            rules.extend(right.map(|right| format!("{right}~{}", key.name)));
            rules.push(format!("+{name}"));
            rules
        };
        ground.check(&with(Some("%R")), request, !key.writes);
        ground.check(&with(Some("%W")), request, !key.reads);
        ground.check(&with(Some("%RW")), request, true);
        // The bare length of a value takes some right, but no certain one.
        ground.check(&with(None), request, false);
    }
}

/// What is repeated from a log is nobody's request.
#[test]
fn a_log_is_repeated_whatever_the_default_user_may() {
    let storage = duramen::storage::Memory::new();
    let open = |rules: &str| {
        Engine::builder("/data")
            .storage(storage.clone())
            .config("appendonly", "yes")
            .and_then(|builder| builder.config("save", ""))
            .unwrap()
            .user(rules)
            .open()
            .unwrap()
    };
    let engine = open("default on nopass ~* &* +@all");
    let mut session = engine.session();
    session.execute(&["MULTI"]);
    session.execute(&["SET", "a", "1"]);
    session.execute(&["SET", "b", "2"]);
    session.execute(&["EXEC"]);
    drop(session);
    engine.close().unwrap();
    let engine = open("default off -@all");
    let reply = engine.session().execute(&["MGET", "a", "b"]);
    assert_eq!(
        items(&reply).iter().map(text).collect::<Vec<_>>(),
        ["1", "2"]
    );
}
