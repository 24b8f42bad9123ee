"""Results -> shards -> the output."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain

from conflict_events.batch.chunks import Done, Found
from conflict_events.batch.layout import Layout
from conflict_events.batch.manifest import Counts, Manifest, Shard
from conflict_events.digests import sha256_of
from conflict_events.errors import OutputError
from conflict_events.writers import JsonlWriter, writing


def write_shards(
    done: Iterator[Done],
    layout: Layout,
    manifest: Manifest,
    size: int,
    starts: Sequence[int],
    told: Callable[[Done], None],
) -> None:
    """Write results into shards, each noted in the manifest once it is on the disk.

    A run without any results has one empty shard.

    Args:
        done: what came of the chunks, in order, from ``manifest.next`` on.
        layout: where to.
        manifest: of the run.
        size: records after which a shard ends, with the chunk that they are in.
        starts: bytes of the input before each source.
        told: is given every chunk's results when they are written, if not yet on the disk.

    Raises:
        OutputError: if something cannot be written. What was noted stays, and a later run goes on there.
    """
    while (first := next(done, None)) is not None or not manifest.shards:
        number, path = len(manifest.shards), layout.shard(len(manifest.shards))
        counts, last, records = Counts(), None, 0
        with ExitStack() as stack:
            found = stack.enter_context(layout.writer(path))
            bad = stack.enter_context(JsonlWriter(layout.shard_errors(number)))
            for last in chain([first], done) if first else ():
                for result in last.results:
                    if isinstance(result, Found):
                        found.put(result.rendered)
                        counts += Counts(1, result.events, result.spans, skipped=result.skipped)
                    else:
                        bad.write(result.to_record())
                        counts += Counts(bad=1)
                told(last)
                records += len(last.results)
                if records >= size:
                    break
        if not counts.bad:
            bad.path.unlink()
        place = last.next if last else manifest.next
        read = starts[last.next.source] + last.read if last else 0
        manifest.add(Shard(path.stat().st_size, sha256_of(path), place, read, counts))


def check_shards(layout: Layout, manifest: Manifest, thoroughly: bool = False, errors: bool = True) -> None:
    """See whether the shards are as they were written: by size, or by every byte; and the bad records among them.

    Raises:
        OutputError: naming the first that is not.
    """
    for number, shard in enumerate(manifest.shards):
        path = layout.shard(number)
        if (
            not path.is_file()
            or path.stat().st_size != shard.size
            or (thoroughly and sha256_of(path) != shard.sha256)
            or (errors and shard.counts.bad and not layout.shard_errors(number).is_file())
        ):
            raise OutputError(
                "the shard is not as the run has left it",
                where=str(path),
                remedy="put it back, or begin anew with runner.restart=true",
            )


def complete(layout: Layout, manifest: Manifest) -> None:
    """Make the output of the shards, and note that it is complete.

    One file is written beside its shards and takes its name when it is whole; it needs room for both until then.

    Raises:
        OutputError: if it cannot be written, or a shard was changed.
    """
    numbers = range(len(manifest.shards))
    if layout.single:
        check_shards(layout, manifest, thoroughly=True)
        with layout.writer(layout.output) as writer:
            for number in numbers:
                writer.join(layout.shard(number))
    if manifest.counts.bad:
        with JsonlWriter(layout.errors) as errors:
            for number in numbers:
                if manifest.shards[number].counts.bad:
                    errors.join(layout.shard_errors(number))
    else:
        layout.errors.unlink(missing_ok=True)
    size = layout.output.stat().st_size if layout.single else None
    manifest.finish({"size": size})
    with writing(layout.parts):
        layout.clear(keep_shards=True)
