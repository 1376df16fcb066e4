use super::{Card, Marks};
use units::UnixMillis;

/// Which clients are meant. What is `None` does not matter.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) ids: Option<Vec<u64>>,
    pub(crate) kind: Option<Kind>,
    pub(crate) user: Option<Vec<u8>>,
    pub(crate) address: Option<Vec<u8>>,
    pub(crate) local_address: Option<Vec<u8>>,
    /// It came then or before.
    pub(crate) came_by: Option<UnixMillis>,
    /// One that is not meant.
    pub(crate) but: Option<u64>,
}

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Pubsub,
    /// There are none: the primary of a replica is no client.
    Master,
    Replica,
}

impl Kind {
    /// By its name in `TYPE`, in any case.
    pub(crate) fn from_name(name: &[u8]) -> Option<Kind> {
        Some(match name.to_ascii_lowercase().as_slice() {
            b"normal" => Kind::Normal,
            b"pubsub" => Kind::Pubsub,
            b"master" => Kind::Master,
            b"slave" | b"replica" => Kind::Replica,
            _ => return None,
        })
    }

    fn of(card: &Card) -> Kind {
        let state = card.state();
        match state.subscribed {
            _ if state.marks.contains(Marks::REPLICA) => Kind::Replica,
            [0, 0, 0] => Kind::Normal,
            _ => Kind::Pubsub,
        }
    }
}

impl Filter {
    /// Whether the primary at that address, which is no client here, is one in Redis and meant.
    pub(crate) fn fits_primary(&self, address: &str) -> bool {
        let by_kind = self.kind.is_none_or(|kind| kind == Kind::Master);
        let named = self.kind.is_some() || self.address.is_some();
        let by_address = (self.address.as_ref()).is_none_or(|wanted| wanted == address.as_bytes());
        let by_others = self.ids.is_none() && self.user.is_none() && self.came_by.is_none();
        named && by_kind && by_address && by_others && self.local_address.is_none()
    }

    pub(super) fn fits(&self, card: &Card) -> bool {
        let by_id = self.ids.as_ref().is_none_or(|ids| ids.contains(&card.id));
        let by_kind = || self.kind.is_none_or(|kind| kind == Kind::of(card));
        let by_age = self.came_by.is_none_or(|by| card.since <= by);
        by_id && by_age && self.but != Some(card.id) && by_kind() && self.fits_about(card)
    }

    fn fits_about(&self, card: &Card) -> bool {
        let same = |wanted: &Option<Vec<u8>>, is: &[u8]| {
            wanted.as_ref().is_none_or(|wanted| wanted.as_slice() == is)
        };
        card.about(|about| {
            same(&self.user, &about.user)
                && same(&self.address, about.peer.address.as_bytes())
                && same(&self.local_address, about.peer.local_address.as_bytes())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_asked_for_has_to_fit() {
        let card = Card::new(7, UnixMillis(1000));
        card.about(|about| about.user = b"alice".to_vec());
        let fits = |change: &dyn Fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter.fits(&card)
        };
        assert!(fits(&|_| {}));
        assert!(fits(&|filter| filter.ids = Some(vec![1, 7])));
        assert!(!fits(&|filter| filter.ids = Some(vec![])));
        assert!(!fits(&|filter| filter.but = Some(7)));
        assert!(!fits(&|filter| filter.kind = Some(Kind::Pubsub)));
        assert!(fits(&|filter| filter.user = Some(b"alice".to_vec())));
        assert!(!fits(&|filter| filter.user = Some(b"al".to_vec())));
        assert!(fits(&|filter| filter.came_by = Some(UnixMillis(1000))));
        assert!(!fits(&|filter| filter.came_by = Some(UnixMillis(999))));
    }
}
