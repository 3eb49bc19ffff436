"""What goes wrong with a schema itself."""

from __future__ import annotations

from hub.errors import NotConfigured


class SchemaRefused(NotConfigured):
    """No schema of Avro 1.12, or one beyond our limits; `path` says where in it."""

    code = "schema-refused"

    def __init__(self, path: str, message: str, *, fix: str) -> None:
        """Keep the path apart too, for whoever lists findings.

        Args:
            path: Dotted, `[]` after a list and `{}` after a map; empty for the whole schema.
            message: What is wrong there, as the end of a sentence that begins with the path.
            fix: What would be right.
        """
        super().__init__(f"{path or 'the schema'}: {message}", fix=fix)
        self.path = path
