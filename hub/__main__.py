"""`python3 -m hub …`: the way in, from a fresh clone with only Python, Java and Maven installed.

Written so that an old Python can still read this file and say in a sentence what it lacks. All else
is in `hub.installation`, which builds the environment on first use and hands over to `hub.cli`.
"""

import sys

OLDEST_PYTHON = (3, 11)


def main():  # type: ignore[no-untyped-def]  # noqa: ANN201 - an annotation would stop old Pythons here
    """Refuse an old Python by name, else go on in `hub.installation`."""
    if sys.version_info < OLDEST_PYTHON:
        found = "%d.%d" % sys.version_info[:2]
        sys.stderr.write(
            "The hub needs Python 3.11 or newer; this is Python %s (%s).\n"
            "Install a newer Python and type: python3.11 -m hub\n" % (found, sys.executable)
        )
        raise SystemExit(2)
    from hub.installation.handover import run  # noqa: PLC0415 - only a new enough Python can read it

    run(sys.argv[1:])


if __name__ == "__main__":
    main()  # type: ignore[no-untyped-call]
