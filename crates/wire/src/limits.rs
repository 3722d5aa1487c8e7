//! Limits of what crosses the socket, in bytes unless they say otherwise.

/// Output that may be on its way to a page that acknowledges: sent and not yet processed.
pub const OUTPUT_HIGH_WATER: u64 = 256 * 1024;
/// A paused page gets output again when this little is on its way.
pub const OUTPUT_LOW_WATER: u64 = 64 * 1024;
/// A page acknowledges at least every so many bytes of output.
pub const OUTPUT_ACK_EVERY: u64 = 32 * 1024;
/// The same for a client that cannot acknowledge: emitted and not yet seen to leave.
pub const METERED_HIGH_WATER: u64 = 64 * 1024;
/// Such a client gets output again when this little is on its way.
pub const METERED_LOW_WATER: u64 = 32 * 1024;
/// Input that a page may have on its way: sent and not yet acknowledged.
pub const INPUT_WINDOW: u64 = 64 * 1024;
/// The gateway acknowledges at least every so many bytes of input.
pub const INPUT_ACK_EVERY: u64 = 16 * 1024;
/// The most columns a terminal may have, in cells.
pub const MAX_COLS: u16 = 1000;
/// The most rows a terminal may have, in cells.
pub const MAX_ROWS: u16 = 500;
