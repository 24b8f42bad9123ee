"""Batch runs over many articles.

    sources -> chunks -> Done -> shards -> output

:mod:`.chunks` cuts the input into chunks of articles; :mod:`.work` says what is found in each, here, in several
processes (:mod:`.workers`) or on a cluster (:mod:`.ray`), in the same order; :mod:`.shards` writes that into files and
notes in the :mod:`.manifest` what is on the disk, so that the same command goes on where a run was interrupted. Chunks
and shards depend on the input alone, so the number of workers and where they are do not change the output.
"""
