//! CONFIG: what is answered, what changes together or not at all, and the file that keeps it.

mod said;

use duramen::storage::{File as _, Memory, Mode, Storage as _, read};
use duramen::{ConfigError, Directive, DirectiveKind, Engine, Protocol};
use said::said;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

#[test]
fn names_and_patterns() {
    let mut session = Engine::open_in_memory().session();
    session.set_protocol(Protocol::Resp3);
    let mut say = |line: &str| said(&mut session, &format!("CONFIG GET {line}"));
    assert_eq!(say("maxmemory"), "{maxmemory: 0}");
    assert_eq!(say("MaxMemory nosuch"), "{MaxMemory: 0}");
    assert_eq!(
        say("maxmemory* maxmemory-samples"),
        "{maxmemory: 0, maxmemory-clients: 0, maxmemory-eviction-tenacity: 10, \
         maxmemory-policy: noeviction, maxmemory-samples: 5}"
    );
    assert_eq!(say("*laveof"), "{slaveof: }");
    assert_eq!(say("key-load-dela*"), "{}");
    assert_eq!(say("key-load-delay"), "{key-load-delay: 0}");
}

#[test]
fn all_change_or_none() {
    let mut session = Engine::open_in_memory().session();
    let mut say = |line: &str| said(&mut session, line);
    assert_eq!(say("CONFIG SET hz 20 maxmemory 1mb"), "OK");
    assert_eq!(
        say("CONFIG SET maxmemory 2mb maxmemory-clients 200%"),
        "(error) ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - \
         percentage argument must be less or equal to 100"
    );
    assert_eq!(
        say("CONFIG GET maxmemory hz"),
        "[maxmemory, 1048576, hz, 20]"
    );
    for (line, why) in [
        (
            "maxmemory 1 maxmemory 2",
            "'maxmemory') - duplicate parameter",
        ),
        ("databases 1", "'databases') - can't set immutable config"),
        ("hz 20 nosuch 1", "for CONFIG SET - 'nosuch'"),
        ("hz 20 databases", "syntax error"),
    ] {
        let refused = say(&format!("CONFIG SET {line}"));
        assert!(refused.starts_with("(error)"), "{line}");
        assert!(refused.ends_with(why), "{refused}");
    }
}

#[test]
fn what_strangers_may_do() {
    let builder = |debug, files| {
        let builder = Engine::builder("/data").storage(Memory::new());
        let builder = builder.config("enable-debug-command", debug).unwrap();
        let builder = builder.config("enable-protected-configs", files).unwrap();
        builder.open().unwrap()
    };
    let tries = |engine: &Engine, local: bool| {
        let mut session = engine.session();
        session.distrust();
        if local {
            session.set_local();
        }
        ["DEBUG STRINGMATCH-LEN a* abc", "CONFIG SET dbfilename x"]
            .map(|line| !said(&mut session, line).starts_with("(error)"))
    };
    let engine = builder("no", "no");
    assert_eq!(tries(&engine, true), [false, false]);
    assert_eq!(said(&mut engine.session(), "CONFIG SET dbfilename x"), "OK");
    let engine = builder("local", "yes");
    assert_eq!(tries(&engine, false), [false, true]);
    assert_eq!(tries(&engine, true), [true, true]);
}

const OWN: &[Directive] = &[Directive::new(
    "port",
    DirectiveKind::Number(0, 65535),
    "6379",
)];

#[test]
fn a_front_end_is_asked_before_its_settings_change() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let builder = Engine::builder("/data").storage(Memory::new());
    let engine = builder.directives(OWN).open().unwrap();
    engine.on_config_change(|change| {
        ASKED.fetch_add(usize::from(change.concerns(&["port"])), Ordering::Relaxed);
        match change.get("port").as_str() {
            "1" => Err(change.refuse("port", "taken")),
            _ => Ok(()),
        }
    });
    let refused = engine.set_configs(&[("hz", "50"), ("port", "1")]);
    assert!(matches!(
        refused,
        Err(ConfigError::Invalid { name: "port", .. })
    ));
    assert_eq!(engine.config("hz").as_deref(), Some("10"));
    assert_eq!(engine.set_configs(&[("hz", "50"), ("port", "2")]), Ok(()));
    assert_eq!(engine.config("port").as_deref(), Some("2"));
    assert_eq!(engine.set_config("hz", "60"), Ok(()));
    assert_eq!(ASKED.load(Ordering::Relaxed), 2);
}

#[test]
fn the_file_is_brought_up_to_date() {
    let storage = Memory::new();
    let path = Path::new("/redis.conf");
    let file = storage.open(path, Mode::CreateNew).unwrap();
    file.append(b"# mine\nmaxmemory 1mb\nuser bob on nopass ~* +@all\n")
        .unwrap();
    let builder = Engine::builder("/data").storage(storage.clone());
    let builder = builder.line(&["maxmemory", "1mb"]).unwrap();
    let builder = builder.line(&["user", "bob", "on", "nopass", "~*", "+@all"]);
    let engine = builder.unwrap().config_file(path).open().unwrap();
    let text = || String::from_utf8(read(&storage, path, 1 << 20).unwrap()).unwrap();
    let mut session = engine.session();
    assert_eq!(said(&mut session, "CONFIG SET hz 20"), "OK");
    assert_eq!(said(&mut session, "CONFIG REWRITE"), "OK");
    let first = text();
    assert!(
        first.starts_with("# mine\nmaxmemory 1mb\nuser bob on"),
        "{first}"
    );
    assert!(
        first.contains("\n# Generated by CONFIG REWRITE\n"),
        "{first}"
    );
    assert!(first.ends_with("hz 20\n"), "{first}");
    assert_eq!(said(&mut session, "ACL DELUSER bob"), "1");
    assert_eq!(said(&mut session, "CONFIG REWRITE"), "OK");
    assert!(!text().contains("bob"), "{}", text());
    let nowhere = said(&mut Engine::open_in_memory().session(), "CONFIG REWRITE");
    assert_eq!(
        nowhere,
        "(error) ERR The server is running without a config file"
    );
}
