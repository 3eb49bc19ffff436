"""What Avro's own compatibility does not see: whether a new version says the same, to the same people.

`classes` asks who may know, `semantics` what is meant, `lint` what one schema alone must keep; `signing`
releases what somebody answered for by name, and `rules` says of every rule what it is and why.
"""
