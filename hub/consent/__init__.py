"""Need-to-know disclosure: who may know which field of which message, why, and on which basis (R-DIS-01…10).

`compile.compile_policy` reads and proves the rules, `decide.decide` decides one message for one candidate,
`redact.cut` cuts the payload to it. Pure: standard library only, no clock.
"""
