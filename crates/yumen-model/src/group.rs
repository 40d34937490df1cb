//! Groups: artifacts of one folder or container that belong together and lend each other facts.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fact that one artifact lends to the others beside it: a table's schema, a CAN database, an origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFact {
    /// Kind of the fact: `table-schema`…
    pub key: String,
    /// Its value, as the exporting plugin defines it.
    pub value: Value,
}

/// A fact that an artifact would be read better with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// Kind of the fact.
    pub key: String,
}

/// An artifact as a [`Grouper`] sees it.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// Base name.
    pub name: &'a str,
    /// Format.
    pub format: &'a str,
    /// Facts of the grouper's key that it exports.
    pub exports: Vec<&'a Value>,
}

/// How far facts reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// To the artifacts of the same folder.
    #[default]
    Folder,
    /// To all that lies in the same container or input. The nearest are asked first: those of the folder, then all below the folder above, and so on up,
    /// until something is granted.
    Container,
}

/// Says which facts of its neighbours an artifact is given.
pub trait Grouper: Send + Sync {
    /// The kind of fact it deals in.
    fn key(&self) -> &'static str;
    /// How far its facts reach.
    fn reach(&self) -> Reach {
        Reach::Folder
    }
    /// The facts granted to `needy` from `neighbours`, the artifacts within reach that export something, in the order of their names.
    fn grant(&self, needy: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value>;
}
