//! The route for personal information: thresholds over the year's count, in three values.

use yumen_model::verdict::Route;
use yumen_rules::book::{RouteRule, Trigger};
use yumen_rules::condition::{Bound, Level};
use yumen_rules::{Interval, Persons, Rulebook, Truth};

/// What the route depends on.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// This shipment's persons.
    pub(super) personal: Interval,
    /// Of them with sensitive information.
    pub(super) sensitive: Interval,
    /// Whether there is any personal information.
    pub(super) present: Truth,
    /// Sent abroad since 1 January, without this shipment.
    pub(super) prior_personal: Interval,
    /// Of them with sensitive information.
    pub(super) prior_sensitive: Interval,
    /// Whether the processor is a CIIO.
    pub(super) ciio: Truth,
}

/// The route for the personal information of a shipment.
#[derive(Clone, Debug)]
pub(super) enum PeopleRoute<'b> {
    /// There is none.
    None,
    /// This one, by these conditions.
    Known(Route, Vec<&'b RouteRule>),
    /// It depends on these facts.
    Open(Vec<&'static str>),
}

const UNBOUNDED: u64 = u64::MAX / 4;

impl People {
    pub(super) fn new(
        persons: &Persons,
        prior_personal: Option<u64>,
        prior_sensitive: Option<u64>,
        ciio: Truth,
    ) -> Self {
        let prior = |n: Option<u64>| n.map_or(Interval::unknown(), Interval::exactly);
        People {
            personal: persons.personal,
            sensitive: persons.sensitive,
            present: persons.any.reaches(Bound::AtLeast(1)),
            prior_personal: prior(prior_personal),
            prior_sensitive: prior(prior_sensitive),
            ciio,
        }
    }

    fn holds(&self, rule: &RouteRule) -> Truth {
        let year = |level| match level {
            Level::Personal => self.personal.plus(self.prior_personal),
            Level::Sensitive => self.sensitive.plus(self.prior_sensitive),
            Level::Any => self.personal.plus(self.prior_personal).plus(self.sensitive.plus(self.prior_sensitive)),
        };
        let truth = match rule.trigger {
            Trigger::Ciio => self.ciio,
            Trigger::Persons(level, least) => year(level).reaches(Bound::AtLeast(least)),
            Trigger::ImportantData | Trigger::Other => Truth::False,
        };
        truth.and(self.present)
    }

    fn decide<'b>(&self, book: &'b Rulebook) -> Result<Option<(Route, Vec<&'b RouteRule>)>, ()> {
        if self.present.is_false() {
            return Ok(None);
        }
        for route in [Route::SecurityAssessment, Route::StandardContractOrCertification] {
            let rules: Vec<_> = book.routes().iter().filter(|r| r.route == route).collect();
            match Truth::any(rules.iter().map(|r| self.holds(r))) {
                Truth::True => {
                    return Ok(Some((route, rules.into_iter().filter(|r| self.holds(r).is_true()).collect())));
                }
                Truth::Unknown => return Err(()),
                Truth::False => {}
            }
        }
        if self.present.is_true() { Ok(Some((Route::Exempt, Vec::new()))) } else { Err(()) }
    }

    /// The route, or the facts whose answer could change it.
    pub(super) fn route<'b>(&self, book: &'b Rulebook) -> PeopleRoute<'b> {
        match self.decide(book) {
            Ok(None) => PeopleRoute::None,
            Ok(Some((route, rules))) => PeopleRoute::Known(route, rules),
            Err(()) => PeopleRoute::Open(self.asks(book)),
        }
    }

    /// A fact is asked if there are answers to the others under which its own answer changes the route. The routes only get graver as numbers grow, so it
    /// is enough to look at the ends of the intervals.
    fn asks(&self, book: &Rulebook) -> Vec<&'static str> {
        const NAMES: [&str; 5] =
            ["processor.ciio", "prior.sensitive", "prior.personal", "persons.sensitive", "persons.personal"];
        let ends = |i: Interval| [i.low, i.high.unwrap_or(UNBOUNDED)];
        let counts = [self.prior_sensitive, self.prior_personal, self.sensitive, self.personal].map(ends);
        let ciio = match self.ciio {
            Truth::False => [false, false],
            Truth::True => [true, true],
            Truth::Unknown => [false, true],
        };
        let world = |bits: usize| {
            let pick = |i: usize| Interval::exactly(counts[i - 1][(bits >> i) & 1]);
            let people = People {
                ciio: Truth::from(ciio[bits & 1]),
                prior_sensitive: pick(1),
                prior_personal: pick(2),
                sensitive: pick(3),
                personal: pick(4),
                present: Truth::True,
            };
            people.decide(book).ok().flatten().map(|(route, _)| route)
        };
        let matters = |i: usize| (0..32usize).any(|bits| bits & (1 << i) == 0 && world(bits) != world(bits | (1 << i)));
        (0..5).filter(|&i| matters(i)).map(|i| NAMES[i]).collect()
    }
}
