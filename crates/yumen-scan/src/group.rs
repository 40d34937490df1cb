//! The second pass: artifacts of one folder, or of one container, lend each other facts, and who is granted one is inspected anew.
//! The result depends on the set of artifacts only: entries are sorted before any grouper sees them.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use yumen_model::{GroupFact, Grouper, Member, Reach};

use crate::registry::Registry;
use crate::run::{GroupEntry, Results, Task};

/// Most neighbours of a wider folder that are asked.
const MOST_ASKED: usize = 64;

/// Artifacts of one container, or all top-level ones, by folder.
type Folders<'e> = BTreeMap<&'e str, Vec<&'e GroupEntry>>;

/// The tasks to run once more, with what they were granted; what is on record of them is taken back.
pub(crate) fn granted(registry: &Registry, results: &mut Results) -> Vec<Task> {
    let mut entries = std::mem::take(&mut results.groups);
    entries.sort_by(|a, b| (&a.name, &a.position).cmp(&(&b.name, &b.position)));
    let mut tasks = Vec::new();
    for grouper in registry.groupers() {
        let key = grouper.key();
        let mut exporters: HashMap<&[u32], Folders<'_>> = HashMap::new();
        for entry in entries.iter().filter(|e| e.exports.iter().any(|f| f.key == key)) {
            exporters.entry(parent(entry)).or_default().entry(&entry.folder).or_default().push(entry);
        }
        for (at, needy) in
            entries.iter().enumerate().filter(|(_, e)| e.task.is_some() && e.needs.iter().any(|n| n == key))
        {
            let Some(folders) = exporters.get(parent(needy)) else { continue };
            let values = asked(&*grouper, needy, folders);
            tasks.extend(values.into_iter().map(|value| (at, GroupFact { key: key.to_owned(), value })));
        }
    }
    // One task for each artifact, with all that it was granted.
    let mut granted: BTreeMap<usize, Vec<GroupFact>> = BTreeMap::new();
    for (at, fact) in tasks {
        granted.entry(at).or_default().push(fact);
    }
    let mut tasks: Vec<Task> = granted
        .into_iter()
        .filter_map(|(at, granted)| entries[at].task.as_ref().map(|task| Task { granted, ..task.clone() }))
        .collect();
    tasks.sort_by(|a, b| a.position.cmp(&b.position));
    for task in &tasks {
        forget(results, task);
    }
    tasks
}

/// The container of an artifact; all top-level ones have the same.
fn parent(entry: &GroupEntry) -> &[u32] {
    match &*entry.position {
        [parent @ .., _] if !parent.is_empty() => parent,
        _ => &[],
    }
}

/// What a grouper grants from the nearest neighbours that it grants anything from.
fn asked(grouper: &dyn Grouper, needy: &GroupEntry, folders: &Folders<'_>) -> Vec<Value> {
    let key = grouper.key();
    let ask = |neighbours: &mut dyn Iterator<Item = &&GroupEntry>| {
        let members: Vec<Member<'_>> =
            neighbours.filter(|m| m.position != needy.position).take(MOST_ASKED).map(|m| member(m, key)).collect();
        if members.is_empty() { Vec::new() } else { grouper.grant(&member(needy, key), &members) }
    };
    let mut granted = ask(&mut folders.get(needy.folder.as_str()).into_iter().flatten());
    let mut folder = needy.folder.as_str();
    while granted.is_empty() && grouper.reach() == Reach::Container {
        let below = |name: &str, folder: &str| {
            folder.is_empty() || name.strip_prefix(folder).is_some_and(|r| r.is_empty() || r.starts_with('/'))
        };
        let within = folders.range(folder..).take_while(|(name, _)| name.starts_with(folder));
        let mut near: Vec<&&GroupEntry> = within
            .filter(|(name, _)| below(name, folder))
            .flat_map(|(_, entries)| entries)
            .take(MOST_ASKED + 1)
            .collect();
        near.sort_by(|a, b| (&a.name, &a.position).cmp(&(&b.name, &b.position)));
        granted = ask(&mut near.into_iter());
        if folder.is_empty() {
            break;
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
    granted
}

fn member<'a>(entry: &'a GroupEntry, key: &str) -> Member<'a> {
    Member {
        name: &entry.name,
        format: &entry.format,
        exports: entry.exports.iter().filter(|f| f.key == key).map(|f| &f.value).collect(),
    }
}

/// Takes back what the first inspection of an artifact put on record, its children included.
fn forget(results: &mut Results, task: &Task) {
    let position = &task.position;
    results.records.retain(|r| !r.position.starts_with(position));
    results.folded.retain(|parent, _| !parent.starts_with(position));
}

#[cfg(test)]
mod tests {
    use super::*;

    struct All(Reach);

    impl Grouper for All {
        fn key(&self) -> &'static str {
            "origin"
        }
        fn reach(&self) -> Reach {
            self.0
        }
        fn grant(&self, _: &Member<'_>, neighbours: &[Member<'_>]) -> Vec<Value> {
            neighbours.iter().flat_map(|m| m.exports.iter().map(|v| (*v).clone())).collect()
        }
    }

    fn entry(n: u32, path: &str, exports: bool) -> GroupEntry {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let fact = GroupFact { key: "origin".to_owned(), value: path.into() };
        GroupEntry {
            position: [0, n].into(),
            folder: folder.to_owned(),
            name: name.to_owned(),
            format: String::new(),
            exports: exports.then_some(fact).into_iter().collect(),
            needs: Vec::new(),
            task: None,
        }
    }

    fn asked_of(needy: &str, reach: Reach, exporters: &[&str]) -> Vec<String> {
        let entries: Vec<GroupEntry> = exporters.iter().zip(1..).map(|(path, n)| entry(n, path, true)).collect();
        let mut folders = Folders::new();
        for entry in &entries {
            folders.entry(&entry.folder).or_default().push(entry);
        }
        let granted = asked(&All(reach), &entry(0, needy, false), &folders);
        granted.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    #[test]
    fn the_nearest_folder_that_grants_anything_is_asked_last() {
        let all = ["top.yaml", "a/x.yaml", "a/b/near.yaml", "a/b-c/cousin.yaml", "a/d/e/deep.yaml"];
        assert_eq!(asked_of("a/b/c.pcd", Reach::Container, &all), ["a/b/near.yaml"]);
        assert_eq!(
            asked_of("a/f/c.pcd", Reach::Container, &all),
            ["a/b-c/cousin.yaml", "a/d/e/deep.yaml", "a/b/near.yaml", "a/x.yaml"]
        );
        assert_eq!(asked_of("g/c.pcd", Reach::Container, &all).len(), 5);
        assert_eq!(asked_of("g/c.pcd", Reach::Container, &all[1..2]), ["a/x.yaml"]);
        assert!(asked_of("a/f/c.pcd", Reach::Folder, &all).is_empty());
        assert!(asked_of("g/c.pcd", Reach::Container, &[]).is_empty());
    }
}
