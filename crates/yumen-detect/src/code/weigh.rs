//! What the lines of a text add up to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use serde_json::Value;
use yumen_model::{Findings, Hit, KindId, Location, Mask, Secret};

use super::rules::{ENOUGH, KINDS, NEAR_FIELD, NEARBY, Need, OTA_CODE, REMOTE_CONTROL, RULES, Rule};
use super::terms::{CLOUD, COMMAND, NAMES, NEAR, NEARKEY, NET, OTA, REMOTE, UPDATER};
use super::vocabulary::{Context, Fnv, Unit};

/// Lines that are weighed together: what stands further apart has nothing to do with each other.
const SECTION: u64 = 2000;
/// Lines within which concepts are near each other.
const NEARBY_LINES: u64 = 12;
/// Distinct pieces of evidence kept of a kind in a section.
const EVENTS: usize = 200;
/// Places kept of a kind.
const PLACES: usize = 64;
/// Names of evidence kept of a kind.
const WORDS: usize = 40;

/// Where a unit stands: weight in eighths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// An identifier, a chain of members, a string without blanks.
    Name,
    /// A string with blanks.
    Phrase,
    /// A whole line.
    Line,
    /// A comment.
    Comment,
}

impl Scope {
    fn eighths(self) -> u16 {
        match self {
            Scope::Name => 8,
            Scope::Phrase => 6,
            Scope::Line => 4,
            Scope::Comment => 3,
        }
    }
}

/// One distinct piece of evidence.
struct Event {
    kind: usize,
    /// Points in eighths, by [`Need`].
    points: [u16; 3],
    comment: bool,
    count: u64,
    concepts: u64,
    places: Vec<Location>,
}

/// Evidence of a kind in the whole text.
#[derive(Default)]
struct Total {
    points: u32,
    count: u64,
    comments: u64,
    words: BTreeSet<String>,
    places: Vec<Location>,
    /// Whether any section has evidence outside of comments.
    code: bool,
}

/// The scales.
pub(crate) struct Scales {
    /// What the path says, and what a stream is about from the beginning.
    base: Context,
    /// The stream is about vehicles, whatever its words.
    vehicle: bool,
    context: Context,
    before: Context,
    events: Vec<Event>,
    index: HashMap<u64, usize, BuildHasherDefault<Fnv>>,
    counts: [u16; KINDS.len()],
    /// Line after the last in which a concept stood, by its bit.
    last: [u64; 64],
    commands: u32,
    section: u64,
    seen: u64,
    near_lines: u64,
    command_place: Option<Location>,
    totals: [Total; KINDS.len()],
}

impl Scales {
    pub(crate) fn new(base: Context, vehicle: bool) -> Self {
        Scales {
            base,
            vehicle,
            context: Context::default(),
            before: Context::default(),
            events: Vec::new(),
            index: HashMap::default(),
            counts: [0; KINDS.len()],
            last: [0; 64],
            commands: 0,
            section: 0,
            seen: 0,
            near_lines: 0,
            command_place: None,
            totals: std::array::from_fn(|_| Total::default()),
        }
    }

    /// Takes a unit; the kinds that it is evidence of, as bits.
    pub(crate) fn unit(&mut self, unit: &Unit, text: &str, scope: Scope, place: &dyn Fn() -> Location) -> u16 {
        let mut fired = 0u16;
        // Three letters are a variable, not a name.
        if text.len() <= 3 && text.bytes().all(|b| b.is_ascii_lowercase()) {
            return 0;
        }
        let mut points = [[0u16; 3]; KINDS.len()];
        let mut matched = [0u64; KINDS.len()];
        for rule in RULES.iter().filter(|r| applies(r, unit.concepts)) {
            let slot = &mut points[rule.kind][need(rule.need)];
            *slot = (*slot).max(rule.points * scope.eighths());
            matched[rule.kind] |= rule.all.iter().fold(0, |m, g| m | g & unit.concepts);
            fired |= 1 << rule.kind;
        }
        if fired == 0 {
            return 0;
        }
        let mut hasher = Fnv::default();
        text.bytes().for_each(|b| hasher.write_u8(b.to_ascii_lowercase()));
        let text = hasher.finish();
        let location = place();
        for kind in (0..KINDS.len()).filter(|k| fired & 1 << k != 0) {
            self.event(kind, text, points[kind], matched[kind], scope == Scope::Comment, &location);
        }
        fired
    }

