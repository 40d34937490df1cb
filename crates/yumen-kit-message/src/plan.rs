//! The plan of a type: its fields unfolded into a tree, every place of a value a node of its own, so that decoding needs no lookups and meaning can be
//! tied to places.

use std::ops::Range;

use crate::groups::Group;
use crate::schema::{Form, Many, Struct, Ty, Types};

/// No slot, no scope.
pub(crate) const NONE: u32 = u32::MAX;
/// A type unfolds to no more places.
const MAX_NODES: usize = 30_000;
/// Structures nest no deeper, and a type in itself no more than so often.
const DEPTH: usize = 24;
const SELF: usize = 3;

/// The place of a value.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    /// The name in lower case without signs.
    pub(crate) key: String,
    pub(crate) ty: Ty,
    pub(crate) many: Many,
    pub(crate) number: u32,
    pub(crate) parent: u32,
    pub(crate) kids: Range<u32>,
    pub(crate) form: Form,
    pub(crate) optional: bool,
    /// Bytes that one of it takes at least.
    pub(crate) least: u32,
    /// All numbers in it are of this size and nobody asks for one: many of it can be passed over at once. 0 otherwise.
    pub(crate) skip: u8,
    /// Goes deeper than the plan.
    pub(crate) cut: bool,
    /// Where its value is kept for a meaning.
    pub(crate) slot: u32,
    /// Its elements mean something each: the number of the scope.
    pub(crate) scope: u32,
    /// A number that is shown to the detectors as text (a telephone number).
    pub(crate) say: bool,
    /// Bytes that may be text.
    pub(crate) say_bytes: bool,
    /// A text that is not shown.
    pub(crate) quiet: bool,
    /// A text that holds bytes (JSON).
    pub(crate) base64: bool,
}

/// The root, or a structure that comes many times: what its fields mean is told at the end of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    pub(crate) slots: Vec<u32>,
    pub(crate) groups: Vec<Group>,
}

/// A plan.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) slots: u32,
    /// Whether some node is cut.
    pub(crate) cut: bool,
    /// Whether a type in it can't be decoded where fields follow each other without marks.
    pub(crate) mutable: bool,
}

/// A field's name without case and signs.
pub(crate) fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

impl Tree {
    /// Unfolds a type.
    pub(crate) fn new(types: &Types, by_number: bool) -> Tree {
        let mut tree = Tree::default();
        tree.nodes.push(Node {
            name: String::new(),
            key: String::new(),
            ty: Ty::Struct(types.root),
            many: Many::One,
            number: 0,
            parent: NONE,
            kids: 0..0,
            form: Form::Plain,
            optional: false,
            least: 0,
            skip: 0,
            cut: false,
            slot: NONE,
            scope: NONE,
            say: false,
            say_bytes: false,
            quiet: false,
            base64: false,
        });
        let mut at = 0;
        while at < tree.nodes.len() {
            tree.unfold(types, at, by_number);
            at += 1;
        }
        tree.measure();
        tree.scopes.push(Scope::default());
        tree
    }

    fn unfold(&mut self, types: &Types, at: usize, by_number: bool) {
        let Ty::Struct(number) = self.nodes[at].ty else { return };
        let none = Struct::default();
        let s = types.structs.get(number as usize).unwrap_or(&none);
        let (mut depth, mut same) = (0, 0);
        let mut up = self.nodes[at].parent;
        while let Some(n) = self.nodes.get(up as usize) {
            depth += 1;
            same += usize::from(n.ty == Ty::Struct(number));
            up = n.parent;
        }
        self.nodes[at].form = s.form;
        self.mutable |= s.form == Form::Mutable;
        if depth >= DEPTH || same >= SELF || self.nodes.len() + s.fields.len() > MAX_NODES {
            self.nodes[at].cut = true;
            self.cut = true;
            return;
        }
        let start = self.nodes.len() as u32;
        let mut fields: Vec<_> = s.fields.iter().collect();
        if by_number {
            fields.sort_by_key(|f| f.number);
        }
        for f in fields {
            self.nodes.push(Node {
                name: f.name.clone(),
                key: key(&f.name),
                ty: f.ty,
                many: f.many,
                number: f.number,
                parent: at as u32,
                kids: 0..0,
                form: Form::Plain,
                optional: f.optional,
                least: 0,
                skip: 0,
                cut: false,
                slot: NONE,
                scope: NONE,
                say: false,
                say_bytes: false,
                quiet: false,
                base64: false,
            });
        }
        self.nodes[at].kids = start..self.nodes.len() as u32;
    }

