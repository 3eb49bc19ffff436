"""Plain Avro: schemas parsed and normalised, their digests, and whether one can read what another wrote.

Knows nothing of the hub. Nothing here calls itself: a hostile schema meets limits, never the end of the
stack.
"""
