"""Texts at the edges of what Avro Java's parser takes; whether it does is asked of it, not written here."""

from __future__ import annotations


def _record(fields: str, rest: str = "") -> str:
    return f'{{"type": "record", "name": "p.R", "fields": [{fields}]{rest}}}'


def _field(type_: str, rest: str = "") -> str:
    return _record(f'{{"name": "f", "type": {type_}{rest}}}')


def _named(rest: str) -> str:
    return f'{{"type": "fixed", "size": 4, {rest}}}'


_JSON = (
    "",
    " ",
    "null",
    "12",
    "true",
    "{}",
    "[]",
    '"int"',
    "'int'",
    ' \t\r\n "int" ',
    '"int" \u0001',
    '\u0001"int"',
    '\ufeff"int"',
    '"int" "long"',
    '"int"]',
    '"int" // after',
    '// before\n"int"',
    '/* before */ "int"',
    '/* never ends "int"',
    '[/* within */ "int", // and\n "long"]',
    '["int",]',
    '["in\\u0074"]',
    '"in/*t*/t"',
    '{"type": "int", "x": "// no comment"}',
    '{"type": "int", "x": NaN}',
    '{"type": "int", "x": 01}',
    '{"type": "int", "x": 1.}',
    '{"type": "int", "x": -0, "y": 1E300, "z": 1e-400}',
    '{"type": "int", "type": "long"}',
    '{"type": "int", "x": 1, "x": 2}',
    '{"type": "int", "x": "\\ud800"}',
    '{"type": "int", "x": "tab\there"}',
    '{"type": "int", "x": ' + "9" * 1000 + "}",
    '{"type": "int", "x": ' + "9" * 1001 + "}",
    '{"type": "int", "x": ' + "[" * 60 + "]" * 60 + "}",
)
_NUMBERS = (
    _record("", f', "x": {2**63 - 1}'),
    _record("", f', "x": {2**63}'),
    _record("", f', "x": [{{"y": {-(2**63) - 1}}}]'),
    _record("", f', "doc": {2**70}'),
    f'{{"type": "array", "items": "int", "x": {2**63}}}',
    f'{{"type": "map", "values": "int", "x": {2**63}}}',
    f'{{"type": "enum", "name": "E", "symbols": ["A"], "x": {2**63}}}',
    f'{{"type": "int", "x": {2**63}}}',
    _field('"int"', f', "x": {2**63}'),
    *(_field('"int"', f', "default": {value}') for value in (2**31 - 1, 2**31, -(2**31), "1.0", "true")),
    *(_field('"long"', f', "default": {value}') for value in (2**63 - 1, 2**63, "1e3", "null")),
    *(
        _field('"double"', f', "default": {value}')
        for value in (
            *(
                1,
                1.5,
                2**70,
                '"1.5"',
                '" 1.5f "',
                '"1_0"',
                '"NaN"',
                '"-Infinity"',
                '"inf"',
                '"0x1p3"',
                '"0x.8P1d"',
            ),
            *('"1."', '".5"', '"."', '""', '"1e5D"', '"+1"', '"\u0661"', '"0x1"', "[]"),
        )
    ),
    _field('["null", "double"]', ', "default": "1.5"'),
    *(
        f'{{"type": "fixed", "name": "F", "size": {size}}}'
        for size in (0, -1, 2**31 - 9, 2**31 - 8, 2**31, "4.0", "null")
    ),
)
_NAMES = (
    *(
        _named(f'"name": "{name}"')
        for name in (
            *(
                "F",
                "_f1",
                "1f",
                "",
                "a.F",
                ".F",
                "a..F",
                "a.",
                "..F",
                "a b.F",
                "a.1.F",
                "é",
                "ß1",
                "数",
                "F\u0661",
            ),
            *(
                "\u0661F",
                "F\u00b2",
                "F\u2160",
                "\U00010400",
                "F-",
                "F$",
                "int",
                "a.int",
                "record",
                "array",
                "a.null",
            ),
        )
    ),
    *(
        _named(f'"name": "F", "namespace": {space}')
        for space in ('"a"', '""', "null", "3", '"a.b"', '"a..b"', '"a."', '".a"', '"1"', '" "')
    ),
    _named('"name": "x.F", "namespace": "1"'),
    *(
        _named(f'"name": "a.F", "aliases": {aliases}')
        for aliases in (
            '["B", "B"]',
            '["b.B"]',
            '[".B"]',
            '["1.B"]',
            '["a b.B"]',
            '["b."]',
            '[""]',
            '["1"]',
            "[1]",
            "null",
            '"B"',
            "[]",
        )
    ),
    _field('"int"', ', "aliases": ["any thing", "", "f", "f"]'),
    _field('"int"', ', "aliases": null'),
    *(
        _field('"int"', f', "order": {order}')
        for order in ('"ignore"', '"DESCENDING"', '"\u0131gnore"', '"up"', "null", "1")
    ),
    *(_field('"int"', f', "doc": {doc}') for doc in ("null", "1", '{"a": 1}')),
    '{"type": "enum", "name": "E", "symbols": [], "default": null}',
    '{"type": "enum", "name": "E", "symbols": ["A"], "default": 3}',
    '{"type": "enum", "name": "E", "symbols": ["A", 1]}',
    '{"type": "enum", "name": "E", "symbols": ["A", "a-b"]}',
    '{"type": "enum", "name": "E", "symbols": "A"}',
)
_INNER = '{"type": "record", "name": "B", "fields": [{"name": "x", "type": "int"}]}'
_REFERENCES = (
    _record(f'{{"name": "a", "type": {_INNER}}}, {{"name": "b", "type": {_INNER}}}'),
    _record(f'{{"name": "a", "type": {_INNER}}}, {{"name": "b", "type": {_INNER.replace("int", "long")}}}'),
    _record(
        '{"name": "a", "type": {"type": "record", "name": "B", "doc": "x", "fields": []}},'
        '{"name": "b", "type": {"type": "record", "name": "B", "aliases": ["C"], "fields": []}}'
    ),
    *(
        _record(
            f'{{"name": "a", "type": {{"type": "record", "name": "B", "fields": [], "x": {one}}}}},'
            f'{{"name": "b", "type": {{"type": "record", "name": "B", "fields": [], "x": {two}}}}}'
        )
        for one, two in (("1", "1"), ("1", "1.0"), ("1", "true"), ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}'))
    ),
    *(
        _record(
            f'{{"name": "a", "type": {{"type": "record", "name": "B", "fields": [{one}]}}}},'
            f'{{"name": "b", "type": {{"type": "record", "name": "B", "fields": [{two}]}}}}'
        )
        for one, two in (
            ('{"name": "n", "type": ["null", "B"]}', '{"name": "n", "type": ["null", "B"]}'),
            (
                '{"name": "n", "type": "double", "default": "1.5f"}',
                '{"name": "n", "type": "double", "default": 1.5}',
            ),
            (
                '{"name": "n", "type": "double", "default": 1}',
                '{"name": "n", "type": "double", "default": 1.0}',
            ),
            (
                '{"name": "n", "type": "int", "order": "ignore"}',
                '{"name": "n", "type": "int", "order": "IGNORE"}',
            ),
            ('{"name": "n", "type": "int", "order": "ignore"}', '{"name": "n", "type": "int"}'),
            ('{"name": "n", "type": "int", "doc": "x"}', '{"name": "n", "type": "int", "aliases": ["m"]}'),
        )
    ),
    '["Foo", {"type": "fixed", "name": "Foo", "size": 4}]',
    '[{"type": "fixed", "name": "Foo", "size": 4}, ' + _field('"Foo"') + "]",
    "[" + _field('"Foo"') + ', {"type": "fixed", "name": "Foo", "size": 4}]',
    "[" + _field('"q.Foo"') + ', {"type": "fixed", "name": "q.Foo", "size": 4}]',
    _field('"R"'),
    _field('"p.R"', ', "default": {}'),
    _field('".R"'),
    _field('["null", "R", "p.R"]'),
    _field('{"type": "R"}'),
    _field('{"type": ["null"]}'),
    _field("null"),
    *(
        _record(
            f'{{"name": "e", "type": "E", "default": {default}}},'
            '{"name": "g", "type": {"type": "enum", "name": "E", "symbols": ["A"]}}'
        )
        for default in ('"A"', "{}")
    ),
    '[{"type": "fixed", "name": "array", "size": 4}, {"type": "array", "items": "int"}]',
    _record('{"name": "a-b", "type": "int"}'),
    _record("3"),
    _record('{"type": "int"}'),
    _record('{"name": "a"}'),
    _record('{"name": "a", "type": "int"}, {"name": "a", "type": "int"}'),
    '{"type": "error", "name": "X", "fields": []}',
    '{"type": "record", "name": "X", "fields": {}}',
    '{"type": "record", "fields": []}',
    '{"type": "array"}',
    '{"type": "map", "values": null}',
    '{"type": "union"}',
    '[["int"]]',
    '["int", {"type": "int", "logicalType": "date"}]',
)
# The default of Y's field needs Z's fields, Z leads to Q and Q to Y: where X leads first decides.
_ORDER = tuple(
    "["
    + ", ".join(
        (
            f'{{"type": "record", "name": "X", "fields": [{fields}]}}',
            '{"type": "record", "name": "Y", "fields": [{"name": "z", "type": "Z", "default": {}}]}',
            (
                '{"type": "record", "name": "Z",'
                ' "fields": [{"name": "q", "type": ["null", "Q"], "default": null}]}'
            ),
            '{"type": "record", "name": "Q", "fields": [{"name": "y", "type": "Y"}]}',
        )
    )
    + "]"
    for fields in (
        '{"name": "a", "type": "Y"}, {"name": "b", "type": "Q"}',
        '{"name": "a", "type": "Q"}, {"name": "b", "type": "Y"}',
        '{"name": "a", "type": ["Y", "Q"]}',
        '{"name": "a", "type": ["Q", "Y"]}',
    )
)
TEXTS = (*_ORDER, *_JSON, *_NUMBERS, *_NAMES, *_REFERENCES)
