//! Truth of three values, after Kleene.

use serde::{Deserialize, Serialize};

/// True, false, or not known. There is no default and no conversion from an `Option`: who does not know must say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truth {
    /// Certainly not so.
    False,
    /// Not known.
    Unknown,
    /// Certainly so.
    True,
}

impl Truth {
    /// Both.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    /// At least one.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::True, _) | (_, Truth::True) => Truth::True,
            (Truth::False, Truth::False) => Truth::False,
            _ => Truth::Unknown,
        }
    }

    /// All of them; true for none.
    #[must_use]
    pub fn all(truths: impl IntoIterator<Item = Truth>) -> Truth {
        truths.into_iter().fold(Truth::True, Truth::and)
    }

    /// Any of them; false for none.
    #[must_use]
    pub fn any(truths: impl IntoIterator<Item = Truth>) -> Truth {
        truths.into_iter().fold(Truth::False, Truth::or)
    }

    /// Whether it is certainly so.
    #[must_use]
    pub fn is_true(self) -> bool {
        self == Truth::True
    }

    /// Whether it is certainly not so.
    #[must_use]
    pub fn is_false(self) -> bool {
        self == Truth::False
    }

    /// Whether it is not known.
    #[must_use]
    pub fn is_unknown(self) -> bool {
        self == Truth::Unknown
    }
}

impl std::ops::Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(b: bool) -> Truth {
        if b { Truth::True } else { Truth::False }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn truth() -> impl Strategy<Value = Truth> {
        prop_oneof![Just(Truth::False), Just(Truth::Unknown), Just(Truth::True)]
    }

    /// What an unknown may turn out to be.
    fn worlds(t: Truth) -> Vec<bool> {
        match t {
            Truth::True => vec![true],
            Truth::False => vec![false],
            Truth::Unknown => vec![false, true],
        }
    }

    fn of_worlds(mut values: Vec<bool>) -> Truth {
        values.sort_unstable();
        values.dedup();
        if values.len() == 2 { Truth::Unknown } else { Truth::from(values[0]) }
    }

    proptest! {
        #[test]
        fn connectives_agree_with_what_could_turn_out(a in truth(), b in truth()) {
            let pairs: Vec<(bool, bool)> =
                worlds(a).into_iter().flat_map(|x| worlds(b).into_iter().map(move |y| (x, y))).collect();
            prop_assert_eq!(a.and(b), of_worlds(pairs.iter().map(|&(x, y)| x && y).collect()));
            prop_assert_eq!(a.or(b), of_worlds(pairs.iter().map(|&(x, y)| x || y).collect()));
            prop_assert_eq!(!a, of_worlds(worlds(a).into_iter().map(|x| !x).collect()));
        }

        #[test]
        fn laws(a in truth(), b in truth(), c in truth()) {
            prop_assert_eq!(a.and(b), b.and(a));
            prop_assert_eq!(a.or(b), b.or(a));
            prop_assert_eq!(a.and(b.and(c)), a.and(b).and(c));
            prop_assert_eq!(a.or(b.or(c)), a.or(b).or(c));
            prop_assert_eq!(a.and(b.or(c)), a.and(b).or(a.and(c)));
            prop_assert_eq!(a.or(b.and(c)), a.or(b).and(a.or(c)));
            prop_assert_eq!(!(a.and(b)), (!a).or(!b));
            prop_assert_eq!(!!a, a);
            prop_assert_eq!(a.and(a.or(b)), a);
        }
    }

    #[test]
    fn nothing_is_all_and_not_any() {
        assert_eq!(Truth::all([]), Truth::True);
        assert_eq!(Truth::any([]), Truth::False);
    }
}
