/// How much one request may claim. Reaching a limit is a [`crate::ProtocolError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most arguments of one request.
    pub args_max: u32,
    /// Most bytes of one argument (`proto-max-bulk-len`).
    pub bulk_bytes_max: u32,
    /// Most bytes of an inline request; 0 refuses inline requests altogether.
    pub inline_bytes_max: u32,
    /// The peer has yet to authenticate: exceeding `args_max` or `bulk_bytes_max` is then reported
    /// as "unauthenticated" length.
    pub unauthenticated: bool,
}

impl Limits {
    /// For a peer that has not authenticated yet where it must: 10 arguments of 16 KiB.
    pub const UNAUTHENTICATED: Limits = Limits {
        args_max: 10,
        bulk_bytes_max: 16 * 1024,
        inline_bytes_max: INLINE_BYTES_MAX,
        unauthenticated: true,
    };

    /// For a trusted log of commands: no inline requests, and lengths bound only by the 4 GiB that
    /// one request can hold. What the input cannot back is for the caller to notice at its end.
    pub const LOG: Limits = Limits {
        args_max: i32::MAX as u32,
        bulk_bytes_max: u32::MAX,
        inline_bytes_max: 0,
        unauthenticated: false,
    };

    /// The same limits with another `proto-max-bulk-len`, in bytes.
    pub const fn with_bulk_bytes_max(self, bytes: u32) -> Limits {
        Limits {
            bulk_bytes_max: bytes,
            ..self
        }
    }
}

impl Default for Limits {
    /// An authenticated client under Redis's defaults.
    fn default() -> Limits {
        Limits {
            args_max: 1024 * 1024,
            bulk_bytes_max: 512 * 1024 * 1024,
            inline_bytes_max: INLINE_BYTES_MAX,
            unauthenticated: false,
        }
    }
}

const INLINE_BYTES_MAX: u32 = 64 * 1024;
