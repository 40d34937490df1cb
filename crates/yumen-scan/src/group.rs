//! The second pass: artifacts of one folder or container lend each other facts, and who is granted one is inspected anew.
//! The result depends on the set of artifacts only: entries are sorted before any grouper sees them.

use std::collections::BTreeMap;

use yumen_model::{GroupFact, Member};

use crate::registry::Registry;
use crate::run::{GroupEntry, Results, Task};

/// The tasks to run once more, with what they were granted; what is on record of them is taken back.
pub(crate) fn granted(registry: &Registry, results: &mut Results) -> Vec<Task> {
    let mut entries = std::mem::take(&mut results.groups);
    entries.sort_by(|a, b| a.position.cmp(&b.position));
    let mut folders: BTreeMap<(Vec<u32>, String), Vec<&GroupEntry>> = BTreeMap::new();
    for entry in &entries {
        let (parent, folder) = match &*entry.position {
            // Top-level names are whole paths; the folder tells them apart.
            [_] => (Vec::new(), entry.folder.clone()),
            [parent @ .., _] => (parent.to_vec(), entry.folder.clone()),
            [] => continue,
        };
        folders.entry((parent, folder)).or_default().push(entry);
    }
    let groupers = registry.groupers();
    let mut tasks = Vec::new();
    for members in folders.values_mut() {
        members.sort_by(|a, b| (&a.name, &a.position).cmp(&(&b.name, &b.position)));
        for needy in members.iter() {
            let Some(task) = &needy.task else { continue };
            let mut facts = Vec::new();
            for grouper in groupers.iter().filter(|g| needy.needs.iter().any(|n| n == g.key())) {
                let neighbours: Vec<Member<'_>> = members
                    .iter()
                    .filter(|m| m.position != needy.position)
                    .map(|m| member(m, grouper.key()))
                    .filter(|m| !m.exports.is_empty())
                    .collect();
                let values = grouper.grant(&member(needy, grouper.key()), &neighbours);
                facts.extend(values.into_iter().map(|value| GroupFact { key: grouper.key().to_owned(), value }));
            }
            if !facts.is_empty() {
                tasks.push(Task { granted: facts, ..task.clone() });
            }
        }
    }
    for task in &tasks {
        forget(results, task);
    }
    tasks
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
