//! Notes: what is told of an artifact beside its findings. One list of codes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A note on an artifact, e.g. `{"code": "name-lies", "expected": "zip", "found": "text"}`. Never holds content of what is scanned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Note {
    /// One of [`NOTES`].
    pub code: Cow<'static, str>,
    /// Figures and names of formats that belong to it.
    #[serde(flatten)]
    pub detail: BTreeMap<String, Value>,
}

impl Note {
    /// A note without detail.
    #[must_use]
    pub fn new(code: &'static str) -> Self {
        debug_assert!(NOTES.iter().any(|n| n.code == code), "the code is not in NOTES: {code}");
        Note { code: Cow::Borrowed(code), detail: BTreeMap::new() }
    }

    /// Adds a detail. Give figures and fixed words only, never content.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(key.to_owned(), value.into());
        self
    }
}

/// What a note's code means.
#[derive(Clone, Copy, Debug)]
pub struct NoteCode {
    /// The code, in kebab-case.
    pub code: &'static str,
    /// Meaning in Chinese.
    pub zh: &'static str,
    /// Meaning in English.
    pub en: &'static str,
}

macro_rules! notes {
    ($($code:literal: $zh:literal, $en:literal;)*) => {
        /// Every note code.
        pub const NOTES: &[NoteCode] = &[$(NoteCode { code: $code, zh: $zh, en: $en }),*];
    };
}

notes! {
    "backing-file": "其余内容在另一个镜像中，不在此处", "the rest of the content is in another image that is not here";
    "bad-entry": "容器中有一个条目的元数据损坏", "the metadata of an entry in the container is broken";
    "changed": "扫描期间文件发生变化", "the file changed while it was scanned";
    "checksum-mismatch": "校验值与内容不符", "a stored checksum does not match the content";
    "class-proven": "类别已可认定，按 --fast 不再检视其余部分", "its class is proven; with --fast the rest was not inspected";
    "corrupt": "结构损坏或被截断", "the structure is broken or cut short";
    "crashed": "解析器异常终止，该制品按未检视处理", "the parser crashed; the artifact counts as not inspected";
    "directory-entries": "容器中的目录条目", "directory entries of the container";
    "duplicate-names": "容器中有同名条目", "entries of the container bear the same name";
    "encrypted": "加密内容未打开", "encrypted content was not opened";
    "gap-data": "成员之外还有数据，已另行检视", "there is data outside the members; it was inspected apart";
    "high-entropy": "内容近似随机数据，可能经加密或未知方法压缩", "content that looks like noise: encrypted, or compressed by an unknown method";
    "incomplete-child": "成员只解出了一部分", "a member could be decoded in part only";
    "journal-not-replayed": "日志未重放，其中的块按原始字节检视", "the journal was not replayed; its blocks were inspected as raw bytes";
    "limit": "达到限额，其余未检视", "a limit was reached; the rest was not inspected";
    "link": "链接（记录，不跟随）", "a link; recorded, not followed";
    "message-corrupt": "有消息与其类型定义不符", "messages do not fit the definition of their type";
    "message-undecodable": "有消息因类型定义缺失或不受支持而未解码", "messages were not decoded: the definition of their type is missing or not supported";
    "mixed-encoding": "文本编码不一致", "the text is not in one encoding throughout";
    "name-lies": "文件名与内容不符", "the name claims another format than the content";
    "not-text-throughout": "文本中夹有二进制数据", "the text holds stretches of binary data";
    "orphan-inodes": "没有目录指向的文件", "files that no directory names";
    "overlapping-segments": "内存段地址重叠", "segments of memory overlap";
    "path-escapes": "条目名指向容器之外", "an entry's name points outside the container";
    "rebuilt": "索引损坏，内容由各节点重组", "the index is broken; the content was put together from what could be found";
    "schema-applied": "按同组的表结构说明读取", "read with the table schema that lies beside it";
    "snapshots-not-rebuilt": "快照未还原，其簇按原始字节检视", "snapshots were not rebuilt; their clusters were inspected as raw bytes";
    "spanned": "多卷归档，其余卷不在此处", "one volume of several; the others are not here";
    "special-file": "设备、管道或套接字", "a device, pipe or socket";
    "symlink": "符号链接（记录，不跟随）", "a symbolic link; recorded, not followed";
    "symlink-outside": "符号链接指向输入目录之外", "a symbolic link that leads out of the input";
    "syntax-error": "语法错误，其余按文本检视", "a syntax error; the rest was read as plain text";
    "timed-out": "超时", "the time given was over";
    "truncated": "文件在此处中断", "the file ends before its structure does";
    "unfinalised": "记录未正常结束，按现有内容读取", "the recording was not closed; what is there was read";
    "unreadable": "无法读取", "could not be read";
    "unsupported-method": "不支持的压缩方法", "a compression method that is not supported";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_unique() {
        assert!(NOTES.windows(2).all(|w| w[0].code < w[1].code));
    }
}
