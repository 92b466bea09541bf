"""The page of a bundle for people."""

from __future__ import annotations

from collections import Counter
from typing import Final

from roadwarden.ledger.checkpoint import Checkpoint
from roadwarden.ledger.leaves import LeafKind

_PAGE: Final = """# 案件 {case} 存证包

本压缩包包含案件 {case} 截至日志第 {size} 条记录时的全部事件及其存证证明。

- 事件 {events} 条 (`events.jsonl`), 证据照片哈希 {evidence} 条, 修复评价 {assessments} 条, 随附照片 {images} 张
- 日志: `{origin}`, 共 {size} 条记录, 根哈希 `{root}`
- 个人信息 (姓名, 文字说明) 不在日志中, 日志只存加盐哈希; 已删除或未随附的内容显示为 `[erased]`
- 删除记录 {erasures} 条: 依法或按期限删除的照片和文字, 由日志中的 `erasure` 记录说明, 不影响核验

## 如何核验 (无需联网, 无需我方服务器)

1. 从我方**另行**取得日志公钥文件 (例如 `log.pub`), 不要使用随本包一起收到的公钥。
2. 安装 Roadwarden, 执行:

       roadwarden ledger verify BUNDLE.zip --key log.pub

3. 输出 `verified` 且退出码为 0 即通过; 本包任何一个字节被改动都不会通过。

核验证明: 这些事件在检查点签署之前已写入日志, 此后未被修改。
核验不证明: 事件本身属实; 检查点之后没有新事件; 各方看到的是同一份日志 (请与见证方保存的检查点对照)。

# Evidence bundle of case {case}

Everything that happened to case {case} up to record {size} of the log, with the proofs that it is in the log.

- {events} events (`events.jsonl`), {evidence} hashes of evidence, {assessments} assessments, {images} pictures enclosed
- log `{origin}`, {size} records, root hash `{root}`
- personal data (names, free text) is not in the log, only salted hashes are; what is gone reads `[erased]`
- {erasures} erasures of pictures and words, by law or by age, told by `erasure` leaves; the proofs hold without them

## How to check it (no network, none of our servers)

1. Get the log's public key (such as `log.pub`) from us **by another way** than this bundle.
2. Install Roadwarden and run:

       roadwarden ledger verify BUNDLE.zip --key log.pub

3. It prints `verified` and exits with 0. Change any byte of this bundle and it does not.

It proves that these events were in the log when its checkpoint was signed, and were not changed since.
It does not prove that what they say is true, that nothing happened after the checkpoint, or that everybody was shown
the same log: for the last, compare with the checkpoints that a witness keeps.
"""


def bundle_readme(case: str, head: Checkpoint, counts: Counter[str], images: int) -> str:
    """Chinese, then English; the same for the same bundle. ``counts``: leaves of each kind."""
    return _PAGE.format(
        case=case,
        origin=head.origin,
        size=head.size,
        root=head.root.hex(),
        events=counts[LeafKind.EVENT],
        evidence=counts[LeafKind.EVIDENCE],
        assessments=counts[LeafKind.ASSESSMENT],
        erasures=counts[LeafKind.ERASURE],
        images=images,
    )