    fn event(&mut self, kind: usize, text: u64, points: [u16; 3], concepts: u64, comment: bool, place: &Location) {
        let mut hasher = Fnv::default();
        hasher.write_u64(text);
        hasher.write_usize(kind);
        let key = hasher.finish();
        if let Some(&at) = self.index.get(&key) {
            if let Some(event) = self.events.get_mut(at) {
                event.count += 1;
                if event.places.len() < PLACES {
                    event.places.push(place.clone());
                }
            }
            return;
        }
        if usize::from(self.counts[kind]) >= EVENTS {
            return;
        }
        self.counts[kind] += 1;
        self.index.insert(key, self.events.len());
        self.events.push(Event { kind, points, comment, count: 1, concepts, places: vec![place.clone()] });
    }

    /// Takes a line as a whole: its number, what stands in it, in code and in comments.
    pub(crate) fn line(&mut self, number: u64, code: &Unit, comment: &Unit, place: &Location) {
        self.context.add(&code.context);
        self.context.add(&comment.context);
        self.commands |= code.commands;
        let concepts = code.concepts | comment.concepts;
        if code.concepts & COMMAND != 0 && self.command_place.is_none() {
            self.command_place = Some(place.clone());
        }
        self.seen |= code.concepts;
        self.near_lines += u64::from(code.concepts & (NEAR | NEARKEY) != 0);
        let mut bits = concepts;
        while bits != 0 {
            self.last[bits.trailing_zeros() as usize] = number + 1;
            bits &= bits - 1;
        }
        for (i, rule) in NEARBY.iter().enumerate() {
            if !rule.all.iter().any(|g| concepts & g != 0) {
                continue;
            }
            let close = |set: u64| {
                let mut bits = set;
                let mut latest = 0;
                while bits != 0 {
                    latest = latest.max(self.last[bits.trailing_zeros() as usize]);
                    bits &= bits - 1;
                }
                (latest > 0 && latest + NEARBY_LINES > number).then_some(latest)
            };
            let Some(first) = close(rule.all[0]) else { continue };
            if rule.all.iter().all(|g| close(*g).is_some()) && (rule.none == 0 || close(rule.none).is_none()) {
                let mut points = [0; 3];
                points[need(rule.need)] = rule.points * 8;
                let set = rule.all.iter().fold(0, |m, g| m | (g & (concepts | self.seen)));
                let mut hasher = Fnv::default();
                hasher.write_usize(i);
                hasher.write_u64(first);
                self.event(rule.kind, hasher.finish(), points, set, code.concepts == 0, place);
            }
        }
    }

    /// A line is over.
    pub(crate) fn end_line(&mut self, number: u64) {
        if number >= self.section + SECTION {
            self.end_section();
            self.section = number;
        }
    }

    fn end_section(&mut self) {
        let mut context = self.base;
        context.add(&self.before);
        context.add(&self.context);
        let (vehicle, electronics) = context.weigh(if self.commands.count_ones() > 1 { 2 } else { 0 });
        let about = [true, self.vehicle || vehicle, self.vehicle || electronics];
        self.whole(about);
        let mut sums = [(0u32, false); KINDS.len()];
        let worth = |e: &Event| (0..3).filter(|&n| about[n]).map(|n| e.points[n]).max().unwrap_or(0);
        for event in &self.events {
            let points = u32::from(worth(event));
            sums[event.kind].0 += points;
            sums[event.kind].1 |= points > 0 && !event.comment;
        }
        for event in self.events.drain(..) {
            let (sum, code) = sums[event.kind];
            let points = (0..3).filter(|&n| about[n]).map(|n| event.points[n]).max().unwrap_or(0);
            if points == 0 || sum < u32::from(ENOUGH) * 8 {
                continue;
            }
            let total = &mut self.totals[event.kind];
            total.points = total.points.max(sum);
            total.code |= code;
            total.count += event.count;
            total.comments += if event.comment { event.count } else { 0 };
            if total.words.len() < WORDS {
                total.words.insert(words(event.concepts));
            }
            let room = PLACES.saturating_sub(total.places.len());
            total.places.extend(event.places.into_iter().take(room));
        }
        self.before = self.context;
        self.context = Context::default();
        self.index.clear();
        self.counts = [0; KINDS.len()];
        (self.commands, self.seen, self.near_lines) = (0, 0, 0);
        self.command_place = None;
    }

