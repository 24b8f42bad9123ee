"""Batch runs over many articles.

    sources -> chunks -> Done -> shards -> output

:mod:`.chunks` cuts the input into chunks of articles; a runner (:mod:`.local`, :mod:`.workers`, :mod:`.ray`) gives
back what was found in each, in the same order; :mod:`.shards` writes that into files and notes in the
:mod:`.manifest` what is on the disk, so that the same command goes on where a run was interrupted. Chunks and shards
depend on the input alone, so every runner writes the same bytes.
"""
