//! Users who get the same random rules here and in a real server are the same users: they are told
//! alike, and may do the same.

use interop::{Build, Launch, Ours, Outcome, available, conclude};
use kvdump::{Call, Reply};

/// Rules that mean the same whatever other commands there are.
const RULES: [&str; 44] = [
    "on",
    "off",
    "nopass",
    "resetpass",
    ">secret",
    ">other",
    "<secret",
    "allkeys",
    "resetkeys",
    "~a*",
    "~*b",
    "%R~a*",
    "%W~c",
    "%RW~d",
    "%r~c",
    "%~x",
    "%RX~a",
    "~*",
    "allchannels",
    "resetchannels",
    "&news.*",
    "&*",
    "&a",
    "+@all",
    "-@all",
    "allcommands",
    "nocommands",
    "+get",
    "-get",
    "+set",
    "+@string",
    "-@string",
    "+@hash",
    "+object",
    "-object|freq",
    "+object|encoding",
    "+config|get",
    "+select|0",
    "+getx",
    "+config|getx",
    "(+get ~a* &x)",
    "(%R~c",
    "clearselectors",
    "reset",
];

/// What users are then asked to do.
const REQUESTS: [&str; 16] = [
    "GET abc",
    "GET c",
    "SET c v",
    "SET c v GET",
    "SET d v",
    "COPY abc d",
    "HGETALL xb",
    "APPEND abc x",
    "OBJECT FREQ abc",
    "OBJECT ENCODING abc",
    "CONFIG GET save",
    "SELECT 0",
    "SELECT 1",
    "PUBLISH news.x y",
    "SUBSCRIBE a news.1",
    "PSUBSCRIBE news.*",
];

fn ask(server: &mut dyn Call, words: &[&str]) -> Result<Reply, kvdump::Error> {
    let argv: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    server.call(&argv)
}

/// A few rules.
fn draw(rng: &mut fastrand::Rng) -> Vec<&'static str> {
    let count = rng.usize(1..6);
    (0..count)
        .map(|_| RULES[rng.usize(..RULES.len())])
        .collect()
}

/// Whether descriptions are compared too: those of 7.0 depend on what other commands there are.
fn compare(build: Build, descriptions: bool) -> Outcome {
    let (mut problems, mut compared) = (Vec::new(), 0);
    for (build, binary) in available(&[build])? {
        let mut theirs = Launch::build(build, binary).start()?;
        let mut ours = Ours::in_memory_like(build);
        let mut rng = fastrand::Rng::with_seed(7);
        for round in 0..400 {
            let rules = draw(&mut rng);
            let mut asked = vec![[&["ACL", "SETUSER", "bob"][..], &rules].concat()];
            let requests = REQUESTS
                .iter()
                .map(|line| line.split(' ').collect::<Vec<_>>());
            asked.extend(requests.map(|line| [&["ACL", "DRYRUN", "bob"][..], &line].concat()));
            if descriptions {
                asked.push(vec!["ACL", "LIST"]);
                asked.push(vec!["ACL", "GETUSER", "bob"]);
            }
            for words in asked {
                let (us, them) = (ask(&mut ours, &words)?, ask(&mut theirs, &words)?);
                compared += 1;
                if us != them {
                    let line = words.join(" ");
                    problems.push(format!("{round} {line}\nours:   {us:?}\ntheirs: {them:?}"));
                }
            }
        }
    }
    conclude("answers about users", compared, &problems)
}

#[test]
fn users_may_do_what_they_may_in_redis_7_0() -> Outcome {
    compare(Build::Redis70, false)
}

#[test]
fn users_are_told_as_by_redis_8_2() -> Outcome {
    compare(Build::Redis82, true)
}