    /// What a section is as a whole: several commands to a vehicle, and a channel to send them by.
    fn whole(&mut self, about: [bool; 3]) {
        let commands = self.commands.count_ones();
        let channel = self.seen & (REMOTE | CLOUD) != 0 || (self.seen & NET != 0 && about[2]);
        if commands < 2 || !about[1] {
            return;
        }
        let Some(place) = self.command_place.clone() else { return };
        let points = [0, 8 * ENOUGH, 0];
        let concepts = self.seen & (REMOTE | CLOUD | NET | COMMAND);
        if self.seen & (NEAR | NEARKEY) == 0 {
            if channel {
                self.event(REMOTE_CONTROL, 0, points, concepts, false, &place);
            }
        } else if self.near_lines > 1 {
            self.event(NEAR_FIELD, 0, points, self.seen & (NEAR | NEARKEY | COMMAND), false, &place);
        }
    }

    /// The text is code of an upgrade by its form alone.
    pub(crate) fn upgrade(&mut self) {
        let place = Location { line: Some(1), column: Some(1), ..Location::default() };
        self.event(OTA_CODE, 1, [8 * ENOUGH; 3], OTA | UPDATER, false, &place);
    }

    /// Reports what was found.
    pub(crate) fn report(mut self, form: &'static str, language: Option<&'static str>, out: &mut Findings) {
        self.end_section();
        for (kind, total) in KINDS.into_iter().zip(self.totals) {
            if total.count == 0 {
                continue;
            }
            report(kind, total, form, language, out);
        }
    }
}

fn report(kind: KindId, total: Total, form: &'static str, language: Option<&'static str>, out: &mut Findings) {
    // What only comments tell proves nothing; a person may look.
    let confidence = match (total.code, total.points) {
        (false, _) => 0.4,
        (true, 240..) => 0.95,
        (true, 160..) => 0.9,
        (true, _) => 0.8,
    };
    let mut places = total.places;
    places.sort();
    let told = places.len() as u64;
    for location in places {
        out.hit(Hit {
            kind,
            location,
            secret: Secret::new(""),
            mask: Mask::All,
            confidence,
            distinct: vec![("form", form.into())],
            collect: Vec::new(),
        });
    }
    let mut properties: BTreeMap<Cow<'static, str>, Value> = BTreeMap::new();
    properties.insert("evidence".into(), total.words.into_iter().collect::<Vec<_>>().into());
    if let Some(language) = language {
        properties.insert("languages".into(), vec![language].into());
    }
    if total.comments > 0 {
        properties.insert("in_comments".into(), total.comments.into());
    }
    out.properties(kind, vec![("form", form.into())], total.count.saturating_sub(told), properties);
}

fn applies(rule: &Rule, concepts: u64) -> bool {
    concepts & rule.none == 0 && rule.all.iter().all(|g| concepts & g != 0)
}

fn need(need: Need) -> usize {
    match need {
        Need::Nothing => 0,
        Need::Vehicle => 1,
        Need::Electronics => 2,
    }
}

fn words(concepts: u64) -> String {
    let names: Vec<&str> = NAMES.iter().enumerate().filter(|(i, _)| concepts & 1 << i != 0).map(|(_, n)| *n).collect();
    names.join("+")
}