    /// Least bytes of each, from the leaves up: kids stand behind their parent.
    fn measure(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            let n = &self.nodes[at];
            let one = match n.ty {
                Ty::Struct(_) => n.kids.clone().map(|k| self.nodes[k as usize].whole()).fold(0, u32::saturating_add),
                Ty::Text | Ty::Wide => 4,
                ty => ty.size() as u32,
            };
            self.nodes[at].least = one;
        }
    }

    /// Finds what can be passed over, once all slots are given.
    pub(crate) fn settle(&mut self) {
        for at in (0..self.nodes.len()).rev() {
            let n = &self.nodes[at];
            let skip = match n.ty {
                Ty::Struct(_) => {
                    let mut sizes = n.kids.clone().map(|k| {
                        let kid = &self.nodes[k as usize];
                        if kid.many == Many::Sequence { 0 } else { kid.skip }
                    });
                    let first = sizes.next().unwrap_or(0);
                    if n.scope == NONE && !n.optional && sizes.all(|s| s == first) { first } else { 0 }
                }
                ty if ty.is_number() && n.slot == NONE && !n.say && !n.optional && !n.is_bytes() => ty.size() as u8,
                _ => 0,
            };
            self.nodes[at].skip = skip;
        }
    }

    /// The kid of a key.
    pub(crate) fn kid(&self, id: u32, key: &str) -> Option<u32> {
        self.nodes[id as usize].kids.clone().find(|&k| self.nodes[k as usize].key == key)
    }

    /// The node at the end of a path of keys, through structures that come once.
    pub(crate) fn path(&self, id: u32, path: &str) -> Option<u32> {
        let mut at = id;
        for key in path.split('.') {
            if at != id && self.nodes[at as usize].many != Many::One {
                return None;
            }
            at = self.kid(at, key)?;
        }
        Some(at)
    }

    /// Its names from the root.
    pub(crate) fn full_name(&self, id: u32) -> String {
        let mut names = Vec::new();
        let mut at = id;
        while let Some(n) = self.nodes.get(at as usize) {
            if !n.name.is_empty() {
                names.push(n.name.as_str());
            }
            at = n.parent;
        }
        names.reverse();
        names.join(".")
    }

    /// The nearest structure around a node that comes many times, or the root; a structure is around itself.
    pub(crate) fn around(&self, id: u32) -> u32 {
        let mut at = id;
        while let Some(n) = self.nodes.get(at as usize) {
            if at == 0 || (n.many != Many::One && matches!(n.ty, Ty::Struct(_))) {
                return at;
            }
            at = n.parent;
        }
        0
    }

    /// The scope of the nearest structure around a node.
    pub(crate) fn scope_of(&mut self, id: u32) -> u32 {
        let node = self.around(id);
        if node == 0 {
            return 0;
        }
        if self.nodes[node as usize].scope == NONE {
            self.nodes[node as usize].scope = self.scopes.len() as u32;
            self.scopes.push(Scope::default());
        }
        self.nodes[node as usize].scope
    }

    /// The slot of a node, given when it has none yet.
    pub(crate) fn slot(&mut self, id: u32) -> u32 {
        if self.nodes[id as usize].slot == NONE {
            let slot = self.slots;
            self.slots += 1;
            self.nodes[id as usize].slot = slot;
            // An array of numbers is a value of what holds it.
            let scope = self.scope_of(id);
            self.scopes[scope as usize].slots.push(slot);
        }
        self.nodes[id as usize].slot
    }
}

impl Node {
    /// Bytes that all of it takes at least.
    fn whole(&self) -> u32 {
        if self.optional {
            return 0;
        }
        match self.many {
            Many::One => self.least,
            Many::Fixed(n) => self.least.saturating_mul(n),
            Many::Sequence => 4,
        }
    }

    /// Whether it is one number.
    pub(crate) fn is_number(&self) -> bool {
        self.many == Many::One && self.ty.is_number()
    }

    /// Whether it is one text.
    pub(crate) fn is_text(&self) -> bool {
        self.many == Many::One && matches!(self.ty, Ty::Text | Ty::Wide)
    }

    /// Whether it holds bytes.
    pub(crate) fn is_bytes(&self) -> bool {
        match self.ty {
            Ty::Bytes => self.many == Many::One,
            ty => ty.is_byte() && self.many != Many::One,
        }
    }
}
