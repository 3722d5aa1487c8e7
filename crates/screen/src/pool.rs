//! What cells refer to by index: clusters of several code points, underlines and links.
//!
//! Both tables have a bound. At it, what would be new is dropped: a combining character, an underline's
//! colour, a link. What no cell refers to any more is swept when enough has come since the last sweep.

use std::{collections::HashMap, sync::Arc};

use crate::cell::{CLUSTER, CODE, Cell};

/// The longest cluster in bytes; what combines beyond is dropped.
const CLUSTER_BYTES: usize = 128;
/// All clusters and links of the live screen.
const POOL_BYTES: usize = 1 << 20;
const POOL_ENTRIES: usize = 1 << 16;
const SWEEP_AFTER: usize = 4096;
/// What an entry costs beside its text.
const ENTRY_BYTES: usize = 64;

/// A hyperlink of OSC 8.
#[derive(Debug, Eq, Hash, PartialEq)]
pub(crate) struct Link {
    pub(crate) id: Option<Box<str>>,
    pub(crate) uri: Box<str>,
}

impl Link {
    pub(crate) fn bytes(&self) -> usize {
        self.uri.len() + self.id.as_ref().map_or(0, |id| id.len()) + ENTRY_BYTES
    }
}

/// Attributes that few cells have.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Ext {
    /// 0 none, 1 single, 2 double, 3 curly, 4 dotted, 5 dashed.
    pub(crate) style: u8,
    /// The underline's colour: mode and value; 0 is the text's own.
    pub(crate) colour: u32,
    pub(crate) link: Option<Arc<Link>>,
}

impl Ext {
    /// A colour alone is nothing to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.style == 0 && self.link.is_none()
    }
}

/// The tables.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    clusters: Vec<Arc<str>>,
    cluster_ids: HashMap<Arc<str>, u32>,
    /// Index 0 is the empty one and is not in here.
    exts: Vec<Ext>,
    ext_ids: HashMap<Ext, u32>,
    bytes: usize,
    /// Asked for since the last sweep and not found.
    asked: usize,
    kept: usize,
}

impl Pool {
    /// The text of a cluster.
    pub(crate) fn cluster(&self, id: u32) -> &str {
        self.clusters.get(id as usize).map_or("", |text| text)
    }

    /// The index of a cluster, unless it is too long or the pool is full.
    pub(crate) fn cluster_id(&mut self, text: &str) -> Option<u32> {
        if let Some(id) = self.cluster_ids.get(text) {
            return Some(*id);
        }
        self.asked += 1;
        let bytes = text.len() + ENTRY_BYTES;
        if text.len() > CLUSTER_BYTES || !self.has_room(self.clusters.len(), bytes) {
            return None;
        }
        let id = u32::try_from(self.clusters.len()).ok()?;
        let text: Arc<str> = text.into();
        self.clusters.push(text.clone());
        self.cluster_ids.insert(text, id);
        self.bytes += bytes;
        Some(id)
    }

    /// Extended attributes; 0 are none.
    pub(crate) fn ext(&self, id: u32) -> Ext {
        let index = (id as usize).checked_sub(1);
        index.and_then(|index| self.exts.get(index)).cloned().unwrap_or_default()
    }

    /// The index of extended attributes; without link and colour if the pool is full.
    pub(crate) fn ext_id(&mut self, ext: &Ext) -> u32 {
        if *ext == Ext::default() {
            return 0;
        }
        if let Some(id) = self.ext_ids.get(ext) {
            return *id;
        }
        self.asked += 1;
        let bytes = ENTRY_BYTES + ext.link.as_ref().map_or(0, |link| link.bytes());
        let plain = ext.link.is_none() && ext.colour == 0;
        if !plain && !self.has_room(self.exts.len(), bytes) {
            return self.ext_id(&Ext { style: ext.style, ..Ext::default() });
        }
        self.exts.push(ext.clone());
        let id = u32::try_from(self.exts.len()).unwrap_or(0);
        self.ext_ids.insert(ext.clone(), id);
        self.bytes += bytes;
        id
    }

    fn has_room(&self, entries: usize, bytes: usize) -> bool {
        entries < POOL_ENTRIES && self.bytes + bytes <= POOL_BYTES
    }

    /// Whether a sweep is due.
    pub(crate) fn is_due(&self) -> bool {
        self.asked >= SWEEP_AFTER.max(self.kept)
    }

    /// Drops what none of these cells and pens refers to.
    pub(crate) fn sweep<'a>(&mut self, cells: impl Iterator<Item = &'a mut Cell>, pens: &mut [&mut u32]) {
        let old = std::mem::take(self);
        let mut clusters = vec![u32::MAX; old.clusters.len()];
        let mut exts = vec![u32::MAX; old.exts.len() + 1];
        let mut keep_ext = |pool: &mut Self, id: u32| {
            let Some(slot) = exts.get_mut(id as usize) else { return 0 };
            if *slot == u32::MAX {
                *slot = pool.ext_id(&old.ext(id));
            }
            *slot
        };
        for cell in cells {
            if cell.ext != 0 {
                cell.ext = keep_ext(self, cell.ext);
            }
            let Some(id) = cell.cluster() else { continue };
            let Some(slot) = clusters.get_mut(id as usize) else { continue };
            if *slot == u32::MAX {
                *slot = self.cluster_id(old.cluster(id)).unwrap_or(0);
            }
            cell.content = cell.content & !CODE | CLUSTER | *slot;
        }
        for pen in pens {
            **pen = keep_ext(self, **pen);
        }
        self.asked = 0;
        self.kept = self.clusters.len() + self.exts.len();
    }
}
