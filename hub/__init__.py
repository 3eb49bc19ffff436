"""The Partner Integration Message Hub: need-to-know messaging for probation, prisons and partners.

What an organisation sends reaches those concerned with the case, and of it only what each may know.
`hub/__main__.py` is the way in; the README tells how to begin.
"""

__version__ = "0.1.0"
