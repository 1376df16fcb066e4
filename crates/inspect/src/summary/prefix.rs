//! What names begin with, as a tree, in bounded memory.
//!
//! A name is cut at separators; each part is a node, the last only if others come before
//! it and it is a word. Parts that look like ids (numbers,
//! hex, long random words) are all one node, `*`, so that `user:17:cart` and `user:18:cart` meet. If
//! the tree grows too large all the same, its smallest leaves are folded into their parents.

use hashbrown::HashTable;

/// How deep the tree is.
const DEPTH_MAX: usize = 8;
/// How many nodes there are, folded leaves apart.
const NODES_MAX: usize = 16 << 10;
/// Parts longer than this are taken for ids.
const PART_BYTES_MAX: usize = 64;
const ROOT: u32 = 0;

/// Keys and their bytes, by what their names begin with.
#[derive(Debug)]
pub struct PrefixTree {
    separators: [bool; 256],
    limit: usize,
    nodes: Vec<Node>,
    index: HashTable<u32>,
}

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    /// With its separator.
    part: Box<[u8]>,
    keys: u64,
    bytes: u64,
    children: u32,
    folded: bool,
}

/// A prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// All of it, separators included; `*` stands for ids.
    pub name: Vec<u8>,
    /// How many parts it has.
    pub depth: usize,
    /// Keys below it.
    pub keys: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether some of its own parts were too many to be told.
    pub folded: bool,
    /// What lies below, the largest first.
    pub children: Vec<Prefix>,
}

impl PrefixTree {
    /// A tree that cuts names at these bytes.
    pub(crate) fn new(separators: &[u8]) -> PrefixTree {
        PrefixTree::limited(separators, NODES_MAX)
    }

    fn limited(separators: &[u8], limit: usize) -> PrefixTree {
        let mut is_separator = [false; 256];
        for byte in separators {
            if let Some(is) = is_separator.get_mut(usize::from(*byte)) {
                *is = true;
            }
        }
        PrefixTree {
            separators: is_separator,
            limit,
            nodes: vec![Node::new(ROOT, b"")],
            index: HashTable::new(),
        }
    }

    /// Counts a key.
    pub(crate) fn add(&mut self, name: &[u8], bytes: u64) {
        let (mut at, mut rest) = (ROOT, name);
        self.count(at, bytes);
        for _ in 0..DEPTH_MAX {
            let is_end = |byte: &u8| self.is_separator(*byte);
            let Some((part, left)) = rest.iter().position(is_end).and_then(|end| {
                let part = rest.get(..=end)?;
                Some((part, rest.get(end + 1..)?))
            }) else {
                break;
            };
            at = self.child(at, part);
            rest = left;
            self.count(at, bytes);
        }
        // `user:*:cart` is worth a node, `user:*` would say what `user:` says.
        if at != ROOT && !rest.is_empty() && !is_id(rest) {
            at = self.child(at, rest);
            self.count(at, bytes);
        }
    }

    fn is_separator(&self, byte: u8) -> bool {
        self.separators.get(usize::from(byte)) == Some(&true)
    }

    fn count(&mut self, at: u32, bytes: u64) {
        if let Some(node) = self.nodes.get_mut(at as usize) {
            node.keys += 1;
            node.bytes += bytes;
        }
    }

    /// The node for a part, made if it is not there.
    fn child(&mut self, parent: u32, part: &[u8]) -> u32 {
        let mut id = [b'*', 0];
        let part = match part.split_last() {
            Some((separator, text)) if self.is_separator(*separator) && is_id(text) => {
                id[1] = *separator;
                &id
            }
            _ => part,
        };
        let hash = hash(parent, part);
        let nodes = &self.nodes;
        let is = |at: &u32| {
            let node = nodes.get(*at as usize);
            node.is_some_and(|node| node.parent == parent && *node.part == *part)
        };
        if let Some(at) = self.index.find(hash, is) {
            return *at;
        }
        self.insert(parent, part)
    }

    fn insert(&mut self, parent: u32, part: &[u8]) -> u32 {
        let parent = match self.nodes.len() >= self.limit {
            true => self.fold(parent),
            false => parent,
        };
        let at = u32::try_from(self.nodes.len()).unwrap_or(ROOT);
        self.nodes.push(Node::new(parent, part));
        if let Some(node) = self.nodes.get_mut(parent as usize) {
            node.children += 1;
        }
        let nodes = &self.nodes;
        let rehash = |at: &u32| nodes.get(*at as usize).map_or(0, Node::hash);
        self.index.insert_unique(hash(parent, part), at, rehash);
        at
    }

    /// Forgets the smaller half of the leaves, but not `kept`; gives its new place.
    fn fold(&mut self, kept: u32) -> u32 {
        let leaves = self.nodes.iter().filter(|node| node.children == 0);
        let mut sizes: Vec<u64> = leaves.map(|node| node.bytes).collect();
        let middle = sizes.len() / 2;
        let (_, limit, _) = sizes.select_nth_unstable(middle);
        let limit = *limit;
        let old = std::mem::take(&mut self.nodes);
        let mut places = vec![ROOT; old.len()];
        // Parents come before their children, so their new places are known.
        for (at, mut node) in old.into_iter().enumerate() {
            let parent = places.get(node.parent as usize).copied().unwrap_or(ROOT);
            let is_small = node.children == 0 && node.bytes <= limit;
            if is_small && at != kept as usize && at != ROOT as usize {
                if let Some(parent) = self.nodes.get_mut(parent as usize) {
                    parent.folded = true;
                    parent.children -= 1;
                }
                continue;
            }
            if let Some(place) = places.get_mut(at) {
                *place = u32::try_from(self.nodes.len()).unwrap_or(ROOT);
            }
            node.parent = parent;
            self.nodes.push(node);
        }
        self.index_anew();
        places.get(kept as usize).copied().unwrap_or(ROOT)
    }

