from __future__ import annotations

from pathlib import Path

from conflict_events.digests import sha256_of


def test_sha256_of_a_file_longer_than_a_read(tmp_path: Path) -> None:
    # 100,000 zero bytes; the value is that of "head -c 100000 /dev/zero | sha256sum"
    path = tmp_path / "zeros"
    path.write_bytes(bytes(100_000))
    assert sha256_of(path) == "9192c25b734fcbadbe32dadc28089c60db0e39f90cc20ce2e5733f57261acc0c"
