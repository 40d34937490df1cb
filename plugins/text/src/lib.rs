//! Text: plain, JSON, NDJSON, XML, YAML, INI and properties, SQL dumps.