    fn index_anew(&mut self) {
        let nodes = &self.nodes;
        let rehash = |at: &u32| nodes.get(*at as usize).map_or(0, Node::hash);
        self.index.clear();
        for (at, node) in nodes.iter().enumerate().skip(1) {
            let at = u32::try_from(at).unwrap_or(ROOT);
            self.index.insert_unique(node.hash(), at, rehash);
        }
    }

    /// The tree, below a root without a name: of each node the `breadth` largest children.
    pub fn tree(&self, breadth: usize) -> Prefix {
        let mut children = vec![Vec::new(); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate().skip(1) {
            if let Some(siblings) = children.get_mut(node.parent as usize) {
                siblings.push(at);
            }
        }
        self.subtree(ROOT as usize, &mut Vec::new(), 0, breadth, &children)
    }

    fn subtree(
        &self,
        at: usize,
        name: &mut Vec<u8>,
        depth: usize,
        breadth: usize,
        children: &[Vec<usize>],
    ) -> Prefix {
        let none = Node::new(ROOT, b"");
        let node = self.nodes.get(at).unwrap_or(&none);
        let before = name.len();
        name.extend_from_slice(&node.part);
        let below = children.get(at).map_or(&[][..], Vec::as_slice);
        let bytes = |at: &usize| self.nodes.get(*at).map_or(0, |node| node.bytes);
        let mut below = below.to_vec();
        below.sort_by_key(|at| (std::cmp::Reverse(bytes(at)), *at));
        let more = below.len() > breadth;
        below.truncate(breadth);
        let prefix = Prefix {
            depth,
            keys: node.keys,
            bytes: node.bytes,
            folded: node.folded || more,
            children: below
                .into_iter()
                .map(|at| self.subtree(at, name, depth + 1, breadth, children))
                .collect(),
            name: name.clone(),
        };
        name.truncate(before);
        prefix
    }
}

impl Node {
    fn new(parent: u32, part: &[u8]) -> Node {
        Node {
            parent,
            part: part.into(),
            keys: 0,
            bytes: 0,
            children: 0,
            folded: false,
        }
    }

    fn hash(&self) -> u64 {
        hash(self.parent, &self.part)
    }
}

/// Not for adversaries: whoever makes names collide makes their own report slow, by at most the
/// number of nodes.
fn hash(parent: u32, part: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| {
        let wide = u128::from(hash ^ word) * 0x9E37_79B9_7F4A_7C15_u128;
        (wide as u64) ^ ((wide >> 64) as u64)
    };
    let mut hash = mix(u64::from(parent) + 1, part.len() as u64);
    for chunk in part.chunks(8) {
        let word = chunk
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte));
        hash = mix(hash, word);
    }
    hash
}

/// Whether a part of a name is one of very many of its kind.
fn is_id(part: &[u8]) -> bool {
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    let all = |is: fn(&u8) -> bool| part.iter().all(is);
    match part.len() {
        0 => false,
        len if digits == len => true,
        PART_BYTES_MAX.. => true,
        16.. if digits >= 3 => all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)),
        8.. if digits > 0 => all(|byte| byte.is_ascii_hexdigit() || *byte == b'-'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(prefix: &Prefix) -> Vec<(String, u64)> {
        let name = String::from_utf8_lossy(&prefix.name).into_owned();
        let below = prefix.children.iter().flat_map(names);
        std::iter::once((name, prefix.keys)).chain(below).collect()
    }

    #[test]
    fn ids_are_one_part() {
        for id in ["1", "0042", "5f3b9c2e", "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            assert!(is_id(id.as_bytes()), "{id}");
        }
        for word in ["", "user", "v2", "deadbeef", "facade", "2024-q1x"] {
            assert!(!is_id(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn names_meet_at_their_prefixes() {
        let mut tree = PrefixTree::new(b":");
        for (name, bytes) in [
            ("user:17:cart", 50),
            ("user:18:cart", 60),
            ("user:17", 1),
            ("x", 5),
        ] {
            tree.add(name.as_bytes(), bytes);
        }
        tree.add(b"job:queue", 10);
        let tree = tree.tree(10);
        let expected = [
            ("", 5),
            ("user:", 3),
            ("user:*:", 2),
            ("user:*:cart", 2),
            ("job:", 1),
            ("job:queue", 1),
        ];
        assert_eq!(
            names(&tree),
            expected.map(|(name, keys)| (name.to_owned(), keys))
        );
        assert_eq!(tree.bytes, 126);
    }

    #[test]
    fn too_many_parts_are_folded_and_large_ones_stay() {
        let mut tree = PrefixTree::limited(b":", 64);
        for i in 0..5_000_u64 {
            tree.add(format!("big:w{}x:k", i % 3).as_bytes(), 100);
            tree.add(format!("a{i}z:k").as_bytes(), 1);
        }
        assert!(tree.nodes.len() <= 64);
        let tree = tree.tree(100);
        assert!(tree.folded && tree.keys == 10_000);
        let big = &tree.children[0];
        assert_eq!((big.name.as_slice(), big.keys), (&b"big:"[..], 5_000));
        assert_eq!(big.children.len(), 3);
    }
}
